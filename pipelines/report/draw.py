"""The network picture of a lead: who is connected with whom, drawn in lanes without any randomness.

Where claims are few they stand in the middle, with people and things left of them and everybody else right; where they are many,
people stand in the middle, between who sold to them and who treated or repaired, and claims are only counted on the lines.
Parties of one kind with the very same connections become one box, since "18 people, one agent, one hospital" is the story and
18 lines are not.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd
from markupsafe import Markup

from pipelines.report import svg
from pipelines.report.mask import identifier
from pipelines.report.messages import LANGUAGES, Both, Messages
from pipelines.report.neighbours import BOX_DOTS, Joined, Unit, connected, joined, units

WIDTH, PILL, ROW, TOP = 920.0, 140.0, 26.0, 46.0
AROUND_RECORDS = (("people", "things"), ("records",), ("sell", "provide"))
AROUND_PEOPLE = (("sell",), ("people",), ("provide", "things"))
OVER, SWING, NUMBERED, THICK = 34.0, 56.0, 24, 8.0


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
    graph = connected(edges, subject_id)
    if not graph:
        return Markup("")
    found = units(graph, subject_id)
    kept, folded = found[:limit], sum(len(u.members) for u in found[limit:])
    links = joined(graph, kept)
    height = _place(kept, links)
    parts = [*_headings(kept, messages), *_lines(kept, links, messages), *(_mark(u, messages) for u in kept)]
    if folded:
        height += 22
        parts.append(svg.element("text", svg.both(messages.text("text", "folded", n=folded)), x=8, y=height - 8, class_="hint"))
    return svg.picture(parts, WIDTH, height, messages.text("text", "network"))


def _place(drawn: list[Unit], links: Joined) -> float:
    """Give every unit its place: lanes from left to right, inside a lane by the mean height of its neighbours (barycentre sweeps)."""
    lanes = [lane for names in _order(drawn) if (lane := [u for u in drawn if u.lane in names])]
    step = (WIDTH - PILL) / max(len(lanes) - 1, 1)
    tall = max(_heights(lane) for lane in lanes)
    by_key = {u.key: u for u in drawn}
    for sweep in range(6):
        for number, lane in enumerate(lanes):
            lane.sort(key=lambda u: (_pull(u, by_key, links) if sweep else 0.0, u.key))
            y = TOP + (tall - _heights(lane)) / 2
            for unit in lane:
                unit.x, unit.y = (step * number if len(lanes) > 1 else (WIDTH - PILL) / 2), y
                y += unit.height + ROW - 20
    return tall + TOP + 8


def _heights(lane: list[Unit]) -> float:
    return sum(u.height + ROW - 20 for u in lane)


def _pull(unit: Unit, by_key: dict[str, Unit], links: Joined) -> float:
    others = [(by_key[b if a == unit.key else a].middle, w) for (a, b), (w, _) in links.items() if unit.key in (a, b)]
    return round(sum(y * w for y, w in others) / sum(w for _, w in others), 3) if others else unit.middle


def _order(drawn: list[Unit]) -> tuple[tuple[str, ...], ...]:
    """Lanes from left to right, such that few lines must pass over one."""
    return AROUND_RECORDS if any(u.lane == "records" for u in drawn) else AROUND_PEOPLE


def _headings(drawn: list[Unit], messages: Messages) -> list[Markup]:
    """Over each lane the names of what stands in it."""
    here = {u.lane: u.x for u in drawn}
    names = [[n for n in lane if n in here] for lane in _order(drawn)]
    words = [[messages.text("text", f"lane_{n}") for n in lane] for lane in names]
    said = [{lang: " · ".join(w[lang] for w in lane) for lang in LANGUAGES} for lane in words]
    return [_heading(here[lane[0]], text) for lane, text in zip(names, said, strict=True) if lane]


def _heading(x: float, text: Both) -> Markup:
    """Aligned with the outer edge at both sides of the picture, or a long one would be cut off."""
    side = "left" if x == 0 else "right" if x >= WIDTH - PILL else ""
    at = {"left": x, "right": x + PILL}.get(side, x + PILL / 2)
    return svg.element("text", svg.both(text), x=at, y=16, class_=f"lane {side}".rstrip())


@dataclass(frozen=True)
class Line:
    """A connection as drawn: an S between neighbouring lanes, over the top of lanes in between, an arc beside its lane within one."""

    left: Unit
    right: Unit
    weight: float
    role: str
    over: bool

    def ends(self) -> tuple[float, float, float]:
        """Where it starts, bends and ends, px from the left."""
        if self.left.x < self.right.x:
            return self.left.x + PILL, (self.left.x + PILL + self.right.x) / 2, self.right.x
        outward = 1 if self.left.x < WIDTH / 2 else -1
        side = self.left.x + PILL if outward > 0 else self.left.x
        return side, side + 40.0 * outward, side

    def path(self) -> str:
        """The path's ``d``."""
        (x1, bend, x2), y1, y2 = self.ends(), self.left.middle, self.right.middle
        if not self.over:
            return _d("MC", (x1, y1), (bend, y1), (bend, y2), (x2, y2))
        rise, fall = x1 + SWING, x2 - SWING
        up = _d("MC", (x1, y1), (x1 + SWING / 2, y1), (x1 + SWING / 2, OVER), (rise, OVER))
        return up + _d("LC", (fall, OVER), (x2 - SWING / 2, OVER), (x2 - SWING / 2, y2), (x2, y2))

    def label_at(self, degrees: Mapping[str, int]) -> tuple[float, float]:
        """Where its count stands: a quarter of the way from the end that has fewer lines, where they lie apart."""
        x1, bend, x2 = self.ends()
        y1, y2 = self.left.middle, self.right.middle
        if self.over or x1 == x2:
            return bend, OVER + 4 if self.over else (y1 + y2) / 2 + 4
        way = (0.297, 0.156) if degrees[self.left.key] <= degrees[self.right.key] else (0.703, 0.844)
        return x1 + way[0] * (x2 - x1), y1 + way[1] * (y2 - y1) + 4


