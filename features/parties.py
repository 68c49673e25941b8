"""Features of persons: their claims in any role, and their policies."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.activity import activity, group, known, log1p, numbers, onto, share, within
from features.book import Book
from features.joins import attach

_CLAIM = (
    "claim_id", "insurer", "received_at", "event_at", "amount", "line", "hospital_id", "garage_id", "vehicle_id", "agent_id", "family_id",
    "policy_age_days", "open", "district",
)  # fmt: skip
_POLICY = ("policy_id", "insurer", "received_at", "issued_on", "agent_id", "sum_insured", "claims", "surrendered_on")
ROLES = {"paid_claims": ("payee",), "reported_claims": ("reporter",), "witnessed_claims": ("witness", "third_party", "passenger")}
"""Feature → roles: claims in which a person had one of them."""
MIXED = "mixed"


def features(book: Book, spine: ir.Table) -> ir.Table:
    """One row per spine row of kind person.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of, line (``mixed`` where several), ``by_*`` peer keys and float64 features
        (counts, money in CNY, shares in 0..1, times in days).
    """
    people = spine.filter(spine.subject_kind == "person")
    played = activity(people, book["claim_roles"].filter(lambda t: t.entity_kind == "person"), "entity_id")
    parts = (_claims(book, people, played), _roles(played), _policies(book, people), _events(book, people))
    wide = onto(people, *parts).relocate(*ROLES, after="roles")
    entities = book["entities"].select("entity_id", "birth_date", "gender", "occupation_class")
    wide = attach(wide, entities, {"subject_id": "entity_id"})
    decade = wide.as_of.delta(wide.birth_date, unit="day") // 3652
    keyed = wide.mutate(by_line=group(wide.line), by_age=group(decade, wide.gender), by_occupation=group(wide.occupation_class))
    return numbers(keyed.drop("birth_date", "gender", "occupation_class"))


def line_of(rows: ir.Table) -> ir.Value:
    """The line of a group of rows, ``mixed`` where there are several."""
    return ibis.ifelse(rows.line.min() != rows.line.max(), MIXED, rows.line.min())


def _claims(book: Book, people: ir.Table, played: ir.Table) -> ir.Table:
    """Every claim once, whatever roles the person has in it."""
    roles = {n: played.role.isin(names).any() for n, names in ROLES.items()}
    parts = played.group_by("row", "claim_id").agg(**roles)
    dated = parts.inner_join(people.select("row", "as_of"), "row")
    rows = known(dated.inner_join(book["claim_view"].select(*_CLAIM), "claim_id"))
    recent, age = within(rows.event_at, rows.as_of, 365), rows.as_of.delta(rows.event_at.cast("date"), unit="day")
    return rows.group_by("row").agg(
        line=line_of(rows),
        claims=rows.count(),
        claims_90=within(rows.event_at, rows.as_of, 90).sum(),
        claims_365=recent.sum(),
        amount_365=rows.amount.sum(where=recent),
        log_amount=log1p(rows.amount.sum()),
        mean_log_amount=log1p(rows.amount).mean(),
        open_claims=rows.open.sum(),
        claim_insurers=rows.insurer.nunique(),
        hospitals=rows.hospital_id.nunique(),
        garages=rows.garage_id.nunique(),
        vehicles=rows.vehicle_id.nunique(),
        families=rows.family_id.nunique(),
        districts=rows.district.nunique(),
        early_share=(rows.policy_age_days <= 90).mean(),
        claim_span_days=age.max() - age.min(),
        **{n: rows[n].sum() for n in ROLES},
    )


def _roles(played: ir.Table) -> ir.Table:
    return played.group_by("row").agg(roles=played.role.nunique())


def _policies(book: Book, people: ir.Table) -> ir.Table:
    """Every policy once, though its holder be its insured."""
    policies = book["policy_view"]
    insured = policies.select(*_POLICY, side="insured_id")
    others = policies.filter((policies.holder_id != policies.insured_id).fill_null(True))
    rows = activity(people, ibis.union(insured, others.select(*_POLICY, side="holder_id")), "side")
    return rows.group_by("row").agg(
        policies=rows.count(),
        policies_90=within(rows.issued_on, rows.as_of, 90).sum(),
        policies_365=within(rows.issued_on, rows.as_of, 365).sum(),
        policy_insurers=rows.insurer.nunique(),
        policy_agents=rows.agent_id.nunique(),
        log_sum_insured=log1p(rows.sum_insured.max()),
        loss_ratio=share(rows.claims.sum(), rows.count()),
        surrender_share=rows.surrendered_on.notnull().mean(),
    )


def _events(book: Book, people: ir.Table) -> ir.Table:
    events = activity(people, book["policy_events"], "by_entity")
    complaints = events.filter(events.kind == "complaint")
    return complaints.group_by("row").agg(complaints=complaints.count())
