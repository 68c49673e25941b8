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
from pipelines.graph.accidents import accident_frame
from pipelines.graph.chance import benjamini_hochberg, poisson_tail
from pipelines.graph.frames import Frame, claim_frames
from pipelines.graph.pairs import Pair, chosen


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

    Notes
    -----
    Cost: a few grouped passes over the claims for each unit and strata, linear in claims; the tests themselves are few.
    """
    pairs = dict(enumerate(chosen(rules)))
    frames, names = _frames(tables, pairs, rules)
    found = _found(frames, names, rules.level)
    kept_links = _unlisted(found, tables) if rules.listed else found
    behind = ibis.union(*(_behind(tables["claim_view"], f, n, kept_links) for f in frames for n in f.pairs))
    return {"links": kept_links.drop("pair", "a", "b"), "link_claims": behind}


def _frames(tables: Mapping[str, ir.Table], pairs: dict[int, Pair], rules: Links) -> tuple[list[Frame], dict[str, ir.Table]]:
    """Every frame, and the names of the parties by column."""
    of_claims = {n: p for n, p in pairs.items() if not p.met_in_accidents}
    of_accidents = {n: p for n, p in pairs.items() if p.met_in_accidents}
    frames, names = claim_frames(tables, of_claims, rules) if of_claims else ([], {})
    if of_accidents:
        frame, people = accident_frame(tables, of_accidents, rules)
        frames, names = [*frames, frame], {**names, **people}
    return frames, names


def _found(frames: list[Frame], names: Mapping[str, ir.Table], level: float) -> ir.Table:
    """Links with their ids and kinds, and ``pair``, ``a`` and ``b``, the numbers."""
    pairs = {n: p for f in frames for n, p in f.pairs.items()}
    counts = _counts(frames)
    common = _common(frames, pairs)
    rows = _expected(common, (*counts, _sizes(frames))).to_pyarrow()
    possible = _possible(*counts, pairs)
    tested = {i: _tested(rows.filter(pc.equal(rows["pair"], i)), possible.get(i, 0), level) for i in pairs}
    return ibis.memtable(pa.concat_tables([_named(table, pairs[i], names) for i, table in tested.items()]))


def _counts(frames: list[Frame]) -> tuple[ir.Table, ir.Table]:
    """Units of each party in each stratum, as side a and as side b of every kind of pair: pair, a (b), stratum, n.

    Parties that no link can have, since they have fewer units than the least count in all, are left out (Tarone 1990).

    The shares of each party come from all its claims; were they taken from claims with both, a ring in a thin trade would be its
    own yardstick.
    """
    parts = [
        f.rows.filter(f.rows[c].notnull()).select("stratum", "unit", frame=ibis.literal(i, "int8"), column=ibis.literal(j, "int8"), party=c)
        for i, f in enumerate(frames)
        for j, c in enumerate(f.columns)
    ]
    every = ibis.union(*parts).distinct()
    counted = kept(every.group_by("frame", "column", "party", "stratum").agg(n=every.count()))
    totals = counted.group_by("frame", "column", "party").agg(total=counted.n.sum())
    known = kept(counted.inner_join(totals.filter(totals.total > 1), ["frame", "column", "party"]))
    a, b = (ibis.union(*(_side(known, f, i, s) for i, f in enumerate(frames) for s in _sides(f, side))) for side in ("a", "b"))
    return kept(a), kept(b)


def _sides(frame: Frame, side: str) -> list[tuple[int, Pair, str]]:
    return [(number, pair, side) for number, pair in frame.pairs.items()]


def _side(known: ir.Table, frame: Frame, place: int, asked: tuple[int, Pair, str]) -> ir.Table:
    number, pair, side = asked
    column = pair.a_column if side == "a" else pair.b_column
    rows = known.filter(known.frame == place, known.column == frame.columns.index(column), known.total >= pair.least)
    return rows.select("stratum", "n", pair=ibis.literal(number, "int8"), **{side: rows.party})


def _sizes(frames: list[Frame]) -> ir.Table:
    """Per kind and stratum: N, so that n_a n_b / N is (units with both kinds) x (share of a) x (share of b)."""
    return kept(ibis.union(*(part for f in frames for part in _frame_sizes(f))))


def _frame_sizes(frame: Frame) -> list[ir.Table]:
    rows = frame.rows
    has = {f"any_{c}": rows[c].notnull().any() for c in frame.columns}
    both = {f"both_{n}": (rows[p.a_column].notnull() & rows[p.b_column].notnull()).any() for n, p in frame.pairs.items()}
    homes = rows.group_by("stratum", "unit").agg(**has, **both)
    sums = kept(homes.group_by("stratum").agg(**{c: homes[c].sum() for c in (*has, *both)}))
    made = []
    for number, pair in frame.pairs.items():
        met = sums.filter(sums[f"both_{number}"] > 0)
        size = met[f"any_{pair.a_column}"].cast("float64") * met[f"any_{pair.b_column}"] / met[f"both_{number}"]
        made.append(met.select("stratum", pair=ibis.literal(number, "int8"), size=size))
    return made


def _common(frames: list[Frame], pairs: dict[int, Pair]) -> ir.Table:
    """What each pair that met often enough has in common: pair, a, b, n, amount, first_at, last_at."""
    parts = [_met(f, n).select("unit", "amount", "event_at", "a", "b", pair=ibis.literal(n, "int8")) for f in frames for n in f.pairs]
    met = ibis.union(*parts)
    # Rows are cheaper to count than units, and most pairs met once.
    often = met.group_by("pair", "a", "b").agg(rows=met.count())
    some = met.semi_join(often.filter(often.rows >= _least(often, pairs)), ["pair", "a", "b"])
    made = {"amount": some.amount.sum(), "first_at": some.event_at.min(), "last_at": some.event_at.max()}
    seldom = some.pair.isin([n for n, p in pairs.items() if p.occasions])
    week = ibis.cases((seldom, some.event_at.truncate("W")))  # of other kinds no week is counted
    counted = some.group_by("pair", "a", "b").agg(units=some.unit.nunique(), weeks=week.nunique(), **made)
    n = ibis.cases((counted.weeks > 0, ibis.least(counted.units, counted.weeks)), else_=counted.units)
    return kept(counted.mutate(n=n).drop("units", "weeks").filter(lambda t: t.n >= _least(t, pairs)))


def _met(frame: Frame, number: int) -> ir.Table:
    """Rows in which both parties of a kind of pair are known."""
    pair, rows = frame.pairs[number], frame.rows
    named = rows.select("key", "unit", "amount", "event_at", a=pair.a_column, b=pair.b_column)
    known = named.filter(named.a.notnull(), named.b.notnull())
    return known.filter(known.a != known.b) if pair.met_in_accidents else known


def _least(table: ir.Table, pairs: dict[int, Pair]) -> ir.Value:
    """The least count of a row's kind of pair."""
    return ibis.cases(*((table.pair == number, pair.least) for number, pair in pairs.items()))


