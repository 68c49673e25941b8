"""Features of claims: the claim against its cover, and how busy its parties were in the days before it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.activity import DAY, group, log1p, numbers, share
from features.book import Book
from features.joins import attach

WINDOWS = {
    "person_id": {"person_claims_30": 30, "person_claims_90": 90, "person_claims_365": 365},
    "payee_id": {"payee_claims_365": 365},
    "vehicle_id": {"vehicle_claims_365": 365},
    "reporter_phone": {"reporter_claims_365": 365},
    "family_id": {"family_claims_365": 365},
    "agent_id": {"agent_claims_90": 90},
    "hospital_id": {"hospital_claims_7": 7},
}
"""Party column → feature → days: claims of that party with an event in the days up to and including this one's, itself not counted."""


def features(book: Book, spine: ir.Table) -> ir.Table:
    """One row per spine row of kind claim; null where a claim lacks what a feature needs.

    Windows end at the claim's own event, so the night does not move them; the book holds only what was received before it.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of, line, ``by_*`` peer keys, and float64 features (money in CNY, times in days or hours).
    """
    view, tonight = book["claim_view"], spine.filter(spine.subject_kind == "claim")
    claims = view.semi_join(tonight, view.claim_id == tonight.subject_id)
    claims = claims.mutate(second=claims.event_at.epoch_seconds().cast("int64"))
    busy = claims.select("claim_id")
    for part in _windows(view, claims):
        busy = attach(busy, part, "claim_id")
    claims = attach(attach(claims, busy, "claim_id"), _breadth(view), "person_id")
    measured = claims.select(
        subject_id="claim_id",
        line="line",
        by_line=group(claims.line),
        by_diagnosis=group(claims.line, claims.chapter),
        by_hospital=group(claims.line, claims.hospital_level, claims.hospital_specialty, claims.chapter),
        **_cover(claims),
        **_time(claims),
        **_content(claims),
        **{n: claims[n] for days in WINDOWS.values() for n in days},
        **{n: claims[n] for n in ("person_insurers", "person_hospitals", "days_since_previous")},
    )
    return numbers(attach(tonight.drop("row"), measured, "subject_id"))


def _windows(view: ir.Table, claims: ir.Table) -> list[ir.Table]:
    """For each party: claim_id and how busy it was before; for the person also the days since the claim before, however long ago."""
    found = []
    for party, days in WINDOWS.items():
        near = _near(view, claims, party, None if party == "person_id" else max(days.values()))
        frames = {n: ibis.range_window(preceding=d * DAY, following=0, group_by="party", order_by="second") for n, d in days.items()}
        counts = {n: near.claim_id.count().over(frame) - 1 for n, frame in frames.items()}
        if party == "person_id":
            previous = near.second.lag(1).over(group_by="party", order_by=["second", "claim_id"])
            counts["days_since_previous"] = (near.second - previous) / DAY
        found.append(near.select("claim_id", **counts))
    return found


def _near(view: ir.Table, claims: ir.Table, party: str, days: int | None) -> ir.Table:
    """Claims that can lie in a window of tonight's: of the same party, and not long before its first one of tonight.

    A window sorts what it is given, so it is given no more than that.
    """
    first = claims.filter(claims[party].notnull()).group_by(near=party).agg(first=claims.second.min())
    dated = view.select("claim_id", party=party, second=view.event_at.epoch_seconds().cast("int64"))
    met = dated.filter(dated.second.notnull()).inner_join(first, [("party", "near")])
    return (met.filter(met.second >= met.first - days * DAY) if days else met).select("claim_id", "party", "second")


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
