"""A night compares what is new or changed with the rest, and finds what comparing all would find.

What a pair weighs depends on its two records, on the link model, and on two things of the night: how often a value is shared that the
model has not seen twice, and which keys are left out. The night before left both behind, and neither changes but by a record that is new,
changed or gone, so only values and keys of such records, and those left behind, are counted again. A record for which one of them is no
longer so is compared again like a changed one.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ids import digest
from pipelines.resolve.blocking import NUMBERED, Few, left_out, numbers
from pipelines.resolve.inserting import among, inserted
from pipelines.resolve.judgements import TABLE
from pipelines.resolve.linking import Links, link_all, link_some
from pipelines.resolve.model import TF, Design, Model
from pipelines.resolve.training import VALUES, unseen

FIGURES = ("records", "gone", "new", "changed", "reweighed", "kept", "accepted")
PARTS = ("links", "records", "values", "skipped", "judged")
RECORDS = pa.schema([("party_id", pa.string()), ("digest", pa.uint64()), ("cluster", pa.string()), ("component", pa.string())])


@dataclass(frozen=True)
class Basis:
    """What linking stands on beside the records.

    Attributes
    ----------
    model : Model
    version : str
        Of the code and the libraries.
    secret : str
        Key of the digests of records, which are of personal values.
    """

    model: Model
    version: str = ""
    secret: str = field(default="", repr=False)

    @property
    def digest(self) -> str:
        """Nights of one basis are comparable."""
        return digest(self.model.digest, self.version)


@dataclass(frozen=True)
class State:
    """What a night leaves to the next one, of one design.

    Attributes
    ----------
    basis : str
        Digest of the :class:`Basis`.
    links : pyarrow Table
        Accepted pairs, see :class:`pipelines.resolve.linking.Links`.
    records : pyarrow Table
        party_id, digest (keyed, of what is compared), cluster, component (the first of the records that pairs and words connect); sorted.
    values : pyarrow Table
        Frequencies of values that the model has not seen twice: name, value (a digest), tf, number.
    skipped : pyarrow Table
        Keys left out: rule, key (a digest), size, number.
    judged : pyarrow Table
        Judgements that were in force.
    """

    basis: str
    links: pa.Table
    records: pa.Table
    values: pa.Table = field(default_factory=VALUES.empty_table)
    skipped: pa.Table = field(default_factory=NUMBERED.empty_table)
    judged: pa.Table = field(default_factory=TABLE.empty_table)

    def tables(self, name: str) -> dict[str, pa.Table]:
        """Its tables under the names that they are kept by."""
        return {f"{name}_{part}": getattr(self, part) for part in PARTS}


def left_behind(folder: Path, name: str) -> State | None:
    """What the stage in ``folder`` left of a design; None if something is missing."""
    files = {part: folder / f"{name}_{part}.parquet" for part in PARTS}
    named = folder / "link_model.parquet"
    if not all(f.exists() for f in (named, *files.values())):
        return None
    (basis,) = [row["basis"] for row in pq.read_table(named).to_pylist() if row.get("design") == name] or [""]
    return State(basis, **{part: pq.read_table(f) for part, f in files.items()})


@dataclass(frozen=True)
class Compared:
    """What a night compared.

    Attributes
    ----------
    links : Links
        All accepted pairs, old and new; and all keys left out.
    known : pyarrow Table
        The records of the night before (``State.records``); the place of one is its number there.
    records : str
        Table of the connection: n (null where the record is gone since the night before), digest, place (null where it is new).
    stirred : str
        Table of the connection: party_id of the records that are new, changed, gone, or have lost or gained a pair; may repeat.
    values : pyarrow Table
        See :class:`State`.
    figures : dict of str to int
        Records; those new, changed, gone, and weighed otherwise since the night before; pairs accepted, and kept among them.
    """

    links: Links
    known: pa.Table
    records: str
    stirred: str
    values: pa.Table
    figures: dict[str, int]


def compare(connection: duckdb.DuckDBPyConnection, forms: str, basis: Basis, before: State | None) -> Compared:
    """Link tonight's forms: those touched since the night before with all, or all with all.

    Parameters
    ----------
    connection : duckdb connection
        Holds ``forms``.
    forms : str
        Name of a table: party_id, n, and what the design reads.
    basis : Basis
        With the model that the night starts from.
    before : State, optional
        Of a night of the same basis. Without it all are linked.

    Returns
    -------
    Compared
        The same links, byte for byte, with and without ``before``. Cost with it: one join with the records of the night before, a pass over
        the forms per rule and per column with frequencies, the candidate pairs of touched records, and a copy of the accepted pairs.
    """
    known = before.records if before else RECORDS.empty_table()
    _matched(connection, forms, basis.secret, known)
    if before is None:
        values = unseen(connection, forms, basis.model)
        links = link_all(connection, _tonight(basis.model, values), forms)
        figures = {**dict.fromkeys(FIGURES, 0), "records": _count(connection, "n IS NOT NULL"), "accepted": links.pairs.num_rows}
        return Compared(links, known, "link_records", "link_stirred", values, figures)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_changed AS SELECT * FROM {forms} SEMI JOIN link_touched USING (n)")
    values = unseen(connection, forms, basis.model, ("link_changed", before.values))
    every = numbers(connection, forms, basis.model.design)
    skipped = left_out(connection, forms, basis.model.design, basis.model.skipped, Few("link_changed", every, before.skipped))
    _touch(connection, forms, basis.model.design, (before, values, skipped))
    fresh = link_some(connection, _tonight(basis.model, values), forms, Few("link_touched", every)).pairs
    connection.execute(f"DROP TABLE {every}")
    links = _together(connection, fresh, before.links, skipped)
    return Compared(links, known, "link_records", "link_stirred", values, _figures(connection, links.pairs.num_rows, fresh.num_rows))


def _tonight(model: Model, values: pa.Table) -> Model:
    """The model with the frequencies of tonight."""
    return replace(model, tf=pa.concat_tables([model.tf, values.select(TF.names)]))


def _matched(connection: duckdb.DuckDBPyConnection, forms: str, secret: str, known: pa.Table) -> None:
    """``link_records``, see ``Compared.records``; ``link_touched``: n and why of those new or changed; and ``link_stirred``.

    The digest is keyed, of one number of all that is compared; of lists, whose codes are digests already, the sum. SHA-256 is the
    quickest that the engine has: processors know it.
    """
    kinds = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {forms}) WHERE column_name NOT IN ('party_id', 'n')")
    shown = ", ".join(f"list_sum({c})" if kind.endswith("[]") else c for c, kind in kinds.fetchall())
    connection.register("link_secret", pa.table({"secret": [secret]}))
    connection.register("link_known", known.append_column("place", pa.array(np.arange(len(known), dtype=np.int32))))
    records = f"SELECT party_id, n, hash(sha256(secret || hash({shown})::VARCHAR)) AS digest FROM {forms}, link_secret"
    earlier = "SELECT party_id, digest AS was, place FROM link_known"
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_records AS "
        f"SELECT r.n, r.digest, k.was, k.place FROM ({records}) r FULL JOIN ({earlier}) k USING (party_id)"
    )
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_touched AS SELECT n, CASE WHEN was IS NULL THEN 'new' ELSE 'changed' END AS why "
        "FROM link_records WHERE n IS NOT NULL AND was IS DISTINCT FROM digest"
    )
    gone = "SELECT place FROM link_records WHERE n IS NULL"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_stirred AS SELECT party_id FROM link_known SEMI JOIN ({gone}) USING (place)")
    for name in ("link_secret", "link_known"):
        connection.unregister(name)


def _touch(connection: duckdb.DuckDBPyConnection, forms: str, design: Design, nights: tuple[State, pa.Table, pa.Table]) -> None:
    """Put records that are weighed or blocked otherwise than the night before among the touched, and all touched among the stirred."""
    before, values, skipped = nights
    tables = {"link_values": values, "link_were": before.values, "link_out": skipped, "link_was": before.skipped}
    for name, table in tables.items():
        connection.register(name, table)
    moved = " UNION ".join([*_weighed_otherwise(connection, forms), *_blocked_otherwise(connection, design)])
    if moved:
        connection.execute(f"INSERT INTO link_touched SELECT n, 'reweighed' FROM ({moved}) ANTI JOIN link_touched USING (n)")
    connection.execute(f"INSERT INTO link_stirred SELECT party_id FROM {forms} SEMI JOIN link_touched USING (n)")
    for name in tables:
        connection.unregister(name)


def _weighed_otherwise(connection: duckdb.DuckDBPyConnection, forms: str) -> Iterator[str]:
    """Queries for records that share a value whose frequency is another tonight; one that nobody shares any more is in no pair."""
    moved = "SELECT name, number FROM (SELECT * FROM link_values EXCEPT SELECT * FROM link_were)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_moved AS {moved}")
    for (column,) in connection.sql("SELECT DISTINCT name FROM link_moved ORDER BY name").fetchall():
        yield f"SELECT n FROM {forms} WHERE hash({column}) IN (SELECT number FROM link_moved WHERE name = '{column}')"


def _blocked_otherwise(connection: duckdb.DuckDBPyConnection, design: Design) -> Iterator[str]:
    """Queries for records with a key that is left out tonight and was not, or the other way round."""
    both = "(SELECT rule, number FROM link_out EXCEPT SELECT rule, number FROM link_was)"
    back = "(SELECT rule, number FROM link_was EXCEPT SELECT rule, number FROM link_out)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_turned AS {both} UNION ALL {back}")
    names = [rule.name for rule in design.rules]
    for (name,) in connection.sql("SELECT DISTINCT rule FROM link_turned ORDER BY rule").fetchall():
        yield f"SELECT n FROM link_numbers WHERE k{names.index(name)} IN (SELECT number FROM link_turned WHERE rule = '{name}')"


def _together(connection: duckdb.DuckDBPyConnection, pairs: pa.Table, old: pa.Table, skipped: pa.Table) -> Links:
    """Tonight's pairs and those of the night before of which no record is touched or gone; the records of new ones are stirred too."""
    stirred = connection.sql("SELECT party_id FROM link_stirred").to_arrow_table()["party_id"]
    kept = ~(among(old["party_l"], stirred) | among(old["party_r"], stirred))
    connection.register("link_tonight", pairs)
    for column in ("party_l", "party_r"):
        connection.execute(f"INSERT INTO link_stirred SELECT {column} FROM link_tonight")
    connection.unregister("link_tonight")
    return Links(inserted(old.select(pairs.column_names).cast(pairs.schema), kept, pairs, ("party_l", "party_r")), skipped)


def _figures(connection: duckdb.DuckDBPyConnection, accepted: int, fresh: int) -> dict[str, int]:
    """See ``Compared.figures``."""
    why = dict(connection.sql("SELECT why, count(*) FROM link_touched GROUP BY why").fetchall())
    counts = {"records": _count(connection, "n IS NOT NULL"), "gone": _count(connection, "n IS NULL"), **why}
    return {**dict.fromkeys(FIGURES, 0), **counts, "kept": accepted - fresh, "accepted": accepted}


def _count(connection: duckdb.DuckDBPyConnection, condition: str) -> int:
    found: int = connection.sql(f"SELECT count(*) FROM link_records WHERE {condition}").fetchall()[0][0]
    return found
