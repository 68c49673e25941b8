"""Detectors that look at one matrix: how far every column of a subject lies above what is usual, among its peers or among all."""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
import pandas as pd
from sklearn.base import clone

from models.columns import evenly, numeric_columns
from models.detector import Detector
from models.explain import farthest
from models.groups import ALL_PEERS
from models.peers import REASON, PeerAnomaly

CLIP = 8.0


class RelativeAnomaly(Detector):
    """Base of detectors on a matrix of which 0 is an ordinary or unknown value.

    With ``peers`` a cell is the distance above the subject's peers (robust z, from 0 to ``CLIP``; where no group speaks, the standard score
    over all). Without, it is the plain value minus the median of the column.
    Whoever has the matrix already (:class:`models.detectors.SeveralAnomaly`) calls ``grow``, ``rate`` and ``gains``.
    """

    peers: PeerAnomaly | None
    sample: int

    @abstractmethod
    def grow(self, matrix: np.ndarray) -> None:
        """Learn from the rows of a matrix."""

    @abstractmethod
    def rate(self, matrix: np.ndarray) -> np.ndarray:
        """Suspicion of each row."""

    @abstractmethod
    def gains(self, matrix: np.ndarray) -> np.ndarray:
        """What each cell adds to the suspicion of its row."""

    def matrix(self, frame: pd.DataFrame) -> np.ndarray:
        """The cells of a frame, float32."""
        if self.peers is None:
            plain = frame[self.columns_].to_numpy(dtype="float64") - self.middle_
            known: np.ndarray = np.nan_to_num(plain, nan=0.0).astype("float32")
            return known
        z, _ = self.peers_.distances(frame)
        over_all = (self.peers_.scaled(frame) - self.middle_) / self.spread_
        cells: np.ndarray = np.nan_to_num(np.where(np.isnan(z), over_all, z), nan=0.0).clip(0.0, CLIP).astype("float32")
        return cells

    def _learn(self, frame: pd.DataFrame) -> None:
        some = frame.iloc[evenly(frame.index, self.sample)]
        if self.peers is None:
            self.columns_ = [c for c in numeric_columns(frame) if frame[c].notna().any()]
            self.middle_, self.spread_ = _usual(some[self.columns_].to_numpy(dtype="float64"))
        else:
            self.peers_ = clone(self.peers).fit(frame)
            self.columns_ = self.peers_.columns_
            self.middle_, self.spread_ = _usual(self.peers_.scaled(some))
        if not self.columns_:
            raise ValueError("no column has any value")
        self.grow(self.matrix(some))

    def _suspicion(self, frame: pd.DataFrame) -> np.ndarray:
        return np.asarray(self.rate(self.matrix(frame)), dtype="float64")

    def _reasons(self, frame: pd.DataFrame, most: int) -> pd.DataFrame:
        gains = self.gains(self.matrix(frame))
        rows, columns = farthest(gains, most)
        if self.peers is None:
            return self._plainly(frame, rows, columns).assign(gain=gains[rows, columns])
        z, level = self.peers_.distances(frame)
        found = {"row": rows, "column": columns, "z": z[rows, columns], "level": level[rows, columns], "gain": gains[rows, columns]}
        table = pd.DataFrame(found)
        named: pd.DataFrame = self.peers_.named(frame, table[table["level"] >= 0])
        return named

    def _plainly(self, frame: pd.DataFrame, rows: np.ndarray, columns: np.ndarray) -> pd.DataFrame:
        value = frame[self.columns_].to_numpy(dtype="float64")[rows, columns]
        told = {"subject_id": frame.index[rows], "feature": np.array(self.columns_, dtype=object)[columns], "value": value}
        z = (value - self.middle_[columns]) / self.spread_[columns]
        found: pd.DataFrame = pd.DataFrame({**told, "limit": self.middle_[columns], "z": z, "peer": ALL_PEERS})[REASON[:-1]]
        return found


def _usual(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and standard deviation of each column; a spread of nothing counts as one."""
    table = pd.DataFrame(values)
    spread = table.std(ddof=0).to_numpy()
    return table.median().fillna(0.0).to_numpy(), np.where(spread > 0, spread, 1.0)