def _named(rows: pa.Table, pair: Pair, names: Mapping[str, ir.Table]) -> pa.Table:
    """Links of one kind with their ids and kinds, in the order of the ids; nobody is in league with himself."""
    ids = {side: _ids(rows[side], names[column]) for side, column in (("a", pair.a_column), ("b", pair.b_column))}
    if pair.a == pair.b:  # numbers have no meaning, so neither has their order
        ids = {"a": pc.min_element_wise(ids["a"], ids["b"]), "b": pc.max_element_wise(ids["a"], ids["b"])}
    kinds = {"a_kind": pa.array([pair.a] * len(rows), pa.string()), "b_kind": pa.array([pair.b] * len(rows), pa.string())}
    texts = {"a_id": ids["a"], "a_kind": kinds["a_kind"], "b_id": ids["b"], "b_kind": kinds["b_kind"]}
    named = pa.table({**texts, **{c: rows[c] for c in rows.column_names}})
    return named.filter(pc.not_equal(named["a_id"], named["b_id"])).sort_by([("a_id", "ascending"), ("b_id", "ascending")])


def _ids(numbers: pa.ChunkedArray, names: ir.Table) -> pa.Array:
    """What numbers stand for."""
    if not len(numbers):
        return pa.array([], pa.string())
    known = names.filter(names.n.isin(numbers.unique().to_pylist())).select("n", "id").to_pyarrow()
    return known["id"].take(pc.index_in(numbers, known["n"])).combine_chunks()


