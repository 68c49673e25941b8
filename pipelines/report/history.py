"""What became of a lead's subject over the nights, in words: it was two or one with another, had or lost records, carries leads on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pipelines.report.mask import pseudonym
from pipelines.report.messages import Both, Messages, plain

Row: TypeAlias = Mapping[Any, Any]


def told(rows: Sequence[Row], subject_id: str, messages: Messages, names: Mapping[str, str]) -> list[Both]:
    """Sentences in the order of nights, then one about leads that were joined into this one.

    Parameters
    ----------
    rows : sequence of mapping
        One lead's rows of ``lead_history``.
    subject_id : str
        The lead's subject.
    messages : Messages
    names : mapping of str to str
        Real names by entity id; empty unless unmasked.
    """
    ordered = sorted(rows, key=lambda row: int(row["seq"]))
    said = [_sentence(row, subject_id, messages, names) for row in ordered]
    aliases = {str(row["aliases"]) for row in ordered if row["aliases"]}
    return said + [messages.text("text", "carries_on", leads=ids.replace(",", ", ")) for ids in sorted(aliases)]


def _sentence(row: Row, subject_id: str, messages: Messages, names: Mapping[str, str]) -> Both:
    gained = row["entity_id"] == subject_id
    other = str(row["predecessor"] if gained else row["entity_id"])
    who = pseudonym(messages, other.partition(":")[0], other, names)
    key = {"merge": "was_two", "split": "was_one", "move": "gained" if gained else "lost"}[str(row["change"])]
    said = {language: messages.text("text", key, day=plain(row["as_of"])[:10], other=who[language]) for language in ("zh", "en")}
    return {"zh": said["zh"]["zh"], "en": said["en"]["en"]}
