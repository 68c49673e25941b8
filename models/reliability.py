"""Whether probabilities are true: of subjects said to be fraud with 30 %, three in ten should be proven."""

from __future__ import annotations

import numpy as np
import pandas as pd

LEAST = 10
"""Subjects of a group, so that its rate says something."""
SURE = 1.645
"""Standard deviations of the central 90 %."""


def reliability(truth: np.ndarray, odds: np.ndarray, groups: int = 10) -> pd.DataFrame:
    """Probability said and rate proven, over groups of equal number in order of the score.

    Parameters
    ----------
    truth : array of int, shape (subjects,)
        1 proven, 0 cleared.
    odds : array of float, shape (subjects,)
        Calibrated log-odds by models that did not see the subject's verdict.
    groups : int
        At most so many; fewer where a group would be smaller than ``LEAST``.

    Returns
    -------
    DataFrame
        subjects, said (mean probability), proven (rate), low and high (Wilson's central 90 % of the rate), least suspicious first.
        Equal scores may fall into two groups, by order of rows. Empty without ``LEAST`` subjects.
    """
    order = np.argsort(odds, kind="stable")
    parts = np.array_split(order, min(groups, len(order) // LEAST)) if len(order) >= LEAST else []
    rows = [
        (len(p), float((1 / (1 + np.exp(-odds[p]))).mean()), float(truth[p].mean()), *wilson(int(truth[p].sum()), len(p))) for p in parts
    ]
    return pd.DataFrame(rows, columns=["subjects", "said", "proven", "low", "high"]).round(4)


def gap(table: pd.DataFrame) -> float:
    """Mean absolute difference between probability said and rate proven, weighted by subjects: expected calibration error."""
    return round(float(np.average((table["said"] - table["proven"]).abs(), weights=table["subjects"])), 4)


def wilson(hits: int, of: int) -> tuple[float, float]:
    """Central 90 % of a rate (Wilson 1927).

    Examples
    --------
    >>> [round(v, 3) for v in wilson(0, 10)]
    [0.0, 0.213]
    """
    rate, square = hits / of, SURE**2
    middle = (rate + square / (2 * of)) / (1 + square / of)
    half = SURE / (1 + square / of) * float(np.sqrt(rate * (1 - rate) / of + square / (4 * of**2)))
    return max(0.0, middle - half), min(1.0, middle + half)
