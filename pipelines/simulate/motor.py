"""Motor claims: crashes with drivers, third parties, garages, assessors and, rarely, injuries with their lawyers and appraisers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from pipelines.simulate import accidents, catalogue, filing, people, stays, vehicles, world
from pipelines.simulate.accidents import ERROR_RATES
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import NONE, Ints
from pipelines.simulate.spec import Spec

OWNER_DRIVES, THIRD, INJURED, POLICE, GARAGE_REPORTS, DIRECT_PAY = 0.78, 0.62, 0.08, 0.35, 0.35, 0.2
"""Honest shares: owner at the wheel, a third party, somebody hurt, police called, a 4S garage reports, the garage is paid."""
THIRD_KINDS = (0.25, 0.25, 0.5)
FAULTS, FAULT_SHARES = (0, 0.3, 0.5, 0.7, 1), (0.1, 0.12, 0.13, 0.15, 0.5)
HOURS = np.array([1.2, 0.9, 0.7, 0.6, 0.7, 1, 2, 4.5, 6.5, 5.5, 5, 5, 4.5, 4.5, 5, 5, 5.5, 6.5, 7, 5.5, 4.5, 3.8, 2.8, 1.9])


def claim(book: BookBuilder, columns: pd.DataFrame | dict[str, Any]) -> Ints:
    """Claims for crashes; see the package docstring for the columns of the spec.

    Returns
    -------
    array of int64, shape (rows,)
        Claim ids in the order of the spec (of ``policy``, where the ``second`` cover is claimed on too).
    """
    spec, rng = Spec(columns), book.rng("motor")
    truth = spec.get("truth", book.new_events(spec.n))
    crash = _crash(book, rng, spec, truth)
    roles = {**_people(book, rng, spec, crash), **_experts(book, rng, spec, crash)}
    amount = spec.get("amount", _amounts(rng, crash)).astype(float)
    ids = _file(book, rng, spec, {**crash, "policy": spec.need("policy").astype("int64"), "amount": amount}, {**roles, "truth": truth})
    second = spec.get("second", NONE).astype("int64")
    if (both := second >= 0).any():
        smaller = np.round(np.minimum(amount * rng.uniform(0.2, 0.9, spec.n), 2000), 0)
        again = {k: v[both] for k, v in {**crash, "policy": second, "amount": smaller, "event_no": ids}.items()}
        _file(book, rng, spec.where(both), again, {k: v[both] for k, v in {**roles, "truth": truth}.items()})
    spec.done()
    return ids


def moment(rng: np.random.Generator, days: Any) -> Any:
    """Times of day at which cars crash."""
    return days.astype("datetime64[s]") + filing.hours(rng.choice(24, len(days), p=HOURS / HOURS.sum()) + rng.random(len(days)))


def _crash(book: BookBuilder, rng: np.random.Generator, spec: Spec, truth: Ints) -> dict[str, Any]:
    latest = (book.end - 12 - book.start).astype(int)
    day = book.start + rng.integers(0, latest, spec.n)
    when = moment(rng, day)
    home = book.actors["district"][spec.need("owner")]
    at = np.where(rng.random(spec.n) < 0.82, home, rng.integers(0, 38, spec.n))
    event = spec.get("event", when).astype("datetime64[s]")
    reported, district = filing.reported(rng, spec, event, 1.6), accidents.shared(truth, spec.get("district", at).astype("int64"))
    return {
        "event": accidents.times(rng, event, reported, ERROR_RATES["time_missing"]), "reported": reported, "district": district,
        "insurer": insurer_of(spec.need("policy")), "injured": spec.get("injured", rng.random(spec.n) < INJURED).astype(bool),
        **_other_side(book, rng, spec), "fault": spec.get("fault", rng.choice(FAULTS, spec.n, p=FAULT_SHARES)),
        **_on_the_spot(book, rng, spec, (truth, district)),
        "vehicle": spec.need("vehicle").astype("int64"), "estimate": rng.uniform(0.9, 1.25, spec.n),
    }  # fmt: skip


def _on_the_spot(book: BookBuilder, rng: np.random.Generator, spec: Spec, accident: tuple[Ints, Ints]) -> dict[str, Ints]:
    """Place and police report number of accidents (true event, district), as each report states them."""
    event, district = accident
    called = spec.get("police", np.where(rng.random(spec.n) < POLICE, book.new_numbers("police", spec.n), NONE))
    at = accidents.shared(event, spec.get("place", book.new_numbers("place", spec.n)))
    return {
        "place": accidents.places(rng, at, district, ERROR_RATES["place_missing"]),
        "police": accidents.police(rng, accidents.shared(event, called), ERROR_RATES["police_missing"]),
    }


def _other_side(book: BookBuilder, rng: np.random.Generator, spec: Spec) -> dict[str, Ints]:
    """The third party: the owner of a car somebody insures, another driver of the region, or a stranger who is met once."""
    sort = np.where((rng.random(spec.n) < THIRD) & (spec.get("alone", 0) == 0), rng.choice(3, spec.n, p=THIRD_KINDS), -1)
    at, owner = insurer_of(spec.need("policy")), spec.need("owner")
    car = np.where(sort == 0, rng.integers(0, max(book.vehicles.size, 1), spec.n), NONE)
    drawn = np.select([sort == 0, sort == 1], [book.vehicles["owner"][car], rng.choice(_drivers(book), spec.n)], NONE)
    drawn = np.where(drawn == owner, NONE, drawn)
    third = spec.get("third", drawn).astype("int64")
    strange = (sort == 2) & (third < 0)
    third[strange] = people.draw(book, "strangers", int(strange.sum()), district=book.actors["district"][owner[strange]])
    theirs = vehicles.at_insurers(book, np.where((third == drawn) & (third >= 0), car, NONE), at, met=True)
    new = (third >= 0) & (theirs < 0) & (spec.get("third_vehicle", NONE) < 0) & ((third != drawn) & ~strange | (rng.random(spec.n) < 0.6))
    theirs[new] = vehicles.register(book, third[new], at[new])
    return {"third": third, "third_vehicle": spec.get("third_vehicle", np.where(third >= 0, theirs, NONE)).astype("int64")}


def _people(book: BookBuilder, rng: np.random.Generator, spec: Spec, crash: dict[str, Any]) -> dict[str, Any]:
    owner = spec.need("owner").astype("int64")
    other = _relative(book, rng, owner)
    driver = spec.get("driver", np.where(rng.random(spec.n) < OWNER_DRIVES, owner, other)).astype("int64")
    rider = np.where(rng.random(spec.n) < 0.16, _relative(book, rng, driver), NONE)
    found = {"owner": owner, "insured": owner, "driver": driver, "third_party": crash["third"], "passenger": spec.get("passenger1", rider)}
    for name in ("passenger2", "passenger3"):
        found[name] = spec.get(name, NONE)
    return found


def _relative(book: BookBuilder, rng: np.random.Generator, person: Ints) -> Ints:
    """Somebody grown-up of the household where the next person of the register is one, else a friend from anywhere."""
    neighbour = np.minimum(person + 1, book.actors.size - 1)
    actors = book.actors
    fits = (actors["household"][neighbour] == actors["household"][person]) & (actors["occupation"][neighbour] > 0)
    return np.where(fits, neighbour, rng.choice(_drivers(book), len(person)))


def _drivers(book: BookBuilder) -> Ints:
    if "drivers" not in book.pickers:
        who = book.of_kind("person")
        book.pickers["drivers"] = who[book.actors["occupation"][who] > 0]
    return np.asarray(book.pickers["drivers"])


def _experts(book: BookBuilder, rng: np.random.Generator, spec: Spec, crash: dict[str, Any]) -> dict[str, Any]:
    at, insurer, hurt = crash["district"], crash["insurer"], crash["injured"]
    filed = spec.get("bare", 0) == 0
    repaired = filed & (rng.random(spec.n) < 0.85)
    garage = spec.get("garage", np.where(repaired, world.local(book, "garage").pick(rng, at), NONE)).astype("int64")
    assessor = spec.get("assessor", world.assessors(book).pick(rng, insurer * 38 + at))
    found = {"garage": garage, "assessor": assessor, "hospital": np.where(hurt & filed, stays.hospital_for(book, rng, at), NONE)}
    for kind, share in (("lawyer", 0.2), ("appraiser", 0.3), ("proxy", 0.06)):
        found[kind] = np.where(hurt & (rng.random(spec.n) < share), world.local(book, kind).pick(rng, at), NONE)
    found = {kind: spec.get(kind, drawn) for kind, drawn in found.items()}
    return {**found, "reports": rng.random(spec.n), "direct": rng.random(spec.n) < DIRECT_PAY}


def _amounts(rng: np.random.Generator, crash: dict[str, Any]) -> Any:
    hurt = np.where(crash["injured"], rng.lognormal(9.6, 0.9, len(crash["injured"])), 0)
    return np.round(rng.lognormal(7.8, 0.85, len(hurt)) + hurt, 0)


def _file(book: BookBuilder, rng: np.random.Generator, spec: Spec, crash: dict[str, Any], roles: dict[str, Any]) -> Ints:
    row = {
        "policy": crash["policy"], "event": crash["event"], "reported": crash["reported"], "amount": crash["amount"], "days": 14,
        "share": rng.uniform(0.75, 1, spec.n), "district": crash["district"], "event_no": crash.get("event_no"),
        "police_report_no": crash["police"], "place": crash["place"],
        "narrative": spec.get("narrative", catalogue.narratives(rng, "crash", spec.n, 0.5)),
    }  # fmt: skip
    dealer = (roles["garage"] >= 0) & (book.actors["level"][roles["garage"]] == world.GARAGE_LEVELS.index("4S"))
    calls = [dealer & (roles["reports"] < GARAGE_REPORTS), roles["reports"] < 0.8]
    by = np.select(calls, [roles["garage"], roles["driver"]], roles["owner"])
    direct = np.where(roles["direct"] & (roles["garage"] >= 0), roles["garage"], roles["owner"])
    apart = ("passenger2", "passenger3", "reports", "direct", "truth")
    shown = {k: v for k, v in roles.items() if k not in apart}
    given = {"reporter": spec.get("reporter", by), "claimant": roles["owner"], "payee": direct}
    ids = filing.file(book, rng, spec.with_columns(truth=roles["truth"]), row, {**shown, **given})
    for name in ("passenger2", "passenger3"):
        filing.add_roles(book, ids, {"passenger": roles[name]})
    _objects(book, ids, crash)
    _survey(book, rng, ids, {**crash, "assessor": roles["assessor"]})
    return ids


def _objects(book: BookBuilder, ids: Ints, crash: dict[str, Any]) -> None:
    own = vehicles.known(book, crash["vehicle"], insurer_of(ids))
    book.append(
        "claim_objects", claim_id=ids, object_id=own, side="own", fault_share=crash["fault"], assessed=np.round(crash["amount"] * 0.92, 0)
    )
    car = vehicles.known(book, crash["third_vehicle"], insurer_of(ids), met=True)
    has = (car >= 0) & (car != own)
    book.append("claim_objects", claim_id=ids[has], object_id=car[has], side="third", fault_share=1 - crash["fault"][has])


def _survey(book: BookBuilder, rng: np.random.Generator, ids: Ints, crash: dict[str, Any]) -> None:
    seen = rng.random(len(ids)) < 0.6
    when = (crash["reported"] + filing.hours(rng.lognormal(1.5, 0.8, len(ids))))[seen]
    estimate = np.round(crash["amount"] * crash["estimate"], 0)[seen]
    by = book.party(crash["assessor"][seen], insurer_of(ids[seen]))
    book.append("surveys", claim_id=ids[seen], kind="survey", by_party_id=by, at=when, estimate=estimate)
