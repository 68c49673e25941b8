"""Suspicion without a label where money is known: what an oddity costs. For subjects that differ in size by orders of magnitude."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from models.anomaly import ForestAnomaly
from models.columns import numeric_columns
from models.explain import replacement
from models.relative import RelativeAnomaly
from models.tails import TailAnomaly

PAID_OUT = re.compile(r"am(oun)?t|paid|paym|reimb|claimed", re.IGNORECASE)
PAID_IN = re.compile(r"deduct|premium", re.IGNORECASE)
TIME = re.compile(r"stay(?!s)|duration|nights?|(hospital|inpatient|bed|sick|treatment)_?days", re.IGNORECASE)
"""Columns of how long something went on: time in hospital or in treatment, not counts of stays nor times between dates."""
HEAVY = 3.0
"""Skewness from which a column counts as one of sizes."""
LEAST = 1e-9


def payout_column(frame: pd.DataFrame) -> str | None:
    """The column that tells most of the money paid out: of those named so, never negative and skewed, the one with the largest total."""
    named = [c for c in frame.columns if PAID_OUT.search(str(c)) and not PAID_IN.search(str(c))]
    sizes = [c for c in named if bool((frame[c].dropna() >= 0).all()) and _skewness(frame[c]) > HEAVY]
    totals = frame[sizes].sum()
    return str(totals.idxmax()) if len(totals) else None


def _skewness(column: pd.Series) -> float:
    values = column.dropna().to_numpy(dtype="float64")
    spread = values.std() if len(values) else 0.0
    return float((((values - values.mean()) / spread) ** 3).mean()) if spread > 0 else 0.0


class MoneyAnomaly(RelativeAnomaly):
    """log(money) + log(tails) + log(isolation) + log(tail of time): expected loss is what is at stake times how odd the subject is.

    Oddity is told by the tails of all columns (:class:`models.tails.TailAnomaly`), by how soon the subject is isolated
    (:class:`models.anomaly.ForestAnomaly`), and by the tails of columns of time in hospital or treatment: money and time are what can be
    claimed too much of. A lead is worth what it saves, so an oddity of large sums comes before one of small sums. Parts whose columns are
    not there are left out.

    Parameters
    ----------
    trees, seed : int
        Of the isolation forest.
    sample : int
        All is learnt from at most this many subjects.
    """

    peers = None

    def __init__(self, trees: int = 200, seed: int = 7, sample: int = 100_000) -> None:
        self.trees, self.seed, self.sample = trees, seed, sample

    def grow(self, matrix: np.ndarray) -> None:
        """Learn tails and forest."""
        self.forest_, self.tails_ = ForestAnomaly(trees=self.trees, seed=self.seed), TailAnomaly(sample=self.sample)
        self.forest_.grow(matrix)
        self.tails_.grow(matrix)

    def rate(self, matrix: np.ndarray) -> np.ndarray:
        """Sum of the logarithms."""
        weights = self.tails_.weights_
        heavy = np.flatnonzero(weights)
        odd = np.log(self.tails_.tails_of(matrix, heavy) @ weights[heavy] + LEAST) + np.log(self.forest_.rate(matrix))
        time = np.log(self.tails_.tails_of(matrix, np.array(self.time_)).mean(axis=1) + LEAST) if self.time_ else 0.0
        found: np.ndarray = odd + time + self._money(matrix)
        return found

    def gains(self, matrix: np.ndarray) -> np.ndarray:
        """Fall of the suspicion when a column is set to its median: one rating per column."""
        return replacement(self.rate, matrix)

    def _learn(self, frame: pd.DataFrame) -> None:
        numbers = frame[numeric_columns(frame)]
        moving = list(numbers.columns[numbers.min() < numbers.max()])
        self.money_ = payout_column(frame[moving])
        super()._learn(frame[moving] if moving else frame)
        self.time_ = [i for i, c in enumerate(self.columns_) if TIME.search(c)]

    def _money(self, matrix: np.ndarray) -> np.ndarray | float:
        if self.money_ is None:
            return 0.0
        at = self.columns_.index(self.money_)
        money: np.ndarray = np.log1p(np.clip(matrix[:, at] + self.middle_[at], 0.0, None))
        return money
