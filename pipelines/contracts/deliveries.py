"""Staging: the store's versions → the canonical tables as they were known before ``as_of``.

A delivery received at or after 00:00 of ``as_of`` is not even opened. A snapshot replaces what its source delivered of the table
before; a delta adds, and overwrites by key. Where a source has no receipt times, the schema says when a row and each column that
changes later became known; a row that hangs on a claim or policy is known when that is. A row or cell whose own time of
knowledge is not given counts as known.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, time
from functools import reduce
from operator import and_
from pathlib import Path
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from features.schema import LINEAGE, TYPES, Table, tables
from pipelines.contracts.admission import Admission, rows_path
from pipelines.engine import Engine

ByTable: TypeAlias = Mapping[str, Sequence[Admission]]


def stage(engine: Engine, store: Path, as_of: date, admissions: Iterable[Admission]) -> dict[str, ir.Table]:
    """All canonical tables as known at the start of ``as_of``.

    Parameters
    ----------
    engine : Engine
        Reads the store.
    store : Path
        Where the gate put accepted rows.
    as_of : date
        Nothing received on it or later is used.
    admissions : iterable of Admission
        The deliveries of the book; refused and later ones are passed over, order does not matter.

    Returns
    -------
    dict of str to Table
        Every table of the schema with all its columns and ``LINEAGE``; empty where nothing was delivered. ``dq`` has
        ``orphan:<column>`` added where a reference leads nowhere, though its table was delivered.
    """
    found = in_force(admissions, as_of)
    staged = {n: _latest(_parts(engine, store, as_of, t, found), t) for n, t in tables().items()}
    return {n: _orphans(rows, tables()[n], staged, frozenset(found)) for n, rows in staged.items()}


def in_force(admissions: Iterable[Admission], as_of: date) -> dict[str, list[Admission]]:
    """Deliveries that count, by table, oldest first: of each source the newest snapshot before ``as_of`` and what came after it."""
    cut = datetime.combine(as_of, time())
    usable = sorted((a for a in set_of(admissions) if not a.refused and a.received_at < cut), key=_order)
    found: dict[str, list[Admission]] = {}
    for admission in usable:
        mine = found.setdefault(admission.table, [])
        if admission.mode == "snapshot":
            mine[:] = [a for a in mine if (a.source, a.insurer) != (admission.source, admission.insurer)]
        mine.append(admission)
    return found


def set_of(admissions: Iterable[Admission]) -> list[Admission]:
    """Each delivery once."""
    return list({(a.insurer, a.table, a.digest): a for a in admissions}.values())


def _order(admission: Admission) -> tuple[datetime, str]:
    return (admission.received_at, admission.digest)


def available(engine: Engine, staged: Mapping[str, ir.Table]) -> frozenset[str]:
    """``table.column`` of every column that holds a value; one query per table."""
    names = {n: t for n, t in staged.items() if n in tables()}
    return frozenset(f"{n}.{c}" for n, t in names.items() for c in _filled(t))


def _filled(rows: ir.Table) -> list[str]:
    counts = rows.aggregate([rows[c].count().name(c) for c in rows.columns]).to_pyarrow().to_pylist()[0]
    return [c for c, n in counts.items() if n]


def empty(table: Table) -> ir.Table:
    """The table without rows."""
    return ibis.memtable(ibis.schema(_types(table)).to_pyarrow().empty_table())


def _types(table: Table) -> dict[str, str]:
    return {c.name: TYPES[c.type] for c in (*table.columns, *LINEAGE)}


def _parts(engine: Engine, store: Path, as_of: date, table: Table, found: ByTable) -> list[tuple[str, ir.Table]]:
    """The table's deliveries, oldest first, each with its insurer and cut to what was known."""
    later = {p: _later(engine, store, as_of, p, found) for p in _parents(table)}
    return [(a.insurer, _part(engine.read(rows_path(store, a)), a, as_of, later)) for a in found.get(table.name, ())]


