"""A night compares what is new or changed with the rest, and finds what comparing all would find.

What a pair weighs depends on its two records, on the link model, and on three things of the night: how often a value is shared that the
model has not seen twice, which keys are left out, and who is senior. The night before left them all behind, so a record for which one of
them is no longer so is compared again like a changed one; seniority alone only turns a pair round.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ids import digest
from pipelines.resolve.blocking import SEPARATOR, left_out, named
from pipelines.resolve.judgements import TABLE
from pipelines.resolve.linking import Links, link_all, link_some
from pipelines.resolve.model import SKIPPED, TF, Model
from pipelines.resolve.training import unseen

PARTS = ("links", "records", "values", "skipped", "judged")
TOUCHED = "n IN (SELECT n FROM link_touched)"


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
        party_id, digest (keyed, of what is compared), cluster.
    values : pyarrow Table
        Frequencies of values that the model has not seen twice: name, value (a digest), tf.
    skipped : pyarrow Table
        Keys left out: rule, key (a digest), size.
    judged : pyarrow Table
        Judgements that were in force.
    """

    basis: str
    links: pa.Table
    records: pa.Table
    values: pa.Table = field(default_factory=TF.empty_table)
    skipped: pa.Table = field(default_factory=SKIPPED.empty_table)
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
    records : pyarrow Table
        party_id, digest, cluster (of the night before; null where the record or a pair of it has been touched since); sorted.
    values : pyarrow Table
        See :class:`State`.
    figures : dict of str to int
        Records; those new, changed, gone, and weighed otherwise since the night before; pairs accepted, and kept among them.
    """

    links: Links
    records: pa.Table
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
        The same links, byte for byte, with and without ``before``. Cost with it: a few passes over the forms without a join, and the
        candidate pairs of touched records.
    """
    model = basis.model
    values = unseen(connection, forms, model).select(TF.names).cast(TF).sort_by([("name", "ascending"), ("value", "ascending")])
    tonight = replace(model, tf=pa.concat_tables([model.tf, values]))
    _digests(connection, forms, basis.secret)
    if before is None:
        links = link_all(connection, tonight, forms)
        figures = _figures(connection, links, dict.fromkeys(("new", "changed", "gone", "reweighed", "kept"), 0))
        records = connection.sql("SELECT party_id, digest, NULL::VARCHAR AS cluster FROM link_records ORDER BY party_id").to_arrow_table()
        return Compared(links, records, values, figures)
    skipped = left_out(connection, forms, model.design, model.skipped)
    counts = _touch(connection, forms, model, (before, values, skipped))
    return _together(connection, link_some(connection, tonight, forms, TOUCHED).pairs, (before, values, skipped), counts)


def _digests(connection: duckdb.DuckDBPyConnection, forms: str, secret: str) -> None:
    """``link_records``: party_id, n, and a keyed digest of all that is compared; of lists, whose codes are digests already, the sum."""
    kinds = connection.execute(f"SELECT column_name, column_type FROM (DESCRIBE {forms}) WHERE column_name NOT IN ('party_id', 'n')")
    shown = [f"list_sum({c})" if kind.endswith("[]") else c for c, kind in kinds.fetchall()]
    text = ", ".join(f"coalesce({c}::VARCHAR, chr(30))" for c in shown)
    connection.register("link_secret", pa.table({"secret": [secret]}))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_records AS SELECT party_id, n, md5(concat_ws({SEPARATOR}, secret, {text})) AS digest "
        f"FROM {forms}, link_secret"
    )
    connection.unregister("link_secret")


def _touch(connection: duckdb.DuckDBPyConnection, forms: str, model: Model, nights: tuple[State, pa.Table, pa.Table]) -> dict[str, int]:
    """``link_touched``: n of the records that are to be compared; and how many are new, changed, gone, weighed otherwise."""
    before, values, skipped = nights
    tables = {
        "link_known": before.records,
        "link_values": values,
        "link_were": before.values,
        "link_out": skipped,
        "link_was": before.skipped,
    }
    for name, table in tables.items():
        connection.register(name, table)
    connection.execute(
        "CREATE OR REPLACE TEMP TABLE link_touched AS SELECT r.n, CASE WHEN k.party_id IS NULL THEN 'new' ELSE 'changed' END AS why "
        "FROM link_records r LEFT JOIN link_known k USING (party_id) WHERE k.digest IS DISTINCT FROM r.digest"
    )
    moved = " UNION ".join([*_weighed_otherwise(connection, forms), *_blocked_otherwise(connection, forms, model)])
    if moved:
        connection.execute(f"INSERT INTO link_touched SELECT n, 'reweighed' FROM ({moved}) ANTI JOIN link_touched USING (n)")
    gone = connection.sql("SELECT count(*) FROM link_known ANTI JOIN link_records USING (party_id)").fetchall()[0][0]
    counts = dict(connection.sql("SELECT why, count(*) FROM link_touched GROUP BY why").fetchall())
    for name in tables:
        connection.unregister(name)
    return {"gone": gone, **{why: counts.get(why, 0) for why in ("new", "changed", "reweighed")}}


