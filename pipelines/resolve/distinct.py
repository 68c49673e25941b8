"""Work on distinct values only: a column is spelt once per value, and mapped back to its rows."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines.normalise import FULL_WIDTH, HALF_WIDTH, number

HAN = "\u3007\u3400-\u9fff\U00020000-\U0003ffff"
"""Inside a character class: what is written in Chinese characters."""
INVISIBLE = "\u200b\u200c\u200d\u200e\u200f\u2060"
KEPT = "乾苧"
"""Characters that conversion to simplified would change in names already simplified (徐乾 is not 徐干), or change twice."""

_FOLDED = str.maketrans(FULL_WIDTH, HALF_WIDTH, INVISIBLE)
_HIDDEN = str.maketrans(KEPT, "\uf8f0\uf8f1")
_SHOWN = str.maketrans("\uf8f0\uf8f1", KEPT)
_SPACES = re.compile(r"[^\S\n]+")
_EDGES = re.compile(r"(?m)^ +| +$")


def by_distinct(values: Any, rule: Callable[[pd.Series[str]], pd.DataFrame]) -> pd.DataFrame:
    """What ``rule`` makes of each distinct value, on the rows and the index of ``values``.

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        Nulls are welcome; never changed.
    rule : callable
        Series of distinct values (one may be null) → frame with as many rows in the same order.

    Returns
    -------
    pandas.DataFrame
        The columns of ``rule``, on the index of ``values``; a ``RangeIndex`` for an array.
    """
    series = values if isinstance(values, pd.Series) else pd.Series(values.to_pandas(), dtype="str")
    codes, found = pd.factorize(series, use_na_sentinel=False)
    return rule(pd.Series(found, dtype="str")).take(codes).set_axis(series.index)


def joined(values: pd.Series[str]) -> str:
    """All values as lines of one text in upper case, full-width forms made half-width and white space single; null is an empty line."""
    text = "\n".join(values.fillna("").str.replace("\n", " ", regex=False)).translate(_FOLDED).upper()
    return squeezed(text)


def squeezed(text: str) -> str:
    """Lines without outer or double white space."""
    return _EDGES.sub("", _SPACES.sub(" ", text))


def apart(text: str) -> pd.Series[str]:
    """The lines of a text as values; an empty line is null."""
    return nulled(pd.Series(text.split("\n"), dtype="str"))


def nulled(values: pd.Series[str]) -> pd.Series[str]:
    """Empty reads null."""
    return values.mask(values == "")


def simplified(text: str) -> str:
    """Traditional characters made simplified, without the words of the mainland for those of elsewhere."""
    return str(_converter().convert(text.translate(_HIDDEN))).translate(_SHOWN)


def spelt(values: pd.Series[str], *rules: Callable[[ir.Table], ir.Table]) -> pd.DataFrame:
    """Table expressions one after the other on a table of ``i`` and ``value``, as a frame in the order of ``values``."""
    given = values.astype("object").where(values.notna(), None).tolist()
    table = ibis.memtable({"i": range(len(given)), "value": given}, schema={"i": "int64", "value": "string"})
    for rule in rules:
        table = rule(table)
    found: pd.DataFrame = ibis.duckdb.connect().to_pyarrow(table.order_by("i")).to_pandas()
    return found.drop(columns="i")


def numbered(table: ir.Table) -> ir.Table:
    """``value`` spelt as a number (``pipelines.normalise.number``), for ``spelt``."""
    return table.select("i", value=number(table.value))


@functools.cache
def _converter() -> Any:
    import opencc

    return opencc.OpenCC("t2s")
