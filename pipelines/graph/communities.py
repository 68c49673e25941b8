"""Communities of the validated graph: parties that validated links join more densely than the rest of their own component.

Louvain (Blondel, Guillaume, Lambiotte and Lefebvre 2008, J. Stat. Mech. P10008), per component: modularity of the whole graph has a
resolution limit that depends on its total weight (Fortunato and Barthelemy 2007, PNAS 104), so a link at one end of the city would
change who is together at the other.
"""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd

SEED = 1
WHOLE = 4
"""A component of so few parties is not taken apart."""
MOST = 300.0
"""Weight of a link, -log10 p, is never more: the p of a doctor and his own hospital's agent may be nought."""


def communities(links: pd.DataFrame) -> pd.DataFrame:
    """Which community each linked party is in.

    Parameters
    ----------
    links : DataFrame
        a_id, b_id, p of the validated links. Their order plays no part.

    Returns
    -------
    DataFrame
        community (the least id of its parties), entity_id; each party is in exactly one.
    """
    ids = np.unique(links[["a_id", "b_id"]].to_numpy(dtype=str))
    place = pd.Series(np.arange(len(ids)), index=ids)
    ends = np.sort(np.column_stack([place[links.a_id], place[links.b_id]]), axis=1) if len(links) else np.empty((0, 2), dtype=int)
    weight = np.clip(-np.log10(np.maximum(links.p.to_numpy(dtype=float), 10.0**-MOST)), 1.0, MOST)
    joined = pd.DataFrame({"a": ends[:, 0], "b": ends[:, 1], "w": weight.round(6)}).groupby(["a", "b"], as_index=False).w.sum()
    graph: nx.Graph[int] = nx.Graph()
    # Numbers in order, not texts: what a set of texts gives first differs from process to process.
    graph.add_nodes_from(range(len(ids)))
    graph.add_weighted_edges_from(zip(joined.a.tolist(), joined.b.tolist(), joined.w.tolist(), strict=True))
    parts = [part for component in nx.connected_components(graph) for part in _parts(graph, sorted(component))]
    rows = [(ids[min(part)], ids[node]) for part in parts for node in sorted(part)]
    return pd.DataFrame(rows, columns=["community", "entity_id"], dtype="str").sort_values(["community", "entity_id"], ignore_index=True)


def _parts(graph: nx.Graph[int], component: list[int]) -> list[set[int]]:
    if len(component) <= WHOLE:
        return [set(component)]
    own: nx.Graph[int] = nx.Graph()
    own.add_nodes_from(component)
    own.add_weighted_edges_from(sorted((*sorted((a, b)), d["weight"]) for a, b, d in graph.edges(component, data=True)))
    found: list[set[int]] = nx.community.louvain_communities(own, seed=SEED)
    return found
