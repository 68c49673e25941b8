"""Cells as Ibis expressions: text in, normalised text out. What cannot be converted stays as it came, so that the gate can say so."""

from __future__ import annotations

import functools
import operator
import re
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.schema import Column
from pipelines.sources.mapping import Cell, Filter
from pipelines.sources.raw import Raw

DIGITS = ("０１２３４５６７８９", "0123456789")
SIGNS = ("０１２３４５６７８９．，－＋／：", "0123456789.,-+/:")
NUMBERS = ("money", "float", "int")
BOOLEANS = (
    *((yes, "true") for yes in ("1", "y", "yes", "t", "true", "是")),
    *((no, "false") for no in ("0", "n", "no", "f", "false", "否")),
)
GROUPED = r"^[¥￥$€]?([-+]?\d{1,3}(,\d{3})+(\.\d*)?|[-+]?\d+(\.\d*)?)$"
DAYS_A_YEAR = 365.25
DIGEST = 16
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_TWO = r"(\d{2})"
_PARTS = dict.fromkeys("ymdHMS", _TWO) | {"Y": r"(\d{4})", "b": f"((?i:{'|'.join(_MONTHS)}))"}


@dataclass(frozen=True)
class Reader:
    """Turns cells into expressions over one raw table.

    Parameters
    ----------
    raw : Raw
    nulls : tuple of str
        Cells that mean empty, besides the empty one.
    """

    raw: Raw
    nulls: tuple[str, ...] = ()

    def source(self, name: str) -> ir.StringValue:
        """A source column: trimmed, half-width digits, empty → null; null throughout where the file lacks it."""
        if name not in self.raw.columns:
            return ibis.null("string")
        cell = self.raw.columns[name]
        text = self.raw.table[cell].strip() if cell in self.raw.padded else self.raw.table[cell]
        text = text.translate(*DIGITS) if cell in self.raw.full_width else text
        return functools.reduce(lambda value, null: value.nullif(null), ("", *self.nulls), text)

    def keeps(self, condition: Filter) -> ir.BooleanValue:
        """Whether a row passes a filter."""
        hit = self.source(condition.column).fill_null("").isin(condition.values)
        return hit if condition.keep else ~hit

    def value(self, cell: Cell, column: Column) -> ir.StringValue:
        """The contract column's text."""
        value = self._mapped(self._plain(cell, column), cell)
        kind = cell.type or column.type
        value = self._typed(value, cell, kind)
        value = value.hexdigest("sha256").substr(0, DIGEST) if cell.digest else value
        return ibis.literal(cell.prefix) + value if cell.prefix else value

    def _plain(self, cell: Cell, column: Column) -> ir.StringValue:
        if cell.constant is not None:
            return ibis.literal(cell.constant, "string")
        if cell.concat:
            parts = [self.value(part, Column(column.name, "text")) for part in cell.concat]
            return functools.reduce(lambda left, right: left + cell.sep + right, parts)
        return self.source(cell.column)

    def _mapped(self, value: ir.StringValue, cell: Cell) -> ir.StringValue:
        if not cell.values:
            return value
        rest = value if cell.keep else ibis.literal(cell.otherwise)
        return value.fill_null("").cases(*cell.values, else_=rest).nullif("")

    def _typed(self, value: ir.StringValue, cell: Cell, kind: str) -> ir.StringValue:
        if cell.years_since or cell.years_before:
            return _years_from(value, cell.years_since or cell.years_before, bool(cell.years_since))
        if cell.constant is not None:
            return value
        if kind in ("date", "time"):
            return _dated(self._signs(value, cell), cell.formats)
        if kind in NUMBERS:
            return _number(self._signs(value, cell), cell, kind)
        if kind == "bool":
            return value.lower().cases(*BOOLEANS, else_=value)
        return value

    def _signs(self, value: ir.StringValue, cell: Cell) -> ir.StringValue:
        wide = any(self.raw.columns.get(name) in self.raw.full_width for name in cell.sources())
        return value.translate(*SIGNS) if wide else value


def _number(value: ir.StringValue, cell: Cell, kind: str) -> ir.StringValue:
    """Plain decimal: no thousands separators, ``.`` as the sign, times the unit; whole numbers without ``.0``."""
    if cell.decimal != ".":
        value = value.translate(cell.decimal + ".", ".,")
    odd = value.contains(",") | value.re_search("^[¥￥$€]")
    value = ibis.ifelse(odd & value.re_search(GROUPED), value.re_replace("[,¥￥$€]", ""), value)
    if cell.unit != 1.0:
        scaled = value.try_cast("decimal(38, 8)") * ibis.literal(cell.unit).cast("decimal(18, 8)")
        value = scaled.cast("decimal(38, 6)").cast("string").coalesce(value)
    return value.re_replace(r"^([-+]?\d+)\.0+$", r"\1") if kind == "int" else value


def _years_from(value: ir.StringValue, origin: str, after: bool) -> ir.StringValue:
    years = value.try_cast("float64") * (1.0 if after else -1.0)
    days = (years * DAYS_A_YEAR).floor().cast("int64")
    return (ibis.date(origin) + days.as_interval("D")).cast("string").substr(0, 10).coalesce(value)


def _dated(value: ir.StringValue, formats: tuple[str, ...]) -> ir.StringValue:
    """ISO text of a date in one of the declared formats, by pattern, so that no engine's own date parser decides."""
    if not formats:
        return value
    padded = value.re_replace(r"\b(\d)\b", r"0\1")
    branches = [(padded.re_search(_pattern(f)), _iso(padded, f)) for f in formats]
    return ibis.cases(*branches, else_=value)


def _pattern(form: str) -> str:
    pieces = form.split("%")
    rest = "".join(_PARTS[p[0]] + _escaped(p[1:]) for p in pieces[1:])
    return f"^{_escaped(pieces[0])}{rest}$"


def _escaped(text: str) -> str:
    """Literal text between the parts of a format; lone digits are padded as the cells' are."""
    padded = re.sub(r"\b(\d)\b", r"0\1", text)
    return "".join(f"\\{c}" if c in r".+*?()[]{}|^$\/" else c for c in padded)


def _iso(value: ir.StringValue, form: str) -> ir.StringValue:
    """``YYYY-MM-DD[ HH:MM:SS]`` from the groups of the pattern; a missing day is the first of the month."""
    letters = [p[0] for p in form.split("%")[1:]]
    group = {letter: value.re_extract(_pattern(form), i + 1) for i, letter in enumerate(letters)}
    year = group["Y"] if "Y" in group else ibis.ifelse(group["y"] >= "70", "19", "20") + group["y"]
    month = _month(group["b"]) if "b" in group else group.get("m", ibis.literal("01"))
    day = functools.reduce(operator.add, [year, "-", month, "-", group.get("d", ibis.literal("01"))])
    if "H" not in group:
        return day
    zero = ibis.literal("00")
    return functools.reduce(operator.add, [day, " ", group["H"], ":", group.get("M", zero), ":", group.get("S", zero)])


def _month(name: ir.StringValue) -> ir.StringValue:
    return name.lower().cases(*((m, f"{i + 1:02d}") for i, m in enumerate(_MONTHS)))
