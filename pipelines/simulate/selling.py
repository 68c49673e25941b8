"""Who honestly holds what: policies of people, families, employers and farmers, renewed year after year."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipelines.simulate import losses, policies, vehicles, world
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints

PER_CLAIM = {
    "health": 0.44, "accident": 0.31, "critical_illness": 0.07, "life": 0.08, "annuity": 0.015, "endowment": 0.02, "universal_life": 0.015,
    "motor": 0.78, "employer_liability": 0.035, "agriculture": 0.055, "cargo": 0.03, "return_shipping": 0.13, "flight_delay": 0.07,
}  # fmt: skip
"""Policies sold for each claim of the book: about two in all."""
ANNUAL = ("health", "accident", "employer_liability", "agriculture")
TERMS = (0.45, 0.3, 0.17, 0.08)
"""Shares of covers that last one to four years."""
FIRST_CHOICE = 0.8
GROUP = 0.14
INCLUSIVE = 0.07
"""Shares: with the person's usual insurer; bought by the employer for its people; the city's co-insured inclusive health cover."""
NAMED_BENEFICIARY = 0.35


def sell(book: BookBuilder) -> dict[str, pd.DataFrame]:
    """Sell honest policies of all lines.

    Returns
    -------
    dict of str to DataFrame
        By line: policy, person, insurer, starts, ends; for motor also vehicle and second (the commercial cover beside the compulsory one).
    """
    rng = book.rng("selling")
    sold = {line: _line(book, rng, line, int(book.claims * share)) for line, share in PER_CLAIM.items() if line != "motor"}
    sold["motor"] = _motor(book, rng, int(book.claims * PER_CLAIM["motor"] / 2))
    return sold


def _line(book: BookBuilder, rng: np.random.Generator, line: str, target: int) -> pd.DataFrame:
    years = rng.choice(4, max(target, 8), p=TERMS) + 1 if line in ANNUAL else np.ones(target, dtype="int64")
    n = int(np.searchsorted(np.cumsum(years), target)) + 1
    spec = _buyers(book, rng, line, n)
    return _renewed(book, rng, line, spec, years[:n])


def _buyers(book: BookBuilder, rng: np.random.Generator, line: str, n: int) -> pd.DataFrame:
    actors = book.actors
    if line == "employer_liability":
        holder = world.local(book, "employer").pick(rng, world.districts(rng, n))
        return _spec(book, rng, holder, holder, rng.integers(0, len(book.insurers), n))
    insured = rng.choice(_insurable(book, line), n)
    other = losses.relative(book, insured)
    child = (book.end - actors["birth"][insured]).astype(int) < 18 * 365
    holder = np.where(child | (rng.random(n) < 0.22), other, insured)
    first = np.where(rng.random(n) < FIRST_CHOICE, actors["insurer"][holder], rng.integers(0, len(book.insurers), n))
    spec = _spec(book, rng, holder, insured, first)
    if line in ("health", "accident"):
        spec = _employed(book, rng, spec)
    if line == "health":
        spec["co_insurance"] = np.where((rng.random(n) < INCLUSIVE) & (spec["group"] < 0), 1 + spec["insurer"] * 0, NONE)
    if line == "life":
        spec["beneficiary"] = np.where(rng.random(n) < NAMED_BENEFICIARY, losses.relative(book, insured), NONE)
    return spec


def _insurable(book: BookBuilder, line: str) -> Ints:
    low, high = {"health": (0, 76), "accident": (3, 80)}.get(line, (20, 62))
    who = book.of_kind("person")
    age = (book.end - book.actors["birth"][who]).astype(int) / 365.25
    fits = (age >= low) & (age < high)
    if line == "agriculture":
        fits &= ~world.URBAN[book.actors["district"][who]]
    return who[fits]


def _spec(book: BookBuilder, rng: np.random.Generator, holder: Ints, insured: Ints, insurer: Ints) -> pd.DataFrame:
    starts = policies.random_days(book, rng, len(holder))
    return pd.DataFrame({"insurer": insurer.astype("int64"), "holder": holder, "insured": insured, "starts": starts, "group": NONE})


def _employed(book: BookBuilder, rng: np.random.Generator, spec: pd.DataFrame) -> pd.DataFrame:
    """Group covers: the employer holds them, one insurer and one group number for each employer, all starting on one day a year."""
    employer = book.actors["employer"][spec["insured"]]
    grouped = (employer >= 0) & (rng.random(len(spec)) < GROUP / 0.3)
    insurer = np.where(grouped, employer % len(book.insurers), spec["insurer"])
    boss, at = np.unique(employer[grouped], return_inverse=True)
    group = np.full(len(spec), NONE)
    group[grouped] = book.new_ids("group", boss % len(book.insurers))[at] if len(boss) else NONE
    first = (
        book.start - 365 + (employer * 37 % 365).astype("timedelta64[D]") + (rng.integers(0, 4, len(spec)) * 365).astype("timedelta64[D]")
    )
    starts = np.where(grouped, np.minimum(first, book.end - 15), spec["starts"].to_numpy().astype("datetime64[D]"))
    return spec.assign(insurer=insurer, holder=np.where(grouped, employer, spec["holder"]), group=group, starts=starts)


def _renewed(book: BookBuilder, rng: np.random.Generator, line: str, spec: pd.DataFrame, years: Ints) -> pd.DataFrame:
    """Issue the covers, then their renewals a year later as long as they last and the period does."""
    made, previous = [], np.full(len(spec), NONE)
    for year in range(int(years.max())):
        going = (years > year) & (spec["starts"].to_numpy().astype("datetime64[D]") <= book.end)
        spec, years, previous = spec[going], years[going], previous[going]
        ids = policies.issue(book, line, spec.assign(renewal_of=previous))
        made.append(sold(book, ids))
        agent = book.cover(ids, "agent")["agent"]
        spec = spec.assign(starts=spec["starts"] + np.timedelta64(365, "D"), agent=np.where(rng.random(len(ids)) < 0.93, agent, NONE))
        previous = ids
    return pd.concat(made, ignore_index=True)


def sold(book: BookBuilder, ids: Ints) -> pd.DataFrame:
    """Policies as claims want them: policy, person, insurer, starts, ends."""
    cover = book.cover(ids, "insured", "starts", "ends")
    return pd.DataFrame(
        {"policy": ids, "person": cover["insured"], "insurer": ids // 1_000_000_000, "starts": cover["starts"], "ends": cover["ends"]}
    )


def _motor(book: BookBuilder, rng: np.random.Generator, target: int) -> pd.DataFrame:
    years = rng.choice(4, max(target, 8), p=(0.25, 0.3, 0.27, 0.18)) + 1
    n = int(np.searchsorted(np.cumsum(years), target)) + 1
    owner = rng.choice(_insurable(book, "motor"), n)
    insurer = np.where(rng.random(n) < FIRST_CHOICE, book.actors["insurer"][owner], rng.integers(0, len(book.insurers), n))
    spec = _spec(book, rng, owner, owner, insurer).assign(vehicle=vehicles.register(book, owner, insurer))
    made, years, both = [], years[:n], (np.full(n, NONE), np.full(n, NONE))
    for year in range(4):
        going = (years > year) & (spec["starts"].to_numpy().astype("datetime64[D]") <= book.end)
        spec, years, both = spec[going], years[going], (both[0][going], both[1][going])
        both = _pair(book, rng, spec.drop(columns="vehicle"), both)
        made.append(sold(book, both[0]).assign(second=both[1], vehicle=spec["vehicle"].to_numpy()))
        spec = spec.assign(starts=spec["starts"] + np.timedelta64(365, "D"))
    return pd.concat(made, ignore_index=True)


def _pair(book: BookBuilder, rng: np.random.Generator, spec: pd.DataFrame, before: tuple[Ints, Ints]) -> tuple[Ints, Ints]:
    """Compulsory and commercial cover of one car for a year; one in ten has the compulsory one only."""
    first = policies.issue(
        book, "motor", spec.assign(product="compulsory", compulsory=1, premium=950.0, sum_insured=200_000.0, renewal_of=before[0])
    )
    second = np.full(len(spec), NONE)
    has = rng.random(len(spec)) < 0.9
    chosen: dict[str, Any] = {"product": "commercial", "compulsory": 0, "renewal_of": before[1][has]}
    second[has] = policies.issue(book, "motor", spec[has].assign(agent=book.cover(first, "agent")["agent"][has], **chosen))
    return first, second
