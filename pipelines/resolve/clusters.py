"""From pairs to persons, without snowballing: what contradicts itself is built again from its strongest pair on. Pure and free of order."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date
from typing import cast

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

BRIDGE = 8.0
"""Bits that an edge needs beyond the weight it was accepted with where it alone holds two groups of two or more together."""

Pair = tuple[int, int]
Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Facts:
    """What the consistency rules look at, by node.

    Attributes
    ----------
    marks : list of list of str, or None
        Per column of which a person has one value (a valid id number, a licence) the value of each node; None where unknown.
    births : list of str, or None
        The birth date (YYYYMMDD) of each node.
    forbidden : dict of int to set of int
        Nodes that a person judged to be others.
    """

    marks: list[list[str | None]]
    births: list[str | None]
    forbidden: dict[int, set[int]] = field(default_factory=dict)


@dataclass
class Group:
    """Nodes that are one so far, and what is known of them."""

    nodes: set[int]
    marks: tuple[frozenset[str], ...]
    births: set[str]


def clusters(pairs: pa.Table, nodes: pa.Table, judgements: pa.Table | None = None, threshold: float = 5.0) -> pa.Table:
    """Assign every node to a cluster.

    Parameters
    ----------
    pairs : pyarrow Table
        Accepted pairs: party_l, party_r, weight (bits).
    nodes : pyarrow Table
        party_id, birth_date where there is one, and columns of which a person has one value (valid id numbers, licences); a row per record.
    judgements : pyarrow Table, optional
        party_l, party_r, verdict: ``same`` and ``not_same`` always win, of a pair with both the latter; every other word is undecided
        and ignored. ``same`` joins records that contradict each other, as a person said so.
    threshold : float
        Weight from which pairs were accepted; see ``BRIDGE``.

    Returns
    -------
    pyarrow Table
        party_id, cluster (the smallest party id in it), component (the smallest that pairs and words connect it to), sorted by party id.
        A function of the sets of rows, not of their order; and the clusters of a connected component depend on nothing outside it.
    """
    ordered = nodes.sort_by("party_id")
    names = ordered["party_id"].combine_chunks()
    same, apart = _judged(judgements, names)
    weights = _weighed(pairs, names, same, apart)
    labels = component_of(len(names), weights[:, :2].astype(np.int64))
    marks = [ordered[c].to_pylist() for c in ordered.column_names if c not in ("party_id", "birth_date")]
    facts = Facts(marks, _births(ordered), _symmetric(apart))
    result = labels.copy()
    for members, edges in _doubtful(labels, weights, facts):
        for group in _settled(members, edges, facts, threshold):
            result[sorted(group)] = min(group)
    return pa.table({"party_id": names, "cluster": names.take(pa.array(result)), "component": names.take(pa.array(labels))})


def _judged(judgements: pa.Table | None, names: pa.Array) -> tuple[set[Pair], set[Pair]]:
    """Pairs that are the same, and pairs that are not."""
    if judgements is None:
        return set(), set()
    verdicts = ("same", "not_same")
    same, apart = ({(int(a), int(b)) for a, b in places(judgements.filter(pc.equal(judgements["verdict"], v)), names)[0]} for v in verdicts)
    return same - apart, apart


def places(pairs: pa.Table, names: pa.Array) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Places of both ends, the smaller first, of pairs of two known nodes; and which rows those are."""
    found = [pc.index_in(pairs[c].cast(names.type), value_set=names).combine_chunks() for c in ("party_l", "party_r")]
    ends = np.sort(np.stack([f.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64) for f in found], axis=1), axis=1)
    known = (ends[:, 0] >= 0) & (ends[:, 0] != ends[:, 1])
    return ends[known], known


def _weighed(pairs: pa.Table, names: pa.Array, same: set[Pair], apart: set[Pair]) -> Floats:
    """Rows of node, node, weight: each pair once with its greatest weight; what was judged the same weighs infinitely."""
    ends, known = places(pairs, names)
    weight = pairs["weight"].to_numpy().astype(np.float64)[known]
    for judged, value in ((apart, -np.inf), (same, np.inf)):
        said = np.array(sorted(judged), dtype=np.int64).reshape(-1, 2)
        ends, weight = np.vstack([ends, said]), np.append(weight, np.full(len(said), value))
    order = np.lexsort((np.where(np.isinf(weight), -np.inf, -weight), ends[:, 1], ends[:, 0]))
    rows = np.column_stack([ends, weight])[order]
    first = np.ones(len(rows), dtype=bool)
    first[1:] = (rows[1:, :2] != rows[:-1, :2]).any(axis=1)
    kept: Floats = rows[first & (rows[:, 2] > -np.inf)]
    return kept


def _births(nodes: pa.Table) -> list[str | None]:
    """Eight digits: those of a resident id where there is one, as it checks itself; else the birth date. Organisations have none."""
    if "birth_date" not in nodes.column_names:
        return [None] * len(nodes)
    births = pc.replace_substring(pc.utf8_slice_codeunits(nodes["birth_date"].cast(pa.string()), 0, 10), "-", "")
    said = pc.and_(births.is_valid(), pc.fill_null(pc.match_substring_regex(nodes["id_number"], r"^\d{17}[\dX]$"), False))
    found: list[str | None] = pc.if_else(said, pc.utf8_slice_codeunits(nodes["id_number"], 6, 14), births).to_pylist()
    return found


