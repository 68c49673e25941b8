"""Which vehicle numbers prove little, and what then is one vehicle."""

from __future__ import annotations

from pathlib import Path

import ibis
import pandas as pd
import pytest

from pipelines.config import Engine as EngineSettings
from pipelines.engine.duckdb import DuckEngine
from pipelines.resolve.things import object_entity
from pipelines.resolve.vehicles import doubted

GOOD, WRONG = "LSVAA4182E2184847", "LSVAA4182E2184848"
"""A vehicle identification number, and the same with another last digit, which its check digit tells."""
ROWS = (
    ("a:1", GOOD, "渝A12345"), ("b:1", GOOD, "渝B54321"),
    ("a:2", WRONG, "渝A22222"), ("b:2", WRONG, "渝A23232"),
    ("a:3", "123456", "渝A33333"), ("b:3", "123456", "渝A44444"),
    ("a:4", None, "新车"), ("b:4", None, "新车"),
    ("a:5", None, "渝A55555"), ("b:5", None, "渝A55555"),
    ("a:6", None, "渝0E01NA"), ("b:6", None, "渝0E01NA"),
)  # fmt: skip


@pytest.fixture
def engine(tmp_path: Path):  # type: ignore[no-untyped-def]
    made = DuckEngine(EngineSettings(), tmp_path / "spill")
    yield made
    made.close()


def objects() -> pd.DataFrame:
    """The canonical table as far as it is read; a token is the value with a mark."""
    rows = pd.DataFrame(ROWS, columns=["object_id", "vin", "plate"])
    rows[["vin", "plate"]] = "t" + rows[["vin", "plate"]]
    return rows.assign(kind="vehicle", received_at=pd.Timestamp("2025-12-31"))


def vault(folder: Path) -> list[Path]:
    rows = objects()
    parts = [pd.DataFrame({"token": rows[c], "column": f"objects.{c}", "value": rows[c].str[1:]}) for c in ("vin", "plate")]
    pd.concat(parts).dropna().drop_duplicates().to_parquet(folder / "vault.parquet")
    return [folder / "vault.parquet"]


def test_numbers_that_are_none_are_doubted(engine: DuckEngine, tmp_path: Path) -> None:
    found = doubted(ibis.memtable(objects()), engine, vault(tmp_path)).to_pandas()
    assert set(zip(found.column, found.token, strict=True)) == {("vin", "t123456"), ("plate", "t新车")}


def test_a_doubted_number_joins_only_what_nothing_else_contradicts(engine: DuckEngine, tmp_path: Path) -> None:
    unsure = doubted(ibis.memtable(objects()), engine, vault(tmp_path))
    whose = object_entity(ibis.memtable(objects()), unsure).to_pandas().set_index("object_id").object_entity
    one = {n: whose[f"a:{n}"] == whose[f"b:{n}"] for n in range(1, 7)}
    assert one == {1: True, 2: True, 3: False, 4: False, 5: True, 6: True}


def test_without_a_vault_every_number_counts() -> None:
    whose = object_entity(ibis.memtable(objects())).to_pandas().set_index("object_id").object_entity
    assert whose["a:3"] == whose["b:3"] and whose["a:4"] == whose["b:4"]
