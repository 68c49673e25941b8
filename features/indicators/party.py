"""Family P: who the parties are."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, with_distinct, without_exempt

NATURAL = ("person", "agent", "doctor")


@red_flag(
    "P01",
    "Invalid identity",
    grain="person",
    severity="low",
    scheme="identity",
    needs=("parties.id_problem",),
    source="GB 11643-1999",
)
def invalid_identity(book: Book, s: Settings) -> ir.Table:
    """A resident id number that cannot exist.

    Condition: the gate found a wrong check digit, an impossible birth date or a region that never existed.
    Example: an insured whose 18-digit number ends in 3 where the first 17 digits call for X.
    Reason: invented people have invented numbers.
    Exclusions: other id types; historical region codes; parties that are no persons; people with another record whose number is valid,
    which makes this one a slip of the pen.
    """
    parties = book["parties"].filter(lambda t: t.kind.isin(NATURAL) & (t.id_type.fill_null("resident") == "resident"))
    judged = parties.filter(parties.id_number.notnull())
    wrong = judged.mutate(problem=judged.id_problem.nullif(""))
    valid = wrong.problem.isnull().sum().over(group_by="entity_id")
    bad = wrong.mutate(valid=valid).filter(lambda t: t.problem.notnull() & (t.valid == 0))
    bad = bad.mutate(records=bad.count().over(group_by="entity_id"), problem=bad.problem.min().over(group_by="entity_id"))
    found = finding(bad, ("person", "entity_id"), ("records", 0), ("parties", "party_id"), "problem")
    return found.mutate(subject_kind=found.subject_id.split(":")[0])


@red_flag(
    "P02",
    "Identity shared",
    grain="party",
    severity="medium",
    scheme="identity",
    needs=("parties.name",),
    source="common screening practice",
    settings={"names": 3},
)
def identity_shared(book: Book, s: Settings) -> ir.Table:
    """One number, many people.

    Condition: one id number, or one phone or account of ``names`` or more families, stands under ``names`` or more different names.
    Example: four policyholders of four names with one account number.
    Reason: one hand fills in the forms.
    Exclusions: families, who share phones and accounts (by household, kinship or address); organisations; exempt parties (fleets,
    hotlines, banks, insurers' own numbers).
    """
    people = without_exempt(book["parties"].filter(lambda t: t.kind.isin(NATURAL) & t.name.notnull()), "entity_id", book)
    found = [_shared(people, book, mark, s) for mark in ("id_number", "phone", "account")]
    return ibis.union(*found, distinct=False)


def _shared(people: ir.Table, book: Book, mark: str, s: Settings) -> ir.Table:
    """Records of one mark under too many names; the mark itself is the subject of phones and accounts, the party of id numbers."""
    known = people.filter(people[mark].notnull())
    if mark != "id_number":
        listed = book["party_exemptions"].filter(lambda t: t[mark].notnull()).select(mark)
        known = known.anti_join(listed, mark)
    family = ibis.coalesce(known.family_id, known.entity_id)
    placed = known.mutate(family=family, home=ibis.coalesce(known.address, family))
    counted = with_distinct(placed, mark, names="name", families="family", homes="home")
    apart = ibis.least(counted.families, counted.homes) >= (1 if mark == "id_number" else s["names"])
    hit = counted.filter((counted.names >= s["names"]) & apart)
    if mark != "id_number":
        return finding(hit, (mark, mark), ("names", s["names"]), ("parties", "party_id"), ibis.literal(mark))
    hit = hit.mutate(most=hit.names.max().over(group_by="entity_id"))
    found = finding(hit, ("person", "entity_id"), ("most", s["names"]), ("parties", "party_id"), ibis.literal(mark))
    return found.mutate(subject_kind=found.subject_id.split(":")[0])


@red_flag(
    "P03",
    "On the deny list",
    grain="party",
    severity="medium",
    scheme="identity",
    needs=("watchlist.subject_id",),
    source="common screening practice",
)
def on_the_deny_list(book: Book, s: Settings) -> ir.Table:
    """A subject that an earlier, confirmed case put on the deny list.

    Condition: an entry of kind ``deny`` is in force tonight.
    Example: a garage convicted in 2024, listed until 2027.
    Reason: those who were caught come back.
    Exclusions: entries that have not begun, have ended, or have no end: a list without ends is never reviewed.
    """
    tonight, listed = ibis.date(book.as_of.isoformat()), book["watchlist"].filter(lambda t: t.kind == "deny")
    live = listed.filter((listed.starts_on < tonight) & (listed.ends_on >= tonight))
    entities = book["party_entity"].select("party_id", "entity_id")
    named = live.left_join(entities, live.subject_id == entities.party_id)
    subject = ibis.coalesce(named.entity_id, named.subject_id)
    whole = {c: named[c].fill_null("") for c in ("subject_kind", "subject_id", "kind", "flag")}
    marked = named.mutate(subject=subject, evidence=ibis.literal("|").join(list(whole.values())), entry=ibis.literal(1))
    counted = marked.mutate(entries=marked.entry.sum().over(group_by="subject"), why=marked.reason.min().over(group_by="subject"))
    found = finding(counted, ("party", "subject"), ("entries", 0), ("watchlist", "evidence"), "why")
    kinds = counted.select(subject_id="subject", own_kind=counted.subject_kind.fill_null("party")).distinct()
    return found.inner_join(kinds, "subject_id").mutate(subject_kind=lambda t: t.own_kind).drop("own_kind")


FLAGS: tuple[RedFlag, ...] = (invalid_identity, identity_shared, on_the_deny_list)
