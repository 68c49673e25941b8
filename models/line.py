"""A logistic regression for few verdicts: each column is believed as far as its own association with the verdicts goes beyond chance."""

from __future__ import annotations

import numpy as np

LOOSE = 0.005
"""C of the regression on columns that are stretched by their evidence: what a weight may be, in units of that."""
COST = 2.0
"""What a column costs in z² (Akaike 1974): chance alone gives 1."""
SURE = 1e-3
"""A label so near 0 or 1 is taken to be it."""
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
    labels : array, shape (rows,)
        0 to 1.
    rising : array of bool, shape (columns,)
        Columns of which more can only be worse.

    Returns
    -------
    (array of float of shape (columns,), float)
        Cost: a few regressions.
    """
    z = evidence(values, labels)
    stretch = np.where(rising & (z <= 0), 0.0, believed(z))
    while True:
        # Newton, since stretched columns are of very unequal spread: gradients alone do not get there in hundreds of steps.
        slope, base = ridge(values * stretch, labels, LOOSE)
        weights: np.ndarray = slope * stretch
        wrong = rising & (weights < 0)
        if not wrong.any():
            return weights, base
        stretch = np.where(wrong, 0.0, stretch)


def ridge(values: np.ndarray, labels: np.ndarray, loose: float) -> tuple[np.ndarray, float]:
    """Weights and base of a ridge-penalised logistic regression on labels of 0 to 1; ``loose`` is scikit-learn's C."""
    from sklearn.linear_model import LogisticRegression  # slow to load

    rows, told, weight = doubled(labels)
    model = LogisticRegression(C=loose, solver="newton-cholesky").fit(values[rows], told, sample_weight=weight)
    return model.coef_[0], float(model.intercept_[0])


def doubled(labels: np.ndarray) -> tuple[np.ndarray | slice, np.ndarray, np.ndarray | None]:
    """Rows, labels of 0 or 1, and weights that stand for labels between: who is neither is there as both, in part."""
    unsure = np.flatnonzero(np.abs(labels - np.round(labels)) > SURE)
    if not len(unsure):
        return slice(None), np.round(labels).astype("int64"), None
    sure = np.setdiff1d(np.arange(len(labels)), unsure)
    told = np.concatenate([np.round(labels[sure]), np.ones(len(unsure)), np.zeros(len(unsure))]).astype("int64")
    return np.concatenate([sure, unsure, unsure]), told, np.concatenate([np.ones(len(sure)), labels[unsure], 1.0 - labels[unsure]])


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
