"""What people ask of a published night or of the program: one lead, one claim's way, one red flag, one mapping, one export."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd

from features.indicators import INDICATORS
from pipelines import config, leads, report, runs, sources
from pipelines.errors import DataError, UsageError
from pipelines.flows import evaluate as judging
from pipelines.flows.publishing import PUBLISHED
from pipelines.leads.export import for_insurer
from pipelines.leads.publish import typed
from pipelines.report import mask, rings, show
from pipelines.report.csvs import write_csv
from pipelines.sources.check import check

LANGUAGES = ("zh", "en")
WIDE = 220
"""Columns of text for a list of many columns."""
CORE = ("leads", "lead_reasons", "lead_evidence", "cases", "case_members")
"""Tables without which no lead can be shown."""
FLAGS = (*INDICATORS, *leads.AFTERWARDS)


def check_source(name: str, data: Path | None) -> list[str]:
    """What a mapping does with the data that lies there, a line each."""
    mapping = sources.load(name)
    answer = check(mapping, data or Path(), [(flag.code, flag.needs) for flag in FLAGS])
    lines = [f"source {answer.source}, insurers: {', '.join(answer.insurers)}"]
    lines += [f"feeds {f.table} ({f.deliveries} deliveries): {', '.join(f.columns)}" for f in answer.fed]
    lines += [f"left over in {f.origin}: {', '.join(f.left)}" for f in answer.files if f.left]
    lines += [f"missing in {f.origin}: {', '.join(f.missing)}" for f in answer.files if f.missing]
    lines += [f"nothing lies there for: {', '.join(answer.absent)}"] if answer.absent else []
    lines += [f"red flags it can feed: {', '.join(answer.flags) or 'none'}"]
    return lines + [f"  {code} stays silent: no {', '.join(missing)}" for code, missing in answer.silent]


def indicator_lines(language: str) -> str:
    """All red flags, one line each."""
    return show.as_text(show.cards(FLAGS, known_language(language)))


def indicator_card(code: str, language: str) -> str:
    """One red flag's card.

    Raises
    ------
    UsageError
        If there is no such code.
    """
    known = {flag.code: flag for flag in FLAGS}
    if code not in known:
        raise UsageError(f"no red flag '{code}'", "indicators show", f"the codes are {', '.join(sorted(known))}")
    return show.as_text(show.card(known[code], known_language(language)))


def show_lead(workspace: Path, lead_id: str, language: str, unmask: bool) -> str:
    """One lead of the latest night."""
    tables = published(workspace)
    names = _names(workspace, unmask, f"leads show {lead_id}")
    return show.as_text(show.lead(tables, lead_id, known_language(language), names))


def list_rings(workspace: Path, language: str) -> str:
    """The rings of the latest night."""
    return show.as_text(rings.listed(published(workspace), known_language(language)), WIDE)


def show_ring(workspace: Path, ring_id: str, language: str, unmask: bool) -> str:
    """One ring of the latest night."""
    names = _names(workspace, unmask, f"rings show {ring_id}")
    return show.as_text(rings.shown(published(workspace), ring_id, known_language(language), names))


def draw_ring(workspace: Path, ring_id: str, out: Path, language: str) -> str:
    """Draw one ring of the latest night into a file."""
    return str(rings.drawn(published(workspace), ring_id, out, known_language(language)))


def export_leads(workspace: Path, out: Path, insurer: str | None, unmask: bool) -> list[str]:
    """Write the latest night's leads for an audience: CSV files, and for the center itself also the page and the workbook."""
    tables = published(workspace)
    names = _names(workspace, unmask, f"leads export {insurer or 'all'}")
    out.mkdir(parents=True, exist_ok=True, mode=0o700)
    if insurer is None:
        manifest = latest_manifest(workspace)
        files = report.publish(tables, out, config.Report(), manifest, names or None)
        return [str(f) for f in files]
    shown = for_insurer(tables, insurer)
    for name, frame in shown.items():
        write_csv(frame, out / f"{name}.csv")
    return [f"{out / f'{name}.csv'}: {len(frame)} rows" for name, frame in shown.items()]


def trace_claim(workspace: Path, claim_id: str, language: str) -> str:
    """The way of one claim through the latest night, from source row to lead.

    Raises
    ------
    UsageError
        If the night knows no such claim.
    """
    stages = latest_stages(workspace)
    steps = [(name, _rows(stages, f"{stage}/{name}", columns, claim_id)) for stage, name, columns in _STEPS]
    found = [(name, rows) for name, rows in steps if len(rows)]
    if not found:
        held = "it may be in the quarantine: see validation.html"
        raise UsageError(f"the night knows no claim '{claim_id}'", "trace", f"write it insurer:id as in leads.csv; {held}")
    return show.as_text(show.trace(found, known_language(language)))


