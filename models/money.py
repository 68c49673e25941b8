"""Suspicion without a label where money is known: what an oddity costs. For subjects that differ in size by orders of magnitude."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

PAID_OUT = re.compile(r"am(oun)?t|paid|paym|reimb|claimed", re.IGNORECASE)
PAID_IN = re.compile(r"deduct|premium", re.IGNORECASE)
HEAVY = 3.0
"""Skewness from which a column counts as one of sizes."""


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


class MoneyAnomaly:
    """log(money) + log(mean tail) + log(isolation): expected loss is what is at stake times how odd the subject is.

    The tail of a value is minus the logarithm of the share of subjects above it (empirical upper tails, after ECOD, Li et al. 2022);
    isolation is the isolation forest's score (Liu et al. 2008) on plain values. A lead is worth what it saves, so an oddity of large
    sums comes before one of small sums. Without any column of money the two oddities alone are left.

    Parameters
    ----------
    trees, seed : int
        Of the isolation forest.
    """

    def __init__(self, trees: int = 200, seed: int = 7) -> None:
        self.trees, self.seed = trees, seed

    def fit(self, frame: pd.DataFrame) -> MoneyAnomaly:
        """Learn tails and forest on numeric columns, one row per subject."""
        from sklearn.ensemble import IsolationForest  # slow to load

        self.columns_ = [str(c) for c in frame.columns if frame[c].nunique() > 1]
        self.money_ = payout_column(frame[self.columns_])
        self.middle_ = frame[self.columns_].median()
        values = self._values(frame)
        self.sorted_ = np.sort(values, axis=0)
        if self.columns_:
            self.forest_ = IsolationForest(n_estimators=self.trees, random_state=self.seed).fit(values)
        return self

    def suspicion(self, frame: pd.DataFrame) -> pd.Series:
        """Higher = more suspicious; comparable only between the subjects of one fit."""
        if not self.columns_:
            return pd.Series(0.0, index=frame.index)
        values = self._values(frame)
        odd = np.log(self.tails(frame).mean(axis=1)) + np.log(-self.forest_.score_samples(values))
        money = np.log1p(frame[self.money_].fillna(0.0)) if self.money_ else 0.0
        return pd.Series(odd + money, index=frame.index, name="suspicion")

    def tails(self, frame: pd.DataFrame) -> np.ndarray:
        """Minus the logarithm of the share of subjects above each value, ties in the middle; shape as the fitted columns."""
        values, n = self._values(frame), len(self.sorted_)
        below = np.empty(values.shape)
        for i, column in enumerate(self.sorted_.T):
            left, right = (np.searchsorted(column, values[:, i], side=side) for side in ("left", "right"))
            below[:, i] = np.clip((left + right) / 2 / n, 0.0, 1.0 - 0.5 / n)
        tail: np.ndarray = -np.log1p(-below) + 1e-9
        return tail

    def _values(self, frame: pd.DataFrame) -> np.ndarray:
        filled: np.ndarray = frame[self.columns_].fillna(self.middle_).to_numpy(dtype="float64")
        return filled
