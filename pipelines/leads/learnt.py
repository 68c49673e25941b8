"""Reasons that verdicts taught: what the champions add to the scores, feature by feature; the parts of a score still sum to it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from models.contributions import contributions
from models.fusion import Fusion
from models.scorecard import LOG_ODDS, SUBJECT
from models.supervised import Rows, Supervised
from pipelines.config import Scoring
from pipelines.leads.assemble import LEAST_POINTS, part_of
from pipelines.leads.champions import Champions
from pipelines.leads.evidence import TOTAL
from pipelines.leads.inputs import Given
from pipelines.leads.learning import labels
from pipelines.leads.predict import ready
from pipelines.leads.score import MOST_ODD, ODD_SHARE, REASON

MOST, LEAST = 4, 1.0
"""So many features are named, each of at least so many points either way; the others are one reason, the rest."""
EXPLAINED = 1_000
"""Subjects of a kind whose features are named, the highest scores first; of the others the sum is told."""
REST, WHOLE = TOTAL


def with_learnt(given: Given, reasons: pd.DataFrame, champions: Champions, settings: Scoring, as_of: datetime) -> pd.DataFrame:
    """Reasons weighted as the champions say, and those of kind ``learnt``.

    Every subject with a reason gets the learnt ones, and so does one without whom the champion alone suspects enough for a lead.
    Cost: the champion's score of every subject of its kinds, and the shares of ``EXPLAINED``.
    """
    if not champions.models:
        return reasons
    pairs = zip(reasons["subject_kind"], part_of(reasons), strict=True)
    weighted = reasons.assign(points=reasons["points"] * np.array([champions.weight(kind, part) for kind, part in pairs]))
    parts = [_of_kind(given, weighted, (kind, *model), settings, as_of) for kind, model in sorted(champions.models.items())]
    whole = pd.concat([weighted, *(p for p in parts if len(p))], ignore_index=True)
    return whole[REASON].sort_values([*SUBJECT, "kind", "code"], ignore_index=True)


def _of_kind(
    given: Given, reasons: pd.DataFrame, champion: tuple[str, Supervised, Fusion], settings: Scoring, as_of: datetime
) -> pd.DataFrame:
    kind, model, fusion = champion
    scale = fusion.weights["learnt"] / LOG_ODDS
    rows = ready(given, kind, settings)
    if not scale or rows.frame.empty:
        return pd.DataFrame(columns=REASON)
    matrix = model.encoded(rows, labels(given, kind, as_of))
    points = (model.scored(matrix) - fusion.middle) * scale
    others = reasons[reasons["subject_kind"] == kind].groupby("subject_id")["points"].sum().reindex(points.index)
    points = points[others.notna() | _alone(points)].round(9)
    first = _first(points + others.reindex(points.index).fillna(0.0))
    named = _named(model, matrix.loc[first], points[first], scale)
    rest = points[points.index.difference(first)]
    whole = pd.DataFrame({"subject_id": rest.index, "code": WHOLE, "points": rest.to_numpy()})
    told = pd.concat([_valued(named, rows), whole], ignore_index=True)
    return told.assign(
        subject_kind=kind, kind="learnt", limit=np.nan, detail=None, peer=None, scheme="anomaly", severity="low", family="learnt",
        line=None, subjects=int((points >= LEAST_POINTS).sum()),
    ).reindex(columns=REASON)  # fmt: skip


def _alone(points: pd.Series) -> pd.Series:
    """Who is a lead by what was learnt alone: enough points, and no more subjects than are called odd."""
    most = min(ODD_SHARE * len(points), MOST_ODD)
    enough: pd.Series = (points >= LEAST_POINTS) & (points.rank(ascending=False, method="max") <= most)
    return enough


def _first(total: pd.Series) -> pd.Index[Any]:
    """The highest scores, ties by id."""
    ordered = total.rename("total").rename_axis("subject_id").reset_index().sort_values(["total", "subject_id"], ascending=[False, True])
    first: list[str] = ordered["subject_id"].head(EXPLAINED).tolist()
    return pd.Index(sorted(first))


def _named(model: Supervised, matrix: pd.DataFrame, points: pd.Series, scale: float) -> pd.DataFrame:
    """subject_id, code, points: the features that matter, and the rest of what the score has."""
    shares = contributions(model, matrix).drop(columns=REST) * scale
    by = shares.T.groupby([code_of(str(c), tuple(model.encoder_.counts_)) for c in shares.columns]).sum().T.round(9)
    long = by.rename_axis("subject_id").reset_index().melt("subject_id", var_name="code", value_name="points")
    long = long.assign(size=long["points"].abs()).sort_values(["subject_id", "size", "code"], ascending=[True, False, True])
    kept = long[(long.groupby("subject_id").cumcount() < MOST) & (long["size"] >= LEAST)].drop(columns="size")
    left = points - kept.groupby("subject_id")["points"].sum().reindex(points.index).fillna(0.0)
    return pd.concat([kept, pd.DataFrame({"subject_id": left.index, "code": REST, "points": left.to_numpy()})], ignore_index=True)


def code_of(column: str, words: tuple[str, ...]) -> str:
    """The feature that an encoded column belongs to.

    Examples
    --------
    >>> [code_of(c, ("fact_make",)) for c in ("fact_make=vw", "near_hospital_rate", "flag_H02", "its_agent_claims")]
    ['fact_make', 'near_hospital', 'flags', 'its_agent_claims']
    """
    if column.startswith("near_"):
        return column.rpartition("_")[0]
    if column.startswith("flag"):
        return "flags"
    return next((w for w in words if column.startswith((f"{w}=", f"{w}_often", f"{w}_order"))), column)


def _valued(named: pd.DataFrame, rows: Rows) -> pd.DataFrame:
    """The number of the feature that is told; words are not published, since a source may hold anything in them."""
    numbers = rows.frame.select_dtypes("number")
    told = numbers.reindex(columns=[c for c in named["code"].unique() if c in numbers.columns])
    long = told.rename_axis("subject_id").reset_index().melt("subject_id", var_name="code", value_name="value")
    return named.merge(long.astype({"value": "float64"}), on=["subject_id", "code"], how="left")
