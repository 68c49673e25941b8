"""Spelling of names, numbers and ids."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import ibis
import ibis.expr.types as ir
import pytest
from ibis.config import Config

from pipelines import normalise
from pipelines.contracts import tokens


class _Spark(Config):
    """What the dialect asks for when Spark itself is not installed."""

    treat_nan_as_null: bool = False


def spelt(rule: Callable[[ir.StringValue], ir.Value], *values: str | None) -> list[object]:
    """What a rule makes of each value."""
    table = ibis.memtable({"i": range(len(values)), "v": list(values)}, schema={"i": "int64", "v": "string"})
    return ibis.duckdb.connect().to_pyarrow(table.select("i", x=rule(table.v)).order_by("i"))["x"].to_pylist()


def check_digit(first: str) -> str:
    """GB 11643, written out."""
    return "10X98765432"[sum(int(c) * w for c, w in zip(first, normalise.WEIGHTS, strict=True)) % 11]


@pytest.mark.parametrize(
    ("rule", "raw", "expected"),
    [
        (normalise.trim, "　ＡＢ　１２ ", "AB 12"),
        (normalise.trim, "   ", None),
        (normalise.plain, " 未知 ", None),
        (normalise.plain, "n/a", None),
        (normalise.name, "张 三", "张三"),
        (normalise.name, "阿里木•买买提", "阿里木·买买提"),
        (normalise.name, " John  Smith", "JOHN SMITH"),
        (normalise.phone, "+86 138-0000 1234", "13800001234"),
        (normalise.phone, "00８６13800001234", "13800001234"),
        (normalise.phone, "(023) 6543 2109", "02365432109"),
        (normalise.phone, "00000000000", None),
        (normalise.phone, "无", None),
        (normalise.number, "6222 0000-1111", "622200001111"),
        (normalise.number, "99999999", None),
        (normalise.plate, "渝A·12345", "渝A12345"),
        (normalise.plate, "渝a 12345", "渝A12345"),
        (normalise.email, " A@B.cn", "a@b.cn"),
        (normalise.address, "重庆市 渝中区，人民路1号", "重庆市渝中区人民路1号"),
    ],
)
def test_spelling(rule: Callable[[ir.StringValue], ir.Value], raw: str, expected: str | None) -> None:
    assert spelt(rule, raw, None) == [expected, None]


WRITTEN = [
    "张三", "无", "未知", "没有", "UNKNOWN", "NULL", "11111111111", "13800001234", "8613800001234", "A1B2C3", "a@b.cn", "重庆市人民路1号",
    "0000000", "509901199001010015", "10.1.2.3", "x", "渝A12345", "ABCDE", "-----", "张三丰", "·····", "1" * 18,
]  # fmt: skip


@pytest.mark.parametrize("rule", sorted({*tokens.NORMALISERS.values()}, key=lambda f: f.__name__), ids=lambda f: f.__name__)
def test_clean_text_takes_a_short_cut_to_the_same_spelling(rule: Callable[[ir.StringValue], ir.Value]) -> None:
    """A space in front makes a text take the long way."""
    assert spelt(rule, *WRITTEN) == spelt(rule, *(f" {w}" for w in WRITTEN))


def test_fifteen_digits_become_eighteen() -> None:
    long = "50990119900101001"
    assert spelt(normalise.resident_id, "509901900101001", long + check_digit(long), "50990119900101001x") == [
        long + check_digit(long),
        long + check_digit(long),
        long + "X",
    ]


def test_check_digit_is_the_standards() -> None:
    """The example of GB 11643-1999 itself."""
    assert spelt(normalise.check_digit, "11010519491231002", "44052418800101001") == ["X", "4"]


def test_id_problems() -> None:
    good = "50990119900101001"
    cases = {
        good + check_digit(good): None,
        "5099011990010100": "length",
        "50990119900230001" + check_digit("50990119900230001"): "date",
        "50990120300101001" + check_digit("50990120300101001"): "date",
        "99990119900101001" + check_digit("99990119900101001"): "region",
        good + ("1" if check_digit(good) != "1" else "2"): "check_digit",
    }
    on = ibis.timestamp("2025-01-01 00:00:00")
    assert spelt(lambda v: normalise.id_problem(v, on), *cases, None) == [*cases.values(), None]


def test_what_an_id_says() -> None:
    ids = ("509901199002030011", "509901199002030021", "5099", None)
    assert spelt(normalise.birth_date, *ids) == [date(1990, 2, 3), date(1990, 2, 3), None, None]
    assert spelt(normalise.gender, *ids) == ["M", "F", None, None]
    assert spelt(normalise.region, *ids) == ["509901", "509901", None, None]


def test_compiles_for_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ibis.options, "pyspark", _Spark(), raising=False)
    table = ibis.table({"v": "string", "on": "timestamp"}, name="t")
    for rule in (*tokens.NORMALISERS.values(), *tokens.SECOND.values(), normalise.birth_date, normalise.gender):
        assert "SELECT" in ibis.to_sql(table.select(x=rule(table.v)), dialect="pyspark")
    assert "SELECT" in ibis.to_sql(table.select(x=normalise.id_problem(table.v, table.on)), dialect="pyspark")
