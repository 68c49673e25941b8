"""Assemble: scored reasons → leads, one per subject and story."""

from __future__ import annotations

import numpy as np
import pandas as pd

from features.schema import SCHEMES
from models.fusion import START, probability
from models.scorecard import SUBJECT
from pipelines.config import Settings
from pipelines.ids import digest
from pipelines.leads.cases import GENERIC
from pipelines.leads.champions import Champions
from pipelines.leads.inputs import Given, frame

STORY = [*SUBJECT, "scheme"]
SECOND_STORY = 0.6
"""A subject's other scheme is a lead of its own from this share of the points of its first one."""
GENERIC_WEIGHT = 0.5
"""An early loss or a common payee is rather a sign of a more definite story than a story."""
LEAST_POINTS = 9.0
"""One low flag (10 points, perhaps capped a little) is where a lead begins."""
KEPT = 4000
"""Leads carried further, the highest scores of each kind first; what is listed is far less."""
HOURS = {
    "claim": 4.0, "event": 6.0, "policy": 3.0, "person": 8.0, "vehicle": 8.0, "account": 10.0, "phone": 8.0, "device": 8.0, "party": 10.0,
    "agent": 16.0, "doctor": 20.0, "garage": 20.0, "employer": 16.0, "assessor": 20.0, "appraiser": 20.0, "proxy": 16.0, "lawyer": 16.0,
    "agency": 30.0, "hospital": 40.0, "shop": 10.0, "ring": 40.0, "station": 24.0, "product": 24.0,
}  # fmt: skip
"""Hours an investigation usually takes, by kind of subject; the configuration overrides."""
ROUTES = {"claim": "insurer", "conduct": "regulator", "medical": "medical_insurance_bureau"}
NOBODY = Champions()
POLICE = 0.5
"""From this probability a claim-deception lead goes to the police's door, below it to the insurer's own investigators."""


def part_of(reasons: pd.DataFrame) -> np.ndarray:
    """The part of the score that each reason belongs to: flags, anomaly, network or learnt."""
    kind = reasons["kind"]
    part: np.ndarray = np.select([kind == "learnt", kind == "anomaly", reasons["family"] == "N"], ["learnt", "anomaly", "network"], "flags")
    return part


def stories(reasons: pd.DataFrame) -> pd.DataFrame:
    """Every reason with the ``story`` (scheme) of the lead it belongs to; each reason belongs to exactly one lead.

    A subject's first story is the scheme with most points, those of a generic scheme counting ``GENERIC_WEIGHT``;
    another scheme with at least ``SECOND_STORY`` of them is a story of its own;
    reasons of weaker schemes and anomalies support the first.
    """
    per = reasons.groupby(STORY, as_index=False)["points"].sum()
    weight = per["scheme"].map({"anomaly": 0.0, **dict.fromkeys(GENERIC - {"anomaly"}, GENERIC_WEIGHT)}).fillna(1.0)
    per = per.assign(odd=per["scheme"] == "anomaly", told=per["points"] * weight)
    per = per.sort_values([*SUBJECT, "told", "points", "scheme"], ascending=[True, True, False, False, True])
    first = per.drop_duplicates(SUBJECT).set_index(SUBJECT)
    joined = per.join(first[["scheme", "told"]].add_prefix("first_"), on=SUBJECT)
    own = (joined["scheme"] == joined["first_scheme"]) | ((joined["told"] >= SECOND_STORY * joined["first_told"]) & ~joined["odd"])
    joined["story"] = joined["scheme"].where(own, joined["first_scheme"])
    return reasons.merge(joined[[*STORY, "story"]], on=STORY, how="left")


