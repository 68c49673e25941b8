"""True vehicles and the object records that insurers keep of them: one car may be known to several."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import Ints, coded

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


def known(book: BookBuilder, object_ids: ArrayLike, insurers: ArrayLike) -> Ints:
    """The same cars as object records of other insurers, made where they had none; ``NONE`` stays ``NONE``."""
    return at_insurers(book, car_of(book, object_ids), insurers)


def lots(book: BookBuilder, insurers: ArrayLike, **columns: Any) -> Ints:
    """New livestock lots or other objects (``kind``, ``ear_tag``, ``headcount``, ``area`` as in the contract); returns object ids."""
    ids = book.objects.blank(insurers)
    book.append("objects", object_id=ids, **columns)
    return ids


def at_insurers(book: BookBuilder, cars: Ints, insurers: ArrayLike) -> Ints:
    """Object ids of cars (indices into ``book.vehicles``) at insurers, made where missing; ``NONE`` stays ``NONE``."""
    ids, fresh = book.objects.ids(cars, insurers)
    if fresh.size:
        car = book.vehicles
        row = {"vin": "vin", "plate": "plate", "first_registered": "registered", "list_price": "price"}
        true = car_of(book, fresh)
        book.append(
            "objects", object_id=fresh, kind="vehicle", use=coded(car["use"][true], USES), **{k: car[c][true] for k, c in row.items()}
        )
    return ids
