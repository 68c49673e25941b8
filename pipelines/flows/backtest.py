"""Backtest: every night of a workspace scored by what was known before it, judged by the investigations opened from it on."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd

from models.backtest import Night, figures, walk_forward
from pipelines import config
from pipelines.flows.past import Past, judged_kinds, nights, verdicts
from pipelines.leads.predict import of_kind, ready, unlabelled, worth
from pipelines.report.reliability import Plot


def backtest(workspace: Path, config_file: Path | None, tell: Callable[[str], None], plots: Path | None = None) -> str:
    """Figures by kind of subject, as JSON; a folder ``plots`` gets ``<kind>/reliability.svg``.

    A kind none of whose investigations was opened after a night is said to be so.

    Raises
    ------
    UsageError
        If no night is published in the workspace.
    """
    settings = config.load(config_file)
    with nights(workspace, settings) as past:
        tell(f"{len(past)} nights from {past[0].as_of.date()} to {past[-1].as_of.date()}")
        found = {kind: _of_kind(past, kind, settings) for kind in judged_kinds(past[-1])}
    for kind, one in found.items():
        if plots and one.get("reliability"):
            (plots / kind).mkdir(parents=True, exist_ok=True)
            Plot(pd.DataFrame(one["reliability"])).save(plots / kind)
    return json.dumps({"nights": len(past), "kinds": found}, indent=2, ensure_ascii=False)


def _of_kind(past: list[Past], kind: str, settings: config.Settings) -> dict[str, Any]:
    told = verdicts(past[-1], kind)
    later = told[told["opened_at"] >= pd.Timestamp(past[0].as_of)]
    if later.empty:
        return {"verdicts": len(told), "note": "no investigation was opened after a night: fraudleads retrain judges by folds instead"}
    tested = walk_forward([_night(p, kind, settings) for p in past], told, settings.scoring.seed)
    learnt = int(tested["probability"].notna().sum())
    return {"verdicts": len(told), "scored_by_what_was_learnt": learnt, **figures(tested, settings.capacity.cases, settings.scoring.seed)}


def _night(past: Past, kind: str, settings: config.Settings) -> Night:
    rows = ready(past.tables, kind, settings.scoring)
    return Night(pd.Timestamp(past.as_of), rows, unlabelled(rows, of_kind(worth(past.tables, settings.scoring), kind)))
