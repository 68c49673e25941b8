"""The embedded engine: Ibis on DuckDB within a memory limit, spilling to the workspace. Nothing is installed or loaded at run time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pyarrow.parquet

from pipelines.config import Engine as EngineSettings
from pipelines.engine.keeping import KEPT
from pipelines.errors import DataError

DECIMALS = 9
"""Significant decimals kept of every float at a stage boundary: threads sum in any order."""

PARQUET: dict[str, Any] = {"compression": "snappy", "row_group_size": 61_440, "dictionary_size_limit": 1_000}
"""Ids are nearly all different: a dictionary of them would be built and thrown away for every row group, a fifth of the time to write."""


class DuckEngine:
    """Ibis on DuckDB.

    Parameters
    ----------
    settings : Engine
        Memory limit and threads.
    spill : Path
        Folder for temporary files.
    """

    def __init__(self, settings: EngineSettings, spill: Path) -> None:
        spill.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.con = ibis.duckdb.connect(
            threads=settings.threads,
            memory_limit=settings.memory_limit,
            temp_directory=str(spill),
            autoinstall_known_extensions=False,
            autoload_known_extensions=False,
        )
        for statement in ("SET TimeZone='UTC'", "SET preserve_insertion_order=false", "SET enable_progress_bar=false"):
            self.con.raw_sql(statement)
        self.con.raw_sql("SET lock_configuration=true")
        # A quarter of a small night went into fusing selects, which DuckDB does anyway; unfused, an expression is also written once.
        ibis.options.sql.fuse_selects = False

    def read(self, path: Path | Sequence[Path]) -> ir.Table:
        """A Parquet file, several, or all of a folder's."""
        paths = [path] if isinstance(path, Path) else list(path)
        for one in paths:
            if not one.exists():
                raise DataError("a stage's table is missing", one.name, "remove the unfinished run and start it again")
        return self.con.read_parquet([str(p / "*.parquet") if p.is_dir() else str(p) for p in paths])

    def write(self, table: ir.Table, path: Path, order_by: tuple[str, ...] = ()) -> int:
        """One Parquet file, sorted by ``order_by`` then every other column, written beside and renamed."""
        path.parent.mkdir(parents=True, exist_ok=True)
        columns = {n: table[n].round(DECIMALS) if table[n].type().is_floating() else table[n] for n in table.columns}
        rounded = table.select(**columns)
        if order_by:
            rest = [n for n in rounded.columns if n not in order_by and not rounded[n].type().is_nested()]
            rounded = rounded.order_by([*order_by, *rest])
        beside = path.with_name(path.name + ".part")
        self.con.to_parquet(rounded, beside, **PARQUET)
        os.replace(beside, path)
        return int(pyarrow.parquet.read_metadata(path).num_rows)

    def cursor(self) -> Any:
        """A second DuckDB connection to the same engine: its limits, but temporary tables of its own, for what is not Ibis."""
        return self.con.con.cursor()

    def forget(self) -> None:
        """Drop the intermediate results of the stage that has just been written."""
        found = self.con.raw_sql(f"SELECT table_name FROM duckdb_tables() WHERE contains(table_name, '_{KEPT}_')").fetchall()
        for (name,) in found:
            self.con.raw_sql(f'DROP TABLE IF EXISTS "{name}"')

    def close(self) -> None:
        """Close the connection."""
        self.con.disconnect()
