"""Honest stories that look like medical schemes. Each function writes one; everybody in it is a bystander."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.simulate import world
from pipelines.simulate.schemes.case import Case
from pipelines.simulate.schemes.medical import CHAPTERS, VAGUE, covered_by

FIRM_COVER = 150.0
ELSEWHERE = 0.15
"""Share of the injured of a crash who are taken to another hospital."""
HOLIDAYS = ("2023-10-01", "2024-02-10", "2024-10-01", "2025-01-29", "2025-10-01")
"""National Day and Spring Festival: when those who work away are at home."""


def village_agent(case: Case) -> None:
    """A village agent's customers, sold to over years, go to the clinic or small hospital down the road: where else?"""
    rng, cast = case.rng, case.cast
    hospital, insurer, start = cast.hospital(rng, (0, 1)), case.insurer(), case.when(300)
    agent = cast.agent(rng, insurer, case.home(hospital))
    _treated(case, hospital, agent, (start, 290))


def county_hospital(case: Case) -> None:
    """The county has one hospital, and this agent one county."""
    rng, cast = case.rng, case.cast
    district, insurer, start = case.one_of(world.LONE_HOSPITAL), case.insurer(), case.when(250)
    hospital, agent = cast.local(rng, "hospital", district), cast.agent(rng, insurer, district)
    _treated(case, hospital, agent, (start, 240))


def works_hospital(case: Case) -> None:
    """A factory insures its people as a group and has a contract with the hospital next door."""
    rng, cast = case.rng, case.cast
    hospital, insurer, start = cast.hospital(rng), case.insurer(), case.when(200)
    firm, doctor = cast.local(rng, "employer", case.home(hospital)), cast.doctor(rng, hospital)
    group = int(case.book.new_ids("group", insurer)[0])
    case.bystander("actor", hospital, firm, doctor)
    for person in cast.people(rng, case.size(5, 10), case.home(hospital)).tolist():
        spec = {"insurer": insurer, "holder": firm, "insured": person, "group": group, "daily_benefit": FIRM_COVER}
        policy = case.policy("health", starts=start - 45, **spec)
        case.stay(policy=policy, person=person, hospital=hospital, doctor=doctor, admitted=start + case.number(0, 190))


def _treated(case: Case, hospital: int, agent: int, time: tuple[Any, int]) -> None:
    start, span = time
    case.bystander("actor", hospital, agent)
    for policy, person in covered_by(case, agent, case.size(5, 10), (start, 150)):
        case.stay(policy=policy, person=person, hospital=hospital, admitted=start + case.number(0, min(span, 155)))


def rehabilitation(case: Case) -> None:
    """Rehabilitation, TCM, psychiatry and care of the old take weeks, with a daily allowance, and are treated day by day."""
    rng, cast = case.rng, case.cast
    specialty = case.one_of((1, 2, 3, 4))
    hospital, start = cast.hospital(rng, (1, 2, 3), specialty), case.when(150)
    codes = {1: ("M51.2", "M47.8"), 2: ("I63.9", "S72.0"), 3: ("F32.9", "F20.9"), 4: ("J44.1", "I63.9")}[specialty]
    case.bystander("actor", hospital)
    for person in cast.people(rng, case.size(3, 6), case.home(hospital)).tolist():
        admitted = start + case.number(0, 120)
        _allowance(case, person, admitted, {"hospital": hospital, "days": case.number(16, 34), "diagnosis": case.one_of(codes)})


def slow_fracture(case: Case) -> None:
    """An infected fracture keeps somebody in bed for weeks, with a daily allowance."""
    person, admitted = case.cast.person(case.rng), case.when(60)
    _allowance(case, person, admitted, {"days": case.number(22, 38), "diagnosis": case.one_of(("S72.0", "S82.2", "S32.0"))}, "accident")


def observed(case: Case) -> None:
    """A concussion or chest pain under observation: bed and nursing, tests, and nothing to treat."""
    for person in case.cast.people(case.rng, case.number(1, 3), case.cast.district(case.rng)).tolist():
        stay = {"days": case.number(3, 9), "treated": float(case.rng.beta(3, 4)), "diagnosis": case.one_of(("S06.0", "S20.2"))}
        _allowance(case, person, case.when(60), stay, "accident")


def _allowance(case: Case, person: int, admitted: Any, stay: dict[str, Any], line: str = "health") -> None:
    benefit = float(case.rng.choice([80, 100, 150, 200]))
    starts = admitted - case.number(40, 300)
    policy = case.policy(line, insurer=case.insurer(), holder=person, starts=starts, daily_benefit=benefit)
    case.stay(policy=policy, person=person, admitted=admitted, **stay)


