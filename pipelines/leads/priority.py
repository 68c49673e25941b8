"""Priority: what an hour of an investigator is expected to save, and a list that no single kind or scheme can fill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from typing import TypeAlias

import numpy as np
import pandas as pd

from pipelines.config import Capacity, Priority
from pipelines.ids import digest
from pipelines.leads.cases import GENERIC
from pipelines.leads.slots import Limits, of_line, of_region

Chooser: TypeAlias = Callable[[pd.DataFrame, int], list[str]]
"""Of the cases beyond the list, the case_id of so many to explore."""
DEFAULT_CAP = 500_000.0
"""CNY a case may count for at most, where the configuration sets no cap for its line."""
FLOOR = 1_000.0
"""CNY that any case counts for at least."""
URGENT = 1.25
"""An open claim inside its statutory term comes before an equal one that is paid."""
REPEAT = 0.8
"""What each further case of one scheme is worth against the one before it: variety teaches more than the tenth of a kind."""
NEAR = 0.5
"""What each further case of one scheme in one district is worth besides: often it is the same people's work, and seen with the first."""
SIGN = 0.15
"""What a case of a generic scheme is worth against a definite story: it still has to be found out what happened."""
RARITY = 0.5
"""Power of the number of subjects on which a case's strongest flag fires."""
HOURS_POWER = 0.1
SLOTS = ["kind", "name", "bound", "share", "taken", "places", "waiting"]


def expected_value(cases: pd.DataFrame, settings: Priority, as_of: pd.Timestamp) -> pd.Series:
    """Expected saving per hour, dampened.

    ``probability × min(preventable + recoverable share × paid, cap of the line) ** shrink / hours ** HOURS_POWER``: money counts, but
    a hospital's millions cannot bury ten precise small cases.

    Parameters
    ----------
    cases : DataFrame
        probability, preventable, amount_paid (CNY), line, hours, deadline.
    settings : Priority
        Caps, shares and days.
    as_of : Timestamp
        Tonight.

    Returns
    -------
    Series of float
    """
    cap = cases["line"].map(settings.caps).astype("float64").fillna(DEFAULT_CAP)
    saved = cases["preventable"] + settings.recoverable * cases["amount_paid"]
    # Unknown is not nothing: conduct and party-level cases, whose money no row states, count like the middle one.
    middle = saved[saved > 0].median() if (saved > 0).any() else FLOOR
    known = saved.where(saved > 0, middle)
    money = known.clip(lower=FLOOR).where(known < cap, cap)
    value = cases["probability"] * money**settings.shrink / cases["hours"] ** HOURS_POWER
    due = pd.to_datetime(cases["deadline"])
    urgent = due.between(as_of, as_of + pd.Timedelta(days=settings.decision_days))
    pressing: pd.Series = value.where(~urgent, value * URGENT).round(6)
    return pressing


def by_lot(cases: pd.DataFrame, places: int) -> list[str]:
    """Cases drawn by their id."""
    lots = pd.Series([digest("explore", c) for c in cases["case_id"]], index=cases["case_id"])
    drawn: list[str] = lots.sort_values().index[:places].tolist()
    return drawn


def rank(cases: pd.DataFrame, capacity: Capacity, choose: Chooser = by_lot) -> pd.DataFrame:
    """The cases in the order they should be worked, with ``rank``, ``listed`` and ``explore``.

    Parameters
    ----------
    cases : DataFrame
        case_id, scheme, grain (whose slots it takes: its subject's kind, a ring's organiser's), priority, deadline, subjects (on how many
        its strongest flag fires), place (a district or null), line.
    capacity : Capacity
        Slots and shares.
    choose : callable
        Which cases beyond the list are explored; :meth:`pipelines.leads.explore.Teachers.choose` of a night.

    Returns
    -------
    DataFrame
        Sorted by rank from 1.
    """
    first = _sorted(cases)
    chosen = _slots(first, capacity)
    rest = np.setdiff1d(np.arange(len(first)), chosen)
    return _explored(first.iloc[np.concatenate([chosen, rest])].reset_index(drop=True), capacity, choose)


