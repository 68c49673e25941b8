"""Suspicion learnt from verdicts: regressions, gradient boosting and a forest of trees, or those of them that the verdicts bear.

Families that fail differently, since the number of verdicts decides which is best: sixty proven cases carry a line, thousands carry
interactions. What each counts is decided by cross-validation on the judged subjects, and so is the affine calibration.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd

from models.encoding import Encoder
from models.evaluate import auc_and_precision
from models.families import FAMILIES, Family, usable
from models.neighbours import ANY, neighbour_rates
from models.noise import NONE, Rates, calibrated, targets

FOLDS = 5
FEW = 150
"""With fewer proven subjects the folds are drawn ``AGAIN`` times, all families count alike unless some are better each time, and rates
around a subject are not told apart by kind of tie."""
AGAIN = 5
DRAWS = 15
"""Samples of the judged subjects in which the best families are looked for."""
LEAST_SHARE = 0.1
"""A family that counts for less is left out: it costs more time than it adds."""
CHUNK = 8_192
"""Subjects scored at once by one thread: their columns stay near the processor, and memory does not grow with the views of all."""
LEAST_PROVEN = 20
"""With fewer proven subjects nothing is learnt."""


@dataclass(frozen=True)
class Rows:
    """Subjects to learn from or to score.

    Attributes
    ----------
    frame : DataFrame
        One row per subject, index subject_id: numbers and words (see :class:`models.encoding.Encoder`).
    pairs : DataFrame
        subject_id, node, kind: ties to others, of which :func:`models.neighbours.neighbour_rates` makes columns.
    """

    frame: pd.DataFrame
    pairs: pd.DataFrame


class Supervised:
    """Weighted average of ``FAMILIES``, in log-odds.

    Parameters
    ----------
    seed : int
        Of folds and models.
    families : tuple of str
        Which may take part.
    rates : Rates
        How often verdicts are taken to be wrong: where at all, subjects are learnt from by the chance that they are guilty.

    Attributes
    ----------
    weights_ : dict of str to float
        What each family counts, those that count nothing left out; the sum is one.
    out_of_fold_ : Series
        Calibrated log-odds of the judged subjects, each from models that saw no label of its fold.
    """

    def __init__(self, seed: int = 7, families: tuple[str, ...] = tuple(FAMILIES), rates: Rates = NONE) -> None:
        self.seed, self.families, self.rates = seed, families, rates

    def enough(self, rows: Rows, labels: pd.Series) -> bool:
        """Whether enough of the subjects are judged, both ways."""
        known = self._judged(rows, labels)
        return bool(min(known.sum(), len(known) - known.sum()) >= LEAST_PROVEN)

    def fit(self, rows: Rows, labels: pd.Series) -> Supervised:
        """Learn from the judged among ``rows``.

        Parameters
        ----------
        rows : Rows
            All subjects: words and frequencies are learnt of the others, too.
        labels : Series of int, indexed by subject_id
            1 proven, 0 cleared.

        Raises
        ------
        ValueError
            If fewer than ``LEAST_PROVEN`` subjects are proven, or as few are cleared.
        """
        known = self._judged(rows, labels)
        if not self.enough(rows, labels):
            raise ValueError(f"{int(known.sum())} proven and {int(len(known) - known.sum())} cleared subjects are too few to learn from")
        times = AGAIN if _few(known) else 1
        self._choose(known, [self.outside(rows, known, time) for time in range(times)])
        self.encoder_ = Encoder().fit(rows.frame)
        whole = _matrix(self.encoder_.transform(rows.frame.loc[known.index]), rows, known, _few(known))
        told = targets(whole, known.to_numpy(), self.rates, self.seed)
        self.members_: dict[str, Family] = {f: FAMILIES[f]().fit(whole, told, self.seed) for f in self.chosen_}
        self.labels_, self.columns_ = known, list(whole.columns)
        return self

    def suspicion(self, rows: Rows, known: pd.Series | None = None) -> pd.Series:
        """Calibrated log-odds of proven fraud of every subject of ``rows``; ``known`` are tonight's labels, else those of :meth:`fit`."""
        return self.scored(self.encoded(rows, known))

    def encoded(self, rows: Rows, known: pd.Series | None = None) -> pd.DataFrame:
        """The matrix that the members see, one row per subject of ``rows``; ``known`` as in :meth:`suspicion`."""
        labels = self.labels_ if known is None else known
        return _matrix(self.encoder_.transform(rows.frame), rows, labels).reindex(columns=self.columns_)

    def scored(self, matrix: pd.DataFrame) -> pd.Series:
        """Calibrated log-odds of encoded subjects."""
        starts = range(0, len(matrix), CHUNK)
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            found = list(pool.map(lambda start: self._part(matrix.iloc[start : start + CHUNK]), starts))
        return pd.Series(np.concatenate(found) if found else np.empty(0), index=matrix.index, name="suspicion")

    def shares(self) -> dict[str, float]:
        """By what each member's own score enters the log-odds."""
        return {f: self.line_[1] * weight / self.spread_[f][1] for f, weight in self.weights_.items()}

    def save(self, folder: Path) -> None:
        """Write the model into an empty folder: ``model.json`` and the files of its members; no label and no subject is in it."""
        held = {"seed": self.seed, "weights": self.weights_, "line": self.line_, "spread": self.spread_, "columns": self.columns_}
        (folder / "model.json").write_text(json.dumps({**held, "encoder": self.encoder_.state()}, ensure_ascii=False), encoding="utf-8")
        for member in self.members_.values():
            member.save(folder)

    @classmethod
    def load(cls, folder: Path) -> Supervised:
        """What :meth:`save` wrote; knows no labels, so :meth:`suspicion` must be told some."""
        held = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        made = cls(held["seed"], tuple(held["weights"]))
        made.weights_, made.line_, made.columns_ = held["weights"], tuple(held["line"]), held["columns"]
        made.spread_ = {f: tuple(v) for f, v in held["spread"].items()}
        made.encoder_ = Encoder.of(held["encoder"])
        made.members_ = {f: FAMILIES[f]().load(folder) for f in made.chosen_}
        made.labels_ = pd.Series(dtype="int64")
        return made

    @staticmethod
    def _judged(rows: Rows, labels: pd.Series) -> pd.Series:
        return labels.loc[labels.index.intersection(rows.frame.index)].sort_index()

    def outside(self, rows: Rows, labels: pd.Series, time: int = 0) -> pd.DataFrame:
        """Each family's scores of the judged subjects, by models that saw neither their labels nor, around anybody, those of their fold.

        Parameters
        ----------
        rows, labels
            As in :meth:`fit`.
        time : int
            Which of many ways to draw folds.

        Returns
        -------
        DataFrame
            Log-odds, a column for each family; rows as the judged subjects in order of id.
        """
        from sklearn.model_selection import StratifiedKFold  # slow to load

        known = self._judged(rows, labels)
        encoded = Encoder().fit(rows.frame).transform(rows.frame.loc[known.index])
        families = usable(self.families, known.to_numpy())
        found = pd.DataFrame(0.0, index=known.index, columns=list(families))
        for learn, judge in StratifiedKFold(FOLDS, shuffle=True, random_state=self.seed + 1000 * time).split(known, known):
            matrix = _matrix(encoded, rows, known.iloc[learn], _few(known))
            told = targets(matrix.iloc[learn], known.to_numpy()[learn], self.rates, self.seed)
            for family in families:
                member = FAMILIES[family]().fit(matrix.iloc[learn], told, self.seed)
                found.loc[known.index[judge], family] = member.score(matrix.iloc[judge])
        return found

    def folded(self, weights: Mapping[str, float]) -> pd.Series:
        """Out-of-fold scores of some families by weights that sum to one, on the folds of :meth:`fit`; not calibrated."""
        levelled = (self.outside_ - self.outside_.mean()) / self.outside_.std().where(lambda s: s > 0, 1.0)
        return levelled[list(weights)] @ pd.Series(weights)

    @property
    def chosen_(self) -> tuple[str, ...]:
        """The families that count."""
        return tuple(self.weights_)

    def _choose(self, known: pd.Series, times: list[pd.DataFrame]) -> None:
        self.outside_ = outside = times[0]
        self.spread_ = {f: (float(outside[f].mean()), float(outside[f].std()) or 1.0) for f in outside.columns}
        best = best_subset(known.to_numpy(), *times)
        self.weights_ = dict.fromkeys(best, 1.0 / len(best)) if _few(known) else weighed(known.to_numpy(), outside, self.seed)
        self.line_ = (0.0, 1.0)
        raw = self._fused({f: outside[f].to_numpy() for f in self.chosen_})
        self.line_ = calibrated(known.to_numpy(), raw, self.rates)
        self.out_of_fold_ = pd.Series(self.line_[0] + self.line_[1] * raw, index=known.index)

    def _part(self, matrix: pd.DataFrame) -> np.ndarray:
        return self._fused({f: self.members_[f].score(matrix) for f in self.chosen_})

    def _fused(self, parts: Mapping[str, np.ndarray]) -> np.ndarray:
        a, b = self.line_
        fused: np.ndarray = a + b * np.sum(
            [self.weights_[f] * (v - self.spread_[f][0]) / self.spread_[f][1] for f, v in parts.items()], axis=0
        )
        return fused


