"""A night's few rows put in order among the many of the night before: what is sorted is not sorted again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

Places = npt.NDArray[np.int64]


def inserted(many: pa.Table, kept: npt.NDArray[np.bool_], few: pa.Table, by: Sequence[str]) -> pa.Table:
    """Rows of a sorted table that are kept, and those of another sorted one among them.

    Parameters
    ----------
    many : pyarrow Table, n rows
        Sorted by ``by``, ascending, by bytes of UTF-8.
    kept : ndarray of bool, shape (n,)
        Which of its rows.
    few : pyarrow Table, m rows
        The columns of ``many``, sorted alike.
    by : sequence of str
        Columns of strings without nulls.

    Returns
    -------
    pyarrow Table
        Sorted; of equal rows those of ``few`` come first. Cost: m log n comparisons, and one copy of the rows.
    """
    before = np.append(0, np.cumsum(kept))[places(many.select(by), few.select(by))]
    order = np.insert(np.flatnonzero(kept), before, len(many) + np.arange(len(few)))
    return pa.concat_tables([many, few.select(many.column_names).cast(many.schema)]).take(pa.array(order))


def places(many: pa.Table, few: pa.Table) -> Places:
    """How many rows of a sorted table come before each of another: a binary search of all at once."""
    many, few = many.combine_chunks(), few.combine_chunks()  # rows of tables in pieces are taken from a copy, each time
    low, high = np.zeros(len(few), dtype=np.int64), np.full(len(few), len(many), dtype=np.int64)
    while len(open_ := np.flatnonzero(low < high)):
        middle = (low[open_] + high[open_]) // 2
        below = _below(many.take(pa.array(middle)), few.take(pa.array(open_)))
        low[open_] = np.where(below, middle + 1, low[open_])
        high[open_] = np.where(below, high[open_], middle)
    return low


def _below(one: pa.Table, other: pa.Table) -> npt.NDArray[np.bool_]:
    """Whether each row comes before the row of the other table in its place: by the first column, where equal by the next."""
    found = np.zeros(len(one), dtype=bool)
    for a, b in reversed(list(zip(one.columns, other.columns, strict=True))):
        found = pc.less(a, b).to_numpy() | (pc.equal(a, b).to_numpy() & found)
    return found


def among(values: pa.ChunkedArray, some: pa.ChunkedArray) -> npt.NDArray[np.bool_]:
    """Which values, none of them null, are among some."""
    found: npt.NDArray[np.bool_] = pc.is_in(values, value_set=some.cast(values.type)).to_numpy()
    return found
