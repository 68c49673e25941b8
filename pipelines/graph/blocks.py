"""Accident blocks: biconnected parts of the person-accident graph (Subelj, Furlan and Bajec 2011, Expert Systems with Applications 38).

In a block every person was in at least two of its accidents, and no single person or accident holds it together by himself.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import networkx as nx
import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.ids import digest

PEOPLE = ("driver", "owner", "passenger", "third_party", "witness", "claimant", "insured")
LEAST = 3
"""Accidents of a knot: one crash that insurers know by two numbers is no knot."""
HUB = 50
"""A person in more accidents than this is a fleet or a placeholder."""


def blocks(edges: ir.Table, entities: ir.Table) -> tuple[ir.Table, ir.Table]:
    """Accident blocks of at least two accidents and two persons.

    Parameters
    ----------
    edges : ibis Table
        As :func:`pipelines.graph.edges.edges` returns them.
    entities : ibis Table
        For families and exemptions.

    Returns
    -------
    blocks : ibis Table
        block_id, n_persons, n_events, n_families, n_again (pairs of persons of different families in two or more of its accidents).
    members : ibis Table
        block_id, entity_id, role: ``person``, or ``event`` with the event's id.
    """
    frame = _core(_participations(edges, entities).to_pandas())
    graph: nx.Graph[str] = nx.Graph()
    graph.add_edges_from(zip("p" + frame.entity_id, "e" + frame.event_id, strict=True))
    parts = [sorted(b) for b in nx.biconnected_components(graph) if len(b) > 3]
    members = pd.DataFrame([(digest(*b), n) for b in parts for n in b], columns=["block_id", "node"], dtype="str")
    families = frame.drop_duplicates("entity_id").set_index("entity_id").family_id
    named = members.assign(role=members.node.str[:1], entity_id=members.node.str[1:])
    return _tables(named, families, _again(named, frame))


def knots(edges: ir.Table, entities: ir.Table, members: ir.Table) -> pd.DataFrame:
    """What a few people did again and again within blocks that chance meetings have tied together.

    Two accidents of a block that two strangers were both in are one knot. In a large book everybody who crashed twice ends in one long
    block, those who stage accidents as well; two strangers in two accidents are rare by chance, and a chain of such rarer still.

    Parameters
    ----------
    edges, entities : ibis Table
        As for :func:`blocks`.
    members : ibis Table
        block_id, entity_id, role: the blocks to look into.

    Returns
    -------
    DataFrame
        knot, entity_id, role, family_id: its accidents (``event``, no family), and the persons who were in two of them; knots of ``LEAST``
        accidents or more. Cost: one join with the edges; the rest grows with the blocks.
    """
    people, events = (members.filter(members.role == r).select("block_id", "entity_id") for r in ("person", "event"))
    inside = _motor(edges).inner_join(people, "entity_id").inner_join(events.rename(event_id="entity_id"), ["block_id", "event_id"])
    frame = inside.inner_join(entities.select("entity_id", "family_id"), "entity_id").to_pandas()
    by = ["block_id", "entity_id", "entity_id_b"]
    met = _met(frame).sort_values([*by, "event_id"])
    follow = met.assign(before=met.groupby(by).event_id.shift()).dropna(subset=["before"])
    graph: nx.Graph[tuple[str, str]] = nx.Graph()
    graph.add_edges_from(((b, one), (b, other)) for b, one, other in zip(follow.block_id, follow.before, follow.event_id, strict=True))
    parts = [sorted(part) for part in nx.connected_components(graph) if len(part) >= LEAST]
    rows = [(digest(*(e for _, e in part)), *place) for part in parts for place in part]
    of = pd.DataFrame(rows, columns=["knot", "block_id", "event_id"], dtype="str")
    there = frame.merge(of, on=["block_id", "event_id"]).groupby(["knot", "entity_id", "family_id"]).event_id.nunique()
    often = there[there > 1].reset_index()[["knot", "entity_id", "family_id"]].assign(role="person")
    found: pd.DataFrame = pd.concat([of.drop(columns="block_id").rename(columns={"event_id": "entity_id"}).assign(role="event"), often])
    return found


def _participations(edges: ir.Table, entities: ir.Table) -> ir.Table:
    """Persons in at least two motor accidents, one row per accident."""
    people = entities.filter(entities.kind == "person", ~entities.exempt).select("entity_id", "family_id")
    motor = _motor(edges)
    counted = motor.mutate(accidents=motor.event_id.count().over(group_by="entity_id"))
    return counted.filter(counted.accidents.between(2, HUB)).drop("accidents").inner_join(people, "entity_id")


def _motor(edges: ir.Table) -> ir.Table:
    """Who was in which motor accident: entity_id, event_id; distinct."""
    return edges.filter(edges.line == "motor", edges.role.isin(PEOPLE)).select("entity_id", "event_id").distinct()


def _core(frame: pd.DataFrame) -> pd.DataFrame:
    """What is left when persons and accidents with one connection are taken away until none is left: blocks lie within."""
    while len(frame):
        alone = frame.groupby("event_id").entity_id.transform("size").lt(2) | frame.groupby("entity_id").event_id.transform("size").lt(2)
        if not alone.any():
            break
        frame = frame[~alone]
    return frame.sort_values(["entity_id", "event_id"])


def _again(members: pd.DataFrame, frame: pd.DataFrame) -> pd.Series:
    """Pairs of persons of different families in two or more accidents of their block, by block."""
    people, events = (members.loc[members.role == r, ["block_id", "entity_id"]] for r in ("p", "e"))
    inside = people.merge(frame, on="entity_id").merge(events.rename(columns={"entity_id": "event_id"}), on=["block_id", "event_id"])
    met = _met(inside).groupby(["block_id", "entity_id", "entity_id_b"]).event_id.nunique()
    often: pd.Series = met[met > 1].groupby("block_id").size()
    return often


def _met(inside: pd.DataFrame) -> pd.DataFrame:
    """Pairs of persons of different families in one accident of their block: block_id, event_id, entity_id, entity_id_b."""
    pairs = inside.merge(inside, on=["block_id", "event_id"], suffixes=("", "_b"))
    strangers: pd.DataFrame = pairs[(pairs.entity_id < pairs.entity_id_b) & (pairs.family_id != pairs.family_id_b)]
    return strangers


def _tables(members: pd.DataFrame, families: pd.Series, again: pd.Series) -> tuple[ir.Table, ir.Table]:
    members = members.assign(role=members.role.map({"p": "person", "e": "event"}), family=members.entity_id.map(families))
    counts: dict[str, pd.Series] = {
        "n_persons": (members.role == "person").groupby(members.block_id).sum(),
        "n_events": (members.role == "event").groupby(members.block_id).sum(),
        "n_families": members.groupby("block_id").family.nunique(),
    }
    counts["n_again"] = again.reindex(counts["n_families"].index).fillna(0)
    ids = sorted(members.block_id.unique())
    numbers = {c: pa.array(np.asarray([v[i] for i in ids], dtype="int64")) for c, v in counts.items()}
    listed = members.sort_values(["block_id", "role", "entity_id"])
    columns = {c: pa.array(listed[c].tolist(), pa.string()) for c in ("block_id", "entity_id", "role")}
    return ibis.memtable(pa.table({"block_id": pa.array(ids, pa.string()), **numbers})), ibis.memtable(pa.table(columns))
