"""Retrain: challengers learnt from the latest night's verdicts, held against the champion on the same folds, stored, perhaps promoted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.backtest import better
from models.boosting import MissingLibrary
from models.evaluate import auc, average_precision, top_decile_lift
from models.leakage import LeakError, alarm
from models.supervised import Supervised
from pipelines import config, tracking
from pipelines.errors import DataError, FraudleadsError
from pipelines.flows.past import Past, judged_kinds, nights
from pipelines.leads import registry
from pipelines.leads.learning import labels
from pipelines.leads.predict import of_kind, ready, unlabelled, worth

Tell = Callable[[str], None]


def retrain(workspace: Path, config_file: Path | None, tell: Tell) -> list[str]:
    """Learn a model for every kind of subject with enough verdicts; the lines to print.

    All are judged on the same folds: the challenger by out-of-fold scores; the champion by its families on these folds; without one,
    the suspicion that needs no verdict. A challenger is promoted where its average precision is better by more than the central 90 %
    of a paired bootstrap. Cost: some twelve fits of each family, linear in judged subjects.

    Raises
    ------
    DataError
        If a column alone tells the labels.
    FraudleadsError
        If LightGBM cannot be loaded.
    """
    settings = config.load(config_file)
    try:
        with nights(workspace, settings) as past:
            return [_of_kind(workspace, past[-1], kind, settings) for kind in judged_kinds(past[-1])] or [
                "no verdicts yet: nothing to learn"
            ]
    except LeakError as error:
        raise DataError(str(error), "facts or features", "take the column out of the mapping, run the night again") from error
    except MissingLibrary as error:
        raise FraudleadsError(str(error), "fraudleads retrain", "install it, then start again") from error


def listed(workspace: Path) -> list[str]:
    """One line for every stored model."""
    heads = set(registry.champions(workspace).values())
    lines = [f"{s.digest}  {s.kind:10} {'champion' if s.digest in heads else '':9} {_told(s.about)}" for s in registry.stored(workspace)]
    return lines or ["no model is stored yet: fraudleads retrain"]


def card(workspace: Path, digest: str) -> str:
    """A model's card."""
    return registry.card(workspace, digest)


def promote(workspace: Path, digest: str, why: str = "by hand") -> str:
    """Make a stored model the champion of its kind, here and in mlflow."""
    chosen = registry.promote(workspace, digest, why)
    tracking.set_champion(workspace.resolve(), chosen.kind, digest)
    return f"{digest} is champion of kind {chosen.kind}"


def rollback(workspace: Path, kind: str) -> str:
    """Go back to the champion before, here and in mlflow."""
    before = registry.rollback(workspace, kind)
    tracking.set_champion(workspace.resolve(), kind, before)
    return f"{before} is champion of kind {kind} again" if before else f"kind {kind} has no champion now"


def _of_kind(workspace: Path, night: Past, kind: str, settings: config.Settings) -> str:
    rows = ready(night.tables, kind, settings.scoring)
    known = labels(night.tables, kind, night.as_of)
    known = known[known.index.isin(rows.frame.index)]
    model = Supervised(settings.scoring.seed)
    if not model.enough(rows, known):
        return f"{kind}: {int(known.sum())} proven and {int((1 - known).sum())} cleared are too few to learn from"
    alarm(rows.frame, known)
    model.fit(rows, known)
    blind = unlabelled(rows, of_kind(worth(night.tables, settings.scoring), kind))
    rival, scores = _champion(workspace, kind, model, blind[model.labels_.index])
    gain = better(model.labels_.to_numpy(), model.out_of_fold_.to_numpy(), scores)
    about = _about(night, kind, model, (rival, gain))
    digest = registry.store(workspace, model, about, _card(about))
    tracking.record_model(workspace.resolve(), workspace.resolve() / registry.FOLDER / digest, about)
    if gain["low"] <= 0 or registry.champions(workspace).get(kind) == digest:
        return f"{kind}: {digest} is stored and not promoted ({_told(about)})"
    promote(workspace, digest, f"average precision better by {gain['value']} ({gain['low']} to {gain['high']})")
    return f"{kind}: {digest} is stored and promoted ({_told(about)})"


def _champion(workspace: Path, kind: str, model: Supervised, blind: pd.Series) -> tuple[str, np.ndarray]:
    """Name and scores of whom the challenger is held against."""
    digest = registry.champions(workspace).get(kind)
    if digest is None:
        return "no verdicts", blind.to_numpy()
    held = registry.load(workspace, digest)
    return digest, model.folded(held.chosen_).to_numpy()


def _about(night: Past, kind: str, model: Supervised, against: tuple[str, dict[str, float]]) -> dict[str, Any]:
    truth, score = model.labels_.to_numpy(), model.out_of_fold_.to_numpy()
    metrics = {"auc": auc(truth, score), "ap": average_precision(truth, score), "lift": top_decile_lift(truth, score)}
    alone = {f"ap_{f}_alone": average_precision(truth, model.folded((f,)).to_numpy()) for f in model.outside_.columns}
    gain = {f"gain_{k}": v for k, v in against[1].items()}
    counts = {"proven": int(truth.sum()), "cleared": int(len(truth) - truth.sum())}
    parameters = {
        "as_of": str(night.as_of.date()),
        "families": " + ".join(model.chosen_),
        "against": against[0],
        "seed": model.seed,
        **counts,
    }
    rounded = {k: round(float(v), 4) for k, v in {**metrics, **alone, **gain}.items()}
    return {"kind": kind, "parameters": parameters, "metrics": rounded, "columns": model.columns_}


def _card(about: dict[str, Any]) -> str:
    """The model card, Markdown."""
    told, metrics = about["parameters"], about["metrics"]
    rows = "\n".join(f"| {name} | {value} |" for name, value in metrics.items())
    return (
        f"# Suspicion of subjects of kind {about['kind']}\n\n"
        f"Learnt on the night of {told['as_of']} from {told['proven']} proven and {told['cleared']} cleared subjects; "
        f"average of {told['families']}, held against: {told['against']}.\n\n"
        f"| figure, out of fold | value |\n|---|---:|\n{rows}\n\n"
        f"{len(about['columns'])} columns: {', '.join(about['columns'])}.\n\n"
        "Limits: only investigated subjects are judged, and those were chosen; folds are of subjects, not of time. "
        "A score is a reason to look and decides nothing.\n"
    )


def _told(about: Any) -> str:
    told, metrics = about["parameters"], about["metrics"]
    return (
        f"{told['proven']} proven, {told['cleared']} cleared, AUC {metrics['auc']}, AP {metrics['ap']}, "
        f"gain over {told['against']} {metrics['gain_value']} ({metrics['gain_low']} to {metrics['gain_high']})"
    )
