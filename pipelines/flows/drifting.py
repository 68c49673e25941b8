"""The watch for drift, night after night: state in from the night before, state out into the run, words for whoever asks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines import config, runs
from pipelines.errors import UsageError
from pipelines.flows.intake import Intake
from pipelines.leads import drift
from pipelines.report.messages import catalogue
from pipelines.report.quality import alarms

NAMES = {"features": ("features_claim",), "drift": ("drift_state", "drift_history", "drift_verdicts")}
"""Stage → tables of the night before that the watch goes on from."""


def watch(run: runs.Run, intake: Intake, tables: Mapping[str, ir.Table], settings: config.Drift) -> dict[str, Any]:
    """Carry the watch on by tonight; what the manifest says of it.

    Raises
    ------
    UsageError
        If ``restart`` of the configuration is no date.
    """
    told = drift.Watch(intake.as_of, settings.level, _day(settings.restart))
    made = run.stage("drift", lambda: _stage(drift.run(tables, _before(run, intake), told)), ordered=True)
    return drift.told({name: table.to_pandas() for name, table in made.items()}, told)


def lines(workspace: Path) -> list[str]:
    """What the latest night says of drift; a line that begins with ``warning`` is an alarm."""
    latest = workspace / "latest"
    manifest = latest.resolve().parent / "manifest.json"
    found = json.loads(manifest.read_text(encoding="utf-8")).get("drift") if latest.exists() and manifest.exists() else None
    if not found:
        return ["drift: nothing is watched yet"]
    judged = found["verdicts"]
    rate = f"; {judged['rate']:.1%} of {judged['n']} verdicts proven" if judged["n"] else ""
    within = f" ({judged['low']:.1%} to {judged['high']:.1%})" if judged["low"] is not None else ""
    head = f"drift: {found['streams']} figures watched over {found['nights']} nights{rate}{within}"
    return [head, *(f"warning: drift: {line['en']}" for line in alarms(found, catalogue()))]


def _before(run: runs.Run, intake: Intake) -> dict[str, ir.Table]:
    """Tables of the night before that are there: a night of before there was a watch has none of its own."""
    before = intake.workspace.before(intake.as_of, intake.book)
    stages = intake.workspace.runs / before["run_id"] / "stages" if before else Path("nowhere")
    files = {name: stages / stage / f"{name}.parquet" for stage, names in NAMES.items() for name in names}
    return {name: run.engine.read(path) for name, path in files.items() if path.exists()}


def _stage(tables: Mapping[str, pd.DataFrame]) -> dict[str, ir.Table]:
    return {name: ibis.memtable(frame.astype(_types(frame))) for name, frame in tables.items()}


def _types(frame: pd.DataFrame) -> dict[str, str]:
    """An empty table must have the types of a full one."""
    whole = {"nights": "int64", "proven": "int64", "seq": "int64"}
    text = {"stream", "part", "since", "night", "subject_kind", "subject_id", "opened_at"}
    return {c: "string" if c in text else whole.get(c, "float64") for c in frame.columns}


def _day(text: str) -> str:
    try:
        return date.fromisoformat(text).isoformat() if text else ""
    except ValueError as error:
        raise UsageError(f"'{text}' is no date", "drift.restart", "write YYYY-MM-DD") from error
