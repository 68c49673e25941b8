"""Backtest: every night of a workspace scored by what was known before it, judged by the investigations opened from it on."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from features.indicators import INDICATORS
from features.indicators.rings import ABOUT_RINGS
from models.backtest import Night, figures, leaks, learnt_worth, left_out, walk_forward
from models.leakage import LeakError
from models.noise import Rates
from pipelines import config, tracking
from pipelines.errors import DataError
from pipelines.flows.past import Past, judged_kinds, nights, verdicts
from pipelines.ids import digest_json
from pipelines.leads.predict import of_kind, ready, unlabelled, worth
from pipelines.report.backtest import page
from pipelines.report.messages import catalogue
from pipelines.report.reliability import Plot

UNJUDGED = "no investigation of a subject that a night knew was opened after it: fraudleads retrain judges by folds instead"


def backtest(
    workspace: Path, config_file: Path | None, tell: Callable[[str], None], plots: Path | None = None, ablations: bool = False
) -> str:
    """Figures by kind of subject, as JSON; ``plots`` gets ``backtest.html`` and ``<kind>/reliability.svg``, which mlflow keeps, too.

    A kind none of whose investigations was opened after a night is said to be so. With ``ablations`` the walk is done again without the
    network, without the anomaly, without flags and without each family of flags, for as many times the cost.

    Raises
    ------
    UsageError
        If no night is published in the workspace.
    DataError
        If a column tells the labels, or if permuted labels teach something.
    """
    settings = config.load(config_file)
    try:
        with nights(workspace, settings) as past:
            days = [str(p.as_of.date()) for p in past]
            tell(f"{len(past)} nights from {days[0]} to {days[-1]}")
            found = {kind: _of_kind(past, kind, settings, ablations) for kind in judged_kinds(past[-1])}
    except LeakError as error:
        raise DataError(str(error), "facts or features", "take the column out of the mapping, run the nights again") from error
    if plots:
        _drawn(workspace, plots, {"nights": days, "kinds": found})
    return json.dumps({"nights": len(days), "kinds": found}, indent=2, ensure_ascii=False)


def _drawn(workspace: Path, plots: Path, found: Mapping[str, Any]) -> None:
    """Write the page and the pictures, and hand them to mlflow with the figures."""
    plots.mkdir(parents=True, exist_ok=True)
    files = [plots / "backtest.html"]
    files[0].write_text(page(found, catalogue()), encoding="utf-8", newline="\n")
    for kind, one in found["kinds"].items():
        if one.get("reliability", {}).get("said"):
            (plots / kind).mkdir(exist_ok=True)
            Plot(pd.DataFrame(one["reliability"])).save(plots / kind)
            files.append(plots / kind / "reliability.svg")
    metrics = {f"{kind}.{n}": v for kind, one in found["kinds"].items() for n, v in _numbers(one)}
    tracking.record_backtest(workspace.resolve(), digest_json(dict(found)), metrics, {f: f.parent.relative_to(plots) for f in files})


def _numbers(one: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """Figures that mlflow can plot: numbers, and the value of those with an interval."""
    for name, told in one.items():
        value = told.get("value") if isinstance(told, dict) else told
        if isinstance(value, int | float) and not isinstance(value, bool):
            yield name, float(value)


def _of_kind(past: list[Past], kind: str, settings: config.Settings, ablations: bool) -> dict[str, Any]:
    told = verdicts(past[-1], kind)
    later = told[told["opened_at"] >= pd.Timestamp(past[0].as_of)]
    if later.empty:
        return {"verdicts": len(told), "note": UNJUDGED}
    walked, seed = [_night(p, kind, settings) for p in past], settings.scoring.seed
    rates = Rates(settings.scoring.missed, settings.scoring.accused)
    permuted = leaks(walked, told, seed, rates)
    tested = walk_forward(walked, told, seed, rates)
    if tested.empty:
        return {"verdicts": len(told), "note": UNJUDGED}
    learnt = int(tested["probability"].notna().sum())
    found: dict[str, Any] = {"verdicts": len(told), "scored_by_what_was_learnt": learnt, "permuted": permuted}
    found |= figures(tested, settings.capacity.cases, seed)
    if ablations and learnt:
        found["ablations"] = {"all": learnt_worth(tested), **left_out(walked, told, ways(), seed, rates)}
    return found


def ways() -> dict[str, Callable[[str], bool]]:
    """What an ablation strikes out, by name: columns of the rows, and ``ties``."""
    network = ("ties", *(f"flag_{code}" for code in ABOUT_RINGS))
    families = sorted({flag.family for flag in INDICATORS})
    return {
        "no network": lambda c: c in network or c.startswith("flag_N"),
        "no anomaly": lambda c: c == "anomaly",
        "no flags": lambda c: c.startswith("flag_"),
        **{f"no family {one}": lambda c, one=one: c.startswith(f"flag_{one}") for one in families},  # type: ignore[misc]
    }


def _night(past: Past, kind: str, settings: config.Settings) -> Night:
    rows = ready(past.tables, kind, settings.scoring)
    return Night(pd.Timestamp(past.as_of), rows, unlabelled(rows, of_kind(worth(past.tables, settings.scoring), kind)))