_STEPS = (
    ("staging", "claims", ("claim_id",)),
    ("resolve", "claim_roles", ("claim_id",)),
    ("staging", "claim_diagnoses", ("claim_id",)),
    ("staging", "claim_bills", ("claim_id",)),
    ("staging", "claim_objects", ("claim_id",)),
    ("resolve", "event_links", ("claim_l", "claim_r")),
    ("graph", "edges", ("claim_id",)),
    ("features", "features_claim", ("subject_id",)),
    ("flags", "findings", ("evidence_key",)),
    ("leads", "lead_evidence", ("claim_id",)),
)


def evaluate_latest(workspace: Path, truth: Path) -> str:
    """The latest night judged by a simulated book's truth, as JSON."""
    stages = latest_stages(workspace)
    found = judging.evaluate(stages.parent / "out", stages, truth, config.token_key(sample=truth.resolve() == (_sample() / "truth")))
    return json.dumps(found, indent=2, ensure_ascii=False)


def published(workspace: Path) -> dict[str, pd.DataFrame]:
    """The published tables of the latest night; what a night of an earlier version had not yet is empty.

    Raises
    ------
    DataError
        If it lacks what no lead can be shown without; it says which version published the night.
    """
    out = _latest(workspace)
    found = {name: pd.read_parquet(f) for name in PUBLISHED if (f := out / f"{name}.parquet").exists()}
    missing = [f"{name}.{c}" for name in CORE for c in PUBLISHED[name] if name not in found or c not in found[name].columns]
    if missing:
        said = latest_manifest(workspace)
        by = f"the night of {said['as_of']}, published by fraudleads {said['version']} (code {said['code'][:8]}), has no"
        raise DataError(f"{by} {', '.join(missing)}", str(out), "run the night again, with the options that it was run with")
    return {name: _as_now(found.get(name, pd.DataFrame()), list(columns)) for name, columns in PUBLISHED.items()}


def _as_now(frame: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """A published table with the columns that it has today, null where it was published without them."""
    return frame.reindex(columns=columns) if len(frame) else typed(pd.DataFrame(columns=columns))


def latest_manifest(workspace: Path) -> Mapping[str, Any]:
    """The manifest of the latest night."""
    found: dict[str, Any] = json.loads((_latest(workspace).parent / "manifest.json").read_text(encoding="utf-8"))
    return found


def latest_stages(workspace: Path) -> Path:
    """The stages of the latest night."""
    return _latest(workspace).parent / "stages"


def _latest(workspace: Path) -> Path:
    latest = workspace / "latest"
    if not latest.exists():
        raise UsageError("no night is published here", str(workspace), "run fraudleads nightly first, or give --workspace")
    return latest.resolve()


def _rows(stages: Path, table: str, columns: tuple[str, ...], claim_id: str) -> pd.DataFrame:
    """Rows of a table that name a claim in any of the columns; none of a table that the night, of an earlier version, had not."""
    path = stages / f"{table}.parquet"
    if not path.exists() and path.parent.exists():
        return pd.DataFrame()
    if not path.exists():
        raise DataError("a stage of the latest night is missing", path.parent.name, "run the night again")
    return pd.read_parquet(path, filters=[[(column, "==", claim_id)] for column in columns])


def _names(workspace: Path, unmask: bool, what: str) -> dict[str, str]:
    """Real names by entity, and a line in the access log; nothing of either without ``--unmask``."""
    if not unmask:
        return {}
    with (workspace / "access.log").open("a", encoding="utf-8") as log:
        log.write(f"{datetime.now():%Y-%m-%d %H:%M:%S} unmasked: {what}\n")
    entities = pd.read_parquet(latest_stages(workspace) / "resolve" / "entities.parquet", columns=["entity_id", "name"])
    return mask.real_names(entities, pd.read_parquet(runs.Workspace(workspace).vault))


def known_language(language: str) -> str:
    """The language, if reports are written in it."""
    if language not in LANGUAGES:
        raise UsageError(f"unknown language '{language}'", "--lang", f"use {' or '.join(LANGUAGES)}")
    return language


def _sample() -> Path:
    from pipelines.flows.intake import SAMPLE

    return SAMPLE
