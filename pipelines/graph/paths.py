"""Why somebody is near to proven fraud: the shortest strong paths from him to a verdict, for the few who are."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.graph.proof import Verdicts
from pipelines.graph.propagate import DAMPING, normalised
from pipelines.graph.sparse import Bipartite, Ints, Matrix

NEAR = 99.0
"""Percentile from which paths are looked for; the flag N01 cannot ask for less."""
MOST = 5
"""Paths kept per subject, and verdicts looked at per party: a hub's further ones are weaker."""
SCHEMA = {
    "subject_kind": "string", "subject_id": "string", "place": "int64", "steps": "int64", "strength": "float64",
    "via_kind": "string", "via_id": "string", "source_kind": "string", "source_id": "string",
}  # fmt: skip


def paths(graph: Bipartite, found: Verdicts, rows: pd.DataFrame) -> ir.Table:
    """Paths of one or two edges from a subject to somebody proven: none longer is needed, as ``proven`` counts these.

    Parameters
    ----------
    graph : Bipartite
    found : Verdicts
    rows : DataFrame
        code (node), own_verdict, percentile, proven of every row of ``proximity``.

    Returns
    -------
    ibis Table
        subject_kind, subject_id, place (from 0, the strongest first), steps (edges), strength (share of the proof that comes this way),
        via_kind, via_id (the party that subject and source share; null for a party's own claim or policy), source_kind, source_id (the
        claim, policy or party that is proven; the party in ``via`` where it is that itself). Cost: linear in the edges of proven claims
        and of those who are near.
    """
    near = rows.loc[(rows["percentile"] >= NEAR) & (rows["proven"] > 0) & ~rows["own_verdict"], "code"].to_numpy()
    weights, n = normalised(graph.whole), graph.sizes[0]
    ties = _ties(weights, found)
    parties = ties[ties["source"] < n].merge(pd.DataFrame({"party": near[near >= n] - n}), on="party")
    own = parties.assign(subject=parties["party"] + n, via=-1, steps=1)
    met = _edges(weights, near[near < n]).merge(ties, on="party")
    met = met.assign(subject=met["unit"], via=met["party"] + n, strength=met["strength"] * met["weight"] * DAMPING)
    met["steps"] = np.where(met["source"] == met["via"], 1, 2)
    return _named(graph, _strongest(pd.concat([own, met[met["subject"] != met["source"]]]), ["subject"], ["source", "via"]))


def _ties(weights: Matrix, found: Verdicts) -> pd.DataFrame:
    """party, source (node), strength: what is proven of each party, on its claims and policies or of itself; the strongest of each."""
    n = weights.shape[0]
    proven = found.proof > 0
    node, proof = found.node[proven], found.proof[proven]
    touched = _edges(weights, node[node < n]).merge(pd.DataFrame({"unit": node, "proof": proof}), on="unit")
    on_units = touched.assign(source=touched["unit"], strength=touched["proof"] * touched["weight"] * DAMPING)
    own = pd.DataFrame({"party": node - n, "source": node, "strength": proof})[node >= n]
    ties = pd.concat([on_units[["party", "source", "strength"]], own], ignore_index=True)
    return _strongest(ties, ["party"], ["source"]).drop(columns="place")


def _edges(weights: Matrix, units: Ints) -> pd.DataFrame:
    chosen = weights[units].tocoo()
    return pd.DataFrame({"unit": units[chosen.row], "party": chosen.col.astype("int64"), "weight": chosen.data})


def _strongest(rows: pd.DataFrame, by: list[str], then: list[str]) -> pd.DataFrame:
    ordered = rows.sort_values([*by, "strength", *then], ascending=[True] * len(by) + [False] + [True] * len(then))
    ranked = ordered.assign(place=ordered.groupby(by).cumcount())
    return ranked[ranked["place"] < MOST]


def _named(graph: Bipartite, rows: pd.DataFrame) -> ir.Table:
    """Nodes by kind and id."""
    ends = ["subject", "via", "source"]
    used = np.unique(rows[ends].to_numpy(dtype="int64"))
    nodes = graph.named(used[used >= 0])
    columns = {f"{end}_{part}": rows[end].map(nodes[part]) for end in ends for part in ("kind", "id")}
    made = pd.DataFrame({**columns, **{c: rows[c] for c in ("place", "steps", "strength")}})[list(SCHEMA)]
    return ibis.memtable(pa.Table.from_pandas(made, ibis.schema(SCHEMA).to_pyarrow(), preserve_index=False))
