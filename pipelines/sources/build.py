"""A block applied to raw rows: the contract's columns as expressions, one source row to several rows, many columns to facts."""

from __future__ import annotations

import functools
import operator
from collections.abc import Sequence
from dataclasses import replace

import ibis
import ibis.expr.types as ir

from features import schema
from pipelines.errors import DataError
from pipelines.sources.cells import Reader
from pipelines.sources.mapping import Block, Cell, Filter
from pipelines.sources.raw import Raw

LINEAGE = ("source_file", "source_row", "row_sha256")


def rows(block: Block, origin: str, source: Raw, also: tuple[Filter, ...] = ()) -> ir.Table:
    """The block's contract rows from one file or database table, with lineage.

    Raises
    ------
    DataError
        If a column that a key needs, or that a filter reads, is not there.
    """
    _needed(block, origin, source)
    reader = Reader(source, block.nulls)
    filters = [reader.keeps(f) for f in (*block.filters, *also)]
    reader = Reader(replace(source, table=source.table.filter(filters)), block.nulls) if filters else reader
    common = {c.name: Cell(column=c.name) for c in schema.tables()[block.table].source_columns} if block.same else dict(block.columns)
    if block.facts:
        return _facts(reader, block, common, origin)
    return _union([_columns(reader, block.table, (common, dict(own)), origin) for own in block.rows or ((),)])


def together(tables: Sequence[ir.Table], table: str, first_only: bool) -> ir.Table:
    """All blocks' rows; with ``first_only`` the first of each key, in order of blocks, then files, then rows."""
    if not first_only:
        return _union(tables)
    placed = _union([t.mutate(place=ibis.literal(i, "int64")) for i, t in enumerate(tables)])
    key = [placed[k] for k in schema.tables()[table].key]
    order = ibis.window(group_by=key, order_by=[placed.place, placed.source_file, placed.source_row])
    return placed.mutate(nth=ibis.row_number().over(order)).filter(lambda t: t.nth == 0).drop("place", "nth")


def _union(tables: Sequence[ir.Table]) -> ir.Table:
    return functools.reduce(lambda left, right: left.union(right), tables)


def _needed(block: Block, origin: str, source: Raw) -> None:
    """A mapped column may be missing, except where a key or a filter needs it."""
    required = {c.name for c in schema.tables()[block.table].columns if c.required}
    cells = {c.name: Cell(column=c.name) for c in schema.tables()[block.table].columns} if block.same else dict(block.outputs)
    needs = {n: name for name, cell in cells.items() if name in required for n in cell.sources()} | {
        f.column: "a filter" for f in block.filters
    }
    for name, use in needs.items():
        if name not in source.columns:
            known = [n for n in sorted(block.sources()) if n in source.columns]
            raise DataError(
                f"the column '{name}' is not there, and {block.table}.{use} needs it",
                origin,
                f"mend the mapping; of its columns these are there: {known}",
            )


def _columns(reader: Reader, table: str, cells: tuple[dict[str, Cell], dict[str, Cell]], origin: str) -> ir.Table:
    """Contract columns of one output row per source row; an entry of ``rows`` with nothing to tell gives none."""
    common, own = cells
    merged, contract = common | own, schema.tables()[table]
    values = {c.name: reader.value(merged[c.name], c) if c.name in merged else ibis.null("string") for c in contract.source_columns}
    made = reader.raw.table.select(**values, **_lineage(reader, origin))
    return made.filter(_given(made, table, own)) if own else made


def _given(made: ir.Table, table: str, own: dict[str, Cell]) -> list[ir.BooleanValue]:
    """Of an entry's own cells that read the source, the required ones are not empty, and one at least is not."""
    reads = [n for n, cell in own.items() if cell.constant is None]
    required = [made[n].notnull() for n in reads if schema.tables()[table].by_column[n].required]
    return [*required, functools.reduce(operator.or_, [made[n].notnull() for n in reads])] if reads else []


def _facts(reader: Reader, block: Block, cells: dict[str, Cell], origin: str) -> ir.Table:
    """One row per named column that is not empty: subject, name, and the value as number or text."""
    contract = schema.tables()["facts"]
    subject = {n: reader.value(c, contract.by_column[n]) for n, c in cells.items()}
    numeric = schema.Column("value", "float")
    wide = {f.name: reader.value(Cell(column=f.column), numeric) if f.numeric else reader.source(f.column) for f in block.facts}
    table = reader.raw.table.select(**{f"at_{n}": v for n, v in subject.items()}, **_lineage(reader, origin), **wide)
    long = table.pivot_longer(list(wide), names_to="fact", values_to="cell").filter(lambda t: t.cell.notnull())
    is_number = long.fact.isin([f.name for f in block.facts if f.numeric])
    empty = ibis.null("string")
    values = {n: long[f"at_{n}"] for n in subject} | {
        "name": long.fact,
        "value": ibis.ifelse(is_number, long.cell, empty),
        "text": ibis.ifelse(is_number, empty, long.cell),
    }
    return long.select(**{c.name: values.get(c.name, empty) for c in contract.source_columns}, **{n: long[n] for n in LINEAGE})


def _lineage(reader: Reader, origin: str) -> dict[str, ir.Value]:
    table = reader.raw.table
    return {"source_file": ibis.literal(origin), "source_row": table.source_row.cast("int64"), "row_sha256": table.row_sha256}
