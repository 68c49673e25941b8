"""Forms: one row per natural person's record, spelt as records are compared. The only reader of the vault; nothing raw is written.

Names, id numbers and addresses are compared by what they say, so their raw values are looked up; phones, accounts, devices and
licences are equal or not, so their tokens do. A value that the vault does not hold is compared by its token alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from pipelines.resolve import normalise
from pipelines.resolve.addresses import parse
from pipelines.resolve.compare import COLUMNS
from pipelines.resolve.spellings import Kept, Spelling, spelt
from pipelines.resolve.training import APART

NATURAL = ("person", "agent", "doctor", "surveyor", "appraiser", "assessor", "lawyer", "proxy")
"""Kinds that are natural persons."""
FORMS = "link_forms"
PLACE = ("road", "number")
"""Parts of an address that bring records together."""
EQUAL = {"phone": "phone", "account": "account", "device": "device_id", "licence": "licence_no", "household": "household_id"}
"""Column of a form → column of ``parties`` that is compared as equal or not."""


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
        Name of a temporary table: party_id, kind, insurer, n, name, sound, id_number (valid, 18 places), id_seen (of one that fails
        its check), birth_date, gender, phone, account, device, licence, household, employer, address, its road and number, and a digest
        of all its parts; the parts themselves are beside it, see :func:`laid_out`.
    """
    looked_up(connection, f"SELECT * FROM {parties} WHERE kind IN {NATURAL}", (vault, kept), SPELT, words)
    equal = ", ".join(f"p.{column}::VARCHAR AS {name}" for name, column in EQUAL.items())
    parts = ", ".join(f"a.address_{c}" for c in (*PLACE, "form"))
    laid_out(
        connection,
        (FORMS, PLACE),
        "SELECT p.party_id, p.kind, p.insurer, p.n, coalesce(w.spelt, p.name) AS name, w.sound, "
        f"CASE WHEN {_VALID} THEN {_NUMBER} END AS id_number, CASE WHEN NOT ({_VALID}) THEN {_NUMBER} END AS id_seen, "
        f"coalesce(p.birth_date, p.id_birth_date)::DATE AS birth_date, coalesce(p.gender, p.id_gender) AS gender, {equal}, "
        "NULL::VARCHAR AS employer, "
        f"CASE WHEN a.token IS NOT NULL THEN p.address END AS address, {parts}",
    )
    return FORMS


_NUMBER = "coalesce(i.spelt, p.id_number)"
_VALID = "coalesce(p.id_problem, '') = ''"


def laid_out(connection: duckdb.DuckDBPyConnection, table: tuple[str, tuple[str, ...]], select: str) -> None:
    """Make a table of forms of what was looked up, which is dropped but for the addresses.

    ``link_address`` becomes the table beside the forms that :func:`pipelines.resolve.training.sides` joins to records it compares: many
    records share an address, and few of a night are compared, so that what it is taken apart into is held once.

    Parameters
    ----------
    connection : duckdb connection
        Where :func:`looked_up` left its tables.
    table : (str, tuple of str)
        Name, and the parts of an address that a form holds.
    select : str
        The columns, of p (the records), w (names), i (id numbers) and a (addresses: some parts, and ``address_form``, a number of all).
    """
    forms, shown = table
    beside = f"{forms}{APART}"
    connection.execute(f"DROP TABLE IF EXISTS {beside}")
    connection.execute(f"ALTER TABLE link_address RENAME TO {beside}")
    kinds = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {beside}) WHERE column_name LIKE 'address%'").fetchall()
    parts = ", ".join(f"list_sum({c})" if kind.endswith("[]") else c for c, kind in kinds)
    named = ", ".join(c if c == "seat" else f"address_{c}" for c in shown)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {forms} AS {select} FROM link_rows p LEFT JOIN link_name w ON w.token = p.name "
        "LEFT JOIN link_id_number i ON i.token = p.id_number "
        f"LEFT JOIN (SELECT token, {named}, hash({parts}) AS address_form FROM {beside}) a ON a.token = p.address"
    )
    for column in ("name", "id_number"):
        connection.execute(f"DROP TABLE link_{column}")


def looked_up(
    connection: duckdb.DuckDBPyConnection,
    rows: str,
    source: tuple[str, Kept | None],
    spellings: Mapping[str, Spelling],
    words: pa.Table | None,
) -> None:
    """``link_rows``, what a query over ``parties`` gives; and ``link_`` + column of each that is spelt: token and spellings.

    The source is a query over the vault, and the spellings of the night before. Of several values of a token the least is spelt. What was
    spelt the night before is there whether or not a record still has it.
    """
    vault, kept = source
    connection.execute(f"CREATE OR REPLACE TEMP VIEW link_rows AS {rows}")
    for column, spelling in spellings.items():
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW link_raw AS SELECT token, value FROM ({vault}) WHERE \"column\" = 'parties.{column}'"
        )
        connection.execute(f"CREATE OR REPLACE TEMP VIEW link_tokens AS SELECT {column} AS token FROM link_rows")
        spelt(connection, column, spelling, words, kept)
    for view in ("link_raw", "link_tokens"):
        connection.execute(f"DROP VIEW {view}")


def _names(raw: pd.DataFrame, _words: pa.Table | None) -> pd.DataFrame:
    named = normalise.person_names(raw["value"])
    return pd.DataFrame({"token": raw["token"], "spelt": named["name"], "sound": named["sound"]}).astype("str")


def _numbers(raw: pd.DataFrame, _words: pa.Table | None) -> pd.DataFrame:
    return pd.DataFrame({"token": raw["token"], "spelt": normalise.resident_ids(raw["value"])["id_number"]}).astype("str")


def _addresses(raw: pd.DataFrame, words: pa.Table | None) -> pd.DataFrame:
    parsed = parse(raw["value"], words).add_prefix("address_")[[f"address_{c}" for c in COLUMNS]]
    return pd.concat([raw[["token"]], parsed.astype(dict.fromkeys(("address_road", "address_number"), "str"))], axis=1)


SPELT: Mapping[str, Spelling] = {"name": _names, "id_number": _numbers, "address": _addresses}
"""Column whose raw value is looked up → how it is spelt for comparing."""


def columns(parties: ir.Table) -> ir.Table:
    """What of the canonical ``parties`` a form is made of, with ``n``."""
    needed = ("party_id", "insurer", "n", "kind", "name", "id_number", "id_problem", "birth_date", "id_birth_date", "gender", "id_gender")
    return parties.select(*needed, "address", "district", *EQUAL.values())
