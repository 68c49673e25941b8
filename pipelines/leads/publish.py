"""The published tables: columns, order and rounding as readers import them."""

from __future__ import annotations

from datetime import date
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple, TypeAlias

import numpy as np
import pandas as pd

from models.fusion import probability
from pipelines.config import Settings
from pipelines.leads.assemble import first_seen
from pipelines.leads.cases import members
from pipelines.leads.company import companions, comrades
from pipelines.leads.evidence import COLUMNS as EVIDENCE
from pipelines.leads.evidence import claims_of
from pipelines.leads.explore import teachers
from pipelines.leads.held import histories
from pipelines.leads.inputs import Given, frame
from pipelines.leads.joins import EQUAL, joins
from pipelines.leads.money import stakes, totals, units
from pipelines.leads.places import places_of
from pipelines.leads.priority import expected_value, places_taken, rank
from pipelines.leads.records import records

LEADS = [
    "rank", "lead_id", "case_id", "run_key", "as_of", "subject_kind", "subject_id", "label", "scheme", "family_route", "route", "line",
    "score", "points_flags", "points_anomaly", "points_network", "points_learnt", "probability", "amount_open", "amount_paid",
    "preventable", "deadline", "insurers", "n_insurers", "hours", "priority", "first_document", "first_seen", "explore", "listed",
    "version",
]  # fmt: skip
REASONS = ["lead_id", "seq", "code", "kind", "value", "limit", "detail", "points", "peer"]
CASES = [
    "rank", "case_id", "lead_id", "scheme", "line", "n_leads", "n_claims", "score", "probability", "amount_open", "amount_paid", "insurers",
    "deadline", "priority", "route", "explore", "listed", "first_seen",
]  # fmt: skip
LEDGER = ["lead_id", "subject_kind", "subject_id", "scheme", "first_seen"]
MONEY = {"amount_open": 0.0, "amount_paid": 0.0, "insurers": "", "n_insurers": 0}
_NUMBERS = (
    "score", "points_flags", "points_anomaly", "points_network", "points_learnt", "probability", "amount_open", "amount_paid",
    "preventable", "hours", "priority", "value", "limit", "points", "amount", "suspicion", "odd", "share",
)  # fmt: skip
TYPES = {
    **dict.fromkeys(_NUMBERS, "float64"),
    **dict.fromkeys(("rank", "n_insurers", "n_leads", "n_claims", "seq", "records", "taken", "places", "waiting"), "int64"),
    **dict.fromkeys(("as_of", "deadline", "first_seen", "received_at", "at"), "datetime64[us]"),
    **dict.fromkeys(("explore", "listed"), "bool"),
    **dict.fromkeys(("hours", "expected"), "float64"),
    **dict.fromkeys(EQUAL, "boolean"),
    **dict.fromkeys(("source_row", "days", "families"), "Int64"),
}
"""Type by column name; everything else is text."""
DESK = "desk"
"""Route of what explores."""
SUPPORT = 0.5
"""What another subject's red flags add to a case, against the leading lead's own."""


class Night(NamedTuple):
    """Which night it is."""

    run_key: str
    as_of: date


Parts: TypeAlias = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, "pd.DataFrame | None"]