def _matrix(encoded: pd.DataFrame, rows: Rows, labels: pd.Series, few: bool = False) -> pd.DataFrame:
    near = neighbour_rates(rows.pairs, labels, encoded.index)
    near = near[[c for c in near.columns if c.startswith(ANY) or not few]]
    return pd.concat([encoded, near.astype("float32")], axis=1)


def _few(known: pd.Series) -> bool:
    return bool(known.sum() < FEW)


def best_subset(labels: np.ndarray, *times: pd.DataFrame) -> tuple[str, ...]:
    """The columns whose mean, each at spread one, has the largest sum of AUC and average precision; of equals the fewest.

    Of several ``times`` (scores out of as many drawings of folds) the mean counts, and if the best are not better each time than all
    columns together, all are taken: what only some drawings show is chance.
    """
    names = [str(c) for c in times[0].columns]
    subsets = [s for size in range(1, len(names) + 1) for s in combinations(names, size)]
    levelled = [(scores - scores.mean()) / scores.std().where(lambda s: s > 0, 1.0) for scores in times]
    worth = np.round([_worths(labels, one, subsets) for one in levelled], 4)
    best = int(np.argmax(worth.mean(axis=0)))
    surely = len(times) == 1 or bool((worth[:, best] > worth[:, -1]).all())
    return subsets[best] if surely else subsets[-1]


