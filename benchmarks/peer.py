"""The peer of the benchmark: the usual pandas + networkx notebook, doing what the night's stages views, graph and features do.

It starts from the same Parquet (staged and resolved tables), computes the same wide tables, the same graph (claim-party edges,
accident blocks, pairs of agents and hospitals with households in common) and the main features of claims, persons, agents and
providers, in the way everybody writes them: merge, groupby, rolling, nunique, networkx. It leaves out the statistical validation of links
and about a third of the features, which makes it do *less* than the night.

Usage: ``python -m benchmarks.peer STAGES OUT.json``
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np
import pandas as pd

ROLES = (
    "insured", "holder", "claimant", "agent", "hospital", "doctor", "garage", "payee", "driver", "owner", "reporter", "employer",
    "assessor", "appraiser", "lawyer", "proxy",
)  # fmt: skip
WINDOWS = {
    "person_claims_30": ("person_id", 30), "person_claims_90": ("person_id", 90), "person_claims_365": ("person_id", 365),
    "payee_claims_365": ("payee_id", 365), "vehicle_claims_365": ("vehicle_id", 365), "reporter_claims_365": ("reporter_phone", 365),
    "family_claims_365": ("family_id", 365), "agent_claims_90": ("agent_id", 90), "hospital_claims_7": ("hospital_id", 7),
}  # fmt: skip


class Tables:
    """Staged and resolved tables, read when asked for."""

    def __init__(self, stages: Path) -> None:
        self.stages = stages

    def __getitem__(self, name: str) -> pd.DataFrame:
        path = self.stages / "resolve" / f"{name}.parquet"
        return pd.read_parquet(path if path.exists() else self.stages / "staging" / f"{name}.parquet")


def views(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The wide claim table and the wide policy table."""
    claims, policies = tables["claims"], tables["policies"]
    for money in ("claimed_amount", "paid_amount"):
        claims[money] = claims[money].astype(float)
    for money in ("premium", "sum_insured", "commission", "bonus"):
        policies[money] = policies[money].astype(float)
    roles = tables["claim_roles"]
    wide = roles[roles["role"].isin(ROLES)].pivot_table(index="claim_id", columns="role", values="entity_id", aggfunc="min")
    view = claims.merge(wide.add_suffix("_id").reset_index(), on="claim_id", how="left")
    view = view.merge(
        policies.drop(columns=["insurer", "received_at", "district", "status"]), on="policy_id", how="left", suffixes=("", "_p")
    )
    view["insured_id"] = view["insured_id"].fillna(view["insured_entity"])
    view["agent_id"] = view["agent_id"].fillna(view["agent_entity"])
    view["person_id"] = view["insured_id"].fillna(view["claimant_id"])
    view = _attach_details(view, tables)
    policies = policies.merge(_surrenders(tables), on="policy_id", how="left")
    counts = claims.groupby("policy_id").agg(claims=("claim_id", "count"), first_claim_at=("event_at", "min")).reset_index()
    return view, policies.merge(counts, on="policy_id", how="left")


