"""Crowds in time: how many different ones of a kind come together within a few days."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

EPOCH = "1970-01-01"


def bursts(rows: ir.Table, by: tuple[str, ...], of: str, days: int) -> ir.Table:
    """For each group and each day on which something happened: how many different ``of`` in the ``days`` up to that day.

    Rows are matched by calendar bins of ``days``, so the cost follows the size of a window and not the square of a group.

    Parameters
    ----------
    rows : Table
        With ``day`` (date), ``of`` and the columns of ``by``; rows with nulls in these are left out.
    by : tuple of str
        Group.
    of : str
        What is counted, each once per window.
    days : int
        Length of the window, its last day included.

    Returns
    -------
    Table
        The columns of ``by``, ``last_day`` and ``burst`` (int64).
    """
    known = rows.filter(*(rows[c].notnull() for c in (*by, of, "day"))).select(*by, of, "day").distinct()
    number = known.day.delta(ibis.date(EPOCH), unit="day")
    binned = known.mutate(number=number, bin=number // days)
    ends = binned.select(*by, "bin", last_day="day", last="number").distinct()
    members = ibis.union(binned, binned.mutate(bin=binned.bin + 1)).select(*by, "bin", of, "number")
    met = ends.inner_join(members, [*by, "bin"]).filter(lambda t: (t.number <= t.last) & (t.number > t.last - days))
    return met.group_by(*by, "last_day").agg(burst=met[of].nunique())


def greatest_burst(found: ir.Table, by: tuple[str, ...], at_least: float) -> ir.Table:
    """The largest burst of each group (the earliest of equals), where it reaches ``at_least``."""
    enough = found.filter(found.burst >= at_least)
    ranked = enough.mutate(place=ibis.row_number().over(group_by=by, order_by=[ibis.desc("burst"), "last_day"]))
    return ranked.filter(ranked.place == 0).drop("place")


def members(rows: ir.Table, found: ir.Table, by: tuple[str, ...], days: int) -> ir.Table:
    """The rows that make up the bursts, with ``burst``, ``last_day`` and whatever else ``found`` holds."""
    joined = rows.inner_join(found, list(by))
    age = joined.last_day.delta(joined.day, unit="day")
    return joined.filter((age >= 0) & (age < days))
