"""Training of a link model without labels and without chance: counts of agreement patterns, and expectation-maximisation on them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.errors import DataError
from pipelines.resolve.addresses import WORDS, rarity
from pipelines.resolve.blocking import block, left_out, sampled
from pipelines.resolve.model import SKIPPED, TF, Design, Model, Rule, settings
from pipelines.resolve.splink import scored

SAMPLE = 1_000_000
"""Pairs looked at per step."""
DRAWN = 200_000
"""Records that strangers are drawn from, at least: more would cost more and tell nothing new."""
SHIFTS = 20
"""Strangers that a record is paired with at most: of few records not every pair need be looked at."""
ROUNDS = 40
LIMIT = 4.0
"""How far training may move the odds of ``Level.m``, as a factor."""
CERTAIN_RECALL = 0.9
"""Share of the pairs of one person that the certain rules find, by knowledge."""
DIGITS = 5
MISSED = 0.5
"""Added to every count: what a sample has not seen is not impossible."""

APART = "_apart"
"""What follows the name of a table of forms in that of the table with the parts of their addresses."""

VALUES = TF.append(pa.field("number", pa.uint64()))
"""Frequencies, with the number that the engine finds the records of a value by: only for nights of one version of everything."""

Floats = npt.NDArray[np.float64]
Figures = dict[str, tuple[float, ...]]


@dataclass(frozen=True)
class Patterns:
    """Pairs counted by how they agree.

    Attributes
    ----------
    levels : ndarray of int, shape (patterns, comparisons)
        Position of the level that holds; -1 where there is nothing to compare.
    counts : ndarray of float, shape (patterns,)
        Pairs.
    """

    levels: npt.NDArray[np.int64]
    counts: Floats


def train(connection: duckdb.DuckDBPyConnection, forms: str, design: Design) -> Model:
    """Fit a design to forms.

    Parameters
    ----------
    connection : duckdb connection
        Holds ``forms``.
    forms : str
        Name of a table or view with ``party_id``, ``n`` and what the design reads.
    design : Design
        What is compared.

    Returns
    -------
    Model
        The same for the same forms, whatever their order.
    """
    tf, records = frequencies(connection, forms, design.tf_columns)
    skipped = left_out(connection, forms, design).select(SKIPPED.names)
    known = {c.name: tuple(level.m for level in c.levels) for c in design.comparisons}
    flat = {c.name: tuple(1 / len(c.levels) for _ in c.levels) for c in design.comparisons}
    spelt = beside(connection, forms) or forms
    words = rarity(connection, spelt) if "address_grams" in connection.table(spelt).columns else WORDS.empty_table()
    model = Model(design, known, flat, _prior(connection, forms, design), records, tf, skipped, words)
    model = replace(model, u=_unlike(model, _counted(connection, forms, model, _strangers(connection, forms, design))))
    learnt = [_alike(connection, forms, model, rule) for rule in design.rules if rule.implies]
    return replace(model, m={c.name: _within_limits(known[c.name], [m[c.name] for m in learnt if c.name in m]) for c in design.comparisons})


def frequencies(connection: duckdb.DuckDBPyConnection, forms: str, columns: tuple[str, ...]) -> tuple[pa.Table, dict[str, int]]:
    """Frequencies of values seen twice or more, by digest, and records with a value."""
    records = {c: _one(connection, f"SELECT count({c}) FROM {forms}") for c in columns}
    shared = _shared(connection, {c: (f"round(count(*) / {max(n, 1)}, 9)", forms) for c, n in records.items()})
    return shared.select(TF.names), records


def unseen(connection: duckdb.DuckDBPyConnection, forms: str, model: Model, some: tuple[str, pa.Table] | None = None) -> pa.Table:
    """Frequencies of values shared tonight that the model has not seen twice, among the records of the model.

    Counts are rounded up to 2, 3, 4, 6, 8, 12, ...: a hotline opened since is not a rare phone, yet the next caller leaves the pairs of
    all earlier ones as they were, unless there are half as many again.

    Parameters
    ----------
    connection : duckdb connection
        Holds ``forms``.
    forms : str
        Name of a table.
    model : Model
    some : (str, pyarrow Table), optional
        A table of forms, and values (``VALUES``): only values are looked at that one of the forms has or that are listed.

    Returns
    -------
    pyarrow Table
        ``VALUES``, sorted. Cost: a grouping of the forms per column; with ``some`` a pass over them and a grouping of few.
    """
    half = "pow(2, floor(log2(count(*)))) / 2"
    share = {c: f"least(round(ceil(count(*) / ({half})) * {half} / {max(n, 1)}, 9), 1)" for c, n in model.records.items()}
    connection.register("link_asked", some[1] if some else VALUES.empty_table())
    connection.register("link_seen", model.tf)
    shared = {c: (of, _having(forms, c, some[0]) if some else forms) for c, of in share.items()}
    found = _shared(connection, shared, " ANTI JOIN link_seen USING (name, value)")
    for name in ("link_asked", "link_seen"):
        connection.unregister(name)
    return found


def _having(forms: str, column: str, some: str) -> str:
    """Query for the values of a column that a table of forms has or that are listed."""
    few = f"SELECT hash({column}) AS number FROM {some} UNION ALL SELECT number FROM link_asked WHERE name = '{column}'"
    return f"(SELECT {column} FROM (SELECT {column}, hash({column}) AS number FROM {forms}) f SEMI JOIN ({few}) a USING (number))"


def _shared(connection: duckdb.DuckDBPyConnection, shares: dict[str, tuple[str, str]], without: str = "") -> pa.Table:
    """``VALUES`` seen twice or more: by column its share and where it is looked for."""
    parts = [
        f"SELECT '{c}' AS name, substr(sha256({c}::VARCHAR), 1, 16) AS value, {of} AS tf, hash({c}) AS number "
        f"FROM {forms} WHERE {c} IS NOT NULL GROUP BY {c} HAVING count(*) > 1"
        for c, (of, forms) in shares.items()
    ]
    if not parts:
        return VALUES.empty_table()
    return connection.sql(f"SELECT * FROM ({' UNION ALL '.join(parts)}){without} ORDER BY ALL").to_arrow_table().cast(VALUES)


def sides(connection: duckdb.DuckDBPyConnection, forms: str, model: Model, pairs: str) -> str:
    """Table of the forms in ``pairs`` with their term frequencies; a value seen once, or never, is as rare as can be."""
    connection.register("link_tf", model.tf)
    columns = model.design.tf_columns
    shown = [f"CASE WHEN f.{c} IS NOT NULL THEN coalesce(t_{c}.tf, {1 / max(model.records[c], 1)!r}) END AS tf_{c}" for c in columns]
    joins = [f"LEFT JOIN link_tf t_{c} ON t_{c}.name = '{c}' AND t_{c}.value = substr(sha256(f.{c}::VARCHAR), 1, 16)" for c in columns]
    ids, parts = f"SELECT join_key_l AS n FROM {pairs} UNION SELECT join_key_r FROM {pairs}", beside(connection, forms)
    if parts:
        held = set(connection.table(forms).columns)
        shown += [f"a.{c}" for c in connection.table(parts).columns if c not in held and c != "token"]
        joins.append(f"LEFT JOIN {parts} a ON a.token = f.address")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_sides AS SELECT {', '.join(['f.*', *shown])} "
        f"FROM (SELECT * FROM {forms} SEMI JOIN ({ids}) USING (n)) f {' '.join(joins)}"
    )
    connection.unregister("link_tf")
    return "link_sides"


def beside(connection: duckdb.DuckDBPyConnection, forms: str) -> str:
    """Table with the parts of the addresses of forms, by token, where they are not in the forms; empty if there is none."""
    named = connection.execute("SELECT table_name FROM duckdb_tables() WHERE table_name = ?", [f"{forms}{APART}"]).fetchall()
    return str(named[0][0]) if named else ""


def _one(connection: duckdb.DuckDBPyConnection, query: str) -> Any:
    return connection.execute(query).fetchall()[0][0]


def _prior(connection: duckdb.DuckDBPyConnection, forms: str, design: Design) -> float:
    """Pairs that certain rules find, and their share of what there is to find, over all pairs."""
    certain = tuple(rule for rule in design.rules if rule.certain)
    if not certain:
        raise DataError("the link design has no certain rule", "rules", "declare one: the prior is taken from it")
    found = _one(connection, f"SELECT count(*) FROM {block(connection, forms, replace(design, rules=certain)).pairs}")
    groups = f"SELECT count(*)::DOUBLE AS size FROM {forms} GROUP BY {', '.join(design.within) or 'true'}"
    every = _one(connection, f"SELECT sum(size * (size - 1) / 2) FROM ({groups})") or 1.0
    return _rounded(min(max(found / CERTAIN_RECALL, 1.0) / max(every, 2.0), 0.5))


def _strangers(connection: duckdb.DuckDBPyConnection, forms: str, design: Design) -> str:
    """Pairs as good as random, always the same: neighbours in the order of a digest of ``n``."""
    many = max(_one(connection, f"SELECT count(*) FROM {forms}"), 1)
    stride = max(many // DRAWN, 1)
    shifts = min(-(-SAMPLE * stride // many), SHIFTS)
    parts = f"PARTITION BY {', '.join(design.within)} " if design.within else ""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_order AS SELECT n, {', '.join(('true AS every', *design.within))}, "
        f"row_number() OVER ({parts}ORDER BY md5(n::VARCHAR), n) AS place FROM {forms} "
        f"WHERE md5_number_lower(n::VARCHAR) % {stride} = 0"
    )
    same = " AND ".join(f"l.{c} = r.{c}" for c in ("every", *design.within))
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_pairs AS "
        "SELECT least(l.n, r.n) AS join_key_l, greatest(l.n, r.n) AS join_key_r, '0' AS match_key "
        f"FROM (SELECT *, unnest(range(1, {shifts + 1})) AS shift FROM link_order) l "
        f"JOIN link_order r ON {same} AND r.place = l.place + l.shift"
    )
    connection.execute("DROP TABLE link_order")
    return "link_pairs"


def _counted(connection: duckdb.DuckDBPyConnection, forms: str, model: Model, pairs: str) -> Patterns:
    """Agreement patterns of pairs."""
    found = scored(connection, sides(connection, forms, model, pairs), pairs, settings(model))
    names = [f"gamma_{c.name}" for c in model.design.comparisons]
    query = f"SELECT {', '.join(names)}, count(*) AS pairs FROM {found} GROUP BY ALL ORDER BY ALL"
    rows = connection.sql(query).to_arrow_table()
    for table in (found, "link_sides"):
        connection.execute(f"DROP TABLE {table}")
    gamma = np.array([rows[n].to_numpy() for n in names], dtype=np.int64).T.reshape(-1, len(names))
    last = np.array([len(c.levels) - 1 for c in model.design.comparisons])
    return Patterns(np.where(gamma < 0, -1, last - gamma), rows["pairs"].to_numpy().astype(np.float64))


def _unlike(model: Model, patterns: Patterns) -> Figures:
    """How often two persons agree: of random pairs, without those that are one person's as far as is known after a first round."""
    weights = patterns.counts
    for _ in range(2):
        u = _shares(model.design, patterns, weights)
        chance = _chance(replace(model, u=u), patterns, model.prior)
        weights = patterns.counts * (chance < 0.5)
    return _shares(model.design, patterns, weights)


