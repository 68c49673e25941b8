"""Covers that a person bought for themselves: what counts when covers pile up."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.bursts import bursts

FIXED_LINES = ("accident", "critical_illness", "life")


def personal_covers(book: Book) -> ir.Table:
    """Fixed-benefit policies with an insured, once per co-insured cover; gift, group and compulsory ones are left out.

    Returns
    -------
    Table
        Rows of ``policy_view`` with ``day`` (issued, else started).
    """
    policies = book["policy_view"].filter(lambda t: t.insured_id.notnull())
    fixed = (
        policies.fixed.fill_null(False) | (policies.daily_benefit > 0).fill_null(False) | policies.line.isin(FIXED_LINES).fill_null(False)
    )
    forced = policies.gift.fill_null(False) | policies.compulsory.fill_null(False)
    group = (policies.channel == "group").fill_null(False) | policies.group_id.notnull()
    own = policies.filter(fixed & ~forced & ~group)
    own = own.mutate(day=ibis.coalesce(own.issued_on, own.starts_on), cover_id=ibis.coalesce(own.co_insurance_id, own.policy_id))
    first = own.mutate(place=ibis.row_number().over(group_by=("insured_id", "cover_id"), order_by="policy_id"))
    return first.filter(first.place == 0).drop("place")


def buying_sprees(book: Book, days: int, insurers: float, policies: float) -> ir.Table:
    """People for whom covers were bought at many insurers at once.

    Parameters
    ----------
    book : Book
        With ``policy_view``.
    days : int
        Window.
    insurers, policies : float
        Least number of each within the window; a book of fewer insurers asks for all of its own, two at least.

    Returns
    -------
    Table
        insured_id, last_day, insurers, policies: the largest window of each person.
    """
    covers = personal_covers(book).filter(lambda t: t.renewal_of.isnull())
    own = covers.filter(covers.policy_id.count().over(group_by="insured_id") >= policies)
    many = bursts(own, ("insured_id",), "policy_id", days).rename(policies="burst")
    broad = bursts(own, ("insured_id",), "insurer", days).rename(insurers="burst")
    known = book["policy_view"].insurer.nunique().as_scalar()
    needed = ibis.greatest(ibis.least(ibis.literal(int(insurers)), known), 2)
    both = many.inner_join(broad, ["insured_id", "last_day"])
    hit = both.filter((both.policies >= policies) & (both.insurers >= needed))
    ranked = hit.mutate(
        place=ibis.row_number().over(group_by="insured_id", order_by=[ibis.desc("insurers"), ibis.desc("policies"), "last_day"])
    )
    return ranked.filter(ranked.place == 0).drop("place")


def spree_policies(book: Book, sprees: ir.Table, days: int) -> ir.Table:
    """The policies of the sprees, with ``last_day``, ``insurers`` and ``policies``."""
    joined = personal_covers(book).inner_join(sprees, "insured_id")
    age = joined.last_day.delta(joined.day, unit="day")
    return joined.filter((age >= 0) & (age < days))
