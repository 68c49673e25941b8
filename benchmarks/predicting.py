"""How well verdicts are learnt from on the outside data sets, through the code of `fraudleads predict`; a section of `make evaluate`.

Figures come from labels that the book holds, by cross-validation, and for ifraud from the truth of the claims that nobody investigated.
Two alarms stand before every figure: permuted labels must rank by chance, and no single column may tell the labels.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from datetime import datetime, time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import noisy, selective
from models.evaluate import auc, average_precision, top_decile_lift
from models.leakage import alarm
from models.money import payout_column
from models.supervised import FOLDS, Rows, Supervised, weighed
from pipelines import config
from pipelines.flows.intake import Options
from pipelines.flows.predict import staged
from pipelines.leads.learning import labels
from pipelines.leads.predict import of_kind, ready, unlabelled, worth

SEEDS = (1, 2, 3, 4, 5)
KINDS = {"ifraud": "claim", "hanwha": "person", "cms_provider": "hospital", "fraud_oracle": "claim"}
REACH = {
    "ifraud": {"auc": 0.82, "lift": 4.2}, "hanwha": {"auc": 0.91, "ap": 0.68}, "cms_provider": {"auc": 0.955, "ap": 0.77},
    "fraud_oracle": {"auc": 0.86, "ap": 0.29}, "cms_provider_no_labels": {"ap": 0.72},
}  # fmt: skip
QUICK = ("logistic", "forest")
"""Families of which the learning curve is drawn."""
TURNED = ("cms_provider", "fraud_oracle")
"""Sets of which verdicts are turned over."""
Found = dict[str, Any]


def figures(shared: Path, seeds: tuple[int, ...] = SEEDS, work: Path | None = None) -> Found:
    """The table of what is reached, per source that lies in ``shared``; ``work`` keeps the staged tables for a next time."""
    with tempfile.TemporaryDirectory(prefix="predicting-") as folder:
        there = [name for name in KINDS if (shared / name).is_dir()]
        return {name: _source(name, shared / name, (work or Path(folder)) / name, seeds) for name in there}


def _source(name: str, data: Path, workspace: Path, seeds: tuple[int, ...]) -> Found:
    settings = config.Settings().scoring
    with staged(Options(workspace, source=name, data=data), lambda _line: None) as book:
        rows = ready(book.tables, KINDS[name], settings)
        known = labels(book.tables, KINDS[name], datetime.combine(book.as_of, time.min))
        blind = unlabelled(rows, of_kind(worth(book.tables, settings), KINDS[name]))
    known = known[known.index.isin(rows.frame.index)]
    alarm(rows.frame, known)
    found = {"subjects": len(rows.frame), "judged": len(known), "proven": int(known.sum()), "reach": REACH[name]}
    found["no_labels"] = _blind(rows.frame, blind, known)
    found["permuted_auc"] = _permuted(rows, known)
    if name in TURNED:
        found["noisy"] = noisy.compared(rows, known)
    return found | (_expert(rows, known, data, seeds) if name == "ifraud" else _folded(rows, known, seeds))


def _measured(truth: np.ndarray, score: np.ndarray) -> dict[str, float]:
    return {"auc": auc(truth, score), "ap": average_precision(truth, score), "lift": top_decile_lift(truth, score)}


def _spread(runs: list[dict[str, float]]) -> dict[str, dict[str, float]]:
    table = pd.DataFrame(runs)
    return {str(c): {"mean": round(float(table[c].mean()), 4), "sd": round(float(table[c].std(ddof=0)), 4)} for c in table}


def _folded(rows: Rows, known: pd.Series, seeds: tuple[int, ...]) -> Found:
    """Five-fold cross-validation: a fold's scores see no label but those of the others, nor does the choice of families."""
    parts = {s: Supervised(s).outside(rows, known) for s in seeds}
    fused = [chosen_out_of_fold(known.to_numpy(), parts[s], s) for s in seeds]
    each = {f: _spread([_measured(known.to_numpy(), parts[s][f].to_numpy()) for s in seeds]) for f in parts[seeds[0]]}
    curve = {str(n): _spread([_fewer(rows, known, n, s) for s in seeds[:3]]) for n in (len(known) // 4, len(known) // 2)}
    curve[str(len(known))] = _spread([_quick(known, parts[s], s) for s in seeds[:3]])
    measured = _spread([_measured(known.to_numpy(), f) for f in fused])
    return {"cross_validated": measured, "families": each, "learning_curve": curve}


def _fewer(rows: Rows, known: pd.Series, many: int, seed: int) -> dict[str, float]:
    """The same with ``many`` verdicts drawn at random, by the families of ``QUICK`` alone."""
    some = known.sample(many, random_state=seed).sort_index()
    return _quick(some, Supervised(seed, QUICK).outside(rows, some), seed)


def _quick(known: pd.Series, parts: pd.DataFrame, seed: int) -> dict[str, float]:
    truth = known.sort_index().to_numpy()
    return _measured(truth, chosen_out_of_fold(truth, parts[list(QUICK)], seed))


def chosen_out_of_fold(known: np.ndarray, parts: pd.DataFrame, seed: int) -> np.ndarray:
    """Fused scores: what families count in a fold is decided by the others."""
    fold = np.random.default_rng(seed).permutation(len(known)) % FOLDS
    levelled = (parts - parts.mean()) / parts.std()
    fused = np.zeros(len(known))
    for k in range(FOLDS):
        weights = pd.Series(weighed(known[fold != k], parts[fold != k], seed))
        fused[fold == k] = levelled.loc[fold == k, list(weights.index)] @ weights
    return fused


def _expert(rows: Rows, known: pd.Series, data: Path, seeds: tuple[int, ...]) -> Found:
    """Learnt from what experts said of investigated claims, judged by the truth of the others; with learning curve and ceiling."""
    truth = truth_of_ifraud(data).reindex(rows.frame.index)
    rest = truth.index.difference(known.index)
    fitted = [Supervised(s).fit(rows, known) for s in seeds]
    scores = [f.suspicion(rows)[rest] for f in fitted]
    found: Found = {"expert_to_truth": _spread([_measured(truth[rest].to_numpy(), s.to_numpy()) for s in scores])}
    found["families_chosen"] = ["+".join(f.chosen_) for f in fitted]
    found["expert_agrees_with_truth"] = round(float((truth[known.index] == known).mean()), 3)
    found["selective"] = {"told_by_columns": selective.chosen_by(rows, known), "ways": selective.compared(rows, known, truth)}
    found["learning_curve"] = {str(n): _spread(list(_sampled(rows, truth, rest, n))) for n in (230, 460, 923, 1846, 3692)}
    return found


def _sampled(rows: Rows, truth: pd.Series, rest: pd.Index, many: int) -> Iterator[dict[str, float]]:
    """Trained on the truth of a random ``many`` of the claims nobody investigated, judged on the rest of them: the ceiling at that many."""
    for seed in SEEDS[:3]:
        learn = rest[np.random.default_rng(seed).permutation(len(rest))[:many]]
        judge = rest.difference(learn)
        try:
            model = Supervised(seed, ("logistic", "boosting")).fit(rows, truth[learn].astype(int))
        except ValueError:
            continue
        yield _measured(truth[judge].to_numpy(), model.suspicion(rows)[judge].to_numpy())


def truth_of_ifraud(data: Path) -> pd.Series:
    """The truth of every claim, which no stage reads."""
    told = pd.read_csv(data / "labels.csv")
    return pd.Series((told["Fraud"].astype(str) == "True").astype(int).to_numpy(), index="ifraud:" + told["ClaimID"].astype(str))


def _blind(frame: pd.DataFrame, blind: pd.Series, known: pd.Series) -> Found:
    """Figures of the score that saw no verdict, beside those of the column of money alone."""
    of = frame.loc[known.index]
    found: Found = {k: round(v, 4) for k, v in _measured(known.to_numpy(), blind[known.index].to_numpy()).items()}
    numbers = frame.select_dtypes("number")
    facts = numbers[[c for c in numbers if c != "anomaly"]]
    if money := payout_column(facts):
        alone = of[money].fillna(0.0)
        tenth = pd.qcut(frame[money].fillna(0.0).rank(method="first"), 10, labels=False).loc[known.index]
        found["column"] = {"name": money, **{k: round(v, 4) for k, v in _measured(known.to_numpy(), alone.to_numpy()).items()}}
        found["auc_within_deciles_8_to_10"] = _within(known, blind[known.index], tenth)
        found["column"]["auc_within_deciles_8_to_10"] = _within(known, alone, tenth)
    return found


def _within(known: pd.Series, score: pd.Series, tenth: pd.Series) -> float:
    inside: list[float] = [auc(known[tenth == d].to_numpy(), score[tenth == d].to_numpy()) for d in (7, 8, 9)]
    return round(float(np.mean(inside)), 4)


def _permuted(rows: Rows, known: pd.Series) -> float:
    """AUC of what is learnt from shuffled labels, out of fold: .5 but for chance, or something leaks."""
    shuffled = pd.Series(np.random.default_rng(0).permutation(known.to_numpy()), index=known.index)
    lone: Callable[[Rows, pd.Series], pd.DataFrame] = Supervised(0, ("boosting",)).outside
    return round(auc(shuffled.to_numpy(), lone(rows, shuffled)["boosting"].to_numpy()), 3)


def main() -> None:
    """Print the section alone."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--shared", type=Path, required=True)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--seeds", type=int, nargs="*", default=list(SEEDS))
    options = parser.parse_args()
    print(json.dumps(figures(options.shared, tuple(options.seeds), options.work), indent=2))


if __name__ == "__main__":
    main()
