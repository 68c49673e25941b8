"""Claims that share a value at about one time: sorted by time and cut where the gap is too wide, so that cost is that of sorting."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.resolve.components import HUB


def chained(rows: ir.Table, keys: Sequence[str], seconds: int) -> ir.Table:
    """Pairs of claims with equal keys whose times follow each other closely.

    Parameters
    ----------
    rows : ibis Table
        n, second (null where the time of day is unknown), day, and the keys; one row per claim and key value.
    keys : sequence of str
        All must be known.
    seconds : int
        Widest gap.

    Returns
    -------
    ibis Table
        n, root: each claim with the one before it in its chain; a claim that states only a date with the first of that day's chain, where
        the day has one chain only, or with the first such claim of the day where it has none. A value with more than ``HUB`` claims in
        one chain joins nobody. Never more pairs than rows.
    """
    known = kept(rows.filter([rows[k].notnull() for k in keys]).select("n", "second", "day", *keys))
    timed = known.filter(known.second.notnull())
    by = {"group_by": list(keys), "order_by": ["second", "n"]}
    before = timed.mutate(root=timed.n.lag().over(ibis.window(**by)), gap=timed.second - timed.second.lag().over(ibis.window(**by)))
    fresh = before.mutate(fresh=(before.gap.isnull() | (before.gap > seconds)).cast("int64"))
    chains = fresh.mutate(chain=fresh.fresh.sum().over(ibis.cumulative_window(**by)))
    sized = kept(chains.mutate(size=chains.n.count().over(ibis.window(group_by=[*keys, "chain"]))))
    linked = sized.filter(sized.fresh == 0, sized["size"] <= HUB).select("n", "root")
    return linked.union(_dated(known, sized, keys)).distinct()


def _dated(known: ir.Table, chains: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Claims that state only a date, with the day's only chain or with each other."""
    on = [*keys, "day"]
    days = chains.group_by(on).aggregate(several=chains.chain.nunique(), senior=chains.n.min())
    dated = known.filter(known.second.isnull()).select("n", *on)
    with_day = dated.left_join(days, on).drop([f"{c}_right" for c in on])
    alone = with_day.filter(with_day.several.isnull())
    first = alone.mutate(senior=alone.n.min().over(ibis.window(group_by=on)))
    found = with_day.filter(with_day.several == 1).union(first)
    sized = found.mutate(size=found.n.count().over(ibis.window(group_by=on)))
    return sized.filter(sized["size"] <= HUB, sized.n != sized.senior).select("n", root="senior")
