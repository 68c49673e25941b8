"""Clusters: what is consistent stays whole, what contradicts itself is taken apart, a person's word wins, order means nothing."""

from __future__ import annotations

import random
from typing import Any

import networkx as nx
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.resolve.clusters import clusters

NODE = pa.schema([("party_id", pa.string()), ("id_number", pa.string()), ("birth_date", pa.string())])
PAIR = pa.schema([("party_l", pa.string()), ("party_r", pa.string()), ("weight", pa.float64())])
SAID = pa.schema([("party_l", pa.string()), ("party_r", pa.string()), ("verdict", pa.string())])
Rows = list[tuple[Any, ...]]


def table(rows: Rows, schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in rows], schema=schema)


def found(pairs: Rows, nodes: Rows, judgements: Rows | None = None) -> dict[str, str]:
    said = None if judgements is None else table(judgements, SAID)
    result = clusters(table(pairs, PAIR), table(nodes, NODE), said)
    return dict(zip(result["party_id"].to_pylist(), result["cluster"].to_pylist(), strict=True))


def groups(pairs: Rows, nodes: Rows, judgements: Rows | None = None) -> list[str]:
    """Clusters as sorted words of their nodes."""
    members: dict[str, str] = {}
    for node, cluster in sorted(found(pairs, nodes, judgements).items()):
        members[cluster] = members.get(cluster, "") + node
    return sorted(members.values())


def plain(names: str, **ids: str) -> Rows:
    return [(n, ids.get(n), None) for n in names]


def test_a_consistent_component_is_one_person_named_after_its_smallest_party() -> None:
    assert found([("c", "b", 9.0), ("b", "a", 9.0)], plain("abcd", a="1", c="1")) == {"a": "a", "b": "a", "c": "a", "d": "d"}


def test_two_ids_are_two_persons_and_the_weaker_pair_gives_way() -> None:
    assert groups([("a", "b", 20.0), ("b", "c", 9.0)], plain("abc", a="1", c="2")) == ["ab", "c"]


def test_two_births_are_two_persons_unless_it_was_a_slip() -> None:
    nodes = [("a", None, "1980-03-12"), ("b", None, None), ("c", None, "1991-11-27"), ("d", None, "1980-12-03")]
    assert groups([("a", "b", 20.0), ("b", "c", 9.0)], nodes) == ["ab", "c", "d"]
    assert groups([("a", "b", 20.0), ("b", "d", 9.0)], nodes) == ["abd", "c"]


def test_a_resident_id_says_the_birth_date_better_than_the_date_written() -> None:
    number = "500101198003120017"
    assert groups([("a", "b", 20.0)], [("a", number, "1980-03-12"), ("b", number, "1999-12-31")]) == ["ab"]


def test_a_chain_of_slips_is_no_birth_date() -> None:
    nodes = [("a", None, "1980-01-01"), ("b", None, "1981-02-01"), ("c", None, "1981-03-11"), ("d", None, "1991-03-12")]
    assert groups([("a", "b", 9.0), ("b", "c", 8.0), ("c", "d", 7.0)], nodes) != ["abcd"]


SQUARES = [("a", "b", 20.0), ("b", "c", 20.0), ("a", "c", 20.0), ("d", "e", 20.0), ("e", "f", 20.0), ("d", "f", 20.0)]


@pytest.mark.parametrize(("weight", "expected"), [(6.0, ["abc", "def"]), (14.0, ["abcdef"])])
def test_a_bridge_between_two_groups_needs_more(weight: float, expected: list[str]) -> None:
    assert groups([*SQUARES, ("c", "d", weight)], plain("abcdef")) == expected


