"""Two persons who keep meeting in accidents."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.spine import kind_of
from pipelines.config import Links
from pipelines.engine.keeping import kept
from pipelines.graph.pairs import AREA, COUNTY, Pair

ON_THE_SPOT = ("driver", "passenger", "third_party", "witness")
"""Who was there. An owner or a reporter need not have been, and the owner of a car and who drives it know each other."""
HUB = 50
"""A person in more accidents than this is a placeholder."""
CROWD = 12
"""So many persons in one accident were in a bus or a chain crash."""


def meetings(tables: Mapping[str, ir.Table], pair: Pair, rules: Links) -> ir.Table:
    """Who was in which accident, and who met whom there.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``claim_view``, ``claim_roles`` and ``entities``.
    pair : Pair
        Its strata and least count.
    rules : Links
        Whether fleets are left out: accidents of a car whose owner is no person.

    Returns
    -------
    ibis Table
        a, b, unit, amount, event_at, s0, s1, ...; a row with a = b says that somebody was in an accident, one with a < b that two of
        different families met there. The unit is the accident; two of one day are one for those who met in both, since insurers
        report a crash under two numbers.

    Notes
    -----
    Cost: persons in accidents, once; and per accident the square of those in it who were in ``least`` or more, at most ``CROWD``.
    """
    there = kept(_participations(tables, pair, rules))
    often = there.filter(there.accidents >= pair.least, there.crowd <= CROWD)
    other = often.select("event_id", b="a", b_family="family_id")
    met = often.inner_join(other, "event_id").filter(lambda t: (t.a < t.b) & (t.family_id != t.b_family))
    day = met.event_at.cast("date")
    pairs = met.mutate(unit=met.event_id.min().over(group_by=[met.a, met.b, day]))
    columns = ["event_id", "a", "b", "unit", "amount", "event_at", *(f"s{i}" for i in range(len(pair.strata)))]
    return there.mutate(b=there.a, unit=there.event_id).select(columns).union(pairs.select(columns))


def _participations(tables: Mapping[str, ir.Table], pair: Pair, rules: Links) -> ir.Table:
    """One row per accident and person in it: event_id, a, family_id, accidents (of the person), crowd (of the accident), strata."""
    events = _events(tables["claim_view"], pair, rules)
    roles = tables["claim_roles"]
    present = roles.filter(roles.role.isin(ON_THE_SPOT), kind_of(roles.entity_id) == "person").select("claim_id", a="entity_id")
    in_event = events.inner_join(present, "claim_id").drop("claim_id").distinct()
    entities = tables["entities"]
    families = entities.select("entity_id", family_id=ibis.coalesce(entities.family_id, entities.entity_id))
    people = in_event.inner_join(families, in_event.a == families.entity_id).drop("entity_id")
    counted = people.mutate(accidents=people.count().over(group_by="a"), crowd=people.count().over(group_by="event_id"))
    return counted.filter(counted.accidents <= HUB)


def _events(view: ir.Table, pair: Pair, rules: Links) -> ir.Table:
    """Claims of accidents with what their event says: one time, one place, all its money."""
    motor = view.filter(view.line == "motor", view.event_id.notnull())
    if rules.fleets:
        motor = motor.filter((kind_of(motor.owner_id) == "person").fill_null(True))
    place = ibis.coalesce(motor.district, motor.home_district, "?")
    told = motor.select("claim_id", "event_id", "line", "event_at", "amount", insurer=motor.insurer.fill_null("?"), place=place)
    over = {"group_by": "event_id"}
    same = told.mutate(
        event_at=told.event_at.min().over(**over),
        amount=told.amount.sum().over(**over).cast(told.amount.type()),
        place=told.place.min().over(**over),
    )
    full = same.mutate(
        area=same.place.substr(0, AREA), county=same.place.substr(0, COUNTY), insurer=same.insurer.min().over(**over), site=same.place
    )
    strata = {f"s{depth}": full[column] for depth, column in enumerate(pair.strata)}
    return full.select("claim_id", "event_id", "event_at", "amount", **strata)
