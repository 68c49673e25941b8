"""A source file as raw rows: every cell as text, the true number of each data row, and a digest of its cells.

The rows go to a Parquet file in the engine's spill folder (a Parquet file is copied there), so that what is judged is what was read,
whatever happens to the source afterwards. Lines the CSV reader cannot split into the header's columns are kept beside it, with their
number and the reason.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path

import ibis.expr.types as ir
import pyarrow
import pyarrow.parquet

from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.ids import digest
from pipelines.sources import files, scan
from pipelines.sources.mapping import Block

REJECT = {"source_row": "int64", "rule": "string", "message": "string", "raw": "string"}


@dataclass(frozen=True)
class Raw:
    """A file's rows.

    Attributes
    ----------
    table : ibis Table
        ``c0, c1, ...`` (text), ``source_row`` (1-based), ``row_sha256``.
    columns : dict of str to str
        Source column name → its ``c`` column. Of two columns with one name the first counts.
    rejects : Path
        Where the lines that are no rows are kept; no such file if there are none.
    full_width, padded : list of str
        The ``c`` columns where some cell holds full-width forms, or begins or ends with white space.
    path : Path
        Where the rows are kept.
    """

    table: ir.Table
    columns: dict[str, str]
    rejects: Path
    full_width: list[str]
    padded: list[str]
    path: Path


def folder(engine: DuckEngine) -> Path:
    """Where raw rows are kept until :func:`release`."""
    spill = engine.con.raw_sql("SELECT current_setting('temp_directory')").fetchall()[0][0]
    path = Path(spill) / "raw"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def release(engine: DuckEngine) -> None:
    """Delete all raw rows."""
    shutil.rmtree(folder(engine), ignore_errors=True)


def names(path: Path, block: Block) -> list[str]:
    """Column names of a CSV or Parquet file."""
    if path.suffix == ".parquet":
        return [str(n) for n in _parquet_schema(path).names]
    return files.header(path, files.profile(path, block.encoding), block.delimiter, block.sources())[1]


def load(engine: DuckEngine, path: Path, block: Block, digest_of_file: str) -> Raw:
    """Read a file's rows; a file already read (same digest, same options) is not read again.

    Raises
    ------
    DataError
        If the file is empty, damaged, wrongly delimited or no table at all.
    """
    target = target_of(engine, block, digest_of_file)
    if done(target):
        return opened(engine, target)
    if path.suffix == ".parquet":
        return _copied(engine, path, target)
    seen = files.profile(path, block.encoding)
    delimiter, columns = files.header(path, seen, block.delimiter, block.sources())
    scan.csv(engine, path, seen, (delimiter, len(columns)), target)
    return finish(engine, target, columns)


def _copied(engine: DuckEngine, path: Path, target: Path) -> Raw:
    """A Parquet file is kept as it came, and its cells are made text when they are read."""
    schema = _parquet_schema(path)
    shutil.copyfile(path, target)
    texts = {f"c{i}": scan.as_text(f.name) for i, f in enumerate(schema) if not pyarrow.types.is_primitive(f.type)}
    rest = [f.name for f in schema if pyarrow.types.is_primitive(f.type)]
    with scan.told(path.name):
        traits = scan.traits(engine, target, texts, rest)
    _note(target).write_text(json.dumps({"columns": schema.names, "typed": True, **traits}), encoding="utf-8")
    return opened(engine, target)


def target_of(engine: DuckEngine, block: Block, digest_of_file: str) -> Path:
    """Where a file's rows are kept."""
    return folder(engine) / f"{digest(digest_of_file, block.encoding, block.delimiter)}.parquet"


def finish(engine: DuckEngine, target: Path, columns: list[str]) -> Raw:
    """Note beside ``target`` that it is complete, and open it."""
    traits = scan.traits(engine, target, {f"c{i}": f"c{i}" for i in range(len(columns))})
    _note(target).write_text(json.dumps({"columns": columns, "typed": False, **traits}), encoding="utf-8")
    return opened(engine, target)


def opened(engine: DuckEngine, target: Path) -> Raw:
    """The rows that were written to ``target``."""
    note = json.loads(_note(target).read_text(encoding="utf-8"))
    positions = {n: f"c{i}" for i, n in reversed(list(enumerate(note["columns"])))}
    table = scan.parquet(engine, target, note["columns"]) if note.get("typed") else engine.con.read_parquet(str(target))
    return Raw(table, positions, target.with_suffix(".rejects"), note["full_width"], note["padded"], target)


def forget(rows: Raw) -> None:
    """Delete one file's raw rows."""
    _note(rows.path).unlink(missing_ok=True)


def done(target: Path) -> bool:
    """Whether ``target`` is complete."""
    return _note(target).exists()


def _note(target: Path) -> Path:
    return target.with_suffix(".json")


def _parquet_schema(path: Path) -> pyarrow.Schema:
    try:
        return pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            "the file is no Parquet file, or is cut short", path.name, "ask for the file again, with its size or digest"
        ) from error
