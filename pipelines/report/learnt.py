"""How a reason that verdicts taught is said: which feature, whose it is, its value; and what each part of tonight's scores weighs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.report import anomaly
from pipelines.report.messages import LANGUAGES, Both, Messages

ITS, NEAR = "its_", "near_"
OWN_WORDS = ("rest", "whole", "flags", "anomaly", "happened_days", "line")
SCORECARD = "scorecard"


def feature_name(code: str, messages: Messages) -> Both:
    """The feature in words: the subject's own, that of its policy or of a party, or what became of those who share somebody with it."""
    if code in OWN_WORDS:
        return messages.text("learnt", code)
    if code.startswith(NEAR):
        kind = code.removeprefix(NEAR)
        return _filled("near", kind, None, messages) if kind in messages.ui["kind"] else messages.text("learnt", "near_any")
    if code.startswith(ITS):
        kind, _, feature = code.removeprefix(ITS).partition("_")
        return _filled("its", kind, anomaly.feature_name(feature, messages), messages)
    return anomaly.feature_name(code, messages)


def sentence(code: str, value: object, messages: Messages) -> Both:
    """The feature's value in its unit; empty where the reason is no single number."""
    if code in OWN_WORDS or code.startswith(NEAR) or value is None or value != value:
        return dict.fromkeys(LANGUAGES, "")
    feature = code.removeprefix(ITS).partition("_")[2] if code.startswith(ITS) else code
    name, told = feature_name(code, messages), anomaly.quantity(feature, value, messages)
    say = messages.ui["reason"]["learnt_say"]
    return {lang: say[lang].format(name=name[lang], value=told[lang]) for lang in LANGUAGES}


def weights(models: Mapping[str, Mapping[str, Any]], messages: Messages) -> list[Both]:
    """One line for every model behind tonight's scores: which, what each part weighs, how much of the listed leads' points it has."""
    return [_line(kind, about, messages) for kind, about in sorted(models.items(), key=lambda item: (item[0] != SCORECARD, item[0]))]


def _line(kind: str, about: Mapping[str, Any], messages: Messages) -> Both:
    if kind == SCORECARD:
        return messages.text("learnt", "scorecard", digest=about["digest"])
    shares = about.get("shares") or {}
    parts = {
        lang: "; ".join(
            messages.text("learnt", "part", name=messages.text("part", p)[lang], weight=f"{w:.2f}", share=f"{shares.get(p, 0.0):.0%}")[lang]
            for p, w in about["weights"].items()
        )
        for lang in LANGUAGES
    }
    name, say = messages.text("kind", kind), messages.ui["learnt"]["model"]
    return {lang: say[lang].format(kind=name[lang], digest=about["digest"], parts=parts[lang]) for lang in LANGUAGES}


def _filled(key: str, kind: str, name: Both | None, messages: Messages) -> Both:
    say, who = messages.ui["learnt"][key], messages.text("kind", kind)
    return {lang: say[lang].format(kind=who[lang], name=name[lang] if name else "") for lang in LANGUAGES}
