"""Chains of claims against a slow reading of the rule, whatever the order of the rows."""

from __future__ import annotations

import random
from itertools import combinations
from typing import Any

import ibis
import pyarrow as pa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.resolve.chains import chained
from pipelines.resolve.components import components

HOUR = 3600
claim = st.tuples(st.sampled_from(["k", "l", None]), st.sampled_from([0, 1]), st.one_of(st.none(), st.integers(0, 23)))
"""Key, day, hour (None: a date only)."""


def slow(claims: list[tuple[str | None, int, int | None]], seconds: int) -> dict[int, int]:
    """First claim of each claim's chain: joined while anything can be joined."""
    known = {n: c for n, c in enumerate(claims) if c[0] is not None}
    timed = {n: c[1] * 24 * HOUR + c[2] * HOUR + 1 for n, c in known.items() if c[2] is not None}
    first = {n: n for n in range(len(claims))}

    def join(a: int, b: int) -> None:
        low, high = sorted((first[a], first[b]))
        first.update({n: low for n, f in first.items() if f == high})

    for a, b in combinations(timed, 2):
        if known[a][0] == known[b][0] and abs(timed[a] - timed[b]) <= seconds:
            join(a, b)
    chains = dict(first)
    for n in known.keys() - timed.keys():
        key, day, _ = known[n]
        there = {chains[m] for m in timed if known[m][:2] == (key, day)}
        others = [m for m in timed if known[m][:2] == (key, day)]
        alone = [m for m in known.keys() - timed.keys() if known[m][:2] == (key, day)]
        for other in others if len(there) == 1 else alone if not there else []:
            join(n, other)
    return first


def fast(claims: list[tuple[str | None, int, int | None]], order: list[int], seconds: int) -> dict[int, int]:
    rows = [{"n": n, "k": claims[n][0], "day": claims[n][1], "second": _second(claims[n])} for n in order]
    schema = pa.schema([("n", pa.int64()), ("k", pa.string()), ("day", pa.int64()), ("second", pa.int64())])
    given_rows = ibis.memtable(pa.Table.from_pylist(rows, schema))
    table = ibis.duckdb.connect(threads=1).create_table("rows", given_rows.select(*schema.names))
    moved = components(chained(table, ("k",), seconds)).to_pyarrow().to_pylist()
    return {n: n for n in range(len(claims))} | {r["n"]: r["root"] for r in moved}


def _second(claim: tuple[Any, int, int | None]) -> int | None:
    return None if claim[2] is None else claim[1] * 24 * HOUR + claim[2] * HOUR + 1


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(claim, min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_chains_are_those_of_the_slow_rule_in_any_order(claims: list[tuple[str | None, int, int | None]], rng: random.Random) -> None:
    order = list(range(len(claims)))
    rng.shuffle(order)
    assert fast(claims, order, 2 * HOUR) == slow(claims, 2 * HOUR)
