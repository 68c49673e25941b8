"""What is proven of a subject's neighbours, its own verdict left out: counts and rates by role, exactly and without a pass per row."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse

from pipelines.graph.proof import FOLDS, Verdicts
from pipelines.graph.sparse import ROLE_GROUPS, Bipartite, Floats, Ints, Matrix, degrees

MEASURES = 3
"""Proof, weight and hits of :class:`Verdicts`, in this order, as columns."""
FIRMEST, LOOSEST = 200.0, 1.0
"""Bounds of how many judged neighbours the base rate weighs as much as."""


def vicinity(graph: Bipartite, found: Verdicts, nodes: Ints) -> pd.DataFrame:
    """Features of some units and parties.

    A claim's neighbours in a role are the other claims and policies of its parties in that role, and verdicts on these parties
    themselves. The excess rate is ``(proof + k b) / (weight + k) - b``: b the base rate of proof among verdicts, k by empirical Bayes
    from how much more the parties of that role differ than chance explains. It is 0 where nothing is known. (The rate itself would
    there be b, and b without a proven claim's fold is lower than without a cleared one's: the label would show in its own absence.)

    Own-label-out: for a judged subject everything that belongs to its own investigation (``Verdicts.group``) is subtracted from the
    sums in closed form, and b and k are those of the verdicts outside its fold, so its verdict has no way into its row.

    Parameters
    ----------
    graph : Bipartite
    found : Verdicts
        Not empty.
    nodes : ndarray of int, shape (rows,)
        Whom features are wanted of: codes of units, then number of units + codes of parties, ascending.

    Returns
    -------
    DataFrame
        A row per node. Both sides: ``proven`` (proven verdicts among the neighbours; over two shared parties, twice),
        ``judged`` (aged weight of all verdicts), ``near`` (the excess rate), and the logarithms of 1 + ``log_degree`` (its edges),
        ``log_crowd`` (edges of the busiest other end) and ``log_reach`` (further edges of all other ends). Units also
        ``near_<role group>`` (null without a party in that role). Cost: linear in edges, a few passes per role group; memory a copy
        of the edges besides what is returned.
    """
    known, n = _Known.of(graph, found), graph.sizes[0]
    units, parties = nodes[nodes < n], nodes[nodes >= n] - n
    prior = _prior(known.whole, found)
    of_units = _described(known.around_units(known.whole, units), prior, known.fold[units]) | _shape(known.whole, units)
    for name in ROLE_GROUPS:
        pairs = graph.pairs(name)
        near = _excess(known.around_units(pairs, units), _prior(pairs, found), known.fold[units])
        of_units[f"near_{name}"] = np.where(np.diff(pairs.indptr)[units] > 0, near, np.nan)
    of_parties = _described(known.around_parties(parties), prior, known.fold[parties + n]) | _shape(known.whole.T.tocsr(), parties)
    return pd.concat([pd.DataFrame(of_units), pd.DataFrame(of_parties)], ignore_index=True)


@dataclass(frozen=True)
class _Known:
    """Verdicts laid on the graph.

    Attributes
    ----------
    whole : csr_array, shape (units, parties)
    parties : ndarray, shape (parties, MEASURES)
        What each party is known for: the verdicts on its claims and policies and on itself.
    group, fold : ndarray of int, shape (nodes,)
        -1 where there is no verdict.
    own : tuple of csr_array, shape (groups, parties)
        What each investigation alone brings to each party, by measure.
    """

    whole: Matrix
    parties: Floats
    group: Ints
    fold: Ints
    own: tuple[Matrix, ...]

    @classmethod
    def of(cls, graph: Bipartite, found: Verdicts) -> _Known:
        measures, n = np.column_stack((found.proof, found.weight, found.hits)), graph.sizes[0]
        unit = found.node < n
        parties: Floats = graph.whole[found.node[unit]].T @ measures[unit]
        parties[found.node[~unit] - n] += measures[~unit]
        group, fold = (np.full(sum(graph.sizes), -1, dtype="int32") for _ in range(2))
        group[found.node], fold[found.node] = found.group, found.fold
        return cls(graph.whole, parties, group, fold, tuple(_own(graph.whole, found, m) for m in measures.T))

    def around_units(self, pairs: Matrix, units: Ints) -> Floats:
        """Sums over the parties in ``pairs`` of what they are known for, a unit's own investigation left out."""
        touched = pairs[units]
        return self._without_own(touched @ self.parties, touched, self.group[units])

    def around_parties(self, parties: Ints) -> Floats:
        """What each party is known for, its own investigation left out."""
        themselves = sparse.csr_array((np.ones(len(parties)), (np.arange(len(parties)), parties)), shape=(len(parties), len(self.parties)))
        return self._without_own(self.parties[parties], themselves, self.group[parties + self.whole.shape[0]])

    def _without_own(self, total: Floats, touched: Matrix, group: Ints) -> Floats:
        judged = np.flatnonzero(group >= 0)
        for measure, own in enumerate(self.own):
            total[judged, measure] -= touched[judged].multiply(own[group[judged]]).sum(axis=1)
        return total


