"""Killed at every rename of the night (every stage boundary, every file being written), then started again: the same bytes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from pipelines.flows.nightly import Night
from tests.nights import ROOT, digests, run_night

STAGES = ["staging", "resolve", "views", "graph", "proximity", "features", "signs", "rings", "flags", "leads"]

DRIVER = """
import os, sys
real, left = os.replace, [int(sys.argv[3])]
def dying(source, target):
    left[0] -= 1
    if left[0] < 0:
        os._exit(9)
    return real(source, target)
os.replace = dying
from pathlib import Path
from tests.nights import run_night
from pipelines.flows import nightly
nightly.Recorder = type("Silent", (), {"__init__": lambda *a: None, "record": lambda *a: None, "stop": lambda *a: None})
run_night(Path(sys.argv[1]), Path(sys.argv[2]))
print(10**6 - left[0])
"""


def killed_after(renames: int, book: Path, workspace: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", DRIVER, str(book), str(workspace), str(renames)], cwd=ROOT, capture_output=True, text=True, check=False
    )


@pytest.fixture
def undisturbed(tiny_night: Night) -> Night:
    return tiny_night


def test_the_same_night_twice_is_a_no_op(tiny_book: Path, undisturbed: Night) -> None:
    before = {p: p.stat().st_mtime_ns for p in undisturbed.out.rglob("*")}
    again = run_night(tiny_book, undisturbed.out.parents[2])
    assert again.done_before
    assert again.manifest == undisturbed.manifest
    assert {p: p.stat().st_mtime_ns for p in undisturbed.out.rglob("*")} == before


def test_the_same_night_elsewhere_is_the_same_bytes(tiny_book: Path, undisturbed: Night, tmp_path: Path) -> None:
    assert digests(run_night(tiny_book, tmp_path).out) == digests(undisturbed.out)


def test_killed_anywhere_and_started_again(tiny_book: Path, undisturbed: Night, tmp_path: Path) -> None:
    """One workspace is killed again and again, each time after some more renames than the last, until it gets through."""
    deaths = 0
    for attempt in range(40):
        done = killed_after(3 + 5 * attempt, tiny_book, tmp_path)
        if done.returncode == 0:
            break
        assert done.returncode == 9, done.stderr[-2000:]
        deaths += 1
        assert not (tmp_path / "latest" / "leads.csv").exists() or digests(tmp_path / "latest") == digests(undisturbed.out)
    assert deaths >= 5
    assert digests((tmp_path / "latest").resolve()) == digests(undisturbed.out)


def test_killed_at_every_stage_boundary(tiny_book: Path, undisturbed: Night, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from pipelines import runs

    real = runs.Run._carry_out

    def dying(self, name, make, ordered):  # type: ignore[no-untyped-def]
        real(self, name, make, ordered)
        raise KeyboardInterrupt

    monkeypatch.setattr(runs.Run, "_carry_out", dying)
    for _ in STAGES:
        with pytest.raises(KeyboardInterrupt):
            run_night(tiny_book, tmp_path)
        assert not (tmp_path / "latest").exists()
    monkeypatch.setattr(runs.Run, "_carry_out", real)
    night = run_night(tiny_book, tmp_path)
    assert digests(night.out) == digests(undisturbed.out)
    assert [s["stage"] for s in night.manifest["stages"] if s["resumed"]] == STAGES
