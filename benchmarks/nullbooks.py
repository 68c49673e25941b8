"""Books in which nobody is in league, and the same with pairs of parties planted who are.

Everything in a null book that is not chance is honest: people are treated and repaired near home, agents sell near home, families have
one agent, the chronically ill come back to one hospital, employers insure their people as groups, and few hospitals, doctors, agents and
garages have most of the claims. So each link that is found in it is false.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

Ints: TypeAlias = npt.NDArray[np.int64]
Columns: TypeAlias = dict[str, Ints]
NOBODY = -1
LINES = ("health", "accident", "motor")
LOCAL = 0.8
"""Share that is treated, repaired or crashes at home; of an agent's customers likewise."""
PER_DISTRICT = {"hospital": 12, "agent": 30, "garage": 10, "employer": 20, "appraiser": 2, "lawyer": 4, "proxy": 2, "hotline": 1}
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


@dataclass
class World:
    """Persons and where the others are; claims refer to them by number."""

    rng: np.random.Generator
    plan: Plan
    people: Columns = field(default_factory=dict)
    weights: dict[str, npt.NDArray[np.float64]] = field(default_factory=dict)

    def pick(self, kind: str, district: Ints) -> Ints:
        """Somebody of a kind in each district, by heavy-tailed weights."""
        per = len(self.weights[kind]) // self.plan.districts
        cumulative = self.weights[kind].reshape(self.plan.districts, per).cumsum(axis=1)
        chance = self.rng.random(len(district)) * cumulative[:, -1][district]
        place = (cumulative[district] < chance[:, None]).sum(axis=1)
        return np.asarray(district * per + place)

    def near(self, district: Ints) -> Ints:
        """Mostly the same districts."""
        elsewhere = self.rng.integers(0, self.plan.districts, len(district))
        return np.where(self.rng.random(len(district)) < LOCAL, district, elsewhere)


