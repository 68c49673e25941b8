"""Intermediate results that are read several times."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

KEPT = "kept"
"""Part of the names of such tables."""


def kept(table: ir.Table) -> ir.Table:
    """Carry an expression out once and keep its rows where its tables live, until ``Engine.forget``.

    Not ``table.cache()``: its clean-up issues a DROP that sqlglot 30.30 writes without the table's name.
    """
    return table.get_backend().create_table(ibis.util.gen_name(KEPT), table, temp=True)
