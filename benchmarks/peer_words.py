"""Words that the peer's features share."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd


def share(count: pd.Series, of: pd.Series) -> pd.Series:
    """Quotient, nothing where the divisor is 0."""
    return count / of.replace(0, np.nan)


def log1p(value: pd.Series) -> pd.Series:
    """Logarithm of one more, negative values as 0."""
    return np.log1p(value.clip(lower=0))


def group(*columns: pd.Series) -> pd.Series:
    """Peer-group key."""
    first, *rest = (c.astype("str").where(c.notna(), "-") for c in columns)
    return first.str.cat(rest, sep="|") if rest else first


def known(condition: pd.Series, *by: pd.Series) -> pd.Series:
    """A condition as 0 or 1, nothing where one of its columns is missing."""
    return condition.astype(float).where(np.logical_and.reduce([c.notna() for c in by]))


def within(at: pd.Series, as_of: pd.Timestamp, days: int) -> pd.Series:
    """In the days before ``as_of``."""
    return (as_of - at.dt.normalize()).dt.days.between(1, days)


def line_of(lines: Any) -> pd.Series:
    """The line of each group, ``mixed`` where several."""
    return lines.min().where(lines.nunique() <= 1, "mixed")
