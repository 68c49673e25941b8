"""The last stage: Parquet for machines, CSV, XLSX and HTML for people, the validation report, and what the manifest says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import ibis.expr.types as ir
import pandas as pd
import pyarrow
import pyarrow.parquet

from pipelines import config, report, runs
from pipelines.contracts import report as validation
from pipelines.flows.intake import Intake
from pipelines.graph.rings import SCHEMAS
from pipelines.ids import digest_json
from pipelines.leads.evidence import COLUMNS as EVIDENCE
from pipelines.leads.held import COLUMNS as HISTORY
from pipelines.leads.joins import COLUMNS as EVENTS
from pipelines.leads.publish import CASES, LEADS, REASONS
from pipelines.leads.records import COLUMNS as RECORDS

AROUND = ("lead_id", "a_id", "a_kind", "b_id", "b_kind", "role", "weight", "amount")
PUBLISHED: Mapping[str, Sequence[str]] = {
    "leads": LEADS,
    "lead_reasons": REASONS,
    "lead_evidence": EVIDENCE,
    "lead_records": RECORDS,
    "lead_history": HISTORY,
    "lead_events": EVENTS,
    "cases": CASES,
    "case_members": ("case_id", "lead_id", "role"),
    "neighbourhood": AROUND,
    **{name: tuple(SCHEMAS[name]) for name in ("rings", "ring_members", "ring_claims", "ring_links")},
}
"""Columns of every published table."""


def publish(made: Mapping[str, ir.Table], out: Path, context: tuple[config.Report, Intake], facts: Mapping[str, Any]) -> None:
    """Write everything of the published folder.

    Parameters
    ----------
    made : mapping of str to ibis Table
        The night's tables: those of the stages ``leads`` and ``rings`` are published.
    out : Path
        An empty folder.
    context : (Report, Intake)
    facts : mapping
        As :func:`about` returns it.
    """
    settings, intake = context
    frames = {name: made[name].to_pandas() for name in PUBLISHED}
    for name, frame in frames.items():
        pyarrow.parquet.write_table(pyarrow.Table.from_pandas(frame, preserve_index=False), out / f"{name}.parquet")
    report.publish(frames, out, settings, {**facts, "as_of": intake.as_of})
    validation.write(intake.admissions, out)


def about(run: runs.Run, intake: Intake, settings: config.Settings, tables: Mapping[str, ir.Table]) -> dict[str, Any]:
    """What the manifest and the report's first page say of the night; ids, names and counts only."""
    silent: pd.DataFrame = tables["silent"].to_pandas()
    return {
        "as_of": str(intake.as_of),
        "run_key": run.key,
        "book": intake.book,
        "version": version("fraudleads"),
        "code": runs.code_digest(),
        "configuration": digest_json(asdict(settings)),
        "sources": list(intake.sources),
        "refused": intake.refused,
        "quarantined": _quarantined(intake),
        "silent": dict(zip(silent["code"], silent["missing"], strict=True)),
        "disabled": list(settings.disabled_flags),
        "used": [a.digest for a in intake.used],
        "inputs": [{"delivery": a.label, "digest": a.digest, "rows": a.rows, "dq": a.dq} for a in intake.admissions],
        "counts": _counts(intake, tables),
        "linking": _linking(tables["link_model"].to_pandas()),
        "slots": tables["slots"].to_pandas().to_dict("records"),
    }


RETRAIN = "keys have outgrown the link model: remove the folder link of the workspace, and the next night trains a new one"


def _linking(rows: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By design: the link model, records compared and why all of them, pairs accepted, keys left out; counts only."""
    found: dict[str, dict[str, Any]] = {}
    for row in rows.sort_values("design").rename(columns={"digest": "model"}).to_dict("records"):
        keys = {name: json.loads(row[name]) for name in ("skipped", "grown")}
        found[row["design"]] = {
            **{str(name): value for name, value in row.items()},
            **keys,
            **({"advice": RETRAIN} if keys["grown"] else {}),
        }
    return found


def _quarantined(intake: Intake) -> list[dict[str, Any]]:
    return [
        {"insurer": a.insurer, "table": a.table, "rule": rule, "rows": rows}
        for a in intake.admissions
        for rule, rows in sorted(a.rules.items())
        if rows
    ]


def _counts(intake: Intake, tables: Mapping[str, ir.Table]) -> dict[str, int]:
    names = {"claims": "claims", "policies": "policies", "entities": "entities", "links": "links", "rings": "rings", "findings": "findings"}
    sizes = {k: int(tables[t].count().execute()) for k, t in (names | {"leads": "leads", "cases": "cases"}).items()}
    listed = tables["cases"].filter(tables["cases"].listed).count().execute()
    rows = {"rows": sum(a.rows for a in intake.admissions), "quarantined": sum(a.quarantined for a in intake.admissions)}
    marks = sum(n for a in intake.admissions for n in a.dq.values())
    return {**sizes, **rows, "listed": int(listed), "dq": marks, "deliveries": len(intake.admissions), "refused": len(intake.refused)}
