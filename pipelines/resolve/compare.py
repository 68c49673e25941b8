"""How alike two addresses are: one definition, in SQL, for linking persons and for its evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.resolve.addresses import parse

SAME, NEAR = 0.85, 0.60
"""Levels of ``address_level``."""
COLUMNS = ("grams", "core", "weight", "core_weight", "listed", "number", "building", "unit", "room", "zone", "team", "finest", "facility")
"""What of ``parse`` the comparison reads, each with ``address_`` before its name."""


@dataclass(frozen=True)
class Costs:
    """What a difference takes from the similarity of two addresses.

    Attributes
    ----------
    parts : mapping of str to (float, float)
        Part → cost where both name it and differ, and where one alone names it.
    other_grain, gate : float
        Of a place against a mere road, where no building is named; of the gate or car park of the other.
    same_building : float
        What is missing to 1 counts so much where both name the same building.
    """

    parts: Mapping[str, tuple[float, float]]
    other_grain: float = 0.2
    gate: float = 0.2
    same_building: float = 0.8


COSTS = Costs(
    {
        "listed": (0.3, 0.0),
        "number": (0.1, 0.0),
        "zone": (0.1, 0.0),
        "building": (0.2, 0.2),
        "team": (0.2, 0.2),
        "unit": (0.1, 0.0),
        "room": (0.2, 0.0),
    }
)
"""Set by hand, in steps of a tenth, after labelled examples had been read; ``benchmarks.addresses`` measures what they rest on."""


def address_similarity(left: str = "l", right: str = "r", costs: Costs = COSTS) -> str:
    """Similarity of two parsed addresses in [0, 1] as a DuckDB expression; symmetric, 1 for equal ones, null where one is empty.

    Parameters
    ----------
    left, right : str
        Aliases of two tables with the columns of ``parse`` named ``address_…`` (``COLUMNS``).
    costs : Costs
        Of differences.

    Notes
    -----
    Two thirds are the Dice figure of character pairs weighted by rarity, one third how far each one's last name is found in the other.
    What is missing to 1 counts less where both name the same building. Then costs: another district of Chongqing, number,
    phase, building, group, unit or room; a building or group in one only; without buildings, a place against a mere road; the gate or
    car park of the other.
    """
    score = f"1 - (1 - ({_alike(left, right)})) * ({_building(left, right, costs)}) - ({_costs(left, right, costs)})"
    return f"(({score}) + abs({score})) / 2"  # 0 where negative; greatest() would hide a null, and CASE compute the parts twice


def address_level(left: str = "l", right: str = "r") -> str:
    """``same``, ``near`` or ``far`` of two parsed addresses as a DuckDB expression; null where one is empty."""
    score = address_similarity(left, right)
    return f"CASE WHEN ({score}) >= {SAME} THEN 'same' WHEN ({score}) >= {NEAR} THEN 'near' WHEN ({score}) >= 0 THEN 'far' END"


def similarity(left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
    """Scores of raw addresses pair by pair, weighted by all addresses given; NaN where one is empty."""
    return similarities(left, right, {"score": COSTS})["score"]


def similarities(left: pd.Series, right: pd.Series, costs: Mapping[str, Costs]) -> dict[str, NDArray[np.float64]]:
    """The same under several costs, by their names."""
    parsed = parse(pd.concat([left, right], ignore_index=True)).add_prefix("address_")
    halves = {"l": parsed.iloc[: len(left)], "r": parsed.iloc[len(left) :]}
    with duckdb.connect() as connection:
        for name, half in halves.items():
            connection.register("half", half.reset_index(drop=True).rename_axis("n").reset_index())
            connection.execute(f"CREATE TABLE {name} AS SELECT * FROM half")
        return {
            name: np.array(
                connection.execute(f"SELECT {address_similarity(costs=one)} AS score FROM l JOIN r USING (n) ORDER BY n").df()["score"],
                dtype=float,
            )
            for name, one in costs.items()
        }


def _alike(left: str, right: str) -> str:
    shared = f"list_intersect({left}.address_grams, {right}.address_grams)"
    dice = f"2.0 * {_weight(shared)} / (nullif({left}.address_weight, 0) + nullif({right}.address_weight, 0))"
    found = [f"{_weight(f'list_intersect({a}.address_core, {shared})')} / greatest({a}.address_core_weight, 1)" for a in (left, right)]
    return f"({dice} + ({found[0]} + {found[1]}) / 4) / 1.5"


def _weight(codes: str) -> str:
    """Codes are 65536 x hash + weight: the low 16 bits of their sum are the sum of weights."""
    return f"(coalesce(list_sum({codes}), 0) % 65536)::DOUBLE"


def _building(left: str, right: str, costs: Costs) -> str:
    same = f"{left}.address_building <> '' AND {left}.address_building = {right}.address_building"
    return f"CASE WHEN {same} THEN {costs.same_building} ELSE 1 END"


def _costs(left: str, right: str, costs: Costs) -> str:
    found = [_cost(f"{left}.address_{part}", f"{right}.address_{part}", cost) for part, cost in costs.parts.items()]
    none = f"{left}.address_building = '' AND {right}.address_building = ''"
    found.append(f"CASE WHEN {none} AND {left}.address_finest <> {right}.address_finest THEN {costs.other_grain} ELSE 0 END")
    found.append(f"CASE WHEN {left}.address_facility <> {right}.address_facility THEN {costs.gate} ELSE 0 END")
    return " + ".join(found)


def _cost(a: str, b: str, cost: tuple[float, float]) -> str:
    return f"CASE WHEN {a} = {b} THEN 0 WHEN {a} <> '' AND {b} <> '' THEN {cost[0]} ELSE {cost[1]} END"
