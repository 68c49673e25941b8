"""How one accident is told by each who reports it: a time that was rounded, the place in other words, the police's number or none."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.simulate.columns import NONE, Ints
from pipelines.simulate.filing import hours

ERROR_RATES = {
    "time_missing": 0.03, "time_missing_stay": 0.2, "place_missing": 0.15, "place_missing_accident": 0.4, "place_missing_other": 0.88,
    "place_road_only": 0.15, "police_missing": 0.12, "police_missing_stay": 0.5, "police_mistyped": 0.02, "vin_missing_third": 0.7,
    "plate_mistyped_third": 0.01,
}  # fmt: skip
"""Published error rates of reports: a date without a time, no place (motor, accident, other claims), a road without a number, no police
report number though there is one, one wrong digit in it; of another insurer's cars no VIN, or a wrong plate."""
ROUNDED = {60: 0.25, 900: 0.3, 1800: 0.25, 3600: 0.2}
"""Shares of reports whose time is rounded to so many seconds."""
RECALL_HOURS = 0.12
"""Standard deviation of a time told, before it is rounded."""
FORMS, DISTRICTS = 5, 38
"""Ways of writing a place, the last of which names the road alone; districts that a place may be in."""


def times(rng: np.random.Generator, true: Any, reported: Any, missing: float) -> Any:
    """When reports say it happened: never after they were made; midnight sharp where they state a date without a time."""
    n = len(true)
    step = rng.choice(list(ROUNDED), n, p=list(ROUNDED.values()))
    second = (true + hours(rng.normal(0, RECALL_HOURS, n))).astype("datetime64[s]").astype("int64")
    told = np.minimum((np.round(second / step) * step).astype("int64").astype("datetime64[s]"), reported)
    told = np.where(told.astype("datetime64[D]") == true.astype("datetime64[D]"), told, true)
    return np.where(rng.random(n) < missing, told.astype("datetime64[D]").astype("datetime64[s]"), told)


def places(rng: np.random.Generator, place: Ints, district: Ints, missing: Any) -> Ints:
    """Where reports say it happened: a place of a district in one of the ``FORMS``, as one number that ``render`` writes out."""
    form = np.where(rng.random(len(place)) < ERROR_RATES["place_road_only"], FORMS - 1, rng.integers(0, FORMS - 1, len(place)))
    known = (place >= 0) & (rng.random(len(place)) >= missing)
    return np.where(known, (place * DISTRICTS + district) * FORMS + form, NONE)


def police(rng: np.random.Generator, number: Ints, missing: float) -> Ints:
    """The police's number as reports state it."""
    n = len(number)
    mistyped = rng.random(n) < ERROR_RATES["police_mistyped"]
    power = 10 ** rng.integers(0, 8, n)
    wrong = number + (np.where(number // power % 10 < 9, 1, -9)) * power
    return np.where((number >= 0) & (rng.random(n) >= missing), np.where(mistyped, wrong, number), NONE)


def shared(event: Ints, values: Any) -> Any:
    """What claims of one true event have in common: all get the value of the first of them."""
    _, first, place = np.unique(event, return_index=True, return_inverse=True)
    return values[first[place]]
