"""Which pairs are looked at: records that agree on the keys of a rule, unless so many do that the key says nothing."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import pyarrow as pa

from pipelines.resolve.model import SKIPPED, Design, Rule

GROWTH = 4
"""A key that was small when the model was trained is left out once its block has grown beyond this many times ``Design.largest``."""
SEPARATOR = "chr(31)"
NUMBERED = SKIPPED.append(pa.field("number", pa.uint64()))
"""Keys left out, with the number that the engine finds the records of a key by: only for nights of one version of everything."""


@dataclass(frozen=True)
class Blocks:
    """Where the pairs are.

    Attributes
    ----------
    pairs : str
        Table of the connection: join_key_l, join_key_r (``n``, left < right), match_key (position of the first rule that found it).
    skipped : pyarrow Table
        Keys left out now: rule, key (a digest), size, number; sorted.
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
        Pairs, and keys left out: of all, or of those that such records have. Cost: a grouping of all records per rule; with ``new`` a
        pass over them, and groupings of those that share a key with a new one.
    """
    _begin(connection, skipped)
    if new:
        connection.execute(f"CREATE OR REPLACE TEMP TABLE link_fresh AS SELECT * FROM {forms} WHERE {new}")
    connection.execute("CREATE OR REPLACE TEMP TABLE link_found (join_key_l BIGINT, join_key_r BIGINT, match_key SMALLINT)")
    most = design.largest if skipped is None else design.largest * GROWTH
    for position, rule in enumerate(design.rules):
        _gather(connection, forms, (rule, design.within), bool(new))
        _leave_out(connection, forms, (rule, design.within), (most, design.largest))
        connection.execute(f"INSERT INTO link_found {_joined(position, bool(new))}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_pairs AS SELECT join_key_l, join_key_r, min(match_key)::VARCHAR AS match_key "
        "FROM link_found GROUP BY join_key_l, join_key_r"
    )
    connection.execute("DROP TABLE link_found")
    return Blocks("link_pairs", _ended(connection))


def left_out(
    connection: duckdb.DuckDBPyConnection,
    forms: str,
    design: Design,
    skipped: pa.Table | None = None,
    some: tuple[str, pa.Table] | None = None,
) -> pa.Table:
    """Keys that :func:`block` leaves out of all forms, as ``Blocks.skipped``, without forming a pair.

    Parameters
    ----------
    connection, forms, design, skipped
        As of :func:`block`.
    some : (str, pyarrow Table), optional
        A table of forms, and keys (``Blocks.skipped``): only keys that one of the forms has or that are listed are looked at.

    Returns
    -------
    pyarrow Table
        Cost: one grouping per rule; with ``some`` a pass over the forms and a grouping of few.
    """
    _begin(connection, skipped)
    connection.register("link_asked", some[1] if some else NUMBERED.empty_table())
    most = design.largest if skipped is None else design.largest * GROWTH
    for rule in design.rules:
        keyed = _keyed(forms, (rule, design.within))
        if some:
            listed = f"SELECT number AS key FROM link_asked WHERE rule = '{rule.name}'"
            keyed = _having(keyed, f"SELECT key FROM ({_keyed(some[0], (rule, design.within))}) UNION ALL {listed}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE link_sizes AS {_sizes(keyed, design.largest // 2)}")
        _leave_out(connection, forms, (rule, design.within), (most, design.largest))
    connection.unregister("link_asked")
    return _ended(connection)


def sampled(connection: duckdb.DuckDBPyConnection, forms: str, design: Design, rule: Rule, pairs: int) -> str:
    """Table of pairs of one rule as of :func:`block`: of every k-th key, so that there are about ``pairs``, or all if there are fewer."""
    _begin(connection, None)
    _gather(connection, forms, (rule, design.within), False)
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
    connection.execute("CREATE OR REPLACE TEMP TABLE link_left_out (rule VARCHAR, key VARCHAR, size BIGINT, number UBIGINT)")


def _ended(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Keys left out; what was made on the way is dropped."""
    found = connection.sql("SELECT rule, key, size, number FROM link_left_out ORDER BY rule, key").to_arrow_table().cast(NUMBERED)
    for name in ("link_keys", "link_sizes", "link_left_out", "link_fresh"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.unregister("link_skip")
    return found


def key_columns(rule: Rule, within: tuple[str, ...]) -> dict[str, str]:
    """Name → expression of each key of a rule."""
    return {f"k{i}": expression for i, expression in enumerate((*within, *rule.keys))}


def _gather(connection: duckdb.DuckDBPyConnection, forms: str, ruled: tuple[Rule, tuple[str, ...]], some: bool) -> None:
    """``link_keys``: records with all keys, or only those whose keys a record of ``link_fresh`` has; and how many have each.

    What is joined is one number for all keys of a rule. Two keys with one number, once in a hundred million books of this size, would
    only add pairs that are then compared.
    """
    table = _keyed(forms, ruled)
    if some:
        near = _having(table, f"SELECT key FROM ({_keyed('link_fresh', ruled)})")
        table = f"SELECT k.*, f.n IS NOT NULL AS is_new FROM ({near}) k LEFT JOIN link_fresh f USING (n)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_keys AS {table}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_sizes AS {_sizes('SELECT * FROM link_keys', 1)}")


def numbered(rule: Rule, within: tuple[str, ...]) -> str:
    """The number of a form's keys, as an expression over a form; see ``NUMBERED``."""
    return f"hash({', '.join(f'({expression})' for expression in key_columns(rule, within).values())})"


def _keyed(forms: str, ruled: tuple[Rule, tuple[str, ...]]) -> str:
    """Query for n and the number of the keys of forms that have all keys."""
    known = " AND ".join(f"({expression}) IS NOT NULL" for expression in key_columns(*ruled).values())
    return f"SELECT n, {numbered(*ruled)} AS key FROM {forms} WHERE {known}"


def _having(keyed: str, keys: str) -> str:
    """Of a query for keyed records those with one of few keys."""
    return f"SELECT r.* FROM ({keyed}) r SEMI JOIN ({keys}) few USING (key)"


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
    connection.execute(f"INSERT INTO link_left_out SELECT '{rule.name}', key, size, number FROM link_large WHERE {skipped}")
    connection.execute("DROP TABLE link_large")


def _joined(position: int, some: bool) -> str:
    kept = "(SELECT k.* FROM link_keys k SEMI JOIN link_sizes s USING (key))"
    if some:
        fresh = f"{kept} l JOIN {kept} r ON l.key = r.key AND l.is_new AND (l.n < r.n OR (l.n > r.n AND NOT r.is_new))"
        return f"SELECT least(l.n, r.n), greatest(l.n, r.n), {position} FROM {fresh}"
    return f"SELECT l.n, r.n, {position} FROM {kept} l JOIN {kept} r ON l.key = r.key AND l.n < r.n"
