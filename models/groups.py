"""Peer groups: the middle and the upper spread of every feature in every group, and which groups a feature is held against first.

A *level* is one way to group subjects: by one peer key, by all keys together, or everyone as one group. For every feature the levels are
tried in the order in which their groups tell its value best: medians of one half of the subjects are held against the other half
(least absolute deviation). A group that is small or has no spread says nothing; then the next level is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.columns import spaced

ALL_PEERS = "all"
AND = " & "
UPPER = ((0.75, 0.6745), (0.9, 1.2816))
"""Quantiles above the median from which the upper spread is read, each with its place under a normal law."""
TRIED = 20_000
"""The order of levels is found on at most this many subjects."""
BETTER = 0.05
"""A level comes before the next finer one if its deviation is less by this share of what it is over all."""
Codes = Mapping[str, np.ndarray]
Sorted = tuple[np.ndarray, list[np.ndarray]]
"""Values (subjects, features), and :func:`_orders` of them."""


@dataclass(frozen=True)
class Level:
    """One way to group, and the statistics of its groups: one row per group, one column per feature, NaN where a group is silent."""

    keys: tuple[str, ...]
    groups: np.ndarray
    middle: np.ndarray
    spread: np.ndarray

    def places(self, codes: Codes, sizes: Mapping[str, int], rows: int) -> np.ndarray:
        """Row of each subject's group in the statistics, -1 where the group was never seen."""
        code = _crossed(self.keys, codes, sizes, rows)
        at = np.clip(np.searchsorted(self.groups, code), 0, len(self.groups) - 1)
        return np.where((code >= 0) & (self.groups[at] == code), at, -1)


