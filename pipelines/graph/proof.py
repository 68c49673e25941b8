"""What investigations found, as numbers on the graph: how much each verdict proves, how it ages, and which verdicts are one finding."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from pipelines.graph.sparse import Bipartite, Floats, Ints, Matrix

WORTH = {"confirmed": 1.0, "partly": 0.5, "cleared": 0.0}
"""How much of a proof a verdict is; ``undetermined`` says nothing and is left out."""
HALF_LIFE = 730.0
"""Days after which a verdict counts half: rings move on, and so do the staff of a garage."""
FOLDS = 10
OWN = ("claim", "policy")


@dataclass(frozen=True)
class Verdicts:
    """One row per judged subject of the graph, in order of kind and id.

    Attributes
    ----------
    node : ndarray of int, shape (verdicts,)
        Code of the unit, or number of units + code of the party.
    proof, weight : ndarray, shape (verdicts,)
        Proven share of the verdict and what it counts, both after ageing; ``proof <= weight``.
    hits : ndarray, shape (verdicts,)
        1 for a proven one, however old, else 0.
    group : ndarray of int, shape (verdicts,)
        Verdicts of one investigation have the same number: claims of one event, verdicts of one lead, and a party judged together
        with a claim it took part in. What is left out for one of them is left out for all.
    fold : ndarray of int, shape (verdicts,)
        In 0..FOLDS-1, by the group's first subject: the same tonight as in a year, whatever else is judged.
    """

    node: Ints
    proof: Floats
    weight: Floats
    hits: Floats
    group: Ints
    fold: Ints

    def __len__(self) -> int:
        return len(self.node)


def verdicts(tables: Mapping[str, ir.Table], graph: Bipartite, as_of: date) -> Verdicts:
    """Verdicts decided before ``as_of`` on subjects of the graph: the latest of each subject.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``outcomes`` (and the column ``entity``) and ``claim_view``.
    graph : Bipartite
    as_of : date

    Returns
    -------
    Verdicts
    """
    rows = _placed(_latest(tables, as_of), graph)
    age = (pd.Timestamp(as_of) - pd.to_datetime(rows["decided_at"])).dt.days.clip(lower=0).fillna(0).to_numpy()
    weight: Floats = np.exp2(-age / HALF_LIFE)
    worth = rows["verdict"].map(WORTH).to_numpy(dtype="float64")
    node = rows["node"].to_numpy(dtype="int64")
    group = _investigations(rows, graph)
    return Verdicts(node, worth * weight, weight, (worth > 0).astype("float64"), group, _folds(rows["fold"].to_numpy(), group))


def _latest(tables: Mapping[str, ir.Table], as_of: date) -> ir.Table:
    """subject, own kind or not, verdict, when, and what tells one investigation from another."""
    found = tables["outcomes"]
    night = ibis.timestamp(as_of.isoformat())
    told = found.filter(found.verdict.isin(list(WORTH)) & (found.decided_at.isnull() | (found.decided_at < night)))
    first = [ibis.desc(told.decided_at.fill_null(told.opened_at)), ibis.desc(told.opened_at), told.verdict, told.insurer]
    ranked = told.mutate(place=ibis.row_number().over(group_by=["subject_kind", "entity"], order_by=first))
    last = ranked.filter(ranked.place == 0).select("subject_kind", "lead_id", "opened_at", "decided_at", "verdict", id="entity")
    events = tables["claim_view"].select("claim_id", "event_id")
    return last.left_join(events, (last.subject_kind == "claim") & (last.id == events.claim_id)).drop("claim_id")


def _placed(last: ir.Table, graph: Bipartite) -> pd.DataFrame:
    """Rows with the number of the subject's node; subjects that the graph does not know are dropped."""
    digest = last.id.hexdigest("sha256").substr(0, 6)
    told = last.mutate(fold=digest)
    units = graph.units.select(subject_kind="kind", id="id", node="code")
    parties = graph.parties.select("id", node=graph.parties.code + graph.sizes[0]).filter(lambda t: t.id.notnull())
    own = told.filter(told.subject_kind.isin(OWN)).inner_join(units, ["subject_kind", "id"])
    others = told.filter(~told.subject_kind.isin(OWN)).inner_join(parties, "id")
    rows: pd.DataFrame = pd.concat([part.to_pandas() for part in (own, others)], ignore_index=True)
    return rows.sort_values(["subject_kind", "id"], ignore_index=True)


def _folds(digests: npt.NDArray[np.object_], group: Ints) -> Ints:
    """The fold of each group: that of the digest of its least digest, which no other group has a say in."""
    least = pd.Series(digests, dtype="object").groupby(group).transform("min")
    number: Ints = np.array([int(d, 16) % FOLDS for d in least], dtype="int64")
    return number


def _investigations(rows: pd.DataFrame, graph: Bipartite) -> Ints:
    """Numbers of the connected components of verdicts that share an event, a lead, or a claim judged at the same moment."""
    shared = [_sharing(rows[column]) for column in ("event_id", "lead_id")]
    linked = sum([*shared, _together(rows, graph)], sparse.coo_array((len(rows), len(rows))).tocsr())
    return np.asarray(connected_components(linked, directed=False)[1], dtype="int64")


def _sharing(values: pd.Series) -> Matrix:
    """Each row linked with the first row of the same value."""
    at = np.flatnonzero(values.notna())
    first = pd.Series(at).groupby(values.iloc[at].to_numpy()).transform("min").to_numpy() if len(at) else at
    return sparse.csr_array((np.ones(len(at)), (at, first)), shape=(len(values), len(values)))


def _together(rows: pd.DataFrame, graph: Bipartite) -> Matrix:
    """Judged units linked with those of their judged parties that were looked into at the same moment."""
    node = rows["node"].to_numpy()
    place = np.full(sum(graph.sizes), -1)
    place[node] = np.arange(len(rows))
    units, parties = place[graph.unit], place[graph.party.astype("int64") + graph.sizes[0]]
    opened = rows["opened_at"].to_numpy()
    both = np.flatnonzero((units >= 0) & (parties >= 0))
    both = both[opened[units[both]] == opened[parties[both]]]
    return sparse.csr_array((np.ones(len(both)), (units[both], parties[both])), shape=(len(rows), len(rows)))
