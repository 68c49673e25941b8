"""What rules have in common: the shape of a finding, exempt parties, and neighbours in time."""

from __future__ import annotations

from collections.abc import Iterable

import ibis
import ibis.expr.types as ir

from features.book import Book


def finding(
    rows: ir.Table, subject: tuple[str, str], measure: tuple[object, object], evidence: tuple[str, str], detail: object = None
) -> ir.Table:
    """Rows of a rule in the columns of ``FINDING``; a plain string names a column, Ibis values and numbers are taken as they are.

    Parameters
    ----------
    rows : Table
        One row per subject and piece of evidence.
    subject : (kind, column)
        Kind of subject (a word) and the column of its id.
    measure : (value, limit)
        What was measured and what it is held against.
    evidence : (table, column)
        Canonical table and the column with its key.
    detail : str, Value or None
        Column or value for the sentence.
    """
    value, limit = (_value(rows, m) for m in measure)
    return rows.select(
        subject_kind=ibis.literal(subject[0]),
        subject_id=rows[subject[1]],
        value=value.cast("float64"),
        limit=limit.cast("float64"),
        detail=(ibis.null() if detail is None else _value(rows, detail)).cast("string"),
        evidence_table=ibis.literal(evidence[0]),
        evidence_key=rows[evidence[1]].cast("string"),
    ).distinct()


def _value(rows: ir.Table, given: object) -> ir.Value:
    if isinstance(given, str):
        return rows[given]
    return given if isinstance(given, ibis.Value) else ibis.literal(given)


def spread(rows: ir.Table, columns: Iterable[str], name: str = "claim_id") -> ir.Table:
    """One row per listed id column: the rows of ``rows`` once for each, that column's value under ``name``."""
    parts = [rows.mutate(**{name: rows[c]}) for c in columns]
    return ibis.union(*parts, distinct=False) if len(parts) > 1 else parts[0]


def without_exempt(rows: ir.Table, column: str, book: Book) -> ir.Table:
    """Rows whose party in ``column`` is not exempt (4S shops, fleets, hotlines, banks, direct-pay hospitals, ...)."""
    exempt = book["entities"].filter(lambda t: t.exempt.fill_null(False))
    return rows.anti_join(exempt.select(**{column: exempt.entity_id}), column)


def with_distinct(rows: ir.Table, by: str | tuple[str, ...], **counts: str) -> ir.Table:
    """Rows with how many different values of other columns their group has; rows whose group is null are dropped.

    A join, not a window: Spark has no distinct count over a window.
    """
    columns = (by,) if isinstance(by, str) else by
    groups = rows.group_by(columns).agg(**{name: rows[column].nunique() for name, column in counts.items()})
    return rows.inner_join(groups, list(columns))


def key(rows: ir.Table, *columns: str) -> ir.StringValue:
    """Key columns joined by ``|``, the way evidence names a row."""
    return ibis.literal("|").join([rows[c].cast("string") for c in columns])
