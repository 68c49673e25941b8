"""Canonical tables from rows written down in a test."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features import schema


def tables(rows: dict[str, list[dict[str, Any]]]) -> dict[str, ir.Table]:
    """Every canonical table on a connection of its own; columns that a row does not name are null."""
    con = ibis.duckdb.connect(threads=1)
    return {n: con.create_table(n, typed(n, rows.get(n, []))) for n in schema.tables()}


def typed(name: str, rows: list[dict[str, Any]]) -> ir.Table:
    """Rows of one table; received on 2025-01-01 by insurer A unless they say otherwise."""
    types = {c.name: c.dtype for c in (*schema.tables()[name].columns, *schema.LINEAGE)}
    full = [{"insurer": "A", "received_at": "2025-01-01 18:00:00", **r} for r in rows]
    assert not {c for r in full for c in r} - set(types)
    texts = {c: pa.array([None if r.get(c) is None else str(r[c]) for r in full], pa.string()) for c in types}
    table = ibis.memtable(pa.table(texts))
    return table.select(**{c: table[c].cast(t) for c, t in types.items()})
