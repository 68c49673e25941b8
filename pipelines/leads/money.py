"""What is at stake, counted once per claim or policy however many pieces of evidence name it, and until when it must be decided."""

from __future__ import annotations

import ibis
import pandas as pd

from pipelines.leads.evidence import claims_of
from pipelines.leads.inputs import Given, collected, relation

STAKE = ["unit", "insurer", "line", "amount_open", "amount_paid", "decide_by"]
PAID_OUT = ("commission", "bonus")
SUM = {"amount_open": "sum", "amount_paid": "sum"}


def stakes(given: Given, evidence: pd.DataFrame, decision_days: int) -> pd.DataFrame:
    """Units at stake of the evidence.

    Parameters
    ----------
    given : mapping of str to table
        The views.
    evidence : DataFrame
        With claim_id, policy_id, evidence_table, evidence_key, amount, insurer, line.
    decision_days : int
        Statutory days from report to decision (Insurance Law of the PRC, art. 23: 30 in complex cases).

    Returns
    -------
    DataFrame
        ``unit`` (``claim:…`` or ``policy:…``), insurer, line, amount_open and amount_paid in CNY,
        ``decide_by`` of open claims.
    """
    parts = [_claims(given, evidence, decision_days), _policies(given, evidence)]
    return pd.concat(parts, ignore_index=True).drop_duplicates("unit").sort_values("unit", ignore_index=True)


def units(evidence: pd.DataFrame) -> pd.DataFrame:
    """Evidence with its ``unit``: the claim it belongs to, else the policy, else the row itself."""
    claim, policy = evidence["claim_id"], evidence["policy_id"]
    row = evidence["evidence_table"] + ":" + evidence["evidence_key"]
    unit = ("policy:" + policy.astype("string")).where(policy.notna(), row)
    return evidence.assign(unit=("claim:" + claim.astype("string")).where(claim.notna(), unit))


def _claims(given: Given, evidence: pd.DataFrame, decision_days: int) -> pd.DataFrame:
    claims = claims_of(given, evidence["claim_id"])
    undecided = claims["open"].fillna(False).astype(bool)
    claimed = claims["claimed_amount"].fillna(claims["amount"]).astype("float64").fillna(0.0)
    paid = claims["paid_amount"].astype("float64").fillna(0.0)
    due = pd.to_datetime(claims["reported_at"]).dt.normalize() + pd.Timedelta(days=decision_days)
    stake = claims.assign(
        unit="claim:" + claims["claim_id"].astype("string"), amount_open=claimed.where(undecided, 0.0),
        amount_paid=paid.where(~undecided, 0.0), decide_by=due.where(undecided),
    )  # fmt: skip
    return stake[STAKE]


def _policies(given: Given, evidence: pd.DataFrame) -> pd.DataFrame:
    """A policy that is itself the evidence: what left for it is its commission, its bonus and what its surrender paid above its value."""
    ids = evidence.loc[evidence["policy_id"].notna() & evidence["claim_id"].isna(), "policy_id"].drop_duplicates()
    view = relation(given, "policy_view")
    if view is None or ids.empty:
        return pd.DataFrame({c: pd.Series(dtype=object) for c in STAKE})
    rows = view.semi_join(ibis.memtable(pd.DataFrame({"policy_id": ids.astype("string")})), "policy_id")
    found = collected(rows).reindex(columns=["policy_id", "insurer", "line", *PAID_OUT, "surrender_amount", "surrender_cash_value"])
    money = found[[*PAID_OUT, "surrender_amount", "surrender_cash_value"]].astype("float64").fillna(0.0)
    paid = money[list(PAID_OUT)].sum(axis=1) + (money["surrender_amount"] - money["surrender_cash_value"]).clip(lower=0.0)
    named = found.assign(unit="policy:" + found["policy_id"].astype("string"), amount_open=0.0, amount_paid=paid.clip(lower=0.0))
    return named.assign(decide_by=pd.Timestamp("NaT"))[STAKE]


def totals(evidence: pd.DataFrame, stake: pd.DataFrame, by: str, as_of: pd.Timestamp) -> pd.DataFrame:
    """Money, deadline and insurers per lead or case, every unit once.

    Returns
    -------
    DataFrame
        Index ``by``: amount_open, amount_paid, deadline (the next one not yet past, else the latest past one), insurers (comma list),
        n_insurers, line (of most units), n_claims.
    """
    unit = units(evidence).drop_duplicates([by, "unit"])
    joined = unit[[by, "unit", "claim_id", "insurer", "line"]].merge(stake.drop(columns=["insurer", "line"]), on="unit", how="left")
    grouped = joined.groupby(by, sort=True)
    table = grouped.agg(**{k: (k, f) for k, f in SUM.items()}, n_claims=("claim_id", "nunique"))
    coming = joined["decide_by"].where(joined["decide_by"] >= as_of).groupby(joined[by]).min()
    past = joined["decide_by"].groupby(joined[by]).max()
    names = evidence.dropna(subset=["insurer"]).groupby(by)["insurer"].unique().map(lambda v: ",".join(sorted(v)))
    insurers = names.reindex(table.index).fillna("")
    counted = joined.groupby([by, "line"]).size().rename("n").reset_index().sort_values([by, "n", "line"], ascending=[True, False, True])
    return table.assign(
        deadline=coming.fillna(past).reindex(table.index), insurers=insurers,
        n_insurers=insurers.map(lambda v: len(v.split(",")) if v else 0).astype("int64"),
        line=counted.drop_duplicates(by).set_index(by)["line"].reindex(table.index),
    ).round({"amount_open": 2, "amount_paid": 2})  # fmt: skip
