"""Verdicts that are wrong: what a verdict is worth as a target when a stated share of them is, and which of them look wrong."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.families import Boosting, Logistic

FOLDS = 4
SHOWN = 5
"""Doubtful verdicts of each sort that are named."""
SUREST = 1e-4
"""No subject's guilt is taken to be surer before its verdict."""


class Rates(NamedTuple):
    """How often verdicts are wrong; a sum of one or more would say that they tell nothing.

    Attributes
    ----------
    missed : float
        Share of the guilty who are cleared.
    accused : float
        Share of the innocent who are called proven.
    """

    missed: float = 0.0
    accused: float = 0.0


NONE = Rates()


def guilty(verdicts: np.ndarray, chance: np.ndarray, rates: Rates) -> np.ndarray:
    """Probability of guilt of who was called proven (1) or cleared (0), by Bayes; without wrong verdicts the verdicts themselves.

    Parameters
    ----------
    verdicts, chance : array, shape (subjects,)
        ``chance`` is that of being called proven, by models that did not see the verdict.
    rates : Rates
    """
    truly = np.clip((chance - rates[1]) / (1.0 - sum(rates)), SUREST, 1.0 - SUREST)
    of_guilty, of_innocent = (np.where(verdicts > 0, p, 1.0 - p) for p in (1.0 - rates[0], rates[1]))
    found: np.ndarray = truly * of_guilty / (truly * of_guilty + (1.0 - truly) * of_innocent)
    return found


def targets(matrix: pd.DataFrame, verdicts: np.ndarray, rates: Rates, seed: int) -> np.ndarray:
    """What to learn in place of verdicts: :func:`guilty` by models that did not see them, or the verdicts if none is wrong.

    Parameters
    ----------
    matrix : DataFrame of float
        Encoded subjects.
    verdicts : array of int, shape (rows,)
    rates : Rates
    seed : int

    Returns
    -------
    array, shape (rows,)
        0 to 1. Cost: ``FOLDS`` fits of a line and of boosted trees.
    """
    if not any(rates):
        return verdicts
    from sklearn.model_selection import StratifiedKFold  # slow to load

    odds = np.zeros(len(verdicts))
    for seen, held in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(matrix, verdicts):
        fitted = [family().fit(matrix.iloc[seen], verdicts[seen], seed) for family in (Logistic, Boosting)]
        odds[held] = np.mean([model.score(matrix.iloc[held]) for model in fitted], axis=0)
    base, slope = calibrated(verdicts, odds)
    return guilty(verdicts, _chance(base + slope * odds), rates)


def calibrated(verdicts: np.ndarray, scores: np.ndarray, rates: Rates = NONE) -> tuple[float, float]:
    """Platt's line: log-odds of guilt = a + b · score, b at least 0, by logistic regression on out-of-fold scores.

    With ``rates``, the line under which verdicts of which such shares are wrong are likeliest (forward correction; Patrini et al. 2017).
    """
    from sklearn.linear_model import LogisticRegression  # slow to load

    line = LogisticRegression(C=1e6).fit(scores[:, None], verdicts)
    found = np.array([line.intercept_[0], line.coef_[0, 0]])
    if any(rates):
        from scipy.optimize import minimize  # here with its only use

        found = minimize(_unlikely, found, (verdicts, scores, rates), method="Nelder-Mead").x
    return float(found[0]), max(float(found[1]), 1e-6)


def called(odds: np.ndarray, rates: Rates) -> np.ndarray:
    """Log-odds of being called proven, of log-odds of guilt: what verdicts can be held against."""
    if not any(rates):
        return odds
    chance = rates.accused + (1.0 - sum(rates)) * _chance(odds)
    found: np.ndarray = np.log(chance / (1.0 - chance))
    return found


def doubtful(verdicts: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Whether a verdict's opposite is at least as sure as it is on average where it was the verdict (Northcutt et al. 2021).

    Parameters
    ----------
    verdicts, chance : array, shape (subjects,)
        As in :func:`guilty`; both verdicts must occur.
    """
    proven, cleared = chance >= chance[verdicts > 0].mean(), chance <= chance[verdicts == 0].mean()
    found: np.ndarray = np.where(verdicts > 0, cleared & ~proven, proven)
    return found


def second_looks(verdicts: pd.Series, odds: pd.Series) -> pd.DataFrame:
    """The verdicts that what was learnt from the others contradicts most.

    Parameters
    ----------
    verdicts : Series of int
        By subject_id.
    odds : Series of float
        Calibrated log-odds by models that did not see the subject's verdict; index as ``verdicts``.

    Returns
    -------
    DataFrame
        subject_id, verdict (proven, cleared), chance (of guilt); of those that are :func:`doubtful` at most ``SHOWN`` of each verdict, the
        most doubtful first; the attribute ``many`` counts all.
    """
    known, chance = verdicts.to_numpy(), _chance(odds.reindex(verdicts.index).to_numpy())
    told = pd.DataFrame({"subject_id": verdicts.index, "verdict": np.where(known > 0, "proven", "cleared"), "chance": chance.round(4)})
    odd = told[doubtful(known, chance)]
    sides = [odd[odd["verdict"] == "cleared"].sort_values(["chance", "subject_id"], ascending=[False, True])]
    sides.append(odd[odd["verdict"] == "proven"].sort_values(["chance", "subject_id"]))
    shown = pd.concat([side.head(SHOWN) for side in sides], ignore_index=True)
    shown.attrs["many"] = len(odd)
    return shown


def _unlikely(line: np.ndarray, verdicts: np.ndarray, scores: np.ndarray, rates: Rates) -> float:
    odds = called(line[0] + line[1] * scores, rates)
    return float((np.logaddexp(0.0, odds) - verdicts * odds).mean())


def _chance(odds: np.ndarray) -> np.ndarray:
    chance: np.ndarray = 1.0 / (1.0 + np.exp(-odds))
    return chance
