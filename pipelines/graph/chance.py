"""What chance allows: the Poisson tail of a count, and the correction for having looked at many."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def poisson_tail(n: Floats, expected: Floats) -> Floats:
    """P(X >= n) for Poisson X of mean ``expected``: the regularised lower incomplete gamma function of n at the mean.

    Parameters
    ----------
    n, expected : ndarray, shape (k,)
        Counts of at least 1 and positive means.

    Returns
    -------
    ndarray, shape (k,)
    """
    from scipy.special import gammainc

    tail: Floats = np.asarray(gammainc(n, expected))
    return tail


def benjamini_hochberg(p: Floats, tests: int) -> Floats:
    """Adjusted p-values when ``tests`` hypotheses were possible and only the ``p`` at hand were worth computing.

    Parameters
    ----------
    p : ndarray, shape (k,)
        The missing ``tests - k`` are taken as 1, which can only make the result stricter.
    tests : int
        At least k.

    Returns
    -------
    ndarray, shape (k,)
    """
    order = np.argsort(p, kind="stable")
    raw = p[order] * tests / np.arange(1, len(p) + 1)
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(raw[::-1])[::-1], 1.0)
    return adjusted
