"""Why claims of a lead are one event with other claims: what joined them, by which rule, and what of the two is equal."""

from __future__ import annotations

import ibis
import pandas as pd

from pipelines.leads.inputs import Given, collected, relation

MOST = 100
"""Joins listed per lead; of a mass admission there are hundreds."""
EQUAL = ("police", "hospital", "admission", "person", "vehicle")
JOINED = ["event_id", "claim_l", "claim_r", "rule", "hours", "days", *EQUAL, "families", "expected"]
COLUMNS = ["lead_id", "seq", *JOINED]
PAIR = ["claim_l", "claim_r", "rule"]
OTHERS = ["lead_id", "claim_id", "rule", "joins"]


def joins(given: Given, proof: pd.DataFrame) -> pd.DataFrame:
    """The joins of the claims in the evidence of leads.

    Parameters
    ----------
    given : mapping of str to table
        ``event_links`` of :class:`pipelines.resolve.events.Happened`; without it there are none.
    proof : DataFrame
        lead_id, claim_id (null where a piece of evidence is of no claim).

    Returns
    -------
    DataFrame
        Columns ``COLUMNS`` by lead, at most ``MOST`` each: those with both claims in the evidence first, then those between two insurers.
        Cost: a pass over the joins of the night.
    """
    links, claims = relation(given, "event_links"), proof[["lead_id", "claim_id"]].dropna().drop_duplicates()
    if links is None or claims.empty:
        return pd.DataFrame(columns=COLUMNS)
    wanted = ibis.memtable(claims[["claim_id"]].drop_duplicates().astype("string"))
    found = collected(links.filter(links.claim_l.isin(wanted.claim_id) | links.claim_r.isin(wanted.claim_id)).select(*JOINED))
    ends = [claims.merge(found, left_on="claim_id", right_on=f"claim_{side}") for side in "lr"]
    every = pd.concat(ends, ignore_index=True)
    one = every.groupby(["lead_id", *PAIR])["claim_id"].transform("size") < 2
    within = _insurer(every["claim_l"]) == _insurer(every["claim_r"])
    ordered = every.assign(one=one, within=within).sort_values(["lead_id", "one", "within", "event_id", *PAIR])
    single = ordered.drop_duplicates(["lead_id", *PAIR])
    numbered = single.assign(seq=single.groupby("lead_id").cumcount() + 1)
    return numbered[numbered["seq"] <= MOST][COLUMNS].reset_index(drop=True)


def own(rows: pd.DataFrame, insurer: str) -> pd.DataFrame:
    """Joins of two claims of one insurer; the event is not named where it bears another insurer's claim."""
    held = (_insurer(rows["claim_l"]) == insurer) & (_insurer(rows["claim_r"]) == insurer)
    shown = rows[held]
    return shown.assign(event_id=shown["event_id"].where(_insurer(shown["event_id"]) == insurer)).reset_index(drop=True)


def others(rows: pd.DataFrame, insurer: str) -> pd.DataFrame:
    """How many claims of other insurers each claim of one insurer is joined with, by rule; not which."""
    left, right = _insurer(rows["claim_l"]) == insurer, _insurer(rows["claim_r"]) == insurer
    shared = rows[left != right]
    named = shared.assign(claim_id=shared["claim_l"].where(left, shared["claim_r"]))
    return named.groupby(["lead_id", "claim_id", "rule"], sort=True).size().rename("joins").reset_index()[OTHERS]


def _insurer(ids: pd.Series) -> pd.Series:
    """The insurer that a claim id begins with."""
    insurers: pd.Series = ids.astype("string").str.split(":", n=1).str[0]
    return insurers
