"""Fusion, first depth: parts in points that sum to the score, and a prior that turns the score into a probability."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.scorecard import POINTS_PER_DOUBLING


def probability(score: pd.Series | np.ndarray, prior: float) -> np.ndarray:
    """Probability of fraud: the prior's odds doubled for every ten points.

    Examples
    --------
    >>> float(round(probability(np.array([0.0]), 0.01)[0], 4))
    0.01
    """
    log_odds = np.log(prior / (1.0 - prior)) + np.asarray(score, dtype=float) / POINTS_PER_DOUBLING * np.log(2.0)
    chance: np.ndarray = 1.0 / (1.0 + np.exp(-log_odds))
    return chance
