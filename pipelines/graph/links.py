"""Validated links: pairs of parties that share more households than chance explains.

After Tumminello, Consiglio, Vassallo, Cesari and Farabullini (2023), "Insurance fraud detection: a statistically validated
network approach", Journal of Risk and Insurance 90(2): a pair is a link only if its number of common households would be improbable
were both parties chosen independently within strata, corrected for the number of all possible pairs.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.engine.keeping import kept

THIN = 20
"""A stratum with fewer households falls back to the coarser one."""
LEVEL = 0.01
LEAST = 3
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Pair:
    """Two kinds of party that may be in league.

    Attributes
    ----------
    a, b : str
        Names of the kinds.
    a_column, b_column : str
        Columns of ``claim_view``.
    unit : str
        What counts once per pair: the household, or the vehicle where one of the two is its owner.
    stranger : str
        The family of the party in this column must not be the claim's own: reporting for oneself is no link.
    strata : tuple of str
        Columns from coarse to fine within which the two are taken to be independent.
    """

    a: str
    b: str
    a_column: str
    b_column: str
    unit: str = "family_id"
    stranger: str = ""
    strata: tuple[str, str, str] = ("line", "area", "place")


def _pair(a: str, b: str, unit: str = "family_id", stranger: str = "") -> Pair:
    return Pair(a, b, f"{a}_id", f"{b}_id", unit, stranger)


PAIRS = (
    _pair("agent", "hospital"),
    _pair("agent", "doctor"),
    _pair("garage", "reporter", stranger="reporter_id"),
    Pair("garage", "phone", "garage_id", "reporter_phone"),
    _pair("garage", "owner", unit="vehicle_id"),
    # An assessor sees his own insurer's claims only, and insurers steer repairs, so chance is reckoned within the insurer.
    Pair("assessor", "garage", "assessor_id", "garage_id", strata=("line", "insurer", "place")),
    _pair("appraiser", "lawyer"),
    _pair("appraiser", "proxy"),
    _pair("hospital", "employer"),
    _pair("doctor", "lawyer"),
    _pair("garage", "lawyer"),
)


def links(tables: Mapping[str, ir.Table], pairs: tuple[Pair, ...] = PAIRS) -> ir.Table:
    """Validated links of every kind of pair.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``claim_view`` and ``entities``.
    pairs : tuple of Pair
        Kinds of pair to look at.

    Returns
    -------
    ibis Table
        a_id, a_kind, b_id, b_kind, n (households in common), expected, lift (n / expected), p (one-sided Poisson tail),
        q (Benjamini-Hochberg), amount (CNY of the common claims), first_at, last_at; only n >= 3 and q < .01.
    """
    return validated(tables, pairs)["links"]


def validated(tables: Mapping[str, ir.Table], pairs: tuple[Pair, ...] = PAIRS) -> dict[str, ir.Table]:
    """``links`` as :func:`links` returns them, and ``link_claims``: a_id, b_id, a_kind, b_kind, claim_id, the claims behind each link."""
    claims = _claims(tables, pairs)
    found = _links(claims, pairs)
    behind = ibis.union(*(_behind(claims, p, found) for p in pairs)) if len(pairs) > 1 else _behind(claims, pairs[0], found)
    return {"links": found, "link_claims": behind}


def _behind(claims: ir.Table, pair: Pair, found: ir.Table) -> ir.Table:
    """Claims that hold both parties of a link of one kind."""
    sides = _sides(claims, pair).select("claim_id", a_id="a", b_id="b")
    of_kind = found.filter(found.a_kind == pair.a, found.b_kind == pair.b).select("a_id", "b_id", "a_kind", "b_kind")
    return sides.inner_join(of_kind, ["a_id", "b_id"]).select(*of_kind.columns, "claim_id")


def _links(claims: ir.Table, pairs: tuple[Pair, ...]) -> ir.Table:
    # Every step for all kinds at once, told apart by ``pair``, their number: eleven times the same small
    # queries cost more to write than to run.
    universe = kept(_placed(ibis.union(*(_universe(claims, p, i) for i, p in enumerate(pairs)))))
    both = universe.filter(universe.a.notnull(), universe.b.notnull())
    known = [universe.filter(universe[side].notnull()) for side in ("a", "b")]
    n_a, n_b = (kept(t.group_by("pair", side, "stratum").aggregate(n=t.unit.nunique())) for t, side in zip(known, ("a", "b"), strict=True))
    common = both.group_by("pair", "a", "b").aggregate(
        n=both.unit.nunique(), amount=both.amount.sum(), first_at=both.event_at.min(), last_at=both.event_at.max()
    )
    rows = _expected(common.filter(common.n >= LEAST), (n_a, n_b, _sizes(universe))).to_pyarrow()
    possible = _possible(n_a, n_b)
    tested = [_validated(rows.filter(pc.equal(rows["pair"], i)), possible.get(i, 0), p) for i, p in enumerate(pairs)]
    return ibis.memtable(pa.concat_tables(tested))


def _claims(tables: Mapping[str, ir.Table], pairs: tuple[Pair, ...]) -> ir.Table:
    """The columns of ``claim_view`` that the pairs use, with the family of who reported."""
    view = tables["claim_view"]
    place = ibis.coalesce(view.home_district, view.district, "?")
    used = {c for p in pairs for c in (p.a_column, p.b_column, p.unit)}
    strata = {"line": view.line.fill_null("?"), "insurer": view.insurer.fill_null("?"), "place": place}
    narrow = view.select(*sorted(used | {"amount", "event_at", "claim_id"}), **strata)
    claims = narrow.mutate(area=narrow.place.substr(0, 4))
    if "reporter_id" in used:
        families = tables["entities"].select("entity_id", reporter_family="family_id")
        claims = claims.left_join(families, claims.reporter_id == families.entity_id).drop("entity_id")
    return kept(claims)


def _universe(claims: ir.Table, pair: Pair, number: int) -> ir.Table:
    """Claims that have at least one of the parties.

    The shares of each party come from all its claims; were they taken from claims with both, a ring in a thin trade would be its
    own yardstick.
    """
    named = _sides(claims, pair).mutate(pair=ibis.literal(number, "int8")).drop("claim_id")
    return named.filter(named.a.notnull() | named.b.notnull())


def _sides(claims: ir.Table, pair: Pair) -> ir.Table:
    """Claims with their two parties ``a`` and ``b``, the ``unit`` that counts, and ``s0`` to ``s2`` from coarse to fine."""
    # A garage that reports its customers' crashes is no pair, nor is who reports for his own family.
    other = claims[pair.b_column].nullif(claims[pair.a_column])
    if pair.stranger:
        other = ibis.ifelse((claims.reporter_family == claims.family_id).fill_null(False), ibis.null(), other)
    strata = {f"s{depth}": claims[column] for depth, column in enumerate(pair.strata)}
    sides = {"a": claims[pair.a_column], "b": other, "unit": claims[pair.unit]}
    named = claims.select("claim_id", "amount", "event_at", **sides, **strata)
    return named.filter(named.unit.notnull())


def _placed(named: ir.Table) -> ir.Table:
    """Add the stratum (a number) that a claim's household falls in: the finest one that is not thin."""
    cell = [f"s{depth}" for depth in range(3)]
    homes = named.select("pair", *cell, "unit").distinct()
    fine = homes.group_by("pair", *cell).aggregate(fine=homes.count())
    middle = homes.group_by("pair", *cell[:2]).aggregate(middle=homes.unit.nunique())
    counted = fine.inner_join(middle, ["pair", *cell[:2]])
    names = [ibis.literal("|").join([counted[s] for s in cell[:depth]]) for depth in (3, 2)]
    stratum = ibis.cases((counted.fine >= THIN, names[0]), (counted.middle >= THIN, names[1]), else_=counted.s0)
    strata = kept(counted.select("pair", *cell, stratum=ibis.dense_rank().over(order_by=stratum)))
    return named.inner_join(strata, ["pair", *cell]).select("pair", "a", "b", "unit", "amount", "event_at", "stratum")


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


