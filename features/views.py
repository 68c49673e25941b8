"""The two wide views that features and red flags read: one row per claim, one row per policy, all parties as entities."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.icd import chapter
from features.joins import attach
from features.schema import OPEN_STATUSES

ROLE_COLUMNS = (
    "insured", "holder", "claimant", "agent", "hospital", "doctor", "garage", "payee", "driver", "owner", "reporter",
    "employer", "assessor", "appraiser", "lawyer", "proxy",
)  # fmt: skip

_CLAIM = (
    "claim_id", "insurer", "received_at", "event_id", "policy_id", "event_at", "reported_at", "admitted_on", "discharged_on", "closed_on",
    "claimed_amount", "paid_amount", "status", "district", "reporter_phone", "police_report_no",
)  # fmt: skip
_POLICY = (
    "policy_id", "line", "product", "channel", "group_id", "gift", "compulsory", "issued_on", "starts_on", "ends_on", "renewal_of",
    "premium", "sum_insured",
)  # fmt: skip


def claim_view(book: Book) -> ir.Table:
    """One row per claim with its policy, money, dates, parties (entity ids, the least where a role has several) and diagnosis.

    ``person_id`` is the insured, else the claimant; ``amount`` is paid where known, else claimed (decimal CNY);
    ``stay_days`` and ``policy_age_days`` are whole days; ``cover_id`` is one for co-insured policies, else the policy.
    """
    view = book["claims"].select(*_CLAIM)
    view = attach(view, _roles(book), "claim_id")
    view = attach(view, _policies(book), "policy_id")
    view = _with_parties(view)
    for part in (_bills(book), _items(book), _diagnoses(book), _vehicles(book)):
        view = attach(view, part, "claim_id")
    view = _with_people(view, book["entities"])
    return view.mutate(**_derived(view))


def _derived(view: ir.Table) -> dict[str, ir.Value]:
    undecided = view.status.isnull() & view.paid_amount.isnull()
    return {
        "amount": ibis.coalesce(view.paid_amount, view.claimed_amount),
        "open": view.status.isin(OPEN_STATUSES).fill_null(False) | undecided,
        "stay_days": view.discharged_on.delta(view.admitted_on, unit="day"),
        "policy_age_days": view.event_at.cast("date").delta(view.starts_on, unit="day"),
        "term_days": view.ends_on.delta(view.starts_on, unit="day"),
        "chapter": chapter(view.diagnosis),
        "cover_id": ibis.coalesce(view.co_insurance_id, view.policy_id, view.claim_id),
    }


def _roles(book: Book) -> ir.Table:
    roles = book["claim_roles"]
    # A third faster than ``min(where=...)``.
    least = {f"role_{r}": ibis.ifelse(roles.role == r, roles.entity_id, ibis.null()).min() for r in ROLE_COLUMNS}
    return roles.group_by("claim_id").agg(**least)


def _policies(book: Book) -> ir.Table:
    """Policies with their covers, ready to be attached to claims."""
    policies = book["policies"]
    wide = policies.select(
        *_POLICY, "insured_entity", "holder_entity", "agent_entity", "waiting_ends_on",
        policy_district=ibis.coalesce(policies.sold_district, policies.district),
    )  # fmt: skip
    wide = attach(attach(wide, _covers(book), "policy_id"), _renewed(book), "policy_id")
    waiting = ibis.coalesce(wide.waiting_ends_on, wide.cover_waiting_ends_on)
    return wide.mutate(waiting_ends_on=waiting, renewed=wide.renewed.fill_null(False)).drop("cover_waiting_ends_on")


def _covers(book: Book) -> ir.Table:
    covers = book["policy_coverages"]
    return covers.group_by("policy_id").agg(
        daily_benefit=covers.daily_benefit.max(),
        indemnity=(covers.kind == "indemnity").any(),
        fixed=(covers.kind == "fixed").any(),
        co_insurance_id=covers.co_insurance_id.min(),
        cover_waiting_ends_on=covers.waiting_ends_on.min(),
    )


def _renewed(book: Book) -> ir.Table:
    later = book["policies"].filter(lambda t: t.renewal_of.notnull())
    return later.group_by(policy_id=later.renewal_of).agg(renewed=later.count() > 0)


def _with_parties(view: ir.Table) -> ir.Table:
    """Entity id columns: the claim's own role first, then what the policy says."""
    policy = {"insured": "insured_entity", "holder": "holder_entity", "agent": "agent_entity"}
    named = {f"{r}_id": ibis.coalesce(view[f"role_{r}"], view[policy[r]]) if r in policy else view[f"role_{r}"] for r in ROLE_COLUMNS}
    wide = view.mutate(**named).drop(*(f"role_{r}" for r in ROLE_COLUMNS), *policy.values())
    return wide.mutate(person_id=ibis.coalesce(wide.insured_id, wide.claimant_id))


