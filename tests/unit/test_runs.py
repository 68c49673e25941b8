"""The run ledger: stages resume, publishing is one rename, latest moves last and never back."""

from __future__ import annotations

import os
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pytest

from pipelines import runs
from pipelines.config import Engine
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import LockedError


@pytest.fixture
def workspace(tmp_path: Path) -> runs.Workspace:
    return runs.Workspace(tmp_path / "var")


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    made = DuckEngine(Engine(memory_limit="512MB"), tmp_path / "spill")
    yield made
    made.close()


def table(*values: int) -> ir.Table:
    return ibis.memtable({"n": list(values)})


def night(workspace: runs.Workspace, engine: DuckEngine, day: date, key: str) -> runs.Run:
    return runs.Run(workspace, engine, (day, key), lambda _line: None)


def publish(run: runs.Run, text: str, book: str = "b") -> None:
    run.publish(lambda out: (out / "leads.csv").write_text(text) and None)
    run.finish({"book": book})


def test_the_workspace_is_private(workspace: runs.Workspace) -> None:
    assert workspace.root.stat().st_mode & 0o777 == 0o700


def test_a_finished_stage_is_not_carried_out_again(workspace: runs.Workspace, engine: DuckEngine) -> None:
    calls: list[int] = []

    def make() -> dict[str, ir.Table]:
        calls.append(1)
        return {"t": table(3, 1, 2)}

    run = night(workspace, engine, date(2026, 1, 1), "k" * 16)
    first = run.stage("s", make, ordered=True)["t"].to_pandas()
    again = night(workspace, engine, date(2026, 1, 1), "k" * 16)
    second = again.stage("s", make, ordered=True)["t"].to_pandas()
    assert calls == [1]
    assert list(first["n"]) == [1, 2, 3]
    assert first.equals(second)
    assert again.records[0].resumed


def test_a_killed_stage_leaves_nothing_that_counts(workspace: runs.Workspace, engine: DuckEngine) -> None:
    run = night(workspace, engine, date(2026, 1, 1), "k" * 16)

    def dies() -> dict[str, ir.Table]:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run.stage("s", dies)
    assert not (run.folder / "stages" / "s").exists()
    assert run.stage("s", lambda: {"t": table(1)})["t"].count().execute() == 1


def test_latest_moves_forward_only(workspace: runs.Workspace, engine: DuckEngine) -> None:
    publish(night(workspace, engine, date(2026, 1, 2), "b" * 16), "second")
    assert (workspace.latest / "leads.csv").read_text() == "second"
    publish(night(workspace, engine, date(2026, 1, 1), "a" * 16), "first")
    assert (workspace.latest / "leads.csv").read_text() == "second"
    publish(night(workspace, engine, date(2026, 1, 3), "c" * 16), "third")
    assert (workspace.latest / "leads.csv").read_text() == "third"
    assert os.readlink(workspace.latest).startswith("runs/")


def test_another_book_does_not_hold_latest_back(workspace: runs.Workspace, engine: DuckEngine) -> None:
    publish(night(workspace, engine, date(2026, 1, 2), "b" * 16), "one")
    publish(night(workspace, engine, date(2020, 1, 1), "a" * 16), "other", book="other")
    assert (workspace.latest / "leads.csv").read_text() == "other"


def test_a_night_starts_from_the_newest_earlier_night_of_its_book(workspace: runs.Workspace, engine: DuckEngine) -> None:
    for day, key, book in ((1, "a", "b"), (2, "b", "b"), (3, "c", "other"), (5, "d", "b")):
        publish(night(workspace, engine, date(2026, 1, day), key * 16), key, book)
    before = workspace.before(date(2026, 1, 5), "b")
    assert before is not None
    assert before["as_of"] == "2026-01-02"
    assert workspace.before(date(2026, 1, 1), "b") is None


def test_two_runs_at_once_are_refused(workspace: runs.Workspace) -> None:
    with workspace.lock(), pytest.raises(LockedError, match="another run"), workspace.lock():
        pass


def test_the_code_digest_changes_with_the_code(monkeypatch: pytest.MonkeyPatch) -> None:
    before = runs.code_digest()
    assert before == runs.code_digest()
    monkeypatch.setattr(runs, "PACKAGES", ("models",))
    assert runs.code_digest() != before
