"""Honest stories that look like schemes of selling, surrendering and buying. Each function writes one; everybody is a bystander."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.simulate.schemes.case import Case
from pipelines.simulate.schemes.conduct import SAVINGS, give_back

GRIEVANCES = (
    "该业务员销售时称交满三年即可取回本金，实际合同并非如此，我们几位同事均有同样遭遇，请求公司核实并退还保费。",
    "业务员把保险说成存款，直到收到续期通知才知道要交十年，请公司调取双录核实，退还已交保费。",
)

LEGS, HOUSEHOLDS_TRIED = 4, 6
"""Flights of a holiday, and of how many households the largest one makes the journey."""


def kin_of_agent(case: Case) -> None:
    """An agent insures parents and siblings and pays for them; the policies stay."""
    rng, cast = case.rng, case.cast
    insurer, start = case.insurer(), case.when(200)
    agent = cast.agent(rng, insurer)
    account = int(case.book.actors["account"][agent])
    self = int(case.book.actors["private"][agent])
    family = cast.use(cast.family(self)[:4]).tolist() if self >= 0 else []
    case.bystander("actor", agent, family or agent)
    case.bystander("account", account)
    for person in family * 2:
        _sold(case, agent, {"holder": person, "starts": start + case.number(0, 150), "payer": account})


def best_seller(case: Case) -> None:
    """A campaign with a high first-year commission: much sold in two months, all called back, nearly all kept."""
    rng, cast = case.rng, case.cast
    insurer, start = case.insurer(), case.when(200)
    agent = cast.agent(rng, insurer)
    case.bystander("actor", agent)
    for person in cast.people(rng, case.size(7, 13), case.home(agent)).tolist():
        premium = float(np.round(rng.lognormal(8.1, 0.4)))
        money = {"premium": premium, "commission": round(premium * rng.uniform(0.4, 0.8)), "bonus": round(premium * rng.uniform(0.1, 0.5))}
        _sold(case, agent, {"holder": person, "starts": start + case.number(0, 60), **money}, lapse=0.08)


def plant_closure(case: Case) -> None:
    """The plant closes and its people move away: phones ring empty, premiums stop; they had paid the first one themselves."""
    rng, cast = case.rng, case.cast
    insurer, start = case.insurer(), case.when(250)
    agent = cast.agent(rng, insurer)
    case.bystander("actor", agent)
    for person in cast.people(rng, case.size(5, 10), case.home(agent)).tolist():
        _sold(case, agent, {"holder": person, "starts": start + case.number(0, 90)}, lapse=0.8, failed=0.5)


def _sold(case: Case, agent: int, spec: dict[str, Any], lapse: float = 0.0, failed: float = 0.05) -> None:
    insurer, day, gone = int(case.book.actors["insurer"][agent]), spec["starts"], case.chance(lapse)
    spec = {"insurer": insurer, "agent": agent, "channel": "agent", "status": "lapsed" if gone else "active", **spec}
    policy = case.policy(case.one_of(("life", "endowment", "critical_illness")), **spec)
    result = "failed" if case.chance(failed) else "ok"
    case.row("policy_events", policy_id=policy, kind="callback", at=case.moment(day + 6, (9, 17)), result=result)
    if gone:
        case.row("policy_events", policy_id=policy, kind="lapse", at=case.moment(day + case.number(95, 185), (0, 1)))
    case.bystander("policy", policy)


def mis_sold(case: Case) -> None:
    """One agent did mis-sell; the holders found each other, copy one letter, write from their own phones, and are right."""
    rng, cast = case.rng, case.cast
    insurer, start = case.insurer(), case.when(90)
    agent, text = cast.agent(rng, insurer), case.one_of(GRIEVANCES)
    case.bystander("actor", agent)
    for person in cast.people(rng, case.size(5, 9), case.home(agent)).tolist():
        own = int(case.book.actors["phone"][person])
        spec = {"insurer": insurer, "agent": agent, "holder": person}
        _complained(case, spec, start + case.number(0, 80), {"phone": own, "text": text, "result": "upheld"})


def children_call(case: Case) -> None:
    """A daughter complains for her parents and an aunt, who do not find their way through the hotline."""
    rng, cast = case.rng, case.cast
    head, start = cast.person(rng), case.when(90)
    family, phone = cast.use(cast.family(head)[:4]).tolist(), int(case.book.actors["phone"][head])
    case.bystander("actor", family)
    for person in (family * 3)[:3]:
        spec = {"insurer": case.insurer(), "holder": person}
        _complained(case, spec, start + case.number(0, 30), {"phone": phone, "text": case.one_of(GRIEVANCES), "result": "rejected"})


def consumer_office(case: Case) -> None:
    """The consumer office writes for people who come to its counter: its telephone, its form, and complaints that are right."""
    rng, cast = case.rng, case.cast
    district, start, phone = cast.district(rng), case.when(120), case.fresh("phone")
    case.bystander("phone", phone)
    for person in cast.people(rng, case.size(5, 9), district).tolist():
        spec = {"insurer": case.insurer(), "holder": person}
        event = {"phone": phone, "text": case.one_of(GRIEVANCES), "result": "upheld"}
        _complained(case, spec, start + case.number(0, 110), event)


def rates_rise(case: Case) -> None:
    """Interest rates rise; savers of one bank branch surrender young policies, without complaint, at cash value."""
    rng, cast = case.rng, case.cast
    start, district = case.when(90), cast.district(rng)
    for person in cast.people(rng, case.size(5, 9), district).tolist():
        day, premium = start + case.number(0, 80), float(np.round(rng.lognormal(8.7, 0.6)))
        spec = {"insurer": case.insurer(), "holder": person, "starts": day - case.number(150, 420), "channel": "bank", "premium": premium}
        policy = case.policy(case.one_of(SAVINGS), status="surrendered", **spec)
        worth = float(rng.uniform(0.3, 0.7))
        give_back(case, (policy, person), day, (premium, worth, worth))
        case.bystander("policy", policy)


def _complained(case: Case, spec: dict[str, Any], day: Any, event: dict[str, Any]) -> None:
    premium = float(np.round(case.rng.lognormal(8.7, 0.6)))
    starts = day - case.number(90, 420)
    policy = case.policy(case.one_of(SAVINGS), starts=starts, premium=premium, channel="agent", status="surrendered", **spec)
    case.row("policy_events", policy_id=policy, kind="complaint", at=case.moment(day, (9, 18)), **event)
    money = premium, float(case.rng.uniform(0.7, 1)), float(case.rng.uniform(0.3, 0.6))
    give_back(case, (policy, spec["holder"]), day + case.number(9, 50), money)
    case.bystander("policy", policy)


def gift_covers(case: Case) -> None:
    """A flight, a bank card and a delivery app each give a free accident cover in the same month; then a fall."""
    _covered_often(case, {"gift": True, "premium": 5.0, "sum_insured": 20_000.0, "channel": "online"}, case.number(3, 5))


def company_covers(case: Case) -> None:
    """Employer, trade union and the worker each insure the same person around the start of a job."""
    group = int(case.book.new_ids("group", 0)[0])
    _covered_often(case, {"group": group, "insurer": 0}, case.number(3, 4))


def careful_buyer(case: Case) -> None:
    """Somebody cautious buys a cover at each insurer, breaks a leg half a year later, and claims on each."""
    _covered_often(case, {"channel": "online"}, case.number(2, 5), case.number(95, 240))


def _covered_often(case: Case, spec: dict[str, Any], n: int, wait: int = 0) -> None:
    rng, cast = case.rng, case.cast
    person, start = cast.person(rng), case.when(280, 120)
    admitted = start + 30 + (wait or case.number(5, 75))
    stay = {
        "person": person, "admitted": admitted, "days": cast.days(rng, 2, 1.4), "hospital": case.hospital_near(person),
        "diagnosis": case.one_of(("S82.2", "S52.5", "S93.4", "S42.0")), "truth": case.event(), "invoice": case.fresh("invoice"),
        "bill": cast.amount(rng, "accident", 1.6, 1.4),
    }  # fmt: skip
    case.bystander("actor", person)
    for insurer in case.spread(n):
        made = {"insurer": insurer, "holder": person, "starts": start + case.number(0, 28), **spec}
        case.stay(policy=case.policy("accident", **made), **stay)


def agent_tablet(case: Case) -> None:
    """A signing day with the insurer's tablet: a dozen customers of one agent on one device."""
    rng, cast = case.rng, case.cast
    insurer, day = case.insurer(), case.when(120)
    agent, device = cast.agent(rng, insurer), case.fresh("device")
    case.bystander("actor", agent)
    for person in cast.people(rng, case.size(11, 20), case.home(agent)).tolist():
        spec = {
            "insurer": insurer,
            "holder": person,
            "agent": agent,
            "device": device,
            "channel": "agent",
            "starts": day + 1,
            "issued": day,
        }
        policy = case.policy("accident", **spec)
        if case.chance(0.25):
            case.stay(policy=policy, person=person, admitted=day + case.number(10, 110))


