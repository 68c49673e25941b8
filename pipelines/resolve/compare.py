"""How alike two addresses are: one definition, in SQL, for linking persons and for its evaluation."""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.resolve.addresses import parse

SAME, NEAR = 0.85, 0.66
"""Levels of ``address_level``: of the simulator's addresses, variants of one are the same, another room or number is near, the rest far."""
PARTS = ("listed", "road", "number", "zone", "building", "team", "unit", "floor", "room")
COLUMNS = ("grams", "core", "weight", "core_weight", *PARTS, "house", "finest", "facility")
"""What of ``parse`` the comparison reads, each with ``address_`` before its name."""
COSTS: Mapping[str, float] = {
    "listed": 0.55, "road": 0.1, "number": 0.15, "zone": 0.25, "zone alone": 0.15, "building": 0.3, "building alone": 0.45,
    "team": 0.2, "team alone": 0.45, "unit": 0.2, "floor": 0.1, "room": 0.2, "house alone": 0.5, "other grain": 0.1, "gate": 0.6,
}  # fmt: skip
"""Difference (:func:`differences`) → cost, in units of what is :func:`missing` in names; from ``benchmarks.rewritten``, without labels."""


def address_similarity(left: str = "l", right: str = "r", costs: Mapping[str, float] = COSTS) -> str:
    """Similarity of two parsed addresses in [0, 1] as a DuckDB expression; symmetric, 1 for equal ones, null where one is empty.

    Parameters
    ----------
    left, right : str
        Aliases of two tables with the columns of ``parse`` named ``address_…`` (``COLUMNS``).
    costs : mapping of str to float
        Of differences; those not named cost nothing.

    Notes
    -----
    1 / (1 + d), where d is what is :func:`missing` in names and what differences cost, so that pairs keep their order however much differs;
    those with nothing in common have a half at most.
    """
    known = differences(left, right)
    found = [f"CASE WHEN {known[name]} THEN {cost} ELSE 0 END" for name, cost in costs.items()]
    return f"1 / ({' + '.join(['1', missing(left, right), *found])})"


def missing(left: str = "l", right: str = "r") -> str:
    """What two parsed addresses lack to have the same names, in [0, 1], as a DuckDB expression; null where one is empty.

    Two thirds are the Dice figure of character pairs weighted by rarity, one third how far each one's last name is found in the other.
    """
    shared = f"list_intersect({left}.address_grams, {right}.address_grams)"
    dice = f"2.0 * {_weight(shared)} / (nullif({left}.address_weight, 0) + nullif({right}.address_weight, 0))"
    found = [f"{_weight(f'list_intersect({a}.address_core, {shared})')} / greatest({a}.address_core_weight, 1)" for a in (left, right)]
    return f"(1 - ({dice} + ({found[0]} + {found[1]}) / 4) / 1.5)"


def differences(left: str = "l", right: str = "r") -> dict[str, str]:
    """What may differ between two parsed addresses, as DuckDB conditions.

    Returns
    -------
    dict of str to str
        By part, where both name it and differ; and with ``alone``, where one names it. ``house alone``: one alone names a house, which is
        the number behind a name, or any number where neither has a name, and it is not the other's number, building or group. ``other
        grain``: without buildings, the finest thing named is of another kind. ``gate``: one is a gate or car park.
    """
    found = {}
    for part in PARTS:
        a, b = f"{left}.address_{part}", f"{right}.address_{part}"
        found[part] = f"{a} <> {b} AND {a} <> '' AND {b} <> ''"
        found[f"{part} alone"] = f"({a} = '') <> ({b} = '')"
    found["house alone"] = f"{_house_alone(left, right)} OR {_house_alone(right, left)}"
    bare = f"{left}.address_building = '' AND {right}.address_building = ''"
    found["other grain"] = f"{left}.address_finest <> {right}.address_finest AND {bare}"
    return {**found, "gate": f"{left}.address_facility <> {right}.address_facility"}


def address_level(left: str = "l", right: str = "r") -> str:
    """``same``, ``near`` or ``far`` of two parsed addresses as a DuckDB expression; null where one is empty."""
    score = address_similarity(left, right)
    return f"CASE WHEN ({score}) >= {SAME} THEN 'same' WHEN ({score}) >= {NEAR} THEN 'near' WHEN ({score}) >= 0 THEN 'far' END"


def similarity(left: pd.Series, right: pd.Series, costs: Mapping[str, float] = COSTS) -> NDArray[np.float64]:
    """Scores of raw addresses pair by pair, weighted by all addresses given; NaN where one is empty."""
    return compared(left, right, {"score": address_similarity(costs=costs)})["score"].to_numpy(dtype=float)


def compared(left: pd.Series, right: pd.Series, what: Mapping[str, str]) -> pd.DataFrame:
    """Expressions over l and r, by their names, of raw addresses pair by pair."""
    parsed = parse(pd.concat([left, right], ignore_index=True)).add_prefix("address_")
    halves = {"l": parsed.iloc[: len(left)], "r": parsed.iloc[len(left) :]}
    with duckdb.connect() as connection:
        for name, half in halves.items():
            connection.register(name, half.reset_index(drop=True).rename_axis("n").reset_index())
        shown = ", ".join(f'{sql} AS "{name}"' for name, sql in what.items())
        found: pd.DataFrame = connection.execute(f"SELECT {shown} FROM l JOIN r USING (n) ORDER BY n").df()
    return found


def _weight(codes: str) -> str:
    """Codes are 65536 x hash + weight: the low 16 bits of their sum are the sum of weights."""
    return f"(coalesce(list_sum({codes}), 0) % 65536)::DOUBLE"


def _house_alone(one: str, other: str) -> str:
    """Whether the first alone names a house."""
    named = f"'place' IN ({one}.address_finest, {other}.address_finest)"
    a, b = (f"CASE WHEN {named} THEN {side}.address_house ELSE {side}.address_number END" for side in (one, other))
    return f"({a}) <> '' AND ({b}) = '' AND ({a}) NOT IN ({', '.join(f'{other}.address_{c}' for c in ('number', 'building', 'team'))})"
