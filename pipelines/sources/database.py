"""Tables of a database, over an Ibis connection whose URL comes from the environment. Rows are pulled as text, in batches."""

from __future__ import annotations

import os
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow.parquet

from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError, UsageError
from pipelines.ids import digest
from pipelines.sources import raw, scan
from pipelines.sources.mapping import Block, Mapping

BATCH_ROWS = 100_000


def connect(mapping: Mapping) -> Any:
    """The Ibis backend of the URL in the environment variable that the mapping names.

    Raises
    ------
    UsageError
        If the mapping names none, or it is not set.
    DataError
        If the database cannot be reached. The URL, which may hold a password, is in no message.
    """
    url = os.environ.get(mapping.database, "") if mapping.database else ""
    if not url:
        name = mapping.database or "(key 'database' of the mapping)"
        raise UsageError(
            "no database to connect to", f"source '{mapping.name}', environment variable {name}", "set it to postgres://user@host/name"
        )
    try:
        return ibis.connect(url)
    except Exception as error:
        kind = type(error).__name__
        raise DataError(
            f"the database cannot be reached ({kind})",
            f"environment variable {mapping.database}",
            "check its URL and that the server is up",
        ) from None


def rows(backend: Any, block: Block) -> ir.Table:
    """The block's table, every column as text.

    Raises
    ------
    DataError
        If there is no such table.
    """
    schema, name = block.relation
    try:
        table = backend.table(name, database=schema or None)
    except Exception as error:
        kind = type(error).__name__
        raise DataError(
            f"the database has no table that can be read ({kind})", block.origin, "check 'from: {table, schema}' and the grants"
        ) from None
    return table.select({n: table[n].cast("string") for n in table.columns})


def names(mapping: Mapping, block: Block) -> list[str]:
    """Column names of the block's table."""
    return list(rows(connect(mapping), block).columns)


def distinct(mapping: Mapping, block: Block, column: str) -> list[str]:
    """The values of a column, e.g. the insurers."""
    table = rows(connect(mapping), block)
    values = table.select(value=table[column]).distinct().to_pyarrow()["value"].to_pylist()
    return sorted(v for v in values if v)


def fingerprint(mapping: Mapping, block: Block) -> str:
    """Digest of the table's content, summed by the server in any order of rows; the same content is never read twice."""
    table = rows(connect(mapping), block)
    cells = [table[n].fill_null("") for n in table.columns]
    total = ibis.literal("\x1f").join(cells).hash().cast("decimal(38, 0)").sum()
    found = table.aggregate(rows=table.count(), total=total).to_pyarrow().to_pylist()[0]
    return digest(block.origin, *table.columns, found["rows"], found["total"], length=64)


def load(engine: DuckEngine, mapping: Mapping, block: Block, content: str) -> raw.Raw:
    """Pull the rows into the engine's spill folder.

    A database has no order of rows, so ``source_row`` numbers them by their digest.
    """
    target = raw.folder(engine) / f"{digest(content, block.origin)}.parquet"
    if raw.done(target):
        return raw.opened(engine, target)
    table = rows(connect(mapping), block)
    cells = {f"c{i}": n for i, n in enumerate(table.columns)}
    part = target.with_suffix(".pulled")
    _pull(table.select({c: table[n] for c, n in cells.items()}), part)
    scan.pulled(engine, part, list(cells), target)
    part.unlink()
    return raw.finish(engine, target, list(table.columns))


def _pull(table: ir.Table, target: Any) -> None:
    batches = table.to_pyarrow_batches(chunk_size=BATCH_ROWS)
    with pyarrow.parquet.ParquetWriter(target, batches.schema) as sink:
        for batch in batches:
            sink.write_batch(batch)
