"""The simulated region: districts, organisations with heavy-tailed sizes, and who is chosen where."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import Ints
from pipelines.simulate.records import ID_BASE

DISTRICTS = (
    "500101", "500102", "500103", "500104", "500105", "500106", "500107", "500108", "500109", "500110", "500111", "500112", "500113",
    "500114", "500115", "500116", "500117", "500118", "500119", "500120", "500151", "500152", "500153", "500154", "500155", "500156",
    "500229", "500230", "500231", "500233", "500235", "500236", "500237", "500238", "500240", "500241", "500242", "500243",
)  # fmt: skip
NAMES = (
    "万州", "涪陵", "渝中", "大渡口", "江北", "沙坪坝", "九龙坡", "南岸", "北碚", "綦江", "大足", "渝北", "巴南",
    "黔江", "长寿", "江津", "合川", "永川", "南川", "璧山", "铜梁", "潼南", "荣昌", "开州", "梁平", "武隆",
    "城口", "丰都", "垫江", "忠县", "云阳", "奉节", "巫山", "巫溪", "石柱", "秀山", "酉阳", "彭水",
)  # fmt: skip
POPULATION = np.array(
    [157, 112, 59, 42, 93, 148, 153, 120, 83, 101, 83, 219, 118, 49, 69, 136, 124, 115, 57, 76, 69, 69, 67, 120, 64, 36,
     20, 56, 65, 72, 93, 75, 46, 39, 39, 50, 61, 53]
)  # fmt: skip
"""Ten thousands of inhabitants, census of 2020, rounded; only the proportions matter."""
URBAN = np.isin(np.arange(38), (2, 3, 4, 5, 6, 7, 8, 11, 12))
LONE_HOSPITAL = (26, 33, 34)
"""Counties where one hospital treats everybody: its concentration is honest."""
SPECIALTIES = ("general", "tcm", "rehabilitation", "psychiatry", "elderly", "oncology", "orthopaedics")
HOSPITAL_LEVELS, GARAGE_LEVELS = ("clinic", "1", "2", "3"), ("repair", "4S")


class Picker:
    """Draws members of groups by weight, for many group keys at once.

    Parameters
    ----------
    members, keys : int array of one length
        Who belongs to which group.
    weights : float array
        How often a member is drawn within its group. A key without members draws from all.
    """

    def __init__(self, members: Ints, keys: Ints, weights: NDArray[Any]) -> None:
        order = np.argsort(keys, kind="stable")
        self.members, self._cumulative = members[order], np.cumsum(weights[order])
        self.keys, starts = np.unique(keys[order], return_index=True)
        total = np.concatenate([[0.0], self._cumulative])
        self._low, self._high = total[starts], total[np.append(starts[1:], len(members))]

    def pick(self, rng: np.random.Generator, keys: ArrayLike) -> Ints:
        """One member for every key."""
        key = np.atleast_1d(np.asarray(keys))
        place = np.minimum(np.searchsorted(self.keys, key), len(self.keys) - 1)
        found = self.keys[place] == key
        low, high = np.where(found, self._low[place], 0), np.where(found, self._high[place], self._cumulative[-1])
        at = np.searchsorted(self._cumulative, low + rng.random(len(key)) * (high - low), side="right")
        return np.asarray(self.members[np.minimum(at, len(self.members) - 1)])


def local(book: BookBuilder, kind: str) -> Picker:
    """Picker of a kind of organisation by district index, built at first use: later actors are never drawn by honest claims."""
    return _kept(book, kind, lambda who: book.actors["district"][who])


def agents(book: BookBuilder) -> Picker:
    """Picker of agents by ``insurer * 38 + district``."""
    return _kept(book, "agent", lambda who: book.actors["insurer"][who].astype("int64") * 38 + book.actors["district"][who])


def doctors(book: BookBuilder) -> Picker:
    """Picker of doctors by hospital actor."""
    return _kept(book, "doctor", lambda who: book.actors["parent"][who])


def assessors(book: BookBuilder) -> Picker:
    """Picker of an insurer's own loss assessors by ``insurer * 38 + district``."""
    return _kept(book, "assessor", lambda who: book.actors["insurer"][who].astype("int64") * 38 + book.actors["district"][who])


def agency_of(book: BookBuilder, agent: Ints) -> Ints:
    """Branch id (``insurer * ID_BASE + district + 1``) of agents; the insurer's branch of the agent's district."""
    return np.asarray(book.actors["insurer"][agent].astype("int64") * ID_BASE + book.actors["district"][agent] + 1)


def build(book: BookBuilder) -> None:
    """Add all organisations; people come afterwards, agents and doctors are made of people in ``people.populate``."""
    rng, n = book.rng("world"), book.claims
    _hospitals(book, rng, 110 + min(n // 15_000, 1400))
    _spread(book, rng, "garage", 114 + n // 4000, level=(0, 0, 0, 1))
    _spread(book, rng, "employer", 60 + n // 120, level=(-1,))
    _spread(book, rng, "shop", 30 + n // 400, level=(-1,))
    _spread(book, rng, "agency", 20 + n // 1500, level=(-1,))


def _kept(book: BookBuilder, kind: str, key: Callable[[Ints], Ints]) -> Picker:
    if kind not in book.pickers:
        who = book.of_kind(kind)
        book.pickers[kind] = Picker(who, np.asarray(key(who), dtype="int64"), book.actors["weight"][who])
    return book.pickers[kind]  # type: ignore[no-any-return]


def _hospitals(book: BookBuilder, rng: np.random.Generator, n: int) -> None:
    district = districts(rng, n - 38)
    district = np.concatenate([np.arange(38), district[~np.isin(district, LONE_HOSPITAL)]])
    level = np.concatenate([np.full(38, 2), rng.choice([1, 1, 2, 2, 3], len(district) - 38)])
    special = np.where(rng.random(len(district)) < 0.25, rng.integers(1, len(SPECIALTIES), len(district)), 0)
    special[:38] = 0
    beds = np.round(np.array([0, 60, 350, 1100])[level] * rng.lognormal(0, 0.35, len(district))).astype(int)
    _organisations(
        book, rng, "hospital", district, level=level, specialty=special, beds=beds, weight=beds * rng.pareto(1.6, len(district)) + beds / 4
    )
    clinics = np.repeat(np.flatnonzero(~np.isin(np.arange(38), LONE_HOSPITAL)), 2)
    village = clinics * 100 + rng.integers(0, 40, len(clinics))
    _organisations(
        book, rng, "hospital", clinics, village=village, level=0, specialty=0, beds=rng.integers(6, 20, len(clinics)), weight=60.0
    )


def _spread(book: BookBuilder, rng: np.random.Generator, kind: str, n: int, level: tuple[int, ...]) -> None:
    district = np.concatenate([np.arange(38), districts(rng, max(n - 38, 0))])
    _organisations(
        book, rng, kind, district, level=rng.choice(level, len(district)), weight=1 / (1 + rng.permutation(len(district))) ** 0.8
    )


def _organisations(book: BookBuilder, rng: np.random.Generator, kind: str, district: Ints, **columns: Any) -> Ints:
    n = len(district)
    opened = book.start - rng.integers(400, 9000, n).astype("timedelta64[D]")
    numbers = {name: book.new_numbers(name, n) for name in ("phone", "account", "address", "credit", "licence")}
    return book.add_actors(kind, n, district=district, name=rng.integers(0, 10**9, n), opened=opened, **numbers, **columns)


def districts(rng: np.random.Generator, n: int) -> Ints:
    """District indices in proportion to their inhabitants."""
    return rng.choice(38, n, p=POPULATION / POPULATION.sum())
