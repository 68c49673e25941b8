"""Hospital stays claimed under health and accident policies: diagnosis, bill, items, and whoever treated."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.schema import LINES
from pipelines.simulate import accidents, catalogue, filing, world
from pipelines.simulate.accidents import ERROR_RATES
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import NONE, Ints
from pipelines.simulate.spec import Spec

HOME_TREATED = 0.8
"""Share treated in the district they live in; the rest go where the big hospitals are, or anywhere."""
CHILDBEARING = (18, 45)
"""Ages of women whose stays may be for a birth."""
POLICE = 0.06
"""Share of injuries from accidents the police came to."""
TREATED = (14.0, 1.6)
"""Beta parameters of the share of a stay's days with treatment items: about one honest stay in fourteen stays below .75."""


def claim(book: BookBuilder, columns: pd.DataFrame | dict[str, Any]) -> Ints:
    """Claims for stays; see the package docstring for the columns of the spec.

    Returns
    -------
    array of int64, shape (rows,)
        Claim ids in the order of the spec (of the first policy, where a ``second`` one is claimed on too).
    """
    spec, rng = Spec(columns), book.rng("stays")
    stay = _stay(book, rng, spec)
    ids = _file(book, rng, spec, stay, _money(book, rng, spec, stay))
    second = spec.get("second", NONE).astype("int64")
    if (both := second >= 0).any():
        again = {k: v[both] for k, v in stay.items()}
        part = spec.where(both)
        _file(book, rng, part, {**again, "policy": second[both]}, _again(book, rng, part, {**again, "policy": second[both]}))
    spec.done()
    return ids


def drawn(book: BookBuilder, columns: dict[str, Any]) -> pd.DataFrame:
    """Stays as a complete spec for :func:`claim`, so that a caller can first repeat, move or drop some."""
    stay = _stay(book, book.rng("stays drawn"), Spec(columns))
    kept = ("policy", "person", "hospital", "doctor", "diagnosis", "admitted", "days", "treated", "invoice")
    return pd.DataFrame({name: stay[name] for name in kept})


def _file(book: BookBuilder, rng: np.random.Generator, spec: Spec, stay: dict[str, Any], money: dict[str, Any]) -> Ints:
    discharged = stay["admitted"] + stay["days"].astype("timedelta64[D]")
    left = discharged + filing.hours(rng.uniform(9, 18, spec.n))
    row = {
        "policy": stay["policy"], "admitted_on": stay["admitted"], "discharged_on": discharged, "days": 9, "amount": money["amount"],
        "share": rng.uniform(0.82, 1, spec.n), "narrative": _narrative(rng, spec, stay),
        **_told(rng, stay, book.actors["district"][stay["hospital"]].astype("int64"), filing.reported(rng, spec, left, 70.0)),
    }  # fmt: skip
    person = stay["person"]
    claimant = _claimants(book, person, book.cover(row["policy"], "holder")["holder"])
    roles = {
        "insured": person,
        "claimant": claimant,
        "hospital": stay["hospital"],
        "doctor": stay["doctor"],
        "reporter": spec.get("reporter", NONE),
    }
    ids = filing.file(book, rng, spec, row, roles)
    _papers(book, ids, stay, money)
    _items(book, rng, ids, stay, money)
    return ids


def _told(rng: np.random.Generator, stay: dict[str, Any], district: Ints, reported: Any) -> dict[str, Any]:
    """When and where it happened, as this report has it; a place is asked for after accidents."""
    missing = np.where(stay["injury"], ERROR_RATES["place_missing_accident"], ERROR_RATES["place_missing_other"])
    event = accidents.times(rng, stay["event"], reported, ERROR_RATES["time_missing_stay"])
    return {
        "event": event, "reported": reported, "district": district,
        "place": accidents.places(rng, stay["place"], district, missing),
        "police_report_no": accidents.police(rng, stay["police"], ERROR_RATES["police_missing_stay"]),
    }  # fmt: skip


