"""Words and numbers of a subject as one matrix of numbers, without a look at any label."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from models.columns import PEER_PREFIX, heavy_tailed, numeric_columns

MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEVELS = 40
"""Words of one column that become columns of their own, the most frequent first,"""
SELDOM = 10
"""and only those on at least so many subjects."""
NONE_WORDS = frozenset({"none", "no", "new", "never", "no change", "无"})
NUMBER = re.compile(r"\d+(?:\.\d+)?")


def ordinal(words: Sequence[str]) -> dict[str, float] | None:
    """A number for each word of a column, where the words themselves say their order; None where they do not.

    Months and weekdays are counted from 0; ranges (``26 to 30``, ``1-3 years``) are their middle, open ends (``more than 30``, ``under 5``)
    lie a tenth beyond, and words for nothing are 0.

    Examples
    --------
    >>> ordinal(["none", "1", "2 to 4", "more than 4"])
    {'none': 0.0, '1': 1.0, '2 to 4': 3.0, 'more than 4': 4.4}
    >>> ordinal(["red", "blue"]) is None
    True
    """
    for _, names in _CALENDARS:
        if len(words) > 2 and all(w.lower()[:3] in names for w in words):
            return {w: float(names.index(w.lower()[:3])) for w in words}
    told = {w: _number(w) for w in words}
    known = {w: v for w, v in told.items() if v is not None}
    return known if len(known) == len(words) and len(set(known.values())) > 2 else None


_CALENDARS = ((12, MONTHS), (7, WEEKDAYS))


def _number(word: str) -> float | None:
    lower = word.lower().strip()
    if lower in NONE_WORDS:
        return 0.0
    found = [float(n) for n in NUMBER.findall(lower)]
    if not found:
        return None
    if re.search(r"more|over|above|以上|>", lower):
        return round(found[-1] * 1.1, 6)
    if re.search(r"less|under|below|以下|<", lower):
        return round(found[0] * 0.9, 6)
    return sum(found) / len(found)


class Encoder:
    """Learns from all subjects, judged or not, what the words of their columns are; a word never seen is no word.

    Words become: their order where they say one; how frequent they are; and one column for each frequent one. Two columns of months or of
    weekdays also give the time from the one to the other, round the year or week.
    """

    def fit(self, frame: pd.DataFrame) -> Encoder:
        """Learn columns and words.

        Parameters
        ----------
        frame : DataFrame
            One row per subject: numbers, words (object columns) and ``by_*`` peer keys, which are left out: they repeat others.
        """
        numbers = numeric_columns(frame)
        self.numbers_ = [c for c in numbers if frame[c].nunique(dropna=True) > 1]
        words = [c for c in frame.columns if c not in numbers and not str(c).startswith(PEER_PREFIX) and c != "as_of"]
        self.counts_ = {c: frame[c].dropna().astype(str).value_counts() for c in words}
        self.counts_ = {c: n for c, n in self.counts_.items() if len(n) > 1}
        found = {c: ordinal(sorted(n.index)) for c, n in self.counts_.items()}
        self.orders_ = {c: order for c, order in found.items() if order}
        self.cycles_ = list(self._cycles())
        self.rows_ = max(1, len(frame))
        return self

    def transform(self, frame: pd.DataFrame) -> pd.DataFrame:
        """float32 columns, NaN where unknown, also where ``frame`` lacks a column; index as ``frame``."""
        frame = frame.reindex(columns=[*self.numbers_, *self.counts_])
        parts = {c: frame[c].astype("float32") for c in self.numbers_}
        for column, counts in self.counts_.items():
            parts |= self._words(column, frame[column].astype("object"), counts)
        for a, b, period in self.cycles_:
            parts[f"{a}_to_{b}"] = (parts[f"{b}_order"] - parts[f"{a}_order"]) % period
        return pd.DataFrame(parts, index=frame.index).astype("float32")

    def state(self) -> dict[str, Any]:
        """All that was learnt, as JSON holds it."""
        counts = {c: {str(w): int(n) for w, n in counts.items()} for c, counts in self.counts_.items()}
        return {"numbers": self.numbers_, "counts": counts, "orders": self.orders_, "cycles": self.cycles_, "rows": self.rows_}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Encoder:
        """The encoder that :meth:`state` describes."""
        made = cls()
        made.numbers_, made.orders_, made.rows_ = state["numbers"], state["orders"], state["rows"]
        made.counts_ = {c: pd.Series(counts, dtype="int64") for c, counts in state["counts"].items()}
        made.cycles_ = [(str(a), str(b), int(period)) for a, b, period in state["cycles"]]
        return made

    def _words(self, column: str, told: pd.Series, counts: pd.Series) -> dict[str, pd.Series]:
        code, raw = pd.factorize(told)  # each word is looked up once, not on every subject; -1, the unknown, is last
        word = pd.Series([*map(str, raw), None], dtype="object")
        made = {f"{column}_often": word.map(counts / self.rows_)}
        if column in self.orders_:
            made[f"{column}_order"] = word.map(self.orders_[column])
        listed = counts[counts >= SELDOM].index[:LEVELS] if len(counts) > 2 else counts.index[:1]
        made |= {f"{column}={level}": word == level for level in listed}
        return {c: pd.Series(values.to_numpy(dtype="float32")[code], index=told.index) for c, values in made.items()}

    def _cycles(self) -> list[tuple[str, str, int]]:
        found = []
        for period, names in _CALENDARS:
            of = [c for c, order in self.orders_.items() if all(w.lower()[:3] in names for w in order)]
            found += [(a, b, period) for i, a in enumerate(of) for b in of[i + 1 :]]
        return found


class Straight:
    """A matrix for linear models: heavy tails as logarithms, the unknown at the middle, every column centred and of spread one."""

    def fit(self, matrix: pd.DataFrame) -> Straight:
        """Learn middles and spreads of an encoded matrix."""
        self.logged_ = heavy_tailed(matrix)
        values = self._logs(matrix)
        self.middle_ = values.median().fillna(0.0)
        filled = values.fillna(self.middle_)
        self.mean_, self.spread_ = filled.mean(), filled.std().where(lambda s: s > 0, 1.0)
        return self

    def transform(self, matrix: pd.DataFrame) -> np.ndarray:
        """Array of float64, shape as ``matrix``; what lies ten spreads away is brought back to there."""
        middle, mean, spread = (s.reindex(matrix.columns).to_numpy(dtype="float64") for s in (self.middle_, self.mean_, self.spread_))
        logs = self._logs(matrix).to_numpy()
        straight: np.ndarray = np.where(np.isnan(logs), middle, logs)
        straight -= mean
        straight /= spread
        return np.clip(straight, -10.0, 10.0, out=straight)

    def state(self) -> dict[str, Any]:
        """All that was learnt, as JSON holds it."""
        series = {n: {str(c): float(v) for c, v in getattr(self, f"{n}_").items()} for n in ("middle", "mean", "spread")}
        return {"logged": self.logged_, **series}

    @classmethod
    def of(cls, state: dict[str, Any]) -> Straight:
        """What :meth:`state` describes."""
        made = cls()
        made.logged_ = state["logged"]
        made.middle_, made.mean_, made.spread_ = (pd.Series(state[n], dtype="float64") for n in ("middle", "mean", "spread"))
        return made

    def _logs(self, matrix: pd.DataFrame) -> pd.DataFrame:
        values, tailed = matrix.to_numpy(copy=True), matrix.columns.isin(self.logged_)
        values[:, tailed] = np.log1p(values[:, tailed].clip(min=0))
        return pd.DataFrame(values, index=matrix.index, columns=matrix.columns)
