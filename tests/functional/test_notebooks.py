"""Notebooks run from top to bottom on a published night, define nothing, and are committed without output."""

from __future__ import annotations

import ast
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parents[2] / "notebooks").glob("*.ipynb"))
LIMIT = 300
"""Seconds after which a notebook is stopped: one that hangs must not hold up all others."""


def _too_late(*_: object) -> None:
    raise TimeoutError(f"a notebook runs for more than {LIMIT} s")


@pytest.fixture
def limited() -> Iterator[None]:
    before = signal.signal(signal.SIGALRM, _too_late)
    signal.alarm(LIMIT)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, before)


def code(path: Path) -> list[dict[str, Any]]:
    cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
    return [c for c in cells if c["cell_type"] == "code"]


def test_there_are_notebooks() -> None:
    assert {p.stem for p in NOTEBOOKS} == set(SEEN)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_calls_and_never_defines(path: Path) -> None:
    for cell in code(path):
        assert cell["outputs"] == []
        assert cell["execution_count"] is None
        kinds = {type(n) for n in ast.walk(ast.parse("".join(cell["source"])))}
        assert not kinds & {ast.FunctionDef, ast.ClassDef, ast.For, ast.While}


@pytest.mark.usefixtures("limited")
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_a_notebook_runs_on_a_night(path: Path, small_night, monkeypatch: pytest.MonkeyPatch) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("FRAUDLEADS_WORKSPACE", str(small_night.out.parents[2]))
    space: dict[str, Any] = {}
    for place, cell in enumerate(code(path)):
        exec(compile("".join(cell["source"]), f"{path.name}[{place}]", "exec"), space)
    assert space["out"] == small_night.out.resolve()
    SEEN[path.stem](space)


def _scorecard(space: dict[str, Any]) -> None:
    assert space["graph"].number_of_nodes() > 2
    assert isinstance(space["scorecard"], pd.DataFrame)
    assert len(space["scorecard"]) > 5


def _ring(space: dict[str, Any]) -> None:
    """What the notebook measures of the ring is what the night published, and every claim is told where it comes from."""
    assert space["graph"].number_of_nodes() > 2
    ring = space["ring"]
    assert space["held"](space["graph"]) == ring["held"]
    assert set(space["claims"]["source"]) == set(ring["made_by"].split(","))
    assert (Path(os.environ["FRAUDLEADS_WORKSPACE"]) / "ring.svg").read_text(encoding="utf-8").startswith("<svg xmlns")


def _retrained(space: dict[str, Any]) -> None:
    """A small book's verdicts are counted, and too few to learn from."""
    assert {"confirmed", "cleared"} <= set(space["verdicts"].columns)
    assert space["said"] and all("too few" in line or "stored" in line for line in space["said"])
    kinds = {*space["verdicts"].index, *space["outcomes"]["entity"].dropna().str.split(":").str[0]}
    assert space["figures"]["nights"] >= 1 and {"claim"} <= set(space["figures"]["kinds"]) <= kinds


def _taken_apart(space: dict[str, Any]) -> None:
    """Points sum to the score, columns to the suspicion, and a column that is put back to what is usual makes it less."""
    assert space["gap"] == 0.0
    assert space["parts"].sum() == pytest.approx(space["suspicion"])
    assert space["detector"].suspicion(space["calmer"]).iloc[0] < space["suspicion"]
    assert len(space["unusual"]) > 0


def _met(space: dict[str, Any]) -> None:
    _scorecard(space)
    assert space["arrived"].set_index("table")["rows"]["claims"] == len(space["claims"]) > 0


SEEN = {
    "01_meet_the_data": _met,
    "02_retrain_and_compare": _retrained,
    "03_why_this_lead": _taken_apart,
    "04_from_link_to_ring": _ring,
}
"""What to look at after each notebook; one without an entry fails."""
