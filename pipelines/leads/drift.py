"""What is watched for drift: one figure a night from the claims that are new, and every new verdict."""

from __future__ import annotations

from datetime import date
from typing import Any, NamedTuple

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from models.drift import BETS, HISTORY, PARTS, capital_of, drawn, rate_within, watched
from pipelines.leads.inputs import Given, collected, relation
from pipelines.leads.learning import TRAINS

LEAST_CLAIMS = 20
"""A night with fewer new claims is not observed: its means would be noise."""
KEYS = frozenset({"subject_kind", "subject_id", "as_of", "line"})
VERDICTS = ["seq", "subject_kind", "subject_id", "opened_at", "night", "proven"]
RECENT = 7
"""Nights that are called recent when it is said which way a figure went."""


class Watch(NamedTuple):
    """Tonight, the level of all alarms together, and the first night that counts."""

    night: date
    level: float
    restart: str


def run(given: Given, before: Given, watch: Watch) -> dict[str, pd.DataFrame]:
    """The state of the watch after tonight.

    Parameters
    ----------
    given : mapping of str to table
        Tonight's ``features_claim``, ``findings``, ``flags``, ``leads``, ``scores``, ``outcomes``.
    before : mapping of str to table
        ``features_claim`` and this stage's tables of the night before; empty on a first night, when no claim is new.
    watch : Watch

    Returns
    -------
    dict of str to DataFrame
        ``drift_state``, ``drift_history``, ``drift_verdicts``. The same night from the same state is the same again, so a night that is
        repeated counts once. Cost: linear in tonight's claims × features, and streams × nights.
    """
    night = watch.night.isoformat()
    past = {name: known for name in ("drift_state", "drift_history", "drift_verdicts") if (known := _read(before, name)) is not None}
    history = past.get("drift_history", pd.DataFrame(columns=HISTORY))
    history = history[history["night"] >= watch.restart]
    state = past.get("drift_state") if len(history) else None
    tonight = observed(given, before).assign(night=night)
    return {
        "drift_state": watched(state, history, tonight, watch.level).round({"capital": 9, "peak": 9, **dict.fromkeys(BETS, 9)}),
        "drift_history": pd.concat([history, tonight[HISTORY]], ignore_index=True).sort_values(["stream", "night"], ignore_index=True),
        "drift_verdicts": _verdicts(given, past.get("drift_verdicts"), watch),
    }


def observed(given: Given, before: Given) -> pd.DataFrame:
    """stream, part, value of a night: means over the claims that the night before did not have."""
    fresh = _new_claims(given, before)
    if fresh is None or len(ids := collected(fresh.select("subject_id"))) < LEAST_CLAIMS:
        return pd.DataFrame({"stream": pd.Series(dtype=str), "part": pd.Series(dtype=str), "value": pd.Series(dtype=float)})
    values = {**_features(fresh), **_fired(given, ids), **_scores(given, ids)}
    rows = [(stream, stream.split(":")[0], value) for stream, value in sorted(values.items()) if np.isfinite(value)]
    found = pd.DataFrame(rows, columns=["stream", "part", "value"])
    return found.round({"value": 9})


def told(tables: dict[str, pd.DataFrame], watch: Watch) -> dict[str, Any]:
    """What the manifest, the report and the operator are told: alarms, how much was watched, the rate of proven verdicts.

    Returns
    -------
    dict
        level, nights (observed), streams, capital (the greatest); alarms: part, name, since, capital, way (``up`` or ``down``);
        verdicts: n, rate, low, high (a confidence sequence: it holds on all nights at once), capital, since.
    """
    state, history = tables["drift_state"], tables["drift_history"]
    rung = state[state["since"].notna()]
    alarms = [_alarm(row, history) for row in rung.to_dict("records")]
    verdicts = _judged(tables["drift_verdicts"], watch)
    if verdicts["since"]:
        alarms.append({"part": "verdict", "name": "", "since": verdicts["since"], "capital": verdicts["capital"], "way": verdicts["way"]})
    return {
        "level": watch.level,
        "nights": int(history["night"].nunique()),
        "streams": len(state),
        "capital": round(float(state["capital"].max()), 3) if len(state) else 1.0,
        "alarms": sorted(alarms, key=lambda a: (a["since"], a["part"], a["name"])),
        "verdicts": verdicts,
    }


def _alarm(row: Any, history: pd.DataFrame) -> dict[str, Any]:
    own = history.loc[history["stream"] == row["stream"]].sort_values("night")["value"]
    part, name = row["stream"].split(":", 1)
    way = "up" if own.tail(RECENT).mean() >= own.head(-RECENT).mean() else "down"
    return {"part": part, "name": name, "since": row["since"], "capital": round(row["peak"], 1), "way": way}


