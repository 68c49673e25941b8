"""Validated links: pairs of parties that share more households than chance explains.

After Tumminello, Consiglio, Vassallo, Cesari and Farabullini (2023), "Insurance fraud detection: a statistically validated
network approach", Journal of Risk and Insurance 90(2): a pair is a link only if its number of common households would be improbable
were both parties chosen independently within strata, corrected for the number of all possible pairs.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.config import Links
from pipelines.engine.keeping import kept
from pipelines.graph.accidents import meetings
from pipelines.graph.chance import benjamini_hochberg, poisson_tail
from pipelines.graph.pairs import Pair, chosen, prepared, sides

DEPTHS = 3
"""Strata of a kind of pair, at most."""


def validated(tables: Mapping[str, ir.Table], rules: Links) -> dict[str, ir.Table]:
    """Validated links of every kind of pair, and the claims behind them.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``claim_view``, ``claim_roles``, ``entities`` and ``party_exemptions``.
    rules : Links
        Kinds of pair, strata, thresholds and exemptions.

    Returns
    -------
    dict of str to ibis Table
        ``links``: a_id, a_kind, b_id, b_kind, n (households in common; for two persons accidents), expected, lift (n / expected),
        p (one-sided Poisson tail), q (Benjamini-Hochberg), amount (CNY of the common claims), first_at, last_at; only n of the pair's
        least count or more and q below the level.
        ``link_claims``: a_id, b_id, a_kind, b_kind, claim_id.

    Raises
    ------
    UsageError
        If the rules name what there is not.
    """
    pairs = chosen(rules)
    claims = prepared(tables, pairs, rules)
    met = [kept(meetings(tables, p, rules)) if p.met_in_accidents else sides(claims, p) for p in pairs]
    universe = kept(_placed(ibis.union(*(_padded(m, p, i) for i, (m, p) in enumerate(zip(met, pairs, strict=True)))), rules.thin))
    found = _links(universe, pairs, rules.level)
    found = _unlisted(found, tables) if rules.listed else found
    behind = [_behind(claims, m, p, found) for m, p in zip(met, pairs, strict=True)]
    return {"links": found, "link_claims": ibis.union(*behind)}


def _padded(met: ir.Table, pair: Pair, number: int) -> ir.Table:
    """Meetings that have at least one of the parties, with ``DEPTHS`` strata: the finest is repeated.

    The shares of each party come from all its claims; were they taken from claims with both, a ring in a thin trade would be its
    own yardstick.
    """
    strata = {f"s{depth}": met[f"s{min(depth, len(pair.strata) - 1)}"] for depth in range(DEPTHS)}
    named = met.select("a", "b", "unit", "amount", "event_at", pair=ibis.literal(number, "int8"), **strata)
    return named.filter(named.a.notnull() | named.b.notnull())


def _placed(named: ir.Table, thin: int) -> ir.Table:
    """Add the stratum (a number) that a claim's unit falls in: the finest one that is not thin."""
    cell = [f"s{depth}" for depth in range(DEPTHS)]
    homes = named.select("pair", *cell, "unit").distinct()
    counted = homes.group_by("pair", *cell).aggregate(n3=homes.count())
    for depth in range(2, DEPTHS):
        by = ["pair", *cell[:depth]]
        counted = counted.inner_join(homes.group_by(by).aggregate(**{f"n{depth}": homes.unit.nunique()}), by)
    names = {depth: ibis.literal("|").join([counted[s] for s in cell[:depth]]) for depth in range(1, DEPTHS + 1)}
    stratum = ibis.cases(*((counted[f"n{d}"] >= thin, names[d]) for d in range(DEPTHS, 1, -1)), else_=names[1])
    strata = kept(counted.select("pair", *cell, stratum=ibis.dense_rank().over(order_by=stratum)))
    return named.inner_join(strata, ["pair", *cell]).select("pair", "a", "b", "unit", "amount", "event_at", "stratum")


def _links(universe: ir.Table, pairs: tuple[Pair, ...], level: float) -> ir.Table:
    # Every step for all kinds at once, told apart by ``pair``, their number: so many times the same small
    # queries cost more to write than to run.
    both = universe.filter(universe.a != universe.b)
    known = [universe.filter(universe[side].notnull()) for side in ("a", "b")]
    n_a, n_b = (kept(t.group_by("pair", side, "stratum").aggregate(n=t.unit.nunique())) for t, side in zip(known, ("a", "b"), strict=True))
    common = _common(both, pairs)
    rows = _expected(common.filter(common.n >= _least(common, pairs)), (n_a, n_b, _sizes(universe))).to_pyarrow()
    possible = _possible(n_a, n_b, pairs)
    tested = [_tested(rows.filter(pc.equal(rows["pair"], i)), possible.get(i, 0), p, level) for i, p in enumerate(pairs)]
    return ibis.memtable(pa.concat_tables(tested))


def _common(both: ir.Table, pairs: tuple[Pair, ...]) -> ir.Table:
    """What each pair has in common: n, amount, first_at, last_at."""
    together = both.group_by("pair", "a", "b")
    made = {"amount": both.amount.sum(), "first_at": both.event_at.min(), "last_at": both.event_at.max()}
    seldom = [number for number, p in enumerate(pairs) if p.occasions]
    # Other kinds have one week for all, which is not counted.
    week = ibis.cases((both.pair.isin(seldom), both.event_at.truncate("W")))
    counted = together.aggregate(units=both.unit.nunique(), weeks=week.nunique(), **made)
    return counted.mutate(n=ibis.ifelse(counted.pair.isin(seldom), ibis.least(counted.units, counted.weeks), counted.units)).drop(
        "units", "weeks"
    )


