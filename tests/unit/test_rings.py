"""Rings: communities, what is measured, names that survive growth, and that a ring hangs on nothing that is not in it."""

from __future__ import annotations

from datetime import date
from functools import cache

import ibis
import networkx as nx
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.graph.communities import communities
from pipelines.graph.continuity import continued
from pipelines.graph.groups import of_rings
from pipelines.graph.measures import DECIMALS, held, proof, shape, significance
from pipelines.graph.membership import customers
from pipelines.graph.rings import SCHEMAS, rings
from pipelines.graph.standing import different, piles, unlikely

FIRST, SECOND, THIRD = date(2026, 1, 1), date(2026, 1, 2), date(2026, 1, 3)


def linked(*pairs: str) -> pd.DataFrame:
    return pd.DataFrame([(p[0], p[1], 1e-6) for p in pairs], columns=["a_id", "b_id", "p"])


def parts(links: pd.DataFrame) -> set[frozenset[str]]:
    found = communities(links)
    return {frozenset(g.entity_id) for _, g in found.groupby("community")}


def test_two_knots_on_one_thread_are_two_communities() -> None:
    knots = linked("ab", "ac", "ad", "bc", "bd", "cd", "ef", "eg", "eh", "fg", "fh", "gh", "de")
    assert parts(knots) == {frozenset("abcd"), frozenset("efgh")}


def test_a_small_component_stays_whole() -> None:
    assert parts(linked("ab", "bc", "xy")) == {frozenset("abc"), frozenset("xy")}


def test_no_links_no_communities() -> None:
    assert communities(linked()).empty


@given(st.permutations(range(13)), st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=12))
@settings(max_examples=25, deadline=None)
def test_the_order_of_links_and_what_is_elsewhere_change_no_community(order: list[int], others: list[tuple[int, int]]) -> None:
    knots = linked("ab", "ac", "ad", "bc", "bd", "cd", "ef", "eg", "eh", "fg", "fh", "gh", "de")
    rest = pd.DataFrame([(f"z{a}", f"z{b}", 1e-9) for a, b in others if a != b], columns=["a_id", "b_id", "p"])
    assert parts(pd.concat([knots.iloc[order], rest], ignore_index=True)) >= parts(knots)


@pytest.mark.parametrize(
    ("edges", "left"),
    [
        ([(0, 1), (1, 2), (2, 0)], 1.0),
        ([(0, 1), (1, 2)], 2 / 3),
        ([(0, 1), (1, 2), (2, 0), (2, 3), (3, 4), (4, 5), (5, 3)], 0.5),
    ],
)
def test_what_is_left_without_any_one_link(edges: list[tuple[int, int]], left: float) -> None:
    assert held(nx.Graph(edges)) == pytest.approx(left)


@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), min_size=1, max_size=16))
@settings(max_examples=60, deadline=None)
def test_held_is_the_worst_over_all_links(pairs: list[tuple[int, int]]) -> None:
    graph = nx.Graph([p for p in pairs if p[0] != p[1]])
    if not graph:
        return
    largest = max(nx.connected_components(graph), key=len)
    whole = graph.subgraph(largest).copy()
    left = [len(largest)]
    for edge in list(whole.edges):
        whole.remove_edge(*edge)
        left.append(max(map(len, nx.connected_components(whole))))
        whole.add_edge(*edge)
    assert held(graph) == round(min(left) / len(graph), DECIMALS)


def test_of_several_links_of_two_parties_the_one_that_chance_explains_least_is_their_proof() -> None:
    day = pd.Timestamp("2025-01-01")
    rows = [
        ("person:b", "garage:a", "owner", 4, 1e-6),
        ("garage:a", "person:b", "reporter", 9, 1e-4),
        ("person:x", "person:y", "person", 3, 0.0),
    ]
    links = pd.DataFrame(rows, columns=["a_id", "b_id", "b_kind", "n", "p"])
    found = proof(ibis.memtable(links.assign(expected=1.0, lift=links.n / 1.0, q=links.p, amount=1.0, first_at=day, last_at=day)))
    assert found[["a_id", "b_id", "unit", "met"]].to_numpy().tolist() == [
        ["garage:a", "person:b", "vehicle", 4],
        ["person:x", "person:y", "accident", 3],
    ]


def nodes(**kinds: str) -> pd.DataFrame:
    rows = [(n, k, "customer" if k == "person" else k, k == "garage", 1, True) for n, k in kinds.items()]
    return pd.DataFrame(rows, columns=["entity_id", "kind", "role", "core", "n_units", "member"])


