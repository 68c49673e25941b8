"""Why two claims are one event, in words: the rules that joined them, how far apart they are, and what of them is equal."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias

import pandas as pd

from pipelines.report.messages import LANGUAGES, Both, Messages

Row: TypeAlias = Mapping[Any, Any]
EQUAL = ("police", "hospital", "admission", "person", "vehicle")
"""Columns of ``event_links`` that say whether something of two claims is equal."""
SHOWN = 20
"""Pairs of claims of a lead on the page and on the screen; ``lead_events`` has more."""


def told(rows: Sequence[Row], messages: Messages) -> list[dict[str, Any]]:
    """The first joined pairs of one lead: ``claims``, ``why`` (the rules) and ``facts``.

    Parameters
    ----------
    rows : sequence of mapping
        One lead's rows of ``lead_events``: a row per pair and rule.
    messages : Messages
    """
    pairs: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda r: int(r["seq"])):
        pairs.setdefault((str(row["claim_l"]), str(row["claim_r"])), []).append(row)
    return [
        {"claims": pair, "why": _listed((why(r, messages) for r in joined), "；", "; "), "facts": facts(joined[0], messages)}
        for pair, joined in list(pairs.items())[:SHOWN]
    ]


def why(link: Row, messages: Messages) -> Both:
    """The rule of a row of ``event_links``."""
    return messages.text("happened", link["rule"], families=link["families"], expected=link["expected"])


def facts(link: Row, messages: Messages) -> Both:
    """How far apart two claims are, and what of them is equal or not."""
    unit: str = "days" if pd.isna(link["hours"]) else "hours"
    at_once = unit == "hours" and link[unit] == 0
    apart = messages.text("happened", "at_once" if at_once else unit, n=link[unit])
    known = [(name, bool(link[name])) for name in EQUAL if not pd.isna(link[name])]
    return _listed([apart, *(_said(name, equal, messages) for name, equal in known)], "，", ", ")


def _said(name: str, equal: bool, messages: Messages) -> Both:
    what = messages.text("happened", f"what {name}")
    return {lang: messages.text("happened", "same" if equal else "other", what=what[lang])[lang] for lang in LANGUAGES}


def _listed(texts: Iterable[Both], zh: str, en: str) -> Both:
    parts = list(texts)
    return {"zh": zh.join(p["zh"] for p in parts), "en": en.join(p["en"] for p in parts)}
