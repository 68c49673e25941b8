"""Engines behind one small protocol: where Ibis expressions are carried out."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import ibis.expr.types as ir


class Engine(Protocol):
    """What a stage may ask of an engine."""

    def read(self, path: Path | Sequence[Path]) -> ir.Table:
        """A Parquet file, several of one schema, or a folder of them, as a table."""

    def write(self, table: ir.Table, path: Path, order_by: tuple[str, ...] = ()) -> int:
        """Write a table to one Parquet file in a total order, floats rounded; returns the row count."""

    def cursor(self) -> Any:
        """A plain DuckDB connection within the engine's limits, with temporary tables of its own."""

    def forget(self) -> None:
        """Drop what :func:`pipelines.engine.keeping.kept` kept: a stage's intermediate results are not needed once it is written."""

    def close(self) -> None:
        """Release memory and temporary files."""
