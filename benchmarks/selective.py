"""Only what somebody chose to investigate has a verdict: ways to learn from such labels, compared on the truth of what nobody looked into.

On `ifraud` a section of `make evaluate` (through :mod:`benchmarks.predicting`); on simulated books, whose investigations are biased towards
high amounts, alone: ``python -m benchmarks.selective --seeds 11 12 13``. Every way has the same columns and the same regression
(:mod:`models.line`), so what differs is what the labels are taken for.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Mapping
from datetime import datetime, time
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.evaluate import run
from models.encoding import Encoder, Straight
from models.evaluate import auc, average_precision, top_decile_lift
from models.line import LOOSE, believed, evidence
from models.neighbours import ANY, neighbour_rates
from models.supervised import Rows
from pipelines import config
from pipelines.flows.evaluate import GUILTY
from pipelines.flows.intake import Options
from pipelines.flows.predict import staged
from pipelines.leads.learning import labels
from pipelines.leads.predict import ready

DRAWS, SHARE = 10, 0.8
"""Times that four fifths of the verdicts are drawn and learnt from."""
HEAVIEST = 0.95
"""Quantile of the weights at which they are cut: a few judged subjects would count for all."""
Way = Callable[[np.ndarray, np.ndarray], np.ndarray]


def as_they_are(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The judged alone, all alike."""
    mine = ~np.isnan(known)
    return _score(values, values[mine], known[mine])


