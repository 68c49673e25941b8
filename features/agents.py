"""Features of agents: what they sold, how long it lasted, what it cost and what it came to."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.activity import activity, group, log1p, numbers, onto, share, within
from features.book import Book
from features.joins import attach
from features.parties import line_of

THIRTEEN_MONTHS = 396
"""Days: the usual first measure of persistency."""


def features(book: Book, spine: ir.Table) -> ir.Table:
    """One row per spine row of kind agent.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of, line, ``by_*`` peer keys and float64 features (counts, ratios, shares in 0..1).
    """
    agents = spine.filter(spine.subject_kind == "agent")
    sold = activity(agents, _sold(book), "agent_id")
    wide = onto(agents, _volume(sold), _quality(sold), _contacts(sold), _events(book, agents), _claims(book, agents))
    wide = wide.mutate(complaints_per_100=100 * share(wide.complaints, wide.policies), callback_share=share(wide.failed, wide.policies))
    entities = book["entities"].select("entity_id", home="district")
    wide = attach(wide.drop("complaints", "failed"), entities, {"subject_id": "entity_id"})
    return numbers(wide.mutate(by_line=group(wide.line), by_district=group(wide.home)).drop("home"))


def _sold(book: Book) -> ir.Table:
    """Policies through an agent, with the holder's phone and whether they lapsed."""
    policies = book["policy_view"].filter(lambda t: t.agent_id.notnull())
    holders = book["entities"].select("entity_id", holder_phone="phone")
    lapses = book["policy_events"].filter(lambda t: t.kind == "lapse")
    lapsed = lapses.group_by("policy_id").agg(lapsed_on=lapses["at"].min().cast("date"))
    return attach(attach(policies, holders, {"holder_id": "entity_id"}), lapsed, "policy_id")


def _volume(sold: ir.Table) -> ir.Table:
    age = sold.as_of.delta(sold.issued_on, unit="day")
    return sold.group_by("row").agg(
        line=line_of(sold),
        policies=sold.count(),
        policies_90=within(sold.issued_on, sold.as_of, 90).sum(),
        policies_365=within(sold.issued_on, sold.as_of, 365).sum(),
        burst=share(within(sold.issued_on, sold.as_of, 90).sum() * 4, within(sold.issued_on, sold.as_of, 450).sum()),
        days_since_sale=age.min(),
        log_premium=log1p(sold.premium.sum()),
        commission_ratio=share(sold.commission.sum().fill_null(0) + sold.bonus.sum().fill_null(0), sold.premium.sum()),
        products=sold["product"].nunique(),
    )


def _quality(sold: ir.Table) -> ir.Table:
    ended = ibis.least(sold.surrendered_on.fill_null(ibis.date("9999-12-31")), sold.lapsed_on.fill_null(ibis.date("9999-12-31")))
    old = sold.as_of.delta(sold.starts_on, unit="day") > THIRTEEN_MONTHS
    short = old & (ended.delta(sold.starts_on, unit="day") < THIRTEEN_MONTHS)
    early = sold.first_claim_at.cast("date").delta(sold.starts_on, unit="day") <= 90
    return sold.group_by("row").agg(
        early_claim_share=early.fill_null(False).mean(),
        claim_share=(sold.claims > 0).mean(),
        surrender_share=sold.surrendered_on.notnull().mean(),
        lapse_share=sold.lapsed_on.notnull().mean(),
        ended_in_13_months=share(short.sum(), old.sum()),
        out_of_region_share=(sold.district != sold.sold_district).mean(),
        poor_recording_share=sold.recording_quality.isin(("poor", "missing")).mean(),
    )


def _contacts(sold: ir.Table) -> ir.Table:
    """Holders per distinct phone and device: 1 where everybody has an own one."""
    phones = sold.holder_id.nunique(where=sold.holder_phone.notnull())
    devices = sold.holder_id.nunique(where=sold.device_id.notnull())
    own = (sold.holder_id == sold.agent_id) | (sold.insured_id == sold.agent_id)
    return sold.group_by("row").agg(
        holders_per_phone=share(phones, sold.holder_phone.nunique()),
        holders_per_device=share(devices, sold.device_id.nunique()),
        policies_per_holder=share(sold.count(), sold.holder_id.nunique()),
        own_share=own.mean(),
    )


def _events(book: Book, agents: ir.Table) -> ir.Table:
    policies = book["policies"].select("policy_id", "agent_entity")
    rows = activity(agents, book["policy_events"].inner_join(policies, "policy_id"), "agent_entity")
    return rows.group_by("row").agg(
        complaints=(rows.kind == "complaint").sum(),
        failed=((rows.kind == "callback") & rows.result.isin(("failed", "not_reached", "wrong_number"))).sum(),
    )


def _claims(book: Book, agents: ir.Table) -> ir.Table:
    rows = activity(agents, book["claim_view"], "agent_id")
    return rows.group_by("row").agg(
        customer_claims_365=within(rows.event_at, rows.as_of, 365).sum(),
        log_customer_amount=log1p(rows.amount.sum()),
        customer_hospitals=share(rows.hospital_id.nunique(), rows.claim_id.nunique(where=rows.hospital_id.notnull())),
        mean_policy_age_days=rows.policy_age_days.mean(),
    )
