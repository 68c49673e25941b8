"""Rings: groups that share members are one ring, with its members, organiser, links, money, time, and what speaks against it.

Cost: one scan of the edges and of each view for the claims that groups name; the rest grows with the rings, not with the book.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from pipelines.graph import standing
from pipelines.graph.continuity import Named, continued
from pipelines.graph.groups import AGAIN, CONTACTS, CRASH, LINK, PILES, Groups, groups
from pipelines.graph.measures import PROOF, TRADES, Shape, proof, shape, significance
from pipelines.graph.membership import common, customers, members, merged, owners, participants
from pipelines.graph.reach import facts

FEWEST, FAMILIES = 4, 3
"""A ring has so many members (phones and accounts not counted), and its people are of so many families."""
PROVEN = 0.05
"""Share of members and claims with a confirmed outcome from which verdicts, two at least, speak against the whole ring."""
KINDS = ("accident_block", "community", "crowd", "complaint", "surrender", "shared_contact")
"""A ring made of several groups bears the first of their kinds."""
TELLERS = (
    "H12", "H16", "M20", "M09", "E03", "S02", "S01", "I02", AGAIN, CRASH, LINK, "H19", "H20", "A10", "S05", PILES, "M10", "I01", "M13",
    "A03",
)  # fmt: skip
"""What makes rings, from the most definite story to the least."""
TEXT, WHOLE, REAL, TIME, FLAG = "string", "int64", "float64", "timestamp(6)", "boolean"
SCHEMAS = {
    "rings": {
        **dict.fromkeys(("ring_id", "kind", "made_by"), TEXT), "lead": FLAG,
        **dict.fromkeys(("why", "evidence", "told_by", "organiser_id", "organiser_kind"), TEXT),
        **dict.fromkeys(("n_members", "n_people", "n_families", "n_claims", "n_policies", "n_events"), WHOLE),
        "amount": REAL, "first_at": TIME, "last_at": TIME, **dict.fromkeys(("insurers", "provinces", "districts"), TEXT),
        "n_provinces": WHOLE, "density": REAL, "held": REAL, "p": REAL, "n_links": WHOLE, "n_possible": WHOLE, "n_proven": WHOLE,
        "proven": REAL, "first_seen": TIME, "new_members": WHOLE, "predecessors": TEXT,
    },
    "ring_members": {
        **dict.fromkeys(("ring_id", "entity_id", "kind", "role"), TEXT), "organiser": FLAG, "between": REAL, "n_units": WHOLE,
        **dict.fromkeys(("flagged", "proven", "new"), FLAG),
    },
    "ring_claims": dict.fromkeys(("ring_id", "claim_id", "policy_id", "source"), TEXT),
    "ring_links": {
        **dict.fromkeys(("ring_id", "a_id", "a_kind", "b_id", "b_kind"), TEXT), "n": WHOLE, "validated": FLAG,
        "unit": TEXT, **dict.fromkeys(PROOF, REAL), "first_at": TIME, "last_at": TIME,
    },
    "ring_ledger": {"ring_id": TEXT, "entity_id": TEXT, "first_seen": TIME},
}  # fmt: skip
"""Tables of the stage, with the type of every column: one that holds nothing has no type of its own."""


class Made(NamedTuple):
    """Rings before they are measured: units (ring, unit, ...), people (ring, entity_id, ...), rows of the graph on their claims, core, and
    whose own the shared numbers are.
    """

    units: pd.DataFrame
    people: pd.DataFrame
    rows: pd.DataFrame
    core: pd.DataFrame
    own: pd.DataFrame


def rings(tables: Mapping[str, ir.Table], as_of: date, known: pd.DataFrame | None = None) -> dict[str, ir.Table]:
    """Tonight's rings.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        The graph's tables, the views, ``entities``, ``outcomes``, ``policy_events`` and ``findings`` of flags that do not speak of rings.
    as_of : date
        Tonight.
    known : DataFrame, optional
        The ring ledger that the night starts from: ring_id, entity_id, first_seen.

    Returns
    -------
    dict of str to ibis Table
        As ``SCHEMAS`` lists them: ``rings``; ``ring_members`` (with what a party does there, how much of the ring passes through it, and
        whether it bears a flag of its own, has a confirmed outcome, is new since the last night); ``ring_claims`` (claim or policy, and the
        flag, ``link`` or ``crash`` that it comes from); ``ring_links`` (claims and policies in common, and of validated links the proof, of
        several between two parties that of the least chance); and the new ``ring_ledger``.
    """
    made = _made(tables, groups(tables))
    if made.people.empty:  # a book of single claims
        return _nothing(known)
    joined = _joined(tables, made)
    shapes = {str(ring): shape(part, _of(joined, str(ring))) for ring, part in made.people.groupby("ring")}
    table = _described(tables, made, joined, shapes)
    people = _members(tables, made, table, shapes)
    return _published((table, people, joined), made, continued(people, known, as_of))


def _made(tables: Mapping[str, ir.Table], found: Groups) -> Made:
    """Groups gathered into rings, without those that are too small to be one."""
    rows = participants(tables, found.units)
    leading = merged(found, customers(rows))
    own = owners(tables, found.core).assign(kind="person", role="owner")
    core = pd.concat([found.core.assign(role=None), own], ignore_index=True)
    units, core = (t.assign(ring=t.group.map(leading)) for t in (found.units, core))
    units = units.drop_duplicates(["ring", "unit", "code"])
    shared = common(tables, core)
    own = pd.concat([_ours(core), shared], ignore_index=True)
    contacts = shared.assign(entity_id=shared.value, kind=shared.of)[["ring", "entity_id", "kind"]]
    core = pd.concat([core, contacts], ignore_index=True).drop_duplicates(["ring", "entity_id"])
    people = members(rows, units, core[["ring", "entity_id", "kind", "role"]])
    people = people.assign(member=~people.kind.isin(CONTACTS), family=_families(tables, people))
    counted = people[people.member].groupby("ring").agg(n=("entity_id", "size"), families=("family", "nunique"))
    large = counted.index[(counted.n >= FEWEST) & (counted.families >= FAMILIES)]
    units, people = (t[t.ring.isin(large)].reset_index(drop=True) for t in (units, people))
    return Made(units, people, rows, core, own)


def _ours(core: pd.DataFrame) -> pd.DataFrame:
    """People whose own number the ring shares: ring, entity_id, kind, value, of."""
    kinds = core[core.kind.isin(CONTACTS)].drop_duplicates("entity_id").set_index("entity_id").kind
    return core[core.value.notna()].assign(of=core.value.map(kinds))[["ring", "entity_id", "kind", "value", "of"]]


def _families(tables: Mapping[str, ir.Table], people: pd.DataFrame) -> pd.Series:
    """Family of every person; null for others."""
    wanted = ibis.memtable(people[["entity_id"]].drop_duplicates().astype("string"))
    entities = tables["entities"].filter(lambda t: t.kind == "person")
    of = (
        entities.semi_join(wanted, "entity_id")
        .select("entity_id", family=ibis.coalesce(entities.family_id, entities.entity_id))
        .to_pandas()
    )
    return people.entity_id.map(of.set_index("entity_id").family)


def _joined(tables: Mapping[str, ir.Table], made: Made) -> pd.DataFrame:
    """Who of a ring shares how many of its claims with whom: who serves, and contacts, with anybody; people of a crash with each other."""
    on = _present(made)
    crash = made.units[made.units.kind == "accident_block"][["ring", "unit"]].drop_duplicates().assign(crash=True)
    on = on.merge(crash, on=["ring", "unit"], how="left")
    on["hub"] = on.hub | on.crash.fillna(False).astype(bool)
    pairs = on.merge(on[["ring", "unit", "entity_id", "kind", "hub"]], on=["ring", "unit"], suffixes=("", "_b"))
    pairs = pairs[(pairs.entity_id < pairs.entity_id_b) & (pairs.hub | pairs.hub_b)]
    counted = pairs.groupby(["ring", "entity_id", "kind", "entity_id_b", "kind_b"]).unit.nunique().rename("n").reset_index()
    counted = pd.concat([counted, _owned(made, on)]).drop_duplicates(["ring", "entity_id", "entity_id_b"])
    named = counted.rename(columns={"entity_id": "a_id", "kind": "a_kind", "entity_id_b": "b_id", "kind_b": "b_kind"})
    return named.merge(proof(tables["links"]), on=["a_id", "b_id"], how="left").assign(validated=lambda t: t.p.notna())


def _owned(made: Made, on: pd.DataFrame) -> pd.DataFrame:
    """A shared number with whose own it is; a person's counts the claims that it is on, an organisation's those of the organisation."""
    own = made.own[made.own.ring.isin(made.people.ring)].drop_duplicates(["ring", "entity_id", "value"])
    counts = on.groupby(["ring", "entity_id"]).unit.nunique()
    of_value, of_party = (pd.MultiIndex.from_frame(own[["ring", c]]).map(counts.to_dict()) for c in ("value", "entity_id"))
    both = own.assign(n=pd.Series(of_value, index=own.index).fillna(pd.Series(of_party, index=own.index)).fillna(1).astype("int64"))
    first = both.entity_id < both.value
    sides = {"entity_id": ("entity_id", "value"), "kind": ("kind", "of"), "entity_id_b": ("value", "entity_id"), "kind_b": ("of", "kind")}
    return pd.DataFrame({"ring": both.ring, **{c: both[a].where(first, both[b]) for c, (a, b) in sides.items()}, "n": both.n})


def _present(made: Made) -> pd.DataFrame:
    """Members and contacts on each unit of their ring: ring, unit, entity_id, kind, hub."""
    units = made.units[["ring", "unit"]].drop_duplicates()
    seen = units.merge(made.rows[["unit", "entity_id"]].drop_duplicates(), on="unit")
    contacts = made.core[made.core.kind.isin(CONTACTS)][["ring", "group", "entity_id"]]
    shared = made.units[["ring", "group", "unit"]].merge(contacts, on=["ring", "group"])[["ring", "unit", "entity_id"]]
    every = pd.concat([seen, shared], ignore_index=True).drop_duplicates()
    named = every.merge(made.people[["ring", "entity_id", "kind", "role"]], on=["ring", "entity_id"])
    return named.assign(
        hub=named.kind.isin([*TRADES, *CONTACTS]) | ~named.role.isin(["customer", "owner", "insured", "holder", "claimant"])
    )


def _of(joined: pd.DataFrame, ring: str) -> pd.DataFrame:
    return joined[joined.ring == ring]


def _described(tables: Mapping[str, ir.Table], made: Made, joined: pd.DataFrame, shapes: Mapping[str, Shape]) -> pd.DataFrame:
    """One row per ring, but for its name."""
    grouped = made.units.groupby("ring")
    made_by = grouped.code.agg(lambda c: ",".join(sorted(set(c))))
    kinds = grouped.kind.agg(lambda k: next(kind for kind in KINDS if kind in set(k)))
    table = pd.DataFrame({"made_by": made_by, "kind": kinds}).join(facts(tables, made.units)).join(_sizes(made)).join(_chance(joined, made))
    found = {ring: (s.density, s.held, s.organiser) for ring, s in shapes.items()}
    table = table.join(pd.DataFrame.from_dict(found, orient="index", columns=["density", "held", "organiser_id"]))
    table["organiser_kind"] = table.organiser_id.str.split(":").str[0]
    return _judged(tables, made, table).rename_axis("ring").reset_index()


def _sizes(made: Made) -> pd.DataFrame:
    real = made.people[made.people.member]
    grouped = real.groupby("ring")
    people = (real.kind == "person").groupby(real.ring).sum()
    return pd.DataFrame({"n_members": grouped.size(), "n_people": people, "n_families": grouped.family.nunique()})


def _chance(joined: pd.DataFrame, made: Made) -> pd.DataFrame:
    """Links, possible pairs of parties, and the chance of so many."""
    valid = joined[joined.validated]
    links = valid.groupby("ring").p.agg(list)
    trades = made.people[made.people.kind.isin([*TRADES, *CONTACTS])].groupby("ring").size()
    n = made.units.groupby("ring").size().index
    sizes = trades.reindex(n).fillna(0).astype("int64")
    listed = links.reindex(n)
    counts = listed.map(lambda v: len(v) if isinstance(v, list) else 0).astype("int64")
    possible = np.maximum(sizes * (sizes - 1) // 2, counts)
    p = [
        significance(np.asarray(v, dtype=float) if isinstance(v, list) else np.empty(0), int(m))
        for v, m in zip(listed, possible, strict=True)
    ]
    return pd.DataFrame({"n_links": counts, "n_possible": possible, "p": p}, index=n)


def _judged(tables: Mapping[str, ir.Table], made: Made, table: pd.DataFrame) -> pd.DataFrame:
    """What speaks against each ring besides its links; without it a ring is a fact about the book and no lead."""
    against = standing.evidence(tables, made.units)
    confirmed = standing.proven(tables, made.people[made.people.member], made.units).groupby("ring").size()
    codes = against.groupby("ring").code.agg(list).reindex(table.index)
    several = table.made_by.map(lambda c: standing.different(set(c.split(",")))) | table.index.isin(standing.piles(made.units, made.core))
    n_proven = confirmed.reindex(table.index).fillna(0).astype("int64")
    share = (n_proven / (table.n_members + table.n_claims)).round(6)
    why = np.select([codes.notna(), several, (share >= PROVEN) & (n_proven >= standing.LEAST)], ["flags", "signs", "proven"], "none")
    told = pd.Series(
        [_teller(set(c.split(",")), kind) for c, kind in zip(table.made_by, table.organiser_kind, strict=True)], index=table.index
    )
    # A pile has no story but that of what piles up.
    told = told.where(told != PILES, _piled(made.units).reindex(table.index))
    evidence = codes.map(lambda c: ",".join(c) if isinstance(c, list) else "")
    return table.assign(evidence=evidence, why=why, lead=why != "none", n_proven=n_proven, proven=share, told_by=told)


def _piled(units: pd.DataFrame) -> pd.Series:
    """The red flag that piles up on most of a ring's claims."""
    counted = units.dropna(subset=["piled"]).groupby(["ring", "piled"]).unit.nunique().rename("n").reset_index()
    ordered = counted.sort_values(["ring", "n", "piled"], ascending=[True, False, True])
    most: pd.Series = ordered.drop_duplicates("ring").set_index("ring").piled
    return most


