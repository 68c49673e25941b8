"""Features of policies: price, cover, people and how soon it was used or given back."""

from __future__ import annotations

import ibis.expr.types as ir

from features.activity import group, log1p, numbers, share
from features.book import Book
from features.joins import attach

COMPANY = {"insured_policies": "insured_id", "device_policies": "device_id"}


def features(book: Book, spine: ir.Table) -> ir.Table:
    """One row per spine row of kind policy: subject_kind, subject_id, as_of, line, ``by_*`` peer keys and float64 features."""
    view, tonight = book["policy_view"], spine.filter(spine.subject_kind == "policy")
    policies = _with_company(view.semi_join(tonight, view.policy_id == tonight.subject_id), view)
    own = (policies.agent_id == policies.holder_id) | (policies.agent_id == policies.insured_id)
    measured = policies.select(
        subject_id="policy_id",
        line="line",
        by_product=group(policies.line, policies["product"]),
        by_channel=group(policies.line, policies.channel),
        log_premium=log1p(policies.premium),
        log_sum_insured=log1p(policies.sum_insured),
        leverage=share(policies.sum_insured, policies.premium),
        commission_ratio=share(policies.commission.fill_null(0) + policies.bonus.fill_null(0), policies.premium),
        issue_to_start_days=policies.starts_on.delta(policies.issued_on, unit="day"),
        claims=policies.claims,
        days_to_claim=policies.first_claim_at.cast("date").delta(policies.starts_on, unit="day"),
        days_to_surrender=policies.surrendered_on.delta(policies.starts_on, unit="day"),
        refund_ratio=share(policies.surrender_amount, policies.surrender_cash_value),
        out_of_region=policies.district != policies.sold_district,
        unrelated_holder=policies.holder_family != policies.insured_family,
        through_own_agent=own,
        **{n: policies[n] for n in COMPANY},
    )
    return numbers(attach(tonight.drop("row"), measured, "subject_id"))


def _with_company(policies: ir.Table, every: ir.Table) -> ir.Table:
    """Add how many policies share the insured or the device."""
    for name, column in COMPANY.items():
        sharing = every.filter(every[column].notnull()).group_by(column).agg(**{name: lambda t: t.count()})
        policies = attach(policies, sharing, column)
    return policies
