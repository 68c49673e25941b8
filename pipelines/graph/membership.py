"""Who belongs to a group: its core, the customers on its claims and policies, and who is on most of them."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines.graph.groups import CONTACTS, CRASH, Groups

EXPERTS = ("appraiser", "lawyer", "proxy")
"""Where one of these is on a claim, its customer is the injured; else it is the insured."""
TRADES = (
    "agent", "hospital", "doctor", "garage", "appraiser", "proxy", "lawyer", "assessor", "employer", "reporter", "payee", "agency", "shop",
)  # fmt: skip
"""Roles in which somebody serves many."""
MOST, LEAST = 0.5, 3
"""Whoever is in one of these roles on this share of a ring's claims, and on so many, belongs to it."""
OWNERS = 3
"""A phone or account that more people than this call their own is nobody's."""
JOINED = 0.5
"""Two groups are one ring from this share of the smaller one's members,"""
COMMON = 2
"""and from so many."""


def participants(tables: Mapping[str, ir.Table], units: pd.DataFrame) -> pd.DataFrame:
    """Everybody on the groups' claims and policies: unit, entity_id, kind, role; exempt parties left out. One scan of the edges."""
    wanted = ibis.memtable(units[["unit"]].drop_duplicates().astype("string"))
    parts = [
        tables[name].select("entity_id", "kind", "role", unit=key).semi_join(wanted, "unit")
        for name, key in (("edges", "claim_id"), ("policy_edges", "policy_id"))
    ]
    exempt = tables["entities"].filter(lambda t: t.exempt.fill_null(False))
    rows: pd.DataFrame = ibis.union(*parts).anti_join(exempt, "entity_id").distinct().to_pandas()
    return rows.sort_values(["unit", "entity_id", "role"], ignore_index=True)


def customers(rows: pd.DataFrame) -> pd.DataFrame:
    """Whose claim or policy it is: unit, entity_id; of a claim with an expert the injured, else the insured, claimant or holder."""
    people = rows[rows.kind == "person"]
    expert = people.unit.isin(rows.unit[rows.role.isin(EXPERTS)])
    order = {"insured": 1, "claimant": 2, "holder": 3}
    ranked = people.assign(place=people.role.map(order).mask(expert & (people.role == "third_party"), 0)).dropna(subset=["place"])
    first = ranked[ranked.place == ranked.groupby("unit").place.transform("min")]
    return first[["unit", "entity_id"]].drop_duplicates()


def owners(tables: Mapping[str, ir.Table], core: pd.DataFrame) -> pd.DataFrame:
    """People whose own number, account or device a group shares: group, entity_id, value."""
    shared = core[core.kind.isin(CONTACTS)][["group", "entity_id"]].rename(columns={"entity_id": "value"})
    wanted = ibis.memtable(shared[["value"]].drop_duplicates().astype("string"))
    people = tables["entities"].filter(lambda t: (t.kind == "person") & ~t.exempt.fill_null(False))
    parts = [people.select("entity_id", value=people[c]).semi_join(wanted, "value") for c in ("phone", "account", "device_id")]
    found = ibis.union(*parts, distinct=True).to_pandas()
    known = found[found.groupby("value").entity_id.transform("size") <= OWNERS]
    return shared.merge(known, on="value").drop_duplicates()


def common(tables: Mapping[str, ir.Table], core: pd.DataFrame) -> pd.DataFrame:
    """Numbers and accounts that two or more organisations of one ring's core have in common: ring, entity_id, kind, value, of."""
    firms = core[~core.kind.isin(("person", *CONTACTS))][["ring", "entity_id", "kind"]].drop_duplicates()
    wanted = ibis.memtable(firms[["entity_id"]].drop_duplicates().astype("string"))
    known = tables["entities"].semi_join(wanted, "entity_id")
    parts = [known.select("entity_id", value=known[c], of=ibis.literal(c)) for c in ("phone", "account")]
    rows = firms.merge(ibis.union(*parts).filter(lambda t: t.value.notnull()).to_pandas(), on="entity_id")
    return rows[rows.groupby(["ring", "value"]).entity_id.transform("nunique") > 1]