def test_an_organisation_organises_before_people() -> None:
    star = pd.DataFrame([("p", "a"), ("p", "b"), ("p", "g"), ("g", "a")], columns=["a_id", "b_id"])
    assert shape(nodes(p="person", a="person", b="person", g="garage"), star).organiser == "g"
    assert shape(nodes(p="person", a="person", b="person"), star[star.b_id != "g"].head(2)).organiser == "p"


def test_whom_the_ring_is_about_organises_before_the_big_hospital() -> None:
    star = pd.DataFrame([("h", "a"), ("h", "b"), ("h", "g"), ("g", "a")], columns=["a_id", "b_id"])
    assert shape(nodes(h="hospital", a="person", b="person", g="garage"), star).organiser == "g"


def test_significance_counts_the_pairs_that_could_have_been_linked() -> None:
    assert np.isnan(significance(np.empty(0), 10))
    assert significance(np.array([0.01]), 1) == pytest.approx(0.01)
    assert significance(np.array([0.01]), 100) == pytest.approx(1 - 0.99**100)


def test_the_injured_are_an_experts_customers() -> None:
    rows = pd.DataFrame(
        [
            ("1", "o", "person", "insured"),
            ("1", "h", "person", "third_party"),
            ("1", "x", "proxy", "proxy"),
            ("2", "o", "person", "insured"),
        ],
        columns=["unit", "entity_id", "kind", "role"],
    )
    assert set(map(tuple, customers(rows).to_numpy())) == {("1", "h"), ("2", "o")}


# Names over nights.


def night(ledger: pd.DataFrame | None, when: date, **rings_of: str):  # type: ignore[no-untyped-def]
    people = pd.DataFrame([(r, e) for r, members in rings_of.items() for e in members], columns=["ring", "entity_id"])
    return continued(people, ledger, when)


def named(found) -> dict[str, str]:  # type: ignore[no-untyped-def]
    return dict(zip(found.rings.ring, found.rings.ring_id, strict=True))


def row(found, ring: str) -> pd.Series:  # type: ignore[no-untyped-def]
    return found.rings.set_index("ring").loc[ring]


def test_a_ring_that_grows_keeps_its_name_and_tells_its_new_members() -> None:
    first = night(None, FIRST, x="abcd")
    second = night(first.ledger, SECOND, y="abcdefg")
    third = night(second.ledger, THIRD, z="abcdefg")
    assert named(first)["x"] == named(second)["y"] == named(third)["z"]
    assert [row(f, r).new_members for f, r in ((first, "x"), (second, "y"), (third, "z"))] == [0, 3, 0]
    assert set(second.members.entity_id[second.members.new]) == set("efg")
    assert row(third, "z").first_seen == pd.Timestamp(FIRST)


def test_of_two_that_merge_the_older_name_stays() -> None:
    first = night(None, FIRST, x="abc")
    second = night(first.ledger, SECOND, x="abc", y="defgh")
    young = named(second)["y"]
    third = night(second.ledger, THIRD, m="abcdefghi")
    assert named(third) == {"m": named(first)["x"]}
    assert (row(third, "m").predecessors, row(third, "m").new_members) == (young, 1)
    assert young not in set(third.ledger.ring_id)


def test_of_two_halves_the_larger_keeps_the_name() -> None:
    first = night(None, FIRST, x="abcdefgh")
    second = night(first.ledger, SECOND, small="abc", large="defgh")
    assert named(second)["large"] == named(first)["x"]
    assert row(second, "small").predecessors == named(first)["x"]
    assert row(second, "small").first_seen == pd.Timestamp(SECOND)
    assert set(second.ledger.ring_id) == set(named(second).values())


def test_a_ring_that_is_away_for_a_night_comes_back_under_its_name() -> None:
    first = night(None, FIRST, x="abcd")
    second = night(first.ledger, SECOND, other="uvw")
    third = night(second.ledger, THIRD, again="abce")
    assert named(third)["again"] == named(first)["x"]


@pytest.mark.parametrize(
    ("piled", "around", "stands"), [("H01", "hospital", 1), ("M19", "person", 1), ("M19", "agent", 0), (None, "person", 0)]
)
def test_a_pile_stands_by_itself_if_grave_or_around_a_person(piled: str | None, around: str, stands: int) -> None:
    units = pd.DataFrame({"ring": ["r"], "group": ["g"], "piled": [piled]})
    assert len(piles(units, pd.DataFrame({"group": ["g"], "kind": [around]}))) == stands


