"""The peer's features of tonight's agents, hospitals, doctors and garages."""

from __future__ import annotations

from typing import Any, TypeAlias

import pandas as pd

from benchmarks.peer_words import group, known, line_of, log1p, share, within

Tables: TypeAlias = Any
"""The peer's tables by name."""


def agent_features(tables: Tables, wide: tuple[pd.DataFrame, pd.DataFrame], wanted: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
    """Features of agents."""
    view, policies = wide
    sold = _sold(tables, policies[policies["agent_id"].isin(wanted)], as_of)
    by, counted = sold.groupby("agent_id"), ["in_90", "in_365", "in_450", "premium", "commission", "bonus", "old", "short"]
    sums = by[counted].sum()
    out = by.agg(
        policies=("policy_id", "size"), days_since_sale=("age", "min"), products=("product", "nunique"), holders=("holder_id", "nunique"),
        early_claim_share=("early", "mean"), claim_share=("claimed", "mean"), surrender_share=("surrendered", "mean"),
        lapse_share=("lapsed", "mean"), out_of_region_share=("away", "mean"), poor_recording_share=("poor", "mean"),
        own_share=("own", "mean"),
        phones=("phone", "nunique"), devices=("device_id", "nunique"),
    )  # fmt: skip
    out["line"] = line_of(by["line"])
    out["policies_90"], out["policies_365"], out["burst"] = sums["in_90"], sums["in_365"], share(sums["in_90"] * 4, sums["in_450"])
    out["log_premium"], out["commission_ratio"] = log1p(sums["premium"]), share(sums["commission"] + sums["bonus"], sums["premium"])
    out["ended_in_13_months"] = share(sums["short"], sums["old"])
    for column, name in (("phone", "phones"), ("device_id", "devices")):
        reached = sold.dropna(subset=[column]).groupby("agent_id")["holder_id"].nunique()
        out[f"holders_per_{name[:-1]}"] = share(reached, out[name])
    out["policies_per_holder"] = share(out["policies"], out["holders"])
    out = pd.DataFrame(index=pd.Index(wanted, name="agent_id")).join(out.drop(columns=["phones", "devices", "holders"]))
    out = out.join(_agent_events(tables, out["policies"])).join(_agent_claims(view, wanted, as_of))
    home = tables["entities"].set_index("entity_id")["district"].reindex(out.index)
    return out.assign(by_line=group(out["line"]), by_district=group(home))


def _sold(tables: Tables, policies: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    events, entities = tables["policy_events"], tables["entities"].set_index("entity_id")
    lapses = events[events["kind"] == "lapse"].groupby("policy_id")["at"].min().dt.normalize()
    s = policies.assign(phone=policies["holder_id"].map(entities["phone"]), lapsed_on=policies["policy_id"].map(lapses))
    ended, age = s[["surrendered_on", "lapsed_on"]].min(axis=1), (as_of - s["issued_on"]).dt.days
    old = (as_of - s["starts_on"]).dt.days > 396
    return s.assign(
        age=age,
        **{f"in_{d}": within(s["issued_on"], as_of, d) for d in (90, 365, 450)},
        old=old,
        short=old & ((ended - s["starts_on"]).dt.days < 396),
        early=(s["first_claim_at"].dt.normalize() - s["starts_on"]).dt.days <= 90,
        claimed=s["claims"] > 0,
        surrendered=s["surrendered_on"].notna(),
        lapsed=s["lapsed_on"].notna(),
        away=known(s["district"] != s["sold_district"], s["district"], s["sold_district"]),
        poor=known(s["recording_quality"].isin(["poor", "missing"]), s["recording_quality"]),
        own=known((s["holder_id"] == s["agent_id"]) | (s["insured_id"] == s["agent_id"]), s["holder_id"], s["insured_id"]),
    )


def _agent_events(tables: Tables, policies: pd.Series) -> pd.DataFrame:
    sold = tables["policies"][["policy_id", "agent_entity"]]
    rows = tables["policy_events"][["policy_id", "kind", "result"]].merge(sold, on="policy_id")
    rows["complaint"] = rows["kind"] == "complaint"
    rows["failed"] = (rows["kind"] == "callback") & rows["result"].isin(["failed", "not_reached", "wrong_number"])
    counts = rows.groupby("agent_entity")[["complaint", "failed"]].sum()
    return pd.DataFrame(
        {"complaints_per_100": 100 * share(counts["complaint"], policies), "callback_share": share(counts["failed"], policies)}
    )


def _agent_claims(view: pd.DataFrame, wanted: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
    rows = view[view["agent_id"].isin(wanted)]
    rows = rows.assign(in_365=within(rows["event_at"], as_of, 365))
    out = rows.groupby("agent_id").agg(
        customer_claims_365=("in_365", "sum"), total=("amount", "sum"), places=("hospital_id", "nunique"), stays=("hospital_id", "count"),
        mean_policy_age_days=("policy_age_days", "mean"),
    )  # fmt: skip
    out["log_customer_amount"], out["customer_hospitals"] = log1p(out["total"]), share(out["places"], out["stays"])
    return out.drop(columns=["total", "places", "stays"])


def provider_features(tables: Tables, view: pd.DataFrame, wanted: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
    """Features of hospitals, doctors and garages."""
    roles = tables["claim_roles"]
    serving = roles.loc[roles["entity_id"].isin(wanted), ["claim_id", "entity_id"]].drop_duplicates()
    rows = _served(serving.merge(view, on="claim_id"), as_of)
    by = rows.groupby("entity_id")
    out = by.agg(
        claims=("claim_id", "size"), claims_90=("in_90", "sum"), claims_365=("in_365", "sum"), families=("family_id", "nunique"),
        persons=("person_id", "nunique"), treated=("person_id", "count"), insurers=("insurer", "nunique"), total=("amount", "sum"),
        mean_log_amount=("logged", "mean"), median_amount=("amount", "median"), mean_stay_days=("stay_days", "mean"),
        long_stay_share=("long", "mean"), weekend_share=("weekend", "mean"), out_of_town_share=("away", "mean"),
        early_share=("early", "mean"),
        billed=("billed", "sum"), bills=("bill_total", "sum"), items=("items_amount", "sum"),
        drugs=("drug_amount", "sum"), tests=("test_amount", "sum"),
    )  # fmt: skip
    out["line"], out["log_total"], out["claims_per_person"] = (
        line_of(by["line"]),
        log1p(out["total"]),
        share(out["treated"], out["persons"]),
    )
    out["drug_share"], out["test_share"] = share(out["drugs"], out["items"]), share(out["tests"], out["items"])
    out["bill_share"] = share(out["billed"], out["bills"])
    tops = {"agent_id": "agent", "employer_id": "employer", "home_district": "district", "chapter": "chapter"}
    for column, name in {**tops, "reporter_phone": "reporter", "family_id": "family"}.items():
        pairs = rows.groupby(["entity_id", column]).size().groupby(level=0).agg(["max", "sum"])
        out[f"top_{name}_share"] = (pairs["max"] / pairs["sum"]).where(pairs["sum"] >= 5)
    out = pd.DataFrame(index=pd.Index(wanted, name="entity_id")).join(out.drop(columns=["persons", "treated", "total", "billed", "bills"]))
    return _provider_peers(out.drop(columns=["items", "drugs", "tests"]), tables["entities"])


def _served(rows: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    place = rows["hospital_district"].fillna(rows["district"])
    return rows.assign(
        in_90=within(rows["event_at"], as_of, 90),
        in_365=within(rows["event_at"], as_of, 365),
        logged=log1p(rows["amount"]),
        long=known(rows["stay_days"] >= 14, rows["stay_days"]),
        weekend=known(rows["admitted_on"].dt.dayofweek >= 5, rows["admitted_on"]),
        away=known(rows["home_district"] != place, rows["home_district"], place),
        early=known(rows["policy_age_days"] <= 90, rows["policy_age_days"]),
        billed=rows["amount"].where(rows["bill_total"].notna()),
    )


def _provider_peers(out: pd.DataFrame, entities: pd.DataFrame) -> pd.DataFrame:
    out = out.join(entities.set_index("entity_id")[["level", "specialty", "beds"]])
    kind = out.index.to_series().str.split(":", n=1).str[0]
    keys = {"by_kind": group(kind, out["line"]), "by_level": group(kind, out["level"])}
    keys["by_specialty"] = group(kind, out["level"], out["specialty"])
    return out.assign(**keys, claims_per_bed=share(out["claims_365"], out["beds"])).drop(columns=["level", "specialty", "beds"])
