"""Nothing received, or not yet known, at 00:00 of ``as_of`` moves a lead: not a row, not a later value of a column, not a verdict."""

from __future__ import annotations

import shutil
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import tables
from pipelines.flows.intake import Options
from pipelines.flows.nightly import Night, nightly
from tests.nights import KEY, run_night

TABLES = ("leads", "lead_reasons", "lead_evidence", "lead_records", "lead_history", "lead_events", "cases", "case_members", "neighbourhood")
NEVER_RECEIVED = ["run_key", "source_file", "row_sha256", "received_at"]
"""What names the run or the bytes of the source, not what the night concluded."""


def published(night: Night) -> dict[str, pd.DataFrame]:
    frames = {t: pd.read_parquet(night.out / f"{t}.parquet") for t in TABLES}
    return {t: f.drop(columns=[c for c in NEVER_RECEIVED if c in f.columns]) for t, f in frames.items()}


def assert_same(left: Night, right: Night) -> None:
    before, after = published(left), published(right)
    assert len(before["leads"]) > 10
    for name in TABLES:
        pd.testing.assert_frame_equal(before[name], after[name], obj=name)


def nights_of(book: Path) -> list[date]:
    return sorted({date.fromisoformat(p.name) for p in book.glob("deliveries/*/*")})


def scrambled(frame: pd.DataFrame, rng: np.random.Generator, keep: tuple[str, ...] = ()) -> pd.DataFrame:
    """Every column shuffled by itself, so that no row is what it was."""
    return frame.assign(**{c: rng.permutation(frame[c].to_numpy()) for c in frame.columns if c not in keep})


@pytest.fixture(scope="module")
def cut(small_book: Path) -> date:
    """A date with deliveries on both sides of it."""
    days = nights_of(small_book)
    assert len(days) >= 6
    return days[-4]


@pytest.fixture(scope="module")
def reference(small_book: Path, cut: date, tmp_path_factory: pytest.TempPathFactory) -> Night:
    return run_night(small_book, tmp_path_factory.mktemp("reference"), str(cut))


def test_later_deliveries_deleted(small_book: Path, cut: date, reference: Night, tmp_path: Path) -> None:
    shutil.copytree(small_book / "deliveries", tmp_path / "deliveries")
    for folder in (tmp_path / "deliveries").glob("*/*"):
        if date.fromisoformat(folder.name) >= cut:
            shutil.rmtree(folder)
    assert_same(reference, run_night(tmp_path, tmp_path / "var", str(cut)))


def test_later_deliveries_scrambled(small_book: Path, cut: date, reference: Night, tmp_path: Path) -> None:
    shutil.copytree(small_book / "deliveries", tmp_path / "deliveries")
    rng, changed = np.random.default_rng(1), 0
    for path in sorted((tmp_path / "deliveries").glob("*/*/*.csv.gz")):
        if date.fromisoformat(path.parent.name) >= cut:
            scrambled(pd.read_csv(path, dtype=str), rng).to_csv(path, index=False)
            changed += 1
    assert changed > 10
    assert_same(reference, run_night(tmp_path, tmp_path / "var", str(cut)))


def unreceipted(book: Path, folder: Path) -> Path:
    """The same book as one snapshot without receipt times: the latest version of every row in one file per insurer and table."""
    folder.mkdir()
    for insurer in sorted(p for p in (book / "deliveries").iterdir()):
        for name, table in tables().items():
            parts = [pd.read_csv(p, dtype=str) for p in sorted(insurer.glob(f"*/{name}.csv.gz"))]
            if parts:
                whole = pd.concat(parts).drop_duplicates([c for c in table.key if c in parts[0].columns], keep="last")
                whole.to_csv(folder / f"{insurer.name}.{name}.csv", index=False)
    mapping = folder.with_suffix(".yaml")
    blocks = "\n".join(f"  {t}: [{{from: '{{insurer}}.{t}.csv', columns: '*'}}]" for t in tables() if list(folder.glob(f"*.{t}.csv")))
    mapping.write_text(f"source: snapshot\ninsurer: {{path: insurer}}\nmode: snapshot\ntables:\n{blocks}\n", encoding="utf-8")
    return mapping


def hide_the_future(folder: Path, cut: date) -> int:
    """Scramble all of every row that ``known_at`` says is not known yet, and the cells not known yet of every row that is."""
    rng, changed, far = np.random.default_rng(2), 0, str(cut + timedelta(days=400))
    for path in sorted(folder.glob("*.csv")):
        table, frame = tables()[path.name.split(".")[1]], pd.read_csv(path, dtype=str)
        unknown = frame[table.known_at] >= str(cut) if table.known_at in frame.columns else pd.Series(False, index=frame.index)
        whole = [c for c in frame.columns if c not in (*table.key, table.known_at)]
        for known_at in sorted({c.known_at for c in table.columns} & set(frame.columns)):
            late = ~unknown & (frame[known_at] >= str(cut))
            cells = [c.name for c in table.columns if c.known_at == known_at and c.name in frame.columns and c.name != known_at]
            changed += _shuffle(frame, late, cells, rng)
            frame.loc[late, known_at] = far
        changed += _shuffle(frame, unknown, whole, rng)
        frame.to_csv(path, index=False)
    return changed


def _shuffle(frame: pd.DataFrame, rows: pd.Series, columns: list[str], rng: np.random.Generator) -> int:
    for column in columns:
        frame.loc[rows, column] = rng.permutation(frame.loc[rows, column].to_numpy())
    return int(rows.sum()) if columns else 0


def test_cells_not_yet_known_scrambled(small_book: Path, cut: date, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FRAUDLEADS_KEY", KEY)
    early = cut - timedelta(days=200)
    mapping = unreceipted(small_book, tmp_path / "a")
    shutil.copytree(tmp_path / "a", tmp_path / "b")
    assert hide_the_future(tmp_path / "b", early) > 200
    nights = [
        nightly(Options(tmp_path / f"var_{name}", early, None, str(mapping), tmp_path / name), lambda _line: None) for name in ("a", "b")
    ]
    assert_same(*nights)
