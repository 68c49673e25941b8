"""What persons and organisations are compared by: levels in SQL, what is known of each, and the keys that bring records together."""

from __future__ import annotations

from pipelines.resolve.compare import NEAR, SAME, address_similarity
from pipelines.resolve.model import Comparison, Design, Level, Rule

_ID = "coalesce(id_number_{0}, id_seen_{0})"
_LEFT, _RIGHT = "coalesce(l.id_number, l.id_seen)", "coalesce(r.id_number, r.id_seen)"
_APART = f"CASE WHEN {_LEFT} = {_RIGHT} THEN 0 ELSE damerau_levenshtein({_LEFT}, {_RIGHT}) END"
_BIRTHS = "strftime(birth_date_l, '%Y%m%d'), strftime(birth_date_r, '%Y%m%d')"
_SWAPPED = (
    "(year(birth_date_l) = year(birth_date_r) AND month(birth_date_l) = day(birth_date_r) AND day(birth_date_l) = month(birth_date_r))"
)
_SPELT = "damerau_levenshtein(sound_l, sound_r) <= 1"
"""The engine counts bytes: a letter is one, a syllable is three."""
_SPOKEN = "length(sound_l) = length(sound_r) AND ({})".format(
    " OR ".join(
        f"substr(sound_l, 1, {n}) || substr(sound_l, {n + 2}) = substr(sound_r, 1, {n}) || substr(sound_r, {n + 2})" for n in range(4)
    )
)
"""One of the first four syllables is another."""


def _unknown(*columns: str) -> str:
    return " OR ".join(f"{c}_l IS NULL OR {c}_r IS NULL" for c in columns)


def _equal(column: str, words: str, m: float, tf: bool = False, most: float = 40.0) -> Comparison:
    """Equal or not."""
    levels = (
        Level(f"same {words}", f"{column}_l = {column}_r", m, column if tf else ""),
        Level(f"other {words}", "ELSE", round(1 - m, 4)),
    )
    return Comparison(column, _unknown(column), levels, most)


def _address() -> Comparison:
    """By similarity; its columns are those of a parsed address, named ``address_…``."""
    levels = (
        Level("same address", f"address_l = address_r OR address_score_l >= {SAME}", 0.8),
        Level("similar address", f"address_score_l >= {NEAR}", 0.08),
        Level("other address", "ELSE", 0.12),
    )
    return Comparison("address", _unknown("address"), levels, 6.0, address_similarity("l", "r"))


NAME = Comparison(
    "name",
    _unknown("name"),
    (
        Level("same name", "name_l = name_r", 0.97, "name"),
        Level("same sound", "sound_l = sound_r", 0.015, "sound"),
        Level("one character apart", f"length(name_l) > 2 AND length(name_r) > 2 AND ({_SPELT} OR {_SPOKEN})", 0.01),
        Level("other name", "ELSE", 0.005),
    ),
)
ID = Comparison(
    "id_number",
    f"{_ID.format('l')} IS NULL OR {_ID.format('r')} IS NULL",
    (
        Level("same id number", f"{_ID.format('l')} = {_ID.format('r')}", 0.975),
        Level("id number one typing error apart", "id_number_score_l <= 1", 0.015),
        Level(
            "id number two typing errors apart",
            "(id_number_l IS NULL OR id_number_r IS NULL) AND id_number_score_l <= 2",
            0.005,
        ),
        Level("other id number", "ELSE", 0.005),
    ),
    score=_APART,
)
BIRTH = Comparison(
    "birth_date",
    _unknown("birth_date"),
    (
        Level("same birth date", "birth_date_l = birth_date_r", 0.985),
        Level("birth date one digit apart", f"damerau_levenshtein({_BIRTHS}) <= 1 OR {_SWAPPED}", 0.009),
        Level("same year of birth", "year(birth_date_l) = year(birth_date_r)", 0.003),
        Level("other birth date", "ELSE", 0.003),
    ),
)
SURNAME = "left(sound, 1)"

