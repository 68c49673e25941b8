"""How far rings reach: claims, policies, events, money, time, insurers and places, from the views."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pandas as pd

MONTHS = 12


def facts(tables: Mapping[str, ir.Table], units: pd.DataFrame) -> pd.DataFrame:
    """One row per ring.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        ``claim_view``, ``policy_view``.
    units : DataFrame
        ring, unit.

    Returns
    -------
    DataFrame, indexed by ring
        n_claims, n_policies, n_events, amount (CNY: claims, and what surrendered policies paid back), first_at, last_at, insurers,
        provinces, districts (codes joined by commas), n_provinces (most provinces with losses in any ``MONTHS`` months).
    """
    rows = _rows(tables, units)
    grouped = rows.groupby("ring")
    counts = {c: grouped[c].nunique() for c in ("claim_id", "policy_id", "event_id")}
    found = pd.DataFrame({f"n_{c.removesuffix('_id')}s": n for c, n in counts.items()}).rename(columns={"n_policys": "n_policies"})
    found = found.assign(amount=grouped.amount.sum().round(2), first_at=grouped["at"].min(), last_at=grouped["at"].max())
    listed = {f"{c}s": grouped[c].agg(_listed) for c in ("insurer", "province", "district")}
    return found.assign(**listed, n_provinces=_itinerant(rows).reindex(found.index).fillna(0).astype("int64"))


def _rows(tables: Mapping[str, ir.Table], units: pd.DataFrame) -> pd.DataFrame:
    """The rings' claims and policies: ring, claim_id, policy_id, event_id, amount, at, insurer, district, province."""
    own = ibis.memtable(units[["ring", "unit"]].drop_duplicates().astype("string"))
    claims, policies = tables["claim_view"], tables["policy_view"]
    at = ibis.coalesce(claims.event_at, claims.admitted_on.cast("timestamp"), claims.reported_at)
    none = ibis.null("string")
    of_claims = claims.select(
        unit="claim_id", claim_id="claim_id", policy_id=none, event_id="event_id",
        amount=claims.amount.cast("float64"), at=at.cast("timestamp(6)"),
        insurer="insurer", district=ibis.coalesce(claims.district, claims.hospital_district),
    )  # fmt: skip
    since = ibis.coalesce(policies.surrendered_on, policies.issued_on, policies.starts_on).cast("timestamp(6)")
    of_policies = policies.select(
        unit="policy_id", claim_id=none, policy_id="policy_id", event_id=none, amount=policies.surrender_amount.cast("float64"), at=since,
        insurer="insurer", district=ibis.coalesce(policies.district, policies.sold_district),
    )  # fmt: skip
    found: pd.DataFrame = own.inner_join(of_claims.union(of_policies), "unit").to_pandas().sort_values(["ring", "unit"], ignore_index=True)
    return found.assign(province=found.district.str[:2])


def _listed(values: pd.Series) -> str:
    return ",".join(sorted(set(values.dropna())))


def _itinerant(rows: pd.DataFrame) -> pd.Series:
    """Most provinces with losses within ``MONTHS`` months, by ring."""
    losses = rows[rows.claim_id.notna() & rows.province.notna() & rows["at"].notna()].sort_values(["ring", "at"])
    several = losses[losses.groupby("ring").province.transform("nunique") > 1]
    most = {str(ring): _window(part) for ring, part in several.groupby("ring")}
    single = losses.groupby("ring").province.nunique()
    return single.where(~single.index.isin(most), pd.Series(most, dtype="float64").reindex(single.index))


def _window(part: pd.DataFrame) -> int:
    """Of losses in order of time: the most provinces in any window that starts with one of them."""
    ends = part["at"] + pd.DateOffset(months=MONTHS)
    windows = ((part["at"] >= start) & (part["at"] < end) for start, end in zip(part["at"], ends, strict=True))
    return max(int(part.province[inside].nunique()) for inside in windows)
