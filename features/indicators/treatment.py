"""Family H, second part: items, amounts, crowds, invoices and proofs."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from features.activity import log1p
from features.book import Book
from features.bursts import EPOCH, bursts, members
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, key, with_distinct, without_exempt
from features.indicators.health import habit
from features.peers import poisson_surprise, robust_z

MALE_ONLY, FEMALE_ONLY = "^(C6[0-3]|D29|N4[0-9]|N5[0-1]|Q5[3-5]|Z125)", "^(C5[1-8]|D2[5-8]|N7[0-7]|N8|N9[0-8]|O|Q5[0-2])"
"""ICD-10 codes of organs of one sex."""


@red_flag(
    "H08",
    "Service outside life",
    grain="claim",
    severity="high",
    scheme="over_treatment",
    needs=("claim_roles.role",),
    source="US HHS OIG audits of services after death and outside stays",
    settings={"days": 3, "newborn_years": 5},
)
def outside_life(book: Book, s: Settings) -> ir.Table:
    """A service that the patient cannot have received.

    Condition: an item dated more than ``days`` outside the stay or after the patient's death, or a diagnosis of the other sex's organs, or
    of the perinatal period after ``newborn_years``.
    Example: prostate hyperplasia of a woman; an infusion nine days after discharge.
    Reason: the item was written into a record of somebody else, or of nobody.
    Exclusions: items without a date; patients whose sex or birth date is not known; records of the sex that contradict the id number.
    """
    outside = finding(_late_items(book, s), ("claim", "claim_id"), ("days", s["days"]), ("claim_items", "evidence"), "why")
    wrong = finding(_wrong_codes(book, s), ("claim", "claim_id"), (1, 0), ("claim_diagnoses", "evidence"), "why")
    wrong = wrong.anti_join(outside, "subject_id")
    return outside.union(wrong)


def _late_items(book: Book, s: Settings) -> ir.Table:
    claims = book["claim_view"].select("claim_id", "admitted_on", "discharged_on", "deceased_on")
    items = book["claim_items"].filter(lambda t: t.served_at.notnull()).inner_join(claims, "claim_id")
    day = items.served_at.cast("date")
    stayed = items.admitted_on.notnull() & items.discharged_on.notnull()
    out = ibis.greatest(day.delta(items.discharged_on, unit="day"), items.admitted_on.delta(day, unit="day"))
    dead = day.delta(items.deceased_on, unit="day").fill_null(0)
    measured = items.mutate(out=ibis.ifelse(stayed, out, 0), dead=dead, evidence=key(items, "claim_id", "line_no"))
    hit = measured.filter((measured.out > s["days"]) | (measured.dead > 0))
    hit = hit.mutate(days=ibis.greatest(hit.out, s["days"] + hit.dead).max().over(group_by="claim_id"))
    return hit.mutate(why=ibis.ifelse((hit.dead > 0).any().over(group_by="claim_id"), "after death", "outside the stay"))


def _wrong_codes(book: Book, s: Settings) -> ir.Table:
    claims = book["claim_view"].select("claim_id", "person_id", "gender", "birth_date", "event_at")
    claims = claims.anti_join(_contradicted(book), "person_id")
    codes = book["claim_diagnoses"].inner_join(claims, "claim_id")
    age = codes.event_at.cast("date").delta(codes.birth_date, unit="day")
    sex = ((codes.gender == "F") & codes.code.re_search(MALE_ONLY)) | ((codes.gender == "M") & codes.code.re_search(FEMALE_ONLY))
    young = codes.code.startswith("P") & (age > s["newborn_years"] * 365.25)
    marked = codes.mutate(sex=sex.fill_null(False), young=young.fill_null(False), evidence=key(codes, "claim_id", "seq"))
    hit = marked.filter(marked.sex | marked.young)
    return hit.mutate(why=ibis.ifelse(hit.sex.any().over(group_by="claim_id"), "sex", "age"))


def _contradicted(book: Book) -> ir.Table:
    """People whose recorded sex is not the one of their id number: there the record is in doubt, not the treatment."""
    parties = book["parties"]
    return parties.filter(parties.gender != parties.id_gender).select(person_id="entity_id").distinct()


@red_flag(
    "H11",
    "Over-treatment",
    grain="claim",
    severity="medium",
    scheme="over_treatment",
    needs=("claim_diagnoses.code", "claims.claimed_amount", "claim_roles.role"),
    source="peer screening",
    settings={"z": 3, "peers": 30},
)
def over_treatment(book: Book, s: Settings) -> ir.Table:
    """A bill far above what peers charge for the same.

    Condition: robust z of the log amount above ``z`` among at least ``peers`` claims of one hospital level, diagnosis chapter and line.
    Example: 86,000 for an appendix that costs 9,000 elsewhere at hospitals of this level.
    Reason: services that were not needed, or not given.
    Exclusions: groups too small or without spread; claims without a hospital. Routed to the medical-insurance bureau.
    """
    claims = book["claim_view"]
    billed = claims.filter(claims.hospital_id.notnull(), claims.amount > 0, claims.line.isin(("health", "accident")))
    rows = billed.select("claim_id", "line", "chapter", level=billed.hospital_level.fill_null("-"), log_amount=log1p(billed.amount))
    scored = robust_z(rows, "log_amount", ("level", "chapter", "line"), int(s["peers"]))
    hit = scored.filter(scored.zp > s["z"])
    times = (hit.log_amount - hit.peer_median).exp().round(1)
    return finding(hit, ("claim", "claim_id"), ("zp", s["z"]), ("claims", "claim_id"), times)


@red_flag(
    "H12",
    "Organised stays",
    grain="hospital",
    severity="high",
    scheme="village_stays",
    needs=("claims.admitted_on", "claim_roles.role"),
    source="阿荣旗 2023 case: more than 50 patients from one village",
    settings={"people": 5, "days": 7, "p": 1e-4, "dates": 3},
)
def organised_stays(book: Book, s: Settings) -> ir.Table:
    """A busload of patients who happen to have one agent, one employer or one policy.

    Condition: ``people`` or more households of one agent's customers, one employer's workers or one group policy are admitted to one
    hospital within ``days``; the hospital's own rate for that group and its own volume in those days explain this with a probability
    below ``p`` (Poisson, corrected for the number of hospital days looked at).
    Example: 14 customers of one agent admitted to a clinic within five days, where two a month are usual.
    Reason: patients are collected, admitted and claimed for by an organiser.
    Exclusions: a common district is none of these (it names bus crashes and wedding dinners); households, not persons, are counted;
    one bus crash or one poisoned meal (fewer than ``dates`` different days of the events) is one event; the local clinic's and county
    hospital's own patients are expected by their own rate; exempt hospitals and agents.
    """
    found = [_crowds(book, group, s) for group in ("agent_id", "employer_id", "group_id")]
    hit = ibis.union(*found, distinct=False)
    hit = hit.mutate(most=hit.burst.max().over(group_by="hospital_id"), first_kind=hit.group_kind.min().over(group_by="hospital_id"))
    return finding(hit, ("hospital", "hospital_id"), ("most", s["people"]), ("claims", "claim_id"), "first_kind")


def _crowds(book: Book, group: str, s: Settings) -> ir.Table:
    """Claims of improbable crowds of one kind of group, with ``burst`` and ``group_kind``."""
    claims, by, days = book["claim_view"], ("hospital_id", "group_id"), int(s["days"])
    rows = claims.filter(claims.admitted_on.notnull()).select(
        "claim_id", "hospital_id", "family_id", "event_at", day="admitted_on", group_id=claims[group]
    )
    rows = without_exempt(without_exempt(rows, "hospital_id", book), "group_id", book)
    crowds = bursts(rows, by, "family_id", days).filter(lambda t: t.burst >= s["people"])
    everybody = bursts(rows, ("hospital_id",), "family_id", days).rename(volume="burst")
    met = crowds.inner_join(everybody, ["hospital_id", "last_day"]).inner_join(_usual(rows, days), list(by))
    expected = ibis.greatest(met.rate * (met.total - met.burst), met.part * (met.volume - met.burst), 0.05)
    limit = math.log(1 / s["p"]) + everybody.count().as_scalar().cast("float64").ln()
    unlikely = met.filter(poisson_surprise(met.burst.cast("float64"), expected) > limit)
    hit = members(rows, unlikely.select(*by, "last_day", "burst"), by, days)
    counted = with_distinct(hit.mutate(event_day=hit.event_at.cast("date")), (*by, "last_day"), dates="event_day")
    several = counted.filter(counted.dates >= s["dates"])
    return several.select("hospital_id", "claim_id", "burst", group_kind=ibis.literal(group.removesuffix("_id")))


def _usual(rows: ir.Table, days: int) -> ir.Table:
    """How often a group comes to a hospital: families in all, the share of the hospital's, and windows per book."""
    number = rows.day.delta(ibis.date(EPOCH), unit="day")
    groups = rows.filter(rows.group_id.notnull()).group_by("hospital_id", "group_id").agg(total=lambda t: t.claim_id.nunique())
    hospital = rows.group_by("hospital_id").agg(every=rows.claim_id.nunique())
    span = ibis.greatest(number.max() - number.min() + 1, 30).as_scalar()
    joined = groups.inner_join(hospital, "hospital_id")
    return joined.mutate(part=joined.total / joined.every, rate=ibis.literal(float(days)) / span).drop("every")


