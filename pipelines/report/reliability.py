"""The picture of whether probabilities are true, as SVG: points on the diagonal are."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from markupsafe import Markup

from pipelines.report import svg
from pipelines.report.messages import Messages, catalogue

SIDE, LEFT, TOP = 320.0, 56.0, 16.0
STYLE = (
    "text{font:12px sans-serif}.axis{stroke:#999}.true{stroke:#999;stroke-dasharray:4 3}"
    ".sure{stroke:#1f5fa8;stroke-width:2}.group{fill:#1f5fa8}"
)


@dataclass(frozen=True)
class Plot:
    """A picture to be stored beside a model."""

    table: pd.DataFrame

    def save(self, folder: Path) -> None:
        """Write ``reliability.svg``, in both languages; nothing without a group."""
        if len(self.table):
            (folder / "reliability.svg").write_text(plot(self.table, catalogue()), encoding="utf-8")


def plot(table: pd.DataFrame, messages: Messages) -> str:
    """Draw probability said against rate proven.

    Parameters
    ----------
    table : DataFrame
        As :func:`models.reliability.reliability` returns it.
    messages : Messages

    Returns
    -------
    str
        An SVG file: a point for each group, its height a rate with the central 90 %; axes end at the largest value, at least a tenth.
    """
    top = min(1.0, max(0.1, float(table[["said", "high"]].max().max())))
    marks = [m for row in table.to_dict("records") for m in _mark(row, top)]  # type: ignore[arg-type]
    said, proven = (" / ".join(messages.text("text", k).values()) for k in ("reliability_said", "reliability_proven"))
    words = [
        svg.element("text", said, x=LEFT + SIDE / 2, y=TOP + SIDE + 36, text_anchor="middle"),
        svg.element("text", proven, x=14.0, y=TOP + SIDE / 2, text_anchor="middle", transform=f"rotate(-90 14 {TOP + SIDE / 2:.0f})"),
    ]
    parts = [svg.element("style", STYLE), *_axes(top), *marks, *words]
    whole = svg.picture(parts, LEFT + SIDE + 24, TOP + SIDE + 48, messages.text("text", "reliability"))
    return str(whole).replace("<svg ", '<svg xmlns="http://www.w3.org/2000/svg" ', 1) + "\n"


def _mark(row: dict[str, float], top: float) -> list[Markup]:
    x, y, low, high = (_across(row["said"], top), *(_up(row[k], top) for k in ("proven", "low", "high")))
    hover = svg.element("title", f"{row['subjects']:.0f}: {row['said']:.1%} → {row['proven']:.1%}")
    return [
        svg.element("line", x1=x, y1=low, x2=x, y2=high, class_="sure"),
        svg.element("circle", hover, cx=x, cy=y, r=4.0, class_="group"),
    ]


def _axes(top: float) -> list[Markup]:
    zero = (_across(0.0, top), _up(0.0, top))
    ends = [("axis", _across(top, top), zero[1]), ("axis", zero[0], _up(top, top)), ("true", _across(top, top), _up(top, top))]
    lines = [svg.element("line", x1=zero[0], y1=zero[1], x2=x, y2=y, class_=name) for name, x, y in ends]
    steps = [top * i / 4 for i in range(5)]
    below = [svg.element("text", f"{s:.0%}", x=_across(s, top), y=zero[1] + 16, text_anchor="middle") for s in steps]
    beside = [svg.element("text", f"{s:.0%}", x=zero[0] - 6, y=_up(s, top) + 4, text_anchor="end") for s in steps]
    return [*lines, *below, *beside]


def _across(value: float, top: float) -> float:
    return LEFT + SIDE * min(value, top) / top


def _up(value: float, top: float) -> float:
    return TOP + SIDE * (1.0 - min(value, top) / top)