def _attach_details(view: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    bills, items, diagnoses, objects = (tables[n] for n in ("claim_bills", "claim_items", "claim_diagnoses", "claim_objects"))
    bills["total"], items["amount"] = bills["total"].astype(float), items["amount"].astype(float)
    view = view.merge(bills.groupby("claim_id").agg(bill_total=("total", "sum")).reset_index(), on="claim_id", how="left")
    by_category = items.pivot_table(index="claim_id", columns="category", values="amount", aggfunc="sum").add_suffix("_amount")
    view = view.merge(by_category.reset_index(), on="claim_id", how="left")
    view = view.merge(
        items.groupby("claim_id").agg(items=("amount", "size"), items_amount=("amount", "sum")).reset_index(), on="claim_id", how="left"
    )
    first = diagnoses.sort_values("seq").groupby("claim_id")["code"].first().rename("diagnosis").reset_index()
    view = view.merge(first, on="claim_id", how="left")
    own = objects[objects["side"].fillna("own") == "own"].groupby("claim_id")["object_entity"].min().rename("vehicle_id").reset_index()
    view = view.merge(own, on="claim_id", how="left")
    people = tables["entities"][["entity_id", "district", "family_id"]].rename(
        columns={"entity_id": "person_id", "district": "home_district"}
    )
    view = view.merge(people, on="person_id", how="left")
    view["amount"] = view["paid_amount"].fillna(view["claimed_amount"])
    view["stay_days"] = (pd.to_datetime(view["discharged_on"]) - pd.to_datetime(view["admitted_on"])).dt.days
    view["policy_age_days"] = (view["event_at"].dt.normalize() - pd.to_datetime(view["starts_on"])).dt.days
    return view


def _surrenders(tables: Tables) -> pd.DataFrame:
    events = tables["policy_events"]
    return events[events["kind"] == "surrender"].groupby("policy_id")["at"].min().rename("surrendered_on").reset_index()


def graph(tables: Tables, view: pd.DataFrame) -> dict[str, int]:
    """Claim-party graph, accident blocks, agent-hospital pairs, as networkx does them."""
    roles = tables["claim_roles"]
    whole: nx.Graph[str] = nx.Graph()
    whole.add_edges_from(zip(roles["claim_id"], roles["entity_id"], strict=True))
    motor = roles.merge(view[view["line"] == "motor"][["claim_id", "event_id"]], on="claim_id")
    motor = motor[motor["entity_id"].str.startswith("person:")]
    accidents: nx.Graph[str] = nx.Graph()
    accidents.add_edges_from(zip("event:" + motor["event_id"].astype(str), motor["entity_id"], strict=True))
    blocks = sum(len(b) >= 6 for b in nx.biconnected_components(accidents))
    components = nx.number_connected_components(whole)
    pairs = view.dropna(subset=["agent_id", "hospital_id"]).groupby(["agent_id", "hospital_id"])["family_id"].nunique()
    return {"components": components, "blocks": blocks, "pairs": int((pairs >= 3).sum())}


def features(tables: Tables, view: pd.DataFrame, policies: pd.DataFrame) -> list[pd.DataFrame]:
    """Features of claims, persons, agents and providers."""
    return [
        _claim_features(view),
        _person_features(tables, view, policies),
        _agent_features(policies, view),
        _provider_features(tables, view),
    ]


def _claim_features(view: pd.DataFrame) -> pd.DataFrame:
    out = view[["claim_id", "line", "amount", "policy_age_days", "stay_days"]].copy()
    out["log_amount"] = np.log1p(view["amount"])
    out["premium_ratio"] = view["amount"] / view["premium"].replace(0, np.nan)
    out["report_delay_hours"] = (view["reported_at"] - view["event_at"]).dt.total_seconds() / 3600
    out["weekend"] = view["event_at"].dt.dayofweek >= 5
    out["bill_share"] = view["amount"] / view["bill_total"].replace(0, np.nan)
    for name, (party, days) in WINDOWS.items():
        known = view.dropna(subset=[party, "event_at"]).sort_values("event_at")
        counted = known.set_index("event_at").groupby(party)["amount"].rolling(f"{days}D").count()
        out[name] = pd.Series(counted.to_numpy() - 1, index=known.sort_values([party, "event_at"]).index)
    breadth = view.groupby("person_id").agg(person_insurers=("insurer", "nunique"), person_hospitals=("hospital_id", "nunique"))
    return out.join(breadth, on=view["person_id"])


def _person_features(tables: Tables, view: pd.DataFrame, policies: pd.DataFrame) -> pd.DataFrame:
    roles = tables["claim_roles"]
    people = roles[roles["entity_kind"] == "person"]
    columns = [
        "claim_id",
        "insurer",
        "event_at",
        "amount",
        "line",
        "hospital_id",
        "garage_id",
        "vehicle_id",
        "family_id",
        "district",
        "policy_age_days",
    ]
    rows = people[["claim_id", "entity_id"]].drop_duplicates().merge(view[columns], on="claim_id")
    counted = rows.groupby("entity_id").agg(
        claims=("claim_id", "nunique"), amount=("amount", "sum"), claim_insurers=("insurer", "nunique"),
        hospitals=("hospital_id", "nunique"),
        garages=("garage_id", "nunique"), vehicles=("vehicle_id", "nunique"), families=("family_id", "nunique"),
        districts=("district", "nunique"), first=("event_at", "min"), last=("event_at", "max"),
    )  # fmt: skip
    counted["roles"] = people.groupby("entity_id")["role"].nunique()
    sides = pd.concat([policies.assign(side=policies[c]) for c in ("insured_entity", "holder_entity")]).drop_duplicates(
        ["policy_id", "side"]
    )
    held = sides.groupby("side").agg(
        policies=("policy_id", "nunique"), policy_insurers=("insurer", "nunique"), policy_agents=("agent_entity", "nunique"),
        sum_insured=("sum_insured", "max"), claims_held=("claims", "sum"),
    )  # fmt: skip
    return counted.join(held, how="left")


def _agent_features(policies: pd.DataFrame, view: pd.DataFrame) -> pd.DataFrame:
    sold = policies.groupby("agent_entity").agg(
        policies=("policy_id", "count"), premium=("premium", "sum"), commission=("commission", "sum"), bonus=("bonus", "sum"),
        products=("product", "nunique"), holders=("holder_entity", "nunique"), devices=("device_id", "nunique"),
        surrendered=("surrendered_on", "count"), claims=("claims", "sum"),
    )  # fmt: skip
    served = view.groupby("agent_id").agg(amount=("amount", "sum"), hospitals=("hospital_id", "nunique"), age=("policy_age_days", "mean"))
    return sold.join(served)


def _provider_features(tables: Tables, view: pd.DataFrame) -> pd.DataFrame:
    roles = tables["claim_roles"]
    providers = roles[roles["entity_kind"].isin(["hospital", "doctor", "garage"])][["claim_id", "entity_id"]].drop_duplicates()
    rows = providers.merge(view, on="claim_id")
    out = rows.groupby("entity_id").agg(
        claims=("claim_id", "count"), families=("family_id", "nunique"), persons=("person_id", "nunique"), insurers=("insurer", "nunique"),
        total=("amount", "sum"), median=("amount", "median"), stay=("stay_days", "mean"), age=("policy_age_days", "mean"),
    )  # fmt: skip
    for name in ("agent_id", "employer_id", "home_district", "diagnosis", "reporter_phone", "family_id"):
        pairs = rows.dropna(subset=[name]).groupby(["entity_id", name])["claim_id"].nunique()
        out[f"top_{name}"] = pairs.groupby(level=0).max() / pairs.groupby(level=0).sum()
    return out


def main() -> None:
    """Time the three stages and write seconds and the process's peak so far."""
    tables, figures = Tables(Path(sys.argv[1])), {}

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures[name] = {"seconds": round(time.perf_counter() - start, 1), "peak_mib": round(peak)}
        return result

    view, policies = timed("views", lambda: views(tables))
    timed("graph", lambda: graph(tables, view))
    timed("features", lambda: features(tables, view, policies))
    Path(sys.argv[2]).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
