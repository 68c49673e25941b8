"""Why a score is high: what each column adds, by putting it back to its neutral value."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np


def replacement(score: Callable[[np.ndarray], np.ndarray], matrix: np.ndarray, neutral: float = 0.0) -> np.ndarray:
    """How much each row's score falls when one column alone is set to ``neutral``.

    Model-agnostic occlusion (Robnik-Šikonja & Kononenko 2008): one scoring per column.

    Parameters
    ----------
    score : callable
        Matrix (rows, columns) → score (rows,), higher = more suspicious.
    matrix : array of float, shape (rows, columns)
        The rows to explain.
    neutral : float
        The value of an ordinary subject.

    Returns
    -------
    array of float, shape (rows, columns)
        Positive where the column makes the row suspicious.
    """
    full = score(matrix)
    gains = np.zeros(matrix.shape)
    for column in range(matrix.shape[1]):
        changed = matrix.copy()
        changed[:, column] = neutral
        gains[:, column] = full - score(changed)
    return gains


def farthest(gains: np.ndarray, most: int, least: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Positions (row, column) of each row's ``most`` largest gains above ``least``, the largest first, ties by column."""
    order = np.argsort(-gains, axis=1, kind="stable")[:, :most]
    rows = np.repeat(np.arange(len(gains)), order.shape[1])
    columns = order.ravel()
    keep = gains[rows, columns] > least
    return rows[keep], columns[keep]