def chemotherapy(case: Case) -> None:
    """Cancer is treated in courses: in for some days, home for two weeks, in again."""
    _courses(case, ("C34.9", "C50.9"), "Z51.1", (9, 18))


def dialysis(case: Case) -> None:
    """Kidneys are replaced by a machine, in stays that follow each other closely."""
    _courses(case, ("N18.5",), "Z49.1", (3, 12))


def _courses(case: Case, first: tuple[str, ...], code: str, gap: tuple[int, int]) -> None:
    rng, cast = case.rng, case.cast
    hospital, admitted = cast.hospital(rng, (2, 3)), case.when(140)
    person = cast.person(rng, case.home(hospital))
    policy = case.policy("health", insurer=case.insurer(), holder=person, starts=admitted - case.number(40, 200))
    case.bystander("actor", hospital, person)
    for number in range(case.number(4, 6)):
        days, found = case.number(2, 6), code if number else case.one_of(first)
        case.stay(policy=policy, person=person, hospital=hospital, admitted=admitted, days=days, diagnosis=found)
        admitted += days + case.number(*gap)


def complication(case: Case) -> None:
    """A wound opens, a stone moves: back in the same hospital within a fortnight, once."""
    rng, cast = case.rng, case.cast
    hospital, admitted = cast.hospital(rng, (1, 2, 3)), case.when(60)
    person, chapter = cast.person(rng, case.home(hospital)), case.one_of(CHAPTERS)
    policy = case.policy("health", insurer=case.insurer(), holder=person, starts=admitted - case.number(40, 250))
    for _ in range(2):
        days = case.number(4, 10)
        case.stay(policy=policy, person=person, hospital=hospital, admitted=admitted, days=days, diagnosis=case.one_of(chapter))
        admitted += days + case.number(2, 14)


def co_insured(case: Case) -> None:
    """Two insurers share one cover by contract; each pays its part of the bill."""
    for person in case.cast.people(case.rng, case.number(1, 3), case.cast.district(case.rng)).tolist():
        bill, (first, second) = _bill(case, person), case.insurers(2)
        contract, share = case.fresh("co_insurance"), float(case.rng.uniform(0.4, 0.7))
        rest = bill["bill"] * (1 - bill["pooled_share"])
        for insurer, part in ((first, share), (second, 1 - share)):
            starts = bill["admitted"] - 120
            policy = case.policy("health", insurer=insurer, holder=person, starts=starts, co_insurance=contract)
            case.stay(policy=policy, amount=round(rest * part, 2), **bill)


def split_note(case: Case) -> None:
    """The city's inclusive cover pays first and gives a split note; the second insurer pays what is left."""
    for person in case.cast.people(case.rng, case.number(1, 3), case.cast.district(case.rng)).tolist():
        bill, (first, second) = _bill(case, person), case.insurers(2)
        rest = bill["bill"] * (1 - bill["pooled_share"])
        early = round(rest * float(case.rng.uniform(0.3, 0.6)), 2)
        for insurer, amount, more in ((first, early, {}), (second, round(rest - early, 2), {"split_note": True, "other_payer": early})):
            policy = case.policy("health", insurer=insurer, holder=person, starts=bill["admitted"] - case.number(40, 250))
            case.stay(policy=policy, amount=amount, **bill, **more)


def two_allowances(case: Case) -> None:
    """One bill shown to two insurers that each owe a fixed allowance, not the bill."""
    person = case.cast.person(case.rng)
    bill = {**_bill(case, person), "diagnosis": case.one_of(("S82.2", "S52.5", "S42.0"))}
    for insurer in case.insurers(2):
        starts = bill["admitted"] - case.number(40, 300)
        policy = case.policy("accident", insurer=insurer, holder=person, starts=starts, daily_benefit=100.0)
        case.stay(policy=policy, **bill)


def _bill(case: Case, person: int) -> dict[str, Any]:
    """One stay with its invoice: what claims on several covers have in common."""
    pooled = float(case.rng.uniform(0.3, 0.6))
    return {
        "person": person, "admitted": case.when(60), "days": case.cast.days(case.rng, 1.6, 1.3), "invoice": case.fresh("invoice"),
        "truth": case.event(), "hospital": case.hospital_near(person), "diagnosis": case.one_of(VAGUE), "pooled_share": pooled,
        "bill": round(case.cast.amount(case.rng, "health", 2, 1.4) / (1 - pooled), 2),
    }  # fmt: skip