def _own(whole: Matrix, found: Verdicts, measure: Floats) -> Matrix:
    groups, n = int(found.group.max()) + 1, whole.shape[0]
    unit = found.node < n
    per_unit = sparse.csr_array((measure[unit], (found.group[unit], np.arange(unit.sum()))), shape=(groups, int(unit.sum())))
    on_parties = (measure[~unit], (found.group[~unit], found.node[~unit] - n))
    return (per_unit @ whole[found.node[unit]] + sparse.csr_array(on_parties, shape=(groups, whole.shape[1]))).tocsr()


def _prior(pairs: Matrix, found: Verdicts) -> tuple[Floats, Floats]:
    """Base rate b and weight k of it, shape (FOLDS + 1,): without the verdicts of each fold, and last without none."""
    outside = found.fold[:, None] != np.arange(FOLDS + 1)
    base = (found.proof @ outside) / np.maximum(found.weight @ outside, 1e-12)
    unit = found.node < pairs.shape[0]
    touched = pairs[found.node[unit]]
    party, place = np.unique(touched.indices, return_inverse=True)
    narrow = sparse.csr_array((touched.data, place, touched.indptr), shape=(touched.shape[0], len(party)))
    proof, weight = (narrow.T @ (m[unit, None] * outside[unit]) for m in (found.proof, found.weight))
    return base, _firmness(proof, weight, base)


def _firmness(proof: Floats, weight: Floats, base: Floats) -> Floats:
    """Weight of the base rate: that of a beta-binomial, by moments (Kleinman 1973, JASA 68): little where parties differ.

    Parameters
    ----------
    proof, weight : ndarray, shape (parties, folds)
    base : ndarray, shape (folds,)
    """
    total = np.maximum(weight.sum(axis=0), 1e-12)
    rate = proof / np.maximum(weight, 1e-12)
    spread = (weight * (rate - base) ** 2).sum(axis=0)
    chance = base * (1 - base)
    excess = spread - chance * ((weight > 0).sum(axis=0) - 1)
    between = np.maximum(excess, 0) / np.maximum(total - (weight**2).sum(axis=0) / total, 1e-12)
    firm: Floats = np.clip(chance / np.maximum(between, 1e-12) - 1, LOOSEST, FIRMEST)
    return firm


def _excess(sums: Floats, prior: tuple[Floats, Floats], fold: Ints) -> Floats:
    base, firm = (p[fold] for p in prior)  # no verdict: fold -1, the last
    excess: Floats = (sums[:, 0] - base * sums[:, 1]) / (sums[:, 1] + firm)
    return excess


def _described(sums: Floats, prior: tuple[Floats, Floats], fold: Ints) -> dict[str, Floats]:
    # What is left of a difference of sums of aged weights may be a rounding error below nought.
    clean = np.maximum(sums, 0.0)
    return {"proven": clean[:, 2].round(), "judged": clean[:, 1], "near": _excess(clean, prior, fold)}


def _shape(pairs: Matrix, rows: Ints) -> dict[str, Floats]:
    """How many edges lead away from each row, and from there: the frame without which nobody can tell a high count from a busy place."""
    of_column, chosen = degrees(pairs)[1], pairs[rows]
    busiest = chosen.copy()
    busiest.data = of_column[chosen.indices]
    sizes = {"degree": np.diff(chosen.indptr), "crowd": busiest.max(axis=1).toarray().ravel(), "reach": chosen @ (of_column - 1)}
    return {f"log_{name}": np.log1p(size) for name, size in sizes.items()}
