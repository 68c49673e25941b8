"""What insurers wrote down of the true persons: party records with typing errors, old ids, changed phones and gaps."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import PARTY_KINDS
from pipelines.simulate import names, render, world
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints

ERROR_RATES = {
    "name_typo": 0.004, "name_homophone": 0.006, "id_15_digits": 0.02, "id_transposed": 0.004, "id_missing": 0.015,
    "birth_date_wrong": 0.003, "phone_changed": 0.05, "phone_missing": 0.04, "account_missing": 0.3, "address_variant": 0.25,
    "address_missing": 0.1, "household_unknown": 0.2, "income_unknown": 0.7,
}  # fmt: skip
"""Published error rates by field, as shares of the person records of an insurer; ``id_15_digits`` of those born before 1980."""
LEVELS = {"hospital": world.HOSPITAL_LEVELS, "garage": world.GARAGE_LEVELS}
GENDERS = np.array(["F", "M"])


def records(book: BookBuilder, insurer: int) -> pa.Table:
    """The parties table of an insurer, in order of party id, ``party_id`` and ``parent_id`` still as integers.

    Same book, same errors: each insurer has a random stream of its own.
    """
    rng, rows = book.rng(f"identities {insurer}"), book.parties.rows[insurer]
    actor = rows["thing"].copy()
    kinds = book.actors["kind"][actor]
    true = {
        name: book.actors[name][actor] for name in ("birth", "gender", "district", "household", "income", "occupation", "level", "beds")
    }
    person = kinds == PARTY_KINDS.index("person")
    wrong = {name: person & (rng.random(len(actor)) < rate) for name, rate in ERROR_RATES.items()}
    known = person & ~np.isnat(true["birth"])
    return pa.table({
        "party_id": np.arange(1, len(actor) + 1) + insurer * 1_000_000_000, "kind": np.array(PARTY_KINDS)[kinds],
        "name": _names(book, rng, actor, wrong), **_identity(book, actor, wrong),
        "birth_date": pa.array(_births(rng, true["birth"], wrong), mask=~known),
        "gender": pa.array(GENDERS[np.maximum(true["gender"], 0)], mask=~known),
        "phone": _phones(book, rng, insurer, wrong), "address": _addresses(book, insurer, wrong),
        "district": render.districts(true["district"]), "account": _accounts(book, insurer, wrong),
        "device_id": pa.nulls(len(actor), pa.string()), **_organisation(book, actor, insurer),
        "household_id": _shown("household_id", true["household"], person & ~wrong["household_unknown"]),
        "income": pa.array(np.round(true["income"], -3), mask=~person | wrong["income_unknown"] | np.isnan(true["income"])),
        "occupation_class": render.padded(np.where(person, true["occupation"], NONE).astype("int64"), 1),
        "deceased_on": pa.array(book.actors["deceased"][actor]),
    })  # fmt: skip


def _names(book: BookBuilder, rng: np.random.Generator, actor: Ints, wrong: dict[str, Any]) -> Any:
    code, kind, district = (book.actors[k][actor] for k in ("name", "kind", "district"))
    typo = wrong["name_typo"]
    code = np.where(typo, code - code % 1000 + rng.integers(1, len(names.GIVEN), len(code)), code)
    text = np.empty(len(actor), dtype="object")
    for index in np.unique(kind):
        here = kind == index
        organised = PARTY_KINDS[index] in names.SUFFIX and PARTY_KINDS[index] not in ("lawyer", "proxy", "appraiser")
        text[here] = names.organisations(PARTY_KINDS[index], code[here], district[here]) if organised else names.people(code[here])
    swap = wrong["name_homophone"]
    text[swap] = names.homophone(text[swap].astype("str"))
    return text


def _identity(book: BookBuilder, actor: Ints, wrong: dict[str, Any]) -> dict[str, Any]:
    """Resident ids of people, credit codes of organisations; none of doctors and experts, who are known by their licence."""
    birth = book.actors["birth"][actor]
    has = ~np.isnat(birth) & ~wrong["id_missing"]
    day = np.where(np.isnat(birth), np.datetime64("1970-01-01"), birth)
    body = render.resident_ids(book.actors["region"][actor], day, book.actors["serial"][actor])
    old = wrong["id_15_digits"] & (day < np.datetime64("1980-01-01")) & (day >= np.datetime64("1900-01-01"))
    short = pc.binary_join_element_wise(pc.utf8_slice_codeunits(body, 0, 6), pc.utf8_slice_codeunits(body, 8, 17), "")
    swapped = pc.binary_join_element_wise(*(pc.utf8_slice_codeunits(body, a, b) for a, b in ((0, 14), (15, 16), (14, 15), (16, 18))), "")
    text = pc.if_else(pa.array(old), short, pc.if_else(pa.array(wrong["id_transposed"]), swapped, body))
    code = render.padded(book.actors["credit"][actor], 9, "915000000")
    kinds = np.where(has, "resident", "credit_code").astype("object")
    kinds[~has & (book.actors["credit"][actor] < 0)] = None
    return {"id_type": pa.array(kinds, pa.string()), "id_number": pc.if_else(pa.array(has), text, code)}


def _births(rng: np.random.Generator, birth: Any, wrong: dict[str, Any]) -> Any:
    shift = rng.choice([-365, -30, -1, 1, 30, 365], len(birth)).astype("timedelta64[D]")
    return np.where(wrong["birth_date_wrong"], birth + shift, birth)


def _phones(book: BookBuilder, rng: np.random.Generator, insurer: int, wrong: dict[str, Any]) -> Any:
    rows = book.parties.rows[insurer]
    value = book.actors["phone"][rows["thing"]]
    value = np.where(wrong["phone_changed"], book.new_numbers("phone", len(value)), value)
    value = np.where(wrong["phone_missing"], NONE, value)
    return render.number("phone", np.where(rows["phone"] >= 0, rows["phone"], value))


def _accounts(book: BookBuilder, insurer: int, wrong: dict[str, Any]) -> Any:
    rows = book.parties.rows[insurer]
    value = np.where(wrong["account_missing"], NONE, book.actors["account"][rows["thing"]])
    return render.number("account", np.where(rows["account"] >= 0, rows["account"], value))


def _addresses(book: BookBuilder, insurer: int, wrong: dict[str, Any]) -> Any:
    rows = book.parties.rows[insurer]
    code = np.where(rows["address"] >= 0, rows["address"], book.actors["address"][rows["thing"]])
    text = render.addresses(np.maximum(code, 0), np.maximum(book.actors["district"][rows["thing"]], 0), ~wrong["address_variant"])
    return pc.if_else(pa.array((code >= 0) & ~wrong["address_missing"]), text, pa.scalar(None, pa.string()))


def _organisation(book: BookBuilder, actor: Ints, insurer: int) -> dict[str, Any]:
    kind, level, special = (book.actors[k][actor] for k in ("kind", "level", "specialty"))
    grade = np.full(len(actor), None, dtype="object")
    for name, words in LEVELS.items():
        here = (kind == PARTY_KINDS.index(name)) & (level >= 0)
        grade[here] = np.array(words, dtype="object")[level[here]]
    beds = book.actors["beds"][actor]
    parent = book.parties.known(book.actors["parent"][actor], insurer)
    return {
        "licence_no": render.number("licence_no", book.actors["licence"][actor]),
        "licence_ends_on": pa.array(book.actors["licence_ends"][actor]),
        "parent_id": parent, "level": pa.array(grade, pa.string()),
        "specialty": pa.array(np.array(world.SPECIALTIES)[np.maximum(special, 0)], mask=special < 0),
        "beds": pa.array(beds, mask=beds < 0), "opened_on": pa.array(book.actors["opened"][actor]),
    }  # fmt: skip


def _shown(name: str, values: Ints, show: Any) -> Any:
    return render.padded(np.where(show, values, NONE), 9, render.PREFIX[name])
