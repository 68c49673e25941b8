"""Whom a subject shares somebody with: how many they are, and rates of proven fraud among them, its own verdict left out."""

from __future__ import annotations

import numpy as np
import pandas as pd

STRENGTH = 3.0
"""How many verdicts the base rate is worth."""
ANY = "near_any_"
"""Columns that begin so are over all kinds of tie together."""


def neighbour_rates(pairs: pd.DataFrame, labels: pd.Series, subjects: pd.Index) -> pd.DataFrame:
    """How connected every subject is, and rates of proven fraud around it, over all ties and by kind of tie.

    A subject's neighbours are the others who have the same node. Leave-own-out: a subject's own label never enters its own row, so rows
    of judged subjects can be trained on, provided that more fraud around can only raise the score (see ``rising``): within one node,
    the rate without oneself is lower for the proven than for the cleared.

    Parameters
    ----------
    pairs : DataFrame
        subject_id, node, kind: who has a tie to whom.
    labels : Series of int, indexed by subject_id
        1 proven, 0 cleared; only those that may be known.
    subjects : Index
        Whom rows are wanted of.

    Returns
    -------
    DataFrame
        ``near_any_rate`` (of all neighbours' verdicts, shrunk to the base rate), and which no label enters: the logarithms of 1 +
        ``near_any_ties`` (nodes), ``near_any_crowd`` (subjects of the largest node) and ``near_any_reach`` (neighbours, over two shared
        nodes twice). Per kind: ``<kind>_rate`` (mean over the nodes) and ``<kind>_most`` (of the worst node), both shrunk;
        ``<kind>_judged`` (verdicts around) and ``<kind>_size`` (subjects of the largest node). Cost: linear in pairs.
    """
    if pairs.empty:
        return pd.DataFrame(index=subjects)
    base = float(labels.mean()) if len(labels) else 0.0
    ties = _ties(pairs.drop_duplicates(), labels)
    made = [_of_kind(kind, part, base).reindex(subjects) for kind, part in ties.groupby("kind", sort=True)]
    return pd.concat([_of_all(ties, base, subjects), *made], axis=1)


def rising(columns: pd.Index) -> list[str]:
    """The columns of which more can only be worse."""
    return [c for c in columns if str(c).startswith("near_") and str(c).endswith(("_rate", "_most"))]


def _ties(pairs: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    """Every tie with the verdicts on the node's others: how many, how many proven; and the node's size."""
    own, node = pairs["subject_id"].map(labels), pairs.groupby(["kind", "node"], sort=False).ngroup()
    known, proven = own.notna().astype("float64"), own.fillna(0.0).astype("float64")
    judged, hits = (v.groupby(node).transform("sum") - v for v in (known, proven))
    return pairs[["subject_id", "kind"]].assign(judged=judged, hits=hits, size=node.groupby(node).transform("size"))


def _of_all(ties: pd.DataFrame, base: float, subjects: pd.Index) -> pd.DataFrame:
    grouped = ties.assign(others=ties["size"] - 1).groupby("subject_id")
    sums = grouped[["judged", "hits", "others"]].sum().assign(ties=grouped.size(), crowd=grouped["size"].max())
    sums = sums.reindex(subjects).fillna(0.0)
    rate = (sums["hits"] + STRENGTH * base) / (sums["judged"] + STRENGTH)
    around = pd.DataFrame({"rate": rate, **{n: np.log1p(sums[c]) for n, c in (("ties", "ties"), ("crowd", "crowd"), ("reach", "others"))}})
    return around.add_prefix(ANY)


def _of_kind(kind: object, ties: pd.DataFrame, base: float) -> pd.DataFrame:
    rows = ties.assign(rate=(ties["hits"] + STRENGTH * base) / (ties["judged"] + STRENGTH), size=np.log1p(ties["size"]))
    around = rows.groupby("subject_id").agg(rate=("rate", "mean"), most=("rate", "max"), judged=("judged", "sum"), size=("size", "max"))
    return around.add_prefix(f"near_{kind}_")
