"""Features of claims: the claim against its cover, and how busy its parties were in the days before it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.activity import DAY, group, log1p, numbers, onto, share
from features.book import Book
from features.joins import attach

WINDOWS = {
    "person_claims_30": ("person_id", 30), "person_claims_90": ("person_id", 90), "person_claims_365": ("person_id", 365),
    "payee_claims_365": ("payee_id", 365), "vehicle_claims_365": ("vehicle_id", 365), "reporter_claims_365": ("reporter_phone", 365),
    "family_claims_365": ("family_id", 365), "agent_claims_90": ("agent_id", 90), "hospital_claims_7": ("hospital_id", 7),
}  # fmt: skip
"""Feature → (party column, days): claims of that party with an event in the days up to and including this one's, itself not counted."""


def features(book: Book, spine: ir.Table) -> ir.Table:
    """One row per spine row of kind claim; null where a claim lacks what a feature needs.

    Windows end at the claim's own event, so the night does not move them; the book holds only what was received before it.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of, line, ``by_*`` peer keys, and float64 features (money in CNY, times in days or hours).
    """
    view, tonight = book["claim_view"], spine.filter(spine.subject_kind == "claim")
    asked = view.semi_join(tonight, view.claim_id == tonight.subject_id)
    claims = attach(attach(asked, _windows(view), "claim_id"), _breadth(view), "person_id")
    measured = claims.select(
        subject_id="claim_id",
        line="line",
        by_line=group(claims.line),
        by_diagnosis=group(claims.line, claims.chapter),
        by_hospital=group(claims.line, claims.hospital_level, claims.hospital_specialty, claims.chapter),
        **_cover(claims),
        **_time(claims),
        **_content(claims),
        **{n: claims[n] for n in (*WINDOWS, "person_insurers", "person_hospitals", "days_since_previous")},
    )
    return numbers(onto(tonight, measured.mutate(as_of=ibis.date(book.as_of.isoformat()))))


def _windows(claims: ir.Table) -> ir.Table:
    """Only what the windows need: each of them sorts every claim anew."""
    parties = {party for party, _ in WINDOWS.values()}
    dated = claims.select("claim_id", *sorted(parties), second=claims.event_at.epoch_seconds().cast("int64"))
    counts = {n: _trailing(dated, party, days) for n, (party, days) in WINDOWS.items()}
    previous = dated.second.lag(1).over(group_by="person_id", order_by=["second", "claim_id"])
    return dated.select("claim_id", "second", **counts, days_since_previous=((dated.second - previous) / DAY))


def _trailing(claims: ir.Table, party: str, days: int) -> ir.Value:
    # Claims without the party stand alone: as one group they would be the largest of all.
    group_of = ibis.coalesce(claims[party], claims.claim_id)
    frame = ibis.range_window(preceding=days * DAY, following=0, group_by=group_of, order_by="second")
    known = claims[party].notnull() & claims.second.notnull()
    return ibis.ifelse(known, claims.claim_id.count().over(frame) - 1, ibis.null())


def _breadth(claims: ir.Table) -> ir.Table:
    known = claims.filter(claims.person_id.notnull())
    return known.group_by("person_id").agg(person_insurers=known.insurer.nunique(), person_hospitals=known.hospital_id.nunique())


def _cover(claims: ir.Table) -> dict[str, ir.Value]:
    return {
        "amount": claims.amount,
        "log_amount": log1p(claims.amount),
        "premium_ratio": share(claims.amount, claims.premium),
        "sum_share": share(claims.amount, claims.sum_insured),
        "policy_age_days": claims.policy_age_days,
        "days_to_end": claims.ends_on.delta(claims.event_at.cast("date"), unit="day"),
    }


def _time(claims: ir.Table) -> dict[str, ir.Value]:
    """A time of exactly midnight is a date without a time: it says nothing of day or night."""
    timed = claims.second % DAY != 0
    return {
        "report_delay_hours": (claims.reported_at.epoch_seconds() - claims.second) / 3600.0,
        "night": ibis.ifelse(timed, (claims.event_at.hour() >= 22) | (claims.event_at.hour() < 5), ibis.null()),
        "weekend": claims.event_at.day_of_week.index() >= 5,
    }


def _content(claims: ir.Table) -> dict[str, ir.Value]:
    return {
        "stay_days": claims.stay_days,
        "amount_per_day": share(claims.amount, claims.stay_days),
        "bill_share": share(claims.amount, claims.bill_total),
        "items": claims["items"],
        "drug_share": share(claims.drug_amount, claims.items_amount),
        "test_share": share(claims.test_amount, claims.items_amount),
        "out_of_town": ibis.coalesce(claims.hospital_district, claims.district) != claims.home_district,
    }
