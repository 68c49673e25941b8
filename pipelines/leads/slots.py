"""Slots: how much of the list a kind of subject, a line or a region may fill, and how much of it is kept for a line or region."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import accumulate

import numpy as np
import pandas as pd

from pipelines.config import Capacity

DIGITS = 9
"""Places are rounded to so many: 7 % of 100 are 7, and not a little more."""


def of_line(cases: pd.DataFrame, shares: Mapping[str, float]) -> pd.Series:
    """The line that each case counts for; null where no share is set for its line, or the line is unknown."""
    if not shares:
        return pd.Series(None, index=cases.index, dtype=object)
    return cases["line"].where(cases["line"].isin(list(shares)), None).astype(object)


def of_region(cases: pd.DataFrame, shares: Mapping[str, float]) -> pd.Series:
    """The region that each case counts for: the longest of the codes with which its district begins; null where none does."""
    places, found = cases["place"].astype("string"), pd.Series(None, index=cases.index, dtype=object)
    for code in sorted(shares, key=len):
        found = found.mask(places.str.startswith(code).fillna(False).astype(bool), code)
    return found


class _Counted:
    """Places taken, by label.

    Parameters
    ----------
    labels : Series of str or null
        Of every case, in the order of priority.
    shares : mapping of str to float
        Share of the list by label; whatever has no label in it is not counted.
    """

    def __init__(self, labels: pd.Series, shares: Mapping[str, float]) -> None:
        self.of = pd.Index(list(shares), dtype=object).get_indexer(pd.Index(labels, dtype=object))
        self.shares = np.array(list(shares.values()), dtype="float64")
        self.taken = np.zeros(len(shares) + 1)  # the last is for what is not counted

    def take(self, case: int) -> None:
        """A place goes to this case."""
        self.taken[self.of[case]] += 1


class Slots(_Counted):
    """At most a share of the first places, rounded up, at any depth; a share above nothing is one place at least."""

    def full(self, place: int) -> np.ndarray:
        """By label, the last for what is not counted: whether this place is not for it."""
        most = np.where(self.shares > 0.0, np.maximum(1.0, np.round(self.shares * place, DIGITS)), 0.0)
        return np.append(self.taken[:-1] >= most, False)


class Kept(_Counted):
    """At least a share of the first places, rounded down, at any depth, as far as there are cases; shares sum to 1 at most."""

    def __init__(self, labels: pd.Series, shares: Mapping[str, float], depth: int) -> None:
        super().__init__(labels, shares)
        there = np.bincount(self.of[self.of >= 0], minlength=len(shares))
        places = np.round(np.outer(np.arange(1, depth + 1), self.shares), DIGITS)
        self.due, self.soon = (np.minimum(np.floor(places + early), there) for early in (0.0, 0.5))

    def owed(self, place: int) -> np.ndarray:
        """By label: whether this place is for them.

        It must be where what is due by some later place would fill all places up to it. Else it is for those that are due half a place
        early, since at the last moment their cases may lie where another limit is full.
        """
        missing = np.maximum(self.due[place - 1 :] - self.taken[:-1], 0.0)
        tight = missing.sum(axis=1) >= np.arange(1, len(missing) + 1)
        owed = missing[tight.argmax()] > 0.0 if tight.any() else self.soon[place - 1] > self.taken[:-1]
        return np.append(owed, False)


class Limits:
    """Which queues the next place may go to.

    What a line or region is owed comes first, then what has a slot by line, region and kind. Where nothing has one, slots are waived:
    first those by kind, then those by region, last those by line.

    Parameters
    ----------
    cases : DataFrame
        grain; line and place (a district or null), where shares are set.
    capacity : Capacity
        The shares.
    heads : array of int
        A case of each queue; all cases of a queue have the same labels.
    """

    def __init__(self, cases: pd.DataFrame, capacity: Capacity, heads: np.ndarray) -> None:
        grains = dict.fromkeys(cases["grain"].unique(), capacity.grain_share) | {"hospital": capacity.hospital_share}
        depth = min(capacity.listed, len(cases))
        self.most = (
            Slots(of_line(cases, capacity.lines), capacity.lines),
            Slots(of_region(cases, capacity.regions), capacity.regions),
            Slots(cases["grain"], grains),
        )
        self.least = (
            Kept(of_line(cases, capacity.least_lines), capacity.least_lines, depth),
            Kept(of_region(cases, capacity.least_regions), capacity.least_regions, depth),
        )
        self.labels = {counted: counted.of[heads] for counted in (*self.most, *self.least)}

    def take(self, case: int) -> None:
        """A place goes to this case."""
        for counted in self.labels:
            counted.take(case)

    def open(self, left: np.ndarray, place: int) -> np.ndarray:
        """Numbers of the queues, of those with a case left, that may have this place."""
        shut = list(accumulate((slots.full(place)[self.labels[slots]] for slots in self.most), np.logical_or))
        owed = np.logical_or(*(kept.owed(place)[self.labels[kept]] for kept in self.least))
        choices = (left & owed & ~shut[1], *(left & ~s for s in reversed(shut)))
        return np.flatnonzero(next((c for c in choices if c.any()), left))
