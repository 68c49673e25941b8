"""Joins that keep one row per row of the left side."""

from __future__ import annotations

import ibis.expr.types as ir


def attach(left: ir.Table, right: ir.Table, on: str | dict[str, str]) -> ir.Table:
    """Add the columns of ``right`` to ``left``, null where nothing matches.

    Parameters
    ----------
    left : Table
        Keeps every row.
    right : Table
        One row per key; apart from the key, no column that ``left`` has.
    on : str or dict
        Key column of both, or ``{left column: right column}``.

    Returns
    -------
    Table
        The rows of ``left``; the key of ``right`` is dropped.
    """
    pairs = {on: on} if isinstance(on, str) else on
    renamed = right.rename({f"{r}__key": r for r in pairs.values()})
    joined = left.left_join(renamed, [left[a] == renamed[f"{b}__key"] for a, b in pairs.items()])
    return joined.drop(*(f"{r}__key" for r in pairs.values()))
