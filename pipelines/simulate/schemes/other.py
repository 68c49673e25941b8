"""Planted schemes of employers and of farming. Each function writes one instance; sizes and strength vary, some are weak."""

from __future__ import annotations

from pipelines.simulate.schemes.case import Case


def shell_employers(case: Case) -> None:
    """Firms with one phone, one address and one account behind them insure workers who have had or never had their accident."""
    rng, cast = case.rng, case.cast
    district, start = cast.district(rng), case.when(240)
    boss = cast.person(rng, district)
    phone, account, address = (int(case.book.actors[name][boss]) for name in ("phone", "account", "address"))
    firms = case.organisations("employer", case.number(3, 5), district)
    case.perpetrator("actor", boss, firms)
    case.participant("phone", phone)
    for place, firm in enumerate(firms):
        insurer, day = place % len(case.book.insurers), start - case.number(10, 90)
        policy = case.policy("employer_liability", insurer=insurer, holder=firm, starts=day)
        if case.chance(0.6 + 0.4 * case.strength):
            case.contact(firm, insurer, **({"phone": phone} if case.chance(0.7) else {"address": address}))
        for worker in cast.people(rng, case.number(1, 3), district).tolist():
            money = {"payee_account": account} if case.chance(0.5) else {}
            by = {"reporter": boss} if case.chance(0.45) else {}
            case.loss(
                "employer_liability", policy=policy, person=worker, employer=firm, **by,
                event=case.moment(start + case.number(0, 220)), amount=cast.amount(rng, "employer_liability", 1.8, 1.4), **money,
            )  # fmt: skip
            case.participant("actor", worker)


def livestock_reuse(case: Case) -> None:
    """The same dead pig is photographed for several claims, with its own tag or another."""
    rng, cast = case.rng, case.cast
    district, start, insurer = cast.district(rng), case.when(150), case.insurer()
    farmers = cast.people(rng, case.number(1, 2), district).tolist()
    tag, photo = case.fresh("ear_tag"), case.fresh("photo")
    case.perpetrator("actor", farmers)
    covers = {f: case.policy("agriculture", insurer=insurer, holder=f, starts=start - case.number(15, 150)) for f in farmers}
    lot = case.lot(insurer, tag)
    for place in range(case.size(3, 6)):
        farmer, by_tag = farmers[place % len(farmers)], case.chance(0.6)
        same = {"object": lot} if by_tag else {"photo": photo, "object": case.lot(insurer, case.fresh("ear_tag"))}
        if by_tag and case.chance(0.5):
            same["photo"] = photo
        case.loss("agriculture", policy=covers[farmer], person=farmer, event=case.moment(start + 24 * place + case.number(0, 20)), **same)