@pytest.mark.parametrize(("k", "expected", "rings", "stands"), [(2, 0.06, 1, 1), (2, 0.06, 100, 0), (4, 0.06, 100, 1), (4, 3.0, 1, 0)])
def test_a_flag_on_a_ring_has_to_stand_out_from_all_rings(k: int, expected: float, rings: int, stands: int) -> None:
    units = pd.DataFrame({"ring": range(rings), "code": "S05", "piled": None})
    assert len(unlikely(pd.DataFrame({"ring": [0], "code": ["S03"], "k": [k], "expected": [expected]}), units, rings)) == stands


def test_many_rings_that_stand_out_do_not_hide_each_other() -> None:
    units = pd.DataFrame({"ring": range(100), "code": "S05", "piled": None})
    rows = pd.DataFrame({"ring": range(100), "code": "S03", "k": 2, "expected": 0.06})
    assert len(unlikely(rows, units, 100)) == 100


@pytest.mark.parametrize(
    ("made_by", "stands"), [("M10 M13", False), ("M13 A03", False), ("M13 M20", True), ("H16", True), ("M13 I02", True), ("M13", False)]
)
def test_a_shared_phone_and_a_shared_account_are_one_thing(made_by: str, stands: bool) -> None:
    assert different(set(made_by.split())) == stands


def test_a_letters_words_are_said_of_the_ring_made_of_letters_alone() -> None:
    """A ring of surrenders that holds the policy of one letter did not write it."""
    of = {"value": 3.0, "limit": 2.0, "detail": "x", "evidence_table": "policies"}
    findings = pd.DataFrame([{"code": "S01", "subject_kind": "ring", "subject_id": "text", "evidence_key": p, **of} for p in "abc"])
    claims = [("letters", "a", "S01"), ("letters", "b", "S02"), ("letters", "c", "S05"), ("surrenders", "b", "S05")]
    tables = {
        "policy_events": pd.DataFrame({"event_id": ["e"], "policy_id": ["none"], "at": [pd.Timestamp(FIRST)]}),
        "ring_claims": pd.DataFrame(claims, columns=["ring_id", "policy_id", "source"]),
    }
    named = of_rings(ibis.memtable(findings), {name: ibis.memtable(frame) for name, frame in tables.items()}).to_pandas()
    assert set(zip(named.subject_id, named.evidence_key, strict=True)) == {("letters", "a"), ("letters", "b")}


def test_two_strangers_who_share_one_member_are_two_rings() -> None:
    first = night(None, FIRST, x="abcd")
    assert named(night(first.ledger, SECOND, y="dxyz"))["y"] != named(first)["x"]


# A whole small book: two rings by red flags and links, and bystanders.


CLAIMS = [f"A:{k}{i}" for k in "uvw" for i in range(6)]
EDGES = [
    *((f"A:u{i}", "agent:u", "agent", "agent") for i in range(6)), *((f"A:u{i}", "hospital:u", "hospital", "hospital") for i in range(6)),
    *((f"A:v{i}", "garage:v", "garage", "garage") for i in range(6)),
    *((f"A:{k}{i}", f"person:{k}{i}", "person", "insured") for k in "uvw" for i in range(6)),
]  # fmt: skip


def world(extra: list[tuple[str, str, str, str]], dropped: int | None) -> dict[str, frozenset[str]]:
    """Members of every ring of the book with some edges more and one less."""
    members = night_of(extra, dropped)["ring_members"]
    return {str(ring): frozenset(part.entity_id) for ring, part in members.groupby("ring_id")}


