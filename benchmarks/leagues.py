"""Pairs of parties in league, written into the claims of a world in which nobody is."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from benchmarks.nullworld import ASSESSORS, DOCTORS, NOBODY, Columns, Ints, World

MET = 10
"""Claims that bring a planted pair together, of different families."""
LEAGUES = {
    "agent-hospital": 0, "agent-doctor": 0, "agent-garage": 2, "agent-payee": 0, "garage-reporter": 2, "garage-phone": 2, "garage-owner": 2,
    "assessor-garage": 2, "appraiser-lawyer": 2, "appraiser-proxy": 2, "hospital-employer": 0, "doctor-employer": 0, "doctor-lawyer": 0,
    "garage-lawyer": 2, "hospital-village": 0, "person-person": 2,
}  # fmt: skip
"""Kinds of pair that are planted → the line of their claims. Those of agencies follow from those of agents."""


def plant(made: World, row: Columns) -> list[tuple[str, Columns]]:
    """Overwrite claims so that pairs are in league; what was planted: kind of pair, and the numbers of all parties in it by column."""
    known, free = [], np.ones(len(row["line"]), dtype=bool)
    for name, line in LEAGUES.items():
        for _ in range(made.plan.planted):
            rows = _claims_for(made, row, line, free)
            if len(rows) == MET:
                free[rows] = False
                known.append((name, _league(made, row, name, rows)))
    return known


def _claims_for(made: World, row: Columns, line: int, free: npt.NDArray[np.bool_]) -> Ints:
    """Claims of different families of one district that happened at home; few districts have many, so that is where leagues are."""
    first = made.rng.choice(np.flatnonzero(free & (row["line"] == line)))
    same = free & (row["line"] == line) & (row["home"] == row["home"][first]) & (row["site"] == row["home"])
    found = made.rng.permutation(np.flatnonzero(same))
    families = made.people["family"][row["person"][found]]
    return found[np.sort(np.unique(families, return_index=True)[1])[:MET]]


def _league(made: World, row: Columns, name: str, rows: Ints) -> Columns:
    """Write one league into its claims."""
    a, b = name.split("-")
    at = row["home"][rows[:1]]
    row["group"][rows] = NOBODY
    if name == "person-person":
        met = {"third": _stranger(made), "person": row["person"][rows[:1]], "owner": row["person"][rows[:1]]}
        rows = rows[:6]
    elif name == "hospital-village":
        met = {"hospital": made.pick("hospital", (at + 1) % made.plan.districts)}
        row["day"][rows] = np.arange(len(rows)) * 90
    else:
        met = {kind: _party(made, kind, at) for kind in (a, b)}
    if "doctor" in met:
        met["hospital"] = met["doctor"] // DOCTORS
    for column, value in met.items():
        row[column][rows] = value
    if name == "assessor-garage":
        row["insurer"][rows] = 0
    if name == "garage-owner":
        row["vehicle"][rows] = met["owner"] * 3 + made.plan.claims * 10 + np.arange(len(rows))
    return {**met, "village": at}


def _stranger(made: World) -> Ints:
    return made.rng.integers(0, len(made.people["home"]), 1)


def _party(made: World, kind: str, at: Ints) -> Ints:
    if kind in ("payee", "reporter", "owner"):
        return _stranger(made)
    if kind == "phone":
        return _stranger(made) + len(made.people["home"])
    if kind == "assessor":
        return at * ASSESSORS
    per = made.plan.per_district("hospital" if kind == "doctor" else kind)
    some = at * per + made.rng.integers(0, per, 1)
    return some * DOCTORS if kind == "doctor" else some
