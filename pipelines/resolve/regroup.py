"""Clusters of a night after another: of components that nothing has touched they are what they were."""

from __future__ import annotations

import duckdb
import pyarrow as pa

from pipelines.resolve.clusters import clusters
from pipelines.resolve.incremental import RECORDS, Compared

NAMES = (*RECORDS.names, "n")


def regrouped(
    connection: duckdb.DuckDBPyConnection,
    facts: tuple[str, tuple[str, ...]],
    night: Compared,
    judged: tuple[pa.Table, pa.Table],
    threshold: float,
) -> pa.Table:
    """What :func:`pipelines.resolve.clusters.clusters` says, worked out anew for the components of stirred records alone.

    Parameters
    ----------
    connection : duckdb connection
        Of the night.
    facts : (str, tuple of str)
        Table of forms, and the columns that clusters are consistent in.
    night : Compared
        Records that it has no component for, and those of the components of stirred ones, are grouped anew.
    judged : (pyarrow Table, pyarrow Table)
        Judgements in force tonight, and the night before; their records count as stirred.
    threshold : float
        As of ``clusters``.

    Returns
    -------
    pyarrow Table
        As ``State.records``, with ``n``. Cost: a pass over the records, sorting them, and ``clusters`` of what was stirred.
    """
    _stir(connection, night, pa.concat_tables(judged))
    table, columns = facts
    shown = "".join(f", f.{column}" for column in columns)
    nodes = connection.sql(f"SELECT f.party_id, a.*{shown} FROM link_again a JOIN {table} f USING (n) ORDER BY party_id").to_arrow_table()
    connection.register("link_linked", night.links.pairs)
    connection.register("link_nodes", nodes.select(["party_id"]))
    ends = "SELECT party_l, party_r, weight FROM link_linked p SEMI JOIN link_nodes a ON a.party_id = p.party_l"
    fresh = clusters(connection.sql(ends).to_arrow_table(), nodes.drop_columns(["n", "digest"]), judged[0], threshold)
    connection.register("link_grouped", fresh.append_column("n", nodes["n"]).append_column("digest", nodes["digest"]))
    known = f"SELECT * FROM {night.known} ANTI JOIN link_affected USING (component)"
    calm = f"SELECT {', '.join(f'k.{name}' for name in RECORDS.names)}, r.n FROM ({known}) k JOIN {night.records} r USING (place)"
    found = connection.sql(f"{calm} UNION ALL SELECT {', '.join(NAMES)} FROM link_grouped ORDER BY party_id").to_arrow_table()
    for name in ("link_linked", "link_grouped", "link_nodes", night.known):
        connection.unregister(name)
    return found


def _stir(connection: duckdb.DuckDBPyConnection, night: Compared, said: pa.Table) -> None:
    """``link_affected``: components of the night before with a stirred record; ``link_again``: the records that are grouped anew."""
    connection.register("link_said", said)
    stirred = f"SELECT party_id FROM {night.stirred} UNION ALL SELECT party_l FROM link_said UNION ALL SELECT party_r FROM link_said"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_affected AS SELECT DISTINCT component FROM {night.known} SEMI JOIN ({stirred}) USING (party_id)"
    )
    inside = f"SELECT place FROM {night.known} SEMI JOIN link_affected USING (component)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_again AS SELECT n, digest FROM {night.records} SEMI JOIN ({inside}) USING (place) "
        f"WHERE n IS NOT NULL UNION ALL SELECT n, digest FROM {night.records} WHERE place IS NULL"
    )
    connection.unregister("link_said")
