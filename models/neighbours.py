"""What became of those a subject shares somebody with: rates of proven fraud among its neighbours, its own verdict left out."""

from __future__ import annotations

import numpy as np
import pandas as pd

STRENGTH = 3.0
"""How many verdicts the base rate is worth."""


def neighbour_rates(pairs: pd.DataFrame, labels: pd.Series, subjects: pd.Index) -> pd.DataFrame:
    """Rates of proven fraud around every subject, by kind of tie.

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
        Per kind: ``<kind>_rate`` (mean over the nodes) and ``<kind>_most`` (of the worst node), both shrunk to the base rate;
        ``<kind>_judged`` (verdicts around) and ``<kind>_size`` (subjects of the largest node). Cost: linear in pairs.
    """
    made = [_of_kind(kind, part, labels) for kind, part in pairs.drop_duplicates().groupby("kind", sort=True)]
    return pd.concat([m.reindex(subjects) for m in made], axis=1) if made else pd.DataFrame(index=subjects)


def rising(columns: pd.Index) -> list[str]:
    """The columns of which more can only be worse."""
    return [c for c in columns if str(c).startswith("near_") and str(c).endswith(("_rate", "_most"))]


def _of_kind(kind: object, pairs: pd.DataFrame, labels: pd.Series) -> pd.DataFrame:
    own = pairs["subject_id"].map(labels)
    known, proven, node = own.notna().astype("float64"), own.fillna(0.0).astype("float64"), pairs["node"]
    judged = known.groupby(node).transform("sum") - known
    hits = proven.groupby(node).transform("sum") - proven
    base = float(labels.mean()) if len(labels) else 0.0
    rows = pd.DataFrame({
        "subject_id": pairs["subject_id"], "rate": (hits + STRENGTH * base) / (judged + STRENGTH), "judged": judged,
        "size": np.log1p(node.groupby(node).transform("size")),
    })  # fmt: skip
    around = rows.groupby("subject_id").agg(rate=("rate", "mean"), most=("rate", "max"), judged=("judged", "sum"), size=("size", "max"))
    return around.add_prefix(f"near_{kind}_")
