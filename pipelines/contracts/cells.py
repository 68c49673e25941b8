"""Text cells → typed values: the first of the gate's two projections, one row in, one row out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir

from features.schema import Column, Table
from pipelines.contracts import tokens
from pipelines.delivery import Delivery

OVERSIZE = 1_000_000
"""Characters: a longer field is a broken quote or a file in a cell, and its row is quarantined."""

ROW = ("insurer", "received_at", "source_file", "source_row", "row_sha256", "receipted", "digest")
"""What comes with each raw row: lineage, and the delivery it belongs to."""

_TIME = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}([ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?)?$"
_PATTERNS = {
    "date": _TIME,
    "time": _TIME,
    "money": r"^[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]+)?$",
    "float": r"^[-+]?[0-9]+([.][0-9]*)?([eE][-+]?[0-9]{1,2})?$",
    "int": r"^[-+]?[0-9]{1,18}([.]0*)?$",
}
_TRUE, _FALSE = ("true", "t", "1", "yes", "y", "是"), ("false", "f", "0", "no", "n", "否")


def cells(raw: ir.Table, table: Table) -> ir.Table:
    """Typed columns by their canonical names.

    Parameters
    ----------
    raw : Table
        All source columns as text as sources give it (trimmed, null where empty), and ``ROW``.
    table : features.schema.Table
        Which of the canonical tables.

    Returns
    -------
    Table
        Typed columns (ids with their insurer, tokens-to-be in one spelling, codes as delivered), ``bad_<column>`` for each
        non-text column whose text could not be read, ``raw_<column>`` (the text as delivered), ``oversize``, and ``ROW``.
    """
    cell = {c.name: raw[c.name] for c in table.source_columns}
    values = {c.name: _scoped(raw, c, typed(cell[c.name], c)) for c in table.source_columns} | _subject(raw, table, cell)
    longest = ibis.greatest(*(c.length().fill_null(0) for c in cell.values()))
    once = raw.select(**values, **{f"raw_{n}": c for n, c in cell.items()}, oversize=longest > OVERSIZE, **_row(raw))
    twice = {c.name: tokens.SECOND[k](once[c.name]) for c in table.columns if (k := tokens.KINDS.get(c.name, "")) in tokens.SECOND}
    bad = {f"bad_{c.name}": once[f"raw_{c.name}"].notnull() & once[c.name].isnull() for c in table.source_columns if _checked(c)}
    return once.mutate(**twice, **bad)


def _row(table: ir.Table) -> dict[str, ir.Value]:
    return {n: table[n] for n in ROW}


def typed(text: ir.StringValue, column: Column) -> ir.Value:
    """One cell's value in the column's type, null where the text is none; tokens-to-be in their normal spelling."""
    if column.token:
        return tokens.NORMALISERS[tokens.kind_of(column)](text)
    if column.type == "bool":
        low = text.lower()
        return ibis.cases((low.isin(_TRUE), True), (low.isin(_FALSE), False), else_=ibis.null("boolean"))
    if column.type not in _PATTERNS:
        return text
    return _number_or_time(ibis.ifelse(text.re_search(_PATTERNS[column.type]), text, ibis.null("string")), column)


def _number_or_time(text: ir.StringValue, column: Column) -> ir.Value:
    if column.type == "date":
        return text.left(10).try_cast("date")
    if column.type == "int":
        return text.re_replace(r"[.]0*$", "").try_cast("int64")
    return text.try_cast(column.dtype)


def _checked(column: Column) -> bool:
    return not column.token and column.dtype != "string"


def _scoped(raw: ir.Table, column: Column, value: ir.Value) -> ir.Value:
    return raw.insurer.concat(":", value) if column.scoped else value


def _subject(raw: ir.Table, table: Table, text: Mapping[str, ir.StringValue]) -> dict[str, ir.Value]:
    """``subject_id`` where it may be an account, phone or device: spelt like one, since it will become a token."""
    if not {"subject_kind", "subject_id"} <= set(table.names):
        return {}
    kind, value = text["subject_kind"], text["subject_id"]
    spelt = [(kind == k, tokens.NORMALISERS[n](value)) for k, n in tokens.SUBJECT_KINDS.items()]
    return {"subject_id": ibis.cases(*spelt, else_=raw.insurer.concat(":", value))}


def raw_rows(arrived: Sequence[tuple[Delivery, ir.Table]], table: Table) -> ir.Table:
    """The text of all deliveries with every source column, null where a source has none, its lineage, and which delivery it is."""
    found = [_canonical(text, table).mutate(digest=ibis.literal(delivery.digest)) for delivery, text in arrived]
    stacked = ibis.union(found[0], *found[1:]) if len(found) > 1 else found[0]
    deliveries = [d for d, _ in arrived]
    facts = {
        "of": [d.digest for d in deliveries],
        "insurer": [d.insurer for d in deliveries],
        "received_at": [d.received_at.replace(tzinfo=None) for d in deliveries],
        "receipted": [d.receipted for d in deliveries],
    }
    types = {"of": "string", "insurer": "string", "received_at": "timestamp", "receipted": "boolean"}
    return stacked.join(ibis.memtable(facts, schema=types), [("digest", "of")]).drop("of")


def _canonical(text: ir.Table, table: Table) -> ir.Table:
    """The text table with the canonical columns in order: as it is where the source saw to that, since selecting costs per column."""
    types = {c.name: "string" for c in table.source_columns} | {"source_file": "string", "source_row": "int64", "row_sha256": "string"}
    if text.schema() == ibis.schema(types):
        return text
    have = set(text.columns)
    return text.select(**{n: text[n].cast(t) if n in have else ibis.null(t) for n, t in types.items()})
