"""True vehicles and the object records that insurers keep of them: one car may be known to several."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pipelines.simulate.accidents import ERROR_RATES
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints, coded

USES = ("private", "taxi", "ride_hailing", "freight", "rental")
USE_SHARES = (0.86, 0.02, 0.04, 0.06, 0.02)


def register(book: BookBuilder, owners: ArrayLike, insurers: ArrayLike, **columns: Any) -> Ints:
    """New cars of these owners (actors), each with an object record at its insurer; returns object ids.

    ``columns`` of ``VEHICLE_COLUMNS`` (use, registered, price ...) replace what is drawn.
    """
    rng, owner = book.rng("vehicles"), np.atleast_1d(np.asarray(owners))
    n = len(owner)
    age = np.minimum(rng.gamma(2.2, 2.4, n), 14)
    price = np.round(rng.lognormal(11.7, 0.5, n), -3)
    drawn = {"use": rng.choice(len(USES), n, p=USE_SHARES), "registered": book.end - (age * 365).astype("timedelta64[D]"), "price": price}
    numbers = {"vin": book.new_numbers("vin", n), "plate": book.new_numbers("plate", n)}
    cars = book.vehicles.extend(n, {"owner": owner, **numbers, **drawn, **columns})
    return at_insurers(book, cars, insurers)


def car_of(book: BookBuilder, object_ids: ArrayLike) -> Ints:
    """Index into ``book.vehicles`` of object ids."""
    return book.objects.thing(object_ids)


def known(book: BookBuilder, object_ids: ArrayLike, insurers: ArrayLike, met: bool = False) -> Ints:
    """The same cars as object records of other insurers, made where they had none; ``NONE`` stays ``NONE``."""
    return at_insurers(book, car_of(book, object_ids), insurers, met)


def lots(book: BookBuilder, insurers: ArrayLike, **columns: Any) -> Ints:
    """New livestock lots or other objects (``kind``, ``ear_tag``, ``headcount``, ``area`` as in the contract); returns object ids."""
    ids = book.objects.blank(insurers)
    book.append("objects", object_id=ids, **columns)
    return ids


def at_insurers(book: BookBuilder, cars: Ints, insurers: ArrayLike, met: bool = False) -> Ints:
    """Object ids of cars (indices into ``book.vehicles``) at insurers, made where missing; ``NONE`` stays ``NONE``.

    A car that an insurer has only ``met``, as the other side of a crash, is known by its plate, mostly without a VIN.
    """
    ids, fresh = book.objects.ids(cars, insurers)
    if fresh.size:
        car = book.vehicles
        row = {"vin": "vin", "plate": "plate", "first_registered": "registered", "list_price": "price"}
        true = car_of(book, fresh)
        columns = {k: car[c][true] for k, c in row.items()}
        columns |= _seen(book, columns) if met else {}
        book.append("objects", object_id=fresh, kind="vehicle", use=coded(car["use"][true], USES), **columns)
    return ids


def _seen(book: BookBuilder, columns: dict[str, Any]) -> dict[str, Any]:
    """Marks of cars as noted at the roadside."""
    rng, n = book.rng("vehicles met"), len(columns["plate"])
    unread, wrong = (rng.random(n) < ERROR_RATES[name] for name in ("vin_missing_third", "plate_mistyped_third"))
    return {
        "vin": np.where(unread, NONE, columns["vin"]), "plate": np.where(wrong, columns["plate"] + 1, columns["plate"]),
        "first_registered": np.datetime64("NaT"), "list_price": np.nan,
    }  # fmt: skip