def food_poisoning(case: Case) -> None:
    """A wedding dinner: many of one village in hospital the same night, for a few days, with one diagnosis."""
    _together(case, ("A05.9", "A09.x"), (1, 4), 1)


def bus_crash(case: Case) -> None:
    """A country bus overturns: neighbours admitted the same day, insured against accidents."""
    crash = {"police": case.fresh("police")} if case.chance(0.9) else {}
    _together(case, ("S06.0", "S22.3", "S42.0", "S20.2", "S32.0"), (4, 18), 1, {"place": case.fresh("place"), **crash})


def cataract_bus(case: Case) -> None:
    """The hospital fetches the old of a village for cataract operations that the public scheme pays for."""
    _together(case, ("H25.9",), (2, 4), 3)


def _together(case: Case, codes: tuple[str, ...], days: tuple[int, int], span: int, crash: dict[str, int] | None = None) -> None:
    """Neighbours in one hospital; after a crash, at one time and place, and some of them in another hospital."""
    rng, cast = case.rng, case.cast
    hospital, start = cast.hospital(rng, (1, 2)), case.when(30)
    district = case.home(hospital)
    people = cast.people(rng, case.size(6, 12), district, district * 100 + case.number(0, 12))
    agents = [cast.agent(rng, insurer, district) for insurer in case.insurers(2)]
    event: dict[str, Any] = {"truth": case.event()} if span == 1 else {}
    event |= {**crash, "event": case.moment(start)} if crash else {}
    case.bystander("actor", hospital, people)
    for place, person in enumerate(people.tolist()):
        agent = agents[place % 2]
        insurer, starts = int(case.book.actors["insurer"][agent]), start - case.number(40, 330)
        policy = case.policy("accident" if crash else "health", insurer=insurer, holder=person, agent=agent, starts=starts)
        stay = {"days": case.number(*days), "diagnosis": case.one_of(codes), "admitted": start + case.number(0, span - 1)}
        at = cast.local(rng, "hospital", district) if crash and case.chance(ELSEWHERE) else hospital
        case.stay(policy=policy, person=person, hospital=at, **stay, **event)


def migrants(case: Case) -> None:
    """Workmates from one county, insured in the city, have themselves treated at home over a holiday, each for what has ailed them long."""
    rng, cast = case.rng, case.cast
    home, work = int(rng.choice(np.flatnonzero(~world.URBAN))), int(rng.choice(np.flatnonzero(world.URBAN)))
    hospital, holiday = cast.local(rng, "hospital", home), np.datetime64(str(rng.choice(HOLIDAYS)), "D")
    agents = [cast.agent(rng, insurer, work) for insurer in case.insurers(2)]
    people = cast.people(rng, case.size(6, 12), work)
    case.bystander("actor", hospital, people, agents)
    for place, person in enumerate(people.tolist()):
        agent, admitted = agents[place % 2], holiday + case.number(-3, 6)
        insurer, starts = int(case.book.actors["insurer"][agent]), admitted - case.number(40, 330)
        policy = case.policy("health", insurer=insurer, holder=person, agent=agent, starts=starts)
        case.stay(policy=policy, person=person, hospital=hospital, admitted=admitted, diagnosis=case.one_of(VAGUE))


def ill_again(case: Case) -> None:
    """Pneumonia two winters running, with a new insurer in between: nothing was hidden."""
    _before_and_after(case, ("J18.9", "J20.9"), {})


def group_cover(case: Case) -> None:
    """The employer's group cover asks nobody about earlier illnesses."""
    group = int(case.book.new_ids("group", 0)[0])
    _before_and_after(case, ("I20.0", "I10.x"), {"group": group, "insurer": 0})


def old_back(case: Case) -> None:
    """A back that aches again, stated in the proposal and accepted with a surcharge."""
    _before_and_after(case, ("M51.2", "M47.8"), {"premium": 980.0})


def _before_and_after(case: Case, codes: tuple[str, ...], spec: dict[str, Any]) -> None:
    person, start = case.cast.person(case.rng), case.when(330, 420)
    first, second = case.insurers(2)
    spec = {"insurer": second, "holder": person, "starts": start, **spec}
    earlier = start - case.number(60, 380)
    elsewhere = first if first != spec["insurer"] else second
    old = case.policy("health", insurer=elsewhere, holder=person, starts=earlier - 60)
    case.stay(policy=old, person=person, admitted=earlier, diagnosis=case.one_of(codes))
    case.stay(policy=case.policy("health", **spec), person=person, admitted=start + case.number(60, 320), diagnosis=case.one_of(codes))
