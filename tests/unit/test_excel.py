from __future__ import annotations

import csv
import time
from datetime import date, datetime
from pathlib import Path

import openpyxl
import pandas as pd
import pytest

from pipelines.report.csvs import write_csv
from pipelines.report.excel import write_workbook
from pipelines.report.messages import catalogue

HOSTILE = ["=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(A1)", "\t=1+1", "\r=1", "  =1+1", "＝1+1"]
VIEW = (catalogue(), "en", date(2026, 1, 1))


def frame() -> pd.DataFrame:
    n = len(HOSTILE)
    days = pd.to_datetime(["2026-01-09"] * (n - 1) + [None])
    return pd.DataFrame(
        {"lead_id": HOSTILE, "detail": ["plain"] * n, "amount": [-5.5] * (n - 1) + [None], "deadline": days, "listed": True}
    )


@pytest.fixture
def book(tmp_path: Path) -> openpyxl.Workbook:
    return openpyxl.load_workbook(write_workbook({"leads": frame()}, [("=1+1", "text")], tmp_path / "a.xlsx", VIEW))


def test_a_formula_in_the_data_stays_a_text(book: openpyxl.Workbook) -> None:
    cells = [row[0] for row in book["Leads"].iter_rows(min_row=2)]
    assert [c.value.replace("_x000D_", "\r") for c in cells] == HOSTILE
    assert {c.data_type for c in cells} == {"s"} and all(c.quotePrefix for c in cells)
    assert book["About"]["A1"].data_type == "s"


def test_the_header_is_frozen_and_filtered(book: openpyxl.Workbook) -> None:
    sheet = book["Leads"]
    assert sheet.freeze_panes == "C2" and sheet.auto_filter.ref == f"A1:E{len(HOSTILE) + 1}"
    assert [c.value for c in sheet[1]] == ["Lead", "Detail", "Amount", "Deadline", "Listed tonight"]


def test_numbers_and_dates_are_what_they_are_and_nulls_stay_empty(book: openpyxl.Workbook) -> None:
    sheet = book["Leads"]
    assert (sheet["C2"].value, sheet["D2"].value) == (-5.5, datetime(2026, 1, 9))
    assert sheet.cell(len(HOSTILE) + 1, 3).value is None and sheet.cell(len(HOSTILE) + 1, 4).value is None
    assert book.properties.created == datetime(2026, 1, 1)


def test_a_second_writing_gives_the_same_bytes(tmp_path: Path) -> None:
    first = write_workbook({"leads": frame()}, [], tmp_path / "a.xlsx", VIEW).read_bytes()
    time.sleep(2.1)  # a zip archive keeps times to two seconds
    assert write_workbook({"leads": frame()}, [], tmp_path / "b.xlsx", VIEW).read_bytes() == first


def test_csv_cells_cannot_be_run_and_open_as_utf8(tmp_path: Path) -> None:
    path = write_csv(frame().assign(detail="虚假保单"), tmp_path / "a.csv")
    assert path.read_bytes().startswith(b"\xef\xbb\xbf")
    rows = list(csv.DictReader(path.open(encoding="utf-8-sig", newline="")))
    assert [r["lead_id"] for r in rows] == ["'" + h for h in HOSTILE]
    assert rows[0]["amount"] == "-5.5" and rows[0]["detail"] == "虚假保单" and rows[-1]["amount"] == ""
