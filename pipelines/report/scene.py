"""The picture of a ring as plain geometry, for SVG and PNG alike: who organises, who serves, who takes part, and through what.

Sellers, employers and shared phones, accounts and devices stand left, people in the middle, who treats, repairs or stands for them right;
the organiser is red and on top. People with the very same connections are one box, since "nine people, one proxy" is the story and nine
lines are not. A ring of people alone is a circle.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import pandas as pd

from pipelines.report.mask import identifier
from pipelines.report.messages import Both, Messages
from pipelines.report.neighbours import BOX_DOTS, Joined, Unit, connected, joined, units

WIDTH, PILL, GAP, TOP, FOOT = 920.0, 150.0, 14.0, 40.0, 54.0
STEP = 152.0
"""From one word of the legend to the next."""
LEFT = ("agent", "agency", "employer", "shop", "phone", "account", "device")
CENTRE, RIGHT = ("person", "party", "other"), "rest"
LIMIT = 60
"""Nodes or boxes drawn; the rest is counted."""
OVER = 16.0
"""Height at which a line passes over the people, px."""


@dataclass(frozen=True)
class Node:
    """A pill or a box: where it stands (px), what it says, whom it holds; ``style`` is organiser, people, left, contact or right."""

    x: float
    y: float
    height: float
    style: str
    label: Both
    members: tuple[str, ...]
    kind: str


@dataclass(frozen=True)
class Edge:
    """A cubic curve through four points, its width (px), how many claims it stands for, and whether chance explains it (``valid``: not)."""

    points: tuple[tuple[float, float], ...]
    width: float
    count: float
    valid: bool
    hot: bool


@dataclass(frozen=True)
class Scene:
    """Everything that is drawn, and how many members are not."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    height: float
    folded: int


def scene(links: pd.DataFrame, organiser: str, messages: Messages, limit: int = LIMIT) -> Scene:
    """Lay a ring out; the same ring gives the same picture.

    Parameters
    ----------
    links : DataFrame
        Its rows of ``ring_links``: a_id, a_kind, b_id, b_kind, n, validated.
    organiser : str
        Entity id.
    messages : Messages
        The catalogue.
    limit : int
        Nodes or boxes.
    """
    graph = connected(_telling(links), organiser)
    found = units(graph, organiser)
    kept, folded = found[:limit], sum(len(u.members) for u in found[limit:])
    lines = joined(graph, kept)
    circle = all(_column(u) == 1 for u in kept) and len(kept) > 2
    height = _round(kept) if circle else _columns(kept, lines)
    nodes = tuple(Node(u.x, u.y, u.height, _style(u), _label(u, messages), u.members, u.kind) for u in kept)
    return Scene(nodes, _edges(kept, lines, circle), height + FOOT, folded)


def _telling(links: pd.DataFrame) -> pd.DataFrame:
    """The links that matter: that two who both serve share people is seen from the people; their own line is drawn if it is validated."""
    people = links.a_kind.isin(CENTRE) | links.b_kind.isin(CENTRE)
    known = set(links.a_id[people]) | set(links.b_id[people])
    kept = links[people | links.validated | ~links.a_id.isin(known) | ~links.b_id.isin(known)]
    role = kept.validated.map({True: "link", False: ""})
    return kept.assign(role=role, weight=kept.n.astype(float))


def _column(unit: Unit) -> int:
    return 0 if unit.kind in LEFT else 1 if unit.kind in CENTRE else 2


def _style(unit: Unit) -> str:
    if unit.subject:
        return "organiser"
    return "contact" if unit.kind in ("phone", "account", "device") else ("left", "people", "right")[_column(unit)]


def _label(unit: Unit, messages: Messages) -> Both:
    words = messages.text("kind", unit.kind)
    one = len(unit.members) == 1
    return {lang: f"{word} {identifier(unit.kind, unit.key)}" if one else f"{len(unit.members)} × {word}" for lang, word in words.items()}


