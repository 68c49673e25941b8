"""Rows put in order among sorted ones are where sorting would put them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from pipelines.resolve.inserting import inserted, places

BY = ("a", "b")


def table(rows: list[tuple[str, str]], first: int) -> pa.Table:
    """Sorted rows of two strings and a number, in two pieces."""
    a, b = zip(*sorted(rows), strict=True) if rows else ((), ())
    found = pa.table(
        {"a": pa.array(a, pa.string()), "b": pa.array(b, pa.string()), "i": pa.array(range(first, first + len(a)), pa.int64())}
    )
    return pa.concat_tables([found.slice(0, len(found) // 2), found.slice(len(found) // 2)])


@pytest.mark.parametrize("seed", range(5))
def test_inserted_is_what_sorting_finds(seed: int) -> None:
    chance = np.random.default_rng(seed)
    words = ["", "a", "ab", "b", "é", "陈", "陈a", "\U00020000", "\uffee"]
    every = [(a, b) for a in words for b in words]
    mixed = [every[i] for i in chance.permutation(len(every))]
    many, few = table(mixed[:50], 0), table(mixed[50 : 50 + seed * 7], 100)
    kept = chance.random(50) < 0.8
    found = inserted(many, kept, few, BY)
    both = pa.concat_tables([many.filter(pa.array(kept)), few]).to_pylist()
    assert found.to_pylist() == sorted(both, key=lambda row: (row["a"].encode(), row["b"].encode()))


def test_of_equal_rows_the_few_come_first_and_nothing_may_be_empty() -> None:
    one = table([("a", "b")], 0)
    none = table([], 0)
    assert inserted(one, np.array([True]), table([("a", "b")], 100), BY)["i"].to_pylist() == [100, 0]
    assert inserted(none, np.array([], dtype=bool), one, BY).to_pylist() == inserted(one, np.array([True]), none, BY).to_pylist()
    assert places(none, none).tolist() == [] and places(one, none).tolist() == []
