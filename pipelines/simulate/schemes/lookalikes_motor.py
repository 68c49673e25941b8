"""Honest stories that look like schemes around cars. Each function writes one; everybody in it is a bystander."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pipelines.simulate.schemes.case import Case


def fleet(case: Case) -> None:
    """A haulier's lorries crash with ever other drivers at the wheel; most insurers know it as a fleet."""
    rng, cast = case.rng, case.cast
    district, start, insurer = cast.district(rng), case.when(240), case.insurer()
    firm = cast.local(rng, "employer", district)
    drivers = cast.people(rng, case.size(3, 6), district).tolist()
    cars = [case.car(firm, insurer, use=3) for _ in drivers]
    covers = [case.motor_cover(firm, car, start - case.number(10, 120)) for car in cars]
    case.bystander("actor", firm, drivers)
    if case.chance(0.6):
        case.exempt(insurer, "fleet", firm)
    for _ in range(case.size(4, 8)):
        place = case.number(0, len(cars) - 1)
        event = case.moment(start + case.number(0, 230), (5, 23))
        case.crash(policy=covers[place], owner=firm, vehicle=cars[place], driver=case.one_of(drivers), reporter=firm, event=event)


def two_car_family(case: Case) -> None:
    """Parents and a learner share two cars and some bad luck: now one drives, now the other."""
    rng, cast = case.rng, case.cast
    head, start = cast.person(rng), case.when(300)
    family = cast.use(cast.family(head)[:3]).tolist()
    owners = (family * 2)[:2]
    cars = [case.car(owner, insurer) for owner, insurer in zip(owners, case.spread(2), strict=True)]
    covers = [case.motor_cover(owner, car, start - case.number(5, 60)) for owner, car in zip(owners, cars, strict=True)]
    case.bystander("actor", family)
    for _ in range(case.number(2, 4)):
        place = case.number(0, 1)
        rider = {"passenger1": case.one_of(family)} if case.chance(0.5) else {}
        event = case.moment(start + case.number(0, 290), (7, 23))
        case.crash(policy=covers[place], owner=owners[place], vehicle=cars[place], driver=case.one_of(family), event=event, **rider)


def chain_crash(case: Case) -> None:
    """Fog on the motorway: four cars in one pile, each claimed at its own insurer."""
    rng, cast = case.rng, case.cast
    district, event, day = cast.district(rng), case.event(), case.when(30)
    moment = case.moment(day, (5, 9))
    crash = {"truth": event, "place": case.fresh("place"), "police": case.fresh("police"), "event": moment, "district": district}
    struck = [case.motorist(insurer, district, day) for insurer in case.spread(case.number(3, 5))]
    case.bystander("actor", [owner for _, owner, _ in struck])
    for (policy, owner, car), (_, third, other) in zip(struck, [*struck[1:], struck[0]], strict=True):
        case.crash(
            policy=policy, owner=owner, vehicle=car, driver=owner, third=third, third_vehicle=other, **crash,
        )  # fmt: skip


def both_covers(case: Case) -> None:
    """One crash, two claims: the compulsory cover of the car and the commercial one."""
    rng, cast = case.rng, case.cast
    owner, day, insurer = cast.person(rng), case.when(60), case.insurer()
    car = case.car(owner, insurer)
    starts = day - case.number(20, 300)
    first = case.policy("motor", insurer=insurer, holder=owner, starts=starts, product="compulsory", compulsory=True)
    second = case.motor_cover(owner, car, starts)
    crash = {"owner": owner, "vehicle": car, "event": case.moment(day, (7, 22)), "truth": case.event(), "third": cast.person(rng)}
    for policy in (first, second):
        case.crash(policy=policy, **crash)


def popular_garage(case: Case) -> None:
    """The best repair shop of the district: everybody goes there, and everybody reports for themselves."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(240)
    garage = cast.garage(rng, 0, district)
    _repairs(case, garage, (district, start), {})


def dealer(case: Case) -> None:
    """A 4S dealer reports for its customers and repairs at list prices; part of the insurers have it on their list."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(240)
    garage = cast.garage(rng, 1, district)
    for insurer in range(len(case.book.insurers)):
        if case.chance(0.6):
            case.exempt(insurer, "4S shop", garage)
    _repairs(case, garage, (district, start), {"reporter": garage})


