"""Policies of every line with their coverages, premiums and commissions; honest selling, renewals and service events on top."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from features.schema import LINES
from pipelines.simulate import world
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints, coded
from pipelines.simulate.records import ID_BASE
from pipelines.simulate.spec import Spec

CHANNELS = ("agent", "broker", "bank", "online", "direct", "group")
STATES = ("active", "expired")
AGENT_DEVICE = 0.01
"""Share of agent-sold policies that were entered on the agent's own device."""


@dataclass(frozen=True)
class Plan:
    """What is usual for a line: products, term and waiting days, premium (median), cover per premium, commission, channels."""

    products: tuple[str, ...]
    term: int
    waiting: int
    premium: float
    cover: float
    commission: float
    channels: tuple[float, ...]
    coverage: str = ""
    daily: float = 0.0


PLANS = {
    "health": Plan(("medical", "medical-plus", "inpatient"), 365, 30, 600, 800, 0.15, (0.4, 0.07, 0.08, 0.25, 0.1, 0.1), "indemnity", 0.25),
    "accident": Plan(("accident", "accident-plus"), 365, 0, 220, 600, 0.2, (0.4, 0.08, 0.1, 0.25, 0.07, 0.1), "fixed", 0.7),
    "critical_illness": Plan(("ci-term", "ci-whole"), 7300, 90, 4200, 45, 0.35, (0.62, 0.1, 0.1, 0.13, 0.05, 0), "fixed"),
    "life": Plan(("term-life", "whole-life", "credit-life"), 5475, 180, 3000, 70, 0.35, (0.55, 0.08, 0.25, 0.07, 0.05, 0), "fixed"),
    "annuity": Plan(("annuity",), 7300, 0, 9000, 12, 0.2, (0.6, 0.08, 0.32, 0, 0, 0), "fixed"),
    "endowment": Plan(("endowment",), 3650, 0, 8000, 12, 0.18, (0.45, 0.05, 0.5, 0, 0, 0), "fixed"),
    "universal_life": Plan(("universal",), 7300, 0, 12000, 10, 0.12, (0.45, 0.05, 0.5, 0, 0, 0), "fixed"),
    "motor": Plan(("compulsory", "commercial"), 365, 0, 2600, 250, 0.1, (0.35, 0.1, 0.05, 0.2, 0.3, 0), "liability"),
    "employer_liability": Plan(("employer",), 365, 0, 18000, 60, 0.12, (0.3, 0.4, 0, 0.05, 0.25, 0), "liability"),
    "agriculture": Plan(("pig", "cattle"), 365, 7, 1500, 22, 0, (0, 0, 0, 0, 1, 0), "property"),
    "cargo": Plan(("cargo",), 20, 0, 150, 900, 0.1, (0.1, 0.4, 0, 0.3, 0.2, 0), "property"),
    "return_shipping": Plan(("return",), 20, 0, 1.2, 10, 0, (0, 0, 0, 1, 0, 0)),
    "flight_delay": Plan(("flight",), 2, 0, 25, 12, 0, (0, 0, 0, 0.95, 0.05, 0)),
}
AGENT_RECORDS = ("health", "critical_illness", "life", "annuity", "endowment", "universal_life")
"""Lines whose agent-sold policies come with premium and commission payments."""


def issue(book: BookBuilder, line: str, columns: pd.DataFrame | dict[str, Any]) -> Ints:
    """Issue policies; see the package docstring for the columns of the spec.

    Parameters
    ----------
    book : BookBuilder
        Gets rows in policies, policy_coverages, premium_payments and commission_payments.
    line : str
        A key of ``PLANS``.
    columns : DataFrame or dict
        ``insurer`` and ``holder`` are needed; KeyError for a column nobody knows.

    Returns
    -------
    array of int64, shape (rows,)
        Policy ids in the order of the spec.
    """
    spec, rng = Spec(columns), book.rng(f"issue {line}")
    who = _people(book, rng, line, spec)
    terms = _terms(book, rng, line, spec)
    money = _money(rng, line, spec, who)
    spec.get("district", NONE)
    ids = book.new_ids("policy", who["insurer"])
    _register(book, line, ids, {**who, **terms, **money})
    _write(book, line, spec, {"policy_id": ids, **who, **terms, **money})
    _coverages(book, line, spec, {"policy_id": ids, **who, **terms, **money})
    _payments(
        book, rng, line, {"policy_id": ids, **who, **terms, **money, "payer": spec.get("payer", NONE), "unpaid": spec.get("unpaid", False)}
    )
    spec.done()
    return ids


