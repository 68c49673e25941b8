"""A learnt model with the other parts of the scores beside it: how they are fused, and whether that is better than what there was."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from models.backtest import better
from models.fusion import START, Fusion, fused, out_of_fold
from models.noise import calibrated
from models.supervised import Rows, Supervised


@dataclass(frozen=True)
class Challenger:
    """A fitted model of one kind of subject, held against others on the subjects that it learnt from.

    Attributes
    ----------
    model : Supervised
        Fitted.
    rows : Rows
        All subjects of the kind.
    parts : DataFrame
        ``flags``, ``anomaly`` and ``network`` of the judged subjects in log-odds, by scorecards that did not see their verdicts; index as
        the model's labels.
    prior : float
        Probability that a subject without points is fraud.
    """

    model: Supervised
    rows: Rows
    parts: pd.DataFrame
    prior: float

    @property
    def truth(self) -> np.ndarray:
        """1 proven, 0 cleared."""
        found: np.ndarray = self.model.labels_.to_numpy()
        return found

    @cached_property
    def middle(self) -> float:
        """What the model says of the kind's middle subject."""
        return float(self.model.suspicion(self.rows).median())

    def fusion(self) -> Fusion:
        """Weights from all judged subjects, to be stored with the model."""
        return fused(self._beside(self.model.out_of_fold_, self.middle), self.model.labels_, self.prior, self.middle)

    def promised(self) -> np.ndarray:
        """The score without a learnt model, in log-odds."""
        total: np.ndarray = self.parts.sum(axis=1).to_numpy()
        return total

    def scores(self, weights: Mapping[str, float] | None = None) -> np.ndarray:
        """Fused log-odds, out of fold twice: the model and the weights; with ``weights``, of families by those instead."""
        odds = self.model.out_of_fold_
        if weights is not None:
            raw = self.model.folded(weights)
            base, slope = calibrated(self.truth, raw.to_numpy(), self.model.rates)
            odds = base + slope * raw
        return out_of_fold(self._beside(odds, self.middle), self.model.labels_, self.prior, self.model.seed)

    def without(self, part: str) -> np.ndarray:
        """:meth:`scores` with one part of ``START`` struck out and the others weighed anew."""
        beside = self._beside(self.model.out_of_fold_, self.middle).assign(**{part: 0.0})
        return out_of_fold(beside, self.model.labels_, self.prior, self.model.seed)

    def others(self, odds: pd.Series, fusion: Fusion) -> np.ndarray:
        """Fused log-odds by another model's ``odds`` and weights."""
        return fusion.score(self._beside(odds, fusion.middle))

    def gain(self, mine: np.ndarray, theirs: np.ndarray, among: np.ndarray | None = None) -> dict[str, float]:
        """Average precision of one score less that of the other and the central 90 % of a paired bootstrap; ``among`` chooses subjects."""
        who = np.ones(len(mine), dtype=bool) if among is None else among
        return better(self.truth[who], mine[who], theirs[who], self.model.seed)

    def _beside(self, odds: pd.Series, middle: float) -> pd.DataFrame:
        return self.parts.assign(learnt=odds.reindex(self.parts.index) - middle)[list(START)]
