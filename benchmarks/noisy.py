"""Some verdicts are wrong: ways to learn from them, compared on clean verdicts of subjects that were not learnt from.

A section of `make evaluate` (through :mod:`benchmarks.predicting`): verdicts of outside data are turned over at stated rates where they are
learnt from, and never where they judge. Every way has the same columns and the same two learners, a line as :func:`models.line.line` and
boosted trees, whose log-odds are averaged; what differs is the target, the weight and the loss.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from models.boosting import load
from models.encoding import Encoder, Straight
from models.evaluate import auc, average_precision
from models.line import LOOSE, believed, evidence
from models.noise import Rates, calibrated, doubtful, guilty, second_looks
from models.supervised import Rows

SEEDS = (21, 22, 23, 24, 25)
"""For reporting; ways were chosen on 11 to 15."""
LEARNT, HELD = 2_000, 4_000
"""Judged subjects that are learnt from, and at most so many of the others that judge."""
AGAIN = 1 / 3
"""Share of subjects judged a second time, by somebody as often wrong."""
FOLDS = 4
BAGS = 5
STEPS, LEAST_BEND = 25, 0.05
"""Of the line's search; without the latter it runs away where all are sure."""
GUESSED = Rates(0.1, 0.02)
"""Rates that somebody states who does not know them."""
SUREST = 14.0
"""Log-odds beyond which no chance is told apart."""
Loss = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]
"""Log-odds and target → first derivative and expected second one, per subject."""


@dataclass(frozen=True)
class Noise:
    """How verdicts go wrong: at which rates, and whether hard cases more often than others."""

    rates: Rates
    hard: bool = False


NOISES: Mapping[str, Noise] = {
    "none wrong": Noise(Rates()),
    "10 % and 2 % wrong": Noise(Rates(0.1, 0.02)),
    "30 % and 5 % wrong": Noise(Rates(0.3, 0.05)),
    "30 % and 5 %, hard cases more often": Noise(Rates(0.3, 0.05), hard=True),
}
"""Shares of the proven called cleared and of the cleared called proven."""


@dataclass(frozen=True)
class Told:
    """What is known when learning.

    Attributes
    ----------
    values : array of float, shape (subjects, columns)
    first : array of float, shape (subjects,)
        The latest verdict of each.
    second : array of float, shape (subjects,)
        An earlier one, NaN where there is none.
    chance : array of float, shape (subjects,)
        Probability to be called proven, by models that did not see the subject's verdict.
    rates : Rates
        The true ones, for ways that are told.
    seed : int
    """

    values: np.ndarray
    first: np.ndarray
    second: np.ndarray
    chance: np.ndarray
    rates: Rates
    seed: int


@dataclass(frozen=True)
class Lesson:
    """What is learnt from: targets in 0 to 1, weights, the loss, how tight the learners are held."""

    target: np.ndarray
    weight: np.ndarray
    loss: Loss
    tight: bool = False
    bags: int = 1