def _d(commands: str, first: tuple[float, float], *rest: tuple[float, float]) -> str:
    points = " ".join(f"{svg.number(x)} {svg.number(y)}" for x, y in rest)
    return f"{commands[0]}{svg.number(first[0])} {svg.number(first[1])}{commands[1]}{points}"


def _lines(drawn: list[Unit], links: Joined, messages: Messages) -> list[Markup]:
    """Paths, thicker for more in common, and beside them the counts where they are few enough to be read."""
    by_key = {u.key: u for u in drawn}
    lanes = {u.x for u in drawn}
    lines = []
    for (a, b), (weight, role) in sorted(links.items()):
        left, right = sorted((by_key[a], by_key[b]), key=lambda u: (u.x, u.y))
        lines.append(Line(left, right, weight, role, any(left.x < x < right.x for x in lanes)))
    most = max(THICK, max((line.weight for line in lines), default=THICK))
    return [_path(line, most, messages) for line in lines] + (_counts(lines) if len(lines) <= NUMBERED else [])


def _path(line: Line, most: float, messages: Messages) -> Markup:
    hot = " hot" if line.left.subject or line.right.subject else ""
    said = " / ".join(messages.text("role", r)[lang] for lang in ("zh", "en") for r in line.role.split("|")[:3] if r)
    title = svg.element("title", f"{said} × {svg.number(line.weight)}")
    return svg.element("path", title, d=line.path(), stroke_width=1 + 5 * (line.weight / most) ** 0.5, class_="edge" + hot)


def _counts(lines: list[Line]) -> list[Markup]:
    """The numbers on the lines, pushed apart where they would cover each other: sidewards over the top, else downwards."""
    degrees = Counter(key for line in lines for key in (line.left.key, line.right.key))
    many = [line for line in lines if line.weight > 1]
    placed: list[tuple[float, float, float]] = []
    for (x, y), weight, over in sorted((line.label_at(degrees), line.weight, line.over) for line in many):
        near = [(px, py) for px, py, _ in placed if abs(px - x) < 12 or over]
        if over:
            x = max((px + 26 for px, py in near if py == y), default=x)
        else:
            y = max((py + 12 for _, py in near if abs(py - y) < 12), default=y)
        placed.append((x, y, weight))
    return [svg.element("text", svg.number(w), x=x, y=y, class_="count") for x, y, w in placed]


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
    return code if len(code) <= 16 else "…" + code[-15:]


def _dots(count: int) -> list[Markup]:
    return [svg.element("circle", cx=28 + 12 * (i % 8), cy=26 + 10 * (i // 8), r=3.5) for i in range(min(count, BOX_DOTS))]
