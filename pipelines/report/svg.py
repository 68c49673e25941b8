"""Small pieces of SVG: numbers, bilingual texts and elements whose attributes and texts are always escaped."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from pipelines.report.messages import Both


def number(value: float) -> str:
    """One decimal at most, so that the bytes do not hang on the last bit of a float."""
    return f"{value:.1f}".removesuffix(".0")


def element(tag: str, body: str | Markup = "", **attributes: object) -> Markup:
    """An element; ``_`` in an attribute's name is ``-``, a trailing one is dropped (``class_``); floats are rounded, None is left out."""
    kept = ((k.rstrip("_").replace("_", "-"), number(v) if isinstance(v, float) else v) for k, v in attributes.items() if v is not None)
    head = "".join(f' {name}="{escape(value)}"' for name, value in kept)
    return Markup(f"<{tag}{head}>{escape(body)}</{tag}>")  # noqa: S704 - every value and the body are escaped; names are our own


def both(text: Both, tag: str = "tspan") -> Markup:
    """The text in every language; the page's style shows one of them."""
    return Markup("").join(element(tag, text[lang], lang=lang) for lang in sorted(text, reverse=True))


def picture(parts: Iterable[Markup], width: float, height: float, label: Both) -> Markup:
    """A whole picture with a text alternative."""
    name = " / ".join(label[lang] for lang in sorted(label, reverse=True))
    view = f"-2 0 {number(width + 4)} {number(height)}"  # room for the outer strokes
    return element("svg", Markup("").join(parts), viewBox=view, width=float(width), height=float(height), role="img", aria_label=name)
