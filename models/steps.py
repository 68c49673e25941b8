"""What the steps down the trees of a forest add to its score, column by column (Saabas 2014)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

SURE = 1e-4
"""Probabilities are cut here before they become log-odds: no forest is surer."""


def steps(trees: Sequence[object], values: np.ndarray) -> np.ndarray:
    """Log-odds that each column adds, shape as ``values``.

    What a step changes of the share of proven cases belongs to the column it asks about. The steps sum to the probability less that of
    all; log-odds bend it, so the difference in log-odds is shared in proportion.

    Parameters
    ----------
    trees : sequence of sklearn.tree._tree.Tree
        Of a forest of two classes.
    values : array of float32, shape (subjects, columns)
        Without unknown values.
    """
    changes = np.mean([_down(tree, values) for tree in trees], axis=0)
    base = float(np.mean([_chances(tree)[0] for tree in trees]))
    moved = changes.sum(axis=1)
    straight = np.where(np.abs(moved) > 1e-12, moved, 1.0)
    shared: np.ndarray = changes * ((log_odds(base + moved) - log_odds(np.array([base]))) / straight)[:, None]
    return shared


def log_odds(chance: np.ndarray) -> np.ndarray:
    """Of probabilities, cut at ``SURE`` and its mirror."""
    sure = np.clip(chance, SURE, 1 - SURE)
    odds: np.ndarray = np.log(sure / (1 - sure))
    return odds


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