def _alike(connection: duckdb.DuckDBPyConnection, forms: str, model: Model, rule: Rule) -> Figures:
    """How often records of one person agree: of the pairs of one rule, but for what the rule itself decides."""
    pairs = sampled(connection, forms, model.design, rule, SAMPLE)
    patterns = _counted(connection, forms, model, pairs)
    free = [c for c in model.design.comparisons if c.name not in rule.implies]
    learning, prior = model, 0.5
    for _ in range(ROUNDS):
        weights = patterns.counts * _chance(learning, patterns, prior, rule.implies)
        prior = min(max(float(weights.sum() / max(patterns.counts.sum(), 1.0)), 0.001), 0.999)
        shares = _shares(model.design, patterns, weights)
        learning = replace(learning, m={**model.m, **{c.name: _within_limits(model.m[c.name], [shares[c.name]]) for c in free}})
    return {c.name: learning.m[c.name] for c in free}


def _shares(design: Design, patterns: Patterns, weights: Floats) -> Figures:
    """Share of each level among the pairs that can be compared."""
    found = {}
    for i, comparison in enumerate(design.comparisons):
        known = patterns.levels[:, i] >= 0
        counts = np.bincount(patterns.levels[known, i], weights[known], minlength=len(comparison.levels)) + MISSED
        found[comparison.name] = tuple(_rounded(x) for x in counts / counts.sum())
    return found


def _chance(model: Model, patterns: Patterns, prior: float, without: tuple[str, ...] = ()) -> Floats:
    """Probability that the pairs of each pattern are one person's."""
    bits = np.full(len(patterns.counts), np.log2(prior / (1 - prior)))
    for i, comparison in enumerate(model.design.comparisons):
        if comparison.name not in without:
            ratio = np.log2(np.array(model.m[comparison.name]) / np.array(model.u[comparison.name]))
            bits += np.append(np.minimum(ratio, comparison.most), 0.0)[patterns.levels[:, i]]
    chance: Floats = 1 / (1 + np.exp2(-np.clip(bits, -500, 500)))
    return chance


def _within_limits(known: tuple[float, ...], learnt: list[tuple[float, ...]]) -> tuple[float, ...]:
    """The mean of what was learnt, no further than ``LIMIT`` from what is known."""
    start = np.array(known)
    mean = np.minimum(np.array(learnt).mean(axis=0), 1 - 1e-9) if learnt else start
    odds = np.clip(mean / (1 - mean), start / (1 - start) / LIMIT, start / (1 - start) * LIMIT)
    share = odds / (1 + odds)
    return tuple(_rounded(x) for x in share / share.sum())


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
