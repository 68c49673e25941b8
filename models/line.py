"""A logistic regression for few verdicts: each column is believed as far as its own association with the verdicts goes beyond chance."""

from __future__ import annotations

import numpy as np

LOOSE = 0.005
"""C of the regression on columns that are stretched by their evidence: what a weight may be, in units of that."""
COST = 2.0
"""What a column costs in z² (Akaike 1974): chance alone gives 1."""
LEAST = 0.1
"""What is left of the evidence of a column that is not worth its cost: together with others it may be."""


def line(values: np.ndarray, labels: np.ndarray, rising: np.ndarray) -> tuple[np.ndarray, float]:
    """Weights and base of log-odds.

    Ridge with a penalty per column, 1 / (z² - ``COST``), where z is the score test of the column alone: the adaptive lasso's idea
    (Zou 2006) with a quadratic penalty. A plain ridge spreads a signal of three columns over a hundred that know nothing. Columns of a
    known sign whose association goes the other way have weight 0.

    Parameters
    ----------
    values : array of float, shape (rows, columns)
        Centred, of spread one.
    labels : array of int, shape (rows,)
    rising : array of bool, shape (columns,)
        Columns of which more can only be worse.

    Returns
    -------
    (array of float of shape (columns,), float)
        Cost: a few regressions.
    """
    from sklearn.linear_model import LogisticRegression  # slow to load

    z = evidence(values, labels)
    stretch = np.where(rising & (z <= 0), 0.0, believed(z))
    while True:
        # Newton, since stretched columns are of very unequal spread: gradients alone do not get there in hundreds of steps.
        model = LogisticRegression(C=LOOSE, solver="newton-cholesky").fit(values * stretch, labels)
        weights: np.ndarray = model.coef_[0] * stretch
        wrong = rising & (weights < 0)
        if not wrong.any():
            return weights, float(model.intercept_[0])
        stretch = np.where(wrong, 0.0, stretch)


def believed(z: np.ndarray) -> np.ndarray:
    """By what columns are stretched before a ridge."""
    stretch: np.ndarray = np.sqrt(np.maximum(z**2 - COST, LEAST))
    return stretch


def evidence(values: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The score test's z of every column alone: about standard normal where it says nothing; 0 for a constant column."""
    centred, proven = values - values.mean(axis=0), labels - labels.mean()
    spread = np.sqrt((centred**2).sum(axis=0) * (proven**2).mean())
    z: np.ndarray = np.divide(proven @ centred, spread, out=np.zeros(values.shape[1]), where=spread > 0)
    return z
