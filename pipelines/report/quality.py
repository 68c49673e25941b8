"""What a reader must know before trusting the list: refused deliveries, quarantine, red flags that could not be computed, drift, bounds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.report import learnt, slots
from pipelines.report.anomaly import feature_name
from pipelines.report.messages import LANGUAGES, Both, Messages, plain


@dataclass(frozen=True)
class Note:
    """One warning: a heading and its lines; ``grave`` ones are shown open."""

    heading: Both
    lines: list[Both]
    grave: bool = False


def notes(meta: Mapping[str, Any], messages: Messages) -> list[Note]:
    """The warnings of a run, gravest first; none where all went well.

    Parameters
    ----------
    meta : mapping
        ``refused``, ``quarantined``, ``silent``, ``disabled``, ``drift``, ``slots``, ``models`` as in :func:`pipelines.report.publish`.
    messages : Messages
        The catalogue.
    """
    found = (
        Note(messages.text("text", "carried"), [_refused(r, messages) for r in meta.get("refused") or ()], True),
        Note(messages.text("drift", "alarms"), alarms(meta.get("drift") or {}, messages), True),
        Note(messages.text("text", "quarantined"), [_quarantined(r, messages) for r in _summed(meta.get("quarantined") or ())]),
        Note(messages.text("text", "silent"), [_silent(r, messages) for r in _records(meta.get("silent"))]),
        Note(messages.text("text", "disabled"), [_flag(str(c), messages) for c in meta.get("disabled") or ()]),
        Note(messages.text("slots", "heading"), slots.lines(meta.get("slots") or (), messages)),
        Note(messages.text("text", "models"), learnt.weights(meta.get("models") or {}, messages)),
    )
    return [n for n in found if n.lines]


def alarms(drift: Mapping[str, Any], messages: Messages) -> list[Both]:
    """A line for every alarm of the watch for drift: what changed, which way, since when, how strong the evidence is."""
    return [_alarm(record, messages) for record in drift.get("alarms") or ()]


def _alarm(record: Mapping[str, Any], messages: Messages) -> Both:
    part, name = str(record["part"]), str(record["name"])
    key = {"score": f"score {name}", "feature": "missing" if name.endswith(" ?") else "feature"}.get(part, part)
    named = _flag(name, messages) if part == "flag" else feature_name(name.removesuffix(" ?"), messages)
    what = {lang: messages.text("drift", key)[lang].format(name=named[lang]) for lang in LANGUAGES}
    way = messages.text("drift", record["way"])
    return {lang: way[lang].format(what=what[lang], since=record["since"], capital=f"{record['capital']:,.0f}") for lang in LANGUAGES}


def _records(given: Any) -> Iterable[Any]:
    """Records of a list, or of a mapping code → missing names."""
    return [{"code": k, "missing": v} for k, v in given.items()] if isinstance(given, Mapping) else given or ()


def _summed(records: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Rows in quarantine by insurer, table and rule, over all deliveries, most first."""
    rows: Counter[tuple[str, str, str]] = Counter()
    for record in records:
        rows[plain(record.get("insurer")), plain(record.get("table")), plain(record.get("rule"))] += int(record.get("rows") or 0)
    ordered = sorted(rows.items(), key=lambda item: (-item[1], item[0]))
    return [dict(zip(("insurer", "table", "rule"), key, strict=True)) | {"rows": n} for key, n in ordered]


def _refused(record: Any, messages: Messages) -> Both:
    if not isinstance(record, Mapping):
        return _same(plain(record))
    since = record.get("carried_from")
    tail = messages.text("text", "carried_from" if since else "carried_nothing")
    told = {n: plain(record.get(n)) for n in ("insurer", "table", "received_at", "why")}
    head = f"{told['insurer']} / {told['table']} @ {told['received_at'][:10]}: {told['why']}"
    return {lang: f"{head} → {tail[lang]} {plain(since)[:10] if since else ''}".rstrip() for lang in LANGUAGES}


def _quarantined(record: Any, messages: Messages) -> Both:
    table = messages.text("table", record.get("table"))
    return {
        lang: f"{plain(record.get('insurer'))} / {table[lang]} — {plain(record.get('rule'))}: {plain(record.get('rows'))}"
        for lang in LANGUAGES
    }


def _silent(record: Any, messages: Messages) -> Both:
    missing = record.get("missing")
    columns = missing if isinstance(missing, str) else ", ".join(map(str, missing or ()))
    name, why = _flag(str(record.get("code")), messages), messages.text("text", "silent_why")
    return {lang: f"{name[lang]}: {why[lang]} {columns}" for lang in LANGUAGES}


def _flag(code: str, messages: Messages) -> Both:
    name = messages.part(code, "name")
    return {lang: code if name[lang] == code else f"{code} {name[lang]}" for lang in LANGUAGES}


def _same(text: str) -> Both:
    return dict.fromkeys(LANGUAGES, text)
