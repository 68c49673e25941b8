"""What each column adds to a score learnt from verdicts: shares that sum to it exactly, whatever the family of models."""

from __future__ import annotations

import numpy as np
import pandas as pd

from models.supervised import Supervised


def contributions(model: Supervised, matrix: pd.DataFrame) -> pd.DataFrame:
    """Log-odds that every column adds to each subject's suspicion.

    Parameters
    ----------
    model : Supervised
        Fitted or loaded.
    matrix : DataFrame
        Subjects as :meth:`models.supervised.Supervised.encoded` returns them.

    Returns
    -------
    DataFrame
        Index as ``matrix``; its columns, and ``rest``: what belongs to no column. Each row sums to ``model.scored(matrix)``.
    """
    total = np.zeros((len(matrix), matrix.shape[1]))
    for family, share in model.shares().items():
        total += share * model.members_[family].parts(matrix)
    found = pd.DataFrame(total, index=matrix.index, columns=matrix.columns)
    return found.assign(rest=model.scored(matrix) - found.sum(axis=1))