def _people(book: BookBuilder, rng: np.random.Generator, line: str, spec: Spec) -> dict[str, Ints]:
    insurer, holder = spec.need("insurer").astype("int64"), spec.need("holder").astype("int64")
    insured = spec.get("insured", holder).astype("int64")
    district = book.actors["district"][holder]
    share = np.array(PLANS[line].channels)
    channel = rng.choice(len(CHANNELS), spec.n, p=share / share.sum())
    named = spec.get("channel", None) if spec.stated("channel") else np.full(spec.n, None)
    channel = np.select([named == name for name in CHANNELS], range(len(CHANNELS)), channel)
    channel = np.where(spec.get("group", NONE) >= 0, CHANNELS.index("group"), channel)
    at = np.where(rng.random(spec.n) < 0.93, district, rng.integers(0, 38, spec.n))
    local_agent = world.agents(book).pick(rng, insurer * 38 + at)
    if spec.stated("agent"):
        channel = np.where((spec.need("agent") >= 0) & (channel > 1), 0, channel)
    agent = np.where(channel <= 1, spec.get("agent", local_agent), NONE)
    people = {"insurer": insurer, "holder": holder, "insured": insured, "agent": agent, "channel": channel}
    return {**people, "beneficiary": spec.get("beneficiary", NONE).astype("int64"), "group": spec.get("group", NONE)}


def _terms(book: BookBuilder, rng: np.random.Generator, line: str, spec: Spec) -> dict[str, Any]:
    plan = PLANS[line]
    starts = spec.get("starts", random_days(book, rng, spec.n)).astype("datetime64[D]")
    lead = (rng.integers(0, 3 if plan.term < 40 else 12, spec.n)).astype("timedelta64[D]")
    issued = np.minimum(spec.get("issued", starts - lead).astype("datetime64[D]"), book.end)
    term = spec.get("term_days", plan.term).astype("int64")
    waiting = spec.get("waiting_days", plan.waiting).astype("int64")
    ends = starts + (term - 1).astype("timedelta64[D]")
    renewal = spec.get("renewal_of", NONE).astype("int64")
    no_wait = (waiting <= 0) | (renewal >= 0)
    waiting_ends = np.where(no_wait, np.datetime64("NaT", "D"), starts + waiting.astype("timedelta64[D]"))
    return {"starts": starts, "issued": issued, "ends": ends, "renewal_of": renewal, "waiting_ends": waiting_ends}


def _money(rng: np.random.Generator, line: str, spec: Spec, who: dict[str, Ints]) -> dict[str, Any]:
    plan = PLANS[line]
    premium = np.round(spec.get("premium", plan.premium * rng.lognormal(0, 0.45, spec.n)).astype(float), 1 if plan.premium < 50 else 0)
    cover = spec.get("sum_insured", _rounded(premium * plan.cover * rng.lognormal(0, 0.25, spec.n))).astype(float)
    has_daily = rng.random(spec.n) < plan.daily
    daily = spec.get("daily_benefit", np.where(has_daily, rng.choice([50, 80, 100, 150, 200, 300], spec.n), np.nan)).astype(float)
    sold = who["agent"] >= 0
    rate = plan.commission * rng.uniform(0.7, 1.3, spec.n)
    commission = spec.get("commission", np.where(sold & (rate > 0), np.round(premium * rate, 0), np.nan)).astype(float)
    bonus = np.where(sold & (rng.random(spec.n) < 0.12), np.round(premium * rng.uniform(0.02, 0.4, spec.n), 0), np.nan)
    return {
        "premium": premium,
        "sum_insured": cover,
        "daily": daily,
        "commission": commission,
        "bonus": spec.get("bonus", bonus).astype(float),
    }


def _rounded(values: Any) -> Any:
    step = 10.0 ** np.maximum(np.floor(np.log10(np.maximum(values, 1))) - 1, 0)
    return np.round(values / step) * step


def _register(book: BookBuilder, line: str, ids: Ints, data: dict[str, Any]) -> None:
    kept = ("holder", "insured", "agent", "beneficiary", "group", "starts", "ends", "premium", "sum_insured", "daily")
    for index in np.unique(data["insurer"]):
        here = data["insurer"] == index
        book.covers[index].extend(int(here.sum()), {"line": LINES.index(line), **{k: data[k][here] for k in kept}})