def _stay(book: BookBuilder, rng: np.random.Generator, spec: Spec) -> dict[str, Any]:
    person = spec.need("person")
    policy = spec.need("policy").astype("int64")
    injury = book.cover(policy, "line")["line"] == LINES.index("accident")
    hospital = spec.get("hospital", hospital_for(book, rng, book.actors["district"][person])).astype("int64")
    doctor = spec.get("doctor", world.doctors(book).pick(rng, hospital)).astype("int64")
    latest = (book.end - 20 - book.start).astype(int)
    admitted = spec.get("admitted", book.start + rng.integers(0, latest, spec.n)).astype("datetime64[D]")
    code, days, cost = _drawn_diagnosis(rng, injury, _may_give_birth(book, person, admitted))
    given = spec.get("diagnosis", code).astype("object")
    slow = np.select([book.actors["specialty"][hospital] == k for k in catalogue.SLOW], list(catalogue.SLOW.values()), 1.0)
    length = np.maximum(1, np.round(days * slow * rng.lognormal(0, 0.45, spec.n)))
    level = np.maximum(book.actors["level"][hospital], 0)
    return {
        "policy": policy, "invoice": spec.get("invoice", book.new_numbers("invoice", spec.n)),
        **_happened(book, rng, spec, (admitted, injury)),
        "person": person, "hospital": hospital, "doctor": doctor, "diagnosis": given, "admitted": admitted, "injury": injury,
        "days": spec.get("days", length).astype("int64"), "cost": cost * np.array(catalogue.LEVEL_COST)[level],
        "treated": spec.get("treated", rng.beta(*TREATED, spec.n)).astype(float),
    }  # fmt: skip


def _happened(book: BookBuilder, rng: np.random.Generator, spec: Spec, case: tuple[Any, Any]) -> dict[str, Any]:
    """Time, place and police number of stays (day of admission, after an injury?), one for all claims of a true event."""
    admitted, injury = case
    truth = spec.get("truth", book.new_events(spec.n))
    hour = filing.hours(np.round(rng.uniform(7, 19, spec.n), 1))
    called = np.where(injury & (rng.random(spec.n) < POLICE), book.new_numbers("police", spec.n), NONE)
    found = {
        "event": spec.get("event", admitted.astype("datetime64[s]") + hour).astype("datetime64[s]"),
        "place": spec.get("place", book.new_numbers("place", spec.n)), "police": spec.get("police", called),
    }  # fmt: skip
    return {name: accidents.shared(truth, values) for name, values in found.items()}


def hospital_for(book: BookBuilder, rng: np.random.Generator, district: Ints) -> Ints:
    """Hospitals of people from districts: mostly at home, else in the central districts, else anywhere."""
    where = rng.random(len(district))
    central = rng.choice(np.flatnonzero(world.URBAN), len(district))
    at = np.select([where < HOME_TREATED, where < 0.95], [district, central], rng.integers(0, 38, len(district)))
    return world.local(book, "hospital").pick(rng, at)


def _may_give_birth(book: BookBuilder, person: Ints, day: Any) -> Any:
    age = (day - book.actors["birth"][person]).astype(int) / 365.25
    return (book.actors["gender"][person] == 0) & (age >= CHILDBEARING[0]) & (age < CHILDBEARING[1])


def _drawn_diagnosis(rng: np.random.Generator, injury: Any, births: Any) -> tuple[Any, Any, Any]:
    ill, hurt = catalogue.pick(rng, catalogue.ILLNESSES, len(injury)), catalogue.pick(rng, catalogue.INJURIES, len(injury))
    obstetric = np.char.startswith(catalogue.column(catalogue.ILLNESSES, 0).astype(str), "O")
    others = np.flatnonzero(~obstetric)[catalogue.pick(rng, catalogue.NOT_OBSTETRIC, len(injury))]
    ill = np.where(obstetric[ill] & ~births, others, ill)
    rows = [
        np.where(injury, catalogue.column(catalogue.INJURIES, k)[hurt], catalogue.column(catalogue.ILLNESSES, k)[ill]) for k in (0, 2, 3)
    ]
    return rows[0], rows[1].astype(float), rows[2].astype(float)


def _money(book: BookBuilder, rng: np.random.Generator, spec: Spec, stay: dict[str, Any]) -> dict[str, Any]:
    """The bill, what the public scheme pays of it, and what is claimed: the daily benefit where there is one, else the rest."""
    total = np.round(stay["cost"] * stay["days"] ** 0.9 * 1.4 * rng.lognormal(0, 0.4, spec.n), 2)
    total = np.maximum(spec.get("bill", total).astype(float), spec.get("amount", 0.0).astype(float))
    share = np.where(stay["injury"], rng.uniform(0, 0.5, spec.n), rng.uniform(0.35, 0.75, spec.n))
    pooled = np.round(total * spec.get("pooled_share", share), 2)
    amount = spec.get("amount", _claimed(book, stay, np.round(total - pooled, 2))).astype(float)
    return {
        "total": total,
        "pooled": pooled,
        "amount": amount,
        "other": spec.get("other_payer", np.nan),
        "split": spec.get("split_note", NONE),
    }