def test_weak_bridges_are_looked_for_once_in_a_component(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    search = nx.bridges
    monkeypatch.setattr(nx, "bridges", lambda graph: asked.append(len(graph)) or search(graph))
    assert groups([*SQUARES, ("c", "d", 6.0)], plain("abcdef", a="1", f="2")) == ["abc", "def"]
    assert asked == [6]


def test_two_weak_ways_are_no_bridge_and_a_leaf_is_none() -> None:
    assert groups([*SQUARES, ("c", "d", 6.0), ("a", "f", 6.0), ("f", "g", 6.0)], plain("abcdefg")) == ["abcdefg"]


def test_judgements_win() -> None:
    nodes = plain("abc", a="1", b="2", c="1")
    assert groups([("a", "c", 30.0)], nodes, [("a", "c", "not_same")]) == ["a", "b", "c"]
    assert groups([], nodes, [("b", "a", "same")]) == ["ab", "c"]
    assert groups([("a", "c", 30.0)], nodes, [("b", "a", "same")]) == ["abc"]
    assert groups([], nodes, [("b", "a", "same"), ("a", "b", "not_same"), ("a", "c", "undecided")]) == ["a", "b", "c"]


def test_not_the_same_holds_through_third_records_too() -> None:
    assert groups([("a", "b", 20.0), ("b", "c", 9.0)], plain("abc"), [("a", "c", "not_same")]) == ["ab", "c"]


def test_unknown_parties_and_empty_tables_do_no_harm() -> None:
    assert groups([("a", "z", 20.0), ("a", "a", 20.0)], plain("ab"), [("y", "a", "same")]) == ["a", "b"]
    assert groups([], []) == []


NAMES = [f"{i:02d}" for i in range(14)]
ends = st.tuples(st.sampled_from(NAMES), st.sampled_from(NAMES))
some_pairs = st.lists(st.tuples(ends, st.sampled_from([5.5, 8.0, 12.0, 14.0, 30.0])), max_size=30)
some_nodes = st.lists(
    st.tuples(st.sampled_from([None, None, "1", "2"]), st.sampled_from([None, "1980-03-12", "1980-12-03", "1999-01-31"])),
    min_size=len(NAMES),
    max_size=len(NAMES),
)
some_words = st.lists(st.tuples(ends, st.sampled_from(["same", "not_same", "undecided"])), max_size=4)


def rows(pairs: Any) -> Rows:
    return [(a, b, value) for (a, b), value in pairs]


@settings(max_examples=150, deadline=None)
@given(some_pairs, some_nodes, some_words, st.randoms(use_true_random=False))
def test_order_means_nothing(pairs: Any, facts: Any, words: Any, chance: random.Random) -> None:
    nodes: Rows = [(n, *fact) for n, fact in zip(NAMES, facts, strict=True)]
    first = found(rows(pairs), nodes, rows(words))
    turned = [((b, a), w) if chance.random() < 0.5 else ((a, b), w) for (a, b), w in chance.sample(pairs, len(pairs))]
    again = found(rows(turned), chance.sample(nodes, len(nodes)), rows(chance.sample(words, len(words))))
    assert again == first


@settings(max_examples=150, deadline=None)
@given(some_pairs, some_nodes, some_words)
def test_a_component_depends_on_nothing_outside_it(pairs: Any, facts: Any, words: Any) -> None:
    nodes: Rows = [(n, *fact) for n, fact in zip(NAMES, facts, strict=True)]
    every = found(rows(pairs), nodes, rows(words))
    joined = {n: n for n in NAMES}
    for (a, b), _ in [*pairs, *words]:
        old, new = joined[a], joined[b]
        joined = {n: new if root == old else root for n, root in joined.items()}
    here = {n for n in NAMES if joined[n] == joined[NAMES[0]]}
    local = found([r for r in rows(pairs) if r[0] in here], [n for n in nodes if n[0] in here], [w for w in rows(words) if w[0] in here])
    assert local == {n: c for n, c in every.items() if n in here}


@settings(max_examples=150, deadline=None)
@given(some_pairs, some_nodes, some_words)
def test_judgements_and_ids_hold(pairs: Any, facts: Any, words: Any) -> None:
    nodes: Rows = [(n, *fact) for n, fact in zip(NAMES, facts, strict=True)]
    result = found(rows(pairs), nodes, rows(words))
    apart = {frozenset(p) for p, word in words if word == "not_same" and p[0] != p[1]}
    assert all(len({result[n] for n in pair}) == 2 for pair in apart)
    if not any(word == "same" for _, word in words):
        for cluster in set(result.values()):
            assert len({f[0] for n, f in zip(NAMES, facts, strict=True) if result[n] == cluster} - {None}) <= 1
