"""The peer's graph: edges, validated links and accident blocks with pandas, scipy and networkx."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import networkx as nx
import numpy as np
import pandas as pd
from scipy import stats

from pipelines.graph.blocks import HUB, PEOPLE
from pipelines.graph.links import LEAST, LEVEL, PAIRS, THIN, Pair

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


def links(tables: Tables, view: pd.DataFrame) -> pd.DataFrame:
    """Validated links of all kinds of pairs."""
    claims = view.assign(line=view["line"].fillna("?"), place=view["home_district"].fillna(view["district"]).fillna("?"))
    claims["area"] = claims["place"].str[:4]
    claims["reporter_family"] = claims["reporter_id"].map(tables["entities"].set_index("entity_id")["family_id"])
    return pd.concat([_links(claims, pair) for pair in PAIRS], ignore_index=True)


def _links(claims: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    named = _stratified(claims, pair)
    known = {side: named.dropna(subset=[side]) for side in ("a", "b")}
    both = named.dropna(subset=["a", "b"])
    n_a, n_b = (known[s].groupby([s, "stratum"])["unit"].nunique().rename(f"n_{s}").reset_index() for s in ("a", "b"))
    common = both.groupby(["a", "b"]).agg(
        n=("unit", "nunique"), amount=("amount", "sum"), first_at=("event_at", "min"), last_at=("event_at", "max")
    )
    common = common[common["n"] >= LEAST].reset_index()
    any_a, any_b = (known[s].groupby("stratum")["unit"].nunique() for s in ("a", "b"))
    size = (any_a * any_b / both.groupby("stratum")["unit"].nunique()).rename("size").reset_index()
    chance = common[["a", "b"]].merge(n_a, on="a").merge(n_b, on=["b", "stratum"]).merge(size, on="stratum")
    chance["expected"] = chance["n_a"] * chance["n_b"] / chance["size"]
    found = common.merge(chance.groupby(["a", "b"])["expected"].sum().reset_index(), on=["a", "b"])
    found["p"] = stats.poisson.sf(found["n"] - 1, found["expected"])
    found["lift"] = found["n"] / found["expected"]
    found["q"] = _adjusted(found["p"].to_numpy(), _tests(n_a, n_b))
    return found[found["q"] < LEVEL].assign(a_kind=pair.a, b_kind=pair.b)


def _stratified(claims: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    other = claims[pair.b_column].mask(claims[pair.b_column] == claims[pair.a_column])
    if pair.stranger:
        other = other.mask(claims["reporter_family"] == claims["family_id"])
    named = claims[["amount", "event_at", *pair.strata]].assign(a=claims[pair.a_column], b=other, unit=claims[pair.unit])
    named = named[(named["a"].notna() | named["b"].notna()) & named["unit"].notna()]
    named["stratum"] = cell = named[pair.strata[0]]
    for column in pair.strata[1:]:
        cell = cell + "|" + named[column]
        households = named["unit"].groupby(cell).transform("nunique")
        named["stratum"] = cell.where(households >= THIN, named["stratum"])
    return named


def _tests(n_a: pd.DataFrame, n_b: pd.DataFrame) -> int:
    frequent = [t[t.groupby(s)[f"n_{s}"].transform("sum") >= LEAST] for t, s in ((n_a, "a"), (n_b, "b"))]
    in_a, in_b = (t.groupby("stratum").size() for t in frequent)
    return int(min((in_a * in_b).sum(), frequent[0]["a"].nunique() * frequent[1]["b"].nunique()))


def _adjusted(p: Any, tests: int) -> Any:
    """Benjamini-Hochberg."""
    order = np.argsort(p)
    raw = p[order] * tests / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1)
    return adjusted
