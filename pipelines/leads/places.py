"""Places: the district in which a case happened, so that the list does not send a second investigator after the same people."""

from __future__ import annotations

import ibis
import pandas as pd

from pipelines.leads.inputs import Given, collected, relation

VIEWS = {"claim_view": ("claim_id", ("home_district", "district")), "policy_view": ("policy_id", ("district",))}


def places_of(given: Given, evidence: pd.DataFrame) -> pd.Series:
    """The district that most claims and policies of each case name.

    Parameters
    ----------
    given : mapping of str to table
        The views.
    evidence : DataFrame
        case, claim_id, policy_id.

    Returns
    -------
    Series of str
        ``place`` by case; cases of which no district is known are left out.
    """
    parts = [_named(given, evidence, view, key, columns) for view, (key, columns) in VIEWS.items()]
    rows = pd.concat(parts, ignore_index=True)
    counted = rows.groupby(["case", "place"]).size().rename("n").reset_index()
    ordered = counted.sort_values(["case", "n", "place"], ascending=[True, False, True])
    most: pd.Series = ordered.drop_duplicates("case").set_index("case")["place"].astype(object)
    return most


def _named(given: Given, evidence: pd.DataFrame, view: str, key: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Case and place, once per claim or policy of the case."""
    table = relation(given, view)
    wanted = evidence[["case", key]].dropna().drop_duplicates()
    known = [] if table is None else [table[c] for c in columns if c in table.columns]
    if table is None or not known or wanted.empty:
        return pd.DataFrame({"case": pd.Series(dtype=object), "place": pd.Series(dtype=object)})
    ids = ibis.memtable(pd.DataFrame({key: wanted[key].drop_duplicates().astype("string")}))
    rows = collected(table.semi_join(ids, key).select(key, place=ibis.coalesce(*known).cast("string")))
    return wanted.merge(rows.dropna(), on=key)[["case", "place"]]
