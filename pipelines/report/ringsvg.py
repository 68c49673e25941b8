"""A ring's picture as SVG for the page: hover says who is in a box, a click shows the evidence."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from pipelines.report import svg
from pipelines.report.mask import identifier
from pipelines.report.messages import Messages
from pipelines.report.scene import LIMIT, PILL, STEP, WIDTH, Edge, Node, Scene, dots, legend, scene

CLASS = {"organiser": "subject", "people": "people", "left": "sell", "contact": "things", "right": "provide"}


def ring(links: pd.DataFrame, organiser: str, messages: Messages, keys: Mapping[str, frozenset[str]] | None = None) -> Markup:
    """Draw a ring.

    Parameters
    ----------
    links : DataFrame
        Its rows of ``ring_links``.
    organiser : str
        Entity id.
    messages : Messages
    keys : mapping of str to frozenset of str, optional
        Evidence keys by entity, which a click on it shows.

    Returns
    -------
    Markup
        An ``svg`` element, or nothing without links.
    """
    if links.empty:
        return Markup("")
    shown = scene(links, organiser, messages, LIMIT)
    marks = [_mark(n, messages, keys or {}) for n in shown.nodes]
    parts = [*(_line(e) for e in shown.edges), *_counts(shown), *marks, *_legend(shown, messages)]
    if shown.folded:
        said = svg.both(messages.text("text", "folded", n=shown.folded))
        parts.append(svg.element("text", said, x=8, y=shown.height - 34, class_="hint"))
    return svg.picture(parts, WIDTH, shown.height, messages.text("text", "network"))


def _line(edge: Edge) -> Markup:
    (x1, y1), *rest = edge.points
    path = f"M{svg.number(x1)} {svg.number(y1)}C" + " ".join(f"{svg.number(x)} {svg.number(y)}" for x, y in rest)
    kind = "edge" + (" hot" if edge.hot else "") + (" valid" if edge.valid else "")
    return svg.element("path", svg.element("title", f"× {svg.number(edge.count)}"), d=path, stroke_width=edge.width, class_=kind)


def _counts(shown: Scene) -> list[Markup]:
    """Numbers on the lines where they are few enough to be read."""
    if len(shown.edges) > len(shown.nodes) + 8:
        return []
    many = [e for e in shown.edges if e.count > 1]
    at = [(sum(x for x, _ in e.points) / 4, sum(y for _, y in e.points) / 4 + 4, e.count) for e in many]
    return [svg.element("text", svg.number(n), x=x, y=y, class_="count") for x, y, n in at]


def _mark(node: Node, messages: Messages, keys: Mapping[str, frozenset[str]]) -> Markup:
    here = sorted(set().union(*(keys.get(m, frozenset()) for m in node.members)))
    named = ", ".join(identifier(node.kind, m) for m in node.members[:40])
    radius = 10 if node.style == "people" else 3
    box = svg.element("rect", x=node.x, y=node.y, width=PILL, height=node.height, rx=radius, class_=CLASS[node.style])
    text = svg.element("text", svg.both(node.label), x=node.x + PILL / 2, y=node.y + 14, class_="on" if node.style == "organiser" else None)
    circles = [svg.element("circle", cx=x, cy=y, r=3.5) for x, y in dots(node)]
    body = Markup("").join([svg.element("title", named), box, text, *circles])
    return svg.element("g", body, class_="click" if here else None, data_keys=" ".join(here) if here else None)


def _legend(shown: Scene, messages: Messages) -> list[Markup]:
    parts = []
    for place, (style, words) in enumerate(legend(shown, messages)):
        x, y = 6 + STEP * place, shown.height - 22
        if style in CLASS:
            sign = svg.element("rect", x=x, y=y, width=14, height=10, rx=3, class_=CLASS[style])
        else:
            sign = svg.element(
                "path", d=f"M{svg.number(x)} {svg.number(y + 5)}h16", stroke_width=4.0, class_="edge" + " valid" * (style == "valid")
            )
        parts += [sign, svg.element("text", svg.both(words), x=x + 22, y=y + 9, class_="hint")]
    return parts
