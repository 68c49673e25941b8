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
    _begin(connection, skipped)
    connection.execute("CREATE OR REPLACE TEMP TABLE link_found (join_key_l BIGINT, join_key_r BIGINT, match_key SMALLINT)")
    most = design.largest if skipped is None else design.largest * GROWTH
    for position, rule in enumerate(design.rules):
        _gather(connection, forms, (rule, design.within), new)
        _leave_out(connection, forms, (rule, design.within), (most, design.largest))
        connection.execute(f"INSERT INTO link_found {_joined(position, bool(new))}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_pairs AS SELECT join_key_l, join_key_r, min(match_key)::VARCHAR AS match_key "
        "FROM link_found GROUP BY join_key_l, join_key_r"
    )
    connection.execute("DROP TABLE link_found")
    return Blocks("link_pairs", _ended(connection))


def left_out(connection: duckdb.DuckDBPyConnection, forms: str, design: Design, skipped: pa.Table | None = None) -> pa.Table:
    """Keys that :func:`block` leaves out of all forms, as ``Blocks.skipped``, without forming a pair: one grouping per rule."""
    _begin(connection, skipped)
    most = design.largest if skipped is None else design.largest * GROWTH
    for rule in design.rules:
        keyed = _keyed(forms, (rule, design.within), "")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE link_sizes AS {_sizes(keyed, design.largest // 2)}")
        _leave_out(connection, forms, (rule, design.within), (most, design.largest))
    return _ended(connection)


def sampled(connection: duckdb.DuckDBPyConnection, forms: str, design: Design, rule: Rule, pairs: int) -> str:
    """Table of pairs of one rule as of :func:`block`: of every k-th key, so that there are about ``pairs``, or all if there are fewer."""
    _begin(connection, None)
    _gather(connection, forms, (rule, design.within), "")
    _leave_out(connection, forms, (rule, design.within), (design.largest, design.largest))
    every = connection.execute("SELECT coalesce(sum(size * (size - 1) // 2), 0)::BIGINT FROM link_sizes").fetchall()[0][0]
    if every > pairs:
        connection.execute(f"DELETE FROM link_sizes WHERE key % {-(-every // pairs)} <> 0")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_pairs AS SELECT join_key_l, join_key_r, '0' AS match_key "
        f"FROM ({_joined(0, False)}) p (join_key_l, join_key_r, rule)"
    )
    _ended(connection)
    return "link_pairs"


def _begin(connection: duckdb.DuckDBPyConnection, skipped: pa.Table | None) -> None:
    connection.register("link_skip", skipped if skipped is not None else SKIPPED.empty_table())
    connection.execute("CREATE OR REPLACE TEMP TABLE link_left_out (rule VARCHAR, key VARCHAR, size BIGINT)")


def _ended(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Keys left out; what was made on the way is dropped."""
    found = connection.sql("SELECT rule, key, size FROM link_left_out ORDER BY rule, key").to_arrow_table().cast(SKIPPED)
    for name in ("link_keys", "link_sizes", "link_left_out"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.unregister("link_skip")
    return found


def key_columns(rule: Rule, within: tuple[str, ...]) -> dict[str, str]:
    """Name → expression of each key of a rule."""
    return {f"k{i}": expression for i, expression in enumerate((*within, *rule.keys))}


def _gather(connection: duckdb.DuckDBPyConnection, forms: str, ruled: tuple[Rule, tuple[str, ...]], new: str) -> None:
    """``link_keys``: records with all keys, and with ``new`` only those whose keys a new record has; and how many have each.

    What is joined is one number for all keys of a rule. Two keys with one number, once in a hundred million books of this size, would
    only add pairs that are then compared.
    """
    table = _keyed(forms, ruled, new)
    if new:
        table = f"SELECT g.* FROM ({table}) g SEMI JOIN (SELECT key FROM ({table}) WHERE is_new) f USING (key)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_keys AS {table}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_sizes AS {_sizes('SELECT * FROM link_keys', 1)}")


def _keyed(forms: str, ruled: tuple[Rule, tuple[str, ...]], new: str) -> str:
    columns = key_columns(*ruled)
    known = " AND ".join(f"{name} IS NOT NULL" for name in columns)
    shown = ", ".join(f"{expression} AS {name}" for name, expression in columns.items())
    keyed = f"SELECT n, {shown}, {new or 'true'} AS is_new FROM {forms}"
    return f"SELECT n, hash({', '.join(columns)}) AS key, is_new FROM ({keyed}) WHERE {known}"


def _sizes(keyed: str, above: int) -> str:
    """Query for the keys of more records than a number, with one record of each."""
    return f"SELECT key, count(*) AS size, min(n) AS n FROM ({keyed}) GROUP BY key HAVING size > {above}"


def named(rule: Rule, within: tuple[str, ...]) -> str:
    """The digest of a form's key by which it is reported, as an expression over a form."""
    keys = ", ".join(f"({expression})::VARCHAR" for expression in key_columns(rule, within).values())
    return f"substr(sha256(concat_ws({SEPARATOR}, '{rule.name}', {keys})), 1, 16)"


def _leave_out(connection: duckdb.DuckDBPyConnection, forms: str, ruled: tuple[Rule, tuple[str, ...]], limits: tuple[int, int]) -> None:
    """Take keys of more records than the first limit, and those that the model leaves out, from ``link_sizes``."""
    rule, (most, largest) = ruled[0], limits
    large = f"(SELECT key AS number, size, n FROM link_sizes WHERE size > {largest // 2})"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_large AS SELECT number, size, {named(*ruled)} AS key FROM {large} JOIN {forms} USING (n)"
    )
    skipped = f"size > {most} OR key IN (SELECT key FROM link_skip WHERE rule = '{rule.name}')"
    connection.execute(f"DELETE FROM link_sizes WHERE key IN (SELECT number FROM link_large WHERE {skipped})")
    connection.execute(f"INSERT INTO link_left_out SELECT '{rule.name}', key, size FROM link_large WHERE {skipped}")
    connection.execute("DROP TABLE link_large")


def _joined(position: int, some: bool) -> str:
    kept = "(SELECT k.* FROM link_keys k SEMI JOIN link_sizes s USING (key))"
    fresh = " AND (l.is_new OR r.is_new)" if some else ""
    return f"SELECT l.n, r.n, {position} FROM {kept} l JOIN {kept} r ON l.key = r.key AND l.n < r.n{fresh}"
