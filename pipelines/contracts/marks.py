"""What is wrong with a row: problems that quarantine it, and plausibility marks that it passes with."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from features.schema import Column, Table

Mark: TypeAlias = tuple[str, ir.BooleanValue]

PAIRS = (
    ("admitted_on", "discharged_on"), ("starts_on", "ends_on"), ("starts_on", "waiting_ends_on"), ("event_at", "reported_at"),
    ("opened_on", "closed_on"), ("since", "until"), ("shipped_at", "received_on"), ("opened_at", "decided_at"),
    ("birth_date", "deceased_on"), ("event_at", "closed_on"),
)  # fmt: skip
"""Start and end: an end before its start is marked ``order:<end>``."""

PLANNED = frozenset({"starts_on", "ends_on", "waiting_ends_on", "until", "due_on", "licence_ends_on"})
"""Dates that may well lie in the future."""

EARLIEST, LATEST = "1900-01-01", "2201-01-01"
"""First day in range, first day beyond; a date outside is marked ``range``."""

MESSAGES = {
    "oversize": "a field is longer than a million characters",
    "key_null": "a key column is empty",
    "key_type": "a key column cannot be read as its type",
    "key_code": "a key column holds a code that the contract does not know",
    "key_repeated": "another row of the delivery has the same key and other values; the later row was kept",
}
"""Rule (before the colon) → what the quarantine says."""


def problem(row: ir.Table, table: Table) -> ir.StringValue:
    """The first rule that keeps a row from being typed or keyed, ``rule:column``; null for a good row."""
    found: list[Mark] = [("oversize", row.oversize)]
    for column in (c for c in table.columns if c.required):
        found += _key_problems(row, column)
    if not any(c.required for c in table.columns):
        found.append(("key_null", reduce(lambda a, b: a & b, (row[n].isnull() for n in table.key))))
    return ibis.cases(*((condition, name) for name, condition in found), else_=ibis.null("string"))


def _key_problems(row: ir.Table, column: Column) -> list[Mark]:
    found = []
    if f"bad_{column.name}" in row.columns:
        found.append((f"key_type:{column.name}", row[f"bad_{column.name}"]))
    found.append((f"key_null:{column.name}", row[column.name].isnull()))
    if column.values:
        found.append((f"key_code:{column.name}", row[column.name].notin(column.values)))
    return found


def marks(row: ir.Table, table: Table) -> ir.StringValue:
    """Names of the broken plausibility rules joined by ``;``, null for a row without any.

    ``type:c`` unreadable, ``code:c`` unknown code, ``range:c`` out of range, ``future:c`` after the receipt, ``order:c`` end
    before start.
    """
    found = [(name, condition.fill_null(False)) for name, condition in _found(row, table)]
    if not found:
        return ibis.null("string")
    pieces = [ibis.ifelse(condition, f";{name}", "") for name, condition in found]
    joined = pieces[0].concat(*pieces[1:]) if len(pieces) > 1 else pieces[0]
    return ibis.ifelse(reduce(or_, (c for _, c in found)), joined.re_replace("^;", ""), ibis.null("string"))


def _found(row: ir.Table, table: Table) -> list[Mark]:
    found: list[Mark] = []
    for column in table.source_columns:
        if f"bad_{column.name}" in row.columns and not column.required:
            found.append((f"type:{column.name}", row[f"bad_{column.name}"]))
        if column.values and not column.required:
            found.append((f"code:{column.name}", row[column.name].notin(column.values)))
        found += _range(row, column)
    found += [(f"order:{b}", _day(row, b) < _day(row, a)) for a, b in pairs(table)]
    return found


def _range(row: ir.Table, column: Column) -> list[Mark]:
    value = row[column.name]
    if column.type in ("date", "time"):
        found = [(f"range:{column.name}", (value < ibis.date(EARLIEST)) | (value >= ibis.date(LATEST)))]
        if column.name not in PLANNED:
            found.append((f"future:{column.name}", row.receipted & (_day(row, column.name) > row.received_at.date())))
        return found
    limits = [value < column.low] if column.low is not None else []
    limits += [value > column.high] if column.high is not None else []
    return [(f"range:{column.name}", reduce(or_, limits))] if limits else []


def _day(row: ir.Table, name: str) -> ir.DateValue:
    value = row[name]
    return value.date() if value.type().is_timestamp() else value


def pairs(table: Table) -> tuple[tuple[str, str], ...]:
    """The pairs of start and end that the table holds."""
    return tuple(p for p in PAIRS if p[0] in table.by_column and p[1] in table.by_column)
