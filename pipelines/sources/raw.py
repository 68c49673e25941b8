"""A source file as raw rows: every cell as text, the true number of each data row, and a digest of its cells.

The rows go to a Parquet file in the engine's spill folder, so that what is judged is what was read, whatever happens to the source
afterwards. Lines the CSV reader cannot split into the header's columns are kept beside it, with their number and the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import duckdb
import ibis.expr.types as ir
import pyarrow.parquet

from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.ids import digest
from pipelines.sources import files
from pipelines.sources.mapping import Block

LONGEST_LINE = 32 << 20
"""Bytes of the longest line that is read; a longer one is kept as a reject."""
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
    rejects : ibis Table
        The columns of ``REJECT``.
    full_width : bool
        Full-width digits may occur.
    """

    table: ir.Table
    columns: dict[str, str]
    rejects: ir.Table
    full_width: bool


def folder(engine: DuckEngine) -> Path:
    """Where raw rows are kept until :func:`release`."""
    spill = engine.con.raw_sql("SELECT current_setting('temp_directory')").fetchone()[0]
    path = Path(spill) / "raw"
    path.mkdir(mode=0o700, parents=True, exist_ok=True)
    return path


def release(engine: DuckEngine) -> None:
    """Delete all raw rows."""
    shutil.rmtree(folder(engine), ignore_errors=True)


def names(path: Path, block: Block) -> list[str]:
    """Column names of a CSV or Parquet file."""
    if path.suffix == ".parquet":
        return [str(n) for n in _schema(path).names]
    return files.header(path, files.profile(path, block.encoding), block.delimiter, block.sources())[1]


def load(engine: DuckEngine, path: Path, block: Block, digest_of_file: str) -> Raw:
    """Read a file's rows; a file already read (same digest, same options) is not read again.

    Raises
    ------
    DataError
        If the file is empty, damaged, wrongly delimited or no table at all.
    """
    target = folder(engine) / f"{digest(digest_of_file, block.encoding, block.delimiter)}.parquet"
    rejects = target.with_suffix(".rejects")
    if path.suffix == ".parquet":
        columns, full_width = [str(n) for n in _schema(path).names], True
        if not target.exists():
            no_rejects(engine, rejects)
            write(engine, _parquet_query(path, columns), target, path.name)
    else:
        seen = files.profile(path, block.encoding)
        delimiter, columns = files.header(path, seen, block.delimiter, block.sources())
        full_width = seen.full_width
        if not target.exists():
            _read_csv(engine, path, seen, (delimiter, len(columns)), target)
    return opened(engine, target, columns, full_width)


def opened(engine: DuckEngine, target: Path, columns: list[str], full_width: bool) -> Raw:
    """The rows that were written to ``target``, and the rejects beside it."""
    positions = {n: f"c{i}" for i, n in reversed(list(enumerate(columns)))}
    rejects = target.with_suffix(".rejects")
    return Raw(engine.con.read_parquet(str(target)), positions, engine.con.read_parquet(str(rejects)), full_width)


def _schema(path: Path) -> pyarrow.Schema:
    try:
        return pyarrow.parquet.read_schema(path)
    except (pyarrow.ArrowInvalid, OSError) as error:
        raise DataError(
            "the file is no Parquet file, or is cut short", path.name, "ask for the file again, with its size or digest"
        ) from error


def _parquet_query(path: Path, columns: Iterable[str]) -> str:
    cells = {f"c{i}": f"CAST({_identifier(n)} AS VARCHAR)" for i, n in enumerate(columns)}
    listed = ", ".join(f"{cell} AS {name}" for name, cell in cells.items())
    return f"SELECT {listed}, file_row_number + 1 AS source_row, {_sha(cells.values())} AS row_sha256 FROM read_parquet({_text(path)}, file_row_number=true)"


def database_query(pulled: Path, cells: list[str]) -> str:
    """Rows numbered by their digest."""
    sha = f"SELECT *, {_sha(cells)} AS row_sha256 FROM read_parquet({_text(pulled)})"
    return f"SELECT *, row_number() OVER (ORDER BY row_sha256) AS source_row FROM ({sha})"


