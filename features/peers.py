"""Comparison with peers: how far a value lies above the others of its group."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

MAD_TO_SIGMA = 1.4826
"""Median absolute deviation of a normal variable times this is its standard deviation (Rousseeuw and Croux 1993)."""


def robust_z(rows: ir.Table, value: str, by: tuple[str, ...], minimum: int) -> ir.Table:
    """Add ``peer_median``, ``peer_count`` and ``zp``, the robust z of ``value`` within its group.

    Parameters
    ----------
    rows : Table
        One row per subject; rows where ``value`` or a key is null are dropped.
    value : str
        Column to compare; logarithms are the caller's.
    by : tuple of str
        Columns of the peer group.
    minimum : int
        Groups smaller than this, or without any spread, are dropped: nothing can be said there.
    """
    known = rows.filter(rows[value].notnull(), *(rows[c].notnull() for c in by)).mutate(_value=rows[value].cast("float64"))
    centre = known.group_by(by).agg(peer_median=known._value.median(), peer_count=known.count())
    placed = known.inner_join(centre.filter(centre.peer_count >= minimum), list(by))
    spread = placed.group_by(by).agg(_mad=(placed._value - placed.peer_median).abs().median())
    spread = spread.filter(spread._mad > 0)
    scored = placed.inner_join(spread, list(by))
    return scored.mutate(zp=(scored._value - scored.peer_median) / (scored._mad * MAD_TO_SIGMA)).drop("_value", "_mad")


def binomial_z(count: ir.NumericValue, trials: ir.NumericValue, rate: ir.NumericValue) -> ir.FloatingValue:
    """Standard deviations by which ``count`` of ``trials`` lies above what ``rate`` predicts; the variance is taken as 1/4 at least."""
    expected = trials * rate
    return (count - expected) / ibis.greatest(expected * (1 - rate), 0.25).sqrt()


def poisson_surprise(count: ir.NumericValue, expected: ir.NumericValue) -> ir.FloatingValue:
    """``-ln`` of an upper bound of P(X >= count) for Poisson X (Chernoff: n ln(n/e) - n + e); 0 where count <= expected."""
    bound = count * (count / expected).ln() - count + expected
    return ibis.ifelse(count > expected, bound, 0.0)