def _teller(made_by: set[str], organiser: str) -> str:
    """The red flag that tells a ring's story: of those that made it the most definite one."""
    linked = "M09" if organiser in ("garage", "assessor") else "M20" if organiser in ("appraiser", "proxy", "lawyer") else "H16"
    return next({AGAIN: "M07", CRASH: "M07", LINK: linked}.get(code, code) for code in TELLERS if code in made_by)


def _members(tables: Mapping[str, ir.Table], made: Made, table: pd.DataFrame, shapes: Mapping[str, Shape]) -> pd.DataFrame:
    """Members with what is known of each."""
    people = made.people.copy()
    organiser = table.set_index("ring").organiser_id
    between = [shapes[ring].between[entity] for ring, entity in zip(people.ring, people.entity_id, strict=True)]
    found = tables["findings"].select(entity_id="subject_id").distinct()
    wanted = ibis.memtable(people[["entity_id"]].drop_duplicates().astype("string"))
    flagged = set(wanted.semi_join(found, "entity_id").to_pandas().entity_id)
    confirmed = standing.proven(tables, people[people.member], made.units.head(0))
    sure = set(zip(confirmed.ring, confirmed.subject, strict=True))
    return people.assign(
        organiser=people.entity_id == people.ring.map(organiser), between=between, flagged=people.entity_id.isin(flagged),
        proven=[key in sure for key in zip(people.ring, people.entity_id, strict=True)],
    )  # fmt: skip


