"""Two persons who keep meeting in accidents."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.spine import kind_of
from pipelines.config import Links
from pipelines.engine.keeping import kept
from pipelines.graph.frames import CELL, Frame, strata_of
from pipelines.graph.pairs import Pair

ON_THE_SPOT = ("driver", "passenger", "third_party", "witness")
"""Who was there. An owner or a reporter need not have been, and the owner of a car and who drives it know each other."""
HUB = 50
"""A person in more accidents than this is a placeholder."""
CROWD = 12
"""So many persons in one accident were in a bus or a chain crash."""


def accident_frame(tables: Mapping[str, ir.Table], pairs: dict[int, Pair], rules: Links) -> tuple[Frame, dict[str, ir.Table]]:
    """Who was in which accident, and who met whom there; and what the numbers of the persons stand for.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``claim_view``, ``claim_roles`` and ``entities``.
    pairs : dict of int to Pair
        The one kind of two persons.
    rules : Links
        Whether fleets are left out (accidents of a car whose owner is no person), and what is thin.

    Returns
    -------
    Frame
        A row with ``person_a`` = ``person_b`` says that somebody was in an accident, one with ``person_a`` < ``person_b`` that two of
        different families met there. The unit is the accident; two of one day are one for those who met in both, since insurers report a
        crash under two numbers.
    names : dict of str to ibis Table

    Notes
    -----
    Cost: persons in accidents, once; and per accident the square of those in it who were in ``least`` or more, at most ``CROWD``.
    """
    (pair,) = pairs.values()
    events, people = _events(tables["claim_view"], rules), _people(tables["entities"])
    there = kept(_participations(tables, events, people))
    met = kept(_met(there, pair))
    alone = there.mutate(person_b=there.person_a).select(met.columns)
    cells = strata_of(events, [("event", pair.strata)], rules.thin)
    told = events.inner_join(cells, CELL).select("event", "amount", "event_at", stratum="stratum_0", key="event_id")
    rows = alone.union(met).inner_join(told, "event").drop("event")
    return Frame(pairs, rows), {pair.a_column: people, pair.b_column: people}


def _events(view: ir.Table, rules: Links) -> ir.Table:
    """Accidents: event (number), event_id, event_at, amount (of all claims), the columns of ``CELL``."""
    motor = view.filter(view.line == "motor", view.event_id.notnull())
    if rules.fleets:
        motor = motor.filter((kind_of(motor.owner_id) == "person").fill_null(True))
    site = ibis.coalesce(motor.district, motor.home_district, "?")
    grouped = motor.group_by("event_id").agg(
        event_at=motor.event_at.min(), amount=motor.amount.sum(), insurer=motor.insurer.fill_null("?").min(), site=site.min()
    )
    made = grouped.mutate(amount=grouped.amount.cast(view.amount.type()), line=ibis.literal("motor"), place=grouped.site)
    return kept(made.mutate(event=ibis.row_number().cast("int32")))


def _people(entities: ir.Table) -> ir.Table:
    people = entities.filter(entities.kind == "person")
    return kept(people.select(id="entity_id", family=ibis.coalesce(people.family_id, people.entity_id), n=ibis.row_number().cast("int32")))


def _participations(tables: Mapping[str, ir.Table], events: ir.Table, people: ir.Table) -> ir.Table:
    """One row per accident and person in it: event, day, person_a, unit, accidents (of the person), crowd (of the accident)."""
    roles = tables["claim_roles"]
    present = roles.filter(roles.role.isin(ON_THE_SPOT)).inner_join(people, roles.entity_id == people.id).select("claim_id", person_a="n")
    of_event = tables["claim_view"].select("claim_id", "event_id").inner_join(events, "event_id")
    rows = present.inner_join(of_event, "claim_id").select("event", "person_a", day=of_event.event_at.cast("date")).distinct()
    often = rows.group_by("person_a").agg(accidents=rows.count())
    crowds = rows.group_by("event").agg(crowd=rows.count())
    counted = rows.inner_join(often.filter(often.accidents <= HUB), "person_a").inner_join(crowds, "event")
    known = counted.inner_join(people.select("family", person_a="n"), "person_a")
    return known.select("event", "day", "person_a", "accidents", "crowd", "family", unit=known.event)


def _met(there: ir.Table, pair: Pair) -> ir.Table:
    """Pairs of persons of different families in one accident: event, person_a, person_b, unit."""
    often = there.filter(there.accidents >= pair.least, there.crowd <= CROWD)
    other = often.select("event", person_b="person_a", other_family="family")
    met = often.inner_join(other, "event").filter(lambda t: (t.person_a < t.person_b) & (t.family != t.other_family))
    same_day = met.event.min().over(group_by=[met.person_a, met.person_b, met.day])
    return met.select("event", "person_a", "person_b", unit=same_day)
