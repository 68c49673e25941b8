"""Many families in one hospital on one day with one kind of complaint: a bus, a wedding dinner, or just a busy hospital."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.resolve.accounts import INJURY

FAMILIES, CHANCE, ORDINARY = 4, 1e-6, 0.05
"""A crowd has at least so many families, comes by chance with at most this probability, and has at most this share of ordinary patients."""
HOURS, DAYS = 1.5, 14
"""Injured whose accident was so far from the middle time of the crowd are not of it; days before and after that tell the season."""
CELLS = (("hospital_id", "sort"), ("hospital_id", "sort", "home"))
"""Where people are counted together: all patients of a hospital with a kind of complaint, and those of one home district."""


def crowds(told: ir.Table) -> ir.Table:
    """Pairs of claims of one mass admission.

    Parameters
    ----------
    told : ibis Table
        Of :func:`pipelines.resolve.accounts.accounts`.

    Returns
    -------
    ibis Table
        n, root (the most senior claim of the crowd), families, expected.

    Notes
    -----
    On a day a cell of ``CELLS`` has k families. Expected is the larger of the mean of its other days over the whole book and over
    ``DAYS`` before and after, each with one family added. The chance is Chernoff's bound of the Poisson tail,
    exp(k - expected) (expected / k)^k. Cost: one grouped pass and one window over cell days for each kind of cell.
    """
    known = told.filter([told[c].notnull() for c in ("start", "family_id", *CELLS[0])])
    day, every = (t.start.epoch_seconds().cast("int64") // 86_400 for t in (known, told))
    span = (every.max() - every.min() + 1).as_scalar().cast("float64")
    columns = ("n", "family_id", "second", "start", "hospital_id", "sort", "home")
    rows = kept(known.select(*columns, day_number=day, span=span))
    return ibis.union(*(_met(rows.filter(rows[cell[-1]].notnull()), cell) for cell in CELLS), distinct=True)


def _met(rows: ir.Table, cell: tuple[str, ...]) -> ir.Table:
    """Crowds in one kind of cell."""
    at = [*cell, "start"]
    together = _at_one_time(rows, at)
    days = together.group_by(at).aggregate(families=together.family_id.nunique(), senior=together.n.min())
    rated = days.inner_join(_expected(rows, cell), at)
    k, expected = rated.families.cast("float64"), rated.expected
    rare = rated.mutate(chance=(k - expected + k * (expected / k).ln()).exp())
    met = rare.filter(rare.families >= FAMILIES, rare.chance <= CHANCE, rare.expected <= ORDINARY * rare.families)
    joined = together.inner_join(met.select(*at, "families", "expected", "senior"), at)
    return joined.filter(joined.n != joined.senior).select("n", "families", "expected", root="senior")


def _at_one_time(rows: ir.Table, at: list[str]) -> ir.Table:
    """Without the injured whose accident was at another time of the day."""
    middle = rows.second.median().over(ibis.window(group_by=at))
    apart = (rows.second - middle).abs() / 3600
    return rows.filter((rows["sort"] != INJURY) | (apart <= HOURS).fill_null(True))


def _expected(rows: ir.Table, cell: tuple[str, ...]) -> ir.Table:
    """Families expected in a cell on a day, from its other days."""
    by = list(cell)
    days = rows.group_by(*by, "start", "day_number", "span").aggregate(seen=rows.family_id.nunique())
    every = days.seen.sum().over(ibis.window(group_by=by)) - days.seen + 1
    near = days.seen.sum().over(ibis.range_window(group_by=by, order_by="day_number", preceding=DAYS, following=DAYS)) - days.seen + 1
    return days.select(*by, "start", expected=ibis.greatest(every / days.span, near / (2 * DAYS + 1.0)))