def _unlisted(found: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """Links of which neither side is on the list of exemptions; they were tested all the same, which makes the others only stricter."""
    parties, phones = tables["entities"], tables["party_exemptions"]
    exempt = parties.filter(parties.exempt).select(known="entity_id")
    listed = exempt.union(phones.filter(phones.phone.notnull()).select(known="phone"))
    for side in ("a_id", "b_id"):
        found = found.anti_join(listed.select(**{side: listed.known}), side)
    return ibis.memtable(found.order_by("pair", "a_id", "b_id").to_pyarrow())


def _behind(view: ir.Table, frame: Frame, number: int, found: ir.Table) -> ir.Table:
    """Claims that hold both parties of a link of one kind; of two persons, all claims of the accidents in which they met."""
    named = ["a_id", "b_id", "a_kind", "b_kind"]
    links = found.filter(found.pair == number).select("a", "b", *named)
    behind = _met(frame, number).select("key", "a", "b").inner_join(links, ["a", "b"])
    if not frame.pairs[number].met_in_accidents:
        return behind.select(*named, claim_id="key")
    return behind.inner_join(view, behind.key == view.event_id).select(*named, "claim_id").distinct()


def _expected(frequent: ir.Table, counts: tuple[ir.Table, ir.Table, ir.Table]) -> ir.Table:
    """Add e = sum over strata of n_a n_b / N; N is that of :func:`_sizes`."""
    n_a, n_b, sizes = counts
    of_a = frequent.select("pair", "a", "b").inner_join(n_a.select("pair", "a", "stratum", n_a="n"), ["pair", "a"])
    of_both = of_a.inner_join(n_b.select("pair", "b", "stratum", n_b="n"), ["pair", "b", "stratum"]).inner_join(sizes, ["pair", "stratum"])
    chance = of_both.group_by("pair", "a", "b").aggregate(expected=(of_both.n_a * of_both.n_b / of_both["size"]).sum())
    joined = frequent.inner_join(chance, ["pair", "a", "b"])
    return joined.mutate(amount=joined.amount.cast("float64"))


def _possible(n_a: ir.Table, n_b: ir.Table, pairs: dict[int, Pair]) -> dict[int, int]:
    """Pairs of each kind that could have met often enough: those with a stratum in common, bounded from above: nothing is multiplied out.

    A pair in several strata is counted in each, which only makes the correction stricter; never more than all pairs.
    """
    in_a = n_a.group_by("pair", "stratum").aggregate(a=n_a.count())
    in_b = n_b.group_by("pair", "stratum").aggregate(b=n_b.count())
    met = in_a.inner_join(in_b, ["pair", "stratum"])
    most = met.group_by("pair").aggregate(met=(met.a.cast("float64") * met.b).sum())
    every = [t.group_by("pair").aggregate(**{f"all_{c}": t[c].nunique()}) for t, c in ((n_a, "a"), (n_b, "b"))]
    counted = most.inner_join(every[0], "pair").inner_join(every[1], "pair").to_pyarrow().to_pylist()
    return {row["pair"]: int(min(row["met"], row["all_a"] * row["all_b"])) for row in counted}


def _tested(rows: pa.Table, possible: int, level: float) -> pa.Table:
    """Rows of one kind that chance does not explain, with lift, p and q."""
    n, expected = (rows[c].to_numpy().astype("float64") for c in ("n", "expected"))
    p = poisson_tail(n, expected)
    q = benjamini_hochberg(p, possible)
    moments = {c: rows[c].cast(pa.timestamp("us")) for c in ("first_at", "last_at")}
    numbers = {"n": rows["n"], "expected": expected, "lift": n / expected, "p": p, "q": q, "amount": rows["amount"]}
    return pa.table({**{c: rows[c] for c in ("pair", "a", "b")}, **numbers, **moments}).filter(q < level)
