"""One spelling for names, numbers and plates, and what a resident id says about its holder; Ibis expressions that any engine runs.

Tokens are made of normalised values, so two spellings of one thing must come out equal here, and two things must not.
"""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
CHECK_DIGITS = "10X98765432"
PROVINCES = (
    "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43", "44", "45",
    "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65", "71", "81", "82", "83",
)  # fmt: skip
"""First two digits of GB/T 2260 that were ever issued, 83 being the residence permit of Taiwan residents."""

FULL_WIDTH = "".join(chr(c) for c in range(0xFF01, 0xFF5F)) + "\u3000\u00a0\ufeff"
HALF_WIDTH = "".join(chr(c) for c in range(0x21, 0x7F)) + "   "
_WORDS = r"无|未知|不详|暂无|没有|N/?A|NULL|NONE|NIL|NAN|UNKNOWN|[-/.?0\\]+"
_SAME = "0+|1{5,}|2{5,}|3{5,}|4{5,}|5{5,}|6{5,}|7{5,}|8{5,}|9{5,}"
EMPTY = f"^({_WORDS})$"
"""What clerks type where they know nothing; shared by thousands, so never a value."""

_SPACE = r"\s+"
_WIDE = r"[\x{FF01}-\x{FF5E}\x{3000}\x{00A0}\x{FEFF}]"
_CJK = r"[\x{3400}-\x{9FFF}]"
_DOTS = "[•・●‧∙]"
_REPEATED = f"^({_SAME})$"
_NOTHING = f"^({_WORDS}|{_SAME})$"


def trim(text: ir.StringValue) -> ir.StringValue:
    """Full-width forms made half-width, outer white space off, inner white space single; empty reads null."""
    folded = ibis.ifelse(text.re_search(_WIDE), text.translate(FULL_WIDTH, HALF_WIDTH), text)
    return folded.re_replace(_SPACE, " ").strip().nullif("")


def plain(text: ir.StringValue) -> ir.StringValue:
    """Trimmed, upper case, without the words that stand for "nothing known" (``EMPTY``)."""
    return _unless_clean(text, r"^[!-`{-~]{5,}$", _plain(text))


def name(text: ir.StringValue) -> ir.StringValue:
    """A name: one middle dot, and no space at all where it is written in Chinese characters."""
    value = _plain(text).re_replace(_DOTS, "·")
    return _unless_clean(text, r"^[\x{4E00}-\x{9FFF}]{2,}$", ibis.ifelse(value.re_search(_CJK), value.replace(" ", ""), value))


def address(text: ir.StringValue) -> ir.StringValue:
    """An address or place without spaces and punctuation."""
    slow = _plain(text).re_replace(r"[\s,.;:，。；：、#\-]+", "").nullif("")
    return _unless_clean(text, r"^[\x{4E00}-\x{9FFF}0-9A-Z]{5,}$", slow)


def number(text: ir.StringValue) -> ir.StringValue:
    """Letters and digits of an account, licence, invoice, vehicle or device number; one repeated digit reads null."""
    slow = _plain(text).re_replace(r"[^0-9A-Z\x{4E00}-\x{9FFF}]", "").re_replace(_REPEATED, "").nullif("")
    return _unless_clean(text, r"^[0-9A-Z]{5,}$", slow)


def phone(text: ir.StringValue) -> ir.StringValue:
    """Digits of a phone number, without the country code of the mainland before a mobile number."""
    digits = trim(text).re_replace(r"[^0-9]", "").re_replace(_REPEATED, "").nullif("")
    slow = ibis.ifelse(digits.re_search(r"^(00)?861[0-9]{10}$"), digits.right(11), digits)
    return _unless_clean(text, r"^1[0-9]{10}$", slow)


def _plain(text: ir.StringValue) -> ir.StringValue:
    return trim(text).upper().re_replace(EMPTY, "").nullif("")


def _unless_clean(text: ir.StringValue, clean: str, slow: ir.StringValue) -> ir.StringValue:
    """The text itself where it is clean already, as most cells are: two searches instead of five replacements."""
    return ibis.ifelse(text.re_search(clean) & ~text.re_search(_NOTHING), text, slow)


def plate(text: ir.StringValue) -> ir.StringValue:
    """A number plate without dots and spaces."""
    return number(text)


def email(text: ir.StringValue) -> ir.StringValue:
    """An e-mail address in lower case."""
    return _unless_clean(text, r"^[a-z0-9_.+-]+@[a-z0-9.-]+$", _plain(text).lower().replace(" ", ""))


def resident_id(text: ir.StringValue) -> ir.StringValue:
    """A resident id in upper case, the 15 digits of before 1999 made 18; anything else as ``number`` leaves it."""
    return eighteen(number(text))


def eighteen(value: ir.StringValue) -> ir.StringValue:
    """The second half of ``resident_id``, on what ``number`` left: for projections of their own, since it uses its argument often.

    Source: GB 11643-1999, the century of a 15-digit number is 19.
    """
    long = value.left(6).concat("19", value.right(9))
    return ibis.ifelse(value.re_search(r"^[0-9]{15}$"), long.concat(check_digit(long)), value)


def check_digit(text: ir.StringValue) -> ir.StringValue:
    """The 18th character that the first 17 digits ask for (ISO 7064 MOD 11-2); meaningless where they are not digits."""
    total = sum((text.substr(i, 1).ascii_str().cast("int32") - 48) * weight for i, weight in enumerate(WEIGHTS))
    return ibis.literal(CHECK_DIGITS).left(total % 11 + 1).right(1)


def birth_date(resident: ir.StringValue) -> ir.DateValue:
    """Birth date in a normalised resident id; null where it is none."""
    text = resident.substr(6, 4).concat("-", resident.substr(10, 2), "-", resident.substr(12, 2))
    return ibis.ifelse(resident.re_search(r"^[0-9]{6}(18|19|20)[0-9]{9}[0-9X]$"), text, ibis.null("string")).try_cast("date")


def gender(resident: ir.StringValue) -> ir.StringValue:
    """``M`` or ``F`` by the 17th digit of a normalised resident id; null where it is none."""
    odd = resident.substr(16, 1).isin(("1", "3", "5", "7", "9"))
    return ibis.ifelse(_shaped(resident), ibis.ifelse(odd, "M", "F"), ibis.null("string"))


def region(resident: ir.StringValue) -> ir.StringValue:
    """The six digits of the place of first registration; null where it is no resident id."""
    return ibis.ifelse(_shaped(resident), resident.left(6), ibis.null("string"))


def id_problem(resident: ir.StringValue, on: ir.TimestampValue) -> ir.StringValue:
    """First thing wrong with a normalised resident id: ``length``, ``date``, ``region`` or ``check_digit``; null if nothing is.

    Parameters
    ----------
    resident : string
        As ``resident_id`` leaves it.
    on : timestamp
        Nobody is born after it (the receipt of the row).

    Notes
    -----
    Only the province part of the region is checked: counties come and go, and ids of before 1997 in Chongqing carry 51.
    """
    born = birth_date(resident)
    return ibis.cases(
        (resident.isnull(), ibis.null("string")),
        (~_shaped(resident), "length"),
        (born.isnull() | (born > on.date()), "date"),
        (resident.left(2).notin(PROVINCES), "region"),
        (check_digit(resident) != resident.substr(17, 1), "check_digit"),
        else_=ibis.null("string"),
    )


def _shaped(resident: ir.StringValue) -> ir.BooleanValue:
    return resident.re_search(r"^[0-9]{17}[0-9X]$")