def _claimed(book: BookBuilder, stay: dict[str, Any], rest: Any) -> Any:
    daily = book.cover(stay["policy"], "daily")["daily"]
    return np.where(stay["injury"] & (daily > 0), np.round(daily * stay["days"], 2), rest)


def _again(book: BookBuilder, rng: np.random.Generator, spec: Spec, stay: dict[str, Any]) -> dict[str, Any]:
    """The same bill at a second cover: what the first left over, on a split note, or a daily benefit."""
    stay = {**stay, "injury": book.cover(stay["policy"], "line")["line"] == LINES.index("accident")}
    total = np.round(stay["cost"] * stay["days"] ** 0.9 * 1.4 * rng.lognormal(0, 0.3, spec.n), 2)
    pooled, paid = np.round(total * 0.45, 2), np.round(total * 0.35, 2)
    amount = _claimed(book, stay, np.round(total - pooled - paid, 2))
    return {"total": total, "pooled": pooled, "amount": amount, "other": paid, "split": np.where(stay["injury"], NONE, 1)}


def _narrative(rng: np.random.Generator, spec: Spec, stay: dict[str, Any]) -> Any:
    ill, hurt = catalogue.narratives(rng, "stay", spec.n, 0.25), catalogue.narratives(rng, "fall", spec.n, 0.5)
    return spec.get("narrative", np.where(stay["injury"], hurt, ill))


def _claimants(book: BookBuilder, person: Ints, holder: Ints) -> Ints:
    """Parents claim for their children; a company's policy is claimed by the insured."""
    child = (book.end - book.actors["birth"][person]).astype(int) < 17 * 365
    return np.where(child & (book.actors["kind"][np.maximum(holder, 0)] == 0), holder, person)


def _papers(book: BookBuilder, ids: Ints, stay: dict[str, Any], money: dict[str, Any]) -> None:
    book.append("claim_diagnoses", claim_id=ids, seq=1, code=stay["diagnosis"])
    book.append(
        "claim_bills", claim_id=ids, invoice_code=50_000_000 + stay["hospital"], invoice_no=stay["invoice"], total=money["total"],
        pooled=money["pooled"], other_payer=money["other"], split_note=money["split"],
    )  # fmt: skip


def _items(book: BookBuilder, rng: np.random.Generator, ids: Ints, stay: dict[str, Any], money: dict[str, Any]) -> None:
    """Bed and nursing by day, treatment for the treated days, drugs and tests as sums; operations for some."""
    n, treated = len(ids), np.maximum(1, np.round(stay["days"] * stay["treated"]))
    bed, nursing = np.round(rng.choice([30, 40, 50, 70], n) * 1.0), rng.choice([12.0, 15.0, 22.0], n)
    left = np.maximum(money["total"] - (bed + nursing) * stay["days"], 50)
    operated = rng.random(n) < np.where(stay["injury"], 0.45, 0.25)
    part = rng.dirichlet([4, 3, 5], n) * np.where(operated, 0.6, 1.0)[:, None]
    at = stay["admitted"].astype("datetime64[s]") + filing.hours(10)
    rows = {
        "bed": ("BED", bed, stay["days"], None), "nursing": ("NUR", nursing, stay["days"], None),
        "therapy": ("THE", np.round(left * part[:, 0] / treated, 0), treated, None),
        "drug": ("DRG", None, None, np.round(left * part[:, 1], 0)), "test": ("TST", None, None, np.round(left * part[:, 2], 0)),
    }  # fmt: skip
    for line, (category, (code, price, quantity, amount)) in enumerate(rows.items(), 1):
        seen = {} if category != "therapy" else {"doctor_id": book.party(stay["doctor"], insurer_of(ids))}
        whole = {"unit_price": price, "quantity": quantity, "amount": amount if price is None else np.round(price * quantity, 2)}
        book.append("claim_items", claim_id=ids, line_no=line, code=code, category=category, served_at=at, **whole, **seen)
    done = at[operated] + np.minimum(stay["days"][operated], 1).astype("timedelta64[D]")
    book.append(
        "claim_items",
        claim_id=ids[operated],
        line_no=6,
        code="OPR",
        category="operation",
        amount=np.round(left * 0.4, 0)[operated],
        served_at=done,
    )
