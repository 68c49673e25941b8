"""What a subject did as the spine row's night knew it, and the words that aggregates over it share."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.joins import attach

DAY = 86_400


def activity(spine: ir.Table, rows: ir.Table, subject: str) -> ir.Table:
    """Rows of each subject received before its ``as_of``.

    Parameters
    ----------
    spine : Table
        As :func:`features.spine.spine` returns it.
    rows : Table
        With ``received_at`` and the column ``subject``.
    subject : str
        Column that holds the subject's id.

    Returns
    -------
    Table
        row, subject_id, as_of and the columns of ``rows``; ``row`` is a number, by which groups are told apart faster than by ids.
    """
    ids = spine.select("row", "subject_id", "as_of")
    return known(ids.inner_join(rows, ids.subject_id == rows[subject]))


def known(rows: ir.Table) -> ir.Table:
    """Rows received before their ``as_of``."""
    return rows.filter((rows.received_at < rows.as_of.cast("timestamp")).fill_null(True))


def within(at: ir.Value, as_of: ir.Value, days: int) -> ir.BooleanValue:
    """True where ``at`` lies in the ``days`` before ``as_of``."""
    age = as_of.delta(at.cast("date"), unit="day")
    return ((age > 0) & (age <= days)).fill_null(False)


def share(count: ir.NumericValue, of: ir.NumericValue) -> ir.FloatingValue:
    """``count / of``, null where ``of`` is 0 or null."""
    return count.cast("float64") / of.cast("float64").nullif(0.0)


def top_share(rows: ir.Table, by: str, name: str) -> ir.Table:
    """Share of a subject's claims that go to its most frequent partner in column ``by``: row, ``name``; 5 claims at least.

    ``rows`` holds each claim of a subject once.
    """
    pairs = rows.filter(rows[by].notnull()).group_by("row", by).agg(n=lambda t: t.count())
    totals = pairs.group_by("row").agg(top=pairs.n.max(), total=pairs.n.sum())
    return totals.filter(totals.total >= 5).select("row", **{name: share(totals.top, totals.total)})


def onto(spine: ir.Table, *parts: ir.Table) -> ir.Table:
    """The spine, its ``row`` left out, with the columns of each part (one row per ``row``) beside it."""
    for part in parts:
        spine = attach(spine, part, "row")
    return spine.drop("row")


def numbers(table: ir.Table, keep: tuple[str, ...] = ()) -> ir.Table:
    """Every numeric or boolean column as float64; the others as they are."""
    plain = {
        c: table[c].cast("int8").cast("float64") if table[c].type().is_boolean() else table[c].cast("float64")
        for c in table.columns
        if c not in keep and (table[c].type().is_numeric() or table[c].type().is_boolean())
    }
    return table.mutate(**plain)


def log1p(value: ir.NumericValue) -> ir.FloatingValue:
    """``ln(1 + value)``; negative values count as 0."""
    return (ibis.greatest(value.cast("float64"), 0.0) + 1.0).ln()


def group(*columns: ir.Value) -> ir.StringValue:
    """Peer-group key: the columns joined by ``|``, ``-`` for null."""
    return ibis.literal("|").join([c.cast("string").fill_null("-") for c in columns])
