"""Family X: several insurers, several places."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.activity import log1p
from features.book import Book
from features.covers import buying_sprees, personal_covers, spree_policies
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, with_distinct
from features.joins import attach
from features.peers import robust_z


@red_flag(
    "X01",
    "Far-away treatment",
    grain="person",
    severity="low",
    scheme="accumulation",
    needs=("claims.district", "parties.district", "claim_roles.role"),
    source="李金山 case: 36 claims in 11 provinces; 2021 notice",
    settings={"events": 3, "districts": 2, "days": 365},
)
def far_away_treatment(book: Book, s: Settings) -> ir.Table:
    """Treated again and again where one neither lives nor works.

    Condition: ``events`` or more events within ``days`` before tonight, treated in ``districts`` or more districts that are neither the
    person's home, nor the policy's, nor the employer's.
    Example: living and working in 500112, in hospital in 500236, 500101 and 500230 within five months.
    Reason: the hospitals were chosen for what they sign.
    Exclusions: one other district (a second home, migrants treated at home); tertiary hospitals, to which people are transferred.
    """
    claims, tonight = _with_work(book), ibis.date(book.as_of.isoformat())
    place = ibis.coalesce(claims.hospital_district, claims.district)
    known = [(place != d).fill_null(True) for d in (claims.home_district, claims.policy_district, claims.work_district)]
    treated = claims.hospital_id.notnull() & claims.person_id.notnull() & claims.home_district.notnull() & place.notnull()
    tertiary = claims.hospital_level.re_search("^(3|tertiary|三)").fill_null(False)
    recent = tonight.delta(claims.event_at.cast("date"), unit="day") <= s["days"]
    far = claims.mutate(place=place).filter(treated, ~tertiary, recent, *known)
    counted = with_distinct(far, "person_id", events="event_id", places="place")
    hit = counted.filter((counted.events >= s["events"]) & (counted.places >= s["districts"]))
    return finding(hit, ("person", "person_id"), ("events", s["events"]), ("claims", "claim_id"), "places")


def _with_work(book: Book) -> ir.Table:
    employers = book["entities"].select("entity_id", work_district="district")
    return attach(book["claim_view"], employers, {"employer_id": "entity_id"})


@red_flag(
    "X02",
    "One event, many payers",
    grain="event",
    severity="high",
    scheme="invoice_reuse",
    needs=("claim_bills.total", "policy_coverages.kind", "claims.claimed_amount"),
    source="恒邦 case; IVASS event code",
    settings={"insurers": 2, "tolerance": 0.02},
)
def one_event_many_payers(book: Book, s: Settings) -> ir.Table:
    """One loss is made good more than once.

    Condition: indemnity covers at ``insurers`` or more insurers answer for one event, and what they paid or are asked for, with what the
    other payers gave, exceeds the event's bills by more than ``tolerance``.
    Example: one stay billed at 20,000, paid with 16,000 by one insurer and 15,000 by another.
    Reason: indemnity makes good a loss once.
    Exclusions: fixed benefits; co-insured shares of one cover; split notes; claims without a bill; each invoice counts once.
    """
    claims = book["claim_view"]
    rows = claims.filter(claims.indemnity & (claims.amount > 0) & (claims.bill_total > 0) & ~claims.split_note.fill_null(False))
    rows = rows.select("claim_id", "event_id", "insurer", "amount", share_of=ibis.coalesce(rows.co_insurance_id, rows.claim_id))
    asked = rows.group_by("event_id").agg(insurers=rows.insurer.nunique(), covers=rows.share_of.nunique(), asked=rows.amount.sum())
    several = asked.filter((asked.insurers >= s["insurers"]) & (asked.covers >= 2))
    both = several.inner_join(_bills(book, rows), "event_id")
    over = both.mutate(excess=(both.asked + both.other).cast("float64") / both.total.cast("float64") - 1)
    hit = rows.select("event_id", "claim_id").inner_join(over.filter(over.excess > s["tolerance"]), "event_id")
    return finding(hit, ("event", "event_id"), ("excess", s["tolerance"]), ("claims", "claim_id"), "insurers")


def _bills(book: Book, rows: ir.Table) -> ir.Table:
    """The event's invoices, each once: what they come to and what others paid of it."""
    bills = book["claim_bills"].inner_join(rows.select("claim_id", "event_id"), "claim_id")
    other = bills.pooled.fill_null(0) + bills.major_illness.fill_null(0) + bills.other_payer.fill_null(0)
    keyed = bills.mutate(other=other, number=ibis.coalesce(bills.invoice_no, bills.claim_id), code=bills.invoice_code.fill_null(""))
    once = keyed.group_by("event_id", "code", "number").agg(total=keyed.total.max(), other=keyed.other.max())
    return once.group_by("event_id").agg(total=once.total.sum(), other=once.other.sum())


@red_flag(
    "X03",
    "Stacking before a loss",
    grain="person",
    severity="high",
    scheme="stacking",
    needs=("policies.issued_on", "policies.insured_id", "claims.event_at", "claims.policy_id"),
    source="阿荣旗 (3-8 insurers), 济宁 (16) and 广西 (83) cases",
    settings={"insurers": 3, "policies": 3, "days": 30, "loss_days": 90, "z": 0, "peers": 30},
)
def stacking(book: Book, s: Settings) -> ir.Table:
    """Covers are piled up, then the loss comes.

    Condition: fixed-benefit covers at ``insurers`` insurers or more (all, where the book has fewer; two at least) and ``policies``
    policies within ``days``, a claim on one of them within ``loss_days`` after it began, and benefits with a robust z above ``z`` among
    all people with such covers (not asked where fewer than ``peers`` have any).
    Example: four accident policies with daily allowances in a week, a fall on the stairs three weeks later.
    Reason: the loss was planned.
    Exclusions: gift, group and compulsory covers; co-insured covers count once; renewals.
    """
    days = int(s["days"])
    bought = spree_policies(book, buying_sprees(book, days, s["insurers"], s["policies"]), days)
    claims = book["claim_view"].select("policy_id", "claim_id", "event_at")
    lost = bought.inner_join(claims, "policy_id")
    after = lost.event_at.cast("date").delta(ibis.coalesce(lost.starts_on, lost.day), unit="day")
    soon = lost.filter((after >= 0) & (after <= s["loss_days"])).anti_join(_ordinary(book, s), "insured_id")
    found = finding(soon, ("person", "insured_id"), ("policies", s["policies"]), ("claims", "claim_id"), "insurers")
    people = bought.semi_join(soon, "insured_id")
    return found.union(finding(people, ("person", "insured_id"), ("policies", s["policies"]), ("policies", "policy_id"), "insurers"))


def _ordinary(book: Book, s: Settings) -> ir.Table:
    """People whose benefits are not above the others': insured_id."""
    covers = personal_covers(book)
    sums = covers.group_by("insured_id").agg(daily=covers.daily_benefit.sum(), lump=covers.sum_insured.sum())
    high = sums.select("insured_id", benefit=log1p(sums.lump.fill_null(0)) + log1p(sums.daily.fill_null(0)), whole=ibis.literal(1))
    return robust_z(high, "benefit", ("whole",), int(s["peers"])).filter(lambda t: t.zp <= s["z"]).select("insured_id")


FLAGS: tuple[RedFlag, ...] = (far_away_treatment, one_event_many_payers, stacking)
