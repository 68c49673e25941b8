"""The statements that read files into Parquet: DuckDB's readers with every option stated, lines that are no rows kept beside."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import ibis.expr.types as ir

from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.sources import files

TRAITS = {"full_width": r"[\x{FF01}-\x{FF5E}\x{FFE5}]", "padded": r"\x1f[\s\x0b]|[\s\x0b]\x1f"}
"""What ``cells`` cleans: forms it makes half-width; white space at a cell's end, where cells are joined by the unit separator."""

LONGEST_LINE = 32 << 20
"""Bytes of the longest line that is read; a longer one is kept as a reject."""


def parquet(engine: DuckEngine, path: Path, columns: Iterable[str]) -> ir.Table:
    """A Parquet file's rows as a view: every cell as text, made when the rows are read, since writing the text costs more than that."""
    cells = {f"c{i}": as_text(n) for i, n in enumerate(columns)}
    listed = ", ".join(f"{cell} AS {name}" for name, cell in cells.items())
    lineage = f"file_row_number + 1 AS source_row, {_sha(cells.values())} AS row_sha256"
    view = f"text_{path.stem}"
    query = f"SELECT {listed}, {lineage} FROM read_parquet({_text(path)}, file_row_number=true)"
    engine.con.raw_sql(f"CREATE OR REPLACE TEMP VIEW {view} AS {query}")
    return engine.con.table(view)


def as_text(column: str) -> str:
    """A column of a Parquet file as text."""
    return f"CAST({_identifier(column)} AS VARCHAR)"


def pulled(engine: DuckEngine, path: Path, cells: list[str], target: Path) -> None:
    """Rows pulled from a database, numbered by their digest."""
    sha = f"SELECT *, {_sha(cells)} AS row_sha256 FROM read_parquet({_text(path)})"
    _write(engine, f"SELECT *, row_number() OVER (ORDER BY row_sha256) AS source_row FROM ({sha})", target, path.name)


def traits(engine: DuckEngine, target: Path, cells: Mapping[str, str], rest: Sequence[str] = ()) -> dict[str, list[str]]:
    """What cleaning the cells of a kept file need: looking once costs a tenth of trimming and translating every cell in vain.

    Parameters
    ----------
    cells : mapping of str to str
        Column of the raw rows → what it is in the file, as SQL. All are looked at as one text first.
    rest : sequence of str
        Columns of the file that are neither padded nor full-width, being numbers or dates; they are read all the same, so
        that damage is found here.

    Returns
    -------
    dict of str to list of str
        ``full_width``: columns with a form that ``cells`` makes half-width; ``padded``: with white space around a cell.

    Raises
    ------
    DataError
        If the file is damaged.
    """
    read = f"max(hash({', '.join(map(_identifier, rest))}))" if rest else "NULL"
    whole = {trait: (", ".join(cells.values()), pattern) for trait, pattern in TRAITS.items()} if cells else {}
    somewhere = _hits(engine, target, whole, read)
    return {t: _hits(engine, target, {n: (c, TRAITS[t]) for n, c in cells.items()}) if t in somewhere else [] for t in TRAITS}


def _hits(engine: DuckEngine, target: Path, asked: Mapping[str, tuple[str, str]], read: str = "NULL") -> list[str]:
    """Names of those (columns, pattern) where some row's cells, joined and enclosed by unit separators, match the pattern."""
    line = "chr(31) || concat_ws(chr(31), {}) || chr(31)"
    found = [f"coalesce(bool_or(regexp_matches({line.format(cells)}, '{pattern}')), false)" for cells, pattern in asked.values()]
    row = engine.con.raw_sql(f"SELECT {', '.join([*found, read])} FROM read_parquet({_text(target)})").fetchall()[0]
    return [name for name, hit in zip(asked, row, strict=False) if hit]


def csv(engine: DuckEngine, path: Path, seen: files.Profile, shape: tuple[str, int], target: Path) -> None:
    """A CSV file's rows to ``target``, rejected lines beside it. Line ends and encodings DuckDB cannot read are rewritten first.

    Parameters
    ----------
    shape : tuple of (str, int)
        Delimiter and number of columns.
    """
    found = _scan(engine, path, path if seen.plain else None, (seen, shape, target))
    if found and seen.gaps:
        _scan(engine, path, None, (seen, shape, target), drop_gaps=True)
    if found:
        _renumber(engine, target, target.with_suffix(".rejects"), path.name)


def _scan(
    engine: DuckEngine, path: Path, plain: Path | None, how: tuple[files.Profile, tuple[str, int], Path], drop_gaps: bool = False
) -> int:
    """Read a file, or its rewritten copy where ``plain`` is none; the number of rejected lines."""
    seen, shape, target = how
    copy, name = target.with_suffix(".csv"), f"rejects_{target.stem}"
    try:
        if plain is None:
            files.transcode(path, seen, copy, drop_gaps)
        _write(engine, _csv_query(plain or copy, shape, plain is not None and seen.zipped, name), target, path.name)
        return _keep_rejects(engine, name, target.with_suffix(".rejects"))
    finally:
        copy.unlink(missing_ok=True)


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


def _write(engine: DuckEngine, query: str, target: Path, source: str) -> None:
    """Write a query's rows beside ``target``, then rename."""
    part = target.with_suffix(".part")
    with told(source):
        engine.con.raw_sql(f"COPY ({query}) TO {_text(part)} (FORMAT parquet, COMPRESSION snappy)")
    part.replace(target)


@contextmanager
def told(source: str) -> Iterator[None]:
    """DuckDB's errors as a DataError that names ``source`` and the kind of error alone, since the message may quote a row."""
    try:
        yield
    except duckdb.Error as error:
        kind = type(error).__name__
        raise DataError(
            f"the file cannot be read as a table ({kind})", source, "open it in an editor at its first lines; ask for it again"
        ) from None


def _keep_rejects(engine: DuckEngine, name: str, target: Path) -> int:
    """One row per rejected line: its data row number, the reader's reason, and the line as it came; returns their count."""
    query = (
        f"SELECT line - 1 AS source_row, 'csv' AS rule, lower(min(error_type::VARCHAR)) AS message, "
        f"any_value(ltrim(csv_line, chr(10) || chr(13))) AS raw FROM {name} WHERE line IS NOT NULL GROUP BY line"
    )
    count = int(engine.con.raw_sql(f"SELECT count(DISTINCT line) FROM {name}").fetchall()[0][0])
    if count:
        engine.con.raw_sql(f"COPY ({query}) TO {_text(target)} (FORMAT parquet)")
    engine.con.raw_sql(f"DROP TABLE {name}; DROP TABLE {name}_scan")
    return count


def _renumber(engine: DuckEngine, target: Path, rejects: Path, source: str) -> None:
    """Give rows their true number: the count of read lines plus the rejected lines before."""
    shifts = (
        f"SELECT first_number, max(place) AS shift FROM (SELECT source_row - place + 1 AS first_number, place FROM "
        f"(SELECT source_row, row_number() OVER (ORDER BY source_row) AS place FROM read_parquet({_text(rejects)}))) GROUP BY first_number"
    )
    query = (
        f"SELECT r.* REPLACE (r.source_row + coalesce(s.shift, 0) AS source_row) FROM read_parquet({_text(target)}) AS r "
        f"ASOF LEFT JOIN ({shifts}) AS s ON r.source_row >= s.first_number"
    )
    _write(engine, query, target, source)


def _text(value: object) -> str:
    return "'" + str(value).replace("'", "''") + "'"


def _identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
