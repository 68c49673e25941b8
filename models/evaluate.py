"""Pure metrics of a ranking. Scores: higher = more suspicious; truth: 1 = fraud. Ties keep the given order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd


def auc(truth: Sequence[float] | np.ndarray, score: Sequence[float] | np.ndarray) -> float:
    """Area under the ROC curve by ranks (Mann-Whitney); NaN with one class only."""
    labels = np.asarray(truth, dtype=bool)
    ranks = pd.Series(np.asarray(score, dtype=float)).rank().to_numpy()
    positive, negative = int(labels.sum()), int((~labels).sum())
    if not positive or not negative:
        return float("nan")
    return float((ranks[labels].sum() - positive * (positive + 1) / 2) / (positive * negative))


def average_precision(truth: Sequence[float] | np.ndarray, score: Sequence[float] | np.ndarray) -> float:
    """Mean precision at the place of each true case; NaN without any."""
    ordered = _ordered(truth, score)
    if not ordered.sum():
        return float("nan")
    return float((np.cumsum(ordered) / np.arange(1, len(ordered) + 1))[ordered == 1].mean())


def auc_and_precision(truth: np.ndarray, score: np.ndarray) -> tuple[float, float]:
    """:func:`auc` and :func:`average_precision` from one sort, for where many rankings are compared; NaN with one class only."""
    order = np.argsort(-score, kind="stable")
    ordered = score[order]
    hits = np.flatnonzero(truth[order])
    positive, negative = len(hits), len(score) - len(hits)
    if not positive or not negative:
        return float("nan"), float("nan")
    first = np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])
    last = np.r_[first[1:], len(score)] - 1
    tie = np.searchsorted(first, hits, side="right") - 1
    above = (first + last)[tie].sum() / 2 - positive * (positive - 1) / 2
    return float(1.0 - above / (positive * negative)), float((np.arange(1, positive + 1) / (hits + 1)).mean())


def precision_at(truth: Sequence[float] | np.ndarray, score: Sequence[float] | np.ndarray, k: int) -> float:
    """Share of true cases among the first ``k``; fewer than ``k`` subjects count as misses."""
    return float(_ordered(truth, score)[:k].sum() / k)


def recall_at(truth: Sequence[float] | np.ndarray, score: Sequence[float] | np.ndarray, k: int) -> float:
    """Share of all true cases that are among the first ``k``; NaN without any."""
    ordered = _ordered(truth, score)
    return float(ordered[:k].sum() / ordered.sum()) if ordered.sum() else float("nan")


def top_decile_lift(truth: Sequence[float] | np.ndarray, score: Sequence[float] | np.ndarray) -> float:
    """Fraud rate of the first tenth over the overall rate."""
    ordered = _ordered(truth, score)
    first = max(1, round(len(ordered) / 10))
    return float(ordered[:first].mean() / ordered.mean()) if ordered.sum() else float("nan")


def hits_per_scheme(cases: pd.DataFrame, planted: pd.DataFrame) -> pd.DataFrame:
    """Planted instances found and planted, by scheme.

    Parameters
    ----------
    cases : DataFrame
        ``instance`` of every case that is a hit (null = none), in rank order.
    planted : DataFrame
        ``instance``, ``scheme`` of all planted ones.

    Returns
    -------
    DataFrame
        scheme, planted, found, recall.
    """
    found = planted["instance"].isin(cases["instance"].dropna().unique())
    table = planted.assign(found=found).groupby("scheme").agg(planted=("instance", "size"), found=("found", "sum"))
    return table.assign(recall=table["found"] / table["planted"]).reset_index()


def bootstrap(
    metric: Callable[[np.ndarray, np.ndarray], float], truth: np.ndarray, score: np.ndarray, times: int = 200, seed: int = 7
) -> tuple[float, float]:
    """Central 90 % of a metric over resampled subjects."""
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(truth), size=(times, len(truth)))
    low, high = np.nanquantile([metric(truth[d], score[d]) for d in draws], [0.05, 0.95])
    return float(low), float(high)


def spread(figures: Sequence[float]) -> dict[str, float]:
    """Mean, least and greatest of one figure over several books."""
    values = np.asarray(figures, dtype=float)
    return {"mean": float(np.nanmean(values)), "least": float(np.nanmin(values)), "most": float(np.nanmax(values))}


def _ordered(truth: Sequence[float] | np.ndarray, score: Sequence[float] | np.ndarray) -> np.ndarray:
    order = np.argsort(-np.asarray(score, dtype=float), kind="stable")
    return np.asarray(truth, dtype=float)[order]
