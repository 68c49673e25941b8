"""Family P: who the parties are."""

from __future__ import annotations

import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding


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
    Exclusions: other id types; historical region codes; parties that are no persons.
    Source: GB 11643-1999, citizen identification number.
    """
    parties = book["parties"]
    people = parties.kind.isin(("person", "agent", "doctor")) & (parties.id_type.fill_null("resident") == "resident")
    bad = parties.filter(people & parties.id_problem.notnull())
    bad = bad.mutate(records=bad.count().over(group_by="entity_id"), problem=bad.id_problem.min().over(group_by="entity_id"))
    found = finding(bad, ("person", "entity_id"), ("records", 0), ("parties", "party_id"), "problem")
    return found.mutate(subject_kind=found.subject_id.split(":")[0])


FLAGS: tuple[RedFlag, ...] = (invalid_identity,)