def rescue_hotline(case: Case) -> None:
    """A towing service calls the insurer from its one number while the driver waits."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(240)
    _repairs(case, cast.garage(rng, 0, district), (district, start), {"reporter_phone": case.fresh("phone")})


def _repairs(case: Case, garage: int, where: tuple[int, Any], by: dict[str, int]) -> None:
    district, start = where
    case.bystander("actor", garage)
    for insurer in case.spread(case.size(6, 12)):
        day = start + case.number(0, 230)
        policy, owner, car = case.motorist(insurer, district, day)
        event = case.moment(day, (7, 22))
        amount = case.cast.amount(case.rng, "motor", 2.2, 1.4) if by else case.cast.amount(case.rng, "motor", 1.2, 1.2)
        case.crash(policy=policy, owner=owner, vehicle=car, garage=garage, event=event, amount=amount, **by)


def spouse_at_night(case: Case) -> None:
    """The wife drives home from the party, hits a post and calls at once."""
    _alone_at_night(case, (0.1, 0.4), relative=True)


def told_in_the_morning(case: Case) -> None:
    """Nobody hurt, a dented wing, past midnight: the owner reports after breakfast."""
    _alone_at_night(case, (5, 12), relative=False)


def hired_driver(case: Case) -> None:
    """A hired driver takes the guests home, scrapes a wall, and the owner reports when they are sober."""
    _alone_at_night(case, (0.5, 9), relative=True)


def _alone_at_night(case: Case, lag: tuple[float, float], relative: bool) -> None:
    rng, cast = case.rng, case.cast
    district, day = cast.district(rng), case.when(30)
    event = case.moment(day, (20.2, 27.8))
    policy, owner, car = case.motorist(case.insurer(), district, day)
    kin = cast.family(owner)[1:2].tolist()
    driver = (kin[0] if kin and lag[1] < 1 else cast.person(rng, district)) if relative else owner
    case.bystander("actor", owner, driver)
    case.crash(
        policy=policy, owner=owner, vehicle=car, driver=driver, reporter=driver if lag[1] < 1 else owner, event=event, alone=True,
        reported=event + int(rng.uniform(*lag) * 3600), injured=False,
    )  # fmt: skip


def only_appraiser(case: Case) -> None:
    """The district has one forensic appraiser; every injured party ends there, with ever other lawyers."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(300)
    appraiser = cast.local(rng, "appraiser", district)
    case.bystander("actor", appraiser)
    _injured(case, (district, start), lambda: {"appraiser": appraiser, "lawyer": cast.local(rng, "lawyer", district)})


def legal_aid(case: Case) -> None:
    """Legal aid stands for the injured who cannot pay, before whichever appraiser the court names."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(300)
    proxy = cast.local(rng, "proxy", district)
    case.bystander("actor", proxy)
    _injured(case, (district, start), lambda: {"proxy": proxy, "appraiser": int(rng.choice(case.book.of_kind("appraiser")))})


def court_panel(case: Case) -> None:
    """The court's panel: two appraisers in turn, and the one firm of the county that takes traffic cases."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(300)
    panel, firm = [cast.local(rng, "appraiser", district) for _ in range(2)], cast.local(rng, "lawyer", district)
    case.bystander("actor", panel, firm)
    _injured(case, (district, start), lambda: {"appraiser": case.one_of(panel), "lawyer": firm})


def _injured(case: Case, where: tuple[int, Any], experts: Callable[[], dict[str, int]]) -> None:
    district, start = where
    for insurer in case.spread(case.size(4, 8)):
        day = start + case.number(0, 280)
        policy, owner, car = case.motorist(insurer, district, day)
        hurt = case.cast.person(case.rng, district)
        case.bystander("actor", hurt, owner)
        amount = case.cast.amount(case.rng, "motor", 3.4, 1.4)
        crash = {"third": hurt, "injured": True, "bare": case.chance(0.95), "event": case.moment(day), "amount": amount}
        case.crash(policy=policy, owner=owner, vehicle=car, **crash, **experts())