def published(given: Given, settings: Settings, night: Night, parts: Parts) -> dict[str, pd.DataFrame]:
    """Attach money, gather cases, rank, and cut every table to its published columns.

    Parameters
    ----------
    given : mapping of str to table
        The views.
    settings : Settings
        All settings.
    night : Night
        Which night.
    parts : (DataFrame, DataFrame, DataFrame, DataFrame or None)
        Leads, reasons with lead_id, evidence, ledger.
    """
    table, told, proof, ledger = parts
    as_of = pd.Timestamp(night.as_of)
    stake = stakes(given, proof, settings.priority.decision_days)
    table = _with_money(table, totals(proof, stake, "lead_id", as_of))
    table["first_seen"] = first_seen(table, ledger, as_of)
    company = (_people(given, proof), companions(given, table, proof), comrades(given, table))
    leading = members(table, units(proof).dropna(subset=["unit"])[["lead_id", "unit"]], company)
    table["leading"] = table["lead_id"].map(leading)
    case = table.set_index("lead_id")["leading"]
    places = places_of(given, proof.assign(case=proof["lead_id"].map(case)))
    led = _cases(table, told, proof, stake, as_of).join(places, on="lead_id").assign(grain=lambda t: _grains(given, t))
    cases = _at_desk(rank(_valued(led, settings, as_of), settings.capacity, teachers(given, table, told, as_of).choose))
    numbered = _numbered(table.assign(priority=_priority(table, settings, as_of)), cases)
    whole = numbered.assign(run_key=night.run_key, as_of=as_of, version=_version(numbered["models"]))
    made = {
        "leads": whole[LEADS],
        "lead_reasons": _reasons(told),
        "lead_evidence": proof[EVIDENCE],
        "lead_records": records(given, table),
        "lead_history": histories(table, given),
        "lead_events": joins(given, proof),
        "cases": cases[CASES],
        "case_members": _members(numbered),
        "ledger": _ledger(table, ledger),
        "slots": places_taken(cases, settings.capacity),
    }
    return {name: typed(frame) for name, frame in made.items()}


def typed(frame: pd.DataFrame) -> pd.DataFrame:
    """Every column with the type that its name promises, also where it holds nothing: an all-null column has no type of its own."""
    kinds = {c: TYPES.get(str(c), "string") for c in frame.columns}
    times = {c: pd.to_datetime(frame[c]).astype("datetime64[us]") for c, kind in kinds.items() if kind.startswith("datetime")}
    return frame.assign(**times).astype({c: kind for c, kind in kinds.items() if c not in times})


def _with_money(table: pd.DataFrame, money: pd.DataFrame) -> pd.DataFrame:
    joined = table.drop(columns="line", errors="ignore").join(money, on="lead_id").fillna(MONEY)
    joined["deadline"] = pd.to_datetime(joined["deadline"])
    return joined.assign(preventable=joined["amount_open"], n_claims=joined["n_claims"].fillna(0).astype("int64"))


def _people(given: Given, proof: pd.DataFrame) -> pd.DataFrame:
    """The insured persons of each lead's claims."""
    persons = claims_of(given, proof["claim_id"])[["claim_id", "person_id"]].dropna()
    joined = proof[["lead_id", "claim_id"]].dropna().drop_duplicates().merge(persons, on="claim_id")
    return joined.rename(columns={"person_id": "unit"})[["lead_id", "unit"]].drop_duplicates()


