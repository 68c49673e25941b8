"""Pairs of records that are one person's, with the evidence for each: of all forms, or of the new ones of a night."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import duckdb
import pyarrow as pa

from pipelines.resolve.blocking import Few, block
from pipelines.resolve.model import Comparison, Design, Model, settings
from pipelines.resolve.splink import scored
from pipelines.resolve.training import sides, train

DECIMALS = 4
PART = 1_000_000
"""Pairs scored at a time: only the records in them are held, with all that is compared of them, however large the book is."""


@dataclass(frozen=True)
class Links:
    """What linking found.

    Attributes
    ----------
    pairs : pyarrow Table
        Accepted pairs in order: party_l, party_r (the greater id), weight (bits, prior included), rule (the first that found it), and per
        comparison level_… (position in its levels, null where unknown) and bits_….
    skipped : pyarrow Table
        Keys left out: rule, key (a digest), size, number.
    """

    pairs: pa.Table
    skipped: pa.Table


def connect(memory_limit: str = "4GB", threads: int = 2, spill: str = "") -> duckdb.DuckDBPyConnection:
    """A connection within limits, that spills to the folder ``spill`` if one is given."""
    settled: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads, "preserve_insertion_order": False}
    return duckdb.connect(config=settled | ({"temp_directory": spill} if spill else {}))


def link_forms(connection: duckdb.DuckDBPyConnection, forms: str, design: Design) -> tuple[Model, Links]:
    """Train a model on forms and link them.

    Parameters
    ----------
    connection : duckdb connection
        Holds ``forms``.
    forms : str
        Name of a table or view: party_id, n (unique seniority), and what the design reads.
    design : Design
        What is compared.

    Returns
    -------
    tuple of Model and Links
        The model, for later nights; and the accepted pairs.
    """
    model = train(connection, forms, design)
    return model, link_all(connection, model, forms)


def link_all(connection: duckdb.DuckDBPyConnection, model: Model, forms: str) -> Links:
    """Link all forms under a model."""
    return _link(connection, model, forms, None)


def link_some(connection: duckdb.DuckDBPyConnection, model: Model, forms: str, few: Few) -> Links:
    """Pairs of forms with at least one of the few records.

    With the pairs among the others they are those of :func:`link_all` under the same model and the same keys left out.
    """
    return _link(connection, model, forms, few)


def grown(model: Model, links: Links) -> pa.Table:
    """Keys left out tonight that the model does not leave out; reason to train anew."""
    return links.skipped.join(model.skipped.select(["rule", "key"]), keys=["rule", "key"], join_type="left anti").sort_by("key")


def waterfall(model: Model, pair: dict[str, Any]) -> list[tuple[str, str, float]]:
    """Comparison, label and bits of a pair (a row of ``Links.pairs``), in the order of the design, without what is unknown."""
    levels = [(c, pair[f"level_{c.name}"]) for c in model.design.comparisons]
    return [(c.name, c.levels[level].label, pair[f"bits_{c.name}"]) for c, level in levels if level is not None]


def _link(connection: duckdb.DuckDBPyConnection, model: Model, forms: str, few: Few | None) -> Links:
    blocks = block(connection, forms, model.design, model.skipped, few)
    for number, part in enumerate(_parts(connection, blocks.pairs)):
        sided = sides(connection, forms, model, part)
        found = scored(connection, sided, part, settings(model), model.threshold)
        into = "INSERT INTO link_accepted BY NAME" if number else "CREATE OR REPLACE TEMP TABLE link_accepted AS"
        connection.execute(f"{into} {_accepted(model.design, sided, found)}")
        for table in (found, sided, part):
            connection.execute(f"DROP TABLE {table}")
    pairs = connection.sql("SELECT * FROM link_accepted ORDER BY party_l, party_r").to_arrow_table()
    for table in ("link_accepted", blocks.pairs):
        connection.execute(f"DROP TABLE {table}")
    return Links(pairs, blocks.skipped)


def _parts(connection: duckdb.DuckDBPyConnection, pairs: str) -> Iterator[str]:
    """Tables of about ``PART`` of the pairs each, one after the other; at least one. A record's pairs as the left one stay together."""
    (count,) = connection.execute(f"SELECT count(*) FROM {pairs}").fetchall()[0]
    parts = max(-(-count // PART), 1)
    for number in range(parts):
        connection.execute(f"CREATE OR REPLACE TEMP TABLE link_part AS SELECT * FROM {pairs} WHERE join_key_l % {parts} = {number}")
        yield "link_part"


def _accepted(design: Design, sided: str, found: str) -> str:
    """Query over scored pairs, those without identity left out."""
    names = [c.name for c in design.comparisons]
    tf = {c.name: any(level.tf for level in c.levels) for c in design.comparisons}
    bits = {n: f"round(mw_{n}{f' + mw_tf_adj_{n}' if tf[n] else ''}, {DECIMALS})" for n in names}
    last = {c.name: len(c.levels) - 1 for c in design.comparisons}
    shown = [f"CASE WHEN gamma_{n} >= 0 THEN ({last[n]} - gamma_{n})::TINYINT END AS level_{n}, {bits[n]} AS bits_{n}" for n in names]
    rules = " ".join(f"WHEN '{i}' THEN '{rule.name}'" for i, rule in enumerate(design.rules))
    wanted = [f"{' + '.join(bits[n] for n in design.identity)} >= {design.least}"] if design.identity else []
    wanted += [f"({' OR '.join(f'gamma_{c.name} >= {last[c.name] - i}' for c, i in _proofs(design))})"] if design.proof else []
    proof = f" WHERE {' AND '.join(wanted)}" if wanted else ""
    return (
        "SELECT least(l.party_id, r.party_id) AS party_l, greatest(l.party_id, r.party_id) AS party_r, "
        f"round(match_weight, {DECIMALS}) AS weight, "
        f"CASE match_key {rules} END AS rule, {', '.join(shown)} "
        f"FROM {found} p JOIN {sided} l ON l.n = p.n_l JOIN {sided} r ON r.n = p.n_r{proof}"
    )


def _proofs(design: Design) -> list[tuple[Comparison, int]]:
    """Comparisons and the position of the last level that proves."""
    last = dict(design.proof)
    proving = [c for c in design.comparisons if c.name in last]
    return [(c, [level.label for level in c.levels].index(last[c.name])) for c in proving]


def proves(design: Design, pair: dict[str, Any]) -> bool:
    """Whether a pair (a row of ``Links.pairs``) has one of the design's proofs."""
    levels = [(pair[f"level_{c.name}"], last) for c, last in _proofs(design)]
    return not levels or any(level is not None and level <= last for level, last in levels)


def comparable(connection: duckdb.DuckDBPyConnection, model: Model, forms: str) -> bool:
    """Whether all forms of a table have in common what the design asks for, whatever their keys."""
    counts = ", ".join(f"count(DISTINCT {column})" for column in model.design.within)
    return all(n <= 1 for n in connection.execute(f"SELECT {counts or 1} FROM {forms}").fetchall()[0])


def compare(connection: duckdb.DuckDBPyConnection, model: Model, forms: str) -> dict[str, Any]:
    """The two forms of a table of two, compared whether or not a key brings them together: a row as of ``Links.pairs``, accepted or not."""
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_pairs AS SELECT min(n) AS join_key_l, max(n) AS join_key_r, '0' AS match_key FROM {forms}"
    )
    sided = sides(connection, forms, model, "link_pairs")
    found = scored(connection, sided, "link_pairs", settings(model))
    every = _accepted(replace(model.design, identity=(), proof=()), sided, found)
    row: dict[str, Any] = connection.sql(every).to_arrow_table().to_pylist()[0]
    return row
