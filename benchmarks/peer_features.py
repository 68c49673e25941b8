"""The peer's features of tonight's claims, policies and persons: merge, groupby, rolling and nunique."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, TypeAlias

import pandas as pd

from benchmarks.peer_trade import agent_features, provider_features
from benchmarks.peer_words import group, known, line_of, log1p, share, within
from features.claims import WINDOWS
from features.spine import PROVIDERS

Tables: TypeAlias = Any
"""The peer's tables by name."""
LOOK_BACK = timedelta(days=400)
DAY = 86_400


def features(tables: Tables, view: pd.DataFrame, policies: pd.DataFrame, as_of: pd.Timestamp) -> Mapping[str, pd.DataFrame]:
    """All features of the subjects in scope, one frame per kind, indexed by subject."""
    recent, sold, parties = scope(tables, view, policies, as_of)
    return {
        "features_claim": claim_features(view, recent),
        "features_policy": policy_features(policies, sold),
        "features_person": person_features(tables, (view, policies), parties["person"], as_of),
        "features_agent": agent_features(tables, (view, policies), parties["agent"], as_of),
        "features_provider": provider_features(tables, view, pd.concat([parties[k] for k in PROVIDERS]), as_of),
    }


def scope(tables: Tables, view: pd.DataFrame, policies: pd.DataFrame, as_of: pd.Timestamp) -> tuple[pd.Series, pd.Series, Any]:
    """Which claims, policies and parties the night looks at."""
    latest = view[["event_at", "reported_at", "closed_on", "discharged_on"]].apply(lambda c: c.dt.normalize()).max(axis=1)
    claims = view["open"] | (latest >= as_of - LOOK_BACK) | latest.isna()
    begun = policies["issued_on"].fillna(policies["starts_on"])
    sold = (begun >= as_of - LOOK_BACK) | (policies["surrendered_on"] >= as_of - LOOK_BACK)
    roles, facts = tables["claim_roles"], tables["facts"]
    ids = [roles.loc[roles["claim_id"].isin(view.loc[claims, "claim_id"]), "entity_id"], facts["entity"]]
    ids += [policies.loc[sold, f"{r}_id"] for r in ("agent", "holder", "insured", "beneficiary")]
    parties = pd.concat(ids).dropna().drop_duplicates()
    kinds = parties.str.split(":", n=1).str[0]
    return view.loc[claims, "claim_id"], policies.loc[sold, "policy_id"], {k: parties[kinds == k] for k in ("person", "agent", *PROVIDERS)}