def _cases(table: pd.DataFrame, told: pd.DataFrame, proof: pd.DataFrame, stake: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """One row per case: the leading lead, with money counted once over all members and the other members' red flags as support."""
    case = table.set_index("lead_id")["leading"]
    money = totals(proof.assign(case=proof["lead_id"].map(case)), stake, "case", as_of)
    led = table[table["lead_id"] == table["leading"]].drop(columns=[*MONEY, "deadline", "n_claims", "line", "preventable", "first_seen"])
    grouped = table.groupby("leading")
    counted = grouped.agg(n_leads=("lead_id", "size"), first_seen=("first_seen", "min"))
    oldest = table.sort_values(["first_seen", "score", "lead_id"], ascending=[True, False, True]).drop_duplicates("leading")
    ids = oldest.set_index("leading")["lead_id"].rename("case_id")
    joined = _with_money(led, money.rename_axis("lead_id")).join(counted, on="lead_id").join(ids, on="lead_id")
    joined["score"] = (joined["score"] + joined["lead_id"].map(_support(told, case)).fillna(0.0)).round(6)
    return joined


def _grains(given: Given, cases: pd.DataFrame) -> pd.Series:
    """Whose slots a case takes: its subject's kind; a ring is worked through its organiser, be it a hospital or a phone."""
    known = frame(given, "rings", ("ring_id", "organiser_kind")).set_index("ring_id")["organiser_kind"]
    return cases["subject_kind"].where(cases["subject_kind"] != "ring", cases["subject_id"].map(known).fillna("ring"))


def _support(told: pd.DataFrame, case: pd.Series) -> pd.Series:
    """Points of red flags that only other members of the case carry, each code once, at ``SUPPORT``."""
    flags = told[told["kind"] == "flag"].assign(case=told["lead_id"].map(case))
    per_code = flags.groupby(["case", "code"], as_index=False)["points"].max()
    own = flags.loc[flags["lead_id"] == flags["case"], ["case", "code"]].drop_duplicates().assign(own=True)
    others = per_code.merge(own, on=["case", "code"], how="left")
    added: pd.Series = others[others["own"].isna()].groupby("case")["points"].sum() * SUPPORT
    return added


def _valued(cases: pd.DataFrame, settings: Settings, as_of: pd.Timestamp) -> pd.DataFrame:
    chance = probability(cases["score"], settings.priority.prior, cases["level"]).round(6)
    return cases.assign(probability=chance, priority=_priority(cases, settings, as_of))


def _priority(table: pd.DataFrame, settings: Settings, as_of: pd.Timestamp) -> pd.Series:
    """Expected value by the points alone: levels say how sure leads are, and where all are sure, money alone would tell them apart."""
    plain = probability(table["score"], settings.priority.prior).round(6)
    return expected_value(table.assign(probability=plain), settings.priority, as_of)


def _at_desk(rows: pd.DataFrame) -> pd.DataFrame:
    """What is looked at to learn goes to no door but the center's own desk."""
    return rows.assign(route=rows["route"].mask(rows["explore"], DESK))


def _numbered(table: pd.DataFrame, cases: pd.DataFrame) -> pd.DataFrame:
    """Leads in the order of their case, the leading one first, then by score."""
    place = cases.set_index("lead_id")[["rank", "case_id", "explore", "listed"]].rename(columns={"rank": "case_rank"})
    joined = table.join(place, on="leading").assign(member=table["lead_id"] != table["leading"])
    ordered = _at_desk(joined).sort_values(
        ["case_rank", "member", "score", "lead_id"], ascending=[True, True, False, True], ignore_index=True
    )
    return ordered.assign(rank=np.arange(1, len(ordered) + 1))


def _members(numbered: pd.DataFrame) -> pd.DataFrame:
    role = np.where(numbered["member"], "member", "leading")
    return numbered.assign(role=role).sort_values(["case_id", "role", "lead_id"], ignore_index=True)[["case_id", "lead_id", "role"]]


def _reasons(told: pd.DataFrame) -> pd.DataFrame:
    ordered = told.sort_values(["lead_id", "points", "code"], ascending=[True, False, True], ignore_index=True)
    ordered["seq"] = ordered.groupby("lead_id").cumcount() + 1
    return ordered[REASONS].round({"points": 6, "value": 6, "limit": 6})


def _ledger(table: pd.DataFrame, ledger: pd.DataFrame | None) -> pd.DataFrame:
    """Everything ever published, and tonight's leads."""
    known = [ledger[LEDGER], table[LEDGER]] if ledger is not None and len(ledger) else [table[LEDGER]]
    both = pd.concat(known, ignore_index=True)
    both["first_seen"] = pd.to_datetime(both["first_seen"])
    # Stable: a lead that a merged subject carries on stays under the subject that it was first published on.
    return both.sort_values(["lead_id", "first_seen"], kind="stable").drop_duplicates("lead_id", ignore_index=True)


def _version(models: pd.Series) -> pd.Series:
    """Of the program, and after a plus of the models that a lead was scored with."""
    try:
        own = version("fraudleads")
    except PackageNotFoundError:
        own = "0"
    return (own + "+" + models).where(models != "", own)