def plain(odds: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Logistic loss."""
    chance = _chance(odds)
    return chance - target, chance * (1.0 - chance)


def forward(rates: Rates) -> Loss:
    """Logistic loss of the chance to be *called* proven (forward correction; Patrini et al. 2017)."""

    def loss(odds: np.ndarray, target: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        chance = _chance(odds)
        called = rates[1] + (1.0 - sum(rates)) * chance
        slope, spread = (1.0 - sum(rates)) * chance * (1.0 - chance), called * (1.0 - called)
        return (called - target) * slope / spread, slope**2 / spread

    return loss


def backward(rates: Rates) -> Loss:
    """Loss whose mean over wrong verdicts is the logistic loss of right ones (Natarajan et al. 2013): targets beyond 0 and 1."""
    return lambda odds, target: plain(odds, (target - rates[1]) / (1.0 - sum(rates)))


def as_they_are(told: Told) -> Lesson:
    """The latest verdict of each."""
    return Lesson(told.first, np.ones(len(told.first)), plain)


def soft(told: Told) -> Lesson:
    """Chance that a subject is guilty given its verdict, its columns and the rates, as the target."""
    return replace(as_they_are(told), target=guilty(told.first, told.chance, told.rates))


def left_out(told: Told) -> Lesson:
    """Without the verdicts that confident learning finds wrong (Northcutt et al. 2021)."""
    return replace(as_they_are(told), weight=1.0 - doubtful(told.first, told.chance))


def weighted(told: Told) -> Lesson:
    """Each verdict weighs what its chance to be right is, by estimated rates."""
    right = guilty(told.first, told.chance, estimated(told.first, told.chance))
    return replace(as_they_are(told), weight=np.where(told.first > 0, right, 1.0 - right))


def both_verdicts(told: Told) -> Lesson:
    """Who was judged twice has the mean of both as the target."""
    return replace(as_they_are(told), target=np.where(np.isnan(told.second), told.first, (told.first + told.second) / 2.0))


def agreeing_double(told: Told) -> Lesson:
    """Who was judged twice alike weighs twice; who was judged both ways is left out."""
    weight = np.where(np.isnan(told.second), 1.0, np.where(told.second == told.first, 2.0, 0.0))
    return replace(as_they_are(told), weight=weight)


WAYS: Mapping[str, Callable[[Told], Lesson]] = {
    "verdicts as they are": as_they_are,
    "forward correction, rates stated": lambda t: replace(as_they_are(t), loss=forward(t.rates)),
    "forward correction, rates estimated": lambda t: replace(as_they_are(t), loss=forward(estimated(t.first, t.chance))),
    "backward correction, rates stated": lambda t: replace(as_they_are(t), loss=backward(t.rates)),
    "soft targets, rates stated": soft,
    "soft targets, 10 % and 2 % stated": lambda t: soft(replace(t, rates=GUESSED)),
    "soft targets, rates estimated": lambda t: soft(replace(t, rates=estimated(t.first, t.chance))),
    "doubtful verdicts left out": left_out,
    "weights by chance to be right": weighted,
    "tighter learners": lambda t: replace(as_they_are(t), tight=True),
    "bags of halves": lambda t: replace(as_they_are(t), bags=BAGS),
    "both verdicts of the twice judged": both_verdicts,
    "twice judged alike count double": agreeing_double,
}


def estimated(first: np.ndarray, chance: np.ndarray) -> Rates:
    """Rates by the counts of confident learning: verdicts whose subject's guilt or innocence is sure enough."""
    wrong = doubtful(first, chance)
    sure = np.where(first > 0, chance >= chance[first > 0].mean(), 1.0 - chance >= (1.0 - chance[first == 0]).mean())
    kept = [[float((c & (first == f)).sum()) for f in (1, 0)] for c in (sure & ~wrong, wrong)]
    share = [(first == f).sum() / max(kept[0][i] + kept[1][i], 1.0) for i, f in enumerate((1, 0))]
    (proven, cleared), (accused, missed) = [[k * s for k, s in zip(row, share, strict=True)] for row in kept]
    return Rates(min(missed / max(missed + proven, 1.0), 0.45), min(accused / max(accused + cleared, 1.0), 0.45))


def anchored(chance: np.ndarray) -> Rates:
    """Rates by anchors (Patrini et al. 2017): who is surest proven is taken to be guilty, who is surest cleared innocent."""
    return Rates(1.0 - float(np.quantile(chance, 0.99)), float(np.quantile(chance, 0.01)))


def learnt(lesson: Lesson, values: np.ndarray, asked: np.ndarray, seed: int) -> np.ndarray:
    """Log-odds of ``asked``: mean of a line and of trees."""
    if lesson.bags == 1:
        return (_line(lesson, values)(asked) + _trees(lesson, values, seed)(asked)) / 2.0
    rng, parts = np.random.default_rng(seed), []
    for _ in range(lesson.bags):
        half = np.sort(rng.choice(len(values), len(values) // 2, replace=False))
        some = replace(lesson, target=lesson.target[half], weight=lesson.weight[half], bags=1)
        parts.append(learnt(some, values[half], asked, seed))
    mean: np.ndarray = np.mean(parts, axis=0)
    return mean


def _line(lesson: Lesson, values: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    used = lesson.weight > 0
    z = evidence(values[used], lesson.target[used])
    stretch = np.append(believed(z), 1.0)
    columns = np.column_stack([values, np.ones(len(values))]) * stretch
    penalty = np.append(np.full(values.shape[1], (4.0 if lesson.tight else 1.0) / LOOSE), 1e-6)
    share, found = float(np.average(lesson.target, weights=lesson.weight)), np.zeros(len(stretch))
    found[-1] = np.log(share / (1.0 - share))
    for _ in range(STEPS):
        slope, bend = (lesson.weight * d for d in lesson.loss(columns @ found, lesson.target))
        bend = np.maximum(bend, LEAST_BEND * lesson.weight)
        found -= np.linalg.solve((columns.T * bend) @ columns + np.diag(penalty), columns.T @ slope + penalty * found)
    return lambda asked: np.column_stack([asked, np.ones(len(asked))]) @ (found * stretch)


def _trees(lesson: Lesson, values: np.ndarray, seed: int) -> Callable[[np.ndarray], np.ndarray]:
    lightgbm, share = load(), float(np.average(lesson.target, weights=lesson.weight))
    start, used = np.log(share / (1.0 - share)), lesson.weight > 0
    target, weight = lesson.target[used], lesson.weight[used]
    settings: dict[str, Any] = {
        "num_leaves": 4 if lesson.tight else 12, "min_data_in_leaf": 20, "lambda_l2": 10.0 if lesson.tight else 1.0, "learning_rate": 0.08,
        "bagging_fraction": 0.7, "bagging_freq": 1, "feature_fraction": 0.4, "seed": seed, "num_threads": 1, "verbosity": -1, "max_bin": 63,
        "deterministic": True, "force_row_wise": True,
    }  # fmt: skip
    settings["objective"] = lambda odds, _data: tuple(weight * d for d in lesson.loss(odds + start, target))
    model = lightgbm.train(settings, lightgbm.Dataset(values[used], target), num_boost_round=100)
    return lambda asked: model.predict(asked, num_threads=1) + start


def crossed(values: np.ndarray, first: np.ndarray, seed: int) -> np.ndarray:
    """Probability to be called proven, out of fold and calibrated."""
    from sklearn.model_selection import StratifiedKFold  # slow to load

    odds = np.zeros(len(first))
    for seen, held in StratifiedKFold(FOLDS, shuffle=True, random_state=seed).split(values, first):
        odds[held] = learnt(Lesson(first[seen], np.ones(len(seen)), plain), values[seen], values[held], seed)
    base, slope = calibrated(first, odds)
    return _chance(base + slope * odds)


def turned(truth: np.ndarray, noise: Noise, easy: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Verdicts of which the stated shares are wrong; if hard cases more often, by the rank of ``easy`` (chance by clean verdicts)."""
    found = truth.astype("float64")
    for label, rate in zip((1, 0), noise.rates, strict=True):
        mine = np.flatnonzero(truth == label)
        rank = np.argsort(np.argsort(easy[mine] if label else -easy[mine])) / len(mine)
        likely = (1.0 - rank) ** 2 if noise.hard else np.ones(len(mine))
        wrong = rng.choice(mine, round(rate * len(mine)), replace=False, p=likely / likely.sum())
        found[wrong] = 1 - label
    return found


def compared(rows: Rows, known: pd.Series, seeds: tuple[int, ...] = SEEDS) -> dict[str, object]:
    """AUC, AP and log-loss of every way on clean verdicts, by noise: a list over ``seeds``.

    Also means over seeds: ``rates`` (missed, accused) by confident learning and by anchors; ``looks``, see :func:`_looked`.

    Parameters
    ----------
    rows : Rows
        All subjects; ties are not read.
    known : Series of int
        Verdicts by subject_id, taken to be right.
    """
    known = known.sort_index()
    encoded = Encoder().fit(rows.frame).transform(rows.frame.loc[known.index])
    values, truth = Straight().fit(encoded).transform(encoded), known.to_numpy()
    easy = crossed(values, truth.astype("float64"), 0)
    return {name: _under(noise, values, truth, easy, seeds) for name, noise in NOISES.items()}


def _under(noise: Noise, values: np.ndarray, truth: np.ndarray, easy: np.ndarray, seeds: tuple[int, ...]) -> dict[str, object]:
    ways: dict[str, list[list[float]]] = {name: [] for name in WAYS}
    rates: list[list[float]] = []
    looks: list[list[float]] = []
    for seed in seeds:
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(truth))
        seen, held = order[:LEARNT], order[LEARNT:][:HELD]
        first, second = (turned(truth[seen], noise, easy[seen], rng) for _ in range(2))
        second[rng.random(len(seen)) >= AGAIN] = np.nan
        told = Told(values[seen], first, second, crossed(values[seen], first, seed), noise.rates, seed)
        rates.append([*estimated(first, told.chance), *anchored(told.chance)])
        looks.append(_looked(first, told.chance, truth[seen]))
        for name, way in WAYS.items():
            ways[name].append(_measured(truth[held], learnt(way(told), values[seen], values[held], seed)))
    return {"ways": ways, "rates": np.mean(rates, axis=0).round(3).tolist(), "looks": np.mean(looks, axis=0).round(3).tolist()}


def _looked(first: np.ndarray, chance: np.ndarray, truth: np.ndarray) -> list[float]:
    """Share of wrong verdicts among those named for a second look, and among all: of the cleared, then of the proven."""
    named = second_looks(pd.Series(first), pd.Series(np.log(chance / (1.0 - chance))))
    wrong = pd.Series(first != truth)
    mine = [(wrong[named.loc[named["verdict"] == v, "subject_id"]], wrong[first == f]) for v, f in (("cleared", 0), ("proven", 1))]
    return [float(part.mean()) if len(part) else 0.0 for pair in mine for part in pair]


def _measured(truth: np.ndarray, odds: np.ndarray) -> list[float]:
    loss = float(np.mean(np.logaddexp(0.0, odds) - truth * odds))
    return [round(v, 4) for v in (auc(truth, odds), average_precision(truth, odds), loss)]


def _chance(odds: np.ndarray) -> np.ndarray:
    chance: np.ndarray = 1.0 / (1.0 + np.exp(-np.clip(odds, -SUREST, SUREST)))
    return chance
