"""What happened, asked by people: why two claims are one event or not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from scipy.sparse import coo_array
from scipy.sparse.csgraph import breadth_first_order

from pipelines.report import events as words
from pipelines.report.events import EQUAL
from pipelines.report.messages import catalogue


def explain(stages: Path, a: str, b: str, language: str) -> list[str]:
    """Why two claims are one event, or not.

    Parameters
    ----------
    stages : Path
        Of a night.
    a, b : str
        Claim ids as in ``leads.csv``: insurer:id.
    language : str
        ``"zh"`` or ``"en"``.

    Returns
    -------
    list of str
        Lines for a person, without personal values; nothing if the night does not know both as claims, or knows them as parties.
    """
    parties = pd.read_parquet(stages / "staging" / "parties.parquet", columns=["party_id"], filters=[("party_id", "in", [a, b])])
    claims = pd.read_parquet(stages / "resolve" / "claims.parquet", filters=[("claim_id", "in", [a, b])]).set_index("claim_id")
    if len(parties) == 2 or len(claims) != 2:
        return []
    events = sorted(claims.event_id.unique())
    head = _say(language, "one" if len(events) == 1 else "two", a=a, b=b, events=", ".join(events))
    if len(events) == 2:
        return [head, *(f"  {line}" for line in _compared(stages, claims.loc[[a, b]], language))]
    links = pd.read_parquet(stages / "resolve" / "event_links.parquet", filters=[("event_id", "==", events[0])])
    return [head, *(f"  {line}" for step in _path(links, a, b) for line in _step(links, step, language))]


def _path(links: pd.DataFrame, a: str, b: str) -> Iterator[tuple[str, str]]:
    """The shortest way from one claim to another over joined pairs, as pairs."""
    names = sorted({*links.claim_l, *links.claim_r})
    place = {name: i for i, name in enumerate(names)}
    ends = (links.claim_l.map(place), links.claim_r.map(place))
    before = breadth_first_order(coo_array(([1] * len(links), ends), shape=(len(names),) * 2).tocsr(), place[b], directed=False)[1]
    here = a
    while here != b:
        there = names[before[place[here]]]
        yield here, there
        here = there


def _step(links: pd.DataFrame, step: tuple[str, str], language: str) -> Iterator[str]:
    found = links[links.claim_l.isin(step) & links.claim_r.isin(step)].sort_values("rule")
    for link in found.to_dict("records"):
        yield f"{step[0]} - {step[1]}: {words.why(link, catalogue())[language]}; {_facts(link, language)}"


def _facts(link: dict[Any, Any], language: str) -> str:
    return words.facts(link, catalogue())[language]


def _compared(stages: Path, claims: pd.DataFrame, language: str) -> list[str]:
    """What of two claims that no rule joined is equal or not."""
    ids = list(claims.index)
    roles = pd.read_parquet(stages / "resolve" / "claim_roles.parquet", filters=[("claim_id", "in", ids)])
    objects = pd.read_parquet(stages / "resolve" / "claim_objects.parquet", filters=[("claim_id", "in", ids)])
    sides = [{
        "police": set(claims.loc[[i]].police_report_no.dropna()), "admission": set(claims.loc[[i]].admitted_on.dropna()),
        "hospital": set(roles.entity_id[(roles.claim_id == i) & (roles.role == "hospital")].dropna()),
        "person": set(roles.entity_id[(roles.claim_id == i) & roles.role.isin(("insured", "claimant"))].dropna()),
        "vehicle": set(objects.object_entity[objects.claim_id == i].dropna()),
    } for i in ids]  # fmt: skip
    equal = {name: bool(sides[0][name] & sides[1][name]) if sides[0][name] and sides[1][name] else None for name in EQUAL}
    times = pd.to_datetime(claims.event_at)
    timed = (times != times.dt.normalize()).all() and times.notna().all()
    hours = round(abs(times.iloc[0] - times.iloc[1]).total_seconds() / 3600, 2) if timed else None
    days = abs(times.dt.normalize().iloc[0] - times.dt.normalize().iloc[1]).days
    return [_say(language, "unjoined"), _facts({"hours": hours, "days": days, **equal}, language)]


def _say(language: str, key: str, **given: object) -> str:
    """A word of the catalogue."""
    return catalogue().text("happened", key, **given)[language]