def claim_features(view: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """Features of claims."""
    second = view["event_at"].astype("datetime64[s]").astype("int64").where(view["event_at"].notna())
    clock, hour = view.assign(second=second), view["event_at"].dt.hour
    out = view[["claim_id", "line", "amount", "policy_age_days", "stay_days", "items"]].copy()
    out["by_line"], out["by_diagnosis"] = group(view["line"]), group(view["line"], view["chapter"])
    out["by_hospital"] = group(view["line"], view["hospital_level"], view["hospital_specialty"], view["chapter"])
    out["log_amount"] = log1p(view["amount"])
    out["premium_ratio"], out["sum_share"] = share(view["amount"], view["premium"]), share(view["amount"], view["sum_insured"])
    out["days_to_end"] = (view["ends_on"] - view["event_at"].dt.normalize()).dt.days
    out["report_delay_hours"] = (view["reported_at"] - view["event_at"]).dt.total_seconds() / 3600
    out["night"] = known((hour >= 22) | (hour < 5), second.where(second % DAY != 0))
    out["weekend"] = known(view["event_at"].dt.dayofweek >= 5, view["event_at"])
    out["amount_per_day"], out["bill_share"] = share(view["amount"], view["stay_days"]), share(view["amount"], view["bill_total"])
    out["drug_share"] = share(view["drug_amount"], view["items_amount"])
    out["test_share"] = share(view["test_amount"], view["items_amount"])
    place = view["hospital_district"].fillna(view["district"])
    out["out_of_town"] = known(place != view["home_district"], place, view["home_district"])
    for party, windows in WINDOWS.items():
        for name, days in windows.items():
            out[name] = _trailing(view, party, days)
    out["days_since_previous"] = clock.sort_values(["second", "claim_id"]).groupby("person_id")["second"].diff() / DAY
    breadth = view.groupby("person_id").agg(person_insurers=("insurer", "nunique"), person_hospitals=("hospital_id", "nunique"))
    out = out.join(breadth, on=view["person_id"])
    return out[out["claim_id"].isin(wanted)].set_index("claim_id")


def _trailing(view: pd.DataFrame, party: str, days: int) -> pd.Series:
    """Claims of the party in the days up to this one's, those of the same moment included, itself not."""
    dated = view[[party, "event_at"]].dropna().sort_values([party, "event_at"]).assign(one=1)
    rolling = dated.groupby(party).rolling(f"{days}D", on="event_at", closed="both")["one"].count()
    dated["n"] = rolling.to_numpy()
    return dated.groupby([party, "event_at"])["n"].transform("max") - 1


def policy_features(policies: pd.DataFrame, wanted: pd.Series) -> pd.DataFrame:
    """Features of policies."""
    p = policies
    own = (p["agent_id"] == p["holder_id"]) | (p["agent_id"] == p["insured_id"])
    measured = {
        "line": p["line"],
        "by_product": group(p["line"], p["product"]),
        "by_channel": group(p["line"], p["channel"]),
        "log_premium": log1p(p["premium"]),
        "log_sum_insured": log1p(p["sum_insured"]),
        "leverage": share(p["sum_insured"], p["premium"]),
        "commission_ratio": share(p["commission"].fillna(0) + p["bonus"].fillna(0), p["premium"]),
        "issue_to_start_days": (p["starts_on"] - p["issued_on"]).dt.days,
        "claims": p["claims"],
        "days_to_claim": (p["first_claim_at"].dt.normalize() - p["starts_on"]).dt.days,
        "days_to_surrender": (p["surrendered_on"] - p["starts_on"]).dt.days,
        "refund_ratio": share(p["surrender_amount"], p["surrender_cash_value"]),
        "out_of_region": known(p["district"] != p["sold_district"], p["district"], p["sold_district"]),
        "unrelated_holder": known(p["holder_family"] != p["insured_family"], p["holder_family"], p["insured_family"]),
        "through_own_agent": known(own, p["agent_id"], p["holder_id"], p["insured_id"]),
        "insured_policies": p.groupby("insured_id")["policy_id"].transform("count"),
        "device_policies": p.groupby("device_id")["policy_id"].transform("count"),
    }
    return p[["policy_id"]].assign(**measured)[p["policy_id"].isin(wanted)].set_index("policy_id")


def person_features(tables: Tables, wide: tuple[pd.DataFrame, pd.DataFrame], wanted: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
    """Features of persons."""
    view, policies = wide
    roles = tables["claim_roles"]
    roles = roles.loc[(roles["entity_kind"] == "person") & roles["entity_id"].isin(wanted), ["claim_id", "entity_id", "role"]]
    events = tables["policy_events"]
    complaints = events[events["kind"] == "complaint"].groupby("by_entity").size().rename("complaints")
    out = pd.DataFrame(index=pd.Index(wanted, name="entity_id"))
    for part in (_person_claims(roles, view, as_of), _person_roles(roles), _person_policies(policies, wanted, as_of), complaints):
        out = out.join(part)
    people = tables["entities"].set_index("entity_id")[["birth_date", "gender", "occupation_class"]]
    out = out.join(people)
    decade = ((as_of - out["birth_date"]).dt.days // 3652).astype("Int64")
    out["by_line"], out["by_age"], out["by_occupation"] = group(out["line"]), group(decade, out["gender"]), group(out["occupation_class"])
    return out.drop(columns=["birth_date", "gender", "occupation_class"])


def _person_claims(roles: pd.DataFrame, view: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    columns = ["claim_id", "insurer", "event_at", "amount", "line", "hospital_id", "garage_id", "vehicle_id", "family_id", "district"]
    rows = roles[["claim_id", "entity_id"]].drop_duplicates().merge(view[[*columns, "policy_age_days", "open"]], on="claim_id")
    rows["in_90"], rows["in_365"] = within(rows["event_at"], as_of, 90), within(rows["event_at"], as_of, 365)
    rows["recent_amount"], rows["logged"] = rows["amount"].where(rows["in_365"]), log1p(rows["amount"])
    rows["early"] = known(rows["policy_age_days"] <= 90, rows["policy_age_days"])
    rows["day"] = rows["event_at"].dt.normalize()
    by = rows.groupby("entity_id")
    out = by.agg(
        claims=("claim_id", "size"), claims_90=("in_90", "sum"), claims_365=("in_365", "sum"), total=("amount", "sum"),
        mean_log_amount=("logged", "mean"), open_claims=("open", "sum"), claim_insurers=("insurer", "nunique"),
        hospitals=("hospital_id", "nunique"), garages=("garage_id", "nunique"), vehicles=("vehicle_id", "nunique"),
        families=("family_id", "nunique"), districts=("district", "nunique"), early_share=("early", "mean"),
        first=("day", "min"), last=("day", "max"),
    )  # fmt: skip
    out["amount_365"] = by["recent_amount"].sum(min_count=1)
    out["log_amount"], out["claim_span_days"] = log1p(out["total"]), (out["last"] - out["first"]).dt.days
    out["line"] = line_of(by["line"])
    return out.drop(columns=["total", "first", "last"])


def _person_roles(roles: pd.DataFrame) -> pd.DataFrame:
    out = roles.groupby("entity_id").agg(roles=("role", "nunique"))
    kinds = {"paid": ("payee",), "reported": ("reporter",), "witnessed": ("witness", "third_party", "passenger")}
    for name, names in kinds.items():
        out[f"{name}_claims"] = roles[roles["role"].isin(names)].groupby("entity_id")["claim_id"].nunique()
    return out.fillna(0)


def _person_policies(policies: pd.DataFrame, wanted: pd.Series, as_of: pd.Timestamp) -> pd.DataFrame:
    columns = ["policy_id", "insurer", "issued_on", "agent_id", "sum_insured", "claims", "surrendered_on"]
    sides = pd.concat([policies[columns].assign(side=policies[c]) for c in ("insured_id", "holder_id")])
    sides = sides[sides["side"].isin(wanted)].drop_duplicates(["policy_id", "side"])
    sides["in_90"], sides["in_365"] = within(sides["issued_on"], as_of, 90), within(sides["issued_on"], as_of, 365)
    sides["surrendered"] = sides["surrendered_on"].notna()
    out = sides.groupby("side").agg(
        policies=("policy_id", "size"), policies_90=("in_90", "sum"), policies_365=("in_365", "sum"),
        policy_insurers=("insurer", "nunique"), policy_agents=("agent_id", "nunique"), most=("sum_insured", "max"),
        used=("claims", "sum"), surrender_share=("surrendered", "mean"),
    )  # fmt: skip
    out["log_sum_insured"], out["loss_ratio"] = log1p(out["most"]), share(out["used"], out["policies"])
    return out.drop(columns=["most", "used"])
