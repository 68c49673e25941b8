"""What is measured on a ring's own small graph: density, what holds it together, who organises it, and how improbable it is."""

from __future__ import annotations

from typing import Any, NamedTuple

import ibis.expr.types as ir
import networkx as nx
import numpy as np
import pandas as pd

EXACT = 200
"""Betweenness of a larger ring is estimated from so many of its nodes."""
SEED = 1
TRADES = frozenset(
    {"agent", "agency", "hospital", "doctor", "garage", "employer", "appraiser", "assessor", "lawyer", "proxy", "shop", "surveyor"}
)
SELLERS = ("agent", "agency", "proxy")
DECIMALS = 6
PROOF = ("met", "expected", "lift", "p", "q", "amount")
"""What a validated link says of itself: how often the two met, and what chance gives."""
MEETINGS = {"owner": "vehicle", "person": "accident"}
"""What is counted once of a link, by the second kind of its pair; of all others it is households."""


class Shape(NamedTuple):
    """Density (share of possible pairs), held (see :func:`held`), organiser, betweenness by entity."""

    density: float
    held: float
    organiser: str
    between: dict[str, float]


def shape(nodes: pd.DataFrame, edges: pd.DataFrame) -> Shape:
    """Measures of one ring.

    Parameters
    ----------
    nodes : DataFrame
        entity_id, kind, role, core, n_units, member (False for a shared phone, account or device).
    edges : DataFrame
        a_id, b_id.
    """
    names = sorted(nodes.entity_id)
    place = {name: number for number, name in enumerate(names)}
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(names)))
    graph.add_edges_from(sorted((place[a], place[b]) for a, b in zip(edges.a_id, edges.b_id, strict=True)))
    between = nx.betweenness_centrality(graph, k=EXACT if len(names) > EXACT else None, seed=SEED)
    rounded = {name: round(between[place[name]], DECIMALS) for name in names}
    cut = {names[n] for n in nx.articulation_points(graph)}
    density = round(nx.density(graph), DECIMALS)
    return Shape(density, held(graph), _organiser(nodes, rounded, cut), rounded)


def held(graph: nx.Graph[int]) -> float:
    """Share of the ring left together whichever one link is dropped: 1 if no link is alone in holding it.

    A ring of two halves with one false link between them has one half left.
    """
    size = graph.number_of_nodes()
    if size == 0:
        return 0.0
    largest = max(nx.connected_components(graph), key=len)
    whole = graph.subgraph(largest)
    tree = nx.dfs_tree(whole, min(largest))
    below = dict.fromkeys(tree, 1)
    for node in nx.dfs_postorder_nodes(tree, min(largest)):
        below[node] += sum(below[child] for child in tree[node])
    bridges: list[Any] = list(nx.bridges(whole))
    cuts = [below[b] if tree.has_edge(a, b) else below[a] for a, b in bridges]
    lost = max((min(c, len(largest) - c) for c in cuts), default=0)
    return round((len(largest) - lost) / size, DECIMALS)


def _organiser(nodes: pd.DataFrame, between: dict[str, float], cut: set[str]) -> str:
    """Whom the ring is about and who sells, then who serves on its claims, people, customers last; of these who holds it together."""
    known = nodes[nodes.member]
    trade = known.kind.isin(TRADES)
    first = trade & (known.core | known.kind.isin(SELLERS))
    ranks = pd.DataFrame(
        {
            "entity_id": known.entity_id,
            "tier": np.select([first, trade, known.role != "customer"], [0, 1, 2], 3),
            "cut": ~known.entity_id.isin(cut),
            "between": -known.entity_id.map(between),
            "units": -known.n_units,
        }
    )
    return str(ranks.sort_values(["tier", "cut", "between", "units", "entity_id"]).entity_id.iloc[0])


def significance(p: np.ndarray, possible: int) -> float:
    """Chance that so many of the possible pairs of a group are linked at least as strongly: P(X >= k) for X binomial.

    Parameters
    ----------
    p : ndarray, shape (k,)
        The one-sided p of its validated links.
    possible : int
        Pairs of its parties that could have been linked, k or more.

    Returns
    -------
    float
        Nan without links: other groups have no null model of their own.
    """
    from scipy.special import betainc

    if len(p) == 0:
        return float("nan")
    return float(betainc(len(p), max(possible, len(p)) - len(p) + 1, float(np.max(p))))


def proof(links: ir.Table) -> pd.DataFrame:
    """What makes a pair of parties a validated link, the ends in order; of several kinds of link the one that chance explains least."""
    rows: pd.DataFrame = links.rename(met="n", unit="b_kind").select("a_id", "b_id", "unit", *PROOF, "first_at", "last_at").to_pandas()
    rows[["a_id", "b_id"]] = np.sort(rows[["a_id", "b_id"]].to_numpy(dtype=str), axis=1) if len(rows) else rows[["a_id", "b_id"]]
    ordered = rows.sort_values(["a_id", "b_id", "p", "lift", "unit"], ascending=[True, True, True, False, True])
    return ordered.drop_duplicates(["a_id", "b_id"]).assign(unit=lambda t: t.unit.map(MEETINGS).fillna("household"))
