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
    settings={"events": 2, "days": 7},
)
def tag_or_photo_reused(book: Book, s: Settings) -> ir.Table:
    """One animal dies twice.

    Condition: under agricultural cover, one survey photograph on ``events`` or more events more than ``days`` apart; or one ear tag on
    lots of several families, on a lot that goes back to an earlier keeper, or on more deaths than the lot has heads.
    Example: tag 50011200045 on the claims of two farms, five weeks apart.
    Reason: a carcass, or its picture, is shown again.
    Exclusions: an outbreak photographed once for a village; a lot that was sold on, once; several animals of one tagged lot;
    co-insured shares of one cover and supplements of one event.
    """
    claims = book["claim_view"].filter(lambda t: t.line == "agriculture").select("claim_id", "event_id", "event_at", "family_id")
    reused = ibis.union(_photos(book, claims, s), _tags(book, claims, s), distinct=False)
    hit = reused.mutate(most=reused.events.max().over(group_by="claim_id"), what=reused.table.min().over(group_by="claim_id"))
    # The proof is not one claim's tag or picture but that another claim shows it too.
    subjects = hit.select("reused", "most", "what", subject="claim_id").distinct()
    hit = subjects.inner_join(hit.drop("most", "what"), "reused")
    found = [
        finding(hit.filter(hit.table == table), ("claim", "subject"), ("most", s["events"] - 1), (table, "evidence"), "what")
        for table in ("claim_objects", "surveys")
    ]
    return ibis.union(*found, distinct=False)


def _photos(book: Book, claims: ir.Table, s: Settings) -> ir.Table:
    """Claims whose photograph was used before: claim_id, events, table, evidence, reused (the photograph)."""
    photos = book["surveys"].filter(lambda t: t.photo_hash.notnull())
    rows = photos.mutate(evidence=key(photos, "claim_id", "kind", "at")).inner_join(claims, "claim_id")
    day = rows.event_at.cast("date")
    counted = with_distinct(rows, "photo_hash", events="event_id")
    groups = rows.group_by("photo_hash").agg(span=day.max().delta(day.min(), unit="day"))
    hit = counted.inner_join(groups, "photo_hash").filter(lambda t: (t.events >= s["events"]) & (t.span > s["days"]))
    return hit.select("claim_id", "events", table=ibis.literal("surveys"), evidence="evidence", reused="photo_hash")


def _tags(book: Book, claims: ir.Table, s: Settings) -> ir.Table:
    """Claims whose ear tag cannot be there again: claim_id, events, table, evidence, reused (the tag)."""
    lots = book["objects"].filter(lambda t: t.ear_tag.notnull()).select("object_id", "ear_tag", "headcount")
    named = book["claim_objects"].inner_join(lots, "object_id")
    rows = named.select("claim_id", "object_id", "ear_tag", "headcount", evidence=key(named, "claim_id", "object_id")).inner_join(
        claims, "claim_id"
    )
    before = rows.family_id.lag(1).over(group_by="ear_tag", order_by=["event_at", "claim_id"])
    moved = rows.mutate(moved=(rows.family_id != before).fill_null(False).cast("int64"))
    groups = moved.group_by("ear_tag").agg(
        events=moved.event_id.nunique(),
        lots=moved.object_id.nunique(),
        families=moved.family_id.nunique(),
        moves=moved.moved.sum(),
        heads=moved.headcount.max(),
    )
    apart, back = (groups.lots > 1) & (groups.families > 1), groups.moves >= groups.families
    dead_twice = (groups.events > groups.heads).fill_null(False)
    reused = groups.filter((groups.events >= s["events"]) & (apart | back | dead_twice)).select("ear_tag", "events")
    found = rows.inner_join(reused, "ear_tag")
    return found.select("claim_id", "events", table=ibis.literal("claim_objects"), evidence="evidence", reused="ear_tag")


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