def leads(reasons: pd.DataFrame, first_keys: pd.Series, settings: Settings, champions: Champions = NOBODY) -> pd.DataFrame:
    """Leads without their money: ids, scheme, score with its parts, probability, route, first document.

    Parameters
    ----------
    reasons : DataFrame
        Reasons with ``story`` (see :func:`stories`).
    first_keys : Series of str
        The source key of each party's earliest record, by entity id; other subjects are their own key.
    settings : Settings
        Prior and hours are used.
    champions : Champions
        Their levels move the probabilities; their names are told.

    Returns
    -------
    DataFrame
        One row per lead, the ``KEPT`` best of each kind of subject, in order of lead_id.
    """
    named = reasons.assign(part=part_of(reasons))
    wide = named.pivot_table(index=[*SUBJECT, "story"], columns="part", values="points", aggfunc="sum", fill_value=0.0)
    wide = wide.reindex(columns=list(START), fill_value=0.0).add_prefix("points_").round(6).reset_index()
    table = wide.rename(columns={"story": "scheme"}).rename_axis(columns=None)
    table["score"] = (table["points_flags"] + table["points_anomaly"] + table["points_network"] + table["points_learnt"]).round(6)
    table = table[(table["score"] >= LEAST_POINTS) | (table["scheme"] == "anomaly")]
    table = _best(table).merge(_strongest(reasons), on=STORY, how="left")
    key = table["subject_id"].map(first_keys).fillna(table["subject_id"])
    table["lead_id"] = [digest(*parts) for parts in zip(table["subject_kind"], key, table["scheme"], strict=True)]
    table["label"] = labels(table["subject_kind"], table["subject_id"], key)
    table["level"], table["models"] = table["subject_kind"].map(champions.level), table["subject_kind"].map(champions.named)
    table["probability"] = probability(table["score"], settings.priority.prior, table["level"]).round(6)
    table["hours"] = table["subject_kind"].map({**HOURS, **settings.priority.hours}).fillna(12.0)
    return _routed(table).sort_values("lead_id", ignore_index=True)


def labels(kinds: pd.Series, ids: pd.Series, keys: pd.Series) -> pd.Series:
    """Masked names: an insurer's own row by its id, everything else as its kind and the head of its own digest."""
    own = kinds.isin(["claim", "policy", "event", "product"]) & (ids.str.rfind(":") >= 0)
    code = ids.str.extract(r"([0-9a-f]{8,})$")[0].str[:6].str.upper()
    hidden = code.where(code.notna(), keys.map(lambda k: digest(k)[:6].upper()))
    return kinds + " " + ids.where(own, hidden)


def first_keys(given: Given) -> pd.Series:
    """Earliest source key by entity id."""
    known = frame(given, "entities", ("entity_id", "first_key")).dropna()
    return known.drop_duplicates("entity_id").set_index("entity_id")["first_key"].astype(object)


def first_seen(table: pd.DataFrame, ledger: pd.DataFrame | None, as_of: pd.Timestamp) -> pd.Series:
    """When each lead was first published: from the ledger (lead_id, first_seen), else tonight."""
    if ledger is None or ledger.empty:
        return pd.Series(as_of, index=table.index)
    known = pd.to_datetime(ledger.set_index("lead_id")["first_seen"]).groupby(level=0).min()
    return table["lead_id"].map(known).fillna(as_of)


def _best(table: pd.DataFrame) -> pd.DataFrame:
    ordered = table.sort_values(["score", "subject_kind", "subject_id", "scheme"], ascending=[False, True, True, True])
    return ordered.groupby("subject_kind", sort=False).head(KEPT)


def _strongest(reasons: pd.DataFrame) -> pd.DataFrame:
    """Code and severity of the reason with most points, what was learnt after all others; its document is obtained first."""
    ordered = reasons.assign(late=reasons["kind"] == "learnt").sort_values(
        [*SUBJECT, "story", "late", "points", "code"], ascending=[True, True, True, True, False, True]
    )
    top = ordered.drop_duplicates([*SUBJECT, "story"])[[*SUBJECT, "story", "code", "severity", "kind", "subjects"]]
    top = top.assign(first_document=top["code"].where(top["kind"] == "flag", "anomaly"))
    return top.drop(columns=["code", "kind"]).rename(columns={"story": "scheme"})


def _routed(table: pd.DataFrame) -> pd.DataFrame:
    family = table["scheme"].map(SCHEMES).fillna("claim")
    route = family.map(ROUTES)
    grave = (family == "claim") & (table["severity"] == "high") & (table["probability"] >= POLICE)
    small = (family == "conduct") & (table["severity"] != "high")
    return table.assign(family_route=family, route=route.mask(grave, "police").mask(small, "insurer"))