def places_taken(ranked: pd.DataFrame, capacity: Capacity) -> pd.DataFrame:
    """How tonight's places went to the lines and regions whose share is bounded.

    Parameters
    ----------
    ranked : DataFrame
        What :func:`rank` returned.
    capacity : Capacity
        Slots and shares.

    Returns
    -------
    DataFrame
        A row for every bound: kind (line, region), name, bound (most, least), share, taken, places (all of tonight's), waiting (its cases
        that would be among tonight's, were there no bounds by line and region).
    """
    bounds = {
        ("line", "most"): capacity.lines, ("line", "least"): capacity.least_lines,
        ("region", "most"): capacity.regions, ("region", "least"): capacity.least_regions,
    }  # fmt: skip
    tonight = ranked["rank"] <= capacity.cases
    waits = ranked["case_id"].isin(_unbounded(ranked, capacity) if any(bounds.values()) else []) & ~tonight
    rows = []
    for (kind, bound), shares in bounds.items():
        of = (of_line if kind == "line" else of_region)(ranked, shares)
        taken, waiting = of[tonight].value_counts(), of[waits].value_counts()
        rows += [(kind, name, bound, share, taken.get(name, 0), tonight.sum(), waiting.get(name, 0)) for name, share in shares.items()]
    return pd.DataFrame(rows, columns=SLOTS)


def _unbounded(ranked: pd.DataFrame, capacity: Capacity) -> pd.Series:
    """The cases that would be worked tonight without bounds by line and region."""
    first = _sorted(ranked)
    free = replace(capacity, lines={}, least_lines={}, regions={}, least_regions={})
    return first["case_id"].iloc[_slots(first, free)[: capacity.cases]]


def _sorted(cases: pd.DataFrame) -> pd.DataFrame:
    return cases.sort_values(["priority", "deadline", "case_id"], ascending=[False, True, True], na_position="last", ignore_index=True)


def _slots(cases: pd.DataFrame, capacity: Capacity) -> np.ndarray:
    """Positions of the cases that fill the list, place by place: the best one that has a slot, repeats discounted.

    Only the head of each (grain, scheme, district, line if it is bounded) queue can be next, so a place costs a pass over the queues.
    """
    sites = cases["place"].where(cases["place"].notna(), cases["case_id"])
    lines = of_line(cases, {**capacity.lines, **capacity.least_lines}).fillna("")
    queues = list(cases.groupby([cases["grain"], cases["scheme"], sites, lines]).indices.values())
    heads, waiting = np.array([q[0] for q in queues], dtype=int), [iter(q[1:]) for q in queues]
    schemes, near = (keys.to_numpy(dtype=object)[heads] for keys in (cases["scheme"], sites))
    worth = _worth(cases).fillna(0.0).to_numpy(dtype="float64")
    value, repeated, crowded = worth[heads], np.ones(len(heads)), np.ones(len(heads))
    limits, places = Limits(cases, capacity, heads), min(capacity.listed, len(cases))
    of_scheme: Counter[str] = Counter()
    of_site: Counter[tuple[str, str]] = Counter()
    chosen: list[int] = []
    for place in range(1, places + 1):
        now, open_ = value * repeated * crowded, limits.open(heads < len(cases), place)
        best = open_[now[open_] == now[open_].max()]
        queue = best[heads[best].argmin()]
        scheme, site = schemes[queue], near[queue]
        chosen.append(int(heads[queue]))
        limits.take(chosen[-1])
        heads[queue] = next(waiting[queue], len(cases))
        value[queue] = worth[heads[queue]] if heads[queue] < len(cases) else 0.0
        of_scheme[scheme] += 1
        of_site[scheme, site] += 1
        repeated[schemes == scheme] = REPEAT ** of_scheme[scheme]
        crowded[(schemes == scheme) & (near == site)] = NEAR ** of_site[scheme, site]
    return np.array(chosen, dtype=int)


def _worth(cases: pd.DataFrame) -> pd.Series:
    """Priority, less for generic signs and for flags that fire everywhere: of equal ratios, the rarer list holds the surer cases."""
    definite = cases["priority"].where(~cases["scheme"].isin(GENERIC), cases["priority"] * SIGN)
    worth: pd.Series = definite / cases["subjects"].fillna(1).clip(lower=1) ** RARITY
    return worth


def _explored(cases: pd.DataFrame, capacity: Capacity, choose: Chooser) -> pd.DataFrame:
    """The last few listed places go to cases from beyond the list: its blind spots are looked at, at the desk alone."""
    places = min(int(capacity.explore_share * capacity.listed), max(0, len(cases) - capacity.listed))
    drawn = choose(cases.iloc[capacity.listed - places :], places) if places else []
    explore = cases["case_id"].isin(drawn)
    plain = (~explore).cumsum() <= capacity.listed - len(drawn)
    group = np.select([plain & ~explore, explore], [0, 1], 2)
    ordered = cases.assign(explore=explore, group=group).sort_values("group", kind="stable", ignore_index=True)
    listed = ordered["group"] < 2
    return ordered.drop(columns="group").assign(rank=np.arange(1, len(ordered) + 1), listed=listed)
