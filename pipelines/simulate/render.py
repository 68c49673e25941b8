"""Numbers into text: ids, phones, accounts, resident ids, addresses, as Arrow columns; whole tables as a source would write them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from features.schema import Column
from pipelines.simulate.columns import NONE, TEXTS, Ints
from pipelines.simulate.world import DISTRICTS, NAMES

PARTY_IDS = (
    "party_id", "other_party_id", "agent_id", "holder_id", "insured_id", "beneficiary_id", "parent_id", "by_party_id", "payee_id",
    "shop_id", "doctor_id",
)  # fmt: skip
ID_KINDS = {
    **dict.fromkeys(PARTY_IDS, "party"), "claim_id": "claim",
    "event_no": "claim", "policy_id": "policy", "renewal_of": "policy",
    "object_id": "object", "event_id": "event", "order_id": "order",
}  # fmt: skip
"""Id columns that point at rows which are renumbered at delivery."""
PREFIX = {
    "party": "P", "claim": "C", "policy": "L", "object": "O",
    "event": "V", "order": "T", "branch_id": "B", "outlet_id": "U", "group_id": "G",
    "household_id": "H", "coverage_id": "K", "co_insurance_id": "CI", "ear_tag": "ET", "photo_hash": "PH",
    "flight_no": "FL", "lead_id": "LD",
    "run_key": "R", "by": "I", "supersedes": "LD",
}  # fmt: skip
PHONE, ACCOUNT = 10_000_000_000, 6_200_000_000_000_000
"""Phones start with 10, which no operator was given; accounts with 62 and five zeros."""
STREETS = ("解放", "人民", "中山", "建设", "和平", "新华", "胜利", "滨江", "龙腾", "金竹", "银杏", "桂花", "黄桷", "凤天", "松石", "五星")
WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


def padded(numbers: Ints, width: int, prefix: str = "") -> pa.Array:
    """``prefix`` and the zero-padded number; null where the number is negative."""
    text = pc.utf8_lpad(pc.cast(pa.array(numbers, mask=numbers < 0), pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), text, "") if prefix else text


def number(name: str, values: Ints) -> pa.Array:
    """The text of a number-like column (phone, account, device, invoice ...) by the column's name; null for negative numbers."""
    if "phone" in name or name == "sender":
        return padded(np.where(values < 0, values, values + PHONE), 11)
    if name == "account":
        return padded(np.where(values < 0, values, values + ACCOUNT), 16)
    if name == "ip":
        octets = [padded(np.where(values < 0, NONE, values >> shift & 255), 1) for shift in (24, 16, 8, 0)]
        return pc.binary_join_element_wise(*octets, ".")
    if name == "plate":
        return _plates(values)
    if name == "place":
        return _places(values)
    letters = {
        "vin": "LCQ00000",
        "device_id": "D",
        "police_report_no": "5001",
        "waybill": "SF",
        "licence_no": "5000",
    }
    return padded(values, 9, letters.get(name, ""))


