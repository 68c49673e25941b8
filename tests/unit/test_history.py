"""What became of an entity from one night to the next: it grows, two merge, one splits, a record moves, and all is carried on."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import ibis
import pytest

from pipelines.config import Engine
from pipelines.engine.duckdb import DuckEngine
from pipelines.resolve.history import entity_history

Partition = list[str]
"""Entities as words of their records, the earliest first; each is named after its first record."""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    made = DuckEngine(Engine(), tmp_path / "spill")
    yield made
    made.close()


def nights(engine: DuckEngine, folder: Path, *partitions: Partition) -> list[tuple[str, str, str, int]]:
    """The history after the last of several nights: entity, predecessor, change, day."""
    before: Path | None = None
    for day, partition in enumerate(partitions, start=1):
        rows = [{"party_id": r, "entity_id": f"person:{e[0]}", "first_key": e[0]} for e in partition for r in e]
        found = ibis.memtable(rows)
        history = entity_history(found, engine, before, date(2026, 1, day))
        here = folder / str(day)
        engine.write(found.select("party_id", "entity_id"), here / "party_entity.parquet")
        engine.write(history, here / "entity_history.parquet")
        before = here
    assert before is not None
    table = engine.read(before / "entity_history.parquet").to_pandas()
    said = [(r.entity_id[-1], r.predecessor[-1], r.change, r.as_of.day) for r in table.itertuples()]
    return sorted(said, key=lambda row: (row[3], row))


@pytest.mark.parametrize(
    ("partitions", "expected"),
    [
        ([["a", "b"], ["ac", "b", "d"]], []),
        ([["a", "b"], ["acb"]], [("a", "b", "merge", 2)]),
        ([["ab"], ["a", "b"]], [("b", "a", "split", 2)]),
        ([["a", "b"], ["acb"], ["ac", "b"]], [("a", "b", "merge", 2), ("b", "a", "split", 3)]),
        ([["a", "b"], ["ab"], ["ab"], ["cab"]], [("a", "b", "merge", 2), ("c", "a", "merge", 4)]),
        ([["ab"], ["b"]], [("b", "a", "merge", 2)]),
        ([["abc", "d"], ["ab", "cd"]], [("c", "a", "split", 2), ("c", "d", "merge", 2)]),
        ([["abc"], ["b", "c"]], [("b", "a", "split", 2), ("c", "a", "split", 2)]),
        ([["a", "b"], ["a"]], []),
        ([["ab", "cd"], ["a", "cdb"]], [("c", "a", "move", 2)]),
        ([["abe", "cd"], ["ad", "cbe"]], [("a", "c", "move", 2), ("c", "a", "move", 2)]),
        ([["ab", "cd"], ["a", "cdb"], ["cadb"]], [("c", "a", "move", 2), ("c", "a", "merge", 3)]),
        ([["ab", "cd"], ["cdb"]], [("c", "a", "merge", 2)]),
        ([["abe", "cd"], ["a", "cdb", "e"]], [("c", "a", "move", 2), ("e", "a", "split", 2)]),
    ],
    ids=[
        "growth",
        "bridge",
        "split",
        "merge and split",
        "two merges",
        "head gone",
        "both at once",
        "head gone and split",
        "gone",
        "a record moves",
        "records change places",
        "moved, then one",
        "head gone and moved",
        "moved and split",
    ],
)
def test_what_became_of_entities(
    engine: DuckEngine, tmp_path: Path, partitions: list[Partition], expected: list[tuple[str, str, str, int]]
) -> None:
    assert nights(engine, tmp_path, *partitions) == expected


def test_without_a_night_before_nothing_has_changed(engine: DuckEngine) -> None:
    found = ibis.memtable([{"party_id": "a", "entity_id": "person:a", "first_key": "a"}])
    assert entity_history(found, engine, None, date(2026, 1, 1)).count().execute() == 0
