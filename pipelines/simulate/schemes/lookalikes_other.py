"""Honest stories that look like schemes of employers and of farming. Each function writes one; everybody is a bystander."""

from __future__ import annotations

from typing import Any

from pipelines.simulate.schemes.case import Case


def subsidiaries(case: Case) -> None:
    """A holding's daughters share the head office's telephone, and have the accidents of their trade."""
    firms, district, start = _firms(case)
    _work(case, firms, (district, start), {"phone": case.fresh("phone")})


def bookkeeper(case: Case) -> None:
    """Small firms have one bookkeeping office handle their papers, and give its number."""
    firms, district, start = _firms(case)
    keeper = case.cast.person(case.rng, district)
    case.bystander("actor", keeper)
    _work(case, firms, (district, start), {"phone": int(case.book.actors["phone"][keeper])})


def industrial_park(case: Case) -> None:
    """Firms of one industrial park have one address."""
    firms, district, start = _firms(case)
    _work(case, firms, (district, start), {"address": case.fresh("address")})


def _firms(case: Case) -> tuple[list[int], int, Any]:
    district, start = case.cast.district(case.rng), case.when(240)
    return case.organisations("employer", case.number(3, 6), district), district, start


def _work(case: Case, firms: list[int], where: tuple[int, Any], shared: dict[str, int]) -> None:
    district, start = where
    case.bystander("actor", firms)
    for firm, insurer in zip(firms, case.spread(len(firms)), strict=True):
        policy = case.policy("employer_liability", insurer=insurer, holder=firm, starts=start - case.number(10, 110))
        case.contact(firm, insurer, **shared)
        for worker in case.cast.people(case.rng, case.number(1, 2), district).tolist():
            event = case.moment(start + case.number(0, 230))
            case.loss("employer_liability", policy=policy, person=worker, employer=firm, event=event)


def outbreak(case: Case) -> None:
    """Swine fever takes a village's pigs in a week; the station photographs the pit once for all."""
    rng, cast = case.rng, case.cast
    district, start, insurer = cast.district(rng), case.when(30), case.insurer()
    photo, event = case.fresh("photo"), case.event()
    for farmer in cast.people(rng, case.number(3, 5), district).tolist():
        policy = case.policy("agriculture", insurer=insurer, holder=farmer, starts=start - case.number(20, 200))
        spec = {"object": case.lot(insurer, case.fresh("ear_tag")), "photo": photo, "truth": event}
        case.loss("agriculture", policy=policy, person=farmer, event=case.moment(start + case.number(0, 5)), **spec)


def sold_on(case: Case) -> None:
    """A lot moves to another farm with its tags, as the veterinary office noted; first one animal dies here, later some there."""
    rng, cast = case.rng, case.cast
    district, start, insurer = cast.district(rng), case.when(200), case.insurer()
    deaths = case.number(1, 2), case.number(1, 2)
    lot = case.lot(insurer, case.fresh("ear_tag"), least=sum(deaths))
    for place, farmer in enumerate(cast.people(rng, 2, district).tolist()):
        policy = case.policy("agriculture", insurer=insurer, holder=farmer, starts=start + 90 * place - case.number(10, 60))
        for _ in range(deaths[place]):
            event = case.moment(start + 100 * place + case.number(0, 80))
            case.loss("agriculture", policy=policy, person=farmer, event=event, object=lot)


def whole_lot(case: Case) -> None:
    """A lot is insured as one; over the year some of its animals die, each time with a photograph of its own."""
    rng, cast = case.rng, case.cast
    start, insurer = case.when(220), case.insurer()
    farmer = cast.person(rng, cast.district(rng))
    deaths = case.number(2, 4)
    lot = case.lot(insurer, case.fresh("ear_tag"), least=deaths)
    policy = case.policy("agriculture", insurer=insurer, holder=farmer, starts=start - case.number(10, 100))
    for _ in range(deaths):
        case.loss("agriculture", policy=policy, person=farmer, event=case.moment(start + case.number(0, 210)), object=lot)
