"""Does something speak against a ring besides its links? Red flags on its claims beyond chance, signs of different kinds, verdicts.

Statistics cannot tell honest dependence from fraud: a village's agent and its clinic are linked beyond any doubt, and honest.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.indicators.rings import ABOUT_RINGS
from pipelines.engine.keeping import kept
from pipelines.graph.chance import benjamini_hochberg
from pipelines.graph.groups import AGAIN, CRASH, GRAVE, RESTS_ON, located

OF_LINKS = (*ABOUT_RINGS, "H16", "H20", "M09", "M17", "M20", "N01", "N04", "N05", "S01", "A03", "I01", "M05")
"""Red flags that speak of links and rings themselves, or pile up others, or say no more than that something is shared: no evidence."""
REPEATS = ("M06", "M08")
"""Red flags that need two accidents of one person: whoever is in an accident block has them, so they prove nothing there."""
LEAST, LEVEL = 2, 0.05


def evidence(tables: Mapping[str, ir.Table], units: pd.DataFrame) -> pd.DataFrame:
    """Red flags on the rings' claims and policies that chance does not explain.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        ``findings``, ``policy_events``, ``claim_view``, ``policy_view``.
    units : DataFrame
        ring, unit, code (of the group it comes from).

    Returns
    -------
    DataFrame
        ring, code, k (households with it), expected, p (one-sided Poisson tail); only k >= ``LEAST`` and q
        (Benjamini-Hochberg over all rings and flags) below ``LEVEL``, and no flag that made the ring or speaks of links.
    """
    homes = _homes(tables)
    flagged = kept(_carried(tables).inner_join(homes, "unit"))
    sizes = homes.group_by("line").agg(size=homes.home.nunique())
    rates = flagged.group_by("code", "line").agg(hits=flagged.home.nunique()).inner_join(sizes, "line")
    own = ibis.memtable(units[["ring", "unit"]].drop_duplicates().astype("string"))
    here = own.inner_join(homes, "unit").group_by("ring", "line").agg(n=lambda t: t.home.nunique())
    found = own.inner_join(flagged, "unit").group_by("ring", "code").agg(k=lambda t: t.home.nunique())
    chance = here.inner_join(rates, "line")
    means = kept(chance.group_by("ring", "code").agg(expected=(chance.n * chance.hits / chance["size"].cast("float64")).sum()))
    rows = found.filter(found.k >= LEAST).inner_join(means, ["ring", "code"]).to_pandas()
    return unlikely(rows, units, int(means.count().execute()))


def unlikely(rows: pd.DataFrame, units: pd.DataFrame, possible: int) -> pd.DataFrame:
    """Rows that chance does not explain, with p.

    Of all rings and flags looked at, so many are chance's as ``LEVEL`` allows of those named together: a test of each ring by itself would
    name the more honest ones, the larger the book.

    Parameters
    ----------
    rows : DataFrame
        ring, code, k, expected.
    units : DataFrame
        ring, code (what made it), piled.
    possible : int
        Pairs of a ring and a flag that is known in one of its lines.
    """
    from scipy.special import gammainc

    piled = units.dropna(subset=["piled"]).assign(code=lambda t: t.piled)
    made = pd.concat([units, piled])[["ring", "code"]].drop_duplicates().assign(made=True)
    free = rows.merge(made, on=["ring", "code"], how="left")
    crashed = free.ring.isin(units.ring[units.code.isin((CRASH, AGAIN))]) & free.code.isin(REPEATS)
    free = free[free.made.isna() & ~crashed].drop(columns="made")
    tail = gammainc(free.k.to_numpy(dtype=float), np.maximum(free.expected.to_numpy(dtype=float), 1e-9))
    known = free.assign(p=tail, expected=free.expected.round(6))
    q = benjamini_hochberg(tail, possible)
    return known[q < LEVEL].sort_values(["ring", "p", "code"], ignore_index=True)


def _carried(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Claims and policies with their red flags: unit, code; distinct."""
    found = tables["findings"].filter(lambda t: ~t.code.isin(OF_LINKS))
    rows = located(found, tables["policy_events"])
    return rows.filter(rows.unit.notnull()).select("unit", "code").distinct()


def _homes(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Household and line of every claim and policy: what one household does twice is one sign."""
    claims, policies = tables["claim_view"], tables["policy_view"]
    of_policy = ibis.coalesce(policies.holder_family, policies.insured_family, policies.policy_id)
    return claims.select(unit="claim_id", line=claims.line.fill_null("?"), home="family_id").union(
        policies.select(unit="policy_id", line=policies.line.fill_null("?"), home=of_policy)
    )


def different(codes: set[str]) -> bool:
    """True if what makes a ring rests on two things of which neither follows from the other: a phone and a burst, say."""
    return len({part for c in codes for part in RESTS_ON[c]}) > 1


def piles(units: pd.DataFrame, core: pd.DataFrame) -> set[str]:
    """Rings made by a pile that rests on two things: of a flag that is grave on every claim, or around a person.

    A lesser flag may pile up with a trade because of its kind of business. A person has none: who drives the cars of three families is odd
    by himself, and each of those crashes is odd besides.

    Parameters
    ----------
    units : DataFrame
        ring, group, piled (the flag that piles up, or null).
    core : DataFrame
        group, kind: whom the groups are about.
    """
    alone = core.group[core.kind == "person"]
    stands = units.piled.isin(GRAVE) | (units.piled.notna() & units.group.isin(alone))
    return set(units.ring[stands])


def proven(tables: Mapping[str, ir.Table], parties: pd.DataFrame, units: pd.DataFrame) -> pd.DataFrame:
    """Members and claims of rings that a verdict known before ``as_of`` confirmed: ring, subject; one row each."""
    outcomes = tables["outcomes"]
    confirmed = outcomes.filter(outcomes.verdict == "confirmed").select(subject="entity").distinct().to_pandas()
    named = [
        parties[["ring", "entity_id"]].set_axis(["ring", "subject"], axis=1),
        units[["ring", "unit"]].set_axis(["ring", "subject"], axis=1),
    ]
    every = pd.concat(named).drop_duplicates()
    return every[every.subject.isin(confirmed.subject)].sort_values(["ring", "subject"], ignore_index=True)
