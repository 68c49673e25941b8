"""What a picture draws of a neighbourhood: the graph, its claims taken out where they are many, like parties put into one box."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TypeAlias

import networkx as nx
import pandas as pd

from pipelines.report.messages import BLANK, plain

LANES = {
    "sell": ("agent", "agency", "employer", "shop", "product", "station"),
    "people": ("person", "party", "other"),
    "records": ("claim", "event", "policy"),
    "things": ("vehicle", "object", "livestock_lot", "account", "phone", "device", "ring"),
    "provide": ("hospital", "doctor", "garage", "surveyor", "appraiser", "assessor", "lawyer", "proxy"),
}
BOX_DOTS, BOX_FROM = 24, 3
RECORDS = ("claim", "policy")
MANY_RECORDS = 6
"""Above this many claims and policies, a picture shows who shares them instead of each of them."""

Graph: TypeAlias = "nx.Graph[str]"
Joined: TypeAlias = dict[tuple[str, str], tuple[float, str]]


def lane(kind: str) -> str:
    """Which lane a kind stands in."""
    return next((name for name, kinds in LANES.items() if kind in kinds), "things")


@dataclass
class Unit:
    """What is drawn once: a node, or a box of nodes with the same connections."""

    key: str
    kind: str
    members: tuple[str, ...]
    subject: bool = False
    x: float = 0.0
    y: float = 0.0
    height: float = field(init=False)

    def __post_init__(self) -> None:
        self.height = 20.0 if len(self.members) == 1 else 26.0 + 10.0 * ((min(len(self.members), BOX_DOTS) + 7) // 8)

    @property
    def lane(self) -> str:
        """Which lane the kind stands in."""
        return lane(self.kind)

    @property
    def middle(self) -> float:
        """Vertical centre, px."""
        return self.y + self.height / 2


def connected(edges: pd.DataFrame, subject_id: str) -> Graph:
    """The neighbourhood as a graph without parallel edges; many claims are replaced by what their parties share.

    Parameters
    ----------
    edges : DataFrame
        ``a_id, a_kind, b_id, b_kind, role, weight``.
    subject_id : str
        Is kept whatever its kind.

    Returns
    -------
    networkx.Graph
        Nodes have ``kind``, edges ``role`` (several joined by ``|``) and ``weight`` (claims and policies in common).
    """
    graph = _graph(edges)
    records = [n for n in graph if graph.nodes[n]["kind"] in RECORDS]
    many = len(records) > MANY_RECORDS and subject_id not in records
    return _projected(graph, records, subject_id) if many else graph


def _graph(edges: pd.DataFrame) -> Graph:
    """A few hundred edges at most, so a plain walk beats any grouping."""
    whole = edges.dropna(subset=["a_id", "b_id"]).sort_values(["a_id", "b_id", "role"], kind="stable")
    graph: Graph = nx.Graph()
    columns = [whole[name].tolist() for name in ("a_id", "a_kind", "b_id", "b_kind", "role", "weight")]
    for a, a_kind, b, b_kind, role, weight in zip(*columns, strict=True):
        if a != b:
            graph.add_node(a, kind=a_kind)
            graph.add_node(b, kind=b_kind)
            known = graph.get_edge_data(a, b, {"role": "", "weight": 0.0})
            least = 1.0 if pd.isna(weight) else float(weight)
            graph.add_edge(a, b, role=_joined_roles(known["role"], plain(role)), weight=max(known["weight"], least))
    return graph


def _joined_roles(*roles: str) -> str:
    return "|".join(sorted({r for r in "|".join(roles).split("|") if r not in ("", BLANK)}))


def _projected(graph: Graph, records: list[str], subject_id: str) -> Graph:
    """Parties joined by the records they share; of two that are not the subject only those of different lanes, or all would join all."""
    whole: Graph = nx.Graph()
    whole.add_nodes_from((n, d) for n, d in graph.nodes(data=True) if n not in set(records))
    whole.add_edges_from((a, b, dict(d)) for a, b, d in graph.edges(data=True) if a in whole and b in whole)
    for record in records:
        for a, b in combinations(sorted(graph[record]), 2):
            if subject_id in (a, b) or _crosses(graph.nodes[a]["kind"], graph.nodes[b]["kind"]):
                _add(whole, a, b, (graph.edges[record, a]["role"], graph.edges[record, b]["role"]))
    return whole


def _crosses(a: str, b: str) -> bool:
    """People with what is not people: the story is who stands between them."""
    return (lane(a) == "people") != (lane(b) == "people")


def _add(graph: Graph, a: str, b: str, roles: tuple[str, str]) -> None:
    known = graph.get_edge_data(a, b, {"role": "", "weight": 0.0})
    graph.add_edge(a, b, role=_joined_roles(known["role"], *roles), weight=known["weight"] + 1.0)


def units(graph: Graph, subject_id: str) -> list[Unit]:
    """Boxes of nodes with one kind and the same neighbours, most telling first: the subject, its neighbours, then by strength."""
    alike: dict[tuple[str, frozenset[str]], list[str]] = {}
    for node in sorted(graph):
        sign = frozenset(graph[node])
        alike.setdefault((node if node == subject_id else graph.nodes[node]["kind"], sign), []).append(node)
    groups = [g for nodes in alike.values() for g in ([nodes] if len(nodes) >= BOX_FROM else [[n] for n in nodes])]
    near = set(graph[subject_id]) if subject_id in graph else set()
    weight = dict(graph.degree(weight="weight"))
    ranked = sorted(groups, key=lambda g: (g[0] != subject_id, g[0] not in near, -round(sum(weight[n] for n in g), 3), g[0]))
    return [Unit(g[0], graph.nodes[g[0]]["kind"], tuple(g), g[0] == subject_id) for g in ranked]


def joined(graph: Graph, drawn: list[Unit]) -> Joined:
    """Connections between units: summed weight and roles."""
    of = {member: u.key for u in drawn for member in u.members}
    found: Joined = {}
    for a, b, data in graph.edges(data=True):
        if a in of and b in of and of[a] != of[b]:
            pair = min(of[a], of[b]), max(of[a], of[b])
            found[pair] = found.get(pair, (0.0, ""))[0] + data["weight"], data["role"]
    return found