def _read_csv(engine: DuckEngine, path: Path, seen: files.Profile, shape: tuple[str, int], target: Path) -> None:
    """Rows to ``target``, rejected lines beside it. Line ends and encodings the engine cannot read are rewritten first."""
    plain = path if seen.plain else target.with_suffix(".csv")
    if not seen.plain:
        files.transcode(path, seen, plain)
    zipped = seen.zipped and seen.plain
    name = f"rejects_{target.stem}"
    try:
        write(engine, _csv_query(plain, shape, zipped, name), target.with_suffix(".read"), path.name)
        _keep_rejects(engine, name, target.with_suffix(".rejects"))
        _renumber(engine, target.with_suffix(".read"), target.with_suffix(".rejects"), path.name)
        target.with_suffix(".read").replace(target)
    finally:
        if not seen.plain:
            plain.unlink(missing_ok=True)


def _csv_query(path: Path, shape: tuple[str, int], zipped: bool, rejects: str) -> str:
    """``row_number() over ()`` keeps the file's order: DuckDB runs a streaming window on one thread, from the first line to the last."""
    cells = [f"c{i}" for i in range(shape[1])]
    columns = ", ".join(f"'{c}': 'VARCHAR'" for c in cells)
    options = (
        f"auto_detect=false, header=true, delim={_text(shape[0])}, quote='\"', escape='\"', columns={{{columns}}}, strict_mode=true, "
        f"compression='{'gzip' if zipped else 'none'}', max_line_size={LONGEST_LINE}, buffer_size={2 * LONGEST_LINE}, "
        f"store_rejects=true, rejects_table='{rejects}', rejects_scan='{rejects}_scan'"
    )
    numbered = f"SELECT *, row_number() OVER () AS source_row FROM read_csv({_text(path)}, {options})"
    return f"SELECT *, {_sha(cells)} AS row_sha256 FROM ({numbered})"


def _sha(cells: Iterable[str]) -> str:
    joined = ", ".join(f"coalesce({c}, '')" for c in cells)
    return f"sha256(concat_ws(chr(31), {joined}))"


def write(engine: DuckEngine, query: str, target: Path, source: str) -> None:
    """Write a query's rows beside ``target``, then rename.

    Raises
    ------
    DataError
        Naming ``source`` and the kind of DuckDB's error alone, since its message may quote a row.
    """
    part = target.with_suffix(".part")
    try:
        engine.con.raw_sql(f"COPY ({query}) TO {_text(part)} (FORMAT parquet, COMPRESSION zstd)")
    except duckdb.Error as error:
        kind = type(error).__name__
        raise DataError(
            f"the file cannot be read as a table ({kind})", source, "open it in an editor at its first lines; ask for it again"
        ) from None
    part.replace(target)


def _keep_rejects(engine: DuckEngine, name: str, target: Path) -> None:
    """One row per rejected line: its data row number, the reader's reason, and the line as it came."""
    query = (
        f"SELECT line - 1 AS source_row, 'csv' AS rule, lower(string_agg(DISTINCT error_type::VARCHAR, '; ' ORDER BY error_type::VARCHAR)) AS message, "
        f"any_value(csv_line) AS raw FROM {name} WHERE line IS NOT NULL GROUP BY line"
    )
    engine.con.raw_sql(f"COPY ({query}) TO {_text(target)} (FORMAT parquet)")
    for table in (name, f"{name}_scan"):
        engine.con.raw_sql(f"DROP TABLE IF EXISTS {table}")


def no_rejects(engine: DuckEngine, target: Path) -> None:
    """Write an empty table of rejects."""
    query = "SELECT 0::BIGINT AS source_row, '' AS rule, '' AS message, '' AS raw WHERE false"
    engine.con.raw_sql(f"COPY ({query}) TO {_text(target)} (FORMAT parquet)")


def _renumber(engine: DuckEngine, target: Path, rejects: Path, source: str) -> None:
    """Give rows their true number: the count of read lines plus the rejected lines before."""
    if not pyarrow.parquet.read_metadata(rejects).num_rows:
        return
    shifts = (
        f"SELECT first_number, max(place) AS shift FROM (SELECT source_row - place + 1 AS first_number, place FROM "
        f"(SELECT source_row, row_number() OVER (ORDER BY source_row) AS place FROM read_parquet({_text(rejects)}))) GROUP BY first_number"
    )
    query = (
        f"SELECT r.* REPLACE (r.source_row + coalesce(s.shift, 0) AS source_row) FROM read_parquet({_text(target)}) AS r "
        f"ASOF LEFT JOIN ({shifts}) AS s ON r.source_row >= s.first_number"
    )
    write(engine, query, target, source)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