def world(plan: Plan) -> World:
    """Families in districts, each with its agent, and everybody else."""
    made = World(np.random.default_rng(plan.seed), plan)
    rng, families = made.rng, max(plan.claims // 4, 60)
    for kind, per in PER_DISTRICT.items():
        made.weights[kind] = rng.pareto(1.2, per * plan.districts) + 0.1
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
    agents = made.pick("agent", np.repeat(np.arange(made.plan.districts), PER_DISTRICT["employer"]))
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


MET = 10
"""Claims that bring a planted pair together, of different families."""
LEAGUES = {
    "agent-hospital": 0, "agent-doctor": 0, "agent-garage": 2, "agent-payee": 0, "garage-reporter": 2, "garage-phone": 2, "garage-owner": 2,
    "assessor-garage": 2, "appraiser-lawyer": 2, "appraiser-proxy": 2, "hospital-employer": 0, "doctor-employer": 0, "doctor-lawyer": 0,
    "garage-lawyer": 2, "hospital-village": 0, "person-person": 2,
}  # fmt: skip
"""Kinds of pair that are planted → the line of their claims. Those of agencies follow from those of agents."""


def plant(made: World, row: Columns) -> list[tuple[str, Columns]]:
    """Overwrite claims so that pairs are in league; what was planted: kind of pair, and the numbers of all parties in it by column."""
    known, free = [], np.ones(len(row["line"]), dtype=bool)
    for name, line in LEAGUES.items():
        for _ in range(made.plan.planted):
            rows = _claims_for(made, row, line, free)
            if len(rows) == MET:
                free[rows] = False
                known.append((name, _league(made, row, name, rows)))
    return known


def _claims_for(made: World, row: Columns, line: int, free: npt.NDArray[np.bool_]) -> Ints:
    """Claims of different families of one district that happened at home; few districts have many, so that is where leagues are."""
    first = made.rng.choice(np.flatnonzero(free & (row["line"] == line)))
    same = free & (row["line"] == line) & (row["home"] == row["home"][first]) & (row["site"] == row["home"])
    found = made.rng.permutation(np.flatnonzero(same))
    families = made.people["family"][row["person"][found]]
    return found[np.sort(np.unique(families, return_index=True)[1])[:MET]]


def _league(made: World, row: Columns, name: str, rows: Ints) -> Columns:
    """Write one league into its claims."""
    a, b = name.split("-")
    at = row["home"][rows[:1]]
    row["group"][rows] = NOBODY
    if name == "person-person":
        met = {"third": _stranger(made), "person": row["person"][rows[:1]], "owner": row["person"][rows[:1]]}
        rows = rows[:4]
    elif name == "hospital-village":
        met = {"hospital": made.pick("hospital", (at + 1) % made.plan.districts)}
        row["day"][rows] = np.arange(len(rows)) * 90
    else:
        met = {kind: _party(made, kind, at) for kind in (a, b)}
    if "doctor" in met:
        met["hospital"] = met["doctor"] // DOCTORS
    for column, value in met.items():
        row[column][rows] = value
    if name == "garage-owner":
        row["vehicle"][rows] = met["owner"] * 3 + made.plan.claims * 10 + np.arange(len(rows))
    return {**met, "village": at}


def _stranger(made: World) -> Ints:
    return made.rng.integers(0, len(made.people["home"]), 1)


def _party(made: World, kind: str, at: Ints) -> Ints:
    if kind in ("payee", "reporter", "owner"):
        return _stranger(made)
    if kind == "phone":
        return _stranger(made) + len(made.people["home"])
    if kind == "assessor":
        return at * ASSESSORS
    per = PER_DISTRICT["hospital" if kind == "doctor" else kind]
    some = at * per + made.rng.integers(0, per, 1)
    return some * DOCTORS if kind == "doctor" else some


def book(plan: Plan, con: Any) -> tuple[dict[str, ir.Table], set[tuple[str, str]]]:
    """The tables that validated links read, and the pairs of ids in league, each way.

    Parameters
    ----------
    plan : Plan
    con : ibis DuckDB connection
        Where the tables are put.
    """
    made = world(plan)
    row = claims(made)
    known = plant(made, row) if plan.planted else []
    counted = {**row, "claim": np.arange(len(row["line"])), "family": made.people["family"][row["person"]]}
    numbers = _registered(con, "numbers", counted)
    view = _view(numbers)
    tables = {"claim_view": view, "claim_roles": _roles(view, numbers), "entities": _entities(made, con), "party_exemptions": _listed(con)}
    return tables, _in_league(known)


ENTITY = {"person": "person", "third": "person", "payee": "person", "owner": "person", "reporter": "person", "vehicle": "vehicle"}
"""Column → kind, where that is not the column's own name."""


def _id(numbers: ir.Table, column: str, kind: str = "") -> ir.Value:
    """As long as a real id."""
    text = (kind or ENTITY.get(column, column)) + ":" + numbers[column].cast("string").lpad(16, "0")
    return ibis.cases((numbers[column] >= 0, text))


def _place(number: ir.Value) -> ir.Value:
    return "5001" + number.cast("string").lpad(2, "0")


def _view(numbers: ir.Table) -> ir.Table:
    ids = ("agent", "hospital", "doctor", "garage", "payee", "owner", "reporter", "employer", "assessor", "appraiser", "lawyer", "proxy")
    columns = {f"{c}_id": _id(numbers, c) for c in (*ids, "vehicle", "person")}
    at = ibis.timestamp("2023-01-01 10:00:00") + numbers.day.as_interval("D")
    hotline = ibis.cases((numbers.hotline >= 0, "hotline:" + numbers.hotline.cast("string")))
    return numbers.select(
        claim_id=_id(numbers, "claim", "A"), event_id=_id(numbers, "claim", "A"), insurer=numbers.insurer.cast("string"),
        line=ibis.literal(list(LINES))[numbers.line], family_id=_id(numbers, "family"), group_id=_id(numbers, "group"),
        home_district=_place(numbers.home), district=_place(numbers.site), event_at=at, amount=numbers.amount.cast("decimal(18, 2)"),
        hospital_district=_place(numbers.hospital // PER_DISTRICT["hospital"]),
        reporter_phone=ibis.coalesce(_id(numbers, "phone"), hotline),
        **columns,
    )  # fmt: skip


def _roles(view: ir.Table, numbers: ir.Table) -> ir.Table:
    """Who was in each crash: the driver, and one of another car."""
    crashed = numbers.filter(numbers.line == 2)
    claim = _id(crashed, "claim", "A")
    return crashed.select(claim_id=claim, entity_id=_id(crashed, "person"), role=ibis.literal("driver")).union(
        crashed.select(claim_id=claim, entity_id=_id(crashed, "third"), role=ibis.literal("third_party"))
    )


def _entities(made: World, con: Any) -> ir.Table:
    """Persons with their families, agents with their agencies of four, hospitals with their districts."""
    kinds = {
        "person": made.people["family"],
        "agent": _all(made, "agent") // 4,
        "hospital": _all(made, "hospital") // PER_DISTRICT["hospital"],
    }
    parts = []
    for kind, value in kinds.items():
        raw = _registered(con, f"all_{kind}", {"n": np.arange(len(value)), "value": value})
        own, text = (
            _id(raw, "n", kind),
            {"person": _id(raw, "value", "family"), "agent": _id(raw, "value", "agency"), "hospital": _place(raw.value)},
        )
        told = {
            c: text[kind] if k == kind else ibis.null("string")
            for c, k in (("family_id", "person"), ("parent_entity", "agent"), ("district", "hospital"))
        }
        parts.append(raw.select(entity_id=own, kind=ibis.literal(kind), **told, exempt=ibis.literal(False)))
    return ibis.union(*parts)


def _all(made: World, kind: str) -> Ints:
    return np.arange(len(made.weights[kind]))


def _listed(con: Any) -> ir.Table:
    """Nobody is exempt."""
    return con.table("numbers").filter(False).select(phone=ibis.null("string"))


def _registered(con: Any, name: str, columns: Columns) -> ir.Table:
    con.con.register(name, pa.table(columns))
    return con.table(name)


def _in_league(known: list[tuple[str, Columns]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for _, met in known:
        ids = [_named(column, int(value[0])) for column, value in met.items()]
        ids += [_named("agency", int(v[0]) // 4) for c, v in met.items() if c == "agent"]
        found |= {(a, b) for a in ids for b in ids if a != b}
    return found


def _named(column: str, number: int) -> str:
    return f"village:5001{number:02}" if column == "village" else f"{ENTITY.get(column, column)}:{number:016}"
