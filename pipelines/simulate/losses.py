"""Claims of the other lines: illness and death, employees, livestock, cargo, parcels and flights."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from pipelines.simulate import accidents, catalogue, filing, stays, vehicles, world
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import NONE, Ints
from pipelines.simulate.spec import Spec

Rng: TypeAlias = np.random.Generator
REPORT_HOURS = {
    "critical_illness": 500,
    "life": 240,
    "employer_liability": 30,
    "agriculture": 8,
    "cargo": 24,
    "return_shipping": 20,
    "flight_delay": 6,
}
PAID_SHARE = {"critical_illness": 1.0, "life": 1.0, "employer_liability": 0.85, "agriculture": 0.9, "cargo": 0.8}
DECISION_DAYS = {
    "critical_illness": 22,
    "life": 20,
    "employer_liability": 30,
    "agriculture": 12,
    "cargo": 20,
    "return_shipping": 1,
    "flight_delay": 2,
}


def claim(book: BookBuilder, line: str, columns: pd.DataFrame | dict[str, Any]) -> Ints:
    """Claims of a line of ``REPORT_HOURS``; see the package docstring for the columns of the spec.

    Returns
    -------
    array of int64, shape (rows,)
        Claim ids in the order of the spec.
    """
    spec, rng = Spec(columns), book.rng(f"losses {line}")
    policy, person = spec.need("policy").astype("int64"), spec.need("person").astype("int64")
    event = spec.get("event", _events(book, rng, policy)).astype("datetime64[s]")
    at, place = book.actors["district"][person].astype("int64"), spec.get("place", book.new_numbers("place", spec.n))
    row = {
        "policy": policy, "event": event, "reported": filing.reported(rng, spec, event, REPORT_HOURS[line]), "days": DECISION_DAYS[line],
        "district": at, "place": accidents.places(rng, place, at, accidents.ERROR_RATES["place_missing_other"]),
        "share": np.full(spec.n, PAID_SHARE.get(line, 1.0)),
        "amount": spec.get("amount", np.nan).astype(float), "narrative": spec.get("narrative", None) if spec.stated("narrative") else None,
    }  # fmt: skip
    roles = {"insured": person, "claimant": person, "reporter": spec.get("reporter", NONE)}
    ids = WRITERS[line](book, rng, spec, row, roles)
    spec.done()
    return ids


def _events(book: BookBuilder, rng: Rng, policy: Ints) -> Any:
    """A moment while the policy is in force and inside the period."""
    cover = book.cover(policy, "starts", "ends")
    low = np.maximum(cover["starts"], book.start)
    high = np.maximum(np.minimum(cover["ends"], book.end - 30), low)
    days = (rng.random(len(policy)) * ((high - low).astype(int) + 1)).astype("int64")
    return (low + days.astype("timedelta64[D]")).astype("datetime64[s]") + filing.hours(rng.uniform(6, 22, len(policy)))


def _treated(book: BookBuilder, rng: Rng, spec: Spec, person: Ints) -> dict[str, Ints]:
    hospital = spec.get("hospital", stays.hospital_for(book, rng, book.actors["district"][person])).astype("int64")
    return {"hospital": hospital, "doctor": spec.get("doctor", world.doctors(book).pick(rng, hospital)).astype("int64")}


def _diagnosed(book: BookBuilder, rng: Rng, spec: Spec, ids: Ints, rows: Any) -> None:
    drawn = catalogue.column(rows, 0)[catalogue.pick(rng, rows, len(ids))]
    book.append("claim_diagnoses", claim_id=ids, seq=1, code=spec.get("diagnosis", drawn))


def _illness(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    row = {**row, "amount": _or(row["amount"], book.cover(row["policy"], "sum_insured")["sum_insured"])}
    ids = filing.file(book, rng, spec, row, {**roles, **_treated(book, rng, spec, roles["insured"])})
    _diagnosed(book, rng, spec, ids, catalogue.GRAVE)
    return ids


def _death(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    """The beneficiary, else somebody of the household, claims; half of the deaths name a hospital."""
    dead = roles["insured"]
    book.actors["deceased"][dead] = row["event"].astype("datetime64[D]")
    named = book.cover(row["policy"], "beneficiary")["beneficiary"]
    heir = np.where(named >= 0, named, relative(book, dead))
    care = _treated(book, rng, spec, dead)
    care = {k: np.where(rng.random(spec.n) < 0.5, v, NONE) for k, v in care.items()}
    row = {**row, "amount": _or(row["amount"], book.cover(row["policy"], "sum_insured")["sum_insured"])}
    ids = filing.file(book, rng, spec, row, {**roles, "claimant": heir, **care})
    _diagnosed(book, rng, spec, ids, catalogue.GRAVE)
    return ids


def relative(book: BookBuilder, person: Ints) -> Ints:
    """A neighbour in the register of the same household, else the person's own estate."""
    actors, last = book.actors, book.actors.size - 1
    after, before = np.minimum(person + 1, last), np.maximum(person - 1, 0)
    house = actors["household"][person]
    return np.select([actors["household"][before] == house, actors["household"][after] == house], [before, after], person)


