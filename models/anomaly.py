"""Isolation forest over peer-adjusted features (Liu et al. 2008), with named reasons. Imported lazily: scikit-learn is slow to load."""

from __future__ import annotations

import numpy as np
import pandas as pd
from sklearn.ensemble import IsolationForest

from models.explain import farthest, replacement
from models.peers import PeerAnomaly, evenly

CLIP = 8.0


class ForestAnomaly:
    """An isolation forest that sees every subject relative to its peers and looks at the high side only.

    Parameters
    ----------
    peers : PeerAnomaly
        Fitted or not; gives each feature's distance from the peers.
    trees, subsample : int
        Number of trees and subjects per tree.
    sample : int
        The forest is grown from at most this many subjects.
    seed : int
    """

    def __init__(self, peers: PeerAnomaly, trees: int = 200, seed: int = 7, sample: int = 100_000) -> None:
        self.peers, self.trees, self.seed, self.sample = peers, trees, seed, sample

    def fit(self, frame: pd.DataFrame) -> ForestAnomaly:
        """Grow the forest on the subjects of ``frame`` (see :meth:`models.peers.PeerAnomaly.fit`)."""
        self.peers.fit(frame)
        chosen = frame.iloc[evenly(frame.index, self.sample)]
        values = self.peers.scaled(chosen)
        self.middle_ = values.median()
        self.spread_ = values.std().where(lambda s: s > 0, 1.0)
        matrix = self.matrix(chosen)
        self.forest_ = IsolationForest(n_estimators=self.trees, max_samples=min(256, len(matrix)), random_state=self.seed).fit(matrix)
        return self

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """Distances above the peers: robust z where the peers speak, else standard score over all; 0 = ordinary or unknown."""
        z, _ = self.peers.transform(frame)
        over_all = (self.peers.scaled(frame) - self.middle_) / self.spread_
        return z.fillna(over_all).fillna(0.0).clip(0.0, CLIP).to_numpy(dtype="float32")

    def suspicion(self, frame: pd.DataFrame) -> pd.Series:
        """Anomaly score of every subject, in (0, 1), higher = more suspicious."""
        return pd.Series(self._score(self.matrix(frame)), index=frame.index, name="suspicion")

    def reasons(self, frame: pd.DataFrame, most: int = 3) -> pd.DataFrame:
        """Which features make the subjects of ``frame`` stand out, each with its peer group and both values.

        Returns
        -------
        DataFrame
            subject_id, feature, z, value, limit (the peers' median), peer, gain (fall of the suspicion without the feature).
        """
        gains = replacement(self._score, self.matrix(frame))
        rows, columns = farthest(gains, most)
        z, level = self.peers.transform(frame)
        found = pd.DataFrame({"row": rows, "column": columns, "z": z.to_numpy()[rows, columns], "level": level.to_numpy()[rows, columns]})
        spoken = (found["level"] >= 0).to_numpy()
        named = self.peers.name(frame, found[spoken])
        return named.assign(gain=gains[rows, columns][spoken])

    def _score(self, matrix: np.ndarray) -> np.ndarray:
        suspicion: np.ndarray = -self.forest_.score_samples(matrix)
        return suspicion
