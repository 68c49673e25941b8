"""Peer anomaly: how far a subject's amounts and rates lie above those of its peers.

Robust z = (x - median) / (1.4826·MAD) of log amounts and of rates within a peer group (Iglewicz & Hoaglin 1993). A group that is too
small or has no spread says nothing; then the next coarser group is asked.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

MAD_TO_SIGMA = 1.4826
PEER_PREFIX = "by_"
ALL_PEERS = "all"


def numeric_columns(frame: pd.DataFrame) -> list[str]:
    """Feature columns: every number that is neither key, date nor peer group."""
    keep = frame.select_dtypes(include=["number", "bool"]).columns
    return [str(c) for c in keep if not str(c).startswith(PEER_PREFIX) and c not in ("as_of", "subject_id")]


def heavy_tailed(values: pd.DataFrame) -> list[str]:
    """Columns to be looked at as log(1 + x): never negative, and with a long upper tail (amounts, counts)."""
    middle, top = values.quantile(0.5), values.quantile(0.99)
    heavy = (values.min() >= 0) & (top > 5.0) & (top > 3.0 * middle.clip(lower=0.5))
    return [str(c) for c in values.columns[heavy]]


class PeerAnomaly:
    """Robust z per feature within peer groups, with back-off to coarser ones.

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

    def fit(self, frame: pd.DataFrame) -> PeerAnomaly:
        """Learn median and spread of every numeric column in every peer group.

        Parameters
        ----------
        frame : DataFrame
            One row per subject, index = subject id; numeric columns, ``by_*`` peer keys (the finer, that is the more
            groups, the earlier it is asked), ``line`` optional.
        """
        self.columns_ = [c for c in numeric_columns(frame) if frame[c].notna().any()]
        self.logged_ = heavy_tailed(frame[self.columns_].astype("float32"))
        self.order_ = _finest_first(frame)
        levels = self._levels(frame)
        values = self.scaled(frame)
        chosen = evenly(frame.index, self.sample)
        self.stats_ = {n: _statistics(values.iloc[chosen], key.iloc[chosen], self.minimum) for n, key in levels.items()}
        return self

    def scaled(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Feature columns as float32, the heavy-tailed ones as log(1 + x)."""
        values = frame[self.columns_].astype("float32")
        scaled = values.assign(**{c: np.log1p(values[c].clip(lower=0)) for c in self.logged_})
        return scaled * self._sign()

    def transform(self, frame: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Robust z of every subject and feature, and the peer level each came from.

        Returns
        -------
        z : DataFrame of float32
            NaN where no peer group is large and spread enough.
        level : DataFrame of int8
            Position in the back-off order, -1 for none.
        """
        values = self.scaled(frame)
        z = np.full(values.shape, np.nan, dtype="float32")
        level = np.full(values.shape, -1, dtype="int8")
        for position, (name, key) in enumerate(self._levels(frame).items()):
            middle, spread = self._lookup(name, key)
            at = np.isnan(z) & np.isfinite(middle) & np.isfinite(spread)
            z[at] = ((values.to_numpy() - middle) / spread)[at]
            level[at] = position
        return pd.DataFrame(z, frame.index, self.columns_), pd.DataFrame(level, frame.index, self.columns_)

    def reasons(self, frame: pd.DataFrame, most: int = 3) -> pd.DataFrame:
        """The named reasons: feature, peer group and both values, at most ``most`` per subject, the farthest first.

        Returns
        -------
        DataFrame
            subject_id, feature, z, value, limit (the peers' median), peer.
        """
        z, level = self.transform(frame)
        rows, columns = np.nonzero(z.to_numpy() > self.limit)
        found = pd.DataFrame({"row": rows, "column": columns, "z": z.to_numpy()[rows, columns], "level": level.to_numpy()[rows, columns]})
        found = found.sort_values(["z", "row", "column"], ascending=[False, True, True]).groupby("row", sort=False).head(most)
        return self.name(frame, found)

    def name(self, frame: pd.DataFrame, found: pd.DataFrame) -> pd.DataFrame:
        """Turn positions (row, column, z, level) into features, peer groups and both values."""
        names = list(self.stats_)
        keys = np.column_stack([k.to_numpy(dtype=object) for k in self._levels(frame).values()])
        rows, columns, level = (found[c].to_numpy() for c in ("row", "column", "level"))
        raw = frame[self.columns_].to_numpy(dtype="float64")
        group = keys[rows, level] if len(found) else np.array([], dtype=object)
        feature = np.array(self.columns_, dtype=object)[columns]
        peer = [names[i] + "=" + str(g) if names[i] != ALL_PEERS else ALL_PEERS for i, g in zip(level, group, strict=True)]
        limit = self._medians(found, group)
        columns_out = {"subject_id": frame.index.to_numpy()[rows], "feature": feature, "z": found["z"].to_numpy()}
        return pd.DataFrame({**columns_out, "value": raw[rows, columns], "limit": limit, "peer": peer}).reset_index(drop=True)

    def _levels(self, frame: pd.DataFrame) -> dict[str, pd.Series]:
        everyone = pd.Series(ALL_PEERS, index=frame.index, dtype=object)
        return {**{n: frame[n] for n in self.order_}, ALL_PEERS: everyone}

    def _sign(self) -> np.ndarray:
        return np.where(np.isin(self.columns_, self.low), np.float32(-1.0), np.float32(1.0))

    def _lookup(self, name: str, key: pd.Series) -> tuple[np.ndarray, np.ndarray]:
        place = self.stats_[name]["median"].index.get_indexer(pd.Index(key))
        known = (place >= 0)[:, None]
        middle, spread = (
            np.where(known, self.stats_[name][part].to_numpy(dtype="float32")[place], np.nan) for part in ("median", "spread")
        )
        return middle, spread

    def _medians(self, found: pd.DataFrame, group: np.ndarray) -> np.ndarray:
        names = list(self.stats_)
        tables = [self.stats_[n]["median"] for n in names]
        triples = zip(found["level"], group, found["column"], strict=True)
        middle = np.array([tables[i].loc[g].iloc[c] for i, g, c in triples], dtype="float64")
        logged = np.isin(np.array(self.columns_, dtype=object)[found["column"].to_numpy(dtype=int)], self.logged_)
        middle = middle * self._sign()[found["column"].to_numpy(dtype=int)]
        plain: np.ndarray = np.where(logged, np.expm1(np.where(logged, middle, 0.0)), middle)
        return plain


def evenly(index: pd.Index, most: int) -> np.ndarray:
    """Positions of at most ``most`` rows, spread evenly over the sorted index: the same rows whatever their order."""
    sorted_already = index.is_monotonic_increasing
    order = np.arange(len(index)) if sorted_already else np.argsort(index.to_numpy(dtype=object), kind="stable")
    if len(order) <= most:
        return order
    picked: np.ndarray = order[np.linspace(0, len(order) - 1, most).astype(int)]
    return picked


def _finest_first(frame: pd.DataFrame) -> list[str]:
    """Peer keys by falling number of groups, the line last of equals."""
    keys = [str(c) for c in frame.columns if str(c).startswith(PEER_PREFIX)] + (["line"] if "line" in frame.columns else [])
    return sorted(keys, key=lambda c: (-frame[c].nunique(), c))


def _statistics(values: pd.DataFrame, key: pd.Series, minimum: int) -> dict[str, pd.DataFrame]:
    groups = values.groupby(key.to_numpy())
    middle, count = groups.median(), groups.count()
    away = (values - middle.reindex(key.to_numpy()).set_axis(values.index)).abs()
    spread = away.groupby(key.to_numpy()).median() * MAD_TO_SIGMA
    silent = (count < minimum) | ~(spread > 0)
    return {"median": middle.mask(silent), "spread": spread.mask(silent)}
