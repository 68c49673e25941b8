"""True persons: households with shared surnames, homes, phones and accounts; and the agents, doctors and staff among them."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.simulate import names, world
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints

PERSONS_PER_CLAIM = 0.9
HOUSEHOLD_SIZES = (1, 2, 2, 3, 3, 3, 4, 4, 5)
SHARED_PHONE, SHARED_ACCOUNT = 0.2, 0.2
"""Shares of spouses and parents who give a relative's phone or account: honest sharing must be common."""


def populate(book: BookBuilder) -> None:
    """Add the population, then agents (with agencies), doctors (with hospitals) and the insurers' and courts' experts."""
    rng = book.rng("people")
    _households(book, rng, int(book.claims * PERSONS_PER_CLAIM) + 400)
    _agents(book, rng)
    _doctors(book, rng)
    for index in range(len(book.insurers)):
        _experts(book, rng, "assessor", 12 + book.claims // 8000, insurer=index)
    for kind, n in (("appraiser", 24), ("lawyer", 60), ("proxy", 20)):
        _experts(book, rng, kind, n + book.claims // 30_000)


def draw(book: BookBuilder, stream: str, n: int, **columns: Any) -> Ints:
    """``n`` new persons of 20 to 65 years with their own household; ``columns`` of ``ACTOR_COLUMNS`` replace what is drawn."""
    rng = book.rng(stream)
    age = rng.integers(20, 65, n)
    district = np.broadcast_to(columns.pop("district", rng.choice(38, n)), n)
    home = {name: book.new_numbers(name, n) for name in ("household", "address", "phone", "account", "device")}
    drawn = {
        **_personal(book, rng, age, district, (400, 500)),
        **home,
        "name": names.draw(rng, n),
        "village": district * 100 + rng.integers(0, 40, n),
    }
    return book.add_actors("person", n, district=district, **{**drawn, **columns})


def adults(book: BookBuilder, low: int = 20, high: int = 60) -> Ints:
    """Persons of these ages at the end of the period."""
    who = book.of_kind("person")
    age = (book.end - book.actors["birth"][who]).astype(int) / 365.25
    return who[(age >= low) & (age < high)]


def _households(book: BookBuilder, rng: np.random.Generator, n: int) -> None:
    sizes = rng.choice(HOUSEHOLD_SIZES, n // 2)
    sizes = sizes[: int(np.searchsorted(np.cumsum(sizes), n)) + 1]
    house = np.repeat(np.arange(len(sizes)), sizes)
    place = np.arange(len(house)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    district = world.districts(rng, len(sizes))[house]
    village = district * 100 + (rng.beta(1, 2, len(sizes)) * 40).astype(int)[house]
    age = _ages(rng, sizes, house, place)
    surname = names.surname_of(names.draw(rng, len(sizes)))[house]
    own = names.surname_of(names.draw(rng, len(house)))
    name = names.draw(rng, len(house), np.where((place == 1) & (sizes[house] > 1), own, surname))
    shares = {"phone": SHARED_PHONE, "account": SHARED_ACCOUNT, "device": SHARED_ACCOUNT}
    shared = {k: _shared(rng, book.new_numbers(k, len(house)), share, place, age) for k, share in shares.items()}
    home = {k: book.new_numbers(k, len(sizes))[house] for k in ("household", "address")}
    people = _personal(book, rng, age, district)
    book.add_actors("person", len(house), district=district, village=village, name=name, **shared, **home, **people)


def _ages(rng: np.random.Generator, sizes: Ints, house: Ints, place: Ints) -> Ints:
    head = rng.triangular(22, 42, 84, len(sizes))[house]
    spread = rng.normal(0, 3.5, len(house))
    child, elder = head - 27 + spread, head + 26 + spread
    third = np.where((child < 0) | ((place == 4) & (elder < 92)), np.where(elder < 92, elder, head - 5), child)
    return np.asarray(np.clip(np.choose(np.minimum(place, 2), [head, head - 2 + spread, third]), 0, 95).astype(int))


def _shared(rng: np.random.Generator, own: Ints, share: float, place: Ints, age: Ints) -> Ints:
    head = np.arange(len(own)) - place
    with_head = (place > 0) & ((age < 16) | (rng.random(len(own)) < share * np.where(age > 62, 2, 1)))
    return np.where(with_head, own[head], own)


def _personal(book: BookBuilder, rng: np.random.Generator, age: Ints, district: Ints, slots: tuple[int, int] = (0, 400)) -> dict[str, Any]:
    n = len(age)
    birth = book.end - (age * 365.25 + rng.integers(0, 365, n)).astype("timedelta64[D]")
    gender = rng.integers(0, 2, n)
    region = np.where(rng.random(n) < 0.8, district, rng.choice(38, n))
    working = (age >= 20) & (age < 62)
    employer = np.where(working & (rng.random(n) < 0.5), world.local(book, "employer").pick(rng, district), NONE)
    income = np.where(age >= 18, np.round(rng.lognormal(11, 0.5, n) * np.where(world.URBAN[district], 1.3, 0.9), -2), np.nan)
    return {
        "birth": birth, "gender": gender, "region": region, "serial": _serials(rng, birth, gender, region, slots), "employer": employer,
        "income": income, "occupation": np.where(working, rng.choice(6, n, p=[0.3, 0.25, 0.2, 0.15, 0.07, 0.03]) + 1, -1),
        "insurer": _insurers(book, rng, n),
    }  # fmt: skip


def _insurers(book: BookBuilder, rng: np.random.Generator, n: int) -> Ints:
    share = 1 / (np.arange(len(book.insurers)) + 1.5)
    return rng.choice(len(book.insurers), n, p=share / share.sum())


def _serials(rng: np.random.Generator, birth: Any, gender: Ints, region: Ints, slots: tuple[int, int]) -> Ints:
    """Serial parts (odd = male), distinct within day of birth, region and gender, so that resident ids are unique.

    ``slots`` are the first and last of the 500 serials of a gender that may be given: those who come later have some of their own.
    """
    group = (birth.astype("int64") * 38 + region) * 2 + gender
    order = np.argsort(group, kind="stable")
    ranked = group[order]
    first = np.concatenate([[True], ranked[1:] != ranked[:-1]])[: len(group)]
    rank = np.arange(len(group)) - np.maximum.accumulate(np.where(first, np.arange(len(group)), 0))
    low, high = slots
    serial = np.empty(len(group), dtype="int64")
    offset = ranked % 389 if low == 0 else rng.integers(0, high - low, len(group))
    serial[order] = low + (rank * 37 + offset) % (high - low)
    return serial * 2 + gender


def _copied(book: BookBuilder, who: Ints) -> dict[str, Any]:
    kept = ("name", "birth", "gender", "serial", "region", "district", "village", "household", "phone", "account", "address", "device")
    return {name: book.actors[name][who] for name in kept}


def _agents(book: BookBuilder, rng: np.random.Generator) -> None:
    per_insurer = 40 + book.claims // 60 // len(book.insurers)
    who = rng.choice(adults(book, 22, 60), per_insurer * len(book.insurers), replace=False)
    n, ends = len(who), book.end + rng.integers(30, 1500, len(who)).astype("timedelta64[D]")
    agency = np.where(rng.random(n) < 0.35, world.local(book, "agency").pick(rng, book.actors["district"][who]), NONE)
    insurer = np.repeat(np.arange(len(book.insurers)), per_insurer)
    extra = {"licence": book.new_numbers("licence", n), "parent": agency, "insurer": insurer, "weight": rng.lognormal(0, 0.9, n)}
    opened = book.start - rng.integers(100, 4000, n).astype("timedelta64[D]")
    book.add_actors("agent", n, **_copied(book, who), private=who, licence_ends=ends, opened=opened, **extra)


def _doctors(book: BookBuilder, rng: np.random.Generator) -> None:
    hospitals = book.of_kind("hospital")
    number = np.maximum(2, book.actors["beds"][hospitals] // 40)
    hospital = np.repeat(hospitals, number)
    district, n = book.actors["district"][hospital], len(hospital)
    people = {"name": names.draw(rng, n), "phone": book.new_numbers("phone", n), "licence": book.new_numbers("licence", n)}
    book.add_actors("doctor", n, parent=hospital, district=district, weight=rng.lognormal(0, 0.8, n), **people)


def _experts(book: BookBuilder, rng: np.random.Generator, kind: str, n: int, insurer: int = -1) -> None:
    district = world.districts(rng, n)
    licence = {"licence": book.new_numbers("licence", n), "phone": book.new_numbers("phone", n), "weight": rng.lognormal(0, 0.7, n)}
    book.add_actors(kind, n, district=district, name=names.draw(rng, n), insurer=insurer, **licence)
