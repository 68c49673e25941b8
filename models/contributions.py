"""What each column adds to a score learnt from verdicts: shares that sum to it exactly, whatever the family of models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.families import Boosting, Contrasts, Deep, Family, Forest, Logistic
from models.supervised import Supervised

SURE = 1e-4
"""A forest's probabilities are cut here before they become log-odds, as in its score."""


def contributions(model: Supervised, matrix: pd.DataFrame) -> pd.DataFrame:
    """Log-odds that every column adds to each subject's suspicion.

    Parameters
    ----------
    model : Supervised
        Fitted or loaded.
    matrix : DataFrame
        Subjects as :meth:`models.supervised.Supervised.encoded` returns them.

    Returns
    -------
    DataFrame
        Index as ``matrix``; its columns, and ``rest``: what belongs to no column. Each row sums to ``model.scored(matrix)``.
    """
    total = np.zeros((len(matrix), matrix.shape[1]))
    for family, share in model.shares().items():
        total += share * of_member(model.members_[family], matrix)
    found = pd.DataFrame(total, index=matrix.index, columns=matrix.columns)
    return found.assign(rest=model.scored(matrix) - found.sum(axis=1))


def of_member(member: Family, matrix: pd.DataFrame) -> np.ndarray:
    """One member's columns, shape as ``matrix``: a line's terms, the Shapley values of boosted trees, a forest's steps down its trees."""
    if isinstance(member, Logistic):
        terms: np.ndarray = member.straight_.transform(matrix) * member.weights_
        return terms
    if isinstance(member, Contrasts):
        of_views: np.ndarray = (member.views_.transform(matrix) * member.weights_) @ member.views_.owners(matrix.columns)
        return of_views
    if isinstance(member, Boosting | Deep):
        values = matrix.to_numpy(dtype="float32")
        shapley: np.ndarray = np.mean([m.predict(values, pred_contrib=True, num_threads=1)[:, :-1] for m in member.models_], axis=0)
        return shapley
    return _steps(member, matrix) if isinstance(member, Forest) else np.zeros(matrix.shape)


def _steps(forest: Forest, matrix: pd.DataFrame) -> np.ndarray:
    """What each step down a tree changes of the share of proven cases belongs to the column it asks about (Saabas 2014).

    The steps sum to the probability less that of all; log-odds bend it, so the difference in log-odds is shared in proportion.
    """
    values = matrix.fillna(forest.middle_).to_numpy(dtype="float32")
    trees = [tree.tree_ for tree in forest.trees_.estimators_]
    steps = np.mean([_down(tree, values) for tree in trees], axis=0)
    base = float(np.mean([_chances(tree)[0] for tree in trees]))
    moved = steps.sum(axis=1)
    odds = _log_odds(np.array([base]))[0]
    straight = np.where(np.abs(moved) > 1e-12, moved, 1.0)
    shared: np.ndarray = steps * ((_log_odds(base + moved) - odds) / straight)[:, None]
    return shared


def _down(tree: object, values: np.ndarray) -> np.ndarray:
    left, right, column = (getattr(tree, name) for name in ("children_left", "children_right", "feature"))
    chance = _chances(tree)
    inner = np.flatnonzero(left >= 0)
    change = np.zeros((len(chance), values.shape[1]))
    for child in (left[inner], right[inner]):
        change[child, column[inner]] = chance[child] - chance[inner]
    found: np.ndarray = tree.decision_path(values) @ change  # type: ignore[attr-defined]
    return found


def _chances(tree: object) -> np.ndarray:
    values: np.ndarray = tree.value[:, 0, :]  # type: ignore[attr-defined]
    share: np.ndarray = values[:, 1] / values.sum(axis=1)
    return share


def _log_odds(chance: np.ndarray) -> np.ndarray:
    sure = np.clip(chance, SURE, 1 - SURE)
    odds: np.ndarray = np.log(sure / (1 - sure))
    return odds
