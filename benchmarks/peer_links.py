"""The peer's validated links: merge, groupby and nunique, kind by kind, with the settings that a night has by default."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
import pandas as pd
from scipy import stats

from pipelines.config import Links
from pipelines.graph.accidents import CROWD, HUB, ON_THE_SPOT
from pipelines.graph.pairs import PAIRS, Pair

Tables: TypeAlias = Any
"""The peer's tables by name."""


def links(tables: Tables, view: pd.DataFrame, level: float = Links().level) -> pd.DataFrame:
    """Validated links of all kinds of pairs, without exempt parties and phones."""
    claims, met = _claims(tables, view), _meetings(tables, view)
    found = [_links(_sides(met, p) if p.met_in_accidents else _sides(_strangers(claims, tables, p), p), p, level) for p in PAIRS]
    entities, phones = tables["entities"], tables["party_exemptions"]["phone"].dropna()
    listed = {*entities.loc[entities["exempt"].astype(bool), "entity_id"], *phones}
    every = pd.concat(found, ignore_index=True)
    return every[~every["a"].isin(listed) & ~every["b"].isin(listed)]


def _claims(tables: Tables, view: pd.DataFrame) -> pd.DataFrame:
    """Claims with households, places and agencies, without fleets and the only hospital of a county."""
    entities = tables["entities"].set_index("entity_id")
    place = view["home_district"].fillna(view["district"]).fillna("?")
    claims = view.assign(line=view["line"].fillna("?"), insurer=view["insurer"].fillna("?"), place=place, area=place.str[:4])
    claims["site"] = view["district"].fillna(place)
    claims["village"] = "village:" + view["home_district"]
    claims["household"] = view["group_id"].fillna(view["family_id"])
    claims["agency_id"] = view["agent_id"].map(entities["parent_entity"])
    claims["owner_id"] = view["owner_id"].where(view["owner_id"].str.startswith("person:", na=False))
    hospitals = entities.loc[(entities["kind"] == "hospital") & entities["district"].notna(), "district"].str[:6].value_counts()
    county = view["hospital_district"].str[:6]
    claims["away"] = county.notna() & (county != place.str[:6])
    only = (county == place.str[:6]) & county.isin(hospitals.index[hospitals == 1])
    claims[["hospital_id", "doctor_id"]] = claims[["hospital_id", "doctor_id"]].where(~only)
    return claims


def _strangers(claims: pd.DataFrame, tables: Tables, pair: Pair) -> pd.DataFrame:
    if not pair.stranger:
        return claims
    family = claims[pair.b_column].map(tables["entities"].set_index("entity_id")["family_id"])
    own = (family == claims["family_id"]) | (claims[pair.a_column] == claims[pair.b_column])
    return claims.assign(**{pair.b_column: claims[pair.b_column].mask(own)})


def _meetings(tables: Tables, view: pd.DataFrame) -> pd.DataFrame:
    """Who was in which accident (a = b), and who met whom there."""
    motor = view[
        (view["line"] == "motor") & view["event_id"].notna() & (view["owner_id"].isna() | view["owner_id"].str.startswith("person:"))
    ]
    motor = motor.assign(site=motor["district"].fillna(motor["home_district"]).fillna("?"))
    events = motor.groupby("event_id").agg(event_at=("event_at", "min"), amount=("amount", "sum"), site=("site", "min")).reset_index()
    entities = tables["entities"]
    people = entities.loc[entities["kind"] == "person", ["entity_id", "family_id"]]
    roles = tables["claim_roles"]
    there = roles.loc[roles["role"].isin(ON_THE_SPOT), ["claim_id", "entity_id"]].merge(
        people.assign(family_id=people["family_id"].fillna(people["entity_id"])), on="entity_id"
    )
    there = (
        there.merge(view[["claim_id", "event_id"]], on="claim_id").drop(columns="claim_id").drop_duplicates().merge(events, on="event_id")
    )
    there["accidents"] = there.groupby("entity_id")["event_id"].transform("size")
    there["crowd"] = there.groupby("event_id")["entity_id"].transform("size")
    there = there[there["accidents"] <= HUB].assign(line="motor")
    often = there[(there["accidents"] >= 2) & (there["crowd"] <= CROWD)]
    met = often.merge(often[["event_id", "entity_id", "family_id"]], on="event_id", suffixes=("", "_b"))
    met = met[(met["entity_id"] != met["entity_id_b"]) & (met["family_id"] != met["family_id_b"])]
    met = met.rename(columns={"entity_id": "person_a", "entity_id_b": "person_b"})
    day = met["event_at"].dt.normalize()
    met["event_id"] = met.groupby(["person_a", "person_b", day])["event_id"].transform("min")
    return pd.concat([there.assign(person_a=there["entity_id"], person_b=there["entity_id"]), met])


