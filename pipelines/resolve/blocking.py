"""Which pairs are looked at: records that agree on the keys of a rule, unless so many do that the key says nothing."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.resolve.model import SKIPPED, Design, Rule

GROWTH = 4
"""A key that was small when the model was trained is left out once its block has grown beyond this many times ``Design.largest``."""
SEPARATOR = "chr(31)"


@dataclass(frozen=True)
class Blocks:
    """Where the pairs are.

    Attributes
    ----------
    pairs : str
        Table of the connection: join_key_l, join_key_r (``n``, left < right), match_key (position of the first rule that found it).
    skipped : pyarrow Table
        Keys left out now: rule, key (a digest), size; sorted.
    """

    pairs: str
    skipped: pa.Table


def block(connection: duckdb.DuckDBPyConnection, forms: str, design: Design, skipped: pa.Table | None = None, new: str = "") -> Blocks:
    """Candidate pairs of a table of forms.

    Parameters
    ----------
    connection : duckdb connection
        Holds ``forms``.
    forms : str
        Name of a table or view, with ``n`` unique.
    design : Design
        Rules, and columns that must be common.
    skipped : pyarrow Table, optional
        Keys that the model leaves out. Without it every key of more than ``design.largest`` records is left out.
    new : str
        Condition over a form; only pairs with at least one such record. Empty: every pair.

    Returns
    -------
    Blocks
        Pairs, and keys left out.
    """
    connection.register("link_skip", skipped if skipped is not None else SKIPPED.empty_table())
    connection.execute("CREATE OR REPLACE TEMP TABLE link_left_out (rule VARCHAR, key VARCHAR, size BIGINT)")
    connection.execute("CREATE OR REPLACE TEMP TABLE link_found (join_key_l BIGINT, join_key_r BIGINT, match_key SMALLINT)")
    most = design.largest if skipped is None else design.largest * GROWTH
    for position, rule in enumerate(design.rules):
        _gather(connection, forms, (rule, design.within), new)
        _leave_out(connection, rule, most, design.largest)
        connection.execute(f"INSERT INTO link_found {_joined(rule, design.within, position, bool(new))}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_pairs AS SELECT join_key_l, join_key_r, min(match_key)::VARCHAR AS match_key "
        "FROM link_found GROUP BY join_key_l, join_key_r"
    )
    left_out = connection.sql("SELECT rule, key, size FROM link_left_out ORDER BY rule, key").to_arrow_table()
    for name in ("link_keys", "link_sizes", "link_found", "link_left_out"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.unregister("link_skip")
    return Blocks("link_pairs", left_out.cast(SKIPPED))


def key_columns(rule: Rule, within: tuple[str, ...]) -> dict[str, str]:
    """Name → expression of each key of a rule."""
    return {f"k{i}": expression for i, expression in enumerate((*within, *rule.keys))}


def _gather(connection: duckdb.DuckDBPyConnection, forms: str, ruled: tuple[Rule, tuple[str, ...]], new: str) -> None:
    """``link_keys``: records with all keys, and with ``new`` only those whose keys a new record has."""
    columns = key_columns(*ruled)
    shown = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    known = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    table = f"SELECT * FROM (SELECT n, {shown}, {new or 'true'} AS is_new FROM {forms}) WHERE {known}"
    names = ", ".join(columns)
    if new:
        fresh = f"SELECT DISTINCT {names} FROM ({table}) WHERE is_new"
        table = f"SELECT g.* FROM ({table}) g SEMI JOIN ({fresh}) f USING ({names})"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_keys AS {table}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_sizes AS SELECT {names}, count(*) AS size FROM link_keys GROUP BY ALL HAVING size > 1"
    )


def _leave_out(connection: duckdb.DuckDBPyConnection, rule: Rule, most: int, largest: int) -> None:
    """Take keys too large, and those that the model leaves out, from ``link_sizes``."""
    names = [c for c in connection.table("link_sizes").columns if c != "size"]
    text = f"substr(sha256(concat_ws({SEPARATOR}, '{rule.name}', {', '.join(f'{n}::VARCHAR' for n in names)})), 1, 16)"
    connection.execute(
        f"INSERT INTO link_left_out SELECT '{rule.name}', {text} AS key, size FROM link_sizes WHERE size > {largest // 2} "
        f"AND (size > {most} OR {text} IN (SELECT key FROM link_skip WHERE rule = '{rule.name}'))"
    )
    connection.execute(
        f"DELETE FROM link_sizes WHERE size > {largest // 2} AND {text} IN (SELECT key FROM link_left_out WHERE rule = '{rule.name}')"
    )


def _joined(rule: Rule, within: tuple[str, ...], position: int, some: bool) -> str:
    names = ", ".join(key_columns(rule, within))
    kept = f"(SELECT k.* FROM link_keys k SEMI JOIN link_sizes s USING ({names}))"
    fresh = " AND (l.is_new OR r.is_new)" if some else ""
    same = " AND ".join(f"l.{name} = r.{name}" for name in key_columns(rule, within))
    return f"SELECT l.n, r.n, {position} FROM {kept} l JOIN {kept} r ON {same} AND l.n < r.n{fresh}"
