"""Deliveries made in memory, for tests of the gate and of staging."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines.config import Engine as EngineSettings
from pipelines.config import Gate
from pipelines.contracts import gate
from pipelines.contracts.admission import Admission, quarantine_path, rows_path, vault_path
from pipelines.delivery import Delivery
from pipelines.engine.duckdb import DuckEngine
from pipelines.ids import digest

KEY = "a key for tests"
Rows = Sequence[Mapping[str, str | None]]


def text_table(rows: Rows, file: str = "f.csv") -> ir.Table:
    """Rows as a source hands them over."""
    names = sorted({n for r in rows for n in r})
    data = {n: [r.get(n) for r in rows] for n in names}
    data |= {"source_file": [file] * len(rows), "source_row": list(range(1, len(rows) + 1)), "row_sha256": [digest(r) for r in rows]}
    return ibis.memtable(data, schema={n: "int64" if n == "source_row" else "string" for n in data})


def delivery(table: str, received: str = "2025-01-10 18:00", insurer: str = "a", mode: str = "delta", receipted: bool = True) -> Delivery:
    """A delivery with a digest of its own."""
    name = digest(table, received, insurer, mode)
    return Delivery("test", insurer, table, mode, datetime.fromisoformat(received), receipted, (), name)


@dataclass
class Desk:
    """A gate with a workspace."""

    root: Path
    settings: Gate = field(default_factory=lambda: Gate(tolerance=1.0))

    def __post_init__(self) -> None:
        self.engine = DuckEngine(EngineSettings(memory_limit="1GB"), self.root / "spill")
        self.context = gate.Context(self.settings, KEY, self.root / "store", self.root / "vault", self.root / "quarantine")

    def admit(self, of: Delivery, rows: Rows, rejects: ir.Table | None = None) -> Admission:
        """Judge one delivery."""
        return gate.admit(self.engine, of, text_table(rows), self.context, rejects)

    def stored(self, admission: Admission) -> pd.DataFrame:
        """Accepted rows, in order of their source row."""
        return _frame(rows_path(self.context.store, admission)).sort_values("source_row").reset_index(drop=True)

    def held(self, admission: Admission) -> pd.DataFrame:
        """Quarantined rows, in order of their source row."""
        return _frame(quarantine_path(self.context.quarantine, admission)).sort_values("source_row").reset_index(drop=True)

    def secrets(self, admission: Admission) -> pd.DataFrame:
        """The vault's rows."""
        return _frame(vault_path(self.context.vault, admission))


def _frame(path: Path) -> pd.DataFrame:
    return pd.read_parquet(path)