def _columns(kept: list[Unit], lines: Joined) -> float:
    """Three columns; inside one by the mean height of its neighbours, the organiser first. Returns the height."""
    person = next((u for u in kept if u.subject and _column(u) == 1), None)
    columns = [[u for u in kept if (0 if u is person else _column(u)) == place] for place in range(3)]
    columns = [c for c in columns if c]
    tall = max(_tall(c) for c in columns)
    step = (WIDTH - PILL) / max(len(columns) - 1, 1)
    middle: dict[str, float] = {}
    for sweep in range(5):
        for place, column in enumerate(columns):
            column.sort(key=lambda u: (not u.subject, _pull(u, middle, lines) if sweep else 0.0, u.key))
            y = TOP + (tall - _tall(column)) / 2
            for unit in column:
                unit.x, unit.y = (step * place if len(columns) > 1 else (WIDTH - PILL) / 2), y
                middle[unit.key] = unit.middle
                y += unit.height + GAP
    return tall + TOP


def _tall(column: list[Unit]) -> float:
    return sum(u.height + GAP for u in column)


def _pull(unit: Unit, middle: dict[str, float], lines: Joined) -> float:
    near = [(middle[b if a == unit.key else a], w) for (a, b), (w, _) in lines.items() if unit.key in (a, b)]
    return round(sum(y * w for y, w in near) / sum(w for _, w in near), 3) if near else 0.0


def _round(kept: list[Unit]) -> float:
    """People on an ellipse, the organiser on top."""
    ordered = sorted(kept, key=lambda u: (not u.subject, u.key))
    across, down = (WIDTH - PILL) / 2, max(90.0, len(ordered) * 9.0)
    for place, unit in enumerate(ordered):
        angle = 2 * pi * place / len(ordered) - pi / 2
        unit.x, unit.y = round(across + across * cos(angle), 1), round(TOP + down + down * sin(angle), 1)
    return TOP + 2 * down + 30


def _edges(kept: list[Unit], lines: Joined, circle: bool) -> tuple[Edge, ...]:
    place = {u.key: u for u in kept}
    most = max((w for w, _ in lines.values()), default=1.0)
    found = []
    for (a, b), (weight, role) in sorted(lines.items()):
        left, right = sorted((place[a], place[b]), key=lambda u: (u.x, u.y))
        width = 1 + 6 * (weight / max(most, 4.0)) ** 0.5
        found.append(Edge(_curve(left, right, circle), width, weight, "link" in role, left.subject or right.subject))
    return tuple(found)


def _curve(left: Unit, right: Unit, circle: bool) -> tuple[tuple[float, float], ...]:
    """From centre to centre in a circle; beside the column within one; an S between neighbours; over the top from left to right."""
    y1, y2 = left.middle, right.middle
    if circle:
        x1, x2 = left.x + PILL / 2, right.x + PILL / 2
        return (x1, y1), (x1 + (x2 - x1) / 3, y1 + (y2 - y1) / 3), (x1 + (x2 - x1) * 2 / 3, y1 + (y2 - y1) * 2 / 3), (x2, y2)
    if left.x == right.x:
        inward = left.x < WIDTH / 2
        x, bend = (left.x + PILL, left.x + PILL + 46) if inward else (left.x, left.x - 46)
        return (x, y1), (bend, y1), (bend, y2), (x, y2)
    people = left.kind in CENTRE or right.kind in CENTRE
    x1, x2 = left.x + PILL, right.x
    if x2 - x1 > WIDTH / 2 and not people:
        peak = (OVER - (y1 + y2) / 8) / 0.75
        return (x1, y1), (x1 + PILL, peak), (x2 - PILL, peak), (x2, y2)
    bend = (x1 + x2) / 2
    return (x1, y1), (bend, y1), (bend, y2), (x2, y2)


def dots(node: Node) -> list[tuple[float, float]]:
    """Centres of the dots in a box, one for each of its members up to ``BOX_DOTS``; none in a pill."""
    number = len(node.members)
    return [(node.x + 33 + 12 * (i % 8), node.y + 26 + 10 * (i // 8)) for i in range(min(number, BOX_DOTS))] if number > 1 else []


def legend(shown: Scene, messages: Messages) -> list[tuple[str, Both]]:
    """What the colours and lines mean: style and words, only of what is there."""
    styles = dict.fromkeys(n.style for n in shown.nodes)
    words = [
        (style, messages.text("ring_legend", style)) for style in ("organiser", "left", "contact", "people", "right") if style in styles
    ]
    valid = [("valid", messages.text("ring_legend", "valid"))] if any(e.valid for e in shown.edges) else []
    return [*words, ("edge", messages.text("ring_legend", "edge")), *valid]
