"""The fast graph against networkx on the same edges."""

from __future__ import annotations

import ibis
import networkx as nx
import numpy as np
import pandas as pd
import pytest

from pipelines.graph import neighbourhood, to_networkx
from pipelines.graph.blocks import blocks
from pipelines.graph.edges import edges, policy_edges
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


def test_no_blocks_without_crashes() -> None:
    frame = crashes(1).head(1)
    people = pd.DataFrame({"entity_id": ["person:1"], "kind": ["person"], "exempt": [False], "family_id": ["person:1"]})
    made, members = blocks(ibis.memtable(frame), ibis.memtable(people))
    assert (made.count().execute(), members.count().execute()) == (0, 0)


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
    assert all(set(d) == {"kind", "label"} for _, d in found.nodes(data=True))
    assert all(set(d) == {"role", "at", "amount", "weight"} for *_, d in found.edges(data=True))


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