def _sides(claims: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    rows = claims[claims["away"]] if pair.away else claims
    named = rows[["amount", "event_at"]].assign(a=rows[pair.a_column], b=rows[pair.b_column], unit=rows[pair.unit])
    named["stratum"] = rows[pair.strata[0]].str.cat([rows[c] for c in pair.strata[1:]], sep="|")
    return named[(named["a"].notna() | named["b"].notna()) & named["unit"].notna()]


def _links(named: pd.DataFrame, pair: Pair, level: float) -> pd.DataFrame:
    known = {side: named.dropna(subset=[side]) for side in ("a", "b")}
    both = named.dropna(subset=["a", "b"])
    n_a, n_b = (known[s].groupby([s, "stratum"])["unit"].nunique().rename(f"n_{s}").reset_index() for s in ("a", "b"))
    common = _common(both[both["a"] < both["b"]] if pair.met_in_accidents else both, pair)
    any_a, any_b = (known[s].groupby("stratum")["unit"].nunique() for s in ("a", "b"))
    size = (any_a * any_b / both.groupby("stratum")["unit"].nunique()).rename("size").reset_index()
    chance = common[["a", "b"]].merge(n_a, on="a").merge(n_b, on=["b", "stratum"]).merge(size, on="stratum")
    chance["expected"] = chance["n_a"] * chance["n_b"] / chance["size"]
    found = common.merge(chance.groupby(["a", "b"])["expected"].sum().reset_index(), on=["a", "b"])
    found["p"] = stats.poisson.sf(found["n"] - 1, found["expected"])
    found["lift"] = found["n"] / found["expected"]
    found["q"] = _adjusted(found["p"].to_numpy(), _tests(n_a, n_b, pair.least))
    return found[(found["q"] < level) & (found["a"] != found["b"])].assign(a_kind=pair.a, b_kind=pair.b)


def _common(both: pd.DataFrame, pair: Pair) -> pd.DataFrame:
    weeks = both["event_at"].dt.to_period("W").astype(str)
    common = (
        both.assign(week=weeks)
        .groupby(["a", "b"])
        .agg(
            n=("unit", "nunique"),
            weeks=("week", "nunique"),
            amount=("amount", "sum"),
            first_at=("event_at", "min"),
            last_at=("event_at", "max"),
        )
    )
    if pair.occasions:
        common["n"] = common[["n", "weeks"]].min(axis=1)
    return common[common["n"] >= pair.least].drop(columns="weeks").reset_index()


def _tests(n_a: pd.DataFrame, n_b: pd.DataFrame, least: int) -> int:
    frequent = [t[t.groupby(s)[f"n_{s}"].transform("sum") >= least] for t, s in ((n_a, "a"), (n_b, "b"))]
    in_a, in_b = (t.groupby("stratum").size() for t in frequent)
    return int(min((in_a * in_b).sum(), frequent[0]["a"].nunique() * frequent[1]["b"].nunique()))


def _adjusted(p: Any, tests: int) -> Any:
    """Benjamini-Hochberg."""
    order = np.argsort(p)
    raw = p[order] * tests / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1)
    return adjusted
