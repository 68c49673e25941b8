"""Family G: livestock and crops."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, key, with_distinct, without_exempt


@red_flag(
    "G01",
    "Insured more than there is",
    grain="claim",
    severity="high",
    scheme="livestock_reuse",
    needs=("facts.value", "claim_objects.object_id", "objects.kind"),
    source="广汉 case: 75,000 insured pigs, none kept",
    settings={"tolerance": 0.1},
)
def insured_more_than_there_is(book: Book, s: Settings) -> ir.Table:
    """More heads or more land are insured than are registered or were surveyed.

    Condition: the fact ``insured_headcount`` (``insured_area``) of a policy exceeds the registered heads (area) of the objects that its
    claims name by more than ``tolerance``.
    Example: 2,000 sows insured, 140 in the register.
    Reason: premium subsidies and payouts for animals that do not exist.
    Exclusions: objects without a registered number.
    """
    insured = book["facts"].filter(lambda t: t.name.isin(("insured_headcount", "insured_area")) & (t.value > 0))
    claims = book["claims"].select("claim_id", "policy_id")
    named = book["claim_objects"].select("claim_id", "object_id").inner_join(claims, "claim_id").select("policy_id", "object_id").distinct()
    there = named.inner_join(book["objects"].select("object_id", "headcount", "area"), "object_id")
    sums = there.group_by("policy_id").agg(heads=there.headcount.sum(), area=there.area.sum())
    joined = insured.inner_join(sums, insured.subject_id == sums.policy_id)
    registered = ibis.ifelse(joined.name == "insured_area", joined.area, joined.heads)
    over = joined.mutate(ratio=joined.value / registered.nullif(0.0)).filter(lambda t: t.ratio > 1 + s["tolerance"])
    hit = over.group_by("policy_id").agg(ratio=over.ratio.max(), unit=over.name.min()).inner_join(claims, "policy_id")
    return finding(hit, ("claim", "claim_id"), ("ratio", 1 + s["tolerance"]), ("claims", "claim_id"), "unit")


@red_flag(
    "G02",
    "Ear tag or photo reused",
    grain="claim",
    severity="high",
    scheme="livestock_reuse",
    needs=("claims.claim_id", "policies.line"),
    source="livestock cases",
    settings={"claims": 2},
)
def tag_or_photo_reused(book: Book, s: Settings) -> ir.Table:
    """One animal dies twice.

    Condition: one ear tag, or one survey photograph, on ``claims`` or more claims of different events under agricultural cover.
    Example: tag 50011200045 on the claims of two farms, five weeks apart.
    Reason: a carcass, or its picture, is shown again.
    Exclusions: co-insured shares of one cover and supplements of one event.
    """
    tags = book["claim_objects"].inner_join(book["objects"].filter(lambda t: t.ear_tag.notnull()), "object_id")
    photos = book["surveys"].filter(lambda t: t.photo_hash.notnull())
    tagged = tags.select("claim_id", mark=tags.ear_tag, table=ibis.literal("claim_objects"), evidence=key(tags, "claim_id", "object_id"))
    photo_key = key(photos, "claim_id", "kind", "at")
    pictured = photos.select("claim_id", mark=photos.photo_hash, table=ibis.literal("surveys"), evidence=photo_key)
    claims = book["claim_view"].filter(lambda t: t.line == "agriculture").select("claim_id", "event_id")
    rows = tagged.union(pictured).inner_join(claims, "claim_id")
    counted = with_distinct(rows, ("table", "mark"), events="event_id")
    hit = counted.filter(counted.events >= s["claims"])
    hit = hit.mutate(events=hit.events.max().over(group_by="claim_id"), what=hit.table.min().over(group_by="claim_id"))
    found = finding(hit, ("claim", "claim_id"), ("events", s["claims"] - 1), ("claim_objects", "evidence"), "what")
    names = hit.select(evidence_key="evidence", own_table="table").distinct()
    return found.inner_join(names, "evidence_key").mutate(evidence_table=lambda t: t.own_table).drop("own_table")


@red_flag(
    "G03",
    "Agreed payout",
    grain="person",
    severity="high",
    scheme="livestock_reuse",
    needs=("claim_payments.account", "policies.line"),
    source="livestock cases; penalty notices",
    settings={"families": 3},
)
def agreed_payout(book: Book, s: Settings) -> ir.Table:
    """The farmers' money goes to one account.

    Condition: payments of agricultural claims of ``families`` or more families go to one account of somebody who is not one of the insured.
    Example: the payouts of eleven farmers of a village on the account of the station's clerk. The agent who sold the covers is named,
    else the payee.
    Reason: station and village agree on a loss and share it.
    Exclusions: one family's account; exempt payees (a village collective, a cooperative, a bank).
    """
    claims = book["claim_view"].filter(lambda t: t.line == "agriculture").select("claim_id", "family_id", "person_id", "agent_id")
    payments = without_exempt(book["claim_payments"].filter(lambda t: t.account.notnull()), "payee_entity", book)
    rows = payments.mutate(evidence=key(payments, "claim_id", "at", "payee_id")).inner_join(claims, "claim_id")
    foreign = rows.filter((rows.payee_entity != rows.person_id).fill_null(True))
    counted = with_distinct(foreign, "account", families="family_id")
    hit = counted.filter(counted.families >= s["families"])
    named = hit.mutate(subject=ibis.coalesce(hit.agent_id, hit.payee_entity)).filter(lambda t: t.subject.notnull() & t.evidence.notnull())
    named = named.mutate(most=named.families.max().over(group_by="subject"))
    found = finding(named, ("person", "subject"), ("most", s["families"]), ("claim_payments", "evidence"))
    return found.mutate(subject_kind=found.subject_id.split(":")[0])


FLAGS: tuple[RedFlag, ...] = (insured_more_than_there_is, tag_or_photo_reused, agreed_payout)