def _least(table: ir.Table, pairs: tuple[Pair, ...]) -> ir.Value:
    """The least count of a row's kind of pair."""
    return ibis.cases(*((table.pair == number, pair.least) for number, pair in enumerate(pairs)))


def _unlisted(found: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """Links of which neither side is on the list of exemptions; they were tested all the same, which makes the others only stricter."""
    parties, phones = tables["entities"], tables["party_exemptions"]
    exempt = parties.filter(parties.exempt).select(known="entity_id")
    listed = exempt.union(phones.filter(phones.phone.notnull()).select(known="phone"))
    for side in ("a_id", "b_id"):
        found = found.anti_join(listed.select(**{side: listed.known}), side)
    return ibis.memtable(found.order_by("a_kind", "b_kind", "a_id", "b_id").to_pyarrow())


def _behind(claims: ir.Table, met: ir.Table, pair: Pair, found: ir.Table) -> ir.Table:
    """Claims that hold both parties of a link of one kind; of two persons, all claims of the accidents in which they met."""
    of_kind = found.filter(found.a_kind == pair.a, found.b_kind == pair.b).select("a_id", "b_id", "a_kind", "b_kind")
    key = "event_id" if pair.met_in_accidents else "claim_id"
    behind = met.select(key, a_id="a", b_id="b").inner_join(of_kind, ["a_id", "b_id"]).select(*of_kind.columns, key)
    if pair.met_in_accidents:
        behind = behind.inner_join(claims.select("claim_id", "event_id"), "event_id")
    return behind.select(*of_kind.columns, "claim_id")


def _sizes(universe: ir.Table) -> ir.Table:
    """Per stratum: N, so that n_a n_b / N is (households with both kinds) x (share of a) x (share of b)."""
    sides = {"any_a": universe.a.notnull(), "any_b": universe.b.notnull(), "both": universe.a.notnull() & universe.b.notnull()}
    homes = universe.group_by("pair", "stratum", "unit").aggregate(**{n: met.any() for n, met in sides.items()})
    counted = homes.group_by("pair", "stratum").aggregate(**{n: homes[n].sum() for n in sides})
    met = counted.filter(counted.both > 0)
    return met.select("pair", "stratum", size=met.any_a.cast("float64") * met.any_b / met.both)


def _expected(frequent: ir.Table, counts: tuple[ir.Table, ir.Table, ir.Table]) -> ir.Table:
    """Add e = sum over strata of n_a n_b / N; N is that of :func:`_sizes`."""
    n_a, n_b, sizes = counts
    of_a = frequent.select("pair", "a", "b").inner_join(n_a.select("pair", "a", "stratum", n_a="n"), ["pair", "a"])
    of_both = of_a.inner_join(n_b.select("pair", "b", "stratum", n_b="n"), ["pair", "b", "stratum"]).inner_join(sizes, ["pair", "stratum"])
    chance = of_both.group_by("pair", "a", "b").aggregate(expected=(of_both.n_a * of_both.n_b / of_both["size"]).sum())
    joined = frequent.inner_join(chance, ["pair", "a", "b"])
    return joined.mutate(amount=joined.amount.cast("float64")).order_by("pair", "a", "b")


def _possible(n_a: ir.Table, n_b: ir.Table, pairs: tuple[Pair, ...]) -> dict[int, int]:
    """Pairs of each kind that could have met often enough: those with a stratum in common, bounded from above: nothing is multiplied out.

    A pair in several strata is counted in each, which only makes the correction stricter; never more than all pairs. A party with
    fewer households than the least count in all cannot be in a link, whatever it shares, so its pairs are no tests (Tarone 1990).
    """
    n_a, n_b = (t.filter(t.n.sum().over(group_by=["pair", side]) >= _least(t, pairs)) for t, side in ((n_a, "a"), (n_b, "b")))
    in_a = n_a.group_by("pair", "stratum").aggregate(a=n_a.count())
    in_b = n_b.group_by("pair", "stratum").aggregate(b=n_b.count())
    met = in_a.inner_join(in_b, ["pair", "stratum"])
    most = met.group_by("pair").aggregate(met=(met.a * met.b).sum())
    every = [t.group_by("pair").aggregate(**{f"all_{c}": t[c].nunique()}) for t, c in ((n_a, "a"), (n_b, "b"))]
    counted = most.inner_join(every[0], "pair").inner_join(every[1], "pair").to_pyarrow().to_pylist()
    return {row["pair"]: int(min(row["met"], row["all_a"] * row["all_b"])) for row in counted}


def _tested(rows: pa.Table, possible: int, pair: Pair, level: float) -> pa.Table:
    """Links of one kind of pair."""
    n, expected = (rows[c].to_numpy().astype("float64") for c in ("n", "expected"))
    p = poisson_tail(n, expected)
    q = benjamini_hochberg(p, possible)
    kinds = {c: pa.array([k] * len(p), pa.string()) for c, k in (("a_kind", pair.a), ("b_kind", pair.b))}
    texts = {"a_id": rows["a"], "a_kind": kinds["a_kind"], "b_id": rows["b"], "b_kind": kinds["b_kind"]}
    moments = {c: rows[c].cast(pa.timestamp("us")) for c in ("first_at", "last_at")}
    numbers = {"n": rows["n"], "expected": expected, "lift": n / expected, "p": p, "q": q, "amount": rows["amount"]}
    return pa.table({**texts, **numbers, **moments}).filter(q < level)
