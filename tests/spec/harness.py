"""Runs a red flag on a small book written in YAML.

A case lists rows with only the columns that matter. In a row ``repeat: 30`` writes it for i = 1..30: ``{i}`` in a string becomes i,
a list gives its elements in turn, and ``2025-01-01+{i}d`` is that date i days on. Ids carry their insurer (``A:c1``). Subjects are
named by entity id, or by the source id of a party or object. Tables that only a later stage makes (``links``, ``edges``, ...) may
be given too; they are then taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime, timedelta
from functools import cache
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features import schema, views
from features.book import Book
from features.indicators.base import RedFlag
from pipelines import resolve

AS_OF = date(2026, 1, 1)
RECEIVED = datetime(2025, 12, 31, 18)
DERIVED = {
    "links": {
        "a_id": "string", "a_kind": "string", "b_id": "string", "b_kind": "string", "n": "int64", "expected": "float64",
        "lift": "float64", "p": "float64", "q": "float64", "amount": "float64", "first_at": "timestamp", "last_at": "timestamp",
    },
}  # fmt: skip
VIEWS: dict[str, Callable[[Book], ir.Table]] = {"claim_view": views.claim_view, "policy_view": views.policy_view}
_DATE = re.compile(r"^(\d{4}-\d\d-\d\d)\+(\d+)d(.*)$")


@cache
def connection() -> Any:
    """One connection for every case."""
    con = ibis.duckdb.connect(threads=2)
    con.raw_sql("SET TimeZone='UTC'")
    return con


class Lazy(Mapping[str, ir.Table]):
    """Tables of a case; views and graph tables are made when first asked for."""

    def __init__(self, tables: dict[str, ir.Table]) -> None:
        self.ready = tables
        self.book = Book(self, AS_OF)

    def __getitem__(self, name: str) -> ir.Table:
        if name not in self.ready:
            made = VIEWS[name](self.book) if name in VIEWS else _graph(self, name)
            self.ready[name] = connection().create_table(ibis.util.gen_name(name), made, temp=True)
        return self.ready[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self.ready)

    def __len__(self) -> int:
        return len(self.ready)


def _graph(tables: Lazy, name: str) -> ir.Table:
    if name in DERIVED:
        return table(name, [])
    raise KeyError(name)


def book(case: dict[str, Any]) -> Book:
    """The book of a case: canonical tables, resolved, with what is needed of the views."""
    given = {n: list(_rows(rows)) for n, rows in case["tables"].items()}
    canonical = {n: table(n, given.get(n, [])) for n in schema.tables()}
    resolved = resolve.run(canonical)
    lazy = Lazy({**resolved, **{n: table(n, r) for n, r in given.items() if n not in canonical}})
    available = frozenset(f"{n}.{c}" for n, rows in given.items() for row in rows for c, v in row.items() if v is not None)
    settings = case.get("settings", {})
    return Book(lazy, date.fromisoformat(str(case.get("as_of", AS_OF))), available, settings)


def fired(flag: RedFlag, of: Book) -> set[str]:
    """Subjects that the flag names on the book; every piece of evidence must name one of the book's tables."""
    found = flag.find(of).to_pandas()
    assert set(found.evidence_table) <= set(of.tables)
    assert found.evidence_key.notnull().all() if len(found) else True
    return set(found.subject_id)


def subjects(ids: list[str], of: Book) -> set[str]:
    """Entity ids of the source ids (an id that is no party's or object's stays)."""
    known = of["party_entity"].to_pandas().set_index("party_id").entity_id.to_dict()
    things = of["objects"].to_pandas().set_index("object_id").object_entity.to_dict()
    return {known.get(i, things.get(i, i)) for i in ids}


def table(name: str, rows: list[dict[str, Any]]) -> ir.Table:
    """Rows as a typed table; columns that no row names are null. Unknown columns are an error."""
    types = _types(name)
    unknown = sorted({c for r in rows for c in r} - set(types))
    assert not unknown, f"{name} has no column {unknown}"
    kinds = {c: ibis.dtype(t).to_pyarrow() for c, t in types.items()}
    arrays = [
        pa.array([_cell(r.get(c), types[c]) for r in rows], type=pa.string() if types[c].startswith("dec") else k) for c, k in kinds.items()
    ]
    filled = pa.table(arrays, names=list(kinds)).cast(pa.schema(list(kinds.items())))
    return _registered(filled)


def _registered(filled: pa.Table) -> ir.Table:
    name = f"t{next(_counter)}"
    connection().con.register(name, filled)
    return connection().table(name)


_counter = iter(range(1 << 60))


def _types(name: str) -> dict[str, str]:
    if name in DERIVED:
        return DERIVED[name]
    columns = (*schema.tables()[name].columns, *schema.LINEAGE)
    return {c.name: c.dtype for c in columns}


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


def _cell(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "timestamp":
        return datetime.fromisoformat(str(value))
    if kind == "date":
        return date.fromisoformat(str(value)[:10])
    return str(value) if kind == "string" or kind.startswith("dec") else value