PERSONS = Design(
    comparisons=(
        NAME,
        ID,
        BIRTH,
        _equal("gender", "gender", 0.995),
        _equal("phone", "phone", 0.85, tf=True, most=10.0),
        _equal("account", "account", 0.9, tf=True, most=10.0),
        _equal("device", "device", 0.7, tf=True, most=6.0),
        _equal("licence", "licence", 0.98),
        _equal("household", "household", 0.9, most=3.0),
        _address(),
        _equal("employer", "employer", 0.7, tf=True, most=3.0),
    ),
    rules=(
        Rule("id number", ("id_number",), ("id_number", "birth_date", "gender"), certain=True),
        Rule("name, birth date", ("name", "birth_date"), ("name", "birth_date"), certain=True),
        Rule("sound, birth date", ("sound", "birth_date")),
        Rule("phone, surname", ("phone", SURNAME), ("phone", "name", "address", "household")),
        Rule("account, year of birth", ("account", "year(birth_date)")),
        Rule("licence", ("licence",)),
        Rule("id number but for its end", ("left(coalesce(id_number, id_seen), 14)", SURNAME)),
        Rule("sound, household", ("sound", "household")),
        Rule("sound, place", ("sound", "address_road", "address_number")),
        Rule("sound, phone", ("sound", "phone")),
    ),
    within=("kind",),
    identity=("name", "id_number", "birth_date", "licence"),
    least=8.0,
    proof=(("name", "same sound"), ("id_number", "id number two typing errors apart"), ("licence", "same licence")),
)
"""Natural persons, those in a trade among them."""

_PLACED = "coalesce(district_l = district_r, seat_l = seat_r)"
_NUMERALS = " = ".join(f"regexp_replace(name_{side}, '[^一二三四五六七八九十0-9]', '', 'g')" for side in "lr")

ORGANISATIONS = Design(
    comparisons=(
        Comparison(
            "name",
            _unknown("name"),
            (
                Level("same full name", "whole_l = whole_r", 0.8, "whole"),
                Level("same name without its place", "name_l = name_r AND coalesce(town_l = town_r, true)", 0.1, "name"),
                Level(
                    "one name short for the other",
                    "name_l <> name_r AND left(name_l, 1) = left(name_r, 1) AND "
                    "(regexp_matches(name_l, inside_r) OR regexp_matches(name_r, inside_l))",
                    0.04,
                ),
                Level(
                    "nearly the same name",
                    f"name_l <> name_r AND jaro_winkler_similarity(name_l, name_r) >= 0.95 AND {_NUMERALS}",
                    0.02,
                ),
                Level("another name", "ELSE", 0.04),
            ),
        ),
        Comparison(
            "id_number",
            ID.null,
            (
                Level("same credit code", f"{ID.levels[0].sql} AND coalesce({_PLACED}, true)", 0.96),
                Level("same credit code in another district", ID.levels[0].sql, 0.01),
                Level("credit code one typing error apart", f"(id_number_l IS NULL OR id_number_r IS NULL) AND {ID.levels[1].sql}", 0.02),
                Level("another credit code", "ELSE", 0.01),
            ),
            score=ID.score,
        ),
        _equal("licence", "licence", 0.97),
        Comparison(
            "place",
            f"({_PLACED}) IS NULL",
            (Level("same district", _PLACED, 0.98), Level("another district", "ELSE", 0.02)),
        ),
        _equal("phone", "phone", 0.6, tf=True, most=8.0),
        _equal("account", "account", 0.8, tf=True, most=12.0),
        _address(),
    ),
    rules=(
        Rule("credit code", ("coalesce(id_number, id_seen)",), ("id_number",), certain=True),
        Rule("licence", ("licence",), ("licence",), certain=True),
        Rule("full name, district", ("whole", "coalesce(seat, district)"), ("name", "place"), certain=True),
        Rule("full name", ("whole",), ("name",)),
        Rule("name, district", ("name", "coalesce(seat, district)")),
        Rule("first character, district", ("left(name, 1)", "coalesce(seat, district)")),
        Rule("account", ("account",)),
        Rule("phone", ("phone",)),
    ),
    within=("kind", "branch"),
    identity=("name", "id_number", "licence"),
    least=2.0,
    proof=(
        ("place", "same district"), ("id_number", "same credit code"), ("licence", "same licence"), ("phone", "same phone"),
        ("address", "similar address"),
    ),
)  # fmt: skip
"""Hospitals, garages, shops, agencies and employers.

Two records of one kind that name different branches, or one a branch and one none, are never compared. An organisation in another
district is another one unless its licence, phone or address is the same: branches often show the credit code of the whole firm.
"""
