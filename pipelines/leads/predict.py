"""A score for every subject, with the verdicts at hand or without any: what `fraudleads predict` and the benchmarks call."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import pandas as pd

from models.noise import Rates
from models.scorecard import LOG_ODDS
from models.supervised import Rows, Supervised
from pipelines.config import Scoring
from pipelines.leads.inputs import Given, collected, relation
from pipelines.leads.learning import ids, labels, subject_rows
from pipelines.leads.matrix import behaviour, kinds
from pipelines.leads.score import flag_reasons

SCORE = ["subject_kind", "subject_id", "score"]


@dataclass(frozen=True)
class Predicted:
    """Scores, and what was done for each kind of subject: a line for people."""

    scores: pd.DataFrame
    said: tuple[str, ...]


def predict(given: Given, settings: Scoring, as_of: datetime, with_labels: bool) -> Predicted:
    """Score every subject of the book.

    Parameters
    ----------
    given : mapping of str to table
        Tables of the night up to the red flags.
    settings : Scoring
    as_of : datetime
        Only verdicts decided before it are learnt from.
    with_labels : bool
        False: no verdict is read.

    Returns
    -------
    Predicted
        ``scores``: subject_kind, subject_id (``insurer:id``), score (higher = worse, comparable within a kind), in order of kind and id.
        A kind is scored by what was learnt where enough of its subjects were judged; else by oddity, money and red flags.
        Cost: linear in subjects; learning grows with the judged ones, some ten fits of each family.
    """
    parts, said = [], []
    points = worth(given, settings)
    for kind in subject_kinds(given):
        rows = ready(given, kind, settings)
        known = labels(given, kind, as_of) if with_labels else pd.Series(dtype="int64")
        found, line = _scored(rows, known, of_kind(points, kind), settings)
        named = ids(given, kind, rows.frame.index)
        parts.append(named.assign(subject_kind=kind, score=named["entity"].map(found).round(9))[SCORE])
        said.append(f"{kind}: {len(rows.frame):,} subjects, {line}")
    every = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=SCORE)
    return Predicted(every.sort_values(SCORE[:2], ignore_index=True), tuple(said))


def subject_kinds(given: Given) -> list[str]:
    """Kinds of subject in the book, in order."""
    found = set(kinds(given)) | {k for k, t in (("claim", "claim_view"), ("policy", "policy_view")) if _any(given, t)}
    entities = relation(given, "entities")
    if entities is not None:
        found |= set(collected(entities.select(kind=entities.entity_id.split(":")[0]).distinct())["kind"].dropna())
    return sorted(found)


def ready(given: Given, kind: str, settings: Scoring) -> Rows:
    """Rows of a kind with their ``anomaly``, which no label enters."""
    rows = subject_rows(given, kind)
    from models.money import MoneyAnomaly  # scikit-learn is slow to load

    numbers = behaviour(rows.frame).select_dtypes("number").dropna(axis=1, how="all")
    odd: pd.Series | float = 0.0
    if numbers.shape[1] and len(numbers) > 1:
        odd = MoneyAnomaly(settings.trees, settings.seed).fit(numbers).suspicion(numbers)
    return replace(rows, frame=rows.frame.assign(anomaly=odd).astype({"anomaly": "float32"}))


def worth(given: Given, settings: Scoring) -> pd.Series:
    """Log-odds that each subject's red flags are worth, by subject_kind and subject_id."""
    points: pd.Series = flag_reasons(given, settings).groupby(SCORE[:2])["points"].sum() * LOG_ODDS
    return points


def of_kind(points: pd.Series, kind: str) -> pd.Series:
    """The part of :func:`worth` of one kind, by subject_id."""
    mine: pd.Series = points[points.index.get_level_values(0) == kind].droplevel(0)
    return mine


def unlabelled(rows: Rows, flags: pd.Series) -> pd.Series:
    """Suspicion without verdicts: the logarithm of money and oddity, plus the log-odds that red flags are worth."""
    total: pd.Series = rows.frame["anomaly"].astype("float64") + flags.reindex(rows.frame.index).fillna(0.0)
    return total


def _scored(rows: Rows, known: pd.Series, flags: pd.Series, settings: Scoring) -> tuple[pd.Series, str]:
    model = Supervised(settings.seed, rates=Rates(settings.missed, settings.accused))
    if not model.enough(rows, known):
        return unlabelled(rows, flags), "by oddity, money and red flags"
    fitted = model.fit(rows, known)
    used = f"learnt from {int(known.sum()):,} proven and {int((1 - known).sum()):,} cleared ({' + '.join(fitted.chosen_)})"
    return fitted.suspicion(rows), used


def _any(given: Given, name: str) -> bool:
    table = relation(given, name)
    return table is not None and bool(len(collected(table.limit(1))))