def night_of(
    extra: list[tuple[str, str, str, str]], dropped: int | None, proven: tuple[str, ...] = ("person:none",)
) -> dict[str, pd.DataFrame]:
    """The tables of rings."""
    kept = [e for i, e in enumerate(EDGES) if i != dropped] + extra
    edges = pd.DataFrame(kept, columns=["claim_id", "entity_id", "kind", "role"]).drop_duplicates()
    people = edges[["entity_id", "kind"]].drop_duplicates("entity_id")
    tables = {
        "edges": edges.assign(line="health", event_id=edges.claim_id),
        "policy_edges": pd.DataFrame({"policy_id": ["none"], "entity_id": ["person:none"], "kind": ["person"], "role": ["holder"]}),
        "entities": people.assign(family_id=people.entity_id, exempt=False, phone=None, account=None, device_id=None).astype("string")
        .assign(exempt=False),
        "links": pd.DataFrame(
            {
                "a_id": ["agent:u"], "a_kind": ["agent"], "b_id": ["hospital:u"], "b_kind": ["hospital"], "n": [4], "expected": [0.5],
                "lift": [8.0], "p": [1e-9], "q": [1e-6], "amount": [400.0], "first_at": [pd.Timestamp("2025-03-01")],
                "last_at": [pd.Timestamp("2025-06-01")],
            }
        ),
        "link_claims": pd.DataFrame({"a_id": "agent:u", "b_id": "hospital:u", "claim_id": [f"A:u{i}" for i in range(6)]}),
        "blocks": pd.DataFrame({"block_id": ["0"], "n_persons": [0], "n_events": [0], "n_families": [0], "n_again": [0]}),
        "block_members": pd.DataFrame({"block_id": ["0"], "entity_id": ["person:none"], "role": ["person"]}),
        "findings": pd.DataFrame(
            {
                "code": "M09", "subject_kind": "garage", "subject_id": "garage:v", "value": 6.0, "limit": 3.0, "detail": "x",
                "evidence_table": "claims", "evidence_key": [f"A:v{i}" for i in range(6)],
            }
        ),
        "policy_events": pd.DataFrame({"event_id": ["e"], "policy_id": ["none"], "at": [pd.Timestamp(FIRST)]}),
        "outcomes": pd.DataFrame({"entity": proven, "verdict": "confirmed"}),
        "claim_view": pd.DataFrame(
            {
                "claim_id": CLAIMS, "event_id": CLAIMS, "line": "health", "amount": 100.0, "insurer": "A", "district": "500101",
                "hospital_district": "500101", "family_id": CLAIMS, "event_at": pd.Timestamp(FIRST), "reported_at": pd.Timestamp(FIRST),
                "admitted_on": pd.Timestamp(FIRST),
            }
        ),
        "policy_view": pd.DataFrame(
            {
                "policy_id": ["none"], "line": ["health"], "insurer": ["A"], "district": ["500101"], "sold_district": ["500101"],
                "surrender_amount": [0.0], "surrendered_on": [pd.Timestamp(FIRST)], "issued_on": [pd.Timestamp(FIRST)],
                "starts_on": [pd.Timestamp(FIRST)], "holder_family": ["none"], "insured_family": ["none"],
            }
        ),
    }  # fmt: skip
    connection = ibis.duckdb.connect()
    for name, frame in tables.items():
        connection.con.register(name, frame)
    found = rings({name: connection.table(name) for name in tables}, FIRST)
    assert set(found) == set(SCHEMAS)
    return {name: table.to_pandas() for name, table in found.items()}


@pytest.mark.parametrize(
    ("proven", "why"), [((), "none"), (("garage:v",), "none"), (("garage:v", "person:v0"), "proven"), (("person:v0", "A:v0"), "proven")]
)
def test_one_verdict_makes_no_lead_of_a_ring_and_two_do(proven: tuple[str, ...], why: str) -> None:
    found = night_of([], None, ("person:none", *proven))["rings"].set_index("made_by")
    assert found.why.to_dict() == {"link": "none", "M09": why}


@cache
def untouched() -> dict[str, frozenset[str]]:
    return world([], None)


def test_a_link_and_a_flag_make_two_rings() -> None:
    found = set(untouched().values())
    assert found == {
        frozenset({"agent:u", "hospital:u", *(f"person:u{i}" for i in range(6))}),
        frozenset({"garage:v", *(f"person:v{i}" for i in range(6))}),
    }


hubs = st.lists(st.sampled_from(CLAIMS), min_size=1, max_size=18, unique=True)


@given(hubs, st.sampled_from(["hospital", "reporter", "assessor"]), st.integers(0, len(EDGES) - 1) | st.none())
@settings(max_examples=10, deadline=None)
def test_an_edge_or_a_hub_changes_no_ring_that_does_not_contain_it(on: list[str], role: str, dropped: int | None) -> None:
    """The links held fixed: whoever is not on the changed claims' rings, nor a member with the hub, stays as and with whom he was."""
    before, after = untouched(), world([(c, "person:hub", "person", role) for c in on], dropped)
    gone = {EDGES[dropped][1]} if dropped is not None else set()
    touched = {"person:hub"} | gone
    for one, other in ((before, after), (after, before)):
        free = {members for members in one.values() if not members & touched}
        assert free <= {members - touched for members in other.values()} | set(other.values())
