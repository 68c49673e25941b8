"""What became of the bounds by line and region: tonight's places that each took, and the cases that come later because of them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.report.messages import LANGUAGES, Both, Messages


def lines(slots: Iterable[Mapping[str, Any]], messages: Messages) -> list[Both]:
    """A line for every bound.

    Parameters
    ----------
    slots : records
        kind, name, bound, share, taken, places, waiting, as :func:`pipelines.leads.priority.places_taken` counts them.
    messages : Messages
        The catalogue.
    """
    return [_line(record, messages) for record in slots]


def _line(record: Mapping[str, Any], messages: Messages) -> Both:
    name = messages.text("line", record["name"]) if record["kind"] == "line" else messages.text("slots", "region", code=record["name"])
    say = messages.text("slots", record["bound"], **_numbers(record))
    late = messages.text("slots", "waiting", n=record["waiting"]) if record["waiting"] else dict.fromkeys(LANGUAGES, "")
    return {lang: f"{name[lang]}{say[lang]}{late[lang]}" for lang in LANGUAGES}


def _numbers(record: Mapping[str, Any]) -> dict[str, object]:
    return {"share": f"{100 * record['share']:.3g}", "taken": record["taken"], "places": record["places"]}
