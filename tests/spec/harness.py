"""Runs red flags on the spec files' books.

Building an expression costs far more than running it on ten rows. So all cases are resolved and viewed together, once, with ids that
keep them apart; then each case's rows are laid under the same table names, and a flag's expression is made once for all its cases.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from features import schema, views
from features.book import Book
from features.indicators.base import RedFlag
from pipelines import graph, resolve
from pipelines.graph.rings import SCHEMAS
from tests.spec.cases import AS_OF, Case, cells, read, scoped

LATER = {
    "links": {
        "a_id": "string", "a_kind": "string", "b_id": "string", "b_kind": "string", "n": "int64", "expected": "float64",
        "lift": "float64", "p": "float64", "q": "float64", "amount": "float64", "first_at": "timestamp", "last_at": "timestamp",
    },
    **{name: schema for name, schema in SCHEMAS.items() if name in ("rings", "ring_members", "ring_claims")},
    "proximity": {
        "subject_kind": "string", "subject_id": "string", "own_verdict": "boolean", "percentile": "float64", "proven": "float64",
    },
    "proximity_paths": {
        "subject_kind": "string", "subject_id": "string", "place": "int64", "via_kind": "string", "via_id": "string",
        "source_kind": "string", "source_id": "string",
    },
}  # fmt: skip
"""Tables of later stages that a case may give, with the columns a flag may read."""
PARTY_COLUMNS = ("a_id", "b_id", "entity_id", "subject_id", "via_id", "source_id")
ROW_COLUMNS = ("claim_id", "policy_id")
OWNER = {
    "entities": "first_key",
    "party_entity": "party_id",
    "claim_view": "claim_id",
    "policy_view": "policy_id",
    "edges": "claim_id",
    "policy_edges": "policy_id",
    "event_links": "claim_l",
}
"""The column that says whose case a row is, where the table has no ``source_file``."""
_names = count()


@cache
def connection() -> Any:
    """One connection for every case."""
    con = ibis.duckdb.connect(threads=2)
    con.raw_sql("SET TimeZone='UTC'")
    return con


@cache
def all_cases() -> list[Case]:
    """Cases of this folder."""
    return read(Path(__file__).parent)


@dataclass(frozen=True)
class Whole:
    """Every case's rows: canonical tables, resolved, and the views."""

    tables: dict[str, pa.Table]

    def rows(self, name: str, case: Case) -> pa.Table:
        """One case's rows of one table."""
        table = self.tables[name]
        return table.filter(pc.equal(table["case"], case.number)).drop_columns("case")


@cache
def whole() -> Whole:
    """Resolve and view all cases together."""
    canonical = {n: _registered(_typed(n, _types(n), all_cases())) for n in schema.tables()}
    tables = resolve.run(canonical)
    tables = {n: t if n in canonical and n not in ("claims", "policies") else _kept(t) for n, t in tables.items()}
    book = Book(tables, AS_OF)
    tables |= {"claim_view": _kept(views.claim_view(book)), "policy_view": _kept(views.policy_view(book))}
    tables |= {"edges": _kept(graph.edges(tables)), "policy_edges": _kept(graph.policy_edges(tables))}
    arrow = {n: _owned(n, t).to_pyarrow() for n, t in tables.items()}
    return Whole(arrow | {n: _given(n, arrow["party_entity"]) for n in LATER})


def _owned(name: str, table: ir.Table) -> ir.Table:
    owner = table[OWNER[name]].re_extract("(^|:)(k[0-9]+)~", 2) if name in OWNER else table.source_file
    return table.mutate(case=owner)


def _given(name: str, mapped: pa.Table) -> pa.Table:
    """A later stage's table: source ids of parties become entity ids."""
    known = dict(zip(mapped["party_id"].to_pylist(), mapped["entity_id"].to_pylist(), strict=True))
    types = {**LATER[name], "source_file": "string"}
    rows = [r for case in all_cases() for r in cells(case, name, types)]
    for row in rows:
        apart = {c: scoped(row[c], row["source_file"]) for c in PARTY_COLUMNS if row.get(c)}
        row |= {c: known.get(a, a if "subject_kind" in row else row[c]) for c, a in apart.items()}
        row |= {c: scoped(row[c], row["source_file"]) for c in ROW_COLUMNS if row.get(c)}
    return _arrow(rows, types).rename_columns([*LATER[name], "case"])


def _types(name: str) -> dict[str, str]:
    return {c.name: c.dtype for c in (*schema.tables()[name].columns, *schema.LINEAGE)}


def _typed(name: str, types: dict[str, str], cases: list[Case]) -> pa.Table:
    return _arrow([r for case in cases for r in cells(case, name, types)], types)


def _arrow(rows: list[dict[str, Any]], types: dict[str, str]) -> pa.Table:
    """Decimals are written as text and cast, so that 0.1 is 0.1."""
    kinds = {c: ibis.dtype(t).to_pyarrow() for c, t in types.items()}
    arrays = [pa.array([r[c] for r in rows], type=pa.string() if types[c].startswith("dec") else k) for c, k in kinds.items()]
    return pa.table(arrays, names=list(kinds)).cast(pa.schema(list(kinds.items())))


def _registered(rows: pa.Table, name: str = "") -> ir.Table:
    name = name or f"rows_{next(_names)}"
    connection().con.register(name, rows)
    return connection().table(name)


def _kept(table: ir.Table) -> ir.Table:
    return connection().create_table(f"rows_{next(_names)}", table, temp=True)


def lay(case: Case) -> Book:
    """The case's book: its rows under the names of the tables, and which columns hold anything."""
    rows = {n: whole().rows(n, case) for n in whole().tables}
    for name, table in rows.items():
        connection().con.register(f"spec_{name}", table)
    available = {f"{n}.{c}" for n, t in rows.items() for c in t.column_names if t[c].null_count < len(t)}
    return Book(_tables(), case.as_of, frozenset(available), case.settings)


@cache
def _tables() -> dict[str, ir.Table]:
    return {n: connection().table(f"spec_{n}") for n in whole().tables}


_compiled: dict[tuple[str, date, str], str] = {}


def fired(flag: RedFlag, book: Book) -> set[str]:
    """Subjects that the flag names; every piece of evidence must name a row of one of the book's tables."""
    known = (flag.code, book.as_of, repr(book.settings))
    if known not in _compiled:
        _compiled[known] = ibis.to_sql(flag.find(book), dialect="duckdb")
    found = connection().con.sql(_compiled[known]).df()
    assert set(found.evidence_table) <= set(book.tables)
    assert found.evidence_key.notna().all() and found.value.notna().all()
    return set(found.subject_id)


def subjects(ids: list[str], case: Case) -> set[str]:
    """Entity ids of the source ids; ``event of A:c1`` is that claim's event; an id that is no party's or object's stays."""
    parties, objects = whole().rows("party_entity", case), whole().rows("objects", case)
    known = dict(zip(parties["party_id"].to_pylist(), parties["entity_id"].to_pylist(), strict=True))
    known |= dict(zip(objects["object_id"].to_pylist(), objects["object_entity"].to_pylist(), strict=True))
    claims = whole().rows("claims", case)
    known |= {f"event of {c}": e for c, e in zip(claims["claim_id"].to_pylist(), claims["event_id"].to_pylist(), strict=True)}
    apart = {i if i.startswith("ring:") else scoped(i, case.number) for i in ids}
    return {known.get(i, i) for i in apart}