def _worths(labels: np.ndarray, levelled: pd.DataFrame, subsets: list[tuple[str, ...]]) -> list[float]:
    columns, place = np.ascontiguousarray(levelled.to_numpy().T), {str(c): i for i, c in enumerate(levelled.columns)}
    return [sum(auc_and_precision(labels, columns[[place[c] for c in s]].mean(axis=0))) for s in subsets]


def weighed(labels: np.ndarray, scores: pd.DataFrame, seed: int) -> dict[str, float]:
    """What each column counts: its mean share in the best subsets of ``DRAWS`` samples drawn with replacement (bagging, Breiman 1996).

    Which subset is best hangs on few proven cases; a mean over samples does so less than the best of all.

    Parameters
    ----------
    labels : array of int, shape (rows,)
    scores : DataFrame
        Out-of-fold scores, a column for each family; not levelled.
    seed : int

    Returns
    -------
    dict of str to float
        Sums to one; columns below ``LEAST_SHARE`` are left out. Cost: ``DRAWS`` sorts of the rows for each subset of the columns.
    """
    rng, total = np.random.default_rng(seed), pd.Series(0.0, index=scores.columns)
    for _ in range(DRAWS):
        drawn = rng.integers(0, len(labels), len(labels))
        best = list(best_subset(labels[drawn], scores.iloc[drawn]))
        total[best] += 1.0 / len(best)
    kept = total[total >= LEAST_SHARE * DRAWS]
    return {str(f): round(float(v), 6) for f, v in (kept / kept.sum()).items()}
