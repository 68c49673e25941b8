"""What the columns of a frame of subjects are: numbers, peer keys, heavy tails; and which rows a sample takes."""

from __future__ import annotations

import numpy as np
import pandas as pd

PEER_PREFIX = "by_"
LINE = "line"


def numeric_columns(frame: pd.DataFrame) -> list[str]:
    """Feature columns: every number that is neither key, date nor peer group."""
    keep = frame.select_dtypes(include=["number", "bool"]).columns
    return [str(c) for c in keep if not str(c).startswith(PEER_PREFIX) and c not in ("as_of", "subject_id")]


def peer_keys(frame: pd.DataFrame) -> list[str]:
    """Columns that say who a subject's peers are: ``by_*`` and, last, the line of business."""
    return [c for c in map(str, frame.columns) if c.startswith(PEER_PREFIX)] + ([LINE] if LINE in frame.columns else [])


def heavy_tailed(values: pd.DataFrame) -> list[str]:
    """Columns to be looked at as log(1 + x): never negative, and with a long upper tail (amounts, counts)."""
    middle, top = values.quantile(0.5), values.quantile(0.99)
    heavy = (values.min() >= 0) & (top > 5.0) & (top > 3.0 * middle.clip(lower=0.5))
    return [str(c) for c in values.columns[heavy]]


def evenly(index: pd.Index, most: int) -> np.ndarray:
    """Positions of at most ``most`` rows, spread evenly over the sorted index: the same rows whatever their order."""
    sorted_already = index.is_monotonic_increasing
    order = np.arange(len(index)) if sorted_already else np.argsort(index.to_numpy(dtype=object), kind="stable")
    picked: np.ndarray = order[spaced(len(order), most)]
    return picked


def spaced(rows: int, most: int) -> np.ndarray:
    """At most ``most`` of the numbers below ``rows``, in order and evenly apart, first and last among them; all where there are no more."""
    return np.linspace(0, rows - 1, min(rows, most)).astype(int)
