"""Nights that were published, read again as they were: for learning from them and for judging what they would have said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time
from pathlib import Path

import pandas as pd

from features.book import Tables
from models.backtest import VERDICT
from pipelines import config, runs
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import UsageError
from pipelines.leads.learning import TRAINS, investigated

STAGES = ("staging", "resolve", "views", "graph", "proximity", "features", "signs", "rings", "flags")
"""In the order in which they replace each other's tables."""


@dataclass(frozen=True)
class Past:
    """One published night: when, and its tables up to the red flags."""

    as_of: datetime
    tables: Tables


@contextmanager
def nights(workspace: Path, settings: config.Settings) -> Iterator[list[Past]]:
    """The published nights of the latest night's book, in order of date; of several of one date the last published.

    Raises
    ------
    UsageError
        If no night is published in the workspace.
    """
    latest = workspace / "latest"
    if not latest.exists():
        raise UsageError("no night is published here", str(workspace), "run fraudleads nightly first, or give --workspace")
    book = _manifest(latest.resolve().parent)["book"]
    folders = sorted((workspace / "runs").glob("*/manifest.json"), key=lambda p: p.stat().st_mtime)
    told = {str(m["as_of"]): p.parent for p in folders if (m := _manifest(p.parent))["book"] == book}
    engine = DuckEngine(settings.engine, runs.Workspace(workspace).root / "spill")
    try:
        yield [Past(datetime.combine(datetime.fromisoformat(day).date(), time.min), _tables(engine, told[day])) for day in sorted(told)]
    finally:
        engine.close()


def verdicts(night: Past, kind: str) -> pd.DataFrame:
    """``VERDICT`` of a kind's subjects as known on a night; investigations that explored are left out of it."""
    outcomes = investigated(night.tables["outcomes"])
    told = outcomes.filter((outcomes.kind == kind) & outcomes.verdict.isin(list(TRAINS)) & (outcomes.decided_at < night.as_of))
    planned = told.filter((told.selected_by != "explore").fill_null(True))
    rows: pd.DataFrame = planned.select(
        "opened_at", "decided_at", "verdict", "scheme", subject_id="own", amount=planned.amount_saved.cast("float64")
    ).to_pandas()
    labelled = rows.assign(label=rows["verdict"].map(TRAINS).astype("int64")).dropna(subset=["opened_at", "decided_at"])
    return labelled[VERDICT].sort_values(["opened_at", "subject_id", "decided_at"], ignore_index=True)


def judged_kinds(night: Past) -> list[str]:
    """Kinds of subject with a verdict, in order."""
    rows: pd.DataFrame = investigated(night.tables["outcomes"]).select("kind").distinct().to_pandas()
    return sorted(rows["kind"].dropna())


def _manifest(folder: Path) -> dict[str, object]:
    found: dict[str, object] = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return found


def _tables(engine: DuckEngine, folder: Path) -> Tables:
    return {p.stem: engine.read(p) for stage in STAGES for p in sorted((folder / "stages" / stage).glob("*.parquet"))}
