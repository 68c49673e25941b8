"""What is one event and what is not, on accidents and stays written down by hand."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cache
from typing import Any

import pandas as pd
import pytest

from pipelines import resolve
from pipelines.config import Engine as Settings
from pipelines.engine.duckdb import DuckEngine
from pipelines.resolve import _objects
from pipelines.resolve.events import Happened, events
from tests.canonical import tables, typed

Rows = list[dict[str, Any]]
DAY = date(2025, 3, 4)


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    made = DuckEngine(Settings(threads=1), tmp_path_factory.mktemp("spill"))
    yield made
    made.close()


def book(*stories: dict[str, Rows]) -> dict[str, Rows]:
    """Rows of several stories in one book."""
    return {name: [row for story in stories for row in story.get(name, [])] for name in {n for s in stories for n in s}}


def resolved(rows: dict[str, Rows]) -> tuple[dict[str, str], pd.DataFrame]:
    """Events of claims, and why; places by their tokens."""
    made = resolve.run(tables(rows))
    claims = made["claims"].to_pandas()
    return dict(zip(claims.claim_id, claims.event_id, strict=True)), made["event_links"].to_pandas()


def groups(found: dict[str, str]) -> set[frozenset[str]]:
    every: dict[str, set[str]] = {}
    for claim, event in found.items():
        every.setdefault(event, set()).add(claim)
    return {frozenset(g) for g in every.values()}


def stay(claim: str, person: str, hospital: str, when: tuple[str, str | None], **more: Any) -> dict[str, Rows]:
    """A stay of a person, each known to the claim's insurer; people without a household are families of their own."""
    at, code, bill = claim[0], more.pop("code", "J18.9"), more.pop("bill", None)
    admitted, left = when
    row = {
        "claim_id": claim, "policy_id": f"{claim}q", "insurer": at, "admitted_on": admitted, "discharged_on": left,
        "event_at": f"{admitted} 00:00:00",
    }  # fmt: skip
    parties = [{"party_id": f"{at}:{person}", "kind": "person", "insurer": at, "id_number": person, "name": person, "district": "500101"}]
    roles = [{"claim_id": claim, "party_id": f"{at}:{person}", "role": "insured"}]
    if hospital:
        parties.append({"party_id": f"{at}:{hospital}", "kind": "hospital", "insurer": at, "licence_no": hospital, "name": hospital})
        roles.append({"claim_id": claim, "party_id": f"{at}:{hospital}", "role": "hospital"})
    found = {
        "claims": [{**row, **more}], "claim_roles": roles, "parties": parties,
        "claim_diagnoses": [{"claim_id": claim, "seq": 1, "code": code}],
        "policies": [{"policy_id": f"{claim}q", "line": "accident" if code[0] in "ST" else "health"}],
    }  # fmt: skip
    return {**found, "claim_bills": [{"claim_id": claim, "invoice_code": "c", "invoice_no": bill}]} if bill else found


def crash(claim: str, when: str, cars: tuple[str, ...] = (), **more: Any) -> dict[str, Rows]:
    """A motor claim with vehicles by their plates."""
    at, driver = claim[0], more.pop("driver", None)
    objects = [{"object_id": f"{claim}{c}", "kind": "vehicle", "plate": c, "insurer": at} for c in cars]
    people = [{"party_id": f"{at}:{driver}", "kind": "person", "id_number": driver, "name": driver, "insurer": at}] if driver else []
    return {
        "claims": [{"claim_id": claim, "policy_id": f"{claim}q", "insurer": at, "event_at": f"{DAY} {when}", **more}],
        "policies": [{"policy_id": f"{claim}q", "line": "motor"}], "objects": objects, "parties": people,
        "claim_objects": [{"claim_id": claim, "object_id": o["object_id"], "side": "own"} for o in objects],
        "claim_roles": [{"claim_id": claim, "party_id": p["party_id"], "role": "driver"} for p in people],
    }  # fmt: skip


def once(found: dict[str, Rows]) -> dict[str, Rows]:
    """Each party once."""
    return {**found, "parties": list({p["party_id"]: p for p in found["parties"]}.values())}


