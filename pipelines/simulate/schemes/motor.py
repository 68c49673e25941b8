"""Planted schemes around cars. Each function writes one instance; sizes and strength vary, some are weak."""

from __future__ import annotations

from typing import Any

from pipelines.simulate.schemes.case import Case


def staged_accident(case: Case) -> None:
    """A few friends crash into each other again and again, swapping driver, owner, passenger and third party, at two insurers."""
    rng, cast = case.rng, case.cast
    start = case.when(240)
    people = cast.people(rng, case.size(4, 7), cast.district(rng)).tolist()
    cars = {p: case.car(p, i) for p, i in zip(people, case.spread(len(people)), strict=True)}
    covers = {p: case.motor_cover(p, cars[p], start - case.number(5, 180)) for p in people}
    case.perpetrator("actor", people[:2])
    case.participant("actor", people[2:])
    for _ in range(case.size(3, 6)):
        owner, driver, third, rider = (int(p) for p in rng.choice(people, 4, replace=False))
        driver = driver if case.chance(0.6) else owner
        crash: dict[str, Any] = {
            "event": case.moment(start + case.number(0, 230), (19, 27) if case.chance(0.55) else (8, 19)), "truth": case.event(),
            "place": case.fresh("place"),
        }  # fmt: skip
        riders = {"passenger1": rider} if case.chance(0.5) else {}
        amount = cast.amount(rng, "motor", 2.4, 1.6)
        case.crash(
            policy=covers[owner], owner=owner, vehicle=cars[owner], driver=driver, third=third, third_vehicle=cars[third],
            fault=1.0, amount=amount, **crash, **riders,
        )  # fmt: skip
        if case.chance(0.3):
            case.crash(
                policy=covers[third], owner=third, vehicle=cars[third], driver=third, third=driver, third_vehicle=cars[owner],
                fault=0.0, **crash,
            )  # fmt: skip


def garage_ring(case: Case) -> None:
    """A repair shop reports its customers' small crashes itself, dear each time, and has some of the money sent to one of its people."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(260)
    garage, fixer = cast.garage(rng, 0, district), cast.person(rng, district)
    phone, account = (int(case.book.actors[name][fixer]) for name in ("phone", "account"))
    case.perpetrator("actor", garage, fixer)
    case.participant("phone", phone)
    for place in range(case.size(6, 12)):
        day = start + case.number(0, 250)
        policy, owner, car = case.motorist(place % len(case.book.insurers), district, day)
        by = {"reporter": fixer} if case.chance(0.8) else {}
        money = {"payee_account": account} if case.chance(0.35) else {}
        case.crash(
            policy=policy, owner=owner, vehicle=car, garage=garage, event=case.moment(day, (7, 24)),
            amount=cast.amount(rng, "motor", 2.6, 1.2) if case.chance(case.strength) else cast.amount(rng, "motor", 1, 1), **by, **money,
        )  # fmt: skip
        (case.participant if by else case.bystander)("actor", owner)


def driver_swap(case: Case) -> None:
    """After a night out the car hits a post; hours later somebody sober calls and says it was them. Some stand in more than once."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(200)
    stand_in = cast.person(rng, district)
    case.participant("actor", stand_in)
    for _ in range(1 + (case.number(0, 3) if case.chance(0.7) else 0)):
        event = case.moment(start + case.number(0, 190), (20.2, 27.8) if case.chance(0.62) else (12.5, 20))
        policy, owner, car = case.motorist(case.insurer(), district, event.astype("datetime64[D]"))
        caller = stand_in if case.chance(0.6) else owner
        case.crash(
            policy=policy, owner=owner, vehicle=car, driver=stand_in, reporter=caller, event=event, alone=True, fault=1.0,
            reported=event + int(rng.uniform(0.8, 10) * 3600), amount=cast.amount(rng, "motor", 2.4, 1.6), injured=False,
        )  # fmt: skip
        case.perpetrator("actor", owner)


def injury_broker(case: Case) -> None:
    """A broker collects injured people after crashes; always the same appraiser, the same proxy, and a disability each time."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(300)
    appraiser, proxy = cast.local(rng, "appraiser", district), cast.local(rng, "proxy", district)
    account = case.fresh("account")
    case.perpetrator("actor", appraiser, proxy)
    case.participant("account", account)
    for place in range(case.size(5, 10)):
        day = start + case.number(0, 290)
        policy, owner, car = case.motorist(place % len(case.book.insurers), district if case.chance(0.6) else cast.district(rng), day)
        hurt = cast.person(rng, district)
        money = {"payee_account": account} if case.chance(0.4) else {}
        known = rng.random()
        experts = {**({"appraiser": appraiser} if known < 0.72 else {}), **({"proxy": proxy} if known > 0.36 else {})}
        case.crash(
            policy=policy, owner=owner, vehicle=car, third=hurt, injured=True, event=case.moment(day), bare=case.chance(0.95),
            amount=cast.amount(rng, "motor", 4, 1.4), **experts, **money,
        )  # fmt: skip
        case.participant("actor", hurt)
        case.bystander("actor", owner)
