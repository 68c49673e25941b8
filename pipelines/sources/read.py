"""The rows of a delivery as text in the contract's columns, and what of its files was not used or could not be read."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ibis
import ibis.expr.types as ir

from features import schema
from pipelines.delivery import Delivery
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.ids import digest_file
from pipelines.sources import build, database, find, raw
from pipelines.sources.mapping import Block, Filter, Mapping

deliveries = find.deliveries
release = raw.release


@dataclass(frozen=True)
class Leftover:
    """The audit of one file (or database table) of a delivery.

    Attributes
    ----------
    origin : str
        The file, below the data folder.
    mapped, left, missing : tuple of str
        Source columns read, found but read by nothing (a warning), and asked for but not there (their contract columns are null).
    """

    origin: str
    mapped: tuple[str, ...]
    left: tuple[str, ...]
    missing: tuple[str, ...]


@dataclass(frozen=True)
class _Part:
    """One block applied to one file or database table."""

    block: Block
    origin: str
    path: Path | None


def text(engine: DuckEngine, mapping: Mapping, delivery: Delivery) -> ir.Table:
    """All rows of a delivery.

    Returns
    -------
    ibis Table
        The contract's source columns as strings (ISO dates, plain decimals, ``true``/``false``, half-width digits, empty → null;
        what could not be converted as it came), ``source_file``, ``source_row`` (1-based data row of that file), ``row_sha256``
        (of the raw cells). Ids are the insurer's own, without prefix. The rows are a copy: later changes of the files do not reach them.

    Raises
    ------
    DataError
        If a file is empty, damaged, wrongly delimited, lacks a column that a key needs, or changed since it was listed or while
        it was read.
    """
    parts = [(part, _load(engine, mapping, delivery, part)) for part in _parts(mapping, delivery)]
    key = (delivery.received_at, delivery.insurer, delivery.table)
    if find.content_digest(mapping, key, delivery.files) != delivery.digest:
        for _, rows in parts:
            raw.forget(rows)
        raise DataError(
            "the data changed while it was read", delivery.label, "wait until the insurer has finished writing, then start again"
        )
    own = (Filter(mapping.insurer[1], (delivery.insurer,), True),) if mapping.insurer[0] == "column" else ()
    tables = [build.rows(part.block, part.origin, rows, own) for part, rows in parts]
    return build.together(tables, delivery.table, first_only=delivery.table in mapping.distinct)


def rejects(engine: DuckEngine, mapping: Mapping, delivery: Delivery) -> ir.Table | None:
    """Lines of a delivery's files that are no rows: too few or too many cells, a stray quote, bad bytes, over 32 MB.

    Returns
    -------
    ibis Table or None
        ``source_file``, ``source_row`` (data row number), ``rule`` (``csv``), ``message``, ``raw`` (the line, personal data and all);
        None if every line is a row. Call it after :func:`text`, which reads the files.
    """
    kept = {p.origin: raw.target_of(engine, p.block, digest_file(p.path)) for p in _parts(mapping, delivery) if p.path}
    found = {origin: engine.con.read_parquet(str(f)) for origin, t in kept.items() if (f := t.with_suffix(".rejects")).exists()}
    tables = [t.select(source_file=ibis.literal(origin), **{n: t[n] for n in raw.REJECT}) for origin, t in found.items()]
    return functools.reduce(lambda left, right: left.union(right), tables) if tables else None


def leftover(mapping: Mapping, delivery: Delivery) -> list[Leftover]:
    """What the mapping reads of each of a delivery's files, what it leaves, and what it misses.

    A column that any block of the mapping reads (or that ``unused`` names) is not left over.
    """
    seen: dict[str, list[Block]] = {}
    names: dict[str, list[str]] = {}
    for part in _parts(mapping, delivery):
        seen.setdefault(part.origin, []).append(part.block)
        names[part.origin] = raw.names(part.path, part.block) if part.path else database.names(mapping, part.block)
    return [_audit(mapping, origin, blocks, names[origin]) for origin, blocks in seen.items()]


def _audit(mapping: Mapping, origin: str, here: list[Block], names: list[str]) -> Leftover:
    """Columns wanted by this table's blocks may be missing; columns read by any table's blocks of the same file are not left over."""
    everywhere = [b for b in mapping.blocks if b.origin == here[0].origin]
    read = {c for b in everywhere for c in wanted(b)} | set(mapping.unused.get(here[0].origin, ())) | {mapping.insurer[1]}
    missing = {c for b in here if not b.same for c in wanted(b)} - set(names)
    return Leftover(origin, tuple(n for n in names if n in read), tuple(n for n in names if n not in read), tuple(sorted(missing)))


def wanted(block: Block) -> frozenset[str]:
    """Source columns a block reads; with ``columns: "*"`` the contract's own names."""
    same = [c.name for c in schema.tables()[block.table].source_columns] if block.same else []
    return block.sources() | frozenset(same)


def _parts(mapping: Mapping, delivery: Delivery) -> Iterator[_Part]:
    for block in mapping.tables[delivery.table]:
        if block.relation[1]:
            yield _Part(block, block.origin, None)
        for path in delivery.files:
            match = block.finds(path)
            if match:
                yield _Part(block, match["file"], path)


def _load(engine: DuckEngine, mapping: Mapping, delivery: Delivery, part: _Part) -> raw.Raw:
    if part.path is None:
        return database.load(engine, mapping, part.block, delivery.digest)
    return raw.load(engine, part.path, part.block, digest_file(part.path))