@red_flag(
    "H14",
    "Invoice reused",
    grain="claim",
    severity="high",
    scheme="invoice_reuse",
    needs=("claim_bills.invoice_no", "claim_bills.total", "policy_coverages.kind"),
    source="广西 case: 57 people, 83 insurers",
    settings={"tolerance": 0.02},
)
def invoice_reused(book: Book, s: Settings) -> ir.Table:
    """One medical invoice pays more than itself.

    Condition: one invoice (code and number) on two or more claims under indemnity covers, and what was paid or is asked, with what the
    state insurance and other payers gave, exceeds the bill by more than ``tolerance``.
    Example: a bill of 12,000 of which 5,000 are pooled, claimed at three insurers for 7,000 each.
    Reason: indemnity makes good a loss once; the same paper is handed in several times.
    Exclusions: fixed benefits; split notes (分割单), which say what the others paid; co-insured shares of one cover; bills without a total.
    """
    bills = book["claim_bills"].filter(lambda t: t.invoice_no.notnull() & (t.total > 0))
    paid = ("pooled", "major_illness", "other_payer")
    other = sum((bills[c].fill_null(0) for c in paid[1:]), bills[paid[0]].fill_null(0))
    keyed = bills.select("claim_id", "invoice_no", "total", "split_note", other=other, invoice_code=bills.invoice_code.fill_null(""))
    claims = book["claim_view"].select("claim_id", "amount", "indemnity", cover_id=_cover(book["claim_view"]))
    rows = keyed.inner_join(claims.filter(claims.indemnity & (claims.amount > 0)), "claim_id")
    by = ("invoice_code", "invoice_no")
    sums = rows.group_by(by).agg(
        covers=rows.cover_id.nunique(), asked=rows.amount.sum(), other=rows.other.max(), total=rows.total.max(), split=rows.split_note.any()
    )
    over = sums.filter(sums.covers > 1, ~sums.split.fill_null(False), sums.asked + sums.other > sums.total * (1 + s["tolerance"]))
    hit = rows.select("claim_id", *by).inner_join(over, list(by))
    hit = _with_partners(hit, by)
    return finding(hit, ("claim", "subject"), ("excess", s["tolerance"]), ("claims", "claim_id"), "covers")