def school_class(case: Case) -> None:
    """A teacher buys the class its excursion cover on one phone."""
    rng, cast = case.rng, case.cast
    insurer, day, device = case.insurer(), case.when(60), case.fresh("device")
    group = int(case.book.new_ids("group", insurer)[0])
    teacher = cast.person(rng)
    case.bystander("actor", teacher)
    spec = {"insurer": insurer, "holder": teacher, "group": group, "device": device, "issued": day, "starts": day + 2, "term_days": 30}
    for person in cast.people(rng, case.size(12, 20), case.home(teacher)).tolist():
        policy = case.policy("accident", insured=person, premium=8.0, **spec)
        case.bystander("policy", policy)
        if case.chance(0.15):
            case.stay(policy=policy, person=person, admitted=day + case.number(3, 25), days=case.number(1, 5))


def eager_shopper(case: Case) -> None:
    """Somebody orders a dozen dresses on a sales day, each with its return cover, and sends most of them back."""
    rng, cast = case.rng, case.cast
    insurer, day, person = case.insurer(), case.when(40), cast.person(rng)
    device = int(case.book.actors["device"][person])
    case.bystander("actor", person)
    case.bystander("device", device)
    for _ in range(case.size(10, 16)):
        spec = {"insurer": insurer, "holder": person, "device": device, "channel": "online", "starts": day, "issued": day}
        policy = case.policy("return_shipping", **spec)
        case.bystander("policy", policy)
        if case.chance(0.55):
            case.loss("return_shipping", policy=policy, person=person, event=case.moment(day + case.number(4, 16)))


def family_journey(case: Case) -> None:
    """A family has one phone and one account: one of them books all flights of a holiday, covers and all, and is paid."""
    rng, cast = case.rng, case.cast
    family = max((cast.family(cast.person(rng)) for _ in range(HOUSEHOLDS_TRIED)), key=len)[:5]
    booker, insurer, day = int(family[0]), case.insurer(), case.when(40)
    phone, account, device = (int(case.book.actors[name][booker]) for name in ("phone", "account", "device"))
    case.bystander("actor", cast.use(family))
    case.bystander("device", device)
    late = [case.chance(0.45) for _ in range(LEGS)]
    for person in family.tolist():
        case.contact(person, insurer, phone=phone, account=account)
        spec = {"insurer": insurer, "holder": person, "device": device, "channel": "online", "starts": day, "issued": day}
        for leg in range(LEGS):
            policy = case.policy("flight_delay", **spec)
            case.bystander("policy", policy)
            if late[leg]:
                event = case.moment(day + 4 * leg, (9, 11))
                case.loss("flight_delay", policy=policy, person=person, event=event, payee_account=account)
