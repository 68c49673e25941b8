"""The families of detectors that a night asks, and one suspicion out of all."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.base import clone

from models.anomaly import ForestAnomaly
from models.peers import PeerAnomaly
from models.relative import RelativeAnomaly
from models.residual import ResidualAnomaly
from models.tails import TailAnomaly

DETECTORS: tuple[tuple[str, RelativeAnomaly, float], ...] = (
    ("forest", ForestAnomaly(), 1.0),
    ("tails", TailAnomaly(), 1.0),
    ("residuals", ResidualAnomaly(), 0.5),
)
"""Name, estimator, weight. What each is good for: docs/evaluation.md, "Detectors"."""
STEEP = 0.01
"""Above the highest suspicion of the fit a family's surprise grows as fast as it does, on average, over this share just below."""
Families = Sequence[tuple[str, RelativeAnomaly, float]]


def families(trees: int, seed: int) -> Families:
    """``DETECTORS`` with the number of trees and the start of chance of the forest set."""
    forest = {"trees": trees, "seed": seed}
    return [(n, clone(d).set_params(**(forest if isinstance(d, ForestAnomaly) else {})), w) for n, d, w in DETECTORS]


class SeveralAnomaly(RelativeAnomaly):
    """Weighted mean of the families' surprise: how often the number of subjects at least as odd halves.

    A family's surprise is -log2 of the share of subjects that it finds at least as odd; a family counts by its order, not by its unit.
    What a column adds to a family's suspicion shares out that family's surprise, so the parts sum exactly to the suspicion
    (a family of which no column can be named, which is rare, is shared out evenly).

    Parameters
    ----------
    peers : PeerAnomaly or None
        See :class:`models.relative.RelativeAnomaly`.
    families : sequence of (str, RelativeAnomaly, float) or None
        Name, estimator (its own ``peers`` are not asked) and weight; None: ``DETECTORS``.
    sample : int
        All is learnt from at most this many subjects.
    """

    def __init__(self, peers: PeerAnomaly | None = None, families: Families | None = None, sample: int = 100_000) -> None:
        self.peers, self.families, self.sample = peers, families, sample

    def grow(self, matrix: np.ndarray) -> None:
        """Grow every family, and learn how its suspicions are spread."""
        self.families_ = [(name, clone(family), weight) for name, family, weight in (self.families or DETECTORS)]
        self.spread_of_ = {}
        for name, family, _ in self.families_:
            family.grow(matrix)
            self.spread_of_[name] = _surprises(family.rate(matrix))

    def rate(self, matrix: np.ndarray) -> np.ndarray:
        """Weighted mean of the surprises, in halvings."""
        return self.mean(self.surprises(matrix))

    def surprises(self, matrix: np.ndarray) -> dict[str, np.ndarray]:
        """Of each family, by name, the surprise of every row, in halvings."""
        return {name: self._surprise(name, family, matrix) for name, family, _ in self.families_}

    def mean(self, surprises: dict[str, np.ndarray]) -> np.ndarray:
        """Weighted mean of the surprises of some families."""
        weights = {name: weight for name, _, weight in self.families_ if name in surprises}
        found: np.ndarray = np.average([surprises[n] for n in weights], axis=0, weights=list(weights.values()))
        return found

    def gains(self, matrix: np.ndarray) -> np.ndarray:
        """Each family's surprise, shared among the columns by what they add to it."""
        found = np.zeros(matrix.shape)
        for name, family, weight in self.families_:
            found += _shares(family.gains(matrix)) * (weight * self._surprise(name, family, matrix))[:, None]
        return found / self._total()

    def _total(self) -> float:
        return sum(weight for _, _, weight in self.families_)

    def _surprise(self, name: str, family: RelativeAnomaly, matrix: np.ndarray) -> np.ndarray:
        suspicion, surprise, slope = self.spread_of_[name]
        score = family.rate(matrix)
        found: np.ndarray = np.interp(score, suspicion, surprise) + np.clip(score - suspicion[-1], 0.0, None) * slope
        return found


def _surprises(score: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """Different suspicions in order, the surprise of each, and how fast it grows above the last."""
    known, many = np.unique(score, return_counts=True)
    surprise = -np.log2(np.cumsum(many[::-1])[::-1] / len(score))
    low = int(np.searchsorted(surprise, min(-np.log2(STEEP), surprise[-1] / 2.0)))
    width = known[-1] - known[low]
    return known, surprise, float((surprise[-1] - surprise[low]) / width) if width > 0 else 0.0


def _shares(gains: np.ndarray) -> np.ndarray:
    up = np.clip(gains, 0.0, None)
    total = up.sum(axis=1, keepdims=True)
    shares: np.ndarray = np.where(total > 0, up / np.where(total > 0, total, 1.0), 1.0 / gains.shape[1])
    return shares
