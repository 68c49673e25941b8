"""Company: leads of one scheme that meet at one provider more often than its size explains, or in one ring, are one story.

Three strangers with reused invoices at one village hospital are worked as one case; two of nine hundred long stays at the city's
largest are not.
"""

from __future__ import annotations

import ibis.expr.types as ir
import pandas as pd

from pipelines.leads.evidence import claims_of
from pipelines.leads.inputs import Given, collected, frame, relation

PROVIDERS = ("agent_id", "hospital_id", "doctor_id", "garage_id", "appraiser_id", "proxy_id", "employer_id")
LEVEL = 0.001
MAJORITY = 0.5


def companions(given: Given, table: pd.DataFrame, evidence: pd.DataFrame) -> pd.DataFrame:
    """The providers at which leads meet improbably often.

    Parameters
    ----------
    given : mapping of str to table
        With ``claim_view``.
    table : DataFrame
        lead_id, scheme.
    evidence : DataFrame
        lead_id, claim_id.

    Returns
    -------
    DataFrame
        lead_id, unit (the provider): leads of one scheme with one unit belong together.
    """
    view = relation(given, "claim_view")
    if view is None:
        return pd.DataFrame({"lead_id": [], "unit": []})
    rows = evidence[["lead_id", "claim_id"]].dropna().drop_duplicates()
    known = rows.merge(claims_of(given, rows["claim_id"], PROVIDERS), on="claim_id").merge(table[["lead_id", "scheme"]], on="lead_id")
    parts = [_meeting(known, _shares(view, c), c) for c in PROVIDERS if c in view.columns and known[c].notna().any()]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame({"lead_id": [], "unit": []})


def comrades(given: Given, table: pd.DataFrame) -> pd.DataFrame:
    """The rings that leads belong to: their members' leads of the same scheme point to them.

    Parameters
    ----------
    given : mapping of str to table
        With ``ring_members``.
    table : DataFrame
        lead_id, subject_kind, subject_id.

    Returns
    -------
    DataFrame
        lead_id, unit (the ring): the ring's own lead and those of its members; rings that are no leads are left out.
    """
    rings = table[table["subject_kind"] == "ring"][["lead_id", "subject_id"]].rename(columns={"subject_id": "unit"})
    people = frame(given, "ring_members", ("ring_id", "entity_id")).rename(columns={"ring_id": "unit"})
    named = people[people["unit"].isin(rings["unit"])].merge(table[["lead_id", "subject_id"]], left_on="entity_id", right_on="subject_id")
    return pd.concat([rings, named[["lead_id", "unit"]]], ignore_index=True).drop_duplicates()


def _shares(view: ir.Table, column: str) -> pd.Series:
    """Share of all claims with such a provider that are each provider's."""
    known = view.select(unit=column).filter(lambda t: t.unit.notnull())
    sizes = collected(known.group_by("unit").agg(n=known.count()))
    return sizes.set_index("unit")["n"] / sizes["n"].sum()


def _meeting(known: pd.DataFrame, shares: pd.Series, column: str) -> pd.DataFrame:
    """Leads most of whose claims are one provider's, where that provider has too many such leads for its size."""
    from scipy.special import gammainc

    counted = known.dropna(subset=[column]).groupby(["lead_id", "scheme", column]).size().rename("n").reset_index()
    own = counted[counted["n"] > MAJORITY * counted.groupby("lead_id")["n"].transform("sum")]
    met = own.groupby(["scheme", column])["lead_id"].size().rename("k").reset_index()
    expected = met.groupby("scheme")["k"].transform("sum") * met[column].map(shares)
    tail = gammainc(met["k"].to_numpy(dtype=float), expected.to_numpy(dtype=float).clip(1e-9))
    joined = own.merge(met[(tail < LEVEL) & (met["k"] > 1).to_numpy()][["scheme", column]], on=["scheme", column])
    return joined.rename(columns={column: "unit"})[["lead_id", "unit"]]