def _worker(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    """The employer claims and is mostly paid; the worker is the insured of the claim."""
    boss = spec.get("employer", book.cover(row["policy"], "holder")["holder"]).astype("int64")
    row = {**row, "amount": _or(row["amount"], np.round(rng.lognormal(9.4, 0.8, spec.n), 2))}
    paid_to = np.where(rng.random(spec.n) < 0.6, boss, roles["insured"])
    parties = {**roles, "claimant": boss, "employer": boss, "payee": paid_to, **_treated(book, rng, spec, roles["insured"])}
    parties["reporter"] = spec.get("reporter", boss)
    ids = filing.file(book, rng, spec, row, parties)
    _diagnosed(book, rng, spec, ids, catalogue.INJURIES)
    return ids


def _livestock(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    """Dead animals of a lot: tag, head, a photo at the survey. Tags are misread now and then."""
    heads = np.maximum(1, np.round(rng.lognormal(0.8, 0.8, spec.n)))
    row = {**row, "amount": _or(row["amount"], np.round(heads * rng.uniform(500, 1600, spec.n), 0))}
    ids = filing.file(book, rng, spec, row, roles)
    at = insurer_of(ids)
    lot = spec.get("object", NONE).astype("int64")
    if (new := lot < 0).any():
        lot = np.where(new, NONE, lot)
        lot[new] = vehicles.lots(
            book, at[new], kind="livestock_lot", ear_tag=book.new_numbers("ear_tag", int(new.sum())), headcount=heads[new]
        )
    book.append("claim_objects", claim_id=ids, object_id=lot, side="own", assessed=row["amount"])
    assessor = book.party(world.assessors(book).pick(rng, at * 38 + row["district"]), at)
    photo = spec.get("photo", book.new_numbers("photo", spec.n))
    when = row["reported"] + filing.hours(rng.uniform(1, 30, spec.n))
    book.append("surveys", claim_id=ids, kind="survey", by_party_id=assessor, at=when, estimate=row["amount"], photo_hash=photo)
    return ids


def _cargo(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    row = {**row, "amount": _or(row["amount"], np.round(rng.lognormal(8.6, 0.9, spec.n), 2))}
    return filing.file(book, rng, spec, row, roles)


def _parcel(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    """A returned parcel pays the postage; the order tells when it went out, came and went back."""
    row = {**row, "amount": _or(row["amount"], np.round(rng.uniform(5, 14, spec.n), 0))}
    shop = spec.get("shop", world.local(book, "shop").pick(rng, rng.integers(0, 38, spec.n))).astype("int64")
    ids = filing.file(book, rng, spec, row, roles)
    back = row["event"]
    came = back - filing.hours(24 * spec.get("returned", rng.gamma(2, 1.4, spec.n) + 0.2).astype(float))
    numbers = {"order_id": book.new_ids("order", insurer_of(ids)), "waybill": book.new_numbers("waybill", spec.n)}
    sent = came - filing.hours(rng.uniform(24, 120, spec.n))
    book.append(
        "orders",
        policy_id=row["policy"],
        shop_id=book.party(shop, insurer_of(ids)),
        shipped_at=sent,
        received_on=came,
        returned_at=back,
        **numbers,
    )
    return ids


def _flight(book: BookBuilder, rng: Rng, spec: Spec, row: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    row = {**row, "amount": _or(row["amount"], rng.choice([100.0, 200, 300, 400], spec.n))}
    boarded = rng.random(spec.n) < 0.93
    book.append("flights", policy_id=row["policy"], flight_no=rng.integers(1000, 9999, spec.n), boarded=boarded)
    return filing.file(book, rng, spec, row, roles)


def _or(given: Any, drawn: Any) -> Any:
    return np.where(np.isnan(given), drawn, given)


Writer: TypeAlias = Callable[[BookBuilder, Rng, Spec, dict[str, Any], dict[str, Ints]], Ints]
WRITERS: dict[str, Writer] = {
    "critical_illness": _illness, "life": _death, "employer_liability": _worker, "agriculture": _livestock, "cargo": _cargo,
    "return_shipping": _parcel, "flight_delay": _flight,
}  # fmt: skip
