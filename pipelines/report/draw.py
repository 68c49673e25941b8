"""The network picture of a lead: who is connected with whom, drawn in lanes without any randomness.

Sales and employers stand left, people next, claims and things after them, providers right. Parties of one kind with the very same
connections become one box, since "18 people, one agent, one hospital" is the story and 18 lines are not.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import networkx as nx
import pandas as pd
from markupsafe import Markup

from pipelines.report import svg
from pipelines.report.mask import identifier
from pipelines.report.messages import Messages

LANES = {
    "sell": ("agent", "agency", "employer", "shop", "product", "station"),
    "people": ("person", "party", "other"),
    "things": ("claim", "event", "policy", "vehicle", "object", "livestock_lot", "account", "phone", "device", "ring"),
    "provide": ("hospital", "doctor", "garage", "surveyor", "appraiser", "assessor", "lawyer", "proxy"),
}
WIDTH, PILL, ROW, TOP = 760.0, 128.0, 26.0, 34.0
BOX_DOTS, BOX_FROM, NUMBERED = 24, 3, 40

Graph: TypeAlias = "nx.Graph[str]"


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
        return next((name for name, kinds in LANES.items() if self.kind in kinds), "things")

    @property
    def middle(self) -> float:
        """Vertical centre, px."""
        return self.y + self.height / 2


def network(edges: pd.DataFrame, subject_id: str, messages: Messages, limit: int = 40) -> Markup:
    """Draw the neighbourhood of a lead's subject.

    Parameters
    ----------
    edges : DataFrame
        ``a_id, a_kind, b_id, b_kind, role, weight, amount``, one row per connection.
    subject_id : str
        The node to highlight.
    messages : Messages
        The catalogue.
    limit : int
        Nodes or boxes drawn; the rest is folded into a count.

    Returns
    -------
    Markup
        An ``svg`` element, or nothing where there is no edge.
    """
    graph = _graph(edges)
    if not graph:
        return Markup("")
    units = _units(graph, subject_id)
    kept, folded = units[:limit], sum(len(u.members) for u in units[limit:])
    joined = _joined(graph, kept)
    height = _place(kept, joined)
    parts = [*_headings(kept, messages), *_lines(kept, joined, messages), *(_mark(u, messages) for u in kept)]
    if folded:
        height += 22
        parts.append(svg.element("text", svg.both(messages.text("text", "folded", n=folded)), x=8, y=height - 8, class_="hint"))
    return svg.picture(parts, WIDTH, height, messages.text("text", "network"))


def _graph(edges: pd.DataFrame) -> Graph:
    whole = edges.dropna(subset=["a_id", "b_id"])
    whole = whole[whole.a_id != whole.b_id]
    graph: Graph = nx.Graph()
    ends = pd.concat(
        [whole[["a_id", "a_kind"]].set_axis(["id", "kind"], axis=1), whole[["b_id", "b_kind"]].set_axis(["id", "kind"], axis=1)]
    )
    graph.add_nodes_from((i, {"kind": k}) for i, k in ends.drop_duplicates("id").sort_values("id").itertuples(index=False))
    pair = pd.DataFrame(
        {
            "a": whole[["a_id", "b_id"]].min(axis=1),
            "b": whole[["a_id", "b_id"]].max(axis=1),
            "role": whole.role,
            "weight": whole.weight.fillna(1),
        }
    )
    sums = pair.groupby(["a", "b"], as_index=False).agg(role=("role", _roles), weight=("weight", "sum"))
    graph.add_edges_from((str(r["a"]), str(r["b"]), {"role": r["role"], "weight": float(r["weight"])}) for r in sums.to_dict("records"))
    return graph


def _roles(roles: pd.Series) -> str:
    return "|".join(sorted(set(roles.dropna().astype(str))))


def _units(graph: Graph, subject_id: str) -> list[Unit]:
    """Boxes of nodes with one kind and the same neighbours, most telling first: the subject, its neighbours, then by strength."""
    alike: dict[tuple[str, frozenset[tuple[str, str]]], list[str]] = {}
    for node in sorted(graph):
        sign = frozenset((other, graph.edges[node, other]["role"]) for other in graph[node])
        alike.setdefault((node if node == subject_id else graph.nodes[node]["kind"], sign), []).append(node)
    groups = [g for nodes in alike.values() for g in ([nodes] if len(nodes) >= BOX_FROM else [[n] for n in nodes])]
    near = set(graph[subject_id]) if subject_id in graph else set()
    weight = dict(graph.degree(weight="weight"))
    ranked = sorted(groups, key=lambda g: (g[0] != subject_id, g[0] not in near, -round(sum(weight[n] for n in g), 3), g[0]))
    return [Unit(g[0], graph.nodes[g[0]]["kind"], tuple(g), g[0] == subject_id) for g in ranked]


def _joined(graph: Graph, units: list[Unit]) -> dict[tuple[str, str], tuple[float, str]]:
    """Connections between units: summed weight and roles."""
    of = {member: u.key for u in units for member in u.members}
    joined: dict[tuple[str, str], tuple[float, str]] = {}
    for a, b, data in graph.edges(data=True):
        if a in of and b in of and of[a] != of[b]:
            pair = min(of[a], of[b]), max(of[a], of[b])
            joined[pair] = joined.get(pair, (0.0, ""))[0] + data["weight"], data["role"]
    return joined


def _place(units: list[Unit], joined: dict[tuple[str, str], tuple[float, str]]) -> float:
    """Give every unit its place: lanes from left to right, inside a lane by the mean height of its neighbours (barycentre sweeps)."""
    lanes = [lane for name in LANES if (lane := [u for u in units if u.lane == name])]
    step = (WIDTH - PILL) / max(len(lanes) - 1, 1)
    tall = max(_heights(lane) for lane in lanes)
    by_key = {u.key: u for u in units}
    for sweep in range(6):
        for number, lane in enumerate(lanes):
            lane.sort(key=lambda u: (_pull(u, by_key, joined) if sweep else 0.0, u.key))
            y = TOP + (tall - _heights(lane)) / 2
            for unit in lane:
                unit.x, unit.y = (step * number if len(lanes) > 1 else (WIDTH - PILL) / 2), y
                y += unit.height + ROW - 20
    return tall + TOP + 8


def _heights(lane: list[Unit]) -> float:
    return sum(u.height + ROW - 20 for u in lane)


def _pull(unit: Unit, by_key: dict[str, Unit], joined: dict[tuple[str, str], tuple[float, str]]) -> float:
    others = [(by_key[b if a == unit.key else a].middle, w) for (a, b), (w, _) in joined.items() if unit.key in (a, b)]
    return round(sum(y * w for y, w in others) / sum(w for _, w in others), 3) if others else unit.middle


def _headings(units: list[Unit], messages: Messages) -> list[Markup]:
    lanes = {u.lane: u.x for u in units}
    return [
        svg.element("text", svg.both(messages.text("text", f"lane_{name}")), x=x + PILL / 2, y=16, class_="lane")
        for name, x in sorted(lanes.items())
    ]


def _lines(units: list[Unit], joined: dict[tuple[str, str], tuple[float, str]], messages: Messages) -> list[Markup]:
    by_key = {u.key: u for u in units}
    most = max((w for w, _ in joined.values()), default=1.0)
    lines = []
    for (a, b), (weight, role) in sorted(joined.items()):
        left, right = sorted((by_key[a], by_key[b]), key=lambda u: (u.x, u.y))
        hot = " hot" if left.subject or right.subject else ""
        path = svg.element(
            "path", _title(messages, role, weight), d=_curve(left, right), stroke_width=1 + 5 * (weight / most) ** 0.5, class_="edge" + hot
        )
        lines.append(path)
    return lines + (
        [_count(by_key[a], by_key[b], w) for (a, b), (w, _) in sorted(joined.items()) if w > 1] if len(joined) <= NUMBERED else []
    )


def _curve(left: Unit, right: Unit) -> str:
    """An S between lanes, an arc beside the lane within one."""
    y1, y2 = svg.number(left.middle), svg.number(right.middle)
    x1, bend, x2 = (svg.number(x) for x in _across(left, right))
    return f"M{x1} {y1}C{bend} {y1} {bend} {y2} {x2} {y2}"


def _across(left: Unit, right: Unit) -> tuple[float, float, float]:
    """Where a line starts, bends and ends, px from the left."""
    if left.x < right.x:
        return left.x + PILL, (left.x + PILL + right.x) / 2, right.x
    outward = 1 if left.x < WIDTH / 2 else -1
    side = left.x + PILL if outward > 0 else left.x
    return side, side + 40.0 * outward, side


def _count(one: Unit, other: Unit, weight: float) -> Markup:
    left, right = sorted((one, other), key=lambda u: (u.x, u.y))
    return svg.element("text", svg.number(weight), x=_across(left, right)[1], y=(left.middle + right.middle) / 2 + 4, class_="count")


def _title(messages: Messages, role: str, weight: float) -> Markup:
    said = " / ".join(messages.text("role", r)[lang] for lang in ("zh", "en") for r in role.split("|")[:3] if r)
    return svg.element("title", f"{said} × {svg.number(weight)}")


def _mark(unit: Unit, messages: Messages) -> Markup:
    """A pill with kind and code, or a box of dots with a count."""
    kind = messages.text("kind", unit.kind)
    single = len(unit.members) == 1
    code = identifier(unit.kind, unit.key)
    label = {k: f"{v} {_clip(code)}" if single else f"{len(unit.members)} × {v}" for k, v in kind.items()}
    shape = svg.element(
        "rect", width=PILL, height=unit.height, rx=10 if unit.lane == "people" else 3, class_="subject" if unit.subject else unit.lane
    )
    text = svg.element("text", svg.both(label), x=PILL / 2, y=14, class_="on" if unit.subject else None)
    whole = svg.element("title", ", ".join(identifier(unit.kind, m) for m in unit.members[:40]))
    return svg.element(
        "g",
        Markup("").join([whole, shape, text, *([] if single else _dots(len(unit.members)))]),
        transform=f"translate({svg.number(unit.x)} {svg.number(unit.y)})",
    )


def _clip(code: str) -> str:
    return code if len(code) <= 13 else "…" + code[-12:]


def _dots(count: int) -> list[Markup]:
    return [svg.element("circle", cx=22 + 12 * (i % 8), cy=26 + 10 * (i // 8), r=3.5) for i in range(min(count, BOX_DOTS))]
