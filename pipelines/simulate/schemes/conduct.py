"""Planted schemes of selling and surrendering. Each function writes one instance; sizes and strength vary, some are weak."""

from __future__ import annotations

import numpy as np

from pipelines.simulate.schemes.case import Case

SAVINGS = ("endowment", "annuity", "life", "universal_life")
DEMANDS = (
    "本人投保时业务员未如实告知保险责任及退保损失，并承诺收益高于银行存款，签名处并非本人签字，现要求全额退还保费，并依法追究业务员及贵司责任，如不处理将向监管部门继续投诉。",
    "销售人员以银行理财名义误导本人购买保险，未说明缴费期限与退保损失，回访电话系按业务员要求回答，请贵司立即全额退保，并赔偿利息损失，否则将通过监管热线和媒体维权到底。",
    "投保过程中未进行双录，业务员代为填写健康告知并隐瞒免责条款，严重侵害消费者知情权，现依据消费者权益保护规定要求解除合同并全额退费，请于十个工作日内书面答复本人。",
)
"""Demands as brokers of surrenders hand them out."""


def ghost_policies(case: Case) -> None:
    """An agent insures people who hardly know, pays the first premium, draws a commission and bonus above it, and lets it lapse."""
    rng, cast = case.rng, case.cast
    insurer, start = case.insurer(), case.when(250)
    agent = cast.agent(rng, insurer)
    phone, account = (int(case.book.actors[name][agent]) for name in ("phone", "account"))
    people = cast.people(rng, case.size(6, 13), case.home(agent)).tolist()
    case.perpetrator("actor", agent)
    case.participant("account", account)
    for person in people:
        day, premium = start + case.number(0, 60), float(np.round(rng.lognormal(7.9, 0.5)))
        payer = {"payer": account} if case.chance(0.4 + 0.5 * case.strength) else {}
        share = rng.uniform(0.4, 0.85)
        policy = case.policy(
            case.one_of(("life", "endowment", "critical_illness")), insurer=insurer, holder=person, agent=agent, channel="agent",
            starts=day, premium=premium, commission=round(premium * share), bonus=round(premium * rng.uniform(0.2, 0.6)),
            status="lapsed", **payer,
        )  # fmt: skip
        result = "failed" if case.chance(0.3 + 0.5 * case.strength) else "ok"
        case.row("policy_events", policy_id=policy, kind="callback", at=case.moment(day + 6, (9, 17)), result=result)
        case.row("policy_events", policy_id=policy, kind="lapse", at=case.moment(day + case.number(95, 185), (0, 1)))
        if case.chance(0.5):
            case.contact(person, insurer, phone=phone)
        case.participant("policy", policy)
        case.bystander("actor", person)


def proxy_surrender(case: Case) -> None:
    """A proxy finds holders of young savings policies, complains for them all with one phone and text, and takes a share of the refund."""
    rng, cast = case.rng, case.cast
    start = case.when(70)
    organiser = cast.person(rng)
    phone, text = int(case.book.actors["phone"][organiser]), case.one_of(DEMANDS)
    case.perpetrator("actor", organiser)
    case.perpetrator("phone", phone)
    payer = case.fresh("account") if case.chance(0.4) else None
    for place in range(case.size(5, 10)):
        person, day = cast.person(rng), start + case.number(0, 60)
        premium, insurer = float(np.round(rng.lognormal(8.7, 0.6))), place % len(case.book.insurers)
        policy = case.policy(
            case.one_of(SAVINGS), insurer=insurer, holder=person, starts=day - case.number(60, 400), premium=premium, channel="agent",
            status="surrendered", **({"payer": payer} if payer is not None else {}),
        )  # fmt: skip
        own = int(case.book.actors["phone"][person])
        voice = phone if case.chance(0.45 + 0.5 * case.strength) else own
        case.row(
            "policy_events", policy_id=policy, kind="complaint", at=case.moment(day, (9, 18)), phone=voice,
            text=_varied(case, text), result="rejected",
        )  # fmt: skip
        give_back(case, (policy, person), day + case.number(9, 40), (premium, rng.uniform(0.75, 1.0), rng.uniform(0.25, 0.6)))
        case.participant("actor", person)
        case.participant("policy", policy)