def _possible(n_a: ir.Table, n_b: ir.Table) -> dict[int, int]:
    """Pairs of each kind that could have met often enough: those with a stratum in common, bounded from above: nothing is multiplied out.

    A pair in several strata is counted in each, which only makes the correction stricter; never more than all pairs. A party with
    fewer than ``LEAST`` households in all cannot be in a link, whatever it shares, so its pairs are no tests (Tarone 1990).
    """
    n_a, n_b = (t.filter(t.n.sum().over(group_by=["pair", side]) >= LEAST) for t, side in ((n_a, "a"), (n_b, "b")))
    in_a = n_a.group_by("pair", "stratum").aggregate(a=n_a.count())
    in_b = n_b.group_by("pair", "stratum").aggregate(b=n_b.count())
    met = in_a.inner_join(in_b, ["pair", "stratum"])
    most = met.group_by("pair").aggregate(met=(met.a * met.b).sum())
    every = [t.group_by("pair").aggregate(**{f"all_{c}": t[c].nunique()}) for t, c in ((n_a, "a"), (n_b, "b"))]
    counted = most.inner_join(every[0], "pair").inner_join(every[1], "pair").to_pyarrow().to_pylist()
    return {row["pair"]: int(min(row["met"], row["all_a"] * row["all_b"])) for row in counted}


def _validated(rows: pa.Table, possible: int, pair: Pair) -> pa.Table:
    """Links of one kind of pair."""
    n, expected = (rows[c].to_numpy().astype("float64") for c in ("n", "expected"))
    p = poisson_tail(n, expected)
    q = benjamini_hochberg(p, possible)
    kinds = {c: pa.array([k] * len(p), pa.string()) for c, k in (("a_kind", pair.a), ("b_kind", pair.b))}
    texts = {"a_id": rows["a"], "a_kind": kinds["a_kind"], "b_id": rows["b"], "b_kind": kinds["b_kind"]}
    moments = {c: rows[c].cast(pa.timestamp("us")) for c in ("first_at", "last_at")}
    numbers = {"n": rows["n"], "expected": expected, "lift": n / expected, "p": p, "q": q, "amount": rows["amount"]}
    return pa.table({**texts, **numbers, **moments}).filter(q < LEVEL)


def poisson_tail(n: Floats, expected: Floats) -> Floats:
    """P(X >= n) for Poisson X of mean ``expected``: the regularised lower incomplete gamma function of n at the mean.

    Parameters
    ----------
    n, expected : ndarray, shape (k,)
        Counts of at least 1 and positive means.

    Returns
    -------
    ndarray, shape (k,)
    """
    from scipy.special import gammainc

    tail: Floats = np.asarray(gammainc(n, expected))
    return tail


def benjamini_hochberg(p: Floats, tests: int) -> Floats:
    """Adjusted p-values when ``tests`` hypotheses were possible and only the ``p`` at hand were worth computing.

    Parameters
    ----------
    p : ndarray, shape (k,)
        The missing ``tests - k`` are taken as 1, which can only make the result stricter.
    tests : int
        At least k.

    Returns
    -------
    ndarray, shape (k,)
    """
    order = np.argsort(p, kind="stable")
    raw = p[order] * tests / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return adjusted
