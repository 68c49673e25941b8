"""What each sort of reason is worth to the list, and each family of detectors to the anomaly score. A part of `make evaluate`.

The reasons are struck out and the rest of the stage is carried out as it is: stories, cases, priority. What the reasons left are worth is
not worked out anew (caps are shared with those that are struck out), and rings that were made from red flags stay rings.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from features.indicators import INDICATORS
from features.indicators.rings import ABOUT_RINGS
from models.detectors import SeveralAnomaly, families
from models.evaluate import auc, average_precision
from models.peers import PeerAnomaly
from pipelines import config
from pipelines.flows.evaluate import evaluate, read_truth
from pipelines.flows.past import Past, nights
from pipelines.leads import run, score
from pipelines.leads.crowd import CODE as PILED
from pipelines.leads.matrix import LEAST, LOW_SIDE, behaviour, kinds, matrix

FIGURES = ("precision_50", "hits_50", "schemes_100", "lookalikes_100")
TOP = 0.02
PUBLISHED = ("leads", "cases", "lead_evidence")


def reasons_left_out(workspace: Path, truth: Path, key: str) -> dict[str, dict[str, float]]:
    """Figures of the latest night of a workspace, with all reasons (``all``) and without each sort of them.

    Parameters
    ----------
    workspace : Path
        With a published night of a simulated book.
    truth : Path
        The book's truth folder.
    key : str
        Key of the night's tokens.

    Returns
    -------
    dict
        Way → ``FIGURES``. Cost: one scoring of the night, and the rest of its stage of leads for every way.
    """
    stages = (workspace / "latest").resolve().parent / "stages"
    with nights(workspace, config.Settings()) as known:
        night = known[-1]
        scored = score(night.tables, config.Settings().scoring)
        return {way: _judged(night, {**scored, "reasons": kept}, (stages, truth, key)) for way, kept in ways(scored["reasons"])}


def families_left_out(workspace: Path, labels: pd.DataFrame) -> list[dict[str, Any]]:
    """How the anomaly score of the latest night ranks labelled subjects, with all families of detectors, without each, and each alone.

    Parameters
    ----------
    workspace : Path
        With a published night.
    labels : DataFrame
        subject_id, label (0 or 1) and, where the others of a kind are innocent, subject_kind.

    Returns
    -------
    list of dict
        kind, families, subjects, positive, auc, ap, top (share of positives in the first ``TOP`` of the subjects).
    """
    with nights(workspace, config.Settings()) as known:
        tables = known[-1].tables
        return [row for kind in kinds(tables) for row in _ranked(kind, behaviour(matrix(tables, kind)), labels)]


def guilty(truth: Path, stages: Path, key: str) -> pd.DataFrame:
    """Labels of a simulated book: guilty subjects by kind; everybody else is innocent."""
    known, _ = read_truth(truth, stages, key)
    ids = known["subject"].str.split("|").str[-1].drop_duplicates()
    return pd.DataFrame({"subject_id": ids, "label": 1, "subject_kind": "any"})


def _ranked(kind: str, frame: pd.DataFrame, labels: pd.DataFrame) -> list[dict[str, Any]]:
    label = labels.drop_duplicates("subject_id").set_index("subject_id")["label"].reindex(frame.index)
    label = label.fillna(0) if "subject_kind" in labels.columns else label.dropna()
    if len(frame) < LEAST or label.nunique() < 2 or frame.select_dtypes("number").empty:
        return []
    scoring = config.Settings().scoring
    model = SeveralAnomaly(PeerAnomaly(scoring.peer_minimum, low=LOW_SIDE), families(scoring.trees, scoring.seed)).fit(frame)
    found = pd.DataFrame(model.surprises(model.matrix(frame)), index=frame.index).loc[label.index]
    sets = [list(found), *([n for n in found if n != out] for out in found), *([n] for n in found)]
    return [
        {"kind": kind, "families": "+".join(names), **_figures(label, model.mean({n: found[n].to_numpy() for n in names}))}
        for names in sets
    ]


def _figures(label: pd.Series, score: np.ndarray) -> dict[str, float]:
    truth = label.to_numpy().astype(int)
    first = np.argsort(-score, kind="stable")[: max(10, int(TOP * len(score)))]
    found = {"auc": auc(truth, score), "ap": average_precision(truth, score), "top": float(truth[first].mean())}
    return {"subjects": len(truth), "positive": int(truth.sum()), **{k: round(v, 4) for k, v in found.items()}}


def ways(reasons: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """What is left of the reasons when each sort is struck out; a flag that piles up others (``PILED``) goes with those."""
    family = reasons["family"].where(reasons["code"] != PILED, reasons["detail"].map(_families()).fillna(reasons["family"]))
    network = (family == "N") | reasons["code"].isin(ABOUT_RINGS)
    odd = reasons["kind"] == "anomaly"
    yield "all", reasons
    yield "no network", reasons[~network]
    yield "no anomaly", reasons[~odd]
    yield "no red flags", reasons[odd]
    for one in sorted(set(family[~odd])):
        yield f"no family {one}", reasons[family != one]


def _families() -> dict[str, str]:
    return {flag.code: flag.family for flag in INDICATORS}


def _judged(night: Past, scored: dict[str, pd.DataFrame], where: tuple[Path, Path, str]) -> dict[str, float]:
    stages, truth, key = where
    made = run({**night.tables, **scored}, config.Settings(), ("ablation", night.as_of.date()))
    with TemporaryDirectory(prefix="ablation-") as folder:
        for name in PUBLISHED:
            made[name].to_parquet(Path(folder) / f"{name}.parquet")
        found = evaluate(Path(folder), stages, truth, key)
    return {name: float(found[name]) for name in FIGURES}


def main() -> None:
    """Print the ablations of one night."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workspace", type=Path)
    parser.add_argument("truth", type=Path)
    options = parser.parse_args()
    print(json.dumps(reasons_left_out(options.workspace, options.truth, os.environ[config.KEY_VARIABLE]), indent=2))


if __name__ == "__main__":
    main()