def _bills(book: Book) -> ir.Table:
    bills = book["claim_bills"]
    invoice = bills.invoice_code.fill_null("") + "|" + bills.invoice_no
    return bills.group_by("claim_id").agg(bill_total=bills.total.sum(), invoice=invoice.min(), split_note=bills.split_note.any())


def _items(book: Book) -> ir.Table:
    items = book["claim_items"]
    shares = {f"{c}_amount": items.amount.sum(where=items.category == c) for c in ("drug", "test")}
    return items.group_by("claim_id").agg(items=items.count(), items_amount=items.amount.sum(), **shares)


def _diagnoses(book: Book) -> ir.Table:
    diagnoses = book["claim_diagnoses"]
    return diagnoses.group_by("claim_id").agg(diagnosis=diagnoses.code.argmin(diagnoses.seq))


def _vehicles(book: Book) -> ir.Table:
    own = book["claim_objects"].filter(lambda t: t.side.fill_null("own") == "own")
    return own.group_by("claim_id").agg(vehicle_id=own.object_entity.min())


def _with_people(view: ir.Table, entities: ir.Table) -> ir.Table:
    person = entities.select(
        "entity_id", "birth_date", "gender", "deceased_on", home_district=entities.district, person_family=entities.family_id
    )
    hospital = entities.select(
        "entity_id", hospital_level=entities.level, hospital_specialty=entities.specialty, hospital_district=entities.district
    )
    view = attach(view, person, {"person_id": "entity_id"})
    view = attach(view, hospital, {"hospital_id": "entity_id"})
    return view.mutate(family_id=ibis.coalesce(view.person_family, view.person_id, view.claim_id)).drop("person_family")


def policy_view(book: Book) -> ir.Table:
    """One row per policy with its parties (entity ids), its surrender and how many claims it had."""
    policies = book["policies"]
    view = policies.select(
        *_POLICY, "insurer", "received_at", "agent_entity", "holder_entity", "insured_entity", "beneficiary_entity", "waiting_ends_on",
        "commission", "bonus", "district", "sold_district", "device_id", "recording_quality",
    ).rename({f"{r}_id": f"{r}_entity" for r in ("agent", "holder", "insured", "beneficiary")})  # fmt: skip
    for part in (_surrenders(book), _claim_counts(book), _covers(book).drop("cover_waiting_ends_on"), _renewed(book)):
        view = attach(view, part, "policy_id")
    for side in ("holder", "insured"):
        entities = book["entities"]
        family = entities.select("entity_id", **{f"{side}_family": ibis.coalesce(entities.family_id, entities.entity_id)})
        view = attach(view, family, {f"{side}_id": "entity_id"})
    return view.mutate(claims=view.claims.fill_null(0), renewed=view.renewed.fill_null(False))


def _surrenders(book: Book) -> ir.Table:
    events = book["policy_events"].filter(lambda t: t.kind == "surrender")
    return events.group_by("policy_id").agg(
        surrendered_on=events["at"].min().cast("date"),
        surrender_amount=events.amount.sum(),
        surrender_cash_value=events.cash_value.sum(),
    )


def _claim_counts(book: Book) -> ir.Table:
    claims = book["claims"].filter(lambda t: t.policy_id.notnull())
    return claims.group_by("policy_id").agg(claims=claims.count(), first_claim_at=claims.event_at.min())