def _part(rows: ir.Table, admission: Admission, as_of: date, later: Mapping[str, ir.Table | None]) -> ir.Table:
    table = tables()[admission.table]
    rows = rows.select(**{n: rows[n].cast(t) for n, t in _types(table).items()})
    if admission.receipted:
        return rows
    if table.known_at:
        return known_cells(rows.filter(_known(rows, table.known_at, as_of)), table, as_of)
    for parent, unknown in later.items():
        if unknown is not None:
            rows = rows.anti_join(unknown, [(_parents(table)[parent], "later_id")])
    return known_cells(rows, table, as_of)


def known_cells(rows: ir.Table, table: Table, as_of: date) -> ir.Table:
    """Null in each cell that was not known yet."""
    changing = [c for c in table.columns if c.known_at]
    cut = {c.name: ibis.ifelse(_known(rows, c.known_at, as_of), rows[c.name], ibis.null(c.dtype)) for c in changing}
    return rows.mutate(**cut) if cut else rows


def _known(rows: ir.Table, column: str, as_of: date) -> ir.BooleanValue:
    moment = ibis.literal(as_of) if rows[column].type().is_date() else ibis.literal(datetime.combine(as_of, time()))
    return rows[column].isnull() | (rows[column] < moment)


def _parents(table: Table) -> dict[str, str]:
    """Claims or policies that the table's rows hang on, where it has no time of its own: table → column."""
    return {} if table.known_at else {c.ref: c.name for c in table.columns if c.required and c.ref in ("claims", "policies")}


def _later(engine: Engine, store: Path, as_of: date, parent: str, found: ByTable) -> ir.Table | None:
    """Ids of the parent's rows that were not known yet; None if its source gives receipt times."""
    table = tables()[parent]
    invented = [engine.read(rows_path(store, a)) for a in found.get(parent, ()) if not a.receipted]
    ids = [r.filter(~_known(r, table.known_at, as_of)).select(later_id=r[table.key[0]]) for r in invented]
    return _stacked(ids) if ids else None


def _latest(parts: Sequence[tuple[str, ir.Table]], table: Table) -> ir.Table:
    """The latest version of each key; ``parts`` (insurer, rows) oldest first, each with a key at most once.

    Each insurer's first delivery is mostly the whole history: only its keys are compared with the rest, which are few.
    """
    if not parts:
        return empty(table)
    first = {insurer: i for i, (insurer, _) in reversed(list(enumerate(parts)))}
    older = _stacked([parts[i][1] for i in sorted(first.values())])
    later = [(i, rows) for i, (_, rows) in enumerate(parts) if i not in first.values()]
    if not later:
        return older
    keys = ("insurer", *table.key)
    newer = _stacked([rows.mutate(part_version=ibis.literal(i, "int32")) for i, rows in later])
    last = newer.mutate(nth_version=ibis.row_number().over(group_by=list(keys), order_by=newer.part_version.desc()))
    last = last.filter(last.nth_version == 0).drop("nth_version", "part_version")
    return _without(older, last, keys).union(last)


def _without(rows: ir.Table, others: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Rows whose key the others lack; a null in a key equals a null."""
    named = others.select(**{f"other_{k}": others[k] for k in keys})
    return rows.anti_join(named, reduce(and_, (rows[k].identical_to(named[f"other_{k}"]) for k in keys)))


def _stacked(parts: Sequence[ir.Table]) -> ir.Table:
    return ibis.union(parts[0], *parts[1:]) if len(parts) > 1 else parts[0]


def _orphans(rows: ir.Table, table: Table, staged: Mapping[str, ir.Table], delivered: frozenset[str]) -> ir.Table:
    """The table with its references checked."""
    refs = [c for c in table.columns if c.ref in delivered]
    if table.name not in delivered or not refs:
        return rows
    joined = rows
    for column in refs:
        there = staged[column.ref].view()
        ids = there.select(**{f"found_{column.name}": there[tables()[column.ref].key[0]]})
        joined = joined.left_join(ids, [(column.name, f"found_{column.name}")])
    lost = [joined[c.name].notnull() & joined[f"found_{c.name}"].isnull() for c in refs]
    names = [ibis.ifelse(condition, f";orphan:{c.name}", "") for c, condition in zip(refs, lost, strict=True)]
    marks = joined.dq.fill_null("").concat(*names).re_replace("^;", "").nullif("")
    return joined.select(**{n: (marks if n == "dq" else joined[n]) for n in rows.columns})