def _judged(rows: pd.DataFrame, watch: Watch) -> dict[str, Any]:
    own = rows[rows["night"] >= watch.restart].sort_values("seq")
    proven = own["proven"].to_numpy(dtype=float)
    draws = np.array([drawn("verdict", *key) for key in zip(own["subject_kind"], own["subject_id"], own["opened_at"], strict=True)])
    capital = capital_of(proven, draws)
    over = np.flatnonzero(capital * watch.level / len(PARTS) >= 1.0)
    low, high = rate_within(proven, watch.level)
    since = str(own["night"].iloc[over[0]]) if len(over) else None
    late = proven[over[0] :].mean() if len(over) else 0.0
    return {
        "n": len(own), "rate": round(float(proven.mean()), 4) if len(own) else None,
        "low": None if np.isnan(low) else low, "high": None if np.isnan(high) else high,
        "capital": round(float(capital.max()), 1) if len(own) else 1.0, "since": since,
        "way": "up" if len(over) and late >= proven[: over[0]].mean() else "down",
    }  # fmt: skip


def _read(before: Given, name: str) -> pd.DataFrame | None:
    table = relation(before, name)
    return None if table is None else collected(table)


def _new_claims(given: Given, before: Given) -> ir.Table | None:
    now, then = relation(given, "features_claim"), relation(before, "features_claim")
    if now is None or then is None:
        return None
    return now.filter(now.subject_kind == "claim").anti_join(then, "subject_id")


def _features(fresh: ir.Table) -> dict[str, float]:
    """Of every feature the mean of asinh, which tames large sums, and how often it is missing."""
    names = [c for c in fresh.columns if c not in KEYS and fresh[c].type().is_numeric()]
    rows = collected(fresh.select(*names)).astype("float64")
    means, gaps = np.arcsinh(rows).mean(), rows.isna().mean()
    return {f"feature:{n}": float(means[n]) for n in names} | {f"feature:{n} ?": float(gaps[n]) for n in names}


def _fired(given: Given, ids: pd.DataFrame) -> dict[str, float]:
    """Of every red flag of claims the share of new claims on which it fires."""
    found, cards = relation(given, "findings"), relation(given, "flags")
    if found is None or cards is None:
        return {}
    codes = collected(cards.filter(cards.grain == "claim").select("code"))["code"]
    fresh = ibis.memtable(ids.astype("string"))
    rows = found.filter(found.subject_kind == "claim").semi_join(fresh, "subject_id").select("code", "subject_id").distinct()
    counts = collected(rows.group_by("code").agg(n=rows.count())).set_index("code")["n"]
    return {f"flag:{code}": float(counts.get(code, 0)) / len(ids) for code in codes}


def _scores(given: Given, ids: pd.DataFrame) -> dict[str, float]:
    """How suspicious new claims are: on average, how many become leads, and with how many points."""
    scores, leads = _read(given, "scores"), _read(given, "leads")
    values: dict[str, float] = {}
    if scores is not None and len(own := scores[(scores["subject_kind"] == "claim") & scores["subject_id"].isin(ids["subject_id"])]):
        values["score:suspicion"] = float(own["suspicion"].mean())
    if leads is not None:
        made = leads[(leads["subject_kind"] == "claim") & leads["subject_id"].isin(ids["subject_id"])]
        values |= {"score:leads": made["subject_id"].nunique() / len(ids), "score:points": float(made["score"].sum()) / len(ids)}
    return values


def _verdicts(given: Given, before: pd.DataFrame | None, watch: Watch) -> pd.DataFrame:
    """Verdicts in the order in which nights came to know them; each counts once, those of exploration not at all.

    Those that one night comes to know follow each other by lot: a first night knows years of them, and how their rate went before anything
    was watched is no news; honest claims may also be cleared sooner than fraud is proven.
    """
    counted = pd.DataFrame(columns=VERDICTS) if before is None else before
    table = relation(given, "outcomes")
    if table is None:
        return counted
    known = table.filter(table.verdict.isin(list(TRAINS)) & (table.decided_at < ibis.literal(watch.night).cast("timestamp")))
    known = known.filter((known.selected_by != "explore").fill_null(True))
    rows = collected(known.select("subject_kind", "subject_id", "decided_at", "verdict", opened_at=known.opened_at.cast("string")))
    keys = ["subject_kind", "subject_id", "opened_at"]
    fresh = rows.sort_values(["decided_at", *keys]).drop_duplicates(keys).merge(counted[keys].assign(old=True), on=keys, how="left")
    fresh = fresh[fresh["old"].isna()].assign(night=watch.night.isoformat(), proven=lambda t: t["verdict"].map(TRAINS))
    fresh = fresh.assign(lot=[drawn("order", *key) for key in zip(*(fresh[k] for k in keys), strict=True)]).sort_values("lot")
    fresh["seq"] = np.arange(len(fresh)) + len(counted)
    return pd.concat([p for p in (counted, fresh[VERDICTS]) if len(p)] or [counted], ignore_index=True)