def _cover(claims: ir.Table) -> ir.StringValue:
    """One claim, or one loss shared by co-insurers."""
    return ibis.coalesce(claims.co_insurance_id, claims.claim_id)


def _with_partners(hit: ir.Table, by: tuple[str, ...]) -> ir.Table:
    """Every claim on the invoice with every other one on it as evidence; the excess is the part of the bill that was paid too much."""
    excess = (hit.asked + hit.other).cast("float64") / hit.total.cast("float64") - 1
    measured = hit.mutate(excess=excess.max().over(group_by="claim_id"), covers=hit.covers.max().over(group_by="claim_id"))
    subjects = measured.select(*by, "excess", "covers", subject="claim_id")
    return subjects.inner_join(hit.select(*by, "claim_id"), list(by))


@red_flag(
    "H18",
    "Proofs from one doctor",
    grain="doctor",
    severity="high",
    scheme="life_cover",
    needs=("claims.event_at", "policies.line", "policies.starts_on", "claim_roles.role"),
    source="亳州 doctor gang",
    settings={"z": 3, "count": 3, "days": 365},
)
def proofs_from_one_doctor(book: Book, s: Settings) -> ir.Table:
    """One doctor finds critical illness in those who have just bought cover against it.

    Condition: of a doctor's critical-illness and life claims, ``count`` or more are on policies younger than ``days``, ``z`` standard
    deviations above the share with all other doctors.
    Example: six of seven cancer proofs of one oncologist are for policies of less than eight months; elsewhere one in six.
    Reason: the proof is bought, or the patient was sent to buy cover first.
    Exclusions: one family counts once; exempt doctors; renewals.
    """
    claims = book["claim_view"]
    proofs = claims.filter(claims.line.isin(("critical_illness", "life")), claims.doctor_id.notnull(), claims.renewal_of.isnull())
    first = proofs.mutate(place=ibis.row_number().over(group_by=("doctor_id", "family_id"), order_by=["event_at", "claim_id"]))
    rows = without_exempt(first.filter(first.place == 0), "doctor_id", book)
    young = rows.mutate(young=((rows.policy_age_days >= 0) & (rows.policy_age_days <= s["days"])).fill_null(False))
    hit = young.filter(young.young).inner_join(habit(young, "doctor_id", young.young, s), "doctor_id")
    return finding(hit, ("doctor", "doctor_id"), ("z", s["z"]), ("claims", "claim_id"), "count")


FLAGS: tuple[RedFlag, ...] = (outside_life, over_treatment, organised_stays, invoice_reused, proofs_from_one_doctor)
