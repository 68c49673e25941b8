"""A backtest as a page: figures by kind of subject, each with its interval, recall by scheme, and the picture of reliability."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipelines.report import reliability
from pipelines.report.messages import BLANK, Messages
from pipelines.report.svg import element

FIGURES = ("auc", "ap", "lift", "precision", "recall")
SHARES = frozenset({"precision", "recall"})
STYLE = (
    "body{font:14px/1.5 'Noto Sans CJK SC',sans-serif;max-width:960px;margin:24px auto;padding:0 16px;color:#1b2530}"
    "table{border-collapse:collapse;margin:8px 0}td,th{text-align:left;padding:4px 14px 4px 0;border-bottom:1px solid #d8dee4;"
    "vertical-align:top}.n{text-align:right;white-space:nowrap}.kind{break-inside:avoid;margin-top:28px}.hint{color:#55626f}"
)


def page(found: Mapping[str, Any], messages: Messages) -> str:
    """One offline page in both languages; the same figures give the same bytes.

    Parameters
    ----------
    found : mapping
        ``nights`` (ISO dates) and ``kinds``: by kind what :func:`models.backtest.figures` returns, or ``note`` if
        nothing could be judged.
    messages : Messages
        The catalogue.
    """
    nights: Sequence[str] = found["nights"]
    title = _both(messages, "backtest", "title")
    parts = [element("h1", title), element("p", _both(messages, "backtest", "what"), class_="hint")]
    parts.append(element("p", f"{_both(messages, 'backtest', 'nights')}: {', '.join(nights)}"))
    judged = {kind: one for kind, one in found["kinds"].items() if "note" not in one}
    parts += [_kind(kind, one, messages) for kind, one in judged.items()]
    parts += _unjudged({kind: one["verdicts"] for kind, one in found["kinds"].items() if kind not in judged}, messages)
    head = Markup('<meta charset="utf-8"/>') + element("title", title) + element("style", Markup(STYLE))  # noqa: S704 - our own
    return f"<!DOCTYPE html>\n{element('html', element('head', head) + element('body', _joined(parts)), lang='zh')}\n"


def _kind(kind: str, one: Mapping[str, Any], messages: Messages) -> Markup:
    heading = element("h2", _both(messages, "kind", kind))
    counts = {n: one[n] for n in ("verdicts", "subjects", "proven", "scored_by_what_was_learnt", "capacity")}
    rows = [_row(messages, n, f"{v:,}") for n, v in counts.items()]
    rows += [_row(messages, n, *_interval(n, one[n])) for n in FIGURES]
    rows += [_row(messages, n, _share(one[n])) for n in ("amount", "repeats", "calibration")]
    rows.append(_row(messages, "permuted", _figure("auc", one.get("permuted"))))
    parts = [heading, element("table", _joined(rows)), _schemes(one["recall_by_scheme"], messages)]
    parts += [_ablations(one.get("ablations", {}), messages), _picture(one, messages)]
    return element("section", _joined(parts), class_="kind")


def _unjudged(verdicts: Mapping[str, int], messages: Messages) -> list[Markup]:
    """Kinds of which nothing could be judged, with the verdicts that there are, in one table."""
    if not verdicts:
        return []
    head = element(
        "tr", _joined([element("th", _both(messages, "column", "subject_kind")), element("th", _both(messages, "backtest", "verdicts"))])
    )
    rows = [element("tr", element("td", _both(messages, "kind", k)) + element("td", f"{n:,}", class_="n")) for k, n in verdicts.items()]
    return [
        element("h2", _both(messages, "backtest", "not_judged")),
        element("p", _both(messages, "backtest", "unjudged")),
        element("table", head + _joined(rows)),
    ]


def _row(messages: Messages, name: str, value: str, interval: str = "") -> Markup:
    return element("tr", element("td", _both(messages, "backtest", name)) + element("td", value, class_="n") + element("td", interval))


def _interval(name: str, told: Mapping[str, float | None]) -> tuple[str, str]:
    """A figure, and its interval where there are verdicts both ways."""
    value, low, high = (_figure(name, told[part]) for part in ("value", "low", "high"))
    return value, "" if BLANK in (low, high) else f"{low} – {high}"


def _figure(name: str, value: float | None) -> str:
    if value is None or pd.isna(value):
        return BLANK
    return f"{value:.1%}" if name in SHARES else f"{value:.3f}"


def _share(value: float | None) -> str:
    return BLANK if value is None or pd.isna(value) else f"{value:.1%}"


def _schemes(recall: Mapping[str, float], messages: Messages) -> Markup:
    rows = [
        element(
            "tr",
            element("td", _both(messages, *(("backtest", s) if s == "unknown" else ("scheme", s)))) + element("td", f"{r:.0%}", class_="n"),
        )
        for s, r in recall.items()
    ]
    caption = element("h3", _both(messages, "backtest", "recall_by_scheme"))
    return caption + element("table", _joined(rows)) if rows else Markup("")


def _ablations(told: Mapping[str, Mapping[str, float | None]], messages: Messages) -> Markup:
    """What the learnt scores are worth without some columns."""
    if not told:
        return Markup("")
    head = _joined([element("th", ""), *(element("th", _both(messages, "backtest", n), class_="n") for n in ("auc", "ap"))])
    rows = [
        element(
            "tr", element("td", _left_out(way, messages)) + _joined([element("td", _figure(n, v[n]), class_="n") for n in ("auc", "ap")])
        )
        for way, v in told.items()
    ]
    return element("h3", _both(messages, "backtest", "ablations")) + element("table", element("tr", head) + _joined(rows))


def _left_out(way: str, messages: Messages) -> str:
    family = way.partition(" family ")[2]
    words = messages.text("backtest", "no_family" if family else way.replace(" ", "_"))
    return " / ".join(dict.fromkeys(f"{text} {family}".strip() for text in words.values()))


def _picture(one: Mapping[str, Any], messages: Messages) -> Markup:
    """Probability said against rate proven; a word where nothing was scored by what was learnt."""
    table = pd.DataFrame(one["reliability"])
    caption = element("h3", _both(messages, "text", "reliability"))
    if table.empty:
        return caption + element("p", _both(messages, "backtest", "unlearnt"))
    return caption + Markup(reliability.plot(table, messages))  # noqa: S704 - drawn of escaped elements


def _joined(parts: Sequence[Markup]) -> Markup:
    return Markup("").join(parts)


def _both(messages: Messages, section: str, key: str) -> str:
    return " / ".join(dict.fromkeys(messages.text(section, key).values()))
