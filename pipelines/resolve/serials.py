"""Numbers that check themselves: vehicles, plates, credit codes. A failed check is a hint, never a proof."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from pipelines.resolve.distinct import apart, by_distinct, joined, nulled, numbered, simplified, spelt

VIN_VALUES = dict(zip("0123456789ABCDEFGHJKLMNPRSTUVWXYZ", [*range(10), *range(1, 9), *range(1, 6), 7, 9, *range(2, 10)], strict=True))
VIN_WEIGHTS = (8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2)
CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"
PROVINCES = "京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼使"
_LETTER = "[A-HJ-NP-Z0-9]"
ORDINARY = rf"[{PROVINCES}][A-Z](?:{_LETTER}{{5}}|{_LETTER}{{4}}[警学挂港澳领])"
ELECTRIC = rf"[{PROVINCES}][A-Z](?:[A-HJK]{_LETTER}\d{{4}}|\d{{5}}[A-HJK])"


def vin_problem(values: Any) -> pd.Series[str]:
    """First thing wrong with a vehicle identification number: ``length``, ``characters`` or ``check_digit``; null if nothing is.

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written.

    Returns
    -------
    pandas.Series
        On the index of ``values``.

    Notes
    -----
    The ninth character is a check digit where the law says so (GB 16735: first character L; 49 CFR 565: 1 to 5 and 7); it is free
    elsewhere, and not checked. Characters exclude I, O and Q (ISO 3779).
    """
    return by_distinct(values, _vins)["problem"]


def plates(values: Any) -> pd.DataFrame:
    """Number plates: plate (without separators), electric (six places after the letter) and problem (``shape`` or null).

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written; the characters 警学挂港澳领 at the end are kept.

    Returns
    -------
    pandas.DataFrame
        On the index of ``values``.
    """
    return by_distinct(values, _plates)


def credit_codes(values: Any) -> pd.DataFrame:
    """Unified social credit codes (GB 32100): code and problem (``length``, ``characters``, ``check_digit`` or null).

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written.

    Returns
    -------
    pandas.DataFrame
        On the index of ``values``.
    """
    return by_distinct(values, _credit_codes)


def _vins(distinct: pd.Series[str]) -> pd.DataFrame:
    vin = _numbers(distinct)
    codes = _codes(vin, 17, VIN_VALUES)
    expected = (np.where(codes < 0, 0, codes) @ np.array(VIN_WEIGHTS)) % 11
    stated = vin.str.get(8).map({**{str(n): n for n in range(10)}, "X": 10})
    wrong = vin.str.contains("^[L1-57]", na=False) & (stated != expected)
    return pd.DataFrame({"problem": _problem(vin, 17, codes, wrong)})


def _credit_codes(distinct: pd.Series[str]) -> pd.DataFrame:
    code = _numbers(distinct)
    codes = _codes(code, 18, {c: n for n, c in enumerate(CREDIT)})
    weights = np.array([3**n % 31 for n in range(17)])
    wrong = pd.Series((codes[:, :17] @ weights + codes[:, 17]) % 31 != 0)
    return pd.DataFrame({"code": code, "problem": _problem(code, 18, codes, wrong)})


def _problem(text: pd.Series[str], length: int, codes: NDArray[np.int64], wrong: pd.Series[bool]) -> pd.Series[str]:
    """The first of three problems, where there is a value."""
    cases = [text.isna(), text.str.len() != length, (codes < 0).any(axis=1), wrong]
    found = np.select([np.asarray(c, dtype=bool) for c in cases], ["", "length", "characters", "check_digit"], "")
    return nulled(pd.Series(found, dtype="str"))


def _plates(distinct: pd.Series[str]) -> pd.DataFrame:
    plate = _numbers(apart(simplified(joined(distinct))))
    ordinary, electric = plate.str.fullmatch(ORDINARY, na=False), plate.str.fullmatch(ELECTRIC, na=False)
    problem = pd.Series(np.where(ordinary | electric | plate.isna(), "", "shape"), dtype="str")
    return pd.DataFrame({"plate": plate, "electric": electric, "problem": nulled(problem)})


def _numbers(distinct: pd.Series[str]) -> pd.Series[str]:
    """Spelt as numbers are for tokens; twice, since a word for "nothing known" may have been hidden behind a dash."""
    return spelt(distinct, numbered, numbered)["value"].astype("str")


def _codes(text: pd.Series[str], length: int, values: dict[str, int]) -> NDArray[np.int64]:
    """One row per text of the values of its first characters; -1 for a character without a value and where the text is too short."""
    table = np.full(0x110000, -1, dtype=np.int64)
    table[[ord(c) for c in values]] = list(values.values())
    wide = np.array(text.fillna("").str.ljust(length).tolist(), dtype=f"U{length}")
    return table[wide.view(np.uint32).reshape(len(wide), length)]
