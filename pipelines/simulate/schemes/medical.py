"""Planted schemes around hospital stays. Each function writes one instance; sizes and strength vary, some are weak."""

from __future__ import annotations

from typing import Any, TypeAlias

from pipelines.simulate.schemes.case import Case

Cover: TypeAlias = tuple[int, int]  # policy (id or handle), person

SLIGHT = ("S80.1", "S20.2", "S61.0", "T14.1", "S93.4")
VAGUE = ("M51.2", "M47.8", "J20.9", "K29.7", "I10.x", "G45.9")
CHAPTERS = (
    ("J18.9", "J20.9", "J44.1"), ("I10.x", "I20.0", "I63.9"), ("K29.7", "K35.8", "K80.2"), ("M47.8", "M51.2"), ("E11.9", "E04.1"),
    ("N20.0", "N18.5"),
)  # fmt: skip
"""Diagnoses that belong to one chapter."""
GRAVE_AFTER = {"C73.x": "D34.x", "C50.9": "D24.x", "I63.9": "I67.2", "I21.9": "I20.0", "N18.5": "N03.9", "C22.0": "C22.9"}
"""A claimed illness → what had been found in the same or the neighbouring organ before the policy."""


def hospital_ring(case: Case) -> None:
    """Patients of one agent, from many households, all lie in one hospital under one doctor and split the benefit.

    Part of them are the agent's older customers, part are insured some months before; the hospital and the agent do mostly honest business.
    """
    rng, cast = case.rng, case.cast
    hospital, insurer, start = cast.hospital(rng), case.insurer(), case.when(150)
    agent = cast.agent(rng, insurer, case.home(hospital))
    doctor = cast.doctor(rng, hospital)
    covers = covered_by(case, agent, case.size(6, 12), (start, 140))
    case.perpetrator("actor", hospital, agent, doctor)
    case.participant("actor", [person for _, person in covers])
    for policy, person in covers:
        own = {"doctor": doctor} if case.chance(0.7) else {}
        low, high = (2.2, 1.3) if case.chance(case.strength) else (1, 1)
        case.stay(
            policy=policy, person=person, hospital=hospital, admitted=start + case.number(0, 140), days=cast.days(rng, low, high), **own,
        )  # fmt: skip


def covered_by(case: Case, agent: int, n: int, time: tuple[Any, int], line: str = "health") -> list[Cover]:
    """``n`` covers of different people sold by one agent, in force over a time (first day, days): customers of old and new ones."""
    start, span = time
    rng, insurer = case.rng, int(case.book.actors["insurer"][agent])
    known = case.cast.customers(agent, ("health", "accident"), start, start + span)
    known = known.iloc[rng.permutation(len(known))[: round(n * rng.uniform(0.2, 0.6))]]
    case.cast.use(known["insured"])
    fresh = case.cast.people(rng, n - len(known), case.home(agent))
    issued = [start - case.number(40, 200) for _ in fresh]
    new = [case.policy(line, insurer=insurer, holder=int(p), agent=agent, starts=day) for p, day in zip(fresh, issued, strict=True)]
    return [*zip(known["policy"].tolist(), known["insured"].tolist(), strict=True), *zip(new, fresh.tolist(), strict=True)]


def sham_admission(case: Case) -> None:
    """Slight injuries and vague pains, over-long or hardly treated, with a daily allowance in force, at times at two insurers at once."""
    rng, cast = case.rng, case.cast
    hospital, start = cast.hospital(rng), case.when(120)
    people = cast.people(rng, case.size(4, 9), case.home(hospital))
    case.perpetrator("actor", hospital)
    case.participant("actor", people)
    for person in people.tolist():
        untreated, admitted, event = case.chance(0.55), start + case.number(0, 120), case.event()
        days = cast.days(rng, 1.8, 1.4) if untreated else cast.days(rng, 6, 1.2)
        line = case.one_of(("accident", "health"))
        poor = {"treated": float(rng.beta(5, 4 + 4 * case.strength))} if untreated else {}
        stay = {
            "person": person, "hospital": hospital, "admitted": admitted, "days": days, "truth": event, **poor,
            "diagnosis": case.one_of(SLIGHT if line == "accident" else VAGUE),
        }  # fmt: skip
        for insurer in case.insurers(2 if case.chance(0.35 * case.strength) else 1):
            benefit = float(rng.choice([80, 100, 150, 200, 300]))
            policy = case.policy(line, insurer=insurer, holder=person, starts=admitted - case.number(40, 300), daily_benefit=benefit)
            case.stay(policy=policy, **stay)


