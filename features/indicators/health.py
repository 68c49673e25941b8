"""Family H, first part: stays in hospital."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.bursts import bursts, greatest_burst, members
from features.icd import serial_treatment
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, spread, with_distinct
from features.joins import attach
from features.peers import binomial_z
from features.stays import stays

MOST_STAYS = 60
"""A person with more stays than this is a placeholder (``unknown``, a group) and would multiply pairs."""
TREATMENT = ("drug", "test", "operation", "therapy", "material")


@red_flag(
    "H01",
    "Sham admission",
    grain="claim",
    severity="high",
    scheme="sham_admission",
    needs=("claims.admitted_on", "claims.discharged_on", "policy_coverages.daily_benefit"),
    source="阿荣旗 2023 case: superficial injuries, 20 days and more, up to 8 insurers",
    settings={"factor": 2.5, "idle": 0.4, "days": 7, "peers": 20},
)
def sham_admission(book: Book, s: Settings) -> ir.Table:
    """A bed is paid by the day and nobody seems to be treated in it.

    Condition: a daily allowance is in force, the stay has at least ``days`` days, and it is longer than ``factor`` x the median of its
    peers (at least ``peers`` stays), or a share of ``idle`` of its days or more has no treatment item.
    Example: 24 days for a bruised knee where others stay 9; items on 6 of 24 days.
    Reason: the allowance pays for days, so days are invented.
    Exclusions: rehabilitation, psychiatry, traditional medicine and elderly care are peers of their own (specialty, diagnosis
    chapter, age of 70); bills that do not count beds or nursing by day say nothing of treatment.
    """
    claims = book["claim_view"]
    paid = claims.filter(claims.daily_benefit > 0, claims.stay_days >= s["days"])
    limit = attach(paid.mutate(peers=_peers(paid)), _peer_median(claims, s["peers"]), "peers").mutate(
        long_limit=lambda t: t.median_days * s["factor"]
    )
    wide = attach(limit, treated_days(book), "claim_id")
    idle, allowed = wide.stay_days - wide.treated_days, wide.stay_days * s["idle"]
    is_long, is_idle = (wide.stay_days > wide.long_limit).fill_null(False), (idle >= allowed).fill_null(False)
    # An idle bed is the rarer and the graver sign, so it is told where a stay is both.
    hit = wide.mutate(value=ibis.ifelse(is_idle, idle, wide.stay_days), limit=ibis.ifelse(is_idle, allowed, wide.long_limit))
    hit = hit.mutate(why=ibis.ifelse(is_idle, "idle days", "days")).filter(is_long | is_idle)
    return finding(hit, ("claim", "claim_id"), ("value", "limit"), ("claims", "claim_id"), "why")


def _peers(claims: ir.Table) -> ir.StringValue:
    old = claims.admitted_on.delta(claims.birth_date, unit="day") >= 70 * 365
    parts = (claims.hospital_specialty, claims.chapter, ibis.ifelse(old, "70+", "-"))
    return ibis.literal("|").join([p.fill_null("-") for p in parts])


def _peer_median(claims: ir.Table, least: float) -> ir.Table:
    dated = claims.filter(claims.stay_days > 0).mutate(peers=_peers)
    medians = dated.group_by("peers").agg(median_days=dated.stay_days.cast("float64").median(), stays=dated.count())
    return medians.filter(medians.stays >= least).drop("stays")


def treated_days(book: Book) -> ir.Table:
    """Days with treatment, where beds or nursing are itemised by day: by the dates of the items or by their quantities, the greater."""
    dates = book["claims"].select("claim_id", stay=lambda t: t.discharged_on.delta(t.admitted_on, unit="day"))
    items = (
        book["claim_items"].select("claim_id", "category", "quantity", day=lambda t: t.served_at.cast("date")).inner_join(dates, "claim_id")
    )
    kept = items.category.isin(("bed", "nursing"))
    by_day = {"kept_days": kept, "treated_days": items.category.isin(TREATMENT)}
    fits = items.quantity <= items.stay + 1
    counted = items.group_by("claim_id", "stay").agg(
        **{n: ibis.greatest(items.day.nunique(where=w), items.quantity.max(where=w & fits).fill_null(0)) for n, w in by_day.items()}
    )
    return counted.filter(counted.kept_days >= counted.stay / 2).select(
        "claim_id", treated_days=ibis.least(counted.treated_days, counted.stay)
    )


@red_flag(
    "H02",
    "Split stay",
    grain="claim",
    severity="medium",
    scheme="split_stay",
    needs=("claims.admitted_on", "claims.discharged_on", "claim_diagnoses.code", "claim_roles.role"),
    source="medical-insurance audit practice",
    settings={"days": 15, "chain": 2, "z": 3, "count": 3, "ratio": 2},
)
def split_stay(book: Book, s: Settings) -> ir.Table:
    """One illness, discharged and readmitted, so that every stay stays under a limit.

    Condition: readmitted within ``days`` at the same hospital in the same diagnosis chapter, and either the same person comes back
    ``chain`` times or more, or the hospital does so in ``count`` cases or more, ``z`` standard deviations above the share of all other
    hospitals and ``ratio`` times as often. The claims, and such a hospital, are named.
    Example: discharged on 4 March, readmitted on 6 March and again on the 20th, always for the same pneumonia.
    Reason: fixed payments and deductibles per stay make two stays worth more than one.
    Exclusions: chemotherapy, radiotherapy and dialysis, which are series by plan; one return for a complication.
    """
    again = returns(book, s)
    often = habit(again, "hospital_id", again.split, s)
    often = often.filter(often["count"] / often.n > s["ratio"] * often.rate).select("hospital_id", habitual=often["count"])
    hit = attach(again.filter(again.split), often, "hospital_id")
    hit = hit.filter((hit.returns >= s["chain"]) | hit.habitual.notnull())
    both = spread(hit.mutate(subject=hit.claim_id), ("claim_id", "claim_id_1"))
    claims = finding(both, ("claim", "subject"), ("returns", 1), ("claims", "claim_id"), "gap")
    hospitals = both.filter(both.habitual.notnull())
    return claims.union(finding(hospitals, ("hospital", "hospital_id"), ("habitual", s["count"]), ("claims", "claim_id")))


def returns(book: Book, s: Settings) -> ir.Table:
    """Stays with the one before at the same hospital: ``gap`` in days, ``split``, and how often this person ``returns`` to it so."""
    planned = book["claim_diagnoses"].filter(lambda t: serial_treatment(t.code)).select("claim_id").distinct()
    every, by = stays(book).anti_join(planned, "claim_id"), ("person_id", "hospital_id")
    prior = every.mutate(
        **{f"{c}_1": every[c].lag(1).over(group_by=by, order_by="admitted_on") for c in ("discharged_on", "chapter", "claim_id")}
    )
    gap = prior.admitted_on.delta(prior.discharged_on_1, unit="day")
    split = ((gap >= 0) & (gap <= s["days"]) & (prior.chapter == prior.chapter_1)).fill_null(False)
    marked = prior.mutate(gap=gap, split=split)
    return marked.mutate(returns=marked.split.sum().over(group_by=by))


def habit(rows: ir.Table, by: str, hit: ir.BooleanValue, s: Settings) -> ir.Table:
    """Groups whose share of hits lies ``z`` above everybody else's, with ``count`` hits at least: ``by``, count, n, rate, z.

    The others' rate is Laplace's (one hit and one miss added), so that few others are not taken for certain.
    """
    groups = rows.mutate(hit=hit).group_by(by).agg(count=lambda t: t.hit.sum(), n=lambda t: t.count())
    hits, trials = groups["count"].sum().over() - groups["count"], groups.n.sum().over() - groups.n
    others = groups.mutate(rate=(hits + 1) / (trials + 2))
    scored = others.mutate(z=binomial_z(others["count"], others.n, others.rate))
    return scored.filter((scored["count"] >= s["count"]) & (scored.z > s["z"])).select(by, "count", "n", "rate", "z")


@red_flag(
    "H03",
    "Overlapping stays",
    grain="person",
    severity="high",
    scheme="identity",
    needs=("claims.admitted_on", "claims.discharged_on", "claim_roles.role"),
    source="common screening practice",
    settings={"days": 1},
)
def overlapping_stays(book: Book, s: Settings) -> ir.Table:
    """One person lies in two hospitals at once.

    Condition: two stays of one person at different hospitals, of different events, overlap by more than ``days``.
    Example: admitted at A from 3 to 17 May and at B from 8 to 20 May.
    Reason: nobody sleeps in two beds; one of the admissions, its documents or the name on them is false, which of them is open.
    Exclusions: one stay claimed at several insurers (one hospital, one event); transfers on one day; stays without a discharge.
    """
    pairs = _pairs_of_stays(book).mutate(
        days=lambda t: ibis.least(t.discharged_on, t.discharged_on_2).delta(ibis.greatest(t.admitted_on, t.admitted_on_2), unit="day")
    )
    hit = pairs.filter(pairs.hospital_id != pairs.hospital_id_2, pairs.event_id != pairs.event_id_2, pairs.days > s["days"])
    hit = hit.mutate(most=hit.days.max().over(group_by="person_id"))
    return finding(spread(hit, ("claim_id", "claim_id_2")), ("person", "person_id"), ("most", s["days"]), ("claims", "claim_id"))


def _pairs_of_stays(book: Book) -> ir.Table:
    """Pairs of stays of one person, the earlier first, the later's columns ending in ``_2``; people with one stay drop out early."""
    every = stays(book)
    several = every.mutate(n=every.count().over(group_by="person_id"))
    several = several.filter((several.n > 1) & (several.n <= MOST_STAYS)).drop("n")
    second = several.view().rename("{name}_2")
    order = (several.admitted_on < second.admitted_on_2) | (
        (several.admitted_on == second.admitted_on_2) & (several.hospital_id < second.hospital_id_2)
    )
    return several.inner_join(second, [several.person_id == second.person_id_2, order])


