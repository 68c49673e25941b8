"""Tails: how few lie above a subject, column by column, weighed by what the columns have in common."""

from __future__ import annotations

import numpy as np

from models.columns import spaced
from models.peers import PeerAnomaly
from models.relative import RelativeAnomaly


class TailAnomaly(RelativeAnomaly):
    """Weighted sum of upper tails: minus the logarithm of the share of subjects above each value.

    Empirical tails, one column at a time, are ECOD's (Li et al. 2022). Columns count by their loading on the first principal component of
    the tails, negative loadings as nothing: what is far out in many ways at once is more than noise in one of them. The parts sum exactly.

    Parameters
    ----------
    peers : PeerAnomaly or None
        See :class:`models.relative.RelativeAnomaly`.
    sample : int
        Tails and weights are learnt from at most this many subjects.
    """

    def __init__(self, peers: PeerAnomaly | None = None, sample: int = 20_000) -> None:
        self.peers, self.sample = peers, sample

    def grow(self, matrix: np.ndarray) -> None:
        """Sort every column, and find the weights."""
        some = matrix[spaced(len(matrix), self.sample)]
        self.sorted_ = np.sort(some, axis=0)
        self.weights_ = common(self.tails(some))

    def tails(self, matrix: np.ndarray) -> np.ndarray:
        """Minus the logarithm of the share of subjects above each value, ties in the middle, never above that of half a subject."""
        return self.tails_of(matrix, np.arange(matrix.shape[1]))

    def tails_of(self, matrix: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """The same of some columns alone, by their places."""
        return np.column_stack([tail(self.sorted_[:, c], matrix[:, c]) for c in columns])

    def rate(self, matrix: np.ndarray) -> np.ndarray:
        """Sum of the weighted tails."""
        found: np.ndarray = self.gains(matrix).sum(axis=1)
        return found

    def gains(self, matrix: np.ndarray) -> np.ndarray:
        """Each weighted tail."""
        found: np.ndarray = self.tails(matrix) * self.weights_
        return found


def tail(known: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Minus the logarithm of the share of ``known`` (sorted) above each value, ties counted half."""
    first = np.flatnonzero(np.r_[True, known[1:] != known[:-1]])
    levels, edges = np.ascontiguousarray(known[first]), np.r_[first, len(known)]
    # Each value lies at a level or between two: the tail of either is worked out once, not for every value.
    at = np.searchsorted(levels, np.ascontiguousarray(values))
    equal = levels[np.minimum(at, len(levels) - 1)] == values
    below = np.r_[edges / len(known), (edges[1:] + edges[:-1]) / 2.0 / len(known)]
    tails = -np.log1p(-np.clip(below, 0.0, 1.0 - 0.5 / len(known)))
    found: np.ndarray = tails[np.where(equal, at + len(edges), at)]
    return found


def common(tails: np.ndarray) -> np.ndarray:
    """Weights of columns that sum to one: non-negative loadings on the first principal component, per unit of spread."""
    spread = tails.std(axis=0)
    moves = spread > 1e-9
    if not moves.any():
        return np.full(tails.shape[1], 1.0 / tails.shape[1])
    level = (tails[:, moves] - tails[:, moves].mean(axis=0)) / spread[moves]
    first = np.linalg.eigh(level.T @ level / len(level))[1][:, -1]
    loading = np.clip(first * (1.0 if first.sum() > 0 else -1.0), 0.0, None)
    weights = np.zeros(len(spread))
    weights[moves] = loading / spread[moves]
    shares: np.ndarray = (weights / weights.sum()).round(9)
    return shares
