"""Pure metrics of a ranking. Scores: higher = more suspicious; truth: 1 = fraud. Subjects of one score count as if
drawn by lot: every figure is its mean over the orders of ties, so the order of rows has no say.
"""

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
    """Mean precision at the place of each true case; NaN without any.

    Notes
    -----
    At the i-th of n places of a tie with r true ones, after a subjects of which p are true, one of them stands with chance ``r / n``,
    and then the precision is ``(p + 1 + (i - 1)(r - 1)/(n - 1)) / (a + i)`` on average (McSherry and Najork 2008).
    """
    values = np.asarray(score, dtype=float)
    order = np.argsort(-values, kind="stable")
    labels, ordered = np.asarray(truth, dtype=bool)[order], values[order]
    return _mean_precision(labels, np.flatnonzero(np.r_[True, ordered[1:] != ordered[:-1]])) if labels.any() else float("nan")


def _mean_precision(labels: np.ndarray, first: np.ndarray) -> float:
    """Of labels in order, ties beginning at ``first``."""
    sizes, true = np.diff(np.r_[first, len(labels)]), np.add.reduceat(labels.astype(int), first)
    n, r, before = (np.repeat(of, sizes) for of in (sizes, true, true.cumsum() - true))
    place = np.arange(len(labels))
    above = before + (place - np.repeat(first, sizes)) * (r - 1) / np.maximum(n - 1, 1)
    return float((r / n * (above + 1) / (place + 1)).sum() / labels.sum())


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
    return float(1.0 - above / (positive * negative)), _mean_precision(truth[order].astype(bool), first)


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
    """Share of true cases at each place of the order."""
    values = np.asarray(score, dtype=float)
    of_tie = pd.Series(np.asarray(truth, dtype=float)).groupby(values, dropna=False).transform("mean").to_numpy()
    found: np.ndarray = of_tie[np.argsort(-values, kind="stable")]
    return found
