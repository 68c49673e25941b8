"""One lead's packet as data: everything an investigator needs on one subject, ready to be shown or handed over."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from pipelines.errors import UsageError


def packet(tables: Mapping[str, pd.DataFrame], lead_id: str) -> dict[str, Any]:
    """The lead, its case, its reasons and its evidence in time order.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The published tables.
    lead_id : str
        Which lead.

    Returns
    -------
    dict
        ``lead`` and ``case`` (dicts), ``others`` (lead_ids of the same case), ``reasons`` and ``evidence`` (DataFrames).

    Raises
    ------
    UsageError
        If no lead of the night has that id.
    """
    leads = tables["leads"]
    chosen = leads[leads["lead_id"] == lead_id]
    if chosen.empty:
        raise UsageError(f"no lead '{lead_id}' in this night", "leads", "take a lead_id from leads.csv")
    lead = chosen.iloc[0].to_dict()
    case = tables["cases"].loc[lambda t: t["case_id"] == lead["case_id"]].iloc[0].to_dict()
    others = tables["case_members"].loc[lambda t: (t["case_id"] == lead["case_id"]) & (t["lead_id"] != lead_id), "lead_id"]
    return {
        "lead": lead,
        "case": case,
        "others": sorted(others),
        "reasons": _of(tables["lead_reasons"], lead_id, ["seq"]),
        "evidence": _of(tables["lead_evidence"], lead_id, ["at", "seq"]),
    }


def _of(table: pd.DataFrame, lead_id: str, order: list[str]) -> pd.DataFrame:
    return table[table["lead_id"] == lead_id].sort_values(order, ignore_index=True)
