"""The workbook: leads, reasons, evidence and what they are, with filters and frozen headers; nothing in it is a formula."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pandas as pd
import xlsxwriter

from pipelines.report.csvs import DANGEROUS
from pipelines.report.messages import Messages

ROWS, LONGEST = 100_000, 32_000
WIDTHS = {
    "say_zh": 50,
    "say_en": 50,
    "reasons_zh": 60,
    "reasons_en": 60,
    "document_zh": 34,
    "document_en": 34,
    "source_file": 34,
    "row_sha256": 14,
}
FORMATS = {
    "money": {"num_format": "#,##0.00"},
    "points": {"num_format": "0.0"},
    "share": {"num_format": "0.0%"},
    "day": {"num_format": "yyyy-mm-dd"},
    "number": {"num_format": "General"},
    "wrap": {"text_wrap": True, "valign": "top"},
    "inert": {"quote_prefix": True},
    "head": {"bold": True, "bg_color": "#E6EEF5", "bottom": 1},
}
KINDS = {
    **dict.fromkeys(("amount_open", "amount_paid", "preventable", "amount", "priority"), "money"),
    **dict.fromkeys(("score", "points", "points_flags", "points_anomaly", "points_network", "points_learnt", "hours"), "points"),
    **dict.fromkeys(("deadline", "first_seen", "as_of", "at", "received_at"), "day"), "probability": "share",
}  # fmt: skip


def write_workbook(sheets: Mapping[str, pd.DataFrame], about: list[tuple[str, str]], path: Path, view: tuple[Messages, str, date]) -> Path:
    """Write the sheets, then what they are.

    Parameters
    ----------
    sheets : mapping of str to DataFrame
        By key of the catalogue's ``sheet`` section, columns by keys of ``column``; at most ``ROWS`` rows each are written.
    about : list of (str, str)
        Lines of the last sheet.
    path : Path
        Where to write.
    view : (Messages, str, date)
        Catalogue, language, and the night's date, which is the workbook's time of creation (the same night, the same bytes).
    """
    messages, language, as_of = view
    # In memory, and strings never become formulas, numbers or links.
    book = xlsxwriter.Workbook(
        str(path), {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    book.set_properties(
        {"title": messages.text("text", "title")[language], "created": datetime.combine(as_of, time()), "author": "fraudleads"}
    )
    formats = {name: book.add_format(how) for name, how in FORMATS.items()}
    for name, frame in sheets.items():
        _sheet(book.add_worksheet(messages.text("sheet", name)[language]), frame.head(ROWS), formats, (messages, language))
    _about(book.add_worksheet(messages.text("sheet", "about")[language]), about, formats)
    book.close()
    return path


def _sheet(sheet: Any, frame: pd.DataFrame, formats: Mapping[str, Any], view: tuple[Messages, str]) -> None:
    messages, language = view
    sheet.freeze_panes(1, 2)
    sheet.autofilter(0, 0, max(len(frame), 1), max(len(frame.columns) - 1, 0))
    for place, name in enumerate(frame.columns):
        sheet.write_string(0, place, _heading(name, messages, language), formats["head"])
        sheet.set_column(place, place, WIDTHS.get(name, 16))
        _column(sheet, place, frame[name], formats)


def _heading(name: str, messages: Messages, language: str) -> str:
    """``say_zh`` is "sentence (zh)" in the sheet's language."""
    stem, _, tongue = name.rpartition("_")
    known = {"say": "sentence", "document": "first_document"}
    if tongue == "name" and stem:
        return f"{messages.text('column', stem)[language]} ({messages.text('column', 'name')[language]})"
    return (
        f"{messages.text('column', known.get(stem, stem))[language]} ({tongue})"
        if tongue in ("zh", "en")
        else messages.text("column", name)[language]
    )


def _column(sheet: Any, place: int, values: pd.Series, formats: Mapping[str, Any]) -> None:
    """Cells below the header: dates and numbers as such, all else as text; nulls stay empty."""
    kind = KINDS.get(str(values.name), "")
    if kind == "day":
        values = pd.to_datetime(values, errors="coerce")
    for row, value in enumerate(values, 1):
        if pd.isna(value):
            continue
        if kind == "day":
            sheet.write_datetime(row, place, value.to_pydatetime(), formats["day"])
        elif isinstance(value, bool) or not _is_number(value):
            text = str(value)[:LONGEST]
            sheet.write_string(row, place, text, formats["inert"] if text.lstrip(" ").startswith(DANGEROUS) else formats["wrap"])
        else:
            sheet.write_number(row, place, float(value), formats[kind or "number"])


def _is_number(value: object) -> bool:
    """Numbers that a cell can hold (infinite ones become text)."""
    return pd.api.types.is_number(value) and abs(float(value)) != float("inf")  # type: ignore[arg-type]


def _about(sheet: Any, about: list[tuple[str, str]], formats: Mapping[str, Any]) -> None:
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 110)
    for row, (name, text) in enumerate(about):
        sheet.write_string(row, 0, name, formats["head"])
        sheet.write_string(row, 1, text[:LONGEST], formats["wrap"])
