"""How columns are held while a book is written: growing numpy columns, and pieces of tables joined on demand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pandas.api.types import union_categoricals

from features.schema import Column

Ints: TypeAlias = NDArray[Any]
NONE = -1

TEXTS = ("narrative", "text", "finding")
"""The columns that are text in a book that is being written; every other ``text`` column is a number until delivery."""

STORED: dict[str, tuple[str, Any]] = {
    "id": ("int64", NONE), "text": ("int64", NONE), "date": ("datetime64[D]", "NaT"), "time": ("datetime64[s]", "NaT"),
    "money": ("float64", np.nan), "float": ("float64", np.nan), "int": ("float64", np.nan), "bool": ("int8", NONE),
}  # fmt: skip
"""How columns of a contract type are held, and their null."""


class Columns:
    """Growing columns of equal length; appending many small batches stays cheap."""

    def __init__(self, columns: Mapping[str, tuple[str, Any]]) -> None:
        self._defaults = {name: np.array(value, dtype=kind) for name, (kind, value) in columns.items()}
        self._data = {name: np.empty(16, dtype=value.dtype) for name, value in self._defaults.items()}
        self.size = 0

    def __getitem__(self, name: str) -> NDArray[Any]:
        return self._data[name][: self.size]

    def extend(self, n: int, columns: Mapping[str, Any]) -> Ints:
        """Add ``n`` rows, missing columns get their default; returns their indices. KeyError for an unknown column."""
        if unknown := set(columns) - set(self._data):
            raise KeyError(f"no such columns: {sorted(unknown)}")
        start, self.size = self.size, self.size + n
        for name, default in self._defaults.items():
            self._grow(name)
            self._data[name][start : self.size] = columns.get(name, default)
        return np.arange(start, self.size)

    def _grow(self, name: str) -> None:
        old = self._data[name]
        if self.size > len(old):
            self._data[name] = np.concatenate([old, np.empty(max(self.size, 2 * len(old)) - len(old), dtype=old.dtype)])


def many(value: Any) -> bool:
    """True for a column of values, False for one value for all rows."""
    return not isinstance(value, str) and bool(np.ndim(value))


def joined(pieces: Sequence[Mapping[str, Any]], column: Column) -> Any:
    """One column of a table from the pieces that were appended; each piece holds its length under ``""``."""
    parts = [_part(piece.get(column.name), piece[""], column) for piece in pieces]
    if column.type == "code":
        return union_categoricals(parts)
    if column.name in TEXTS:
        return pd.concat(parts, ignore_index=True)
    return np.concatenate(parts)


def _part(value: Any, n: int, column: Column) -> Any:
    if column.type == "code":
        return _codes(value, n)
    if column.name in TEXTS:
        return pd.Series(value if many(value) else [value] * n, dtype="str")
    kind, null = STORED[column.type]
    return np.full(n, null if value is None else value, dtype=kind) if not many(value) else np.asarray(value, dtype=kind)


def _codes(value: Any, n: int) -> pd.Categorical:
    if isinstance(value, pd.Series):
        value = value.array
    if isinstance(value, pd.Categorical):
        return value
    if many(value):
        return pd.Categorical(pd.array(value, dtype="str"))
    one = pd.Categorical(pd.array([value], dtype="str"))
    return one.take(np.zeros(n, dtype="int64"))


def coded(codes: Any, categories: Sequence[str]) -> pd.Categorical:
    """Code columns from indices into their values; -1 is null."""
    return pd.Categorical.from_codes(np.asarray(codes, dtype="int64"), categories=pd.Index(list(categories), dtype="str"))
