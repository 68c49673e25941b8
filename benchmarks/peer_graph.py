"""The peer's graph: edges and accident blocks with pandas and networkx; validated links are in ``benchmarks.peer_links``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import networkx as nx
import pandas as pd

from benchmarks.peer_links import links
from pipelines.graph.blocks import HUB, PEOPLE

Tables: TypeAlias = Any
"""The peer's tables by name."""


def graph(tables: Tables, view: pd.DataFrame, policies: pd.DataFrame) -> Mapping[str, Any]:
    """Everything the night's stage graph makes, and the claim-party graph itself, from which neighbourhoods are drawn."""
    touched = edges(tables, view)
    whole: nx.Graph[str] = nx.Graph()
    whole.add_edges_from(zip(touched["claim_id"], touched["entity_id"], strict=True))
    return {
        "edges": touched,
        "whole": whole,
        "policy_edges": policy_edges(policies),
        "links": links(tables, view),
        "blocks": blocks(touched, tables["entities"]),
    }


def edges(tables: Tables, view: pd.DataFrame) -> pd.DataFrame:
    """Claims and their parties and vehicles."""
    covered = [
        view[["claim_id", f"{r}_id"]].set_axis(["claim_id", "entity_id"], axis=1).assign(role=r) for r in ("insured", "holder", "agent")
    ]
    objects = tables["claim_objects"]
    driven = objects[["claim_id"]].assign(entity_id=objects["object_entity"], role=objects["side"].fillna("own") + "_vehicle")
    every = pd.concat([tables["claim_roles"][["claim_id", "entity_id", "role"]], *covered, driven])
    every = every.dropna(subset=["entity_id"]).drop_duplicates()
    every["kind"] = every["entity_id"].str.split(":", n=1).str[0]
    when = view["event_at"].fillna(view["admitted_on"]).fillna(view["reported_at"])
    return every.merge(view[["claim_id", "event_id", "amount", "line"]].assign(at=when), on="claim_id")


def policy_edges(policies: pd.DataFrame) -> pd.DataFrame:
    """Policies and their parties."""
    names = ["policy_id", "entity_id", "at"]
    sides = [
        policies[["policy_id", f"{r}_id", "issued_on"]].set_axis(names, axis=1).assign(role=r)
        for r in ("holder", "insured", "beneficiary", "agent")
    ]
    every = pd.concat(sides).dropna(subset=["entity_id"])
    return every.assign(kind=every["entity_id"].str.split(":", n=1).str[0])


def blocks(touched: pd.DataFrame, entities: pd.DataFrame) -> list[set[str]]:
    """Accident blocks: biconnected parts of the graph of accidents and the persons who were in at least two."""
    people = entities.loc[(entities["kind"] == "person") & ~entities["exempt"].astype(bool), "entity_id"]
    motor = touched.loc[(touched["line"] == "motor") & touched["role"].isin(PEOPLE), ["entity_id", "event_id"]].drop_duplicates()
    accidents = motor.groupby("entity_id")["event_id"].transform("size")
    motor = motor[accidents.between(2, HUB) & motor["entity_id"].isin(people)]
    crashes: nx.Graph[str] = nx.Graph()
    crashes.add_edges_from(zip("p" + motor["entity_id"], "e" + motor["event_id"], strict=True))
    return [b for b in nx.biconnected_components(crashes) if len(b) > 3]