def _published(measured: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame], made: Made, named: Named) -> dict[str, ir.Table]:
    """The tables under the rings' lasting names."""
    table, people, joined = measured
    names = named.rings.set_index("ring").ring_id
    people = people.merge(named.members, on=["ring", "entity_id"])
    claim = made.units.unit_kind == "claim"
    units = made.units.assign(claim_id=made.units.unit.where(claim), policy_id=made.units.unit.where(~claim), source=made.units.code)
    found = {
        "rings": table.merge(named.rings, on="ring"),
        "ring_members": people.assign(ring_id=people.ring.map(names)),
        "ring_claims": units.assign(ring_id=units.ring.map(names)),
        "ring_links": joined.assign(ring_id=joined.ring.map(names)),
        "ring_ledger": named.ledger,
    }
    return {name: _typed(found[name], schema) for name, schema in SCHEMAS.items()}


def _nothing(known: pd.DataFrame | None) -> dict[str, ir.Table]:
    """No ring tonight; the ledger remembers those of before."""
    empty = {name: pd.DataFrame(columns=list(schema)) for name, schema in SCHEMAS.items()}
    frames = empty if known is None else {**empty, "ring_ledger": known}
    return {name: _typed(frames[name], schema) for name, schema in SCHEMAS.items()}


def _typed(frame: pd.DataFrame, schema: Mapping[str, str]) -> ir.Table:
    kinds = {TEXT: "string", WHOLE: "int64", REAL: "float64", TIME: "datetime64[us]", FLAG: "bool"}
    return ibis.memtable(frame[list(schema)].astype({c: kinds[k] for c, k in schema.items()}), schema=ibis.schema(schema))
