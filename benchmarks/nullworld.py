"""A world in which nobody is in league, and its claims.

Everything in a null book that is not chance is honest: people are treated and repaired near home, agents sell near home, families have
one agent, the chronically ill come back to one hospital, employers insure their people as groups, and few hospitals, doctors, agents and
garages have most of the claims. So each link that is found in it is false.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = dict[str, Ints]
NOBODY = -1
LINES = ("health", "accident", "motor")
LOCAL = 0.8
"""Share that is treated, repaired or crashes at home; of an agent's customers likewise."""
PER_DISTRICT = {"hospital": 12, "agent": 30, "garage": 10, "employer": 20, "appraiser": 4, "lawyer": 8, "proxy": 4, "hotline": 1}
DOCTORS = 6
"""Of a hospital."""
INSURERS, ASSESSORS = 3, 2
"""And assessors of an insurer in a district."""


@dataclass(frozen=True)
class Plan:
    """How a book is made.

    Attributes
    ----------
    claims : int
        Rows of ``claim_view``, about.
    seed : int
    planted : int
        Pairs of each kind that are in league.
    districts : int
        A third of them are so small that most strata are thin.
    """

    claims: int
    seed: int
    planted: int = 0
    districts: int = 38

    def per_district(self, kind: str) -> int:
        """Parties of a kind in a district: a book of a hundred times the claims has ten times the parties."""
        return round(PER_DISTRICT[kind] * max(1.0, (self.claims / 30_000) ** 0.5))


@dataclass
class World:
    """Persons and where the others are; claims refer to them by number."""

    rng: np.random.Generator
    plan: Plan
    people: Columns = field(default_factory=dict)
    weights: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def pick(self, kind: str, district: Ints) -> Ints:
        """Somebody of a kind in each district, by heavy-tailed weights."""
        by_district = self.weights[kind].reshape(self.plan.districts, -1).cumsum(axis=1)
        shares = by_district / by_district[:, -1:] + np.arange(self.plan.districts)[:, None]
        found = np.searchsorted(shares.ravel(), district + self.rng.random(len(district)), side="right")
        return np.minimum(found, shares.size - 1)

    def near(self, district: Ints) -> Ints:
        """Mostly the same districts."""
        elsewhere = self.rng.integers(0, self.plan.districts, len(district))
        return np.where(self.rng.random(len(district)) < LOCAL, district, elsewhere)


def world(plan: Plan) -> World:
    """Families in districts, each with its agent, and everybody else."""
    made = World(np.random.default_rng(plan.seed), plan)
    rng, families = made.rng, max(plan.claims // 4, 60)
    for kind in PER_DISTRICT:
        made.weights[kind] = rng.pareto(1.2, plan.per_district(kind) * plan.districts) + 0.1
    sizes = np.where(np.arange(plan.districts) % 3 == 0, 0.02, 1.0) * rng.lognormal(0, 0.7, plan.districts)
    district = rng.choice(plan.districts, families, p=sizes / sizes.sum())
    size = 1 + rng.binomial(4, 0.4, families)
    family = np.repeat(np.arange(families), size)
    home = district[family]
    employed = np.where(rng.random(len(home)) < 0.5, made.pick("employer", home), NOBODY)
    made.people = {
        "family": family, "home": home, "agent": made.pick("agent", made.near(district))[family],
        "employer": employed, "hospital": made.pick("hospital", made.near(home)), "chronic": (rng.random(len(home)) < 0.03).astype("int64"),
    }  # fmt: skip
    return made


def claims(made: World) -> Columns:
    """One row per claim, all parties as numbers; those who have no business in a line are nobody."""
    rng, people = made.rng, made.people
    busy = rng.gamma(0.7, 1.0, len(people["home"])) * np.where(people["chronic"] == 1, 12, 1)
    person = np.sort(rng.choice(len(busy), made.plan.claims, p=busy / busy.sum()))
    line = np.where(people["chronic"][person] == 1, 0, rng.choice(3, len(person), p=(0.5, 0.2, 0.3)))
    home = people["home"][person]
    site = made.near(home)
    row = {"person": person, "line": line, "home": home, "site": site, "day": rng.integers(0, 1000, len(person))}
    row |= {"amount": np.asarray(rng.lognormal(8, 1, len(person))).astype("int64"), "insurer": rng.integers(0, INSURERS, len(person))}
    return {**row, **_sold(made, row), **_treated(made, row), **_crashed(made, row)}


def _sold(made: World, row: Columns) -> Columns:
    """Agent and employer; every third employer insures its people as a group, all through one agent."""
    employer = np.where(row["line"] < 2, made.people["employer"][row["person"]], NOBODY)
    group = np.where((employer >= 0) & (employer % 3 == 0), employer, NOBODY)
    own = np.where(made.rng.random(len(employer)) < 0.8, made.people["agent"][row["person"]], NOBODY)
    agents = made.pick("agent", np.repeat(np.arange(made.plan.districts), made.plan.per_district("employer")))
    return {"employer": employer, "group": group, "agent": np.where(group >= 0, agents[group], own)}


def _treated(made: World, row: Columns) -> Columns:
    person, ill = row["person"], row["line"] < 2
    same = (made.people["chronic"][person] == 1) | (made.rng.random(len(person)) < 0.3)
    hospital = np.where(same, made.people["hospital"][person], made.pick("hospital", row["site"]))
    doctor = hospital * DOCTORS + np.minimum(made.rng.geometric(0.4, len(person)) - 1, DOCTORS - 1)
    return {"hospital": np.where(ill, hospital, NOBODY), "doctor": np.where(ill, doctor, NOBODY)}


def _crashed(made: World, row: Columns) -> Columns:
    """Roles around cars: repaired, assessed and appraised where it happened; most report for themselves, some by a hotline."""
    rng, n, site = made.rng, len(row["line"]), row["site"]
    motor = row["line"] == 2
    hurt = motor & (rng.random(n) < 0.1)
    assessor = (row["insurer"] * made.plan.districts + site) * ASSESSORS + rng.integers(0, ASSESSORS, n)
    stranger = rng.integers(0, len(made.people["home"]), n)
    called = rng.random(n)
    experts = {k: np.where(hurt, made.pick(k, site), NOBODY) for k in ("appraiser", "lawyer", "proxy")}
    cars = {
        "garage": made.pick("garage", site), "assessor": assessor, "owner": row["person"], "third": stranger,
        "vehicle": row["person"] * 3 + rng.integers(0, 3, n), "reporter": np.where(called < 0.9, row["person"], stranger),
        "phone": np.where(called < 0.8, row["person"], NOBODY), "hotline": np.where(called < 0.8, NOBODY, made.pick("hotline", site)),
    }  # fmt: skip
    payee = np.where(rng.random(n) < 0.97, row["person"], rng.integers(0, len(made.people["home"]), n))
    return {**{k: np.where(motor, v, NOBODY) for k, v in cars.items()}, **experts, "payee": payee}
