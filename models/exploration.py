"""Exploration: of the cases beyond the list, those whose verdict would teach most.

What verdicts say of red flags, schemes and kinds of subject is a logistic regression with a normal prior (:func:`models.scorecard.learn`);
its posterior is nearly normal (Laplace). A verdict on a case narrows it by half the logarithm of 1 + p (1 - p) times the variance of the
case's log-odds: the expected information (Lindley 1956; for logistic models Chaloner and Verdinelli 1995). Cases are taken one after
another, each as if those before it were judged already, so ten cases of one kind do not all teach the same (greedy D-optimal design).
"""

from __future__ import annotations

import numpy as np

DECIMALS = 9
"""Gains that differ by less are equal; among equals the first row wins, whatever the order in which a machine adds up."""


def covariance(judged: np.ndarray, chance: np.ndarray, spread: np.ndarray) -> np.ndarray:
    """How uncertain the corrections still are.

    Parameters
    ----------
    judged : array of float, shape (rows, columns)
        What judged cases showed.
    chance : array of float, shape (rows,)
        Their probability of being proven.
    spread : array of float, shape (columns,)
        Standard deviation of each correction before any verdict, in log-odds.

    Returns
    -------
    array of float, shape (columns, columns)
        The posterior covariance; without a row the prior's. Cost: rows × columns².
    """
    weighted = judged * (chance * (1.0 - chance))[:, None]
    found: np.ndarray = np.linalg.inv(judged.T @ weighted + np.diag(spread**-2.0))
    return found


def most_informative(design: np.ndarray, chance: np.ndarray, uncertain: np.ndarray, places: int) -> list[int]:
    """Rows in the order in which to look at them.

    Parameters
    ----------
    design : array of float, shape (rows, columns)
        What the candidates show.
    chance : array of float, shape (rows,)
        Their probability of being proven.
    uncertain : array of float, shape (columns, columns)
        As :func:`covariance` returns it.
    places : int
        How many are wanted.

    Returns
    -------
    list of int
        At most ``places`` row numbers. Cost: rows × columns for each.
    """
    known, weight = uncertain.copy(), chance * (1.0 - chance)
    variance, chosen = np.einsum("ij,jk,ik->i", design, known, design), []
    free = np.ones(len(design), dtype=bool)
    for _ in range(min(places, len(design))):
        gain = np.where(free, 0.5 * np.log1p(weight * variance), -1.0).round(DECIMALS)
        row = int(gain.argmax())
        reach = known @ design[row]
        learnt = weight[row] / (1.0 + weight[row] * variance[row])
        known -= learnt * np.outer(reach, reach)
        variance = np.maximum(variance - learnt * (design @ reach) ** 2, 0.0)
        free[row] = False
        chosen.append(row)
    return chosen
