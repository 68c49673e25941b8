"""Intermediate results that are read several times."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir


def kept(table: ir.Table) -> ir.Table:
    """Carry an expression out once and keep its rows where its tables live, until the connection closes.

    Not ``table.cache()``: its clean-up issues a DROP that sqlglot 30.30 writes without the table's name.
    """
    return table.get_backend().create_table(ibis.util.gen_name("kept"), table, temp=True)
