"""Seconds and memory of learning on a simulated book: a model of its claims, a score for all of them, reasons for a thousand.

The simulator gives a book few verdicts, so labels are made up to one claim in fifty by its truth; how well they are learnt is not
measured here. Asked, at 1 M claims and 20 k labels: learning within 10 min and 8 GiB, scores within 60 s, reasons within 10 s.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from time import perf_counter
from typing import Any, TypeVar

import numpy as np
import pandas as pd

from benchmarks.tables import table
from models.contributions import contributions
from models.supervised import Rows, Supervised
from pipelines import config
from pipelines.flows.past import nights
from pipelines.leads.learning import labels
from pipelines.leads.predict import ready

ROOT = Path(__file__).resolve().parents[1]
KIND, SHARE, EXPLAINED = "claim", 50, 1_000
T = TypeVar("T")
PHASES = {"rows": "rows of all claims", "learn": "learning", "score": "scores of all", "explain": "reasons of 1,000"}


def bench(book: Path, workspace: Path) -> dict[str, Any]:
    """Measure a published night in a process of its own, whose peak is its own."""
    command = [sys.executable, "-m", "benchmarks.learning", "--book", str(book), "--workspace", str(workspace)]
    told = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True, env={**os.environ, "FRAUDLEADS_KEY": "bench" * 8})
    found: dict[str, Any] = json.loads(told.stdout)
    return found


def measured(book: Path, workspace: Path) -> dict[str, Any]:
    """Each of ``PHASES`` with its seconds and the peak of the process so far, MiB."""
    settings = config.load(None)
    with nights(workspace, settings) as past:
        rows, first = _timed(lambda: ready(past[-1].tables, KIND, settings.scoring))
        known = enough(labels(past[-1].tables, KIND, past[-1].as_of), rows, book)
    model, second = _timed(lambda: Supervised(settings.scoring.seed).fit(rows, known))
    (matrix, scores), third = _timed(lambda: _scored(model, rows))
    highest = scores.nlargest(EXPLAINED).index
    _, fourth = _timed(lambda: contributions(model, matrix.loc[highest]))
    counts = {"claims": len(rows.frame), "columns": matrix.shape[1], "judged": len(known), "proven": int(known.sum())}
    return {**counts, "families": " + ".join(model.chosen_), **dict(zip(PHASES, (first, second, third, fourth), strict=True))}


def enough(known: pd.Series, rows: Rows, book: Path) -> pd.Series:
    """Verdicts, and the truth of claims drawn at random, together one in ``SHARE``."""
    truth = pd.read_csv(book / "truth" / "subjects.csv")
    guilty = set(truth.loc[truth["subject_kind"] == KIND, "subject_id"])
    known = known[known.index.isin(rows.frame.index)]
    others = rows.frame.index.difference(known.index)
    wanted = max(0, len(rows.frame) // SHARE - len(known))
    drawn = others[np.sort(np.random.default_rng(0).permutation(len(others))[:wanted])]
    return pd.concat([known, pd.Series(drawn.isin(guilty).astype("int64"), index=drawn)])


def section(sizes: list[dict[str, Any]]) -> str:
    """A table of what was measured, sizes in growing order."""
    head = ("claims", "labels", "proven", "columns", "families", *(f"{name}, s" for name in PHASES.values()), "peak, MiB")
    cells = [(*_told(one), *(one[p]["seconds"] for p in PHASES), f"{max(one[p]['peak_mib'] for p in PHASES):,}") for one in sizes]
    return "\n".join(["### Learning from verdicts, claims, one thread for models\n", table(head, cells)]) + "\n"


def _told(one: dict[str, Any]) -> tuple[Any, ...]:
    return f"{one['claims']:,}", f"{one['judged']:,}", one["proven"], one["columns"], one["families"]


def _scored(model: Supervised, rows: Rows) -> tuple[pd.DataFrame, pd.Series]:
    matrix = model.encoded(rows)
    return matrix, model.scored(matrix)


def _timed(work: Callable[[], T]) -> tuple[T, dict[str, float]]:
    start = perf_counter()
    made = work()
    seconds = round(perf_counter() - start, 1)
    return made, {"seconds": seconds, "peak_mib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)}


def main() -> None:
    """Print what is measured of one book as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--book", type=Path, required=True)
    parser.add_argument("--workspace", type=Path, required=True)
    options = parser.parse_args()
    print(json.dumps(measured(options.book, options.workspace)))


if __name__ == "__main__":
    main()
