"""Isolation forest (Liu et al. 2008), relative to peers, with named reasons."""

from __future__ import annotations

import numpy as np
from sklearn.ensemble import IsolationForest

from models.explain import replacement
from models.peers import PeerAnomaly
from models.relative import RelativeAnomaly

PER_TREE = 256


class ForestAnomaly(RelativeAnomaly):
    """How quickly random cuts set a subject apart. What a column adds is what the suspicion falls by without it.

    Parameters
    ----------
    peers : PeerAnomaly or None
        See :class:`models.relative.RelativeAnomaly`.
    trees, seed : int
        Number of trees; where chance starts.
    sample : int
        The forest is grown from at most this many subjects, ``PER_TREE`` for each tree.
    """

    def __init__(self, peers: PeerAnomaly | None = None, trees: int = 200, seed: int = 7, sample: int = 100_000) -> None:
        self.peers, self.trees, self.seed, self.sample = peers, trees, seed, sample

    def grow(self, matrix: np.ndarray) -> None:
        """Grow the trees."""
        forest = IsolationForest(n_estimators=self.trees, max_samples=min(PER_TREE, len(matrix)), random_state=self.seed)
        self.forest_ = forest.fit(matrix)

    def rate(self, matrix: np.ndarray) -> np.ndarray:
        """Anomaly score, in (0, 1)."""
        score: np.ndarray = -self.forest_.score_samples(matrix)
        return score

    def gains(self, matrix: np.ndarray) -> np.ndarray:
        """Fall of the score when a column is set to what is usual: one scoring per column."""
        return replacement(self.rate, matrix)
