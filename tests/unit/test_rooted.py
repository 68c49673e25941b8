"""The senior record of a cluster is the one with the least number, whatever the cluster is named after."""

from __future__ import annotations

import pyarrow as pa

from pipelines.resolve.identity import rooted


def grouped(rows: list[tuple[str, str, int]]) -> pa.Table:
    """Records as ``regrouped`` gives them, in two pieces."""
    names = ("party_id", "cluster", "n")
    schema = pa.schema([("party_id", pa.string()), ("cluster", pa.string()), ("n", pa.int64())])
    found = pa.Table.from_pylist([dict(zip(names, row, strict=True)) for row in rows], schema=schema)
    return pa.concat_tables([found.slice(0, len(found) // 2), found.slice(len(found) // 2)])


def test_records_are_rooted_in_the_most_senior_of_their_cluster() -> None:
    rows = [("a", "a", 7), ("b", "b", 0), ("c", "a", 2), ("d", "d", 9), ("e", "d", 4), ("f", "a", 5)]
    assert rooted(grouped(rows)).to_pydict() == {"n": [7, 9, 5], "root": [2, 4, 2]}


def test_nobody_alone_has_a_root() -> None:
    assert rooted(grouped([("a", "a", 1), ("b", "b", 0)])).num_rows == 0
    assert rooted(grouped([])).num_rows == 0
