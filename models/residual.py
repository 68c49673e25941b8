"""Residuals: what a subject's other columns do not lead one to expect."""

from __future__ import annotations

import numpy as np

from models.peers import PeerAnomaly
from models.relative import RelativeAnomaly

AT_ONCE = 100_000


class ResidualAnomaly(RelativeAnomaly):
    """Sum of squared upper residuals of every column regressed on all others, in units of their spread.

    All these ridge regressions together are one inverse covariance matrix P: the residual of column c is (xP)_c / P_cc, its spread
    1 / √P_cc (Gaussian graphical models; Lauritzen 1996, ch. 5). A large hospital with all that large hospitals have is expected; a small
    one with as many stays is not. The parts sum exactly.

    Parameters
    ----------
    peers : PeerAnomaly or None
        See :class:`models.relative.RelativeAnomaly`.
    ridge : float
        Added to the variances, as a share of each: columns that repeat one another would else explain each other away.
    sample : int
        Means and covariances are learnt from at most this many subjects.
    """

    def __init__(self, peers: PeerAnomaly | None = None, ridge: float = 0.1, sample: int = 100_000) -> None:
        self.peers, self.ridge, self.sample = peers, ridge, sample

    def grow(self, matrix: np.ndarray) -> None:
        """Means, spreads and the inverse covariance of standardised columns."""
        cells = matrix.astype("float64")
        spread = cells.std(axis=0)
        self.mean_, self.scale_ = cells.mean(axis=0), np.where(spread > 1e-9, spread, 1.0)
        level = (cells - self.mean_) / self.scale_
        inverse = np.linalg.inv(level.T @ level / len(level) + self.ridge * np.eye(level.shape[1]))
        self.weights_ = inverse / np.sqrt(np.diag(inverse))

    def rate(self, matrix: np.ndarray) -> np.ndarray:
        """Sum of the squares, in chunks: a million rows need no second matrix of eight bytes a cell."""
        parts = [self.gains(matrix[at : at + AT_ONCE]).sum(axis=1) for at in range(0, len(matrix), AT_ONCE)]
        found: np.ndarray = np.concatenate(parts)
        return found

    def gains(self, matrix: np.ndarray) -> np.ndarray:
        """Square of each residual that is above zero."""
        residual = ((matrix.astype("float64") - self.mean_) / self.scale_) @ self.weights_
        found: np.ndarray = np.square(np.clip(residual, 0.0, None))
        return found
