"""The fast graph against networkx on the same edges."""

from __future__ import annotations

import ibis
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from pipelines.config import Links
from pipelines.graph import neighbourhood, network, to_networkx
from pipelines.graph.blocks import LEAST, blocks, knots
from pipelines.graph.edges import edges, policy_edges
from pipelines.graph.links import validated
from pipelines.graph.pairs import PAIRS
from pipelines.resolve.components import components
from tests.parity.book import book


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_components(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pairs = pd.DataFrame(rng.integers(0, 400, (220, 2)), columns=["n", "root"])
    found = components(ibis.memtable(pairs)).to_pandas().set_index("n").root.to_dict()
    graph = nx.from_pandas_edgelist(pairs, "n", "root")
    expected = {node: min(c) for c in nx.connected_components(graph) for node in c if node != min(c)}
    assert found == expected


def crashes(seed: int) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    n = 260
    event = rng.integers(0, 110, n)
    return pd.DataFrame(
        {
            "claim_id": [f"A:c{e}" for e in event], "event_id": [f"A:c{e}" for e in event],
            "entity_id": [f"person:{p}" for p in rng.integers(0, 120, n)], "kind": "person", "role": "driver", "line": "motor",
        }
    )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_accident_blocks(seed: int) -> None:
    frame = crashes(seed)
    people = pd.DataFrame({"entity_id": sorted(frame.entity_id.unique()), "kind": "person", "exempt": False})
    made, members = blocks(ibis.memtable(frame), ibis.memtable(people.assign(family_id=people.entity_id)))
    found = {frozenset(g.entity_id) for _, g in members.to_pandas().groupby("block_id")}
    graph = nx.from_pandas_edgelist(frame, "entity_id", "event_id")
    expected = {frozenset(b) for b in nx.biconnected_components(graph) if len(b) > 3}
    assert expected and found == expected
    table = made.to_pandas()
    assert set(table.n_persons + table.n_events) == {len(b) for b in expected}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_knots_of_accidents_that_share_two_strangers(seed: int) -> None:
    again = [(f"A:c{e}", f"person:{p}") for e, crowd in enumerate(([1, 2, 3], [2, 3, 4], [3, 4, 1], [5, 6], [5, 6])) for p in crowd]
    staged = pd.DataFrame(again, columns=["event_id", "entity_id"]).assign(claim_id=lambda d: d.event_id, kind="person", role="driver")
    frame = pd.concat([crashes(seed), staged.assign(line="motor")], ignore_index=True)
    entities = pd.DataFrame({"entity_id": sorted(frame.entity_id.unique()), "kind": "person", "exempt": False})
    of = {p: "person:5" if p == "person:6" else p for p in entities.entity_id}
    people = ibis.memtable(entities.assign(family_id=entities.entity_id.map(of)))
    _, members = blocks(ibis.memtable(frame), people)
    found = knots(ibis.memtable(frame), people, members)
    blocked = [frozenset(g.entity_id) for _, g in members.to_pandas().groupby("block_id")]
    there = frame.groupby("event_id").entity_id.agg(set)
    expected = set()
    for block in blocked:
        graph: nx.Graph[str] = nx.Graph()
        inside = {e: there[e] & block for e in block if e in there.index}
        for a in inside:
            for b in inside:
                both = inside[a] & inside[b]
                if a < b and len({of[p] for p in both}) > 1:
                    graph.add_edge(a, b)
        for part in nx.connected_components(graph):
            if len(part) >= LEAST:
                often = {p for p in block if sum(p in inside[e] for e in part) > 1}
                expected.add((frozenset(part), frozenset(often)))
    sides = [(g[g.role == "event"], g[g.role == "person"]) for _, g in found.groupby("knot")]
    assert expected and {(frozenset(e.entity_id), frozenset(p.entity_id)) for e, p in sides} == expected


def test_no_blocks_without_crashes() -> None:
    frame = crashes(1).head(1)
    people = pd.DataFrame({"entity_id": ["person:1"], "kind": ["person"], "exempt": [False], "family_id": ["person:1"]})
    made, members = blocks(ibis.memtable(frame), ibis.memtable(people))
    assert (made.count().execute(), members.count().execute()) == (0, 0)


@pytest.mark.parametrize("seed", [1, 2])
def test_common_households_are_the_bipartite_projection(seed: int) -> None:
    """Households in common of agent and hospital, and of two persons accidents: weighted projections of their bipartite graphs."""
    rng = np.random.default_rng(seed)
    n = 400
    frame = pd.DataFrame({"claim_id": [f"A:{i}" for i in range(n)], "line": "motor", "event_id": [f"e{i}" for i in range(n)]})
    two = rng.integers(0, 25, (n, 2))
    roles = pd.DataFrame({"claim_id": [*frame.claim_id] * 2, "entity_id": [f"person:{p}" for p in two.T.ravel()], "role": "driver"})
    found = accidents_of(frame, roles)
    graph = nx.Graph(zip(roles.entity_id, "e:" + roles.claim_id, strict=True))
    projected = nx.bipartite.weighted_projected_graph(graph, [p for p in graph if p.startswith("person:")])
    expected = {frozenset((a, b)): w for a, b, w in projected.edges(data="weight") if w >= 3}
    assert expected and found == expected


def accidents_of(frame: pd.DataFrame, roles: pd.DataFrame) -> dict[frozenset[str], int]:
    """Accidents in common, of all pairs of persons with three or more, whether chance explains them or not."""
    columns = ("owner_id", "insurer", "district", "home_district", "group_id", "family_id", "person_id", "hospital_district", "vehicle_id",
               "agent_id", "hospital_id", "doctor_id")  # fmt: skip
    full = frame.assign(**{c: pd.Series(None, index=frame.index, dtype="str") for c in columns}, amount=1.0)
    full["event_at"] = pd.Timestamp("2025-01-01") + pd.to_timedelta(full.index, unit="D")
    con = ibis.duckdb.connect()
    people = pd.DataFrame({"entity_id": sorted(roles.entity_id.unique()), "kind": "person", "exempt": False})
    people = people.assign(family_id=people.entity_id)
    for name, table in {"v": full, "r": roles, "p": people}.items():
        con.con.register(name, table)
    view = con.table("v").mutate(**{c: con.table("v")[c].cast("string") for c in columns})
    rules = Links(level=1e9, leasts={"person-person": 3}, disabled=tuple(p.name for p in PAIRS if p.b != "person"), listed=False)
    made = validated({"claim_view": view, "claim_roles": con.table("r"), "entities": con.table("p")}, rules)["links"].to_pandas()
    return {frozenset((a, b)): n for a, b, n in zip(made.a_id, made.b_id, made.n, strict=True)}


def whole() -> tuple[ibis.Table, nx.Graph]:
    table = edges(book().tables)
    frame = table.to_pandas()
    return table, nx.from_pandas_edgelist(frame, "claim_id", "entity_id")


def test_every_role_is_an_edge() -> None:
    frame = edges(book().tables).to_pandas()
    roles = book()["claim_roles"].to_pandas()
    assert set(zip(frame.claim_id, frame.entity_id, frame.role, strict=True)) >= set(
        zip(roles.claim_id, roles.entity_id, roles.role, strict=True)
    )
    assert not frame.duplicated(["claim_id", "entity_id", "role"]).any()
    assert (frame.kind == frame.entity_id.str.split(":").str[0]).all()


@pytest.mark.parametrize("hops", [1, 2, 3])
def test_neighbourhood_is_the_ego_graph(hops: int) -> None:
    table, graph = whole()
    subject = str(table.filter(table.role == "insured").entity_id.min().execute())
    found = to_networkx(subject, hops, table, most=100_000)
    ball = nx.single_source_shortest_path_length(graph, subject, cutoff=hops)
    inner = {n for n, d in ball.items() if d < hops}
    expected = {frozenset(e) for e in graph.edges if set(e) & inner}
    assert set(found.nodes) == set(ball)
    assert {frozenset(e[:2]) for e in found.edges} == expected
    assert all(set(d) == {"kind"} for _, d in found.nodes(data=True))
    assert all(set(d) == {"role", "first_at", "amount", "weight"} for *_, d in found.edges(data=True))


def test_the_network_holds_every_edge_once_and_names_kinds() -> None:
    tables = book().tables
    frame = network(tables).to_pandas()
    assert not frame.duplicated(["a_id", "b_id", "role"]).any()
    made, sold = edges(tables).to_pandas(), policy_edges(tables).to_pandas()
    triples = set(zip(frame.a_id, frame.b_id, frame.role, strict=True))
    assert triples >= set(zip(made.claim_id, made.entity_id, made.role, strict=True))
    assert triples >= set(zip(sold.policy_id, sold.entity_id, sold.role, strict=True))
    assert len(frame[frame.role == "event"]) == len(tables["claim_view"].claim_id.to_pandas())
    named = frame[~frame.b_kind.isin(["policy"])]
    assert (named.b_id.str.split(":").str[0] == named.b_kind).all()


def contacts(tables: dict[str, ibis.Table]) -> set[tuple[str, str]]:
    found = network(tables).filter(lambda t: t.role.isin(["phone", "account", "reporter_phone"])).to_pandas()
    return set(zip(found.a_id, found.b_id, strict=True))


def test_contacts_that_all_may_share_are_no_nodes() -> None:
    tables = book().tables
    con = tables["claim_view"].get_backend()
    people = tables["entities"].to_pandas().head(4).assign(phone=["hot", "hot", "own", "shop"], account=["a", "b", "b", None])
    people = people.assign(exempt=[False, False, False, True])
    con.con.register("few", people)
    con.con.register("listed", pd.DataFrame({"phone": ["hot", None], "account": [None, "a"]}))
    entities = con.table("few")
    view = tables["claim_view"].mutate(reporter_phone=ibis.literal("shop"))
    found = contacts({**tables, "entities": entities, "party_exemptions": con.table("listed"), "claim_view": view})
    ids = people.entity_id
    assert found == {(ids[2], "phone:own"), (ids[1], "account:b"), (ids[2], "account:b")}


def test_any_algorithm_of_networkx_applies() -> None:
    tables = book().tables
    table = network(tables)
    subject = str(edges(tables).entity_id.min().execute())
    found = to_networkx(subject, 2, table, most=200)
    assert nx.is_connected(found)
    assert nx.pagerank(nx.Graph(found))[subject] == max(nx.pagerank(nx.Graph(found)).values())
    assert {"claim", "event"} <= set(nx.get_node_attributes(found, "kind").values())


def test_nobody_has_no_neighbourhood() -> None:
    with pytest.raises(KeyError, match="no edge"):
        to_networkx("person:none", 1, whole()[0])


def test_neighbourhood_of_leads_is_capped_and_holds_its_claims() -> None:
    table, _ = whole()
    claims = table.select("claim_id").distinct().order_by("claim_id").limit(60).to_pandas().claim_id
    evidence = pd.DataFrame({"lead_id": ["l1"] * 50 + ["l2"] * 10, "claim_id": claims, "evidence_table": "claims", "evidence_key": claims})
    tables = {"edges": table, "policy_edges": policy_edges(book().tables), "policy_events": book()["policy_events"]}
    found = neighbourhood(ibis.memtable(evidence), tables, 30).to_pandas()
    assert found.groupby("lead_id").size().to_dict() == {"l1": 30, "l2": 20}
    assert set(found.a_id) <= set(claims) and set(found.a_kind) == {"claim"}
    assert set(found.columns) == {"lead_id", "a_id", "a_kind", "b_id", "b_kind", "role", "weight", "amount"}