def give_back(case: Case, whose: tuple[int, int], day: np.datetime64, money: tuple[float, float, float]) -> None:
    """A surrender to the holder's account: (policy, holder), day, (premium, share of it refunded, share of it that was the cash value)."""
    (policy, holder), (premium, refunded, worth) = whose, money
    case.row(
        "policy_events", policy_id=policy, kind="surrender", at=case.moment(min(day, case.book.end - 1), (9, 17)),
        amount=round(premium * refunded, 2), cash_value=round(premium * worth, 2),
        account=int(case.book.actors["account"][holder]),
    )  # fmt: skip


def _varied(case: Case, text: str) -> str:
    """The template as somebody copied it: a sentence of their own now and then."""
    extra = ("望尽快处理。", "本人保留进一步投诉的权利。", "谢谢。", "", "")
    return case.one_of(("", "您好，", "")) + text + case.one_of(extra)


def stacking(case: Case) -> None:
    """Several covers at every insurer within a month, then a fall within three: each pays its daily allowance and its sum."""
    rng, cast = case.rng, case.cast
    person, start = cast.person(rng), case.when(150, 120)
    insurers = case.spread(case.number(3, 6))
    case.perpetrator("actor", person)
    admitted = start + 30 + case.number(25, 85)
    stay = {
        "person": person, "admitted": admitted, "days": cast.days(rng, 2.2, 1.3), "hospital": case.hospital_near(person),
        "diagnosis": case.one_of(("S93.4", "S80.1", "S61.0", "S20.2", "S22.3")), "truth": case.event(), "invoice": case.fresh("invoice"),
        "bill": cast.amount(rng, "accident", 1.6, 1.4),
    }  # fmt: skip
    for insurer in insurers:
        benefit = float(rng.choice([100, 150, 200, 300], p=[0.4, 0.3, 0.2, 0.1]))
        starts = start + case.number(0, 28)
        policy = case.policy("accident", insurer=insurer, holder=person, starts=starts, daily_benefit=benefit, channel="online")
        case.stay(policy=policy, **stay)
        case.participant("policy", policy)
    if case.chance(0.5):
        older = start - case.number(60, 220)
        case.stay(policy=case.policy("accident", insurer=insurers[0], holder=person, starts=older), **stay)


def device_bulk(case: Case) -> None:
    """One phone buys a dozen small covers for other people's names in a day, then claims on many of them within the fortnight."""
    rng, cast = case.rng, case.cast
    insurer, start = case.insurer(), case.when(60, 60)
    owner, device = cast.person(rng), case.fresh("device")
    case.perpetrator("actor", owner)
    case.perpetrator("device", device)
    line = case.one_of(("return_shipping", "flight_delay"))
    names = cast.people(rng, case.size(4, 9)).tolist()
    shop = {"shop": cast.local(rng, "shop", cast.district(rng))} if line == "return_shipping" else {}
    account = int(case.book.actors["account"][owner])
    for burst in range(2 if case.chance(0.35) else 1):
        day = start + 25 * burst
        for _ in range(case.size(10, 15)):
            person = case.one_of(names)
            policy = case.policy(line, insurer=insurer, holder=person, starts=day, issued=day, device=device, channel="online")
            case.participant("policy", policy)
            if case.chance(0.3 + 0.2 * case.strength):
                event = case.moment(day + (case.number(3, 15) if shop else 0))
                money = {"payee_account": account} if case.chance(0.5) else {}
                case.loss(line, policy=policy, person=person, event=event, **shop, **money)
    case.participant("actor", names)
