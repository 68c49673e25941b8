"""Scores: red flags in points, anomalies in points, each reason by itself; the parts of a subject sum to its score."""

from __future__ import annotations

import ibis
import numpy as np
import pandas as pd

from features.indicators.rings import ABOUT_RINGS
from models.scorecard import SUBJECT, Scorecard
from pipelines.config import Scoring
from pipelines.leads.crowd import CODE as PILED
from pipelines.leads.inputs import Given, base_counts, cards, collected, located
from pipelines.leads.matrix import LEAST, LOW_SIDE, behaviour, kinds, matrix
from pipelines.leads.overlap import overlaps

REASON = [*SUBJECT, "code", "kind", "value", "limit", "detail", "points", "peer", "scheme", "severity", "family", "line", "subjects"]
SCORES = [*SUBJECT, "suspicion", "odd", "points"]
ODD_SHARE = 0.02
"""Only this share of a kind's subjects is called odd at all,"""
MOST_ODD = 3000
"""and never more than this many: naming reasons costs a scoring for every feature."""
POINTS_PER_HALVING = 3.0
"""Points for every halving of the share of subjects that are at least as odd."""


def score(given: Given, settings: Scoring, corrections: pd.Series | None = None) -> dict[str, pd.DataFrame]:
    """Score every subject of the night.

    Parameters
    ----------
    given : mapping of str to table
        ``findings``, ``flags`` (optional), the views and edges (for firing shares), ``features_*``, ``facts``.
    settings : Scoring
        Caps, trees, seed.
    corrections : Series, optional
        Points that verdicts add to a flag or take from it, by code.

    Returns
    -------
    dict of str to DataFrame
        ``reasons`` (one row per subject and reason, columns ``REASON``) and ``scores`` (one row per subject with a matrix row:
        subject_kind, subject_id, suspicion in halvings, odd = share of its kind at least as suspicious, points).
    """
    flags = flag_reasons(given, settings, corrections)
    odd, scores = anomalies(given, settings)
    reasons = pd.concat([part for part in (flags, odd) if len(part)] or [flags], ignore_index=True)
    return {"reasons": reasons[REASON].sort_values([*SUBJECT, "kind", "code"], ignore_index=True), "scores": scores}


def flag_reasons(given: Given, settings: Scoring, corrections: pd.Series | None = None) -> pd.DataFrame:
    """One row per subject and red flag with its points after the caps."""
    known = cards(given)
    fired = _fired(given)
    card = Scorecard(settings.family_cap).fit(fired, known, base_counts(given), corrections)
    scored = card.transform(fired, overlaps(given))
    about = known.set_index("code")[["scheme", "severity"]]
    reasons = scored.join(about, on="code").assign(kind="flag", peer=None)
    # What piles up, or what made a ring, says which story it is, and how common a sign: of the commonest some party always has most.
    borrowed = ((reasons["code"] == PILED) | reasons["code"].isin(ABOUT_RINGS)) & reasons["detail"].isin(about.index)
    often = reasons["detail"].map(reasons.drop_duplicates("code").set_index("code")["subjects"])
    return reasons.assign(
        scheme=reasons["scheme"].where(~borrowed, reasons["detail"].map(about["scheme"])),
        subjects=reasons["subjects"].where(~borrowed, often.fillna(reasons["subjects"])).astype("int64"),
    )


def anomalies(given: Given, settings: Scoring) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Named reasons of the oddest subjects of each kind, and the suspicion of all of them."""
    parts = [_odd(kind, behaviour(matrix(given, kind)), settings) for kind in kinds(given)]
    reasons = [r for r, _ in parts if len(r)]
    scores = [s for _, s in parts if len(s)]
    empty = pd.DataFrame(columns=REASON), pd.DataFrame(columns=SCORES)
    return (
        pd.concat(reasons, ignore_index=True) if reasons else empty[0],
        pd.concat(scores, ignore_index=True) if scores else empty[1],
    )


def _fired(given: Given) -> pd.DataFrame:
    """One row per subject and code: pieces of evidence, the line most of them are in, and value, limit and detail of the strongest.

    Where findings of one code tell different things, what is told has the value that belongs to it.
    """
    found = located(given)
    keys = ["subject_kind", "subject_id", "code"]
    told = found.group_by(*keys, "detail").agg(value=found.value.max(), limit=found["limit"].max())
    strength = told.value / told["limit"].nullif(0)
    first = ibis.window(group_by=keys, order_by=[strength.desc(nulls_first=False), told.detail.asc(nulls_first=False)])
    strongest = told.mutate(rank=ibis.row_number().over(first)).filter(lambda t: t["rank"] == 0).drop("rank")
    lines = found.group_by(*keys, "line").agg(n=found.count())
    order = ibis.window(group_by=keys, order_by=[lines.n.desc(), lines.line.asc()])
    ranked = lines.mutate(place=ibis.row_number().over(order), pieces=lines.n.sum().over(ibis.window(group_by=keys)))
    return collected(ranked.filter(ranked.place == 0).drop("place", "n").inner_join(strongest, keys))


def _odd(kind: str, frame: pd.DataFrame, settings: Scoring) -> tuple[pd.DataFrame, pd.DataFrame]:
    numbers = frame.select_dtypes("number")
    if len(frame) < LEAST or numbers.shape[1] == 0:
        return pd.DataFrame(columns=REASON), pd.DataFrame()
    from models.detectors import SeveralAnomaly, families  # scikit-learn is slow to load
    from models.peers import PeerAnomaly

    detector = SeveralAnomaly(PeerAnomaly(settings.peer_minimum, low=LOW_SIDE), families(settings.trees, settings.seed)).fit(frame)
    suspicion = detector.suspicion(frame)
    share = suspicion.rank(ascending=False, method="max") / len(suspicion)
    worth = POINTS_PER_HALVING * np.log2(min(ODD_SHARE, MOST_ODD / len(share)) / share.to_numpy())
    points = pd.Series(worth.clip(0.0, settings.anomaly_cap), index=frame.index)
    scores = pd.DataFrame(
        {"subject_kind": kind, "subject_id": frame.index, "suspicion": suspicion.round(9), "odd": share, "points": points}
    )
    oddest = frame[(points > 0).to_numpy()]
    if oddest.empty:  # so many tie that nobody stands out
        return pd.DataFrame(columns=REASON), scores.reset_index(drop=True)
    return _named(kind, detector.reasons(oddest), points, frame), scores.reset_index(drop=True)


def _named(kind: str, reasons: pd.DataFrame, points: pd.Series, frame: pd.DataFrame) -> pd.DataFrame:
    """Share a subject's anomaly points among its named features by what each adds."""
    weight = reasons["gain"] / reasons.groupby("subject_id")["gain"].transform("sum")
    lines = frame["line"] if "line" in frame.columns else pd.Series(index=frame.index, dtype=object)
    return reasons.assign(
        subject_kind=kind, code=reasons["feature"], kind="anomaly", detail="z=" + reasons["z"].astype(float).round(1).astype(str),
        points=weight * reasons["subject_id"].map(points), scheme="anomaly", severity="low", family="anomaly",
        line=reasons["subject_id"].map(lines), subjects=int((points > 0).sum()),
    )  # fmt: skip
