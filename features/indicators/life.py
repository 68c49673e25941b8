"""Family L: life, critical illness and what was known before."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.covers import buying_sprees, personal_covers, spree_policies
from features.icd import EXTERNAL, illness
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, spread, with_distinct, without_exempt
from features.joins import attach
from features.peers import robust_z

LONG_LINES = ("life", "critical_illness", "universal_life", "endowment", "annuity")
HEALTH_LINES = ("health", "critical_illness", "life")
LEAST_PATIENTS = 200


@red_flag(
    "L01",
    "Early claim",
    grain="claim",
    severity="medium",
    scheme="early_loss",
    needs=("claims.event_at", "policies.starts_on", "policies.line"),
    source="contestability practice",
    settings={"days": 180},
)
def early_claim(book: Book, s: Settings) -> ir.Table:
    """Death or critical illness soon after cover began.

    Condition: the event lies 0 to ``days`` after the start of a life or critical-illness policy.
    Example: cancer found 102 days after a policy over 500,000 began.
    Reason: those who know buy.
    Exclusions: renewals; group cover, where members join without a choice.
    """
    claims = _individual(book["claim_view"]).filter(lambda t: t.line.isin(LONG_LINES) & t.renewal_of.isnull())
    hit = claims.filter((claims.policy_age_days >= 0) & (claims.policy_age_days <= s["days"]))
    return finding(hit, ("claim", "claim_id"), (s["days"] - hit.policy_age_days, 0), ("claims", "claim_id"), hit.policy_age_days)


def _individual(claims: ir.Table) -> ir.Table:
    """Without group and gift cover, which nobody chose for themselves."""
    group = (claims.channel == "group").fill_null(False) | claims.group_id.notnull()
    return claims.filter(~group & ~claims.gift.fill_null(False))


@red_flag(
    "L02",
    "Waiting-period edge",
    grain="claim",
    severity="medium",
    scheme="early_loss",
    needs=("claims.event_at", "policies.line"),
    source="上海 focus list",
    settings={"days": 30},
)
def waiting_period_edge(book: Book, s: Settings) -> ir.Table:
    """The illness waits for the waiting period.

    Condition: the event lies 0 to ``days`` after the waiting period of a health, critical-illness or life policy ends.
    Example: waiting period to 30 April, thyroid cancer found on 4 May.
    Reason: the finding was there before and was held back.
    Exclusions: injuries, which have no waiting period; renewals; group cover.
    """
    claims = _individual(book["claim_view"]).filter(lambda t: t.line.isin(HEALTH_LINES) & t.renewal_of.isnull())
    ill = claims.filter(~claims.chapter.isin(EXTERNAL).fill_null(False))
    late = ill.mutate(late=ill.event_at.cast("date").delta(ill.waiting_ends_on, unit="day"))
    hit = late.filter((late.late >= 0) & (late.late <= s["days"]))
    return finding(hit, ("claim", "claim_id"), (s["days"] - hit.late, 0), ("claims", "claim_id"), hit.late)


@red_flag(
    "L03",
    "Over-insurance",
    grain="person",
    severity="medium",
    scheme="stacking",
    needs=("policies.issued_on", "policies.insured_id", "policies.line"),
    source="上海 focus list; 济宁 case: 16 insurers",
    settings={"insurers": 3, "policies": 3, "days": 30, "z": 3, "peers": 30},
)
def over_insurance(book: Book, s: Settings) -> ir.Table:
    """More fixed benefits than a life or an income calls for.

    Condition: fixed-benefit covers at ``insurers`` insurers or more (all, where the book has fewer; two at least) and ``policies``
    policies bought within ``days``; or the sum of all fixed benefits in force, for the income, has a robust z above ``z`` among people
    of that age.
    Example: five accident policies at four insurers in nine days.
    Reason: fixed benefits add up, so a loss becomes a gain.
    Exclusions: gift, group and compulsory covers; co-insured covers count once; renewals.
    """
    days = int(s["days"])
    sprees = spree_policies(book, buying_sprees(book, days, s["insurers"], s["policies"]), days)
    bought, held = ibis.literal("bought_at_once"), ibis.literal("for_the_income")
    found = finding(sprees, ("person", "insured_id"), ("policies", s["policies"]), ("policies", "policy_id"), bought)
    rich = _against_income(book, s).anti_join(sprees, "insured_id")
    return found.union(finding(rich, ("person", "insured_id"), ("zp", s["z"]), ("policies", "policy_id"), held))


def _against_income(book: Book, s: Settings) -> ir.Table:
    """Policies of people whose fixed benefits are far above what their age group holds per income."""
    tonight = ibis.date(book.as_of.isoformat())
    covers = personal_covers(book).filter(lambda t: (t.starts_on <= tonight) & (t.ends_on >= tonight))
    sums = covers.group_by("insured_id").agg(total=covers.sum_insured.sum())
    people = book["entities"].select("entity_id", "birth_date", "income")
    known = attach(sums, people, {"insured_id": "entity_id"}).filter(lambda t: (t.income > 0) & (t.total > 0))
    ratio = (known.total.cast("float64") / known.income.cast("float64")).ln()
    rows = known.mutate(ratio=ratio, decade=tonight.delta(known.birth_date, unit="day") // 3652)
    scored = robust_z(rows, "ratio", ("decade",), int(s["peers"])).filter(lambda t: t.zp > s["z"])
    return covers.select("insured_id", "policy_id").inner_join(scored.select("insured_id", "zp"), "insured_id")


@red_flag(
    "L05",
    "Common beneficiary",
    grain="person",
    severity="high",
    scheme="life_cover",
    needs=("policies.beneficiary_id", "policies.insured_id"),
    source="US case: one beneficiary on three lives",
    settings={"lives": 3},
)
def common_beneficiary(book: Book, s: Settings) -> ir.Table:
    """One person gains from the death of several strangers.

    Condition: a natural person is beneficiary of insured people of ``lives`` or more families other than their own, with a claim already.
    Example: a man named on four policies of four unrelated workers, one of whom has died.
    Reason: lives are insured for their deaths.
    Exclusions: the beneficiary's family; banks (credit life) and employers; exempt parties.
    """
    policies = book["policy_view"].filter(lambda t: t.beneficiary_id.split(":")[0].isin(("person", "agent", "doctor")))
    families = book["entities"].select("entity_id", own_family=lambda t: ibis.coalesce(t.family_id, t.entity_id))
    named = attach(without_exempt(policies, "beneficiary_id", book), families, {"beneficiary_id": "entity_id"})
    strangers = named.filter(named.insured_family != named.own_family)
    counted = with_distinct(strangers, "beneficiary_id", lives="insured_family")
    counted = counted.mutate(lost=counted.claims.sum().over(group_by="beneficiary_id"))
    hit = counted.filter((counted.lives >= s["lives"]) & (counted.lost > 0))
    found = finding(hit, ("person", "beneficiary_id"), ("lives", s["lives"]), ("policies", "policy_id"), "lost")
    return found.mutate(subject_kind=found.subject_id.split(":")[0])


@red_flag(
    "L06",
    "Undisclosed illness",
    grain="claim",
    severity="high",
    scheme="undisclosed_illness",
    needs=("claims.event_at", "policies.issued_on", "claim_diagnoses.code"),
    source="the most common dispute over life and health policies",
    settings={"days": 730, "health_days": 120, "common": 0.02},
)
def undisclosed_illness(book: Book, s: Settings) -> ir.Table:
    """The illness is older than the policy.

    Condition: within ``days`` of issue of a health, critical-illness or life policy a claim for an illness (chapter of lasting illnesses,
    else category) for which the same person claimed, at another insurer and whatever came of it, before the issue. On a health policy the
    category must be the same, one that no more than a share of ``common`` of all patients have, and the claim come within ``health_days``:
    half the elderly have something of the heart, and a bad back comes back.
    Example: treated for coronary disease in 2023, policy issued in March 2025, claim for a bypass in May.
    Reason: it was not declared, or the policy would not have been issued so.
    Exclusions: illnesses that come and go (infections, injuries, pregnancy); renewals; group and gift cover, where nothing is asked; what
    the insurer had in its own files when it issued the policy (Insurance Law art. 16: who knew may not rescind).
    """
    known = book["claim_view"].mutate(illness=lambda t: illness(t.diagnosis), code=lambda t: t.diagnosis.upper().substr(0, 3))
    known = known.filter(known.illness.notnull(), known.person_id.notnull())
    later = _individual(known).filter(lambda t: t.line.isin(HEALTH_LINES) & t.renewal_of.isnull())
    joined = later.inner_join(_first_known(known), ["person_id", "illness"])
    rare = joined.code.isin(_rare_codes(known, s["common"]).code)
    joined = joined.filter((joined.line != "health") | ((joined.before_code == joined.code) & rare))
    since = joined.event_at.cast("date").delta(joined.issued_on, unit="day")
    before = joined.issued_on.delta(joined.first_at.cast("date"), unit="day")
    soon = since <= ibis.ifelse(joined.line == "health", s["health_days"], s["days"])
    met = joined.mutate(before=before, subject=joined.claim_id).filter((since >= 0) & soon & (before > 0))
    hit = met.anti_join(met.filter(met.first_insurer == met.insurer), "claim_id")
    hit = hit.mutate(before=hit.before.max().over(group_by="claim_id"))
    return finding(spread(hit, ("claim_id", "first_claim")), ("claim", "subject"), ("before", 0), ("claims", "claim_id"), "chapter")


def _rare_codes(known: ir.Table, share: float) -> ir.Table:
    """Categories that few of all patients (as if they were ``LEAST_PATIENTS`` at least) have: code."""
    patients = ibis.greatest(known.person_id.nunique(), LEAST_PATIENTS).as_scalar()
    counted = known.group_by("code").agg(patients=known.person_id.nunique())
    return counted.filter(counted.patients <= share * patients).select("code")


def _first_known(known: ir.Table) -> ir.Table:
    """Each insurer's first claim for each illness of a person."""
    order = ibis.row_number().over(group_by=("person_id", "illness", "insurer"), order_by=["event_at", "claim_id"])
    first = known.mutate(place=order).filter(lambda t: t.place == 0)
    return first.select("person_id", "illness", first_at="event_at", first_claim="claim_id", first_insurer="insurer", before_code="code")


FLAGS: tuple[RedFlag, ...] = (early_claim, waiting_period_edge, over_insurance, common_beneficiary, undisclosed_illness)