def split_stay(case: Case) -> None:
    """One illness, discharged and admitted again within days at the same hospital, so that each stay keeps under a limit."""
    rng, cast = case.rng, case.cast
    hospital, start = cast.hospital(rng), case.when(110)
    people = cast.people(rng, case.size(2, 5), case.home(hospital))
    case.perpetrator("actor", hospital)
    case.participant("actor", people)
    for person in people.tolist():
        chapter, admitted = case.one_of(CHAPTERS), start + case.number(0, 50)
        policy = case.policy("health", insurer=case.insurer(), holder=person, starts=admitted - case.number(40, 230))
        for _ in range(case.number(2, 3)):
            days = max(3, cast.days(rng, 1.6, 1.6))
            case.stay(policy=policy, person=person, hospital=hospital, admitted=admitted, days=days, diagnosis=case.one_of(chapter))
            admitted += days + case.number(1, 14)


def invoice_reuse(case: Case) -> None:
    """One hospital invoice claimed in full at two insurers (or under two covers of one), together more than the bill."""
    rng, cast = case.rng, case.cast
    people = cast.people(rng, case.size(2, 4), cast.district(rng))
    start = case.when(150)
    case.perpetrator("actor", people)
    for person in people.tolist():
        admitted, event, first, second = start + case.number(0, 140), case.event(), *case.insurers(2)
        bill = {
            "person": person, "admitted": admitted, "days": cast.days(rng, 1.6, 1.3), "invoice": case.fresh("invoice"), "truth": event,
            "hospital": case.hospital_near(person), "diagnosis": case.one_of(VAGUE), "pooled_share": float(rng.uniform(0.25, 0.6)),
            "bill": cast.amount(rng, "health", 2, 1.4) * 2,
        }  # fmt: skip
        second = first if case.chance(0.15) else second
        for insurer in (first, second):
            policy = case.policy("health", insurer=insurer, holder=person, starts=admitted - case.number(40, 300))
            case.stay(policy=policy, **bill)


def village_stays(case: Case) -> None:
    """A bus from one village to one hospital: many neighbours admitted within three days, for different complaints, sold by one agent."""
    rng, cast = case.rng, case.cast
    hospital, insurer, start = cast.hospital(rng, (0, 1, 2)), case.insurer(), case.when(60)
    district = case.home(hospital)
    village = district * 100 + case.number(0, 12)
    agent = cast.agent(rng, insurer, district)
    people = cast.people(rng, case.size(6, 12), district, village)
    case.perpetrator("actor", hospital, agent)
    case.participant("actor", people)
    for place, person in enumerate(people.tolist()):
        admitted = start + (40 if place >= 8 else 0) + case.number(0, 3)
        policy = case.policy("health", insurer=insurer, holder=person, agent=agent, starts=admitted - case.number(38, 180))
        days, code = cast.days(rng, 2.2, 1.6), case.one_of(VAGUE)
        own = {"treated": float(rng.beta(6, 4))} if case.chance(0.4) else {}
        case.stay(policy=policy, person=person, hospital=hospital, admitted=admitted, days=days, diagnosis=code, **own)


def undisclosed_illness(case: Case) -> None:
    """Someone already treated for an illness insures against it elsewhere, waits out the waiting period, and claims."""
    rng, cast = case.rng, case.cast
    start, (first, second) = case.when(300, 420), case.insurers(2)
    agent = cast.agent(rng, second)
    case.participant("actor", agent)
    for person in cast.people(rng, case.number(1, 3), case.home(agent)).tolist():
        claimed, found = case.one_of(tuple(GRAVE_AFTER.items()))
        earlier = start - case.number(30, 400)
        old = case.policy("health", insurer=first, holder=person, starts=earlier - case.number(40, 200))
        case.honest_stay(policy=old, person=person, admitted=earlier, diagnosis=found)
        policy = case.policy("critical_illness", insurer=second, holder=person, agent=agent, starts=start + case.number(0, 20))
        event = case.moment(start + case.number(112, 290))
        case.loss("critical_illness", policy=policy, person=person, event=event, diagnosis=claimed)
        case.perpetrator("actor", person)