@red_flag(
    "H10",
    "Doctor shopping",
    grain="person",
    severity="medium",
    scheme="accumulation",
    needs=("claims.event_at", "claim_diagnoses.code", "claim_roles.role"),
    source="investigators' red-flag lists",
    settings={"hospitals": 4, "days": 30},
)
def doctor_shopping(book: Book, s: Settings) -> ir.Table:
    """One complaint is taken to many hospitals within a month.

    Condition: one person claims from ``hospitals`` or more different hospitals in one diagnosis chapter within ``days``.
    Example: five hospitals in three weeks, always a lumbar sprain.
    Reason: each hospital sees a new patient, and each bill and each prescription is claimed.
    Exclusions: chemotherapy, radiotherapy and dialysis; one stay claimed at several insurers counts one hospital.
    """
    claims, by = book["claim_view"], ("person_id", "chapter")
    seen = claims.filter(claims.hospital_id.notnull(), claims.chapter.notnull(), ~serial_treatment(claims.diagnosis))
    dated = seen.mutate(day=ibis.coalesce(seen.admitted_on, seen.event_at.cast("date")))
    shoppers = with_distinct(dated, by, hospitals="hospital_id").filter(lambda t: t.hospitals >= s["hospitals"])
    days = int(s["days"])
    worst = greatest_burst(bursts(shoppers, by, "hospital_id", days), by, s["hospitals"])
    hit = members(shoppers, worst, by, days)
    hit = hit.mutate(most=hit.burst.max().over(group_by="person_id"))
    return finding(hit, ("person", "person_id"), ("most", s["hospitals"]), ("claims", "claim_id"))


FLAGS: tuple[RedFlag, ...] = (sham_admission, split_stay, overlapping_stays, doctor_shopping)