def merged(groups: Groups, buyers: pd.DataFrame) -> pd.Series:
    """The group that leads each group's ring.

    From the largest group outwards: a group joins the largest one that shares ``JOINED`` of the smaller one's members (customers and
    core), ``COMMON`` at least. It never joins by way of a third, so a small group in two large ones does not glue them. A chain of
    accidents in which nobody meets the same strangers again neither joins nor is joined: chance makes it, and it would glue what it passes.

    Returns
    -------
    Series of str, indexed by group
    """
    of_units = groups.units[["group", "unit"]].merge(buyers, on="unit")[["group", "entity_id"]]
    sets = pd.concat([of_units, groups.core[["group", "entity_id"]]]).drop_duplicates()
    size = sets.groupby("group").size()
    pairs = sets.merge(sets, on="entity_id", suffixes=("", "_other")).groupby(["group", "group_other"]).size().rename("n").reset_index()
    sizes = pairs.assign(a=pairs.group.map(size), b=pairs.group_other.map(size))[["a", "b"]]
    least = sizes.astype("float64").min(axis=1)
    chains = groups.units.group[groups.units.code == CRASH]
    loose = pairs.group.isin(chains) | pairs.group_other.isin(chains)
    near = pairs[(pairs.n >= COMMON) & (pairs.n >= JOINED * least) & (pairs.group != pairs.group_other) & ~loose]
    beside = {str(g): sorted(rows) for g, rows in near.groupby("group").group_other}
    leader: dict[str, str] = {}
    for group in sorted(size.index, key=lambda g: (-size[g], g)):
        if group not in leader:
            leader |= {other: group for other in beside.get(group, []) if other not in leader} | {group: group}
    return pd.Series(leader, dtype="str").rename_axis("group").sort_index()


def members(rows: pd.DataFrame, units: pd.DataFrame, core: pd.DataFrame) -> pd.DataFrame:
    """Members of rings: ring, entity_id, kind, role, core (the ring is about them), n_units; one row each.

    Parameters
    ----------
    rows : DataFrame
        As :func:`participants` returns them.
    units : DataFrame
        ring, unit.
    core : DataFrame
        ring, entity_id, kind, and ``role`` where it is known beforehand.
    """
    here = units[["ring", "unit"]].drop_duplicates().merge(rows, on="unit")
    buyers = here.merge(customers(rows), on=["unit", "entity_id"])[["ring", "entity_id", "kind"]].assign(role="customer")
    size = units.groupby("ring").unit.nunique()
    served = here[here.role.isin(TRADES)].groupby(["ring", "entity_id", "kind", "role"]).unit.nunique().rename("n").reset_index()
    # Without any ring the mapped column would be of text.
    often = served[(served.n >= LEAST) & (served.n >= MOST * served.ring.map(size).astype("float64"))]
    # In this order: who is a member for several reasons bears the first one's role.
    every = pd.concat([often.assign(place=1), core.assign(place=0), buyers.assign(place=2)], ignore_index=True)
    most = here.groupby(["ring", "entity_id", "role"]).unit.nunique().rename("n").reset_index()
    usual = most.sort_values(["ring", "entity_id", "n", "role"], ascending=[True, True, False, True]).drop_duplicates(["ring", "entity_id"])
    chosen = every.sort_values(["ring", "entity_id", "place"]).drop_duplicates(["ring", "entity_id"])
    chosen = chosen.assign(core=chosen.place == 0)[["ring", "entity_id", "kind", "role", "core"]]
    joined = chosen.merge(usual[["ring", "entity_id", "role"]].rename(columns={"role": "usual"}), on=["ring", "entity_id"], how="left")
    joined["role"] = joined.role.fillna(joined.usual).fillna(joined.kind)
    counts = here.groupby(["ring", "entity_id"]).unit.nunique().rename("n_units").reset_index()
    return (
        joined.drop(columns="usual").merge(counts, on=["ring", "entity_id"], how="left").fillna({"n_units": 0}).astype({"n_units": "int64"})
    )
