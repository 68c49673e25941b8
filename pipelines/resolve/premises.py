"""Forms of organisations: one row per record, spelt as records are compared. Like :mod:`pipelines.resolve.forms`, it reads the vault.

An organisation is where it is: the village clinic of one name in the next district is another, and so is the branch of a hospital.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import pandas as pd
import pyarrow as pa

from pipelines.resolve.addresses import PROVINCES, parse
from pipelines.resolve.compare import COLUMNS
from pipelines.resolve.distinct import HAN, nulled
from pipelines.resolve.forms import NATURAL, laid_out, looked_up
from pipelines.resolve.organisations import organisation_names
from pipelines.resolve.serials import credit_codes
from pipelines.resolve.spellings import Kept, Spelling

FORMS = "link_premises"
EQUAL = {"phone": "phone", "account": "account", "licence": "licence_no", "district": "district"}
"""Column of a form → column of ``parties`` that is compared as equal or not."""

_TOWN = r"([^市区县旗]{1,6}(?:镇|乡|街道))$"
_SEAT = r"([^省市区县旗]+)(?:区|县|旗|市)?$"
_AREA = rf"^(?:(?:{PROVINCES}|中国)(?:省|市)?)"
_CAMPUS = r"(?:院区|分院|分部|院部)$"
_ABBREVIATED = 3
"""Characters that a name must have to be looked for in a longer one."""


def written(
    connection: duckdb.DuckDBPyConnection, parties: str, vault: str, words: pa.Table | None = None, kept: Kept | None = None
) -> str:
    """Make the table of forms.

    Parameters
    ----------
    connection : duckdb connection
        Where the tables are.
    parties : str
        Table or query: the canonical ``parties`` with ``n``.
    vault : str
        Table or query: token, column, value.
    words : pyarrow Table, optional
        What words of addresses weigh in the link model; without it, as rare as they are tonight.
    kept : Kept, optional
        Spellings of the night before, of the same words; those of tonight are put there.

    Returns
    -------
    str
        Name of a temporary table: party_id, kind, insurer, n, name (what it is called), whole (with the district and town in its name),
        town (in its name), inside (a pattern that finds the name as an abbreviation of a longer one), branch (empty for none), seat
        (district by address, name or code), id_number (a credit code that passes its check, or a token), id_seen (one that fails), phone,
        account, licence, district, address and a number of all its parts, which are beside it (:func:`pipelines.resolve.forms.laid_out`).
    """
    looked_up(connection, f"SELECT * FROM {parties} WHERE kind NOT IN {NATURAL}", (vault, kept), SPELT, words)
    equal = ", ".join(f"p.{column}::VARCHAR AS {name}" for name, column in EQUAL.items())
    laid_out(
        connection,
        (FORMS, ("seat",)),
        "SELECT p.party_id, p.kind, p.insurer, p.n, coalesce(w.name, p.name) AS name, coalesce(w.whole, p.name) AS whole, w.town, "
        "w.inside, coalesce(w.branch, '') AS branch, coalesce(a.seat, w.seat) AS seat, "
        "CASE WHEN i.problem IS NULL THEN coalesce(i.code, p.id_number) END AS id_number, "
        f"CASE WHEN i.problem IS NOT NULL THEN i.code END AS id_seen, {equal}, "
        "CASE WHEN a.token IS NOT NULL THEN p.address END AS address, a.address_form",
    )
    connection.execute(_SEATED)
    return FORMS


_SEATED = f"""
    UPDATE {FORMS} SET seat = named.seat FROM (
        SELECT district, seat, row_number() OVER (PARTITION BY district ORDER BY count(*) DESC, seat) AS place
        FROM {FORMS} WHERE district IS NOT NULL AND seat IS NOT NULL GROUP BY district, seat
    ) named WHERE named.place = 1 AND {FORMS}.district = named.district AND {FORMS}.seat IS NULL
"""
"""A record without an address is where most records of its district code are: one insurer gives the code, another the address alone."""


def _names(raw: pd.DataFrame, _words: pa.Table | None) -> pd.DataFrame:
    parsed = organisation_names(raw["value"]).fillna("")
    place = parsed["place"].astype("str").str.replace(_AREA, "", regex=True)
    town, seat = _first(place, _TOWN), _first(place.str.replace(_TOWN, "", regex=True), _SEAT)
    name = parsed["core"]
    branch = parsed["branch"].str.replace(_AREA, "", regex=True).str.replace(_CAMPUS, "院区", regex=True)
    columns = {"name": name, "whole": seat + town + name, "town": town, "inside": _inside(name), "branch": branch, "seat": seat}
    return pd.DataFrame({"token": raw["token"], **{c: nulled(text.astype("str")) for c, text in columns.items()}})


def _first(text: pd.Series[str], pattern: str) -> pd.Series[str]:
    """The first group, empty where the pattern is not found."""
    found: pd.Series[str] = text.str.extract(pattern)[0].fillna("").astype("str")
    return found


def _inside(name: pd.Series[str]) -> pd.Series[str]:
    """Its characters in order with anything between; only of Chinese names, which hold nothing that a pattern would read otherwise."""
    able = name.str.fullmatch(f"[{HAN}]{{{_ABBREVIATED},}}")
    return name.str.replace("(.)", r"\1.*", regex=True).where(able, "")


def _codes(raw: pd.DataFrame, _words: pa.Table | None) -> pd.DataFrame:
    return pd.concat([raw[["token"]], credit_codes(raw["value"])], axis=1).astype("str")


def _addresses(raw: pd.DataFrame, words: pa.Table | None) -> pd.DataFrame:
    parsed = parse(raw["value"], words)
    seat = nulled(parsed["district"].fillna("").astype("str"))
    return pd.concat([raw[["token"]], seat.rename("seat"), parsed[list(COLUMNS)].add_prefix("address_")], axis=1)


SPELT: Mapping[str, Spelling] = {"name": _names, "id_number": _codes, "address": _addresses}
"""Column whose raw value is looked up → how it is spelt for comparing."""
