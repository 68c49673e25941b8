"""Family H: stays in hospital, their items and their invoices, per person."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, spread
from features.stays import stays

MOST_STAYS = 60
"""A person with more stays than this is a placeholder (``unknown``, a group) and would multiply pairs."""


@red_flag(
    "H03",
    "Overlapping stays",
    grain="person",
    severity="high",
    scheme="sham_admission",
    needs=("claims.admitted_on", "claims.discharged_on", "claim_roles.role"),
    source="common screening practice",
    settings={"days": 1},
)
def overlapping_stays(book: Book, s: Settings) -> ir.Table:
    """One person lies in two hospitals at once.

    Condition: two stays of one person at different hospitals, of different events, overlap by more than ``days``.
    Example: admitted at A from 3 to 17 May and at B from 8 to 20 May.
    Reason: nobody sleeps in two beds; one of the admissions, or its documents, is sham.
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


FLAGS: tuple[RedFlag, ...] = (overlapping_stays,)
