"""The families of models that learn from verdicts, each with a form on disk that no code hides in.

Numbers are JSON, boosted trees LightGBM's own text, a forest skops with a literal list of the types it may hold. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pandas as pd

from models.boosting import boosted, read
from models.encoding import Straight
from models.line import doubled, line, ridge
from models.neighbours import rising
from models.settled import settled
from models.steps import log_odds, steps
from models.views import Views

RISING = ("flag_", "flags", "anomaly")
"""Columns that begin so can only raise a score: red flags, and how odd a subject is."""
ALLOWED = ("sklearn.tree._tree.Tree",)
"""All that a stored forest may hold besides what skops itself calls safe."""
BAGS = 3
PARTS, PART = 15, 200
"""How many regressions :class:`Contrasts` averages, and columns of each."""


class Family(Protocol):
    """One kind of model: fitted, asked, stored."""

    def fit(self, matrix: pd.DataFrame, labels: np.ndarray, seed: int) -> Family:
        """Learn from encoded subjects and their labels, 0 to 1."""

    def score(self, matrix: pd.DataFrame) -> np.ndarray:
        """Log-odds, not calibrated."""

    def parts(self, matrix: pd.DataFrame) -> np.ndarray:
        """What each column adds to the score, shape as ``matrix``; a row sums to its score less what every subject has."""

    def save(self, folder: Path) -> None:
        """Write what :meth:`load` reads."""

    def load(self, folder: Path) -> Family:
        """Read what :meth:`save` wrote."""


class Logistic:
    """Logistic regression on straightened columns, see :func:`models.line.line`."""

    def fit(self, matrix: pd.DataFrame, labels: np.ndarray, seed: int) -> Logistic:
        """See :class:`Family`."""
        self.straight_ = Straight().fit(matrix)
        self.weights_, self.base_ = line(self.straight_.transform(matrix), labels, matrix.columns.isin(_up(matrix)))
        return self

    def score(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`."""
        found: np.ndarray = self.straight_.transform(matrix) @ self.weights_ + self.base_
        return found

    def parts(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`: the terms of the line."""
        terms: np.ndarray = self.straight_.transform(matrix) * self.weights_
        return terms

    def save(self, folder: Path) -> None:
        """See :class:`Family`."""
        held = {"weights": self.weights_.tolist(), "base": self.base_, "straight": self.straight_.state()}
        (folder / "logistic.json").write_text(json.dumps(held), encoding="utf-8")

    def load(self, folder: Path) -> Logistic:
        """See :class:`Family`."""
        held = json.loads((folder / "logistic.json").read_text(encoding="utf-8"))
        self.weights_, self.base_ = np.asarray(held["weights"]), held["base"]
        self.straight_ = Straight.of(held["straight"])
        return self


class Contrasts:
    """Mean of ridge-penalised logistic regressions, each on a random part of the columns of :class:`models.views.Views` (Ho 1998)."""

    def fit(self, matrix: pd.DataFrame, labels: np.ndarray, seed: int) -> Contrasts:
        """See :class:`Family`."""
        self.views_ = Views().fit(matrix)
        # Newton on single precision: half the time of gradients, and nearer to the best line.
        values = self.views_.transform(matrix).astype("float32")
        rng, many = np.random.default_rng(seed), values.shape[1]
        self.weights_, self.base_ = np.zeros(many), 0.0
        for _ in range(PARTS):
            part = np.sort(rng.choice(many, min(many, PART), replace=False))
            weights, base = ridge(values[:, part], labels, 0.1)
            self.weights_[part] += weights / PARTS
            self.base_ += base / PARTS
        return self

    def score(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`."""
        found: np.ndarray = self.views_.transform(matrix) @ self.weights_ + self.base_
        return found

    def parts(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`: the terms of all views, each with the columns it is made of."""
        terms: np.ndarray = (self.views_.transform(matrix) * self.weights_) @ self.views_.owners(matrix.columns)
        return terms

    def save(self, folder: Path) -> None:
        """See :class:`Family`."""
        held = {"weights": self.weights_.tolist(), "base": self.base_, "views": self.views_.state()}
        (folder / "contrasts.json").write_text(json.dumps(held), encoding="utf-8")

    def load(self, folder: Path) -> Contrasts:
        """See :class:`Family`."""
        held = json.loads((folder / "contrasts.json").read_text(encoding="utf-8"))
        self.weights_, self.base_, self.views_ = np.asarray(held["weights"]), held["base"], Views.of(held["views"])
        return self


class Boosting:
    """Boosted trees of ``BAGS`` seeds, monotone where the sign is known."""

    name, deep = "boosting", False

    def fit(self, matrix: pd.DataFrame, labels: np.ndarray, seed: int) -> Boosting:
        """See :class:`Family`."""
        self.models_ = [boosted(matrix, labels, _up(matrix), seed + i, self.deep) for i in range(BAGS)]
        return self

    def score(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`."""
        values = matrix.to_numpy(dtype="float32")
        found: np.ndarray = np.mean([m.predict(values, raw_score=True, num_threads=1) for m in self.models_], axis=0)
        return found

    def parts(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`: the trees' Shapley values (Lundberg et al. 2020)."""
        values = matrix.to_numpy(dtype="float32")
        shapley: np.ndarray = np.mean([m.predict(values, pred_contrib=True, num_threads=1)[:, :-1] for m in self.models_], axis=0)
        return shapley

    def save(self, folder: Path) -> None:
        """See :class:`Family`."""
        for i, model in enumerate(self.models_):
            (folder / f"{self.name}_{i}.txt").write_text(model.model_to_string(), encoding="utf-8")

    def load(self, folder: Path) -> Boosting:
        """See :class:`Family`."""
        self.models_ = [read(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"{self.name}*.txt"))]
        return self


class Deep(Boosting):
    """The same with large trees."""

    name, deep = "deep", True


class Forest:
    """Extremely randomised trees (Geurts et al. 2006) with leaves of five."""

    def fit(self, matrix: pd.DataFrame, labels: np.ndarray, seed: int) -> Forest:
        """See :class:`Family`."""
        from sklearn.ensemble import ExtraTreesClassifier  # slow to load

        self.middle_ = matrix.median().fillna(0.0)
        trees = ExtraTreesClassifier(n_estimators=100, min_samples_leaf=5, max_features=0.3, random_state=seed, n_jobs=1)
        rows, told, weight = doubled(labels)
        self.trees_ = trees.fit(matrix.fillna(self.middle_).to_numpy()[rows], told, weight)
        return self

    def score(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`."""
        return log_odds(self.trees_.predict_proba(matrix.fillna(self.middle_).to_numpy())[:, 1])

    def parts(self, matrix: pd.DataFrame) -> np.ndarray:
        """See :class:`Family`: the steps down the trees."""
        return steps([tree.tree_ for tree in self.trees_.estimators_], matrix.fillna(self.middle_).to_numpy(dtype="float32"))

    def save(self, folder: Path) -> None:
        """See :class:`Family`."""
        import skops.io  # slow to load

        (folder / "forest.skops").write_bytes(settled(skops.io.dumps(self.trees_)))
        (folder / "forest.json").write_text(json.dumps({str(c): float(v) for c, v in self.middle_.items()}), encoding="utf-8")

    def load(self, folder: Path) -> Forest:
        """See :class:`Family`; a type that is not in ``ALLOWED`` raises skops' ``UntrustedTypesFoundException``."""
        import skops.io  # slow to load

        self.trees_ = skops.io.load(folder / "forest.skops", trusted=list(ALLOWED))
        self.middle_ = pd.Series(json.loads((folder / "forest.json").read_text(encoding="utf-8")))
        return self


FAMILIES: Mapping[str, Any] = {"logistic": Logistic, "contrasts": Contrasts, "boosting": Boosting, "forest": Forest, "deep": Deep}
"""Name → class, in the order in which they are tried."""
DEEP_PROVEN, DEEP_JUDGED = 300, 15_000
"""Large trees need so many proven cases, and are too slow to be tried on more judged ones."""
CONTRASTS_PROVEN = 150
"""Hundreds of ratios need so many proven cases."""


def usable(families: tuple[str, ...], labels: np.ndarray) -> tuple[str, ...]:
    """The families that the verdicts at hand allow."""
    proven = labels.sum()
    allowed = {"deep": proven >= DEEP_PROVEN and len(labels) <= DEEP_JUDGED, "contrasts": proven >= CONTRASTS_PROVEN}
    return tuple(f for f in families if allowed.get(f, True)) or families


def _up(matrix: pd.DataFrame) -> list[str]:
    """Columns of which more can only be worse."""
    return [*rising(matrix.columns), *(str(c) for c in matrix.columns if str(c).startswith(RISING))]