def _symmetric(pairs: Iterable[Pair]) -> dict[int, set[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for a, b in pairs:
        found[a].add(b)
        found[b].add(a)
    return dict(found)


def component_of(size: int, ends: Ints) -> Ints:
    """The smallest node of each node's component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(ends), dtype=np.int8), (ends[:, 0], ends[:, 1])), shape=(size, size))
    labels = connected_components(graph, directed=False)[1] if size else np.empty(0, dtype=np.int64)
    first: Ints = np.unique(labels, return_index=True)[1][labels]
    return first


def _doubtful(labels: Ints, weights: Floats, facts: Facts) -> list[tuple[set[int], dict[Pair, float]]]:
    """Components of four records or more, or that may contradict themselves: nodes and edges of each."""
    several = np.bincount(labels, minlength=len(labels)) > 3
    for values in (*facts.marks, facts.births):
        several |= _contradicting(labels, values)
    several[labels[sorted(facts.forbidden)]] = True
    inside = several[labels]
    nodes = np.flatnonzero(inside)
    rows = weights[inside[weights[:, 0].astype(np.int64)]]
    members: dict[int, set[int]] = defaultdict(set)
    edges: dict[int, dict[Pair, float]] = defaultdict(dict)
    for node, root in zip(nodes.tolist(), labels[nodes].tolist(), strict=True):
        members[root].add(node)
    for a, b, weight in rows.tolist():
        edges[int(labels[int(a)])][int(a), int(b)] = weight
    return [(members[root], edges[root]) for root in sorted(edges)]


def _contradicting(labels: Ints, values: list[str | None]) -> npt.NDArray[np.bool_]:
    """By the smallest node of a component: whether two of its nodes have different values."""
    codes = pc.dictionary_encode(pa.array(values, pa.string())).indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    known = codes >= 0
    least, most = np.full(len(labels), len(labels)), np.full(len(labels), -1)
    np.minimum.at(least, labels[known], codes[known])
    np.maximum.at(most, labels[known], codes[known])
    found: npt.NDArray[np.bool_] = most > least
    return found


def _settled(members: set[int], edges: dict[Pair, float], facts: Facts, threshold: float) -> list[set[int]]:
    """The persons of one component: whole where it is consistent, weak bridges cut first; else rebuilt."""
    weak = _weak_bridges(members, edges, threshold + BRIDGE)
    kept = {p: w for p, w in edges.items() if p not in weak}
    found: list[set[int]] = []
    for part in _parts(members, kept) if weak else [members]:
        if _consistent(_grouped(part, facts), facts):
            found.append(part)
        else:
            found += _rebuilt(part, {p: w for p, w in kept.items() if p[0] in part}, facts)
    return found


def _weak_bridges(members: set[int], edges: dict[Pair, float], needed: float) -> set[Pair]:
    """Edges below what is ``needed`` whose removal leaves two groups of two or more."""
    import networkx as nx

    if len(members) < 4 or min(edges.values()) >= needed:
        return set()
    graph = nx.Graph(list(edges))
    bridges = [(min(ends), max(ends)) for ends in cast("Iterable[Pair]", nx.bridges(graph))]
    return {(a, b) for a, b in bridges if edges[a, b] < needed and min(graph.degree[a], graph.degree[b]) > 1}


def _parts(members: set[int], edges: Iterable[Pair]) -> list[set[int]]:
    """Connected components of what is left."""
    import networkx as nx

    graph = nx.Graph(list(edges))
    graph.add_nodes_from(members)
    return sorted((set(part) for part in nx.connected_components(graph)), key=min)


def _rebuilt(members: set[int], edges: dict[Pair, float], facts: Facts) -> list[set[int]]:
    """Greedily, by descending weight, every union checked; what a person judged the same comes first, checked for ``not_same`` only."""
    groups = {node: _grouped({node}, facts) for node in members}
    for (left, right), weight in sorted(edges.items(), key=lambda edge: (-edge[1], edge[0])):
        one, other = groups[left], groups[right]
        if one is other:
            continue
        marks = tuple(a | b for a, b in zip(one.marks, other.marks, strict=True))
        union = Group(one.nodes | other.nodes, marks, one.births | other.births)
        if _allowed(union, facts) and (weight == np.inf or _fits(union, (one, other))):
            groups |= dict.fromkeys(union.nodes, union)
    return [group.nodes for node, group in sorted(groups.items()) if node == min(group.nodes)]


def _grouped(nodes: set[int], facts: Facts) -> Group:
    *marks, births = (frozenset(filter(None, (values[n] for n in nodes))) for values in (*facts.marks, facts.births))
    return Group(nodes, tuple(marks), set(births))


def _allowed(group: Group, facts: Facts) -> bool:
    """Whether nobody judged two of its records to be two persons."""
    return not any(facts.forbidden.get(node, set()) & group.nodes for node in group.nodes)


def _consistent(group: Group, facts: Facts) -> bool:
    """At most one value of each mark, one birth date apart from typing errors, and no pair judged to be two persons."""
    return all(len(values) <= 1 for values in group.marks) and _one_birth(group.births) and _allowed(group, facts)


def _fits(union: Group, halves: tuple[Group, Group]) -> bool:
    """Whether the union contradicts itself no more than one half does already, as a person said that it may."""
    alike = (len(values) <= 1 or any(values == half.marks[i] for half in halves) for i, values in enumerate(union.marks))
    return all(alike) and (_one_birth(union.births) or any(union.births == half.births for half in halves))


def _one_birth(births: set[str]) -> bool:
    """Whether the dates are spellings of one: each a slip away from the same one of them."""
    return len(births) <= 1 or any(all(a == b or _slip(a, b) for b in births) for a in births)


def _slip(a: str, b: str) -> bool:
    """Day and month swapped, or one or two digits apart, or the day before or after."""
    swapped = a[:4] == b[:4] and (a[4:6], a[6:]) == (b[6:], b[4:6])
    days = abs((date.fromisoformat(a) - date.fromisoformat(b)).days)
    return swapped or days <= 1 or sum(x != y for x, y in zip(a, b, strict=True)) <= 2
