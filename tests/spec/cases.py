"""Spec files: small books written in YAML, one file per red flag.

A case lists rows with only the columns that matter. In a row ``repeat: 30`` writes it for i = 1..30: ``{i}`` in a string becomes i,
a list gives its elements in turn, and ``2025-01-01+{i}d`` is that date i days on. Ids carry their insurer (``A:c1``). Subjects are
named by entity id, or by the source id of a party or object. Tables that only a later stage makes (``links``, ...) may be given
too; they are taken as they are, with source ids of parties where that stage has entity ids.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from features import schema

AS_OF = date(2026, 1, 1)
RECEIVED = datetime(2025, 12, 31, 18)
_DATE = re.compile(r"^(\d{4}-\d\d-\d\d)\+(\d+)d(.*)$")


@dataclass(frozen=True)
class Case:
    """One case of a spec file; ``number`` keeps the cases apart while they are resolved together."""

    code: str
    number: str
    name: str
    tables: dict[str, list[dict[str, Any]]]
    fires: list[str]
    silent: list[str]
    as_of: date = AS_OF
    settings: dict[str, dict[str, float]] = field(default_factory=dict)


def read(folder: Path) -> list[Case]:
    """Every case of every spec file."""
    listed = [
        (file.stem, raw) for file in sorted(folder.glob("*.yaml")) for raw in yaml.safe_load(file.read_text(encoding="utf-8"))["cases"]
    ]
    return [_case(code, f"k{n}", raw) for n, (code, raw) in enumerate(listed)]


def _case(code: str, number: str, raw: dict[str, Any]) -> Case:
    tables = {name: list(_rows(rows)) for name, rows in raw["tables"].items()}
    as_of = date.fromisoformat(str(raw.get("as_of", AS_OF)))
    return Case(code, number, raw["name"], tables, raw.get("fires", []), raw.get("silent", []), as_of, raw.get("settings", {}))


def _rows(rows: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for number, row in enumerate(rows, 1):
        plain = {k: v for k, v in row.items() if k != "repeat"}
        for i in range(1, row.get("repeat", 1) + 1):
            yield {"received_at": RECEIVED, "source_row": number * 1000 + i, **{k: _fill(v, i) for k, v in plain.items()}}


def _fill(value: Any, i: int) -> Any:
    if isinstance(value, list):
        return _fill(value[(i - 1) % len(value)], i)
    if not isinstance(value, str):
        return value
    text = value.replace("{i}", str(i))
    later = _DATE.match(text)
    return f"{date.fromisoformat(later[1]) + timedelta(days=int(later[2]))}{later[3]}" if later else text


def scoped(value: str, number: str) -> str:
    """An id or token that no other case has: ``A:c1`` becomes ``A:k3~c1``."""
    before, colon, after = value.rpartition(":")
    return f"{before}{colon}{number}~{after}"


def cells(case: Case, name: str, types: dict[str, str]) -> list[dict[str, Any]]:
    """A case's rows of one table as typed values, ids and tokens kept apart from other cases'.

    Raises
    ------
    AssertionError
        If a row names a column that the table does not have.
    """
    rows = case.tables.get(name, [])
    unknown = sorted({c for r in rows for c in r} - set(types) - {"received_at", "source_row"})
    assert not unknown, f"{case.code} '{case.name}': {name} has no column {unknown}"
    apart = _apart(name)
    filled = [{**r, "insurer": r.get("insurer", _insurer(name, r)), "source_file": case.number} for r in rows]
    return [{c: _cell(r.get(c), t, case.number if c in apart else "") for c, t in types.items()} for r in filled]


def _apart(name: str) -> set[str]:
    columns = schema.tables()[name].columns if name in schema.tables() else ()
    return {c.name for c in columns if c.type == "id" or (c.token and c.dtype == "string")}


def _insurer(name: str, row: dict[str, Any]) -> str | None:
    key = str(row.get(schema.tables()[name].key[0], "")) if name in schema.tables() else ""
    return key.partition(":")[0] if ":" in key else None


def _cell(value: Any, kind: str, number: str) -> Any:
    if value is None:
        return None
    if kind == "timestamp":
        return datetime.fromisoformat(str(value))
    if kind == "date":
        return date.fromisoformat(str(value)[:10])
    if kind == "int64":
        return int(value)
    if kind == "string" or kind.startswith("dec"):
        return scoped(str(value), number) if number else str(value)
    return value