CRASHES: dict[str, tuple[list[dict[str, Rows]], set[frozenset[str]]]] = {
    "one car at two insurers within two hours": (
        [crash("A:1", "10:00:00", ("p",)), crash("B:2", "11:30:00", ("p",))], {frozenset({"A:1", "B:2"})},
    ),
    "one car, morning and evening": (
        [crash("A:1", "09:00:00", ("p",)), crash("B:2", "17:15:00", ("p",))], {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "the same two cars, one time wrong": (
        [crash("A:1", "09:00:00", ("p", "o")), crash("B:2", "14:00:00", ("o", "p"))], {frozenset({"A:1", "B:2"})},
    ),
    "a date without a time goes to the day's only crash": (
        [crash("A:1", "09:00:00", ("p",)), crash("B:2", "00:00:00", ("p",))], {frozenset({"A:1", "B:2"})},
    ),
    "and to none of two": (
        [crash("A:1", "09:00:00", ("p",)), crash("A:3", "19:00:00", ("p",)), crash("B:2", "00:00:00", ("p",))],
        {frozenset({c}) for c in ("A:1", "A:3", "B:2")},
    ),
    "two dates without a time": ([crash("A:1", "00:00:00", ("p",)), crash("B:2", "00:00:00", ("p",))], {frozenset({"A:1", "B:2"})}),
    "one police report": (
        [crash("A:1", "10:00:00", ("p",), police_report_no="r"), crash("B:2", "15:00:00", ("o",), police_report_no="r")],
        {frozenset({"A:1", "B:2"})},
    ),
    "one driver, one side without a vehicle": (
        [crash("A:1", "10:00:00", ("p",), driver="d"), crash("B:2", "10:30:00", (), driver="d")], {frozenset({"A:1", "B:2"})},
    ),
    "one driver in two cars": (
        [crash("A:1", "10:00:00", ("p",), driver="d"), crash("B:2", "10:30:00", ("o",), driver="d")],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "one place and hour": (
        [crash("A:1", "10:00:00", ("p",), place="t", district="1"), crash("B:2", "10:40:00", ("o",), place="t", district="1")],
        {frozenset({"A:1", "B:2"})},
    ),
    "one place, hours later": (
        [crash("A:1", "10:00:00", ("p",), place="t", district="1"), crash("B:2", "16:00:00", ("o",), place="t", district="1")],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "one report of an insurer": (
        [crash("A:1", "10:00:00", ("p",), event_no="A:e"), crash("A:2", "20:00:00", ("o",), event_no="A:e")], {frozenset({"A:1", "A:2"})},
    ),
}  # fmt: skip


STAYS: dict[str, tuple[list[dict[str, Rows]], set[frozenset[str]]]] = {
    "two insurers pay one stay": (
        [stay("A:1", "p", "h", ("2025-03-03", "2025-03-09")), stay("B:2", "p", "h", ("2025-03-03", "2025-03-09"))],
        {frozenset({"A:1", "B:2"})},
    ),
    "one person's two stays": (
        [stay("A:1", "p", "h", ("2025-03-03", "2025-03-09")), stay("B:2", "p", "h", ("2025-03-12", "2025-03-19"))],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "one invoice handed in by two people": (
        [stay("A:1", "p", "h", ("2025-03-03", "2025-03-09"), bill="i"), stay("B:2", "q", "h", ("2025-03-03", "2025-03-09"), bill="i")],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "one invoice of one person, a hospital unnamed": (
        [stay("A:1", "p", "h", ("2025-03-03", "2025-03-09"), bill="i"), stay("B:2", "p", "", ("2025-03-03", None), bill="i")],
        {frozenset({"A:1", "B:2"})},
    ),
    "one invoice of one person for two months": (
        [stay("A:1", "p", "h", ("2025-03-03", "2025-03-09"), bill="i"), stay("B:2", "p", "h", ("2025-05-03", "2025-05-09"), bill="i")],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "two people, one hospital and day": (
        [stay("A:1", "p", "h", ("2025-03-03", "2025-03-09")), stay("B:2", "q", "h", ("2025-03-03", "2025-03-09"))],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
    "an accident's readmission": (
        [
            stay("A:1", "p", "h", ("2025-03-03", "2025-03-09"), code="S06.0", event_at="2025-03-03 10:00:00"),
            stay("B:2", "p", "h", ("2025-03-20", "2025-03-25"), code="S06.0", event_at="2025-03-03 10:00:00"),
        ],
        {frozenset({"A:1"}), frozenset({"B:2"})},
    ),
}  # fmt: skip


OWN = (
    "claim_id", "policy_id", "party_id", "object_id", "event_no", "police_report_no", "place", "id_number", "name", "licence_no", "plate",
    "invoice_no",
)  # fmt: skip


@cache
def every(seed: int = 0) -> dict[str, str]:
    """Events of all cases, which are resolved in one book and have no value in common; a seed puts its rows in another order."""
    cases = [once(book(*stories)) for stories, _ in (CRASHES | STAYS).values()]
    apart = [
        {n: [{c: f"{v}~{k}" if c in OWN and v else v for c, v in row.items()} for row in rows] for n, rows in case.items()}
        for k, case in enumerate(cases)
    ]
    rows = book(*apart)
    return resolved({name: random.Random(seed).sample(found, len(found)) for name, found in rows.items()} if seed else rows)[0]


@pytest.mark.parametrize("name", [*CRASHES, *STAYS])
def test_what_is_one_event(name: str) -> None:
    here = f"~{list(CRASHES | STAYS).index(name)}"
    found = {c.removesuffix(here): e for c, e in every().items() if c.endswith(here)}
    assert groups(found) == (CRASHES | STAYS)[name][1]


def test_events_do_not_depend_on_the_order_of_rows() -> None:
    assert every(1) == every()


def admissions(per_day: int, code: str, hospital: str, days: int) -> list[dict[str, Rows]]:
    """An ordinary hospital: so many of one complaint every day before and after."""
    dates = [DAY + timedelta(days=d) for d in range(-days, days + 1) if d]
    return [stay(f"A:o{d}_{i}", f"o{d}_{i}", hospital, (str(d), None), code=code) for d in dates for i in range(per_day)]


def dinner(n: int, hospital: str) -> list[dict[str, Rows]]:
    """People of one district in one hospital on one day, their claims named after it."""
    when = (str(DAY), str(DAY + timedelta(days=2)))
    return [stay(f"{'AB'[i % 2]}:{hospital}{i}", f"{hospital}{i}", hospital, when, code=("A05.9", "A09.x")[i % 2]) for i in range(n)]


def test_a_village_poisoned_at_dinner_is_one_event_and_a_busy_hospital_s_day_or_one_family_s_dinner_is_none() -> None:
    busy = book(*dinner(5, "busy"), *admissions(2, "A09.x", "busy", 20))
    family = once(book(*dinner(7, "home")))
    housed = [{**p, "household_id": f"{p['party_id'][0]}:h"} if p["kind"] == "person" else p for p in family["parties"]]
    found, links = resolved(once(book(*dinner(7, "village"), busy, {**family, "parties": housed})))
    assert groups({c: e for c, e in found.items() if "village" in c}) == {frozenset(f"{'AB'[i % 2]}:village{i}" for i in range(7))}
    assert all(c == e for c, e in found.items() if "village" not in c)
    assert (links.rule == "crowd").all() and len(links) == 6
    assert (links.families == 7).all() and (links.expected < 0.35).all()
    assert links.hospital.all() and links.admission.all() and not links.person.any()


BUS = {
    "A:1": ("h1", "10:00:00", "重庆市渝北区解放路12号", "r"), "B:2": ("h1", "10:15:00", "渝北区解放路12号附近", None),
    "C:3": ("h2", "10:10:00", "渝北解放路12号门前", None), "A:4": ("h2", "00:00:00", None, "r"),
    "B:5": ("h1", "10:30:00", "渝北区解放路", None), "C:6": ("h1", "16:00:00", "渝北区解放路12号", None),
    "A:7": ("h2", "10:00:00", "渝北区解放路120号", None), "B:8": ("h3", "10:20:00", "渝北区解放路", None),
}  # fmt: skip
"""Hospital, time, place and police report number of injured at three insurers; the last three are no passengers."""


def happened(engine: DuckEngine, rows: dict[str, Rows], vault: str) -> Happened:
    made = resolve.run({n: engine.con.create_table(n, typed(n, rows.get(n, [])), temp=True) for n in tables({})})
    objects = _objects(
        {"objects": made["objects"].drop("object_entity"), "claim_objects": made["claim_objects"].drop("object_entity")}, None
    )
    return events({**made, **objects, "claims": made["claims"].drop("event_id")}, engine, vault)


def test_a_bus_crash_at_three_insurers_is_one_event_by_place_police_and_hospital(engine: DuckEngine) -> None:
    stories = [
        stay(c, f"p{c}", h, (str(DAY), None), code="S06.0", event_at=f"{DAY} {t}", place=place, police_report_no=r, district="500112")
        for c, (h, t, place, r) in BUS.items()
    ]
    unread = [crash(f"D:{i}", "20:00:00", place=place, district="500112") for i, place in enumerate(("t", "t", "u"))]
    places = sorted({p for *_, p, _ in BUS.values() if p})
    vault = " UNION ALL ".join(f"SELECT '{p}' AS token, 'claims.place' AS \"column\", '{p}' AS value" for p in places)
    found = happened(engine, once(book(*stories, *unread)), vault)
    claims = found.events.to_pandas()
    assert groups(dict(zip(claims.claim_id, claims.event_id, strict=True))) == {
        frozenset({"A:1", "B:2", "C:3", "A:4", "B:5"}), frozenset({"D:0", "D:1"}), *(frozenset({c}) for c in ("C:6", "A:7", "B:8", "D:2")),
    }  # fmt: skip
    links = found.links.to_pandas()
    assert set(links.rule) == {"police", "place", "road"}
    assert not set(links.columns) & {"place", "police_report_no", "person_id"}


def test_a_value_on_very_many_claims_joins_nobody() -> None:
    found, _ = resolved(book(*(crash(f"A:{i}", "10:00:00", police_report_no="0") for i in range(60))))
    assert len(set(found.values())) == 60
