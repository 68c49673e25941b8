"""Clusters of a night after another: of components that nothing has touched they are what they were."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.resolve.clusters import Ints, clusters, component_of, places


def regrouped(pairs: pa.Table, nodes: pa.Table, judged: tuple[pa.Table, pa.Table], known: pa.Table, threshold: float) -> pa.Table:
    """What :func:`pipelines.resolve.clusters.clusters` says, worked out anew for the components of touched records alone.

    Parameters
    ----------
    pairs, nodes : pyarrow Table
        Of tonight, all of them.
    judged : (pyarrow Table, pyarrow Table)
        Judgements in force tonight, and the night before; their records count as touched.
    known : pyarrow Table
        party_id, cluster of the night before, of the records of which neither content nor pairs have gone or changed.
    threshold : float
        As of ``clusters``.

    Returns
    -------
    pyarrow Table
        party_id, cluster, sorted by party id.
    """
    ordered = nodes.sort_by("party_id")
    names = ordered["party_id"].combine_chunks()
    ends = np.concatenate([places(table, names)[0] for table in (pairs, *judged)])
    before = pc.index_in(names, value_set=known["party_id"].cast(names.type).combine_chunks())
    touched = before.is_null().to_numpy(zero_copy_only=False)
    touched[_spoken_of(judged, names)] = True
    labels = component_of(len(names), ends)
    anew = np.isin(labels, labels[touched])
    again, calm = pa.array(anew), pa.array(~anew)
    kept = pa.table({"party_id": names.filter(calm), "cluster": known["cluster"].combine_chunks().take(before.filter(calm))})
    within = pc.is_in(pairs["party_l"].cast(names.type), value_set=names.filter(again))
    fresh = clusters(pairs.filter(within), ordered.filter(again), judged[0], threshold)
    return pa.concat_tables([kept.cast(fresh.schema), fresh]).sort_by("party_id").combine_chunks()


def _spoken_of(judged: tuple[pa.Table, pa.Table], names: pa.Array) -> Ints:
    """Places of the records that a judgement is about, also where the other one is not in the book."""
    said = pa.concat_arrays([table[c].combine_chunks().cast(names.type) for table in judged for c in ("party_l", "party_r")])
    found = pc.index_in(said, value_set=names).drop_null()
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)
