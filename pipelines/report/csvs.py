"""CSV for people: UTF-8 with a byte-order mark, so that spreadsheets read Chinese, and no cell that a spreadsheet would run."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""First characters that make a spreadsheet take a text for a formula (or break out of its cell), full-width ones included."""


def inert(column: pd.Series) -> pd.Series:
    """Texts that begin like a formula get an apostrophe before them; numbers and dates stay."""
    if not (pd.api.types.is_string_dtype(column) or column.dtype == object):
        return column
    text = column.map(lambda v: isinstance(v, str) and v.lstrip(" ").startswith(DANGEROUS)).astype(bool)
    return column.astype(object).mask(text, "'" + column.astype("string").astype(object))


def write_csv(frame: pd.DataFrame, path: Path) -> Path:
    """Write the frame; the same frame gives the same bytes."""
    safe = frame.apply(inert)
    safe.to_csv(path, index=False, encoding="utf-8-sig", lineterminator="\r\n", float_format="%.6g")
    return path
