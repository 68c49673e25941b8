"""An alarm before learning: a column that alone tells the labels is a label in disguise, not a sign."""

from __future__ import annotations

import pandas as pd

from models.encoding import Encoder
from models.evaluate import auc

TELLS = 0.98
"""AUC of a single column, either way round, from which it is taken for a leak."""
LEAST = 20


class LeakError(ValueError):
    """A column tells the labels; the message names it."""


def alarm(frame: pd.DataFrame, labels: pd.Series) -> None:
    """Stop if one column alone separates proven from cleared subjects.

    Parameters
    ----------
    frame : DataFrame
        Numbers and words, index subject_id.
    labels : Series of int, indexed by subject_id

    Raises
    ------
    LeakError
        Naming each such column and its AUC. Where a value is unknown says something, too: both are looked at.
    """
    known = labels[labels.index.isin(frame.index)]
    if min(known.sum(), len(known) - known.sum()) < LEAST:
        return
    matrix = Encoder().fit(frame).transform(frame).loc[known.index]
    found = {c: _either(known, matrix[c]) for c in matrix.columns}
    told = {c: v for c, v in found.items() if v > TELLS}
    if told:
        named = ", ".join(f"{c} (AUC {v:.3f})" for c, v in sorted(told.items()))
        raise LeakError(f"a column alone tells the labels: {named}; it was made after the verdict or from it, take it out of the mapping")


def _either(known: pd.Series, column: pd.Series) -> float:
    ways = (column.fillna(column.min() - 1.0 if column.notna().any() else 0.0), column.isna().astype(float))
    values = [auc(known.to_numpy(), v.to_numpy()) for v in ways]
    return max(max(v, 1.0 - v) for v in values)
