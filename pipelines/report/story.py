"""What a lead says: its reasons as sentences, with points that sum to its score, in the order in which they matter."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from pipelines.report import anomaly, learnt
from pipelines.report.messages import LANGUAGES, PARTS, Both, Messages

TINY = 0.05
"""Points below this are rounding, not a reason."""
SEEN = 0.05
"""Points below this are not seen in tenths."""


def told(leads: pd.DataFrame, reasons: pd.DataFrame, messages: Messages) -> pd.DataFrame:
    """Reasons of the leads with their words, completed so that the points of every lead sum to its score.

    Parameters
    ----------
    leads : DataFrame
        ``lead_id, score, points_network`` at least.
    reasons : DataFrame
        The published ``lead_reasons``.
    messages : Messages
        The catalogue.

    Returns
    -------
    DataFrame
        ``lead_id, seq, code, kind, value, limit, detail, points, peer`` and ``name``, ``say``, ``document`` per language
        (``say_zh``, ``say_en``, ...), sorted by lead and ``seq``; reasons of no points are left out.
    """
    own = reasons[reasons.lead_id.isin(leads.lead_id)]
    # A flag that fires on every other subject is worth nothing, and says nothing of this one.
    shown = own[own.points.astype(float).abs() >= TINY]
    whole = pd.concat([shown, _rest(leads, own)], ignore_index=True).sort_values(["lead_id", "seq", "code"], kind="stable")
    columns = [f"{part}_{lang}" for part in PARTS for lang in LANGUAGES]
    words = pd.DataFrame([_words(r, messages) for r in whole.to_dict("records")], index=whole.index, columns=columns)
    return pd.concat([whole, words], axis=1)


def tenths(points: Sequence[float], total: float) -> list[float]:
    """Points rounded to tenths so that what is shown sums to the rounded total (largest remainders first)."""
    scaled = [p * 10 for p in points]
    floors = [math.floor(round(s, 6)) for s in scaled]
    lacking = max(round(total * 10) - sum(floors), 0)
    nearest = sorted(range(len(points)), key=lambda i: (floors[i] - scaled[i], i))[:lacking]
    return [(f + (i in nearest)) / 10 for i, f in enumerate(floors)]


def documents(rows: Sequence[Mapping[Any, Any]], first: str, messages: Messages) -> list[Both]:
    """What to obtain, the lead's first document first, each once; after that of a sign that speaks of another (a ring's), the other's."""
    ordered = sorted(rows, key=lambda r: r["code"] != first)
    pairs = [({lang: str(r[f"document_{lang}"]) for lang in LANGUAGES}, messages.part(str(r["detail"]), "document")) for r in ordered]
    texts = {text[LANGUAGES[0]]: text for pair in pairs for text in pair if text[LANGUAGES[0]]}
    return list(texts.values())


def _rest(leads: pd.DataFrame, reasons: pd.DataFrame) -> pd.DataFrame:
    """A closing row per lead for network points, and for what no reason accounts for."""
    summed = reasons.assign(points=reasons.points.astype(float)).groupby("lead_id").points.sum().astype(float)
    gap = leads.score.astype(float) - leads.lead_id.map(summed).astype(float).fillna(0.0)
    network = leads.points_network.astype(float).fillna(0.0).clip(lower=0.0).where(gap > TINY, 0.0).clip(upper=gap.clip(lower=0.0))
    rows = [_closing(leads, network, "network", 998), _closing(leads, gap - network, "rest", 999)]
    return pd.concat([r[r.points.abs() > TINY] for r in rows], ignore_index=True)


def _closing(leads: pd.DataFrame, points: pd.Series, kind: str, seq: int) -> pd.DataFrame:
    return pd.DataFrame({"lead_id": leads.lead_id, "seq": seq, "code": kind, "kind": kind, "points": points})


def _words(reason: Mapping[Any, Any], messages: Messages) -> Both:
    kind, code = str(reason["kind"]), str(reason["code"])
    if kind == "flag":
        say = messages.sentence(code, reason["value"], reason["limit"], reason["detail"])
        parts = {"name": messages.part(code, "name"), "say": say, "document": messages.part(code, "document")}
    elif kind == "anomaly":
        parts = _anomaly(reason, messages)
    elif kind == "learnt":
        parts = _learnt(reason, messages)
    else:
        blank = dict.fromkeys(LANGUAGES, "")
        parts = {
            "name": messages.text("reason", kind),
            "say": messages.text("reason", "network_say") if kind == "network" else blank,
            "document": blank,
        }
    return {f"{part}_{lang}": text[lang] for part, text in parts.items() for lang in LANGUAGES}


def _learnt(reason: Mapping[Any, Any], messages: Messages) -> dict[str, Both]:
    code, kind = str(reason["code"]), messages.text("reason", "learnt")
    name, say = learnt.feature_name(code, messages), learnt.sentence(code, reason["value"], messages)
    return {
        "name": {lang: kind[lang] if say[lang] else f"{kind[lang]}: {name[lang]}" for lang in LANGUAGES},
        "say": say,
        "document": dict.fromkeys(LANGUAGES, ""),
    }


def _anomaly(reason: Mapping[Any, Any], messages: Messages) -> dict[str, Both]:
    code, kind = str(reason["code"]), messages.text("reason", "anomaly")
    name = anomaly.feature_name(code, messages)
    return {
        "name": {lang: f"{kind[lang]}: {name[lang]}" for lang in LANGUAGES},
        "say": anomaly.sentence(code, (reason["value"], reason["limit"]), reason["peer"], messages),
        "document": messages.text("reason", "anomaly_document"),
    }


def support(own: float, case: float, messages: Messages) -> list[Both]:
    """What of a case's score is the leading lead's own and what other leads add; nothing where they add nothing."""
    if abs(case - own) < SEEN:
        return []
    return [messages.text("text", "case_support", own=f"{own:.1f}", support=f"{round(case, 1) - round(own, 1):.1f}")]
