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
from pipelines.engine.keeping import kept

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
    parts = {n: _parts(engine, store, as_of, t, found) for n, t in tables().items()}
    referred = {c.ref for n in found for c in tables()[n].columns} | {"parties"}
    ids = {n: kept(_ids(p, tables()[n])) for n, p in parts.items() if n in found and n in referred}
    staged = {n: _orphans(_latest(p, tables()[n]), tables()[n], ids if n in found else {}) for n, p in parts.items()}
    if "parties" in ids:
        # Entities take their id from the record received first, and a later version of it must not change that.
        first = ids["parties"].select(party_id="key", first_received_at="first_received_at")
        staged["parties"] = staged["parties"].left_join(first, "party_id").drop("party_id_right")
    return staged


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


def _parts(engine: Engine, store: Path, as_of: date, table: Table, found: ByTable) -> tuple[list[ir.Table], list[ir.Table]]:
    """The table's rows as far as they were known: each insurer's first delivery, mostly its whole history, and what came after it.

    Deliveries with receipt times are read all at once: a union of hundreds takes longer to plan than to carry out.
    """
    mine = found.get(table.name, ())
    first = {a.insurer: a for a in reversed(mine)}
    groups = [[a for a in mine if (a is first[a.insurer]) is old] for old in (True, False)]
    return _read(engine, store, as_of, groups[0], found), _read(engine, store, as_of, groups[1], found)


def _read(engine: Engine, store: Path, as_of: date, group: Sequence[Admission], found: ByTable) -> list[ir.Table]:
    receipted = [rows_path(store, a) for a in group if a.receipted]
    parts = [_typed(engine.read(receipted), tables()[group[0].table])] if receipted else []
    return parts + [_invented(engine, store, a, as_of, found) for a in group if not a.receipted]


def _typed(rows: ir.Table, table: Table) -> ir.Table:
    return rows.select(**{n: rows[n].cast(t) for n, t in _types(table).items()})


def _invented(engine: Engine, store: Path, admission: Admission, as_of: date, found: ByTable) -> ir.Table:
    """Rows of a delivery without receipt time, cut to what was known."""
    table = tables()[admission.table]
    rows = _typed(engine.read(rows_path(store, admission)), table)
    if table.known_at:
        return known_cells(rows.filter(_known(rows, table.known_at, as_of)), table, as_of)
    for parent, column in _parents(table).items():
        unknown = _later(engine, store, as_of, parent, found)
        if unknown is not None:
            rows = rows.anti_join(unknown, [(column, "later_id")])
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


def _latest(parts: tuple[list[ir.Table], list[ir.Table]], table: Table) -> ir.Table:
    """The latest version of each key; only the keys of the histories are compared with what came later, which is little."""
    older, later = parts
    if not older:
        return empty(table)
    if not later:
        return _stacked(older)
    keys = ("insurer", *table.key)
    newer = _stacked(later)
    order = [newer.received_at.desc(), newer.row_sha256.desc()]
    last = newer.mutate(nth_version=ibis.row_number().over(group_by=list(keys), order_by=order))
    last = last.filter(last.nth_version == 0).drop("nth_version")
    return _without(_stacked(older), last, keys).union(last)


def _without(rows: ir.Table, others: ir.Table, keys: Sequence[str]) -> ir.Table:
    """Rows whose key the others lack; a null in a key equals a null."""
    named = others.select(**{f"other_{k}": others[k] for k in keys})
    return rows.anti_join(named, reduce(and_, (rows[k].identical_to(named[f"other_{k}"]) for k in keys)))


def _stacked(parts: Sequence[ir.Table]) -> ir.Table:
    return ibis.union(parts[0], *parts[1:]) if len(parts) > 1 else parts[0]


def _orphans(rows: ir.Table, table: Table, ids: Mapping[str, ir.Table]) -> ir.Table:
    """The table with its references checked.

    References that lead nowhere are few and looked for first, column by column: joining wide rows with every table they refer to
    at once holds all those tables in memory, and four of them made the joins spill.
    """
    keys = ("insurer", *table.key)
    refs = [c for c in table.columns if c.ref in ids]
    found = [rows.anti_join(ids[c.ref], [(c.name, "key")]).filter(ibis._[c.name].notnull()) for c in refs]
    lost = [f.select(**{f"other_{k}": f[k] for k in keys}, column=ibis.literal(c.name)) for f, c in zip(found, refs, strict=True)]
    listed = kept(_stacked(lost)) if lost else None
    if listed is None or not listed.count().to_pyarrow().as_py():
        return rows
    flags = {f"lost_{c.name}": (listed.column == c.name).max() for c in refs}
    marked = listed.group_by([f"other_{k}" for k in keys]).agg(**flags)
    joined = rows.left_join(marked, [rows[k].identical_to(marked[f"other_{k}"]) for k in keys])
    names = [ibis.ifelse(joined[name].fill_null(False), f";orphan:{name.removeprefix('lost_')}", "") for name in flags]
    marks = joined.dq.fill_null("").concat(*names).re_replace("^;", "").nullif("")
    return joined.select(**{n: (marks if n == "dq" else joined[n]) for n in rows.columns})


def _ids(parts: tuple[list[ir.Table], list[ir.Table]], table: Table) -> ir.Table:
    """First key column of every delivered row that was known, each value once, and when it was first received."""
    every = _stacked([p.select("received_at", key=p[table.key[0]]) for group in parts for p in group])
    return every.group_by("key").agg(first_received_at=every.received_at.min())
