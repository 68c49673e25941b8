"""Peer anomaly: how far a subject's amounts and rates lie above those of its peers.

Robust z = (x - median) / upper spread of log amounts and of rates within a peer group (after Iglewicz & Hoaglin 1993; the groups and their
back-off: :mod:`models.groups`).
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.columns import evenly, heavy_tailed, numeric_columns, peer_keys
from models.detector import Detector
from models.explain import farthest
from models.groups import PeerGroups

REASON = ["subject_id", "feature", "z", "value", "limit", "peer", "gain"]


class PeerAnomaly(Detector):
    """Robust z per feature within peer groups, with back-off to coarser ones. The suspicion is the largest z.

    Parameters
    ----------
    minimum : int
        Least number of peers with a value.
    limit : float
        A z above it is a reason.
    sample : int
        Peers are learnt on at most this many subjects, drawn evenly over the ids in order.
    low : tuple of str
        Columns of which the low side is the suspicious one (a policy's age at the loss): their z is turned round.
    """

    def __init__(self, minimum: int = 30, limit: float = 3.5, sample: int = 200_000, low: tuple[str, ...] = ()) -> None:
        self.minimum, self.limit, self.sample, self.low = minimum, limit, sample, low

    def distances(self, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Robust z of every subject and feature (NaN where no peer group speaks), and the peer level each came from (-1 for none)."""
        return self.groups_.against(self.scaled(frame), frame)

    def scaled(self, frame: pd.DataFrame) -> np.ndarray:
        """Feature columns as float32, the heavy-tailed ones as log(1 + x), the suspicious side up."""
        values = frame[self.columns_].to_numpy(dtype="float32", copy=True)
        logged = np.isin(self.columns_, self.logged_)
        values[:, logged] = np.log1p(np.clip(values[:, logged], 0.0, None))
        values *= self._sign()
        return values

    def named(self, frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
        """Turn positions (row, column, z, level, gain) into reasons: features, peer groups and both values."""
        rows, columns, level = (found[c].to_numpy(dtype=int) for c in ("row", "column", "level"))
        at = frame.iloc[rows]
        raw = frame[self.columns_].to_numpy(dtype="float64")[rows, columns]
        told = {"subject_id": at.index, "feature": np.array(self.columns_, dtype=object)[columns], "z": found["z"].to_numpy(), "value": raw}
        told |= {"limit": self._plain(self.groups_.middles(at, columns, level), columns), "peer": self.groups_.called(at, level)}
        return pd.DataFrame({**told, "gain": found["gain"].to_numpy()}).reset_index(drop=True)[REASON]

    def _learn(self, frame: pd.DataFrame) -> None:
        self.columns_ = [c for c in numeric_columns(frame) if frame[c].notna().any()]
        self.logged_ = heavy_tailed(frame[self.columns_].astype("float32"))
        some = frame.iloc[evenly(frame.index, self.sample)]
        self.groups_ = PeerGroups(self.minimum).fit(self.scaled(some), some, peer_keys(frame))

    def _suspicion(self, frame: pd.DataFrame) -> np.ndarray:
        z, _ = self.distances(frame)
        largest: np.ndarray = np.nan_to_num(z, nan=0.0).clip(min=0.0).max(axis=1, initial=0.0).astype("float64")
        return largest

    def _reasons(self, frame: pd.DataFrame, most: int) -> pd.DataFrame:
        """The features whose z is above ``limit``; the gain is the z."""
        z, level = self.distances(frame)
        rows, columns = farthest(np.nan_to_num(z, nan=0.0), most, self.limit)
        at = z[rows, columns]
        return self.named(frame, pd.DataFrame({"row": rows, "column": columns, "z": at, "level": level[rows, columns], "gain": at}))

    def _sign(self) -> np.ndarray:
        return np.where(np.isin(self.columns_, self.low), np.float32(-1.0), np.float32(1.0))

    def _plain(self, middle: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Scaled medians in the unit of their column."""
        logged = np.isin(np.array(self.columns_, dtype=object)[columns], self.logged_)
        turned = middle * self._sign()[columns]
        plain: np.ndarray = np.where(logged, np.expm1(np.where(logged, turned, 0.0)), turned)
        return plain
