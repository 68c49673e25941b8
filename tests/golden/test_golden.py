"""One small night, byte for byte. After a change that is meant to change leads, ``python -m tests.golden.test_golden``; read the diff."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pandas as pd
import pytest

HERE = Path(__file__).parent
TABLES = ("leads", "lead_reasons", "cases", "case_members")
MOST = 120
"""Rows kept of each table: the head of the list is what people read."""


def told(out: Path, table: str) -> str:
    """The head of a published table as text, without what names the run."""
    frame = pd.read_parquet(out / f"{table}.parquet")
    return frame.drop(columns=[c for c in ("run_key", "version") if c in frame]).head(MOST).to_csv(index=False, lineterminator="\n")


@pytest.mark.parametrize("table", TABLES)
def test_the_small_night_is_what_it_was(table: str, tiny_night) -> None:  # type: ignore[no-untyped-def]
    assert told(tiny_night.out, table) == (HERE / f"{table}.csv").read_text(encoding="utf-8")


def main() -> None:
    """Write the golden files anew."""
    from pipelines.simulate import simulate
    from tests.nights import run_night

    with tempfile.TemporaryDirectory() as work:
        simulate(1_000, 3, Path(work) / "book", "csv", nights=1)
        night = run_night(Path(work) / "book", Path(work) / "var")
        for table in TABLES:
            (HERE / f"{table}.csv").write_text(told(night.out, table), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
