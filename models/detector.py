"""What every detector has: suspicion (higher = worse) of any row, seen or not, and the verbs by which scikit-learn knows detectors.

Imported lazily: scikit-learn is slow to load.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted, validate_data

from models.columns import evenly, peer_keys

ODD_SHARE = 0.02
"""``predict`` calls this share of the subjects of the fit odd."""
LOOKED_AT = 10_000
"""What is odd is found on at most this many of them."""


class Detector(ABC, OutlierMixin, BaseEstimator):  # type: ignore[misc]
    """Base of detectors on numeric arrays, or on frames of numbers with peer keys (``by_*``, ``line``).

    A frame's index names its subjects. Unknown values are NaN, infinite ones an error.

    Attributes
    ----------
    columns_ : list of str
        Columns that were learnt from: those with any value.
    offset_ : float
        ``predict`` is -1 where ``-suspicion`` is below it.
    """

    def suspicion(self, X: Any) -> Any:
        """How odd each row is; higher = more suspicious, comparable between the rows of one fit only.

        Parameters
        ----------
        X : DataFrame or array of shape (subjects, columns)
            With the columns of the fit.

        Returns
        -------
        Series (index of ``X``) for a frame, else array, of shape (subjects,)

        Raises
        ------
        NotFittedError, ValueError
            Not fitted; other columns than in the fit, infinite values.
        """
        check_is_fitted(self)
        found = self._suspicion(self._taken(X))
        return pd.Series(found, X.index, name="suspicion") if isinstance(X, pd.DataFrame) else found

    def reasons(self, X: Any, most: int = 3) -> pd.DataFrame:
        """Why the rows of ``X``, seen or not, are suspicious: at most ``most`` columns each, the strongest first.

        Returns
        -------
        DataFrame
            subject_id, feature, z, value, limit (what is usual), peer (among whom), gain (what the column adds).
        """
        check_is_fitted(self)
        return self._reasons(self._taken(X), most)

    def score_samples(self, X: Any) -> np.ndarray:
        """scikit-learn's score: lower = more abnormal."""
        score: np.ndarray = -np.asarray(self.suspicion(X), dtype="float64")
        return score

    def decision_function(self, X: Any) -> np.ndarray:
        """scikit-learn's decision: below zero = odd."""
        decision: np.ndarray = self.score_samples(X) - self.offset_
        return decision

    def predict(self, X: Any) -> np.ndarray:
        """-1 for the odd, 1 for the others."""
        return np.where(self.decision_function(X) >= 0, 1, -1)

    def fit(self, X: Any, y: object = None) -> Any:
        """Learn what is usual from one row per subject; ``y`` is not read."""
        frame = self._taken(X, reset=True)
        self._learn(frame)
        some = frame.iloc[evenly(frame.index, LOOKED_AT)]
        self.offset_ = -float(np.quantile(self._suspicion(some), 1.0 - ODD_SHARE))
        return self

    @abstractmethod
    def _learn(self, frame: pd.DataFrame) -> None: ...

    @abstractmethod
    def _suspicion(self, frame: pd.DataFrame) -> np.ndarray: ...

    @abstractmethod
    def _reasons(self, frame: pd.DataFrame, most: int) -> pd.DataFrame: ...

    def _taken(self, X: Any, reset: bool = False) -> pd.DataFrame:
        """Numbers as a frame of floats, with the peer keys behind them."""
        keys = peer_keys(X) if isinstance(X, pd.DataFrame) else []
        numbers = X.drop(columns=keys) if keys else X
        kinds = ("float64", "float32")
        values = validate_data(self, numbers, reset=reset, dtype=kinds, ensure_all_finite="allow-nan", ensure_min_samples=2 if reset else 1)
        framed = isinstance(X, pd.DataFrame)
        names = [str(c) for c in numbers.columns] if framed else [f"x{i}" for i in range(values.shape[1])]
        taken = pd.DataFrame(values, index=X.index if framed else None, columns=names)
        return taken.assign(**{k: X[k] for k in keys})

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags
