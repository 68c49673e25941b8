"""What honestly happens to long-term policies: callbacks, lapses, surrenders, complaints, changes of beneficiary."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.schema import LINES
from pipelines.simulate import world
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import NONE, Ints, coded

LONG = ("critical_illness", "life", "annuity", "endowment", "universal_life")
SHARES = {"callback": 0.5, "surrender": 0.07, "lapse": 0.06, "complaint": 0.012, "beneficiary_change": 0.015, "loan": 0.01}
"""Shares of long-term policies; half of the complaints are about sales talk and come before a surrender."""
CALLBACK_FAILS = 0.05
UPHELD = 0.35
TEXTS = (
    "业务员介绍时说每年可以随时取款，实际不能",
    "收益与销售时说的不一样，要求说明", "未收到纸质保单", "要求退还本年度保费", "电话回访内容不清楚",
    "理赔材料要求反复补充", "续保扣款没有提前通知", "代理人离职后无人服务",
    "合同条款看不懂，要求解释", "缴费期限与口头承诺不符",
)  # fmt: skip


def happen(book: BookBuilder) -> None:
    """Write the honest policy events of all long-term policies, and the lists of parties that are known to be busy."""
    rng = book.rng("service")
    _exempt(book)
    held = _long_term(book)
    for kind, share in SHARES.items():
        part = held[rng.random(len(held)) < share]
        WRITERS.get(kind, _plain)(book, rng, kind, part)


def headcounts(book: BookBuilder) -> None:
    """State how many workers the firms with employer liability have: their people in the region, misjudged a little."""
    rng, line = book.rng("headcounts"), LINES.index("employer_liability")
    employed = np.bincount(book.actors["employer"][book.actors["employer"] >= 0], minlength=book.actors.size)
    for index, cover in enumerate(book.covers):
        firms = np.unique(cover["holder"][cover["line"] == line])
        heads = np.where(employed[firms] > 0, employed[firms] * rng.uniform(0.8, 1.4, len(firms)), rng.integers(6, 25, len(firms)))
        kind = coded(np.zeros(len(firms)), ("employer",))
        known = book.start.astype("datetime64[s]")
        book.append("facts", subject_kind=kind, subject_id=book.party(firms, index), name="headcount", value=np.ceil(heads), known_at=known)


def _exempt(book: BookBuilder) -> None:
    """Each insurer lists its 4S dealers with their phones, and the only hospital of a county."""
    garages, hospitals = book.of_kind("garage"), book.of_kind("hospital")
    dealers = garages[book.actors["level"][garages] == world.GARAGE_LEVELS.index("4S")]
    lone = hospitals[np.isin(book.actors["district"][hospitals], world.LONE_HOSPITAL)]
    for actors, reason in ((dealers, "4S dealer"), (lone, "only hospital of a county")):
        for index in range(len(book.insurers)):
            party = book.known_parties(actors, index)
            known, phone = party >= 0, book.actors["phone"][actors]
            book.append("party_exemptions", party_id=party[known], reason=reason, phone=phone[known])


def _long_term(book: BookBuilder) -> pd.DataFrame:
    found = []
    for index, cover in enumerate(book.covers):
        rows = np.flatnonzero(np.isin(cover["line"], [LINES.index(line) for line in LONG]))
        kept = {name: cover[name][rows] for name in ("holder", "starts", "premium", "agent")}
        found.append(pd.DataFrame({"policy": rows + 1 + index * 1_000_000_000, **kept}))
    return pd.concat(found, ignore_index=True)


def _write(book: BookBuilder, kind: str, held: pd.DataFrame, at: Any, **columns: Any) -> None:
    """Events that are still within the period."""
    inside = at <= np.datetime64(book.end)
    ids = held["policy"].to_numpy()[inside]
    if len(ids):
        cut = {name: value[inside] for name, value in columns.items()}
        book.append("policy_events", event_id=book.new_ids("event", insurer_of(ids)), policy_id=ids, kind=kind, at=at[inside], **cut)


def _after(rng: np.random.Generator, held: pd.DataFrame, days: Any) -> Any:
    seconds = (days * 86_400).astype("int64") // 86_400 * 86_400 + rng.integers(8 * 3600, 18 * 3600, len(held))
    return held["starts"].to_numpy().astype("datetime64[s]") + seconds.astype("timedelta64[s]")


def _plain(book: BookBuilder, rng: np.random.Generator, kind: str, held: pd.DataFrame) -> None:
    by = book.party(held["holder"].to_numpy(), insurer_of(held["policy"].to_numpy()))
    _write(book, kind, held, _after(rng, held, rng.uniform(60, 1000, len(held))), by_party_id=by)


def _callback(book: BookBuilder, rng: np.random.Generator, kind: str, held: pd.DataFrame) -> None:
    failed = rng.random(len(held)) < CALLBACK_FAILS
    _write(book, kind, held, _after(rng, held, rng.uniform(2, 14, len(held))), result=coded(failed.astype(int), ("ok", "failed")))


def _surrender(book: BookBuilder, rng: np.random.Generator, kind: str, held: pd.DataFrame) -> None:
    """Soon after the start inside the free look, or years later at the cash value; to the holder's own account."""
    free = rng.random(len(held)) < 0.2
    days = np.where(free, rng.uniform(3, 15, len(held)), rng.uniform(150, 1000, len(held)))
    years = np.ceil(days / 365)
    paid_in = held["premium"].to_numpy() * years
    value = np.round(np.where(free, paid_in, paid_in * np.clip(0.2 + 0.13 * years + rng.normal(0, 0.05, len(held)), 0.1, 0.9)), 2)
    amount = np.round(value * np.where(rng.random(len(held)) < 0.04, rng.uniform(1.1, 1.8, len(held)), 1), 2)
    account = book.actors["account"][held["holder"].to_numpy()]
    _write(book, kind, held, _after(rng, held, days), amount=amount, cash_value=value, account=account)


def _complaint(book: BookBuilder, rng: np.random.Generator, kind: str, held: pd.DataFrame) -> None:
    text = np.array(TEXTS, dtype="object")[rng.integers(0, len(TEXTS), len(held))]
    result = coded((rng.random(len(held)) > UPHELD).astype(int), ("upheld", "rejected"))
    columns: dict[str, Any] = {"phone": _phone(book, rng, held), "text": text, "result": result}
    by = book.party(held["holder"].to_numpy(), insurer_of(held["policy"].to_numpy()))
    _write(book, kind, held, _after(rng, held, rng.uniform(20, 900, len(held))), by_party_id=by, **columns)


def _phone(book: BookBuilder, rng: np.random.Generator, held: pd.DataFrame) -> Ints:
    return np.where(rng.random(len(held)) < 0.1, NONE, book.actors["phone"][held["holder"].to_numpy()])


WRITERS = {"callback": _callback, "surrender": _surrender, "complaint": _complaint}
