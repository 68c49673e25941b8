"""Export for one insurer: its own rows in full, the other insurers' as counts and dates."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pipelines.errors import UsageError
from pipelines.leads import joins, records

OTHERS = ["lead_id", "code", "evidence_table", "rows", "first_at", "last_at"]
OTHER = "others"


def for_insurer(tables: Mapping[str, pd.DataFrame], insurer: str) -> dict[str, pd.DataFrame]:
    """The published tables as one insurer may see them.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The published tables.
    insurer : str
        Its code.

    Returns
    -------
    dict of str to DataFrame
        ``leads`` (those with evidence of this insurer; money and subject only where all of it is its own), ``lead_reasons``,
        ``lead_evidence`` (its own rows), ``lead_evidence_others`` (counts and dates), ``lead_records`` and ``lead_records_others``,
        ``lead_events`` (between its own claims) and ``lead_events_others``, ``lead_history``, ``cases`` and ``case_members`` likewise.

    Raises
    ------
    UsageError
        If no evidence of the night is this insurer's.
    """
    proof = tables["lead_evidence"]
    own = proof[proof["insurer"] == insurer]
    if own.empty:
        known = ", ".join(sorted(proof["insurer"].dropna().unique()))
        raise UsageError(f"no evidence of insurer '{insurer}' in this night", "leads export --for", f"insurers of the night: {known}")
    ids = set(own["lead_id"])
    leads = tables["leads"].loc[lambda t: t["lead_id"].isin(ids)]
    held = tables["lead_records"].loc[lambda t: t["lead_id"].isin(ids)]
    joined = tables["lead_events"].loc[lambda t: t["lead_id"].isin(ids)]
    cases = tables["cases"].loc[lambda t: t["case_id"].isin(set(leads["case_id"]))]
    return {
        "leads": _shown(leads, insurer),
        "lead_reasons": tables["lead_reasons"].loc[lambda t: t["lead_id"].isin(ids)].reset_index(drop=True),
        "lead_evidence": own.reset_index(drop=True),
        "lead_evidence_others": others(proof[proof["lead_id"].isin(ids)], insurer),
        "lead_records": held[held["insurer"] == insurer].reset_index(drop=True),
        "lead_records_others": records.others(held, insurer),
        "lead_events": joins.own(joined, insurer),
        "lead_events_others": joins.others(joined, insurer),
        "lead_history": tables["lead_history"].loc[lambda t: t["lead_id"].isin(ids)].reset_index(drop=True),
        "cases": _shown(cases, insurer),
        "case_members": tables["case_members"].loc[lambda t: t["lead_id"].isin(ids)].reset_index(drop=True),
    }


def others(proof: pd.DataFrame, insurer: str) -> pd.DataFrame:
    """How many rows other insurers hold behind each reason, and when; not whose they are."""
    theirs = proof[proof["insurer"] != insurer]
    grouped = theirs.groupby(["lead_id", "code", "evidence_table"], sort=True)
    counted = grouped.agg(rows=("evidence_key", "size"), first_at=("at", "min"), last_at=("at", "max")).reset_index()
    days = {c: pd.to_datetime(counted[c]).dt.normalize() for c in ("first_at", "last_at")}
    return counted.assign(**days)[OTHERS]


def _shown(table: pd.DataFrame, insurer: str) -> pd.DataFrame:
    """Blank what belongs to others: their names, their rows' ids, and sums that include their money."""
    shared = table["insurers"] != insurer
    shown = table.assign(insurers=table["insurers"].mask(shared, f"{insurer},{OTHER}"))
    for column in ("amount_open", "amount_paid", "preventable"):
        if column in shown.columns:
            shown[column] = shown[column].mask(shared)
    foreign = _foreign(shown, insurer)
    for column in ("subject_id", "label"):
        if column in shown.columns:
            shown[column] = shown[column].mask(foreign, OTHER)
    return shown.reset_index(drop=True)


def _foreign(table: pd.DataFrame, insurer: str) -> pd.Series:
    """Rows whose subject is another insurer's own claim, policy or event."""
    if "subject_id" not in table.columns:
        return pd.Series(False, index=table.index)
    kinds = table["subject_kind"].isin(["claim", "policy", "event"])
    return kinds & ~table["subject_id"].str.startswith(f"{insurer}:")
