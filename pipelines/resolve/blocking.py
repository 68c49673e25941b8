"""Which pairs are looked at: records that agree on the keys of a rule, unless so many do that the key says nothing."""

from __future__ import annotations

from dataclasses import dataclass, field

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


@dataclass(frozen=True)
class Few:
    """Records that a night looks at beside all others.

    Attributes
    ----------
    records : str
        Table of the connection with ``n``, among others.
    numbers : str
        What :func:`numbers` made of all forms.
    keys : pyarrow Table
        Keys (``NUMBERED``) that are looked at too.
    """

    records: str
    numbers: str
    keys: pa.Table = field(default_factory=NUMBERED.empty_table)


def numbers(connection: duckdb.DuckDBPyConnection, forms: str, design: Design) -> str:
    """Table of the connection: n, and the number of a form's keys by rule (k0, k1, ...), null where one is unknown. Cost: a pass.

    What several rules look at is hashed once.
    """
    keys = [list(key_columns(rule, design.within).values()) for rule in design.rules]
    every = list(dict.fromkeys(expression for rule in keys for expression in rule))
    each = ", ".join(f"CASE WHEN ({expression}) IS NOT NULL THEN hash({expression}) END AS h{i}" for i, expression in enumerate(every))
    hashes = [[f"h{every.index(expression)}" for expression in rule] for rule in keys]
    shown = "".join(
        f", CASE WHEN {' AND '.join(f'{h} IS NOT NULL' for h in rule)} THEN hash({', '.join(rule)}) END AS k{i}"
        for i, rule in enumerate(hashes)
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_numbers AS SELECT n{shown} FROM (SELECT n, {each} FROM {forms})")
    return "link_numbers"


def block(
    connection: duckdb.DuckDBPyConnection, forms: str, design: Design, skipped: pa.Table | None = None, few: Few | None = None
) -> Blocks:
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
    few : Few, optional
        Only pairs with at least one of these records.

    Returns
    -------
    Blocks
        Pairs, and keys left out: of all, or of those that such records have. Cost: a grouping of all records per rule; with ``few`` a
        pass over the numbers, and groupings of records that share a key with one of the few.
    """
    _begin(connection, skipped, few)
    connection.execute("CREATE OR REPLACE TEMP TABLE link_found (join_key_l BIGINT, join_key_r BIGINT, match_key SMALLINT)")
    most = design.largest if skipped is None else design.largest * GROWTH
    for position, rule in enumerate(design.rules):
        _gather(connection, _few(position, "") if few else _all(forms, (rule, design.within)))
        _leave_out(connection, forms, (rule, design.within), (most, design.largest))
        connection.execute(f"INSERT INTO link_found {_joined(position, few is not None)}")
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_pairs AS SELECT join_key_l, join_key_r, min(match_key)::VARCHAR AS match_key "
        "FROM link_found GROUP BY join_key_l, join_key_r"
    )
    connection.execute("DROP TABLE link_found")
    return Blocks("link_pairs", _ended(connection))


def left_out(
    connection: duckdb.DuckDBPyConnection, forms: str, design: Design, skipped: pa.Table | None = None, few: Few | None = None
) -> pa.Table:
    """Keys that :func:`block` leaves out of all forms, as ``Blocks.skipped``, without forming a pair.

    Parameters
    ----------
    connection, forms, design, skipped
        As of :func:`block`.
    few : Few, optional
        Only keys that one of these records has, or that are listed there.

    Returns
    -------
    pyarrow Table
        Cost: one grouping per rule; with ``few`` a pass over the numbers and a grouping of few.
    """
    _begin(connection, skipped, few)
    most = design.largest if skipped is None else design.largest * GROWTH
    for position, rule in enumerate(design.rules):
        keyed = _few(position, rule.name) if few else _all(forms, (rule, design.within))
        connection.execute(f"CREATE OR REPLACE TEMP TABLE link_sizes AS {_sizes(keyed, design.largest // 2)}")
        _leave_out(connection, forms, (rule, design.within), (most, design.largest))
    return _ended(connection)


def sampled(connection: duckdb.DuckDBPyConnection, forms: str, design: Design, rule: Rule, pairs: int) -> str:
    """Table of pairs of one rule as of :func:`block`: of every k-th key, so that there are about ``pairs``, or all if there are fewer."""
    _begin(connection, None)
    _gather(connection, _all(forms, (rule, design.within)))
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


def _begin(connection: duckdb.DuckDBPyConnection, skipped: pa.Table | None, few: Few | None = None) -> None:
    """What the queries below read: keys left out by the model, keys asked for, numbers of all forms, and those of the few."""
    connection.register("link_skip", skipped if skipped is not None else SKIPPED.empty_table())
    if few:
        connection.register("link_asked", few.keys)
        connection.execute(f"CREATE OR REPLACE TEMP VIEW link_every AS SELECT * FROM {few.numbers}")
        connection.execute(f"CREATE OR REPLACE TEMP TABLE link_fresh AS SELECT * FROM link_every SEMI JOIN {few.records} USING (n)")
    connection.execute("CREATE OR REPLACE TEMP TABLE link_left_out (rule VARCHAR, key VARCHAR, size BIGINT, number UBIGINT)")


def _ended(connection: duckdb.DuckDBPyConnection) -> pa.Table:
    """Keys left out; what was made on the way is dropped."""
    found = connection.sql("SELECT rule, key, size, number FROM link_left_out ORDER BY rule, key").to_arrow_table().cast(NUMBERED)
    for name in ("link_keys", "link_sizes", "link_left_out", "link_fresh"):
        connection.execute(f"DROP TABLE IF EXISTS {name}")
    connection.execute("DROP VIEW IF EXISTS link_every")
    for name in ("link_skip", "link_asked"):
        connection.unregister(name)
    return found


def key_columns(rule: Rule, within: tuple[str, ...]) -> dict[str, str]:
    """Name → expression of each key of a rule."""
    return {f"k{i}": expression for i, expression in enumerate((*within, *rule.keys))}


def _gather(connection: duckdb.DuckDBPyConnection, keyed: str) -> None:
    """``link_keys``: the records of a query with the number of their keys and whether they are new; and how many have each.

    What is joined is one number for all keys of a rule. Two keys with one number, once in a hundred million books of this size, would
    only add pairs that are then compared.
    """
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_keys AS {keyed}")
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_sizes AS {_sizes('SELECT * FROM link_keys', 1)}")


def numbered(rule: Rule, within: tuple[str, ...]) -> str:
    """The number of a form's keys, as an expression over a form; see ``NUMBERED``."""
    return f"hash({', '.join(f'hash({expression})' for expression in key_columns(rule, within).values())})"


def _known(rule: Rule, within: tuple[str, ...]) -> str:
    return " AND ".join(f"({expression}) IS NOT NULL" for expression in key_columns(rule, within).values())


def _all(forms: str, ruled: tuple[Rule, tuple[str, ...]]) -> str:
    """Query for n and the number of the keys of forms that have all keys."""
    return f"SELECT n, {numbered(*ruled)} AS key, true AS is_new FROM {forms} WHERE {_known(*ruled)}"


def _few(position: int, asked: str) -> str:
    """The same for records that share the key of a rule with one of the few, or have one that is asked for of the rule so named."""
    own, key = f"SELECT k{position} AS key FROM link_fresh WHERE k{position} IS NOT NULL", f"k{position}"
    wanted = f"{own} UNION ALL SELECT number FROM link_asked WHERE rule = '{asked}'"
    near = f"SELECT n, key FROM (SELECT n, {key} AS key FROM link_every) e SEMI JOIN ({wanted}) w USING (key)"
    return f"SELECT e.n, e.key, f.n IS NOT NULL AS is_new FROM ({near}) e LEFT JOIN link_fresh f USING (n)"


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
