"""Which evidence rows a page shows: of every reason the first ones, up to a number per lead, in the reasons' order."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby
from typing import Any, TypeAlias

import pandas as pd

from pipelines.report.messages import Messages

Row: TypeAlias = Mapping[Any, Any]


def by_lead(frame: pd.DataFrame) -> dict[str, list[Row]]:
    """Rows as records by ``lead_id``, in the frame's order."""
    found: dict[str, list[Row]] = {}
    for row in frame.to_dict("records"):
        found.setdefault(str(row["lead_id"]), []).append(row)
    return found


def shown(evidence: pd.DataFrame, reasons: pd.DataFrame, most: int) -> pd.DataFrame:
    """Cut the evidence of many leads at once.

    Parameters
    ----------
    evidence : DataFrame
        ``lead_evidence``.
    reasons : DataFrame
        ``lead_reasons``, whose ``seq`` orders the codes of a lead.
    most : int
        Rows kept per lead: one of each reason in turn, until it is full.

    Returns
    -------
    DataFrame
        The kept rows by lead, reason and ``seq``, with ``left_out`` (rows of the lead that are not shown).
    """
    place = reasons.drop_duplicates(["lead_id", "code"])[["lead_id", "code", "seq"]].rename(columns={"seq": "place"})
    rows = evidence.merge(place, on=["lead_id", "code"], how="left").sort_values(["lead_id", "place", "code", "seq"], kind="stable")
    rows["turn"] = rows.groupby(["lead_id", "code"]).cumcount()
    turned = rows.sort_values(["lead_id", "turn", "place", "code"], kind="stable")
    rows["nth"] = turned.groupby("lead_id").cumcount()
    rows["left_out"] = (rows.groupby("lead_id")["code"].transform("size") - most).clip(lower=0)
    return rows[rows["nth"] < most]


def grouped(rows: list[Row], messages: Messages) -> dict[str, Any]:
    """One lead's shown rows by reason, and how many are left out."""
    groups = [
        {"code": code, "name": messages.part(str(code), "name"), "rows": list(own)} for code, own in groupby(rows, key=lambda r: r["code"])
    ]
    return {"groups": groups, "more": int(rows[0]["left_out"]) if rows else 0}
