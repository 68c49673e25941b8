"""The table of proximity: who is near proven fraud, for the flag, and what is proven around whom, for the supervised model."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.graph.paths import SCHEMA as PATH
from pipelines.graph.paths import paths
from pipelines.graph.proof import FOLDS, Verdicts, verdicts
from pipelines.graph.propagate import both_ways, carried
from pipelines.graph.sparse import ROLE_GROUPS, Bipartite, Floats, Ints, bipartite, relations
from pipelines.graph.vicinity import vicinity

NETWORK = (
    "score", "percentile", "proven", "judged", "near", "log_degree", "log_crowd", "log_reach", *(f"near_{g}" for g in ROLE_GROUPS),
)  # fmt: skip
"""Columns that are features: every row's own verdict is left out of them."""
SCHEMA = {"subject_kind": "string", "subject_id": "string", "own_verdict": "bool", **dict.fromkeys(NETWORK, "float64")}


def proximity(tables: Mapping[str, ir.Table], subjects: ir.Table, as_of: date) -> dict[str, ir.Table]:
    """Network features of tonight's subjects and of every judged one, as known at ``as_of``.

    ``proximity`` is the table to train and to predict from: join it on (subject_kind, subject_id). Rows of judged subjects are
    own-label-out: nothing in them depends on the subject's own verdict, nor on others of the same investigation (claims of one event,
    verdicts of one lead, a party judged together with its claim). Rows of others use every verdict. So both are what the night would
    have seen of a subject it knew nothing about, and a row can be used for training as it stands. Do not compute it from a later night
    than the model's ``as_of``: verdicts that came later are in it.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Resolved tables with ``edges``, ``policy_edges``, ``claim_view`` and ``outcomes``.
    subjects : ibis Table
        subject_kind, subject_id: whom rows are wanted of (:func:`features.spine.spine`); judged subjects are added.
    as_of : date
        Verdicts of this day and later do not count; age is reckoned from it.

    Returns
    -------
    dict of str to ibis Table
        ``proximity``: subject_kind, subject_id, own_verdict (bool), and float64: ``score`` (BiRank of proven less cleared),
        ``percentile`` (share of the kind with a lower score, x 100), and those of
        :func:`pipelines.graph.vicinity.vicinity`.
        ``proximity_paths``: :func:`pipelines.graph.paths.paths`. No row at all where nothing is proven.
    """
    empty = {"proximity": _empty(SCHEMA), "proximity_paths": _empty(PATH)}
    if not tables["outcomes"].filter(lambda t: t.verdict.notnull()).count().execute():
        return empty
    graph = bipartite(relations(tables))
    found = verdicts(tables, graph, as_of)
    if not found.proof.any():
        return empty
    rows = _rows(graph, found, _wanted(graph, found, subjects))
    named = rows.rename(columns={"kind": "subject_kind", "id": "subject_id"})[list(SCHEMA)]
    table = pa.Table.from_pandas(named, ibis.schema(SCHEMA).to_pyarrow(), preserve_index=False)
    return {"proximity": ibis.memtable(table), "proximity_paths": paths(graph, found, rows)}


def _empty(schema: Mapping[str, str]) -> ir.Table:
    return ibis.memtable(ibis.schema(dict(schema)).to_pyarrow().empty_table())


def _wanted(graph: Bipartite, found: Verdicts, subjects: ir.Table) -> pd.DataFrame:
    """kind, id and node of the rows that are wanted, in order of node."""
    asked = subjects.select(kind="subject_kind", id="subject_id").distinct()
    sides = (graph.units, graph.parties.mutate(code=graph.parties.code + graph.sizes[0]))
    judged = ibis.memtable(pa.table({"code": found.node}))
    parts = [side.semi_join(asked, ["kind", "id"]).union(side.semi_join(judged, "code"), distinct=True) for side in sides]
    rows: pd.DataFrame = ibis.union(*parts).order_by("code").to_pandas()
    return rows


def _rows(graph: Bipartite, found: Verdicts, wanted: pd.DataFrame) -> pd.DataFrame:
    """kind, id, code and the columns ``NETWORK`` of the wanted nodes."""
    node = wanted["code"].to_numpy()
    fold = np.full(sum(graph.sizes), -1)
    fold[found.node] = found.fold
    score, percentile = _ranked(graph, found, (node, fold[node]))
    return wanted.assign(own_verdict=fold[node] >= 0, score=score, percentile=percentile).join(vicinity(graph, found, node))


def seeds(found: Verdicts, fold: int) -> Floats:
    """What each verdict sends out when those of one fold are hidden: 1 for proven, less than 0 for cleared, so that all sum to 0 or more.

    An investigation that cleared somebody is evidence, too. Without it whoever was looked into often would be near to fraud; with
    it, a party of whose judged claims just the usual share is proven comes out at nought.
    """
    seen = found.fold != fold
    proof, clear = found.proof * seen, (found.weight - found.proof) * seen
    start: Floats = proof - clear * min(1.0, proof.sum() / max(clear.sum(), 1e-12))
    return start


def _ranked(graph: Bipartite, found: Verdicts, wanted: tuple[Ints, Ints]) -> tuple[Floats, Floats]:
    """Scores and percentiles of the wanted nodes, each from the propagation that does not know its fold (fold -1: that of all)."""
    node, fold = wanted
    score, percentile = np.zeros(len(node)), np.zeros(len(node))
    kinds, ways = _kinds(graph), both_ways(graph.whole)
    for hidden in range(-1, FOLDS):
        mine = np.flatnonzero(fold == hidden)
        if not len(mine):
            continue
        start = np.zeros(sum(graph.sizes))
        start[found.node] = seeds(found, hidden)
        units, parties = np.split(start, [graph.sizes[0]])
        every = np.concatenate(carried(ways, (units, parties)))
        # A fold hides a tenth of the proof of all, and so is as much below.
        score[mine] = every[node[mine]] * (1.0 if hidden < 0 else FOLDS / (FOLDS - 1))
        # Whoever is proven himself says nothing of how near others are.
        percentile[mine] = _percentiles(every, np.where(start != 0, -1, kinds), (node[mine], kinds[node[mine]]))
    return score, percentile


def _kinds(graph: Bipartite) -> Ints:
    """A number for the kind of every node; no kind is on both sides."""
    names = [side.order_by("code").select("kind").to_pyarrow()["kind"].combine_chunks() for side in (graph.units, graph.parties)]
    coded = [name.dictionary_encode() for name in names]
    first = len(coded[0].dictionary)
    return np.concatenate([coded[0].indices.to_numpy(), coded[1].indices.to_numpy() + first])


def _percentiles(scores: Floats, kinds: Ints, asked: tuple[Ints, Ints]) -> Floats:
    """100 x the share of the kind's nodes that have a lower score, for nodes and their kinds."""
    node, kind_of = asked
    found = np.zeros(len(node))
    for kind in np.unique(kind_of):
        own, mine = np.sort(scores[kinds == kind]), kind_of == kind
        found[mine] = 100.0 * np.searchsorted(own, scores[node[mine]], side="left") / max(len(own), 1)
    return found
