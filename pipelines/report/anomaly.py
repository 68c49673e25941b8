"""How an anomaly is said: the feature by its name and unit, the peers by what they share, both values."""

from __future__ import annotations

import math

from pipelines.report.messages import BLANK, LANGUAGES, Both, Messages, Number, plain

FACT = "fact_"


def feature_name(code: str, messages: Messages) -> Both:
    """The feature's name; a source's own fact is named by its own word."""
    return messages.text("feature", code.removeprefix(FACT))


def quantity(code: str, value: object, messages: Messages) -> Both:
    """A value of the feature in its unit."""
    unit, number = messages.units.get(code, ""), Number(value)
    if not math.isfinite(number):
        return dict.fromkeys(LANGUAGES, BLANK)
    if unit == "either":
        return messages.text("unit", "yes" if number > 0.5 else "no")
    if unit == "share":
        return dict.fromkeys(LANGUAGES, f"{number:.0%}" if abs(number) >= 0.1 else f"{number:.1%}")
    if unit in ("money", "log_money"):
        return messages.text("unit", "money", n=f"{math.expm1(min(number, 40.0)) if unit == 'log_money' else number:,.0f}")
    said = f"{number:,.1f}".removesuffix(".0") if unit else f"{number:,.4g}"
    return messages.text("unit", unit, n=said) if unit in ("days", "hours") else dict.fromkeys(LANGUAGES, said)


def peers(peer: object, messages: Messages) -> Both:
    """``by_line=health`` → "same line (Health)", several keys one after the other; what is unknown of the group is left out."""
    several = [_alike(key, messages) for key in plain(peer).split(" & ")]
    return {"zh": "、".join(s["zh"] for s in several), "en": ", ".join(s["en"] for s in several)}


def _alike(peer: str, messages: Messages) -> Both:
    dimension, _, key = peer.partition("=")
    shared = messages.text("peer", "all" if dimension == BLANK else dimension)
    parts = [p for p in key.split("|") if p not in ("", "-")]
    if not parts:
        return shared
    words = {lang: [_part(dimension, i, p, messages)[lang] for i, p in enumerate(parts)] for lang in LANGUAGES}
    return {"zh": f"{shared['zh']}（{' / '.join(words['zh'])}）", "en": f"{shared['en']} ({' / '.join(words['en'])})"}


def _part(dimension: str, place: int, part: str, messages: Messages) -> Both:
    """One part of a peer key: an age band, a line, a kind, or itself."""
    if dimension == "by_age" and place == 0 and part.isdigit():
        return dict.fromkeys(LANGUAGES, f"{10 * int(part)}–{10 * int(part) + 9}")
    section = next((s for s in ("line", "kind", "gender") if part in messages.ui.get(s, {})), "")
    return messages.text(section, part)


def sentence(code: str, values: tuple[object, object], peer: object, messages: Messages) -> Both:
    """The whole sentence: what, how much, against whom.

    Parameters
    ----------
    code : str
        The feature.
    values : (value, limit)
        The subject's and the peers' median.
    peer : str
        Peer group as published.
    messages : Messages
        The catalogue.
    """
    name, group = feature_name(code, messages), peers(peer, messages)
    value, limit = (quantity(code, v, messages) for v in values)
    say = messages.ui["reason"]["anomaly_say"]
    return {lang: say[lang].format(name=name[lang], value=value[lang], limit=limit[lang], peer=group[lang]) for lang in LANGUAGES}