def _write(book: BookBuilder, line: str, spec: Spec, data: dict[str, Any]) -> None:
    rng, insurer = book.rng(f"issue {line}"), data["insurer"]
    online = data["channel"] == CHANNELS.index("online")
    tablet = (data["agent"] >= 0) & (rng.random(spec.n) < AGENT_DEVICE)
    device = np.where(online, book.actors["device"][data["holder"]], np.where(tablet, book.actors["device"][data["agent"]], NONE))
    home = book.actors["district"][data["holder"]]
    sold = np.where(data["agent"] >= 0, book.actors["district"][data["agent"]], -1)
    sold = np.where(sold == home, -1, sold)
    recording = rng.random(spec.n) < (0.4 if PLANS[line].waiting > 30 else 0)
    products = rng.choice(PLANS[line].products, spec.n).astype("object")
    ended = np.where(data["ends"] <= book.end, 1, 0)
    book.append(
        "policies", policy_id=data["policy_id"], line=line, product=spec.get("product", products), channel=coded(data["channel"], CHANNELS),
        agent_id=book.party(data["agent"], insurer), branch_id=insurer * ID_BASE + home + 1, holder_id=book.party(data["holder"], insurer),
        insured_id=book.party(data["insured"], insurer), beneficiary_id=book.party(data["beneficiary"], insurer), group_id=data["group"],
        issued_on=data["issued"], starts_on=data["starts"], waiting_ends_on=data["waiting_ends"], ends_on=data["ends"],
        renewal_of=data["renewal_of"], premium=data["premium"], sum_insured=data["sum_insured"], commission=data["commission"],
        bonus=data["bonus"], district=coded(home, world.DISTRICTS), sold_district=coded(sold, world.DISTRICTS),
        device_id=spec.get("device", device), ip=np.where(online, rng.integers(0, 2**31, spec.n), NONE),
        recording_required=np.where(recording, 1, NONE), gift=spec.get("gift", NONE), compulsory=spec.get("compulsory", NONE),
        recording_quality=coded(np.where(recording, rng.choice(3, spec.n, p=[0.9, 0.07, 0.03]), -1), ("good", "poor", "missing")),
        status=spec.get("status", np.array(STATES, dtype="object")[ended]) if spec.stated("status") else coded(ended, STATES),
    )  # fmt: skip


def _coverages(book: BookBuilder, line: str, spec: Spec, data: dict[str, Any]) -> None:
    share = spec.get("co_insurance", NONE)
    if not PLANS[line].coverage or line == "motor":
        return
    book.append(
        "policy_coverages", policy_id=data["policy_id"], coverage_id=data["insurer"] * ID_BASE + 1, kind=PLANS[line].coverage,
        limit=data["sum_insured"], deductible=np.where(spec.get("deductible", np.nan) > 0, spec.get("deductible", np.nan), np.nan),
        daily_benefit=data["daily"], co_insurance_id=share,
    )  # fmt: skip


def _payments(book: BookBuilder, rng: np.random.Generator, line: str, data: dict[str, Any]) -> None:
    kept = (line in AGENT_RECORDS) & (data["agent"] >= 0) | (data["payer"] >= 0)
    due = data["starts"]
    paid = kept & ~data["unpaid"].astype(bool)
    account = np.where(data["payer"] >= 0, data["payer"], book.actors["account"][data["holder"]])
    when = data["issued"] + rng.integers(0, 4, len(paid)).astype("timedelta64[D]")
    book.append(
        "premium_payments",
        policy_id=data["policy_id"][paid],
        due_on=due[paid],
        paid_at=when[paid],
        amount=data["premium"][paid],
        account=account[paid],
    )
    earned = kept & (data["commission"] > 0)
    agent = book.party(data["agent"], data["insurer"])
    fee = {"policy_id": data["policy_id"], "agent_id": agent, "at": data["issued"] + 30, "amount": data["commission"]}
    book.append("commission_payments", kind="commission", **{k: v[earned] for k, v in fee.items()})


def random_days(book: BookBuilder, rng: np.random.Generator, n: int) -> Any:
    """Days from a year before the period to its end, more of them in January and June (campaigns)."""
    days = rng.integers(0, int((book.end - book.start).astype(int)) + 366, n)
    year, of_year = days // 365, days % 365
    campaign = rng.random(n) < 0.12
    return book.start - 365 + np.where(campaign, year * 365 + np.where(of_year < 180, of_year % 31, 150 + of_year % 30), days)
