"""A ring's picture as PNG, for documents: the same geometry as on the page, by matplotlib, without any browser."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from pipelines.report.messages import Messages
from pipelines.report.scene import PILL, STEP, WIDTH, Scene, dots, legend, scene

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FILL = {"organiser": "#b3261e", "people": "#fff8e8", "left": "#e8f0e4", "contact": "#f4ecf7", "right": "#e6eff8"}
PLAIN, HOT, VALID = "#b4bfca", "#cf7d7d", "#3d6fa5"
FONTS = ("Noto Sans CJK SC", "Noto Sans SC", "Source Han Sans SC", "WenQuanYi Micro Hei", "Microsoft YaHei", "SimHei")
"""Fonts with Chinese letters; without any of them the words are English."""
DPI = 160


def write(links: pd.DataFrame, organiser: str, out: Path, words: tuple[Messages, str]) -> Path:
    """Draw a ring into a PNG file.

    Parameters
    ----------
    links : DataFrame
        Its rows of ``ring_links``.
    organiser : str
        Entity id.
    out : Path
        The file to write.
    words : (Messages, str)
        Catalogue and language.
    """
    import matplotlib as mpl  # slow to load, and only documents need it

    mpl.use("Agg")
    from matplotlib import font_manager
    from matplotlib import pyplot as plt

    messages, language = words
    here = {f.name for f in font_manager.fontManager.ttflist}
    font = next((f for f in FONTS if f in here), None)
    shown = scene(links, organiser, messages)
    with mpl.rc_context({"font.family": [*([font] if font else []), "DejaVu Sans"]}):
        figure = plt.figure(figsize=(WIDTH / 100, shown.height / 100), dpi=DPI)
        axes = figure.add_axes((0, 0, 1, 1))
        axes.set(xlim=(-4, WIDTH + 4), ylim=(shown.height, 0))
        axes.axis("off")
        _drawn(axes, shown, messages, language if font or language != "zh" else "en")
        figure.savefig(out, metadata={"Software": None})
        plt.close(figure)
    return out


def _drawn(axes: Axes, shown: Scene, messages: Messages, language: str) -> None:
    from matplotlib.patches import Circle, FancyBboxPatch, PathPatch
    from matplotlib.path import Path as Curve

    for edge in shown.edges:
        color = VALID if edge.valid else HOT if edge.hot else PLAIN
        axes.add_patch(PathPatch(Curve(list(edge.points), [1, 4, 4, 4]), fill=False, lw=edge.width * 0.7, ec=color))
    for node in shown.nodes:
        box: Any = {"boxstyle": "round,pad=0,rounding_size=6", "fc": FILL[node.style], "ec": "#8fa0b0", "lw": 0.7}
        axes.add_patch(FancyBboxPatch((node.x, node.y), PILL, node.height, **box))
        _said(axes, (node.x + PILL / 2, node.y + 10), node.label[language], "white" if node.style == "organiser" else "#1d2733", "center")
        for x, y in dots(node):
            axes.add_patch(Circle((x, y), 3.2, fc="#d9a441", lw=0))
    for place, (style, text) in enumerate(legend(shown, messages)):
        x, y = 6 + STEP * place, shown.height - 18
        color = FILL.get(style, VALID if style == "valid" else PLAIN)
        axes.add_patch(FancyBboxPatch((x, y - 4), 14, 8, boxstyle="square,pad=0", fc=color, ec="#8fa0b0", lw=0.5))
        _said(axes, (x + 22, y), text[language], "#5b6b7b", "left")
    if shown.folded:
        _said(axes, (8, shown.height - 38), messages.text("text", "folded", n=shown.folded)[language], "#5b6b7b", "left")


def _said(axes: Axes, at: tuple[float, float], text: str, color: str, side: str) -> None:
    axes.text(*at, text, color=color, ha=side, va="center", fontsize=7.5)
