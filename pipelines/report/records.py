"""The source records behind a lead's parties, as people read them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from pipelines.report.mask import pseudonym
from pipelines.report.messages import Both, Messages

Row: TypeAlias = Mapping[Any, Any]
SHOWN = 20
"""Records of a lead on the page and on the screen; ``lead_records`` has more."""


def told(rows: Sequence[Row], messages: Messages, names: Mapping[str, str]) -> list[dict[str, Any]]:
    """The first records of one lead with words for their role, their party (masked) and how many records are one with them.

    Parameters
    ----------
    rows : sequence of mapping
        One lead's rows of ``lead_records``.
    messages : Messages
    names : mapping of str to str
        Real names by entity id; empty unless unmasked.
    """
    return [
        {
            **row,
            "role_name": messages.text("role", row["role"]),
            "party": pseudonym(messages, str(row["entity_id"]).partition(":")[0], row["entity_id"], names),
            "joined": _joined(row, messages),
        }
        for row in sorted(rows, key=lambda r: int(r["seq"]))[:SHOWN]
    ]


def _joined(row: Row, messages: Messages) -> Both:
    """How many records of how many insurers are one."""
    if row["records"] == 1:
        return messages.text("text", "joined_one")
    return messages.text("text", "joined", records=row["records"], insurers=row["n_insurers"])