def inverse_propensity(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The judged alone, each for as many of the others as resemble it (Horvitz and Thompson 1952; Shimodaira 2000)."""
    mine = ~np.isnan(known)
    chosen = _chance(_crossed(values, mine.astype(int)))[mine]
    weight = (1.0 - chosen) / chosen
    return _score(values, values[mine], known[mine], np.minimum(weight, np.quantile(weight, HEAVIEST)))


def propensity_as_a_column(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """The judged alone, and beside their columns how likely somebody is to be investigated: what made the investigator look."""
    chosen = _crossed(values, (~np.isnan(known)).astype(int))
    return as_they_are(np.column_stack([values, (chosen - chosen.mean()) / chosen.std()]), known)


def unlabelled_as_cleared(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Proven against everybody else."""
    return _score(values, values, np.nan_to_num(known))


def unlabelled_weighted(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """Everybody without a verdict counts as both, by how likely he is to be an unknown case (Elkan and Noto 2008)."""
    proven, open_ = np.nan_to_num(known), np.isnan(known)
    found = _chance(_crossed(values, proven.astype(int)))
    of_proven = found[proven == 1].mean()
    both = np.clip((1.0 - of_proven) / of_proven * found / (1.0 - found), 0.0, 1.0)[open_]
    weight = np.concatenate([np.ones((~open_).sum()), both, 1.0 - both])
    rows = np.concatenate([np.flatnonzero(~open_), *[np.flatnonzero(open_)] * 2])
    told = np.concatenate([known[~open_], np.ones(len(both)), np.zeros(len(both))])
    return _score(values, values[rows], told, weight)


WAYS: Mapping[str, Way] = {
    "the judged as they are": as_they_are,
    "the judged by inverse propensity": inverse_propensity,
    "propensity as one more column": propensity_as_a_column,
    "unlabelled as cleared": unlabelled_as_cleared,
    "unlabelled weighted as both": unlabelled_weighted,
}


def compared(rows: Rows, known: pd.Series, truth: pd.Series) -> dict[str, dict[str, float]]:
    """AUC, AP and top-decile lift of every way on the truth of those without a verdict, means over ``DRAWS``.

    Parameters
    ----------
    rows : Rows
        All subjects.
    known : Series of int
        Verdicts by subject_id.
    truth : Series of int
        Of all subjects; only that of the others is read.
    """
    encoded = Encoder().fit(rows.frame).transform(rows.frame)
    rest = ~rows.frame.index.isin(known.index)
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in WAYS}
    for draw in range(DRAWS):
        some = known.sample(frac=SHARE, random_state=draw)
        near = neighbour_rates(rows.pairs, some, rows.frame.index)
        matrix = pd.concat([encoded, near[[c for c in near.columns if c.startswith(ANY)]]], axis=1)
        values, told = Straight().fit(matrix).transform(matrix), some.reindex(matrix.index).to_numpy(dtype="float64")
        told_of = truth.reindex(matrix.index).to_numpy()[rest]
        for name, way in WAYS.items():
            score = way(values, told)[rest]
            found[name].append((auc(told_of, score), average_precision(told_of, score), top_decile_lift(told_of, score)))
    return {n: dict(zip(("auc", "ap", "lift"), np.mean(v, axis=0).round(4).tolist(), strict=True)) for n, v in found.items()}


def chosen_by(rows: Rows, known: pd.Series) -> float:
    """AUC of telling the judged from the others by their columns, out of fold: near 1, and nobody else resembles the judged."""
    encoded = Encoder().fit(rows.frame).transform(rows.frame)
    judged = rows.frame.index.isin(known.index).astype(int)
    return round(auc(judged, _crossed(Straight().fit(encoded).transform(encoded), judged)), 4)


def _score(values: np.ndarray, seen: np.ndarray, told: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Log-odds of all rows of ``values`` by a line like :func:`models.line.line`, with weights and no known signs."""
    from sklearn.linear_model import LogisticRegression  # slow to load

    stretch = believed(evidence(seen, told))
    scaled = None if weight is None else weight / weight.mean()
    model = LogisticRegression(C=LOOSE, solver="newton-cholesky").fit(seen * stretch, told, sample_weight=scaled)
    odds: np.ndarray = model.decision_function(values * stretch)
    return odds


def _crossed(values: np.ndarray, told: np.ndarray) -> np.ndarray:
    """Out-of-fold log-odds of ``told`` for every row."""
    from sklearn.model_selection import StratifiedKFold  # slow to load

    found = np.zeros(len(told))
    for seen, held in StratifiedKFold(5, shuffle=True, random_state=7).split(values, told):
        found[held] = _score(values[held], values[seen], told[seen])
    return found


def _chance(odds: np.ndarray) -> np.ndarray:
    chance: np.ndarray = np.clip(1.0 / (1.0 + np.exp(-odds)), 1e-4, 1.0 - 1e-4)
    return chance


def simulated(seed: int, claims: int, work: Path) -> dict[str, object]:
    """The ways on the claims of one simulated book, with the verdicts that its insurers delivered."""
    book, settings = work / f"book{seed}", config.Settings().scoring
    run("simulate", "--claims", str(claims), "--seed", str(seed), "--out", book, "--format", "parquet")
    with staged(Options(work / f"var{seed}", source="book", data=book), lambda _line: None) as night:
        rows = ready(night.tables, "claim", settings)
        known = labels(night.tables, "claim", datetime.combine(night.as_of, time.min))
    told = pd.read_csv(book / "truth" / "subjects.csv", usecols=["instance", "subject_kind", "subject_id", "role"])
    told = told.merge(pd.read_csv(book / "truth" / "instances.csv"), on="instance")
    guilty = told[(told["subject_kind"] == "claim") & told["role"].isin(GUILTY) & (told["planted"].astype(str).str.lower() == "true")]
    truth = pd.Series(rows.frame.index.isin(guilty["subject_id"]).astype(int), index=rows.frame.index)
    known = known[known.index.isin(rows.frame.index)]
    sizes = {"seed": seed, "judged": len(known), "proven": int(known.sum()), "told_by_columns": chosen_by(rows, known)}
    return {**sizes, **compared(rows, known, truth)}


def main() -> None:
    """Figures of simulated books, one line each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="+", required=True)
    parser.add_argument("--claims", type=int, default=20_000)
    options = parser.parse_args()
    for seed in options.seeds:
        with tempfile.TemporaryDirectory(prefix="selective-") as work:
            print(json.dumps(simulated(seed, options.claims, Path(work))), flush=True)


if __name__ == "__main__":
    main()