def _weighed_otherwise(connection: duckdb.DuckDBPyConnection, forms: str) -> Iterable[str]:
    """Queries for records that share a value whose frequency is another tonight; one that nobody shares any more is in no pair."""
    connection.execute("CREATE OR REPLACE TEMP TABLE link_moved AS SELECT * FROM link_values EXCEPT SELECT * FROM link_were")
    for (column,) in connection.sql("SELECT DISTINCT name FROM link_moved ORDER BY name").fetchall():
        moved = f"substr(sha256({column}::VARCHAR), 1, 16) IN (SELECT value FROM link_moved WHERE name = '{column}')"
        shared = f"SELECT {column} FROM {forms} WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"
        yield f"SELECT n FROM {forms} SEMI JOIN (SELECT {column} FROM ({shared}) WHERE {moved}) USING ({column})"


def _blocked_otherwise(connection: duckdb.DuckDBPyConnection, forms: str, model: Model) -> Iterable[str]:
    """Queries for records with a key that is left out tonight and was not, or the other way round."""
    both = "(SELECT rule, key FROM link_out EXCEPT SELECT rule, key FROM link_was)"
    back = "(SELECT rule, key FROM link_was EXCEPT SELECT rule, key FROM link_out)"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_turned AS {both} UNION ALL {back}")
    rules = {rule.name: rule for rule in model.design.rules}
    for (name,) in connection.sql("SELECT DISTINCT rule FROM link_turned ORDER BY rule").fetchall():
        turned = f"{named(rules[name], model.design.within)} IN (SELECT key FROM link_turned WHERE rule = '{name}')"
        yield f"SELECT n FROM {forms} WHERE {turned}"


def _together(
    connection: duckdb.DuckDBPyConnection, pairs: pa.Table, nights: tuple[State, pa.Table, pa.Table], counts: dict[str, int]
) -> Compared:
    """Tonight's pairs and those of the night before of which both records are untouched; the senior of a pair may be the other one now."""
    before, values, skipped = nights
    for name, table in {"link_before": before.links, "link_tonight": pairs, "link_known": before.records}.items():
        connection.register(name, table)
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_calm AS SELECT party_id, n FROM link_records WHERE NOT ({TOUCHED})")
    both = connection.sql(
        f"SELECT * FROM ({_KEPT}) UNION ALL BY NAME SELECT * FROM link_tonight ORDER BY party_l, party_r"
    ).to_arrow_table()
    records = connection.sql(_RECORDS).to_arrow_table()
    for name in ("link_before", "link_tonight", "link_known"):
        connection.unregister(name)
    links = Links(both.select(pairs.column_names).cast(pairs.schema), skipped)
    figures = _figures(connection, links, {**counts, "kept": both.num_rows - pairs.num_rows})
    return Compared(links, records, values, figures)


_KEPT = """SELECT CASE WHEN l.n < r.n THEN party_l ELSE party_r END AS party_l,
    CASE WHEN l.n < r.n THEN party_r ELSE party_l END AS party_r, b.* EXCLUDE (party_l, party_r)
    FROM link_before b JOIN link_calm l ON l.party_id = b.party_l JOIN link_calm r ON r.party_id = b.party_r"""
_RECORDS = """WITH void AS (
        SELECT * FROM link_before
        WHERE party_l NOT IN (SELECT party_id FROM link_calm) OR party_r NOT IN (SELECT party_id FROM link_calm)
    ), calm AS (
        SELECT party_id FROM link_calm ANTI JOIN (SELECT party_l AS party_id FROM void UNION SELECT party_r FROM void) USING (party_id)
    )
    SELECT r.party_id, r.digest, k.cluster FROM link_records r
    LEFT JOIN (SELECT party_id, cluster FROM link_known SEMI JOIN calm USING (party_id)) k USING (party_id) ORDER BY party_id"""


def _figures(connection: duckdb.DuckDBPyConnection, links: Links, counts: dict[str, int]) -> dict[str, int]:
    records = connection.sql("SELECT count(*) FROM link_records").fetchall()[0][0]
    return {"records": records, **counts, "accepted": links.pairs.num_rows}
