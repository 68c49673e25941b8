"""Several ways to look at the same numbers, for linear models: what is a line in one of them is a bend in another."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from models.encoding import Straight

GRADED = 20
"""A column of more distinct values than this has ranks, and ratios if it is never negative."""
SIZES = 32
"""Ratios are made among at most so many columns, those of most distinct values first."""
STEPS = 101
"""Values kept of each column, evenly over its ranks."""
EDGE = 1e-3
"""Ranks nearer to 0 or 1 than this are brought back to it."""


class Views:
    """An encoded matrix seen five ways: straightened, plain, as normal scores of its ranks, as logarithms, and as ratios of two sizes.

    Ratios say what sizes hide: money per claim, patients per doctor. Their logarithms are differences of those of the sizes, so a line
    over all views can say no more of them than one over the sizes; but a penalised line finds contrasts only where they have columns.
    """

    def fit(self, matrix: pd.DataFrame) -> Views:
        """Learn middles, ranks and spreads of an encoded matrix."""
        self.straight_ = Straight().fit(matrix)
        self.middle_ = matrix.median().fillna(0.0)
        filled = self._filled(matrix)
        many = filled.nunique()
        many = many[many > GRADED].sort_values(ascending=False, kind="stable")
        self.graded_ = [str(c) for c in many.index]
        self.sizes_ = [c for c in self.graded_ if filled[c].min() >= 0][:SIZES]
        self.ranks_ = np.quantile(filled[self.graded_].to_numpy(dtype="float64"), np.linspace(0, 1, STEPS), axis=0)
        seen = self._seen(filled)
        spread = seen.std(axis=0)
        self.mean_, self.spread_ = seen.mean(axis=0), np.where(spread > 0, spread, 1.0)
        return self

    def transform(self, matrix: pd.DataFrame) -> np.ndarray:
        """Array of float64, a row for each of ``matrix``, every column centred and of spread one, at most ten spreads away."""
        seen = self._seen(self._filled(matrix))
        seen -= self.mean_
        seen /= self.spread_
        return np.column_stack([self.straight_.transform(matrix), np.clip(seen, -10.0, 10.0, out=seen)])

    def owners(self, columns: pd.Index) -> np.ndarray:
        """How much of each column of :meth:`transform` is whose among the matrix's ``columns``: a ratio is half of each of its two."""
        own, graded, sizes = (
            np.eye(len(columns))[columns.get_indexer(pd.Index(c))] for c in (self.middle_.index, self.graded_, self.sizes_)
        )
        a, b = self._pairs()
        shares: np.ndarray = np.vstack([own, own, graded, sizes, (sizes[a] + sizes[b]) / 2])
        return shares

    def state(self) -> dict[str, Any]:
        """All that was learnt, as JSON holds it."""
        middle = {str(c): float(v) for c, v in self.middle_.items()}
        arrays = {n: getattr(self, f"{n}_").tolist() for n in ("ranks", "mean", "spread")}
        return {"straight": self.straight_.state(), "middle": middle, "graded": self.graded_, "sizes": self.sizes_, **arrays}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Views:
        """What :meth:`state` describes."""
        made = cls()
        made.straight_ = Straight.of(state["straight"])
        made.middle_ = pd.Series(state["middle"], dtype="float64")
        made.graded_, made.sizes_ = state["graded"], state["sizes"]
        made.ranks_, made.mean_, made.spread_ = (np.asarray(state[n], dtype="float64") for n in ("ranks", "mean", "spread"))
        return made

    def _filled(self, matrix: pd.DataFrame) -> pd.DataFrame:
        values, middle = matrix.to_numpy(dtype="float64"), self.middle_.reindex(matrix.columns).to_numpy()
        return pd.DataFrame(np.where(np.isnan(values), middle, values), index=matrix.index, columns=matrix.columns)

    def _seen(self, filled: pd.DataFrame) -> np.ndarray:
        logs = np.log1p(filled[self.sizes_].clip(lower=0).to_numpy(dtype="float64"))
        a, b = self._pairs()
        return np.column_stack([filled.to_numpy(dtype="float64"), self._ranked(filled), logs, logs[:, a] - logs[:, b]])

    def _pairs(self) -> np.ndarray:
        pairs = list(combinations(range(len(self.sizes_)), 2))
        return np.array(pairs, dtype="int64").reshape(-1, 2).T

    def _ranked(self, filled: pd.DataFrame) -> np.ndarray:
        """Normal scores of ranks; the rank of a value that many have is the middle of theirs."""
        from scipy.special import ndtri  # slow to load

        values, levels = filled[self.graded_].to_numpy(dtype="float64"), np.linspace(0, 1, STEPS)
        ranks = np.empty(values.shape)
        for i, steps in enumerate(self.ranks_.T):
            above = 1.0 - np.interp(-values[:, i], -steps[::-1], levels)
            ranks[:, i] = (np.interp(values[:, i], steps, levels) + above) / 2
        scores: np.ndarray = ndtri(np.clip(ranks, EDGE, 1.0 - EDGE))
        return scores
