"""Fusion: scorecard, anomaly, network and what was learnt from verdicts as one score in points, and the score as a probability."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from models.scorecard import LOG_ODDS, learn

START: Mapping[str, float] = {"flags": 1.0, "anomaly": 1.0, "network": 1.0, "learnt": 0.0}
"""Weights of the parts before any verdict."""
PARTS = tuple(START)
SPREAD: Mapping[str, float] = {"flags": 0.3, "anomaly": 0.5, "network": 0.3, "learnt": 0.5}
"""How far from there they are thought to be, as standard deviations."""
LEVEL = 3.0
"""The same of the level, in log-odds: which subjects are judged at all says little of it beforehand."""
FILE = "fusion.json"


def probability(score: pd.Series | np.ndarray, prior: float, level: pd.Series | np.ndarray | float = 0.0) -> np.ndarray:
    """Probability of fraud: the prior's odds doubled for every ten points, moved by a level that verdicts taught, in log-odds.

    Examples
    --------
    >>> float(round(probability(np.array([0.0]), 0.01)[0], 4))
    0.01
    """
    log_odds = np.log(prior / (1.0 - prior)) + level + np.asarray(score, dtype=float) * LOG_ODDS
    chance: np.ndarray = 1.0 / (1.0 + np.exp(-log_odds))
    return chance


@dataclass(frozen=True)
class Fusion:
    """How the parts of a kind's scores are added up.

    Attributes
    ----------
    weights : dict of str to float
        By part, at least 0, so that more of a part never lowers a score.
    level : float
        Log-odds by which subjects of the kind are proven more often than their points say.
    middle : float
        Log-odds that the learnt model gives the kind's middle subject: what counts as no points.
    """

    weights: dict[str, float] = field(default_factory=lambda: dict(START))
    level: float = 0.0
    middle: float = 0.0

    def score(self, parts: pd.DataFrame) -> np.ndarray:
        """Log-odds over the prior, level included; ``parts`` as in :func:`fused`."""
        total: np.ndarray = parts[list(self.weights)].to_numpy(dtype=float) @ np.array(list(self.weights.values())) + self.level
        return total

    def save(self, folder: Path) -> None:
        """Write ``fusion.json``."""
        held = {"weights": self.weights, "level": self.level, "middle": self.middle}
        (folder / FILE).write_text(json.dumps(held, indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Fusion:
        """What :meth:`save` wrote."""
        held = json.loads((folder / FILE).read_text(encoding="utf-8"))
        return cls({part: held["weights"][part] for part in START}, held["level"], held["middle"])


def fused(parts: pd.DataFrame, labels: pd.Series, prior: float, middle: float = 0.0) -> Fusion:
    """Weights of the parts from judged subjects: stacking (Wolpert 1992) with weights not below 0, shrunk to those before any verdict.

    Parameters
    ----------
    parts : DataFrame
        Columns as ``START``, in log-odds, each by models that did not see the subject's own verdict; ``learnt`` less ``middle``.
    labels : Series of int
        1 proven, 0 cleared; index as ``parts``.
    prior : float
        Probability that a subject without points is fraud.
    middle : float
        See :class:`Fusion`.

    Returns
    -------
    Fusion
        Without rows the weights of before.
    """
    values, start = parts[list(START)].to_numpy(dtype=float), np.array(list(START.values()))
    promised = np.log(prior / (1.0 - prior)) + values @ start
    design = np.hstack([np.ones((len(values), 1)), values])
    spread, least = np.array([LEVEL, *SPREAD.values()]), np.array([-np.inf, *-start])
    moved = learn(design, promised, labels.to_numpy(dtype=float), spread, least)
    weights = {part: round(float(w), 6) for part, w in zip(START, start + moved[1:], strict=True)}
    return Fusion(weights, round(float(moved[0]), 6), round(middle, 6))


def out_of_fold(parts: pd.DataFrame, labels: pd.Series, prior: float, seed: int, folds: int = 5) -> np.ndarray:
    """Fused log-odds of judged subjects by weights that saw neither their verdict nor those of their fold."""
    fold = np.random.default_rng(seed).permutation(len(parts)) % folds
    found = np.zeros(len(parts))
    for k in range(folds):
        found[fold == k] = fused(parts[fold != k], labels[fold != k], prior).score(parts[fold == k])
    return found
