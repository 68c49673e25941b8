"""The report people read: ``leads.csv``, ``leads.xlsx`` and one self-contained ``report.html``, in Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from pipelines.config import Report


def publish(
    tables: Mapping[str, pd.DataFrame], out_dir: Path, settings: Report, meta: Mapping[str, Any], names: Mapping[str, str] | None = None
) -> list[Path]:
    """Write the night's list for people.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        ``leads, lead_reasons, lead_evidence, lead_records, lead_history, lead_events, cases, case_members, neighbourhood`` as published.
    out_dir : Path
        An existing folder.
    settings : Report
        Language, rows of evidence and nodes per picture.
    meta : mapping
        ``as_of`` (date or ISO text), ``run_key``, ``version``, ``sources`` (names); and, each optional, ``refused`` (records of insurer,
        table, received_at, why, carried_from; or plain lines), ``quarantined`` (records of insurer, table, rule, rows), ``silent``
        (code → missing columns, or records of code, missing), ``disabled`` (codes), ``drift`` (``alarms``: records of part, name, since,
        capital, way), ``slots`` (records as :func:`pipelines.report.slots.lines` reads them), ``models`` (kind → digest, weights, shares).
    names : mapping of str to str, optional
        Real names by entity id for an explicit ``--unmask`` (:func:`pipelines.report.mask.real_names`); the page then says so.

    Returns
    -------
    list of Path
        The files written; the same input gives the same bytes.
    """
    # Lazily, since the command line imports this package to render other things.
    from pipelines.report.csvs import write_csv
    from pipelines.report.excel import write_workbook
    from pipelines.report.flat import flat
    from pipelines.report.html import Page, render
    from pipelines.report.messages import catalogue

    messages = catalogue()
    page = Page(tables, meta, settings, messages, names or {})
    sheets = flat(tables, messages, settings.language, names or {})
    csv = write_csv(sheets["leads"], out_dir / "leads.csv")
    # A workbook of every lead of a big night is too slow to open: it holds those on the page, the CSV all of them.
    shown = {name: frame[frame.lead_id.isin(page.shown)] for name, frame in sheets.items()}
    book = write_workbook(shown, _about(meta, page), out_dir / "leads.xlsx", (messages, settings.language, page.as_of))
    html = out_dir / "report.html"
    html.write_text(render(page), encoding="utf-8", newline="\n")
    return [csv, book, html]


def _about(meta: Mapping[str, Any], page: Any) -> list[tuple[str, str]]:
    """The lines of the workbook's last sheet, in its language."""
    from pipelines.report.quality import notes

    language = page.settings.language
    head = {
        ("text", "about"): " ".join(page.word("text", key)[language] for key in ("never", "what")),
        ("column", "as_of"): page.as_of.isoformat(),
        ("text", "run"): f"{meta.get('run_key', '')} · fraudleads {meta.get('version', '')}",
        ("text", "sources"): ", ".join(meta.get("sources") or ()),
    }
    lines = [(page.word(*key)[language], text) for key, text in head.items()]
    return lines + [(note.heading[language], line[language]) for note in notes(meta, page.messages) for line in note.lines]