def _plates(values: Ints) -> pa.Array:
    """Plates of Chongqing's letter and six base-31 characters, which writes nine digits one to one."""
    letters = np.array(list("0123456789ABCDEFGHJKLMNPQRSTUVW"))
    parts = [pa.array(letters[np.maximum(values, 0) // 31**k % 31]) for k in range(6, -1, -1)]
    text = pc.binary_join_element_wise(pa.scalar("渝"), *parts[1:], "")
    return pc.if_else(pa.array(values >= 0), text, pa.scalar(None, pa.string()))


def _places(values: Ints) -> pa.Array:
    """Where accidents happened, as ``accidents.places`` counts them: a place of a district, in one of several ways of writing it."""
    form, district, place = (np.maximum(values, 0) // by % of for by, of in ((1, 5), (5, 38), (190, 10**9)))
    before, after = np.array(["重庆市", "", "", "重庆", ""])[form], np.array(["", "附近", "门前", "对面", ""])[form]
    named = np.where(form == 2, np.array(NAMES)[district], np.char.add(np.array(NAMES)[district], "区"))
    house = np.where(form == 4, "", np.char.add((place // 16 % 400 + 1).astype(str), "号"))
    parts = [pa.array(p) for p in (before, named, np.array(STREETS)[place % 16])]
    text = pc.binary_join_element_wise(*parts, "路", pa.array(house), pa.array(after), "")
    return pc.if_else(pa.array(values >= 0), text, pa.scalar(None, pa.string()))


def column(spec: Column, values: Any) -> pa.Array:
    """One column of a contract table as a source would write it; ids must have been renumbered."""
    if spec.name in TEXTS:
        return pa.array(values, type=pa.string(), from_pandas=True)
    if spec.type == "code":
        return pa.array(values, from_pandas=True).cast(pa.string())
    if spec.name == "subject_id":
        return pa.array(values, type=pa.string(), from_pandas=True)
    if spec.type in ("id", "text"):
        return _identifier(spec.name, np.asarray(values))
    if spec.type in ("date", "time"):
        return pa.array(np.asarray(values).astype("datetime64[s]"), type=pa.timestamp("s")).cast(
            pa.date32() if spec.type == "date" else pa.timestamp("s")
        )
    if spec.type == "bool":
        flags = np.asarray(values)
        return pa.array(flags == 1, mask=flags < 0)
    numbers = np.asarray(values, dtype=float)
    return pa.array(np.round(numbers, 2 if spec.type == "money" else 4), mask=np.isnan(numbers)).cast(
        pa.int64() if spec.type == "int" else pa.float64()
    )


def _identifier(name: str, values: Ints) -> pa.Array:
    if name == "event_no":
        return padded(np.where(values < 0, NONE, values % 10**9 + 10**8 * (1 + values // 10**9)), 9, "E")
    if name in ID_KINDS:
        return padded(np.where(values < 0, NONE, values % 10**9), 7, PREFIX[ID_KINDS[name]])
    if name in PREFIX:
        return padded(np.where(values < 0, NONE, values % 10**9), 3, PREFIX[name])
    return number(name, values)


def resident_ids(region: Ints, birth: Any, serial: Ints) -> pa.Array:
    """18-digit resident ids of the test regions 509901 to 509938, with their check digit (GB 11643: ISO 7064 MOD 11-2).

    Parameters
    ----------
    region : int array
        0 to 37.
    birth : datetime64[D] array
        Day of birth.
    serial : int array
        0 to 999, odd for men.
    """
    body = resident_numbers(region, birth, serial)
    total = sum(body // 10 ** (16 - k) % 10 * w for k, w in enumerate(WEIGHTS))
    check = np.array(list("10X98765432"))[total % 11]
    return pc.binary_join_element_wise(pc.cast(pa.array(body), pa.string()), pa.array(check), "")


def resident_numbers(region: Ints, birth: Any, serial: Ints) -> Ints:
    """The first 17 digits as one integer."""
    month = birth.astype("datetime64[M]")
    day = (birth - month.astype("datetime64[D]")).astype("int64") + 1
    ymd = (birth.astype("datetime64[Y]").astype("int64") + 1970) * 10_000 + (month.astype("int64") % 12 + 1) * 100 + day
    return np.asarray((509_901 + region.astype("int64")) * 10**11 + ymd * 1000 + serial)


def addresses(code: Ints, district: Ints, long: Any) -> pa.Array:
    """Street addresses; ``long`` ones name the city and the flat, short ones do not."""
    street, house = pa.array(np.array(STREETS)[code % 16]), padded(code // 16 % 400 + 1, 1)
    place, flat = pa.array(np.array(NAMES)[district]), padded(code // 6400 % 30 * 100 + code // 192_000 % 8 + 101, 1)
    text = pc.binary_join_element_wise(place, "区", street, "路", house, "号", "")
    full = pc.binary_join_element_wise("重庆市", text, flat, "室", "")
    return pc.if_else(pa.array(long), full, pc.binary_join_element_wise(text, flat, "-"))


def districts(index: Ints) -> pa.Array:
    """District codes of district indices; null for -1."""
    return pa.array(np.array(DISTRICTS)[index], mask=index < 0)
