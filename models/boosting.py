"""The only importer of LightGBM, which needs a library of the operating system and takes seconds to load."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd


class MissingLibrary(RuntimeError):
    """LightGBM cannot be loaded on this machine; the message says what to install."""


def load() -> Any:
    """The module ``lightgbm``.

    Raises
    ------
    MissingLibrary
        If it, or the OpenMP library that it needs, is not installed.
    """
    try:
        import lightgbm  # six seconds cold
    except (ImportError, OSError) as error:
        where = "libgomp.so.1" if "libgomp" in str(error) else "lightgbm"
        raise MissingLibrary(f"LightGBM cannot be loaded, {where} is missing: apt-get install libgomp1, or run make") from error
    return lightgbm


DEEP = {"learning_rate": 0.02, "num_leaves": 63, "min_data_in_leaf": 5, "bagging_freq": 0, "feature_fraction": 0.7, "num_iterations": 500}
"""Many large trees, slowly, each of all rows: for tables in which a case is a combination of words, each of them harmless."""


def boosted(matrix: pd.DataFrame, labels: np.ndarray, rising: Sequence[str], seed: int, deep: bool = False) -> Any:
    """Gradient boosting of trees (Ke et al. 2017), the smaller the fewer proven cases there are.

    Parameters
    ----------
    matrix : DataFrame of float
        Encoded subjects.
    labels : array, shape (rows,)
        0 to 1.
    rising : sequence of str
        Columns of which more can only make a subject more suspicious.
    seed : int
    deep : bool
        With ``DEEP`` settings.

    Returns
    -------
    lightgbm.Booster
        ``predict(values, raw_score=True)`` gives log-odds. One thread, so that the same rows give the same trees on every machine.
    """
    lightgbm = load()
    few, hard = labels.sum() < 150, bool(np.isin(labels, (0, 1)).all())
    settings: dict[str, Any] = {
        "objective": "binary" if hard else "cross_entropy",
        "learning_rate": 0.05 if few else 0.04, "num_leaves": 4 if few else 12,
        "min_data_in_leaf": 20 if few else 25, "lambda_l2": 10.0 if few else 1.0, "bagging_fraction": 0.7, "bagging_freq": 1,
        "feature_fraction": 0.3 if few else 0.4, "seed": seed, "num_threads": 1, "deterministic": True, "force_col_wise": True,
        "verbosity": -1, "monotone_constraints": [int(c in set(rising)) for c in matrix.columns],
    }  # fmt: skip
    settings |= {"num_iterations": 80 if few else 300} | (DEEP if deep else {})
    data = lightgbm.Dataset(matrix.to_numpy(dtype="float32"), labels, free_raw_data=True)
    return lightgbm.train(settings, data)


def read(text: str) -> Any:
    """A booster from LightGBM's own text."""
    return load().Booster(model_str=text)
