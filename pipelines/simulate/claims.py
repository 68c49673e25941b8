"""The honest claims of all lines, with everything red flags are wary of at the rate at which it happens innocently."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipelines.simulate import losses, motor, stays, world
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints

SHARES = {
    "life": 0.015, "stays": 0.47, "motor": 0.275, "critical_illness": 0.015, "employer_liability": 0.05, "agriculture": 0.04,
    "cargo": 0.02, "return_shipping": 0.08, "flight_delay": 0.035,
}  # fmt: skip
"""Shares of the target number of claims. A stay and a crash may be claimed on two covers; that is counted in."""
READMITTED, TRANSFERRED, TWICE_COVERED = 0.04, 0.03, 0.5
"""Of stays: back in the same hospital within 25 days, moved to another one, and, where there is another cover, claimed on it too."""
BOTH, COMPULSORY_ONLY = 0.5, 0.2
"""Shares of crashes claimed on both covers of the car, and on the compulsory one only."""
BOTH_SIDES = 0.06
"""Share of crashes in which the owner of the other car claims too, mostly from another insurer."""


def happen(book: BookBuilder, sold: dict[str, pd.DataFrame]) -> None:
    """Write the honest claims on the policies that ``selling.sell`` returned; deaths first, so that nobody is treated afterwards."""
    rng = book.rng("claims")
    for line in SHARES:
        n = int(book.claims * SHARES[line])
        if line == "stays":
            _stays(book, rng, pd.concat([sold["health"], sold["accident"]], ignore_index=True), int(n / 1.05))
        elif line == "motor":
            _crashes(book, rng, sold["motor"], int(n / (1 + BOTH)))
        else:
            _losses(book, rng, line, sold[line], n)


def _losses(book: BookBuilder, rng: np.random.Generator, line: str, held: pd.DataFrame, n: int) -> None:
    usable = held[(held["ends"] >= book.start) & (held["starts"] <= book.end - 20)]
    if line in ("life", "critical_illness"):
        usable = usable.drop_duplicates("person")
    once = usable.sample(n=min(n, len(usable)), random_state=rng)
    person = once["person"].to_numpy()
    if line == "employer_liability":
        person = _workers(book, rng, person)
    losses.claim(book, line, {"policy": once["policy"].to_numpy(), "person": person})


def _workers(book: BookBuilder, rng: np.random.Generator, employer: Ints) -> Ints:
    who = np.flatnonzero((book.actors["employer"] >= 0) & (book.actors["kind"] == 0))
    return world.Picker(who, book.actors["employer"][who], np.ones(len(who))).pick(rng, employer)


def _frail(rng: np.random.Generator, people: Any, spread: float) -> Any:
    """Weights by person: some fall ill or crash far more often than others, whatever they hold."""
    person, at = np.unique(people, return_inverse=True)
    return rng.lognormal(0, spread, len(person))[at]


def _drawn(rng: np.random.Generator, held: pd.DataFrame, n: int, spread: float) -> pd.DataFrame:
    weight = np.cumsum(_frail(rng, held["person"].to_numpy(), spread))
    rows = np.searchsorted(weight, rng.random(n) * weight[-1], side="right").clip(0, len(held) - 1)
    return pd.DataFrame(held.iloc[rows].reset_index(drop=True))


def _days(book: BookBuilder, rng: np.random.Generator, held: pd.DataFrame, stop: int) -> Any:
    """A day in force within the period, colder months a little more likely."""
    low = np.maximum(held["starts"].to_numpy().astype("datetime64[D]"), book.start)
    high = np.minimum(held["ends"].to_numpy().astype("datetime64[D]"), book.end - stop)
    first, again = (low + (rng.random(len(held)) * (high - low).astype(int)).astype("timedelta64[D]") for _ in range(2))
    month = first.astype("datetime64[M]").astype(int) % 12
    return np.where(np.isin(month, (5, 6, 7, 8)) & (rng.random(len(held)) < 0.2), again, first)


def _stays(book: BookBuilder, rng: np.random.Generator, held: pd.DataFrame, n: int) -> None:
    held = held[(held["ends"] > book.start) & (held["starts"] < book.end - 25)].sort_values(["person", "policy"], ignore_index=True)
    chosen = _drawn(rng, held.assign(row=held.index), n, 0.65)
    admitted = _days(book, rng, chosen, 22)
    columns = {"policy": chosen["policy"].to_numpy(), "person": chosen["person"].to_numpy(), "admitted": admitted}
    spec = stays.drawn(book, columns).assign(second=_other_cover(rng, held, chosen["row"].to_numpy(), admitted))
    spec = _apart(book, _followed(book, rng, spec))
    stays.claim(book, spec.assign(truth=book.new_events(len(spec))))


def _other_cover(rng: np.random.Generator, held: pd.DataFrame, row: Ints, day: Any) -> Ints:
    """Another policy of the same person in force on that day (the next one of the person's), for a share of stays."""
    beside = (row + 1) % len(held)
    other = held.iloc[beside]
    same = other["person"].to_numpy() == held["person"].to_numpy()[row]
    in_force = (other["starts"].to_numpy() <= day) & (other["ends"].to_numpy() >= day)
    return np.where(same & in_force & (rng.random(len(row)) < TWICE_COVERED), other["policy"].to_numpy(), NONE)


def _followed(book: BookBuilder, rng: np.random.Generator, spec: pd.DataFrame) -> pd.DataFrame:
    """Add readmissions to the same hospital and transfers to another, which may overlap by the day of moving."""
    left = spec["admitted"] + pd.to_timedelta(spec["days"], unit="D")
    back, moved = rng.random(len(spec)) < READMITTED, rng.random(len(spec)) < TRANSFERRED
    gap = pd.to_timedelta(rng.integers(3, 26, len(spec)), unit="D")
    again = spec.assign(admitted=left + gap, second=NONE, invoice=NONE, treated=np.nan)[back]
    district = book.actors["district"][spec["person"].to_numpy()]
    elsewhere = spec.assign(admitted=left, hospital=stays.hospital_for(book, rng, district), doctor=NONE, second=NONE, invoice=NONE)[moved]
    joined = pd.concat([spec, again, elsewhere], ignore_index=True)
    return pd.DataFrame(joined[joined["admitted"] < np.datetime64(book.end - 20)])


def _apart(book: BookBuilder, spec: pd.DataFrame) -> pd.DataFrame:
    """Drop stays that would begin before the person's stay before them ended, and those of the dead."""
    for _ in range(3):
        spec = spec.sort_values(["person", "admitted"], kind="stable", ignore_index=True)
        left = (spec["admitted"] + pd.to_timedelta(spec["days"], unit="D")).shift()
        spec = spec[(spec["person"] != spec["person"].shift()) | (spec["admitted"] >= left)]
    died = book.actors["deceased"][spec["person"].to_numpy()]
    alive = np.isnat(died) | (spec["admitted"] + pd.to_timedelta(spec["days"], unit="D") <= died)
    return pd.DataFrame(spec[alive].reset_index(drop=True))


def _crashes(book: BookBuilder, rng: np.random.Generator, held: pd.DataFrame, n: int) -> None:
    held = held[(held["ends"] > book.start) & (held["starts"] < book.end - 12)]
    chosen = _drawn(rng, held, n, 0.4)
    cover, alone = rng.random(n), chosen["second"].to_numpy() < 0
    first, second = chosen["policy"].to_numpy(), chosen["second"].to_numpy()
    only_first = alone | (cover < COMPULSORY_ONLY)
    policy = np.where(only_first | (cover < COMPULSORY_ONLY + BOTH), first, second)
    event = motor.moment(rng, _days(book, rng, chosen, 8))
    owner = chosen["person"].to_numpy()
    alive = ~(book.actors["deceased"][owner] < event)
    spec = {"policy": policy, "second": np.where(only_first | (policy == second), NONE, second), "owner": owner, "event": event}
    crashes = pd.DataFrame({**spec, "vehicle": chosen["vehicle"].to_numpy()})[alive].reset_index(drop=True)
    motor.claim(book, _both_sides(book, rng, held, crashes))


def _both_sides(book: BookBuilder, rng: np.random.Generator, held: pd.DataFrame, crashes: pd.DataFrame) -> pd.DataFrame:
    """Crashes, and for a share of them the claim of the other side: one event, with owner and third party the other way round."""
    other = held.iloc[rng.integers(0, len(held), len(crashes))].reset_index(drop=True)
    owner, day = crashes["owner"].to_numpy(), crashes["event"].to_numpy().astype("datetime64[D]")
    in_force = (other["starts"].to_numpy() <= day) & (day <= other["ends"].to_numpy()) & ~(book.actors["deceased"][other["person"]] < day)
    met = in_force & (rng.random(len(crashes)) < BOTH_SIDES / in_force.mean()) & (other["person"].to_numpy() != owner)
    facts = {
        "truth": book.new_events(len(crashes)), "driver": owner, "third": other["person"], "third_vehicle": other["vehicle"],
        "fault": rng.choice(motor.FAULTS, len(crashes), p=motor.FAULT_SHARES).astype(float), "district": book.actors["district"][owner],
    }  # fmt: skip
    one = crashes[met].assign(**{name: np.asarray(values)[met] for name, values in facts.items()})
    mirrored = {"owner": one["third"], "driver": one["third"], "vehicle": one["third_vehicle"], "third": one["owner"]}
    policy = np.where(other["second"] >= 0, other["second"], other["policy"])[met]
    two = one.assign(**mirrored, third_vehicle=one["vehicle"], policy=policy, second=NONE, fault=1 - one["fault"])
    missing = dict.fromkeys(("truth", "driver", "third", "third_vehicle", "district"), NONE)
    return pd.DataFrame(pd.concat([crashes[~met].assign(**missing, fault=np.nan), one, two], ignore_index=True))
