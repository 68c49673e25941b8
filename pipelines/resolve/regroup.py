"""Clusters of a night after another: of components that nothing has touched they are what they were."""

from __future__ import annotations

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from pipelines.resolve.clusters import clusters
from pipelines.resolve.incremental import RECORDS, Compared
from pipelines.resolve.inserting import among, inserted

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
        As ``State.records``, with ``n``. Cost: a pass over the records and ``clusters`` of what was stirred; nothing is sorted again.
    """
    calm = ~_stirred(connection, night, pa.concat_tables(judged))
    table, columns = facts
    shown = "".join(f", f.{column}" for column in columns)
    nodes = connection.sql(f"SELECT f.party_id, a.*{shown} FROM link_again a JOIN {table} f USING (n) ORDER BY party_id").to_arrow_table()
    linked = night.links.pairs.select(["party_l", "party_r", "weight"])
    ends = linked.filter(pa.array(among(linked["party_l"], nodes["party_id"])))
    fresh = clusters(ends, nodes.drop_columns(["n", "digest"]), judged[0], threshold)
    grouped = fresh.append_column("n", nodes["n"]).append_column("digest", nodes["digest"])
    known = night.known.append_column("n", pa.array(_numbers(connection, night)))
    return inserted(known.select(NAMES), calm, grouped.select(NAMES), ("party_id",))


def _stirred(connection: duckdb.DuckDBPyConnection, night: Compared, said: pa.Table) -> npt.NDArray[np.bool_]:
    """Which records of the night before are of a component with a stirred one; ``link_again``: the records that are grouped anew."""
    stirred = connection.sql(f"SELECT party_id FROM {night.stirred}").to_arrow_table()["party_id"]
    named = pa.chunked_array([*stirred.chunks, *said["party_l"].chunks, *said["party_r"].chunks], pa.string())
    component = night.known["component"]
    found = among(component, component.filter(pa.array(among(night.known["party_id"], named))))
    connection.register("link_inside", pa.table({"place": np.flatnonzero(found).astype(np.int32)}))
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_again AS SELECT n, digest FROM {night.records} SEMI JOIN link_inside USING (place) "
        f"WHERE n IS NOT NULL UNION ALL SELECT n, digest FROM {night.records} WHERE place IS NULL"
    )
    connection.unregister("link_inside")
    return found


def _numbers(connection: duckdb.DuckDBPyConnection, night: Compared) -> npt.NDArray[np.int64]:
    """N tonight of each record of the night before; of one that is gone, none that counts."""
    found = connection.sql(f"SELECT place, n FROM {night.records} WHERE place IS NOT NULL AND n IS NOT NULL").to_arrow_table()
    numbers = np.full(len(night.known), -1, dtype=np.int64)
    numbers[found["place"].to_numpy()] = found["n"].to_numpy()
    return numbers