class PeerGroups:
    """Middle, upper spread and order of levels, learnt from scaled values.

    The spread is the larger of two estimates from quantiles above the median (for a normal law both are its sigma): the low side does not
    enter it, a tenth of the group cannot move it far, and where the upper tail is long by nature it is wide.

    Parameters
    ----------
    minimum : int
        Least number of peers with a value.
    """

    def __init__(self, minimum: int = 30) -> None:
        self.minimum = minimum

    def fit(self, values: np.ndarray, frame: pd.DataFrame, keys: list[str]) -> PeerGroups:
        """Learn from ``values`` (subjects, features), NaN for unknown; ``frame`` has the peer keys. One sort per feature and level."""
        found = {k: pd.factorize(pd.Index(frame[k])) for k in keys}
        self.names_ = {k: pd.Index(names) for k, (_, names) in found.items()}
        codes = {k: code for k, (code, _) in found.items()}
        ways = self._ways(codes, len(values))
        sorted_ = values, _orders(values)
        self.levels_ = [_level(way, sorted_, codes, (self._sizes(), self.minimum)) for way in ways]
        self.order_ = self._order(values, codes)
        return self

    def against(self, values: np.ndarray, frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Robust z of every subject and feature, NaN where no group speaks; and the level it came from, -1 for none."""
        z = np.full(values.shape, np.nan, dtype="float32")
        level = np.full(values.shape, -1, dtype="int8")
        places = self._places(frame)
        for feature, order in enumerate(self.order_):
            left = np.arange(len(values))
            for position in order:
                one, place = self.levels_[position], places[position][left]
                middle = np.where(place >= 0, one.middle[place, feature], np.nan)
                speaks = np.isfinite(middle)
                at, group = left[speaks], place[speaks]
                z[at, feature] = (values[at, feature] - middle[speaks]) / one.spread[group, feature]
                level[at, feature] = position
                left = left[~speaks]
        return z, level

    def middles(self, frame: pd.DataFrame, columns: np.ndarray, level: np.ndarray) -> np.ndarray:
        """The groups' median for triples of a subject (one row of ``frame``), a feature and a level."""
        places = self._places(frame)
        found = [self.levels_[p].middle[places[p][row], c] for row, (c, p) in enumerate(zip(columns, level, strict=True))]
        return np.array(found, dtype="float64")

    def called(self, frame: pd.DataFrame, level: np.ndarray) -> list[str]:
        """How the group of each row of ``frame`` is called at a level: ``by_level=3``, several keys joined by ``&``, or ``all``."""
        text = {k: frame[k].astype(str).to_numpy() for k in self.names_}
        keys = [self.levels_[p].keys for p in level]
        return [AND.join(f"{k}={text[k][row]}" for k in used) or ALL_PEERS for row, used in enumerate(keys)]

    def _sizes(self) -> dict[str, int]:
        return {k: len(names) for k, names in self.names_.items()}

    def _places(self, frame: pd.DataFrame) -> list[np.ndarray]:
        codes = {k: names.get_indexer(pd.Index(frame[k])) for k, names in self.names_.items()}
        return [one.places(codes, self._sizes(), len(frame)) for one in self.levels_]

    def _ways(self, codes: Codes, rows: int) -> list[tuple[str, ...]]:
        """The finest first: all keys together (unless one of them is as fine), each alone, nobody set apart."""
        sizes = self._sizes()
        alone = sorted(codes, key=lambda k: (-sizes[k], k))
        several = tuple(k for k in alone if sizes[k] > 1)
        together = len(np.unique(_crossed(several, codes, sizes, rows)))
        return [*([several] if several and together > sizes[several[0]] + 1 else []), *((k,) for k in alone), ()]

    def _order(self, values: np.ndarray, codes: Codes) -> np.ndarray:
        """Levels of each feature, the one whose medians tell it best first; of those about as good the finer."""
        some = spaced(len(values), TRIED)
        learn, judge = some[::2], some[1::2]
        if len(self.levels_) == 1 or not len(judge):
            return np.tile(np.arange(len(self.levels_)), (values.shape[1], 1))
        told = [{k: c[rows] for k, c in codes.items()} for rows in (learn, judge)]
        sorted_ = values[learn], _orders(values[learn])
        everyone, least, loss = _level((), sorted_, told[0], ({}, 1)).middle, max(5, self.minimum * len(learn) // len(values)), []
        for one in self.levels_:
            half = _level(one.keys, sorted_, told[0], (self._sizes(), least))
            place = half.places(told[1], self._sizes(), len(judge))
            middle = np.where((place >= 0)[:, None], half.middle[place], np.nan)
            loss.append(_mean(np.abs(values[judge] - np.where(np.isnan(middle), everyone, middle))))
        table = np.column_stack(loss)
        share = table / np.where(table[:, -1:] > 0, table[:, -1:], 1.0)
        return np.argsort(share + BETTER * np.arange(len(self.levels_)), axis=1, kind="stable")


def _mean(away: np.ndarray) -> np.ndarray:
    """Mean of each column over what is known, 0 where nothing is."""
    known = np.isfinite(away)
    total: np.ndarray = np.where(known, away, 0.0).sum(axis=0, dtype="float64") / np.maximum(known.sum(axis=0), 1)
    return total


def _crossed(keys: tuple[str, ...], codes: Codes, sizes: Mapping[str, int], rows: int) -> np.ndarray:
    """One number per combination of values, -1 where one of them is unknown."""
    number, known = np.zeros(rows, dtype="int64"), np.ones(rows, dtype=bool)
    for key in keys:
        number, known = number * (sizes[key] + 1) + codes[key], known & (codes[key] >= 0)
    return np.where(known, number, -1)


def _orders(values: np.ndarray) -> list[np.ndarray]:
    """Of each column the rows with a value, from the least on: sorted once for all ways to group."""
    return [np.argsort(column, kind="stable")[: int(np.isfinite(column).sum())].astype("int32") for column in values.T]  # unknown ones last


def _level(keys: tuple[str, ...], sorted_: Sorted, codes: Codes, limits: tuple[Mapping[str, int], int]) -> Level:
    """Statistics of one way to group; ``limits``: how many values each key has, and the least number of peers."""
    sizes, minimum = limits
    groups, group = np.unique(_crossed(keys, codes, sizes, len(sorted_[0])), return_inverse=True)
    (middle, *upper), count = _quantiles(sorted_, group, len(groups))
    spread = np.max([(q - middle) / sigma for q, (_, sigma) in zip(upper, UPPER, strict=True)], axis=0)
    silent = (count < minimum) | ~(spread > 0) | (groups < 0)[:, None]
    return Level(keys, groups, *(np.where(silent, np.nan, s).astype("float32") for s in (middle, spread)))


def _quantiles(sorted_: Sorted, group: np.ndarray, groups: int) -> tuple[list[np.ndarray], np.ndarray]:
    """Median and upper quantiles of every group and feature (linear between values), and how many values there are."""
    values, orders = sorted_
    shares = (0.5, *(share for share, _ in UPPER))
    found = np.full((len(shares), groups, values.shape[1]), np.nan)
    count = np.zeros((groups, values.shape[1]), dtype=int)
    short = group.astype("uint16" if groups < 65_536 else "int64")  # numpy sorts sixteen bits by radix
    for feature, (column, order) in enumerate(zip(values.T, orders, strict=True)):
        inside = column[order[np.argsort(short[order], kind="stable")]]
        many = np.bincount(group[order], minlength=groups)
        count[:, feature], first, some = many, np.cumsum(many) - many, many > 0
        for at, share in enumerate(shares):
            found[at, some, feature] = _between(inside, first[some], share * (many[some] - 1))
    return list(found), count


def _between(inside: np.ndarray, first: np.ndarray, place: np.ndarray) -> np.ndarray:
    low, high = inside[first + np.floor(place).astype(int)], inside[first + np.ceil(place).astype(int)]
    value: np.ndarray = low + (high - low) * (place - np.floor(place))
    return value
