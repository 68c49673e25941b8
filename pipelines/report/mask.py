"""Display masking: who is shown under which code name, and what an explicit ``--unmask`` looks up in the vault.

Ids of insurers' own rows (claims, policies) are shown, since an investigator must find them; people, organisations, vehicles, accounts,
phones and devices bear a code name that is the same everywhere; a diagnosis is shown as its ICD-10 chapter only.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import partial

import pandas as pd

from features.schema import Column, tables
from pipelines.ids import digest
from pipelines.report.messages import BLANK, Both, Messages, plain

SHOWN = frozenset({"claim", "policy", "product", "ring", "event", "station"})
"""Kinds whose id names a row or a group, not a party."""

_HEX = re.compile(r"(?:^|:)([0-9a-f]{8,})$")
_CHAPTERS = (
    ("A00", "I"), ("C00", "II"), ("D50", "III"), ("E00", "IV"), ("F00", "V"), ("G00", "VI"), ("H00", "VII"), ("H60", "VIII"),
    ("I00", "IX"), ("J00", "X"), ("K00", "XI"), ("L00", "XII"), ("M00", "XIII"), ("N00", "XIV"), ("O00", "XV"), ("P00", "XVI"),
    ("Q00", "XVII"), ("R00", "XVIII"), ("S00", "XIX"), ("U00", "XXII"), ("V00", "XX"), ("Z00", "XXI"),
)  # fmt: skip


def short(subject_id: object) -> str:
    """Six capital hex digits for an id: the head of its own digest where it is one, else of a digest of it."""
    text = plain(subject_id)
    own = _HEX.search(text)
    return (own[1] if own else digest(text))[:6].upper()


def identifier(kind: str, subject_id: object) -> str:
    """What stands behind the kind's word: the id of an insurer's row, or the code of a party."""
    text = plain(subject_id)
    return text.removeprefix(f"{kind}:") if kind in SHOWN and not _HEX.search(text) else short(text)


def pseudonym(messages: Messages, kind: str, subject_id: object, names: Mapping[str, str] | None = None) -> Both:
    """``人员 7F3A2C`` / ``person 7F3A2C``, followed by the real name where ``names`` (unmasked) knows it."""
    words = messages.text("kind", kind)
    known = (names or {}).get(str(subject_id), "")
    tail = f" · {known}" if known else ""
    return {lang: f"{word} {identifier(kind, subject_id)}{tail}" for lang, word in words.items()}


def chapter(code: object) -> str:
    """ICD-10 chapter (I to XXII) of a diagnosis code, or a dash."""
    text = plain(code).strip().upper()[:3]
    if not re.match(r"[A-Z]\d\d", text):
        return BLANK
    return [number for first, number in _CHAPTERS if first <= text][-1]


def masked(frame: pd.DataFrame, table: str) -> pd.DataFrame:
    """Rows of a canonical table as they may be shown: tokens as code names, sensitive codes as chapter, birth dates as year.

    Parameters
    ----------
    frame : DataFrame
        Rows; columns the table does not know stay as they are.
    table : str
        Name of the canonical table, whose personal-data classes say what to mask.
    """
    columns = tables()[table].by_column
    hidden = {n: frame[n].map(partial(_value, columns[n], table)) for n in frame.columns if n in columns and columns[n].pii}
    return frame.assign(**hidden)


def real_names(entities: pd.DataFrame, vault: pd.DataFrame) -> dict[str, str]:
    """Raw name by entity id, and raw value by token, for ``--unmask``.

    Parameters
    ----------
    entities : DataFrame
        With ``entity_id`` and ``name`` (a token).
    vault : DataFrame
        With ``token`` and ``raw`` (or ``value``).
    """
    column = "raw" if "raw" in vault.columns else "value"
    raw = vault.dropna(subset=["token"]).drop_duplicates("token").set_index("token")[column].astype(str)
    by_entity = entities.set_index("entity_id")["name"].map(raw).dropna()
    return {str(k): str(v) for k, v in pd.concat([raw, by_entity]).items()}


def _value(column: Column, table: str, value: object) -> str:
    if plain(value) == BLANK:
        return BLANK
    if column.token:
        return short(value)
    if table == "claim_diagnoses":
        return chapter(value)
    return f"{plain(value)[:4]}-··-··" if column.type == "date" else "···"
