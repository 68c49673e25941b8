"""What records are compared by: names with their sound, resident ids with what they say, phones with their kind.

The spelling that tokens are made of is that of ``pipelines.normalise``, used here where it does; what is here is made for comparing only.
Every function keeps the index of its values, never changes them, and reads null where nothing is known.
"""

from __future__ import annotations

import re
from datetime import date
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines import normalise
from pipelines.resolve.distinct import HAN, apart, by_distinct, joined, nulled, numbered, simplified, spelt, squeezed
from pipelines.resolve.organisations import organisation_names
from pipelines.resolve.serials import credit_codes, plates, vin_problem
from pipelines.resolve.sounds import PERSON, sounds

__all__ = [
    "credit_codes",
    "organisation_names",
    "person_names",
    "phones",
    "plates",
    "resident_ids",
    "vin_problem",
]

TITLES = "先生|女士|小姐|太太|老师|医生|大夫|师傅"
NOBODY = r"某+|匿名|无名氏?|佚名|测试|TEST|本人|同上|X{2,}|[\d*]+"
"""What stands for "no name" besides ``pipelines.normalise.EMPTY``."""

_TITLE = re.compile(rf"(?m)(?:[ (]*(?:{TITLES})[ )]*)+$|^(?:(?:MR|MRS|MS|MISS|DR)(?:\. *| +))+(?=\S)")
_SEPARATED = re.compile(rf"(?m)^(?=.*[{HAN}]).*(?:[^\w\n*()]|_).*$")
_SEPARATORS = re.compile(r"[^\w*()]|_")
_DOTS = re.compile(r"[.,;_·•・●‧∙⋅᛫˙･。，、]+")
_NOBODY = re.compile(rf"(?m){normalise.EMPTY}|^(?:{NOBODY})$")

SEVERAL = re.compile(r"(?m)[/、;|].*$|(?<=\d{7})[^\d\n]+1[3-9]\d{9}$")
EXTENDED = (
    r"^(?P<main>.*?)(?:(?:[转轉]|分[机機]|EXT\.?|X|#|\*)[ :.\-]*(?P<extension>\d{1,6})\D*)?$",
    r"^(?P<main>\D*(?:86\D*)?0\d{2,3}\D*\d{3,4} ?\d{4})-(?P<extension>\d{1,6})$",
)
"""How an extension follows a number: after a word, or after a second hyphen."""
PREFIXES = (
    (r"^(?:17951|17911|17909|12593)(?=1[3-9]\d{9}$)", ""),
    (r"^(?:(?:00)?86|0)(?=1[3-9]\d{9}$)", ""),
    (r"^(?:00)?860?(?=(?:10|2\d)\d{8}$|[3-9]\d{2}\d{7,8}$)", "0"),
    (r"^(?:0+|(\d)\1{4,})$", ""),
)
"""What comes before a number and is no part of it; a land line keeps its area code with the zero; one repeated digit is no number."""
VIRTUAL = r"1(?:62|65|67|70|71)\d{8}"
"""Ranges of virtual operators, whose numbers are sold with little proof of identity."""
SERVICE = r"(?:400|800)\d{7}|95\d{3,6}|96\d{3,4}|1[02]\d{3}|1[12]\d"
"""Hotlines: a number of many, and of nobody."""


def person_names(values: Any) -> pd.DataFrame:
    """Names of persons as they are compared.

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written, nulls among them.

    Returns
    -------
    pandas.DataFrame
        name (simplified and without separators where Chinese, else upper case with single spaces; no titles), sound (``sounds``),
        surname and given (of Chinese names up to four characters).
    """
    return by_distinct(values, _persons)


def resident_ids(values: Any, on: date | None = None) -> pd.DataFrame:
    """Resident ids and what they say of their holder.

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written.
    on : date, optional
        Nobody is born after it.

    Returns
    -------
    pandas.DataFrame
        id_number and problem, birth_date, gender, region: as ``pipelines.normalise`` has them, but a value of 15 or 18 characters that
        are not all digits has the problem ``characters`` instead of ``length``.
    """
    return by_distinct(values, lambda distinct: _resident_ids(distinct, on))


def phones(values: Any) -> pd.DataFrame:
    """Phone numbers without what stands before and after them.

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written; of several numbers in a cell the first counts.

    Returns
    -------
    pandas.DataFrame
        number (digits), extension, virtual (of a virtual operator) and service (a hotline).
    """
    return by_distinct(values, _phones)


def _persons(distinct: pd.Series[str]) -> pd.DataFrame:
    text = _named(joined(distinct))
    name = apart(text)
    parts = name.str.extract(PERSON).astype("str")
    return pd.DataFrame({"name": name, "sound": apart(sounds(text)), "surname": parts["surname"], "given": nulled(parts["given"])})


def _named(text: str) -> str:
    """Lines of raw names as lines of names."""
    compact = _SEPARATED.sub(lambda found: _SEPARATORS.sub("", found[0]), _TITLE.sub("", simplified(text)))
    bare = _TITLE.sub("", squeezed(_DOTS.sub(" ", compact)))
    return _NOBODY.sub("", squeezed(bare))


def _resident_ids(distinct: pd.Series[str], on: date | None) -> pd.DataFrame:
    found = spelt(distinct, numbered, numbered, _eighteen, lambda table: _said(table, on))
    found["birth_date"] = pd.to_datetime(found["birth_date"])
    shaped = found["id_number"].str.len().isin((15, 18))
    found["problem"] = found["problem"].mask((found["problem"] == "length") & shaped, "characters")
    return found.astype(dict.fromkeys(("id_number", "problem", "gender", "region"), "str"))


def _eighteen(table: ir.Table) -> ir.Table:
    return table.select("i", value=normalise.eighteen(table.value))


def _said(table: ir.Table, on: date | None) -> ir.Table:
    born_by = ibis.null("timestamp") if on is None else ibis.timestamp(on.isoformat())
    return table.select(
        "i",
        id_number=table.value,
        problem=normalise.id_problem(table.value, born_by),
        birth_date=normalise.birth_date(table.value),
        gender=normalise.gender(table.value),
        region=normalise.region(table.value),
    )


def _phones(distinct: pd.Series[str]) -> pd.DataFrame:
    text = apart(squeezed(SEVERAL.sub("", joined(distinct)))).fillna("")
    by_word, by_hyphen = (text.str.extract(pattern) for pattern in EXTENDED)
    extension = by_word["extension"].fillna(by_hyphen["extension"])
    number = by_hyphen["main"].fillna(by_word["main"]).fillna("").str.replace(r"[^0-9]", "", regex=True)
    for pattern, instead in PREFIXES:
        number = number.str.replace(re.compile(pattern), instead, regex=True)
    virtual, service = number.str.fullmatch(VIRTUAL), number.str.fullmatch(SERVICE)
    return pd.DataFrame(
        {"number": nulled(number.astype("str")), "extension": extension.astype("str"), "virtual": virtual, "service": service}
    )
