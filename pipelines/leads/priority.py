"""Priority: what an hour of an investigator is expected to save, and a list that no single kind or scheme can fill."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.config import Capacity, Priority
from pipelines.ids import digest

DEFAULT_CAP = 500_000.0
"""CNY a case may count for at most, where the configuration sets no cap for its line."""
FLOOR = 1_000.0
"""CNY that a case without known money (conduct, party-level sources) counts for."""
URGENT = 1.25
"""An open claim inside its statutory term comes before an equal one that is paid."""
REPEAT = 0.94
"""What each further case of one scheme is worth against the one before it: variety teaches more than the tenth of a kind."""
HOURS_POWER = 0.25


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
    money = saved.clip(lower=FLOOR).where(saved < cap, cap)
    value = cases["probability"] * money**settings.shrink / cases["hours"] ** HOURS_POWER
    due = pd.to_datetime(cases["deadline"])
    urgent = due.between(as_of, as_of + pd.Timedelta(days=settings.decision_days))
    pressing: pd.Series = value.where(~urgent, value * URGENT).round(6)
    return pressing


def rank(cases: pd.DataFrame, capacity: Capacity) -> pd.DataFrame:
    """The cases in the order they should be worked, with ``rank``, ``listed`` and ``explore``.

    Parameters
    ----------
    cases : DataFrame
        case_id, scheme, subject_kind, priority, deadline.
    capacity : Capacity
        Slots and shares.

    Returns
    -------
    DataFrame
        Sorted by rank from 1.
    """
    first = _ordered(cases, cases["priority"])
    varied = first["priority"] * REPEAT ** first.groupby("scheme").cumcount()
    second = _ordered(first, varied)
    slot = second.groupby("subject_kind").cumcount() + 1
    share = np.where(second["subject_kind"] == "hospital", capacity.hospital_share, capacity.grain_share)
    natural = np.arange(1, len(second) + 1)
    place = np.maximum(natural, slot.to_numpy() / share - 1)
    third = (
        second.assign(place=place, natural=natural).sort_values(["place", "natural"], ignore_index=True).drop(columns=["place", "natural"])
    )
    return _explored(third, capacity)


def _ordered(cases: pd.DataFrame, by: pd.Series) -> pd.DataFrame:
    keyed = cases.assign(key=by.round(6))
    return keyed.sort_values(["key", "deadline", "case_id"], ascending=[False, True, True], na_position="last", ignore_index=True).drop(
        columns="key"
    )


def _explored(cases: pd.DataFrame, capacity: Capacity) -> pd.DataFrame:
    """The last few listed places go to cases drawn by their id from beyond the list, so that its blind spots are looked at."""
    places = min(int(capacity.explore_share * capacity.listed), max(0, len(cases) - capacity.listed))
    rest = cases.iloc[capacity.listed - places :]
    drawn = set(rest.assign(lot=[digest("explore", c) for c in rest["case_id"]]).nsmallest(places, "lot")["case_id"]) if places else set()
    explore = cases["case_id"].isin(drawn)
    plain = (~explore).cumsum() <= capacity.listed - places
    group = np.select([plain & ~explore, explore], [0, 1], 2)
    ordered = cases.assign(explore=explore, group=group).sort_values("group", kind="stable", ignore_index=True)
    listed = ordered["group"] < 2
    return ordered.drop(columns="group").assign(rank=np.arange(1, len(ordered) + 1), listed=listed)
