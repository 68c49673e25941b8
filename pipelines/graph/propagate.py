"""Proximity to proven fraud: what is known of a few claims and parties, carried through the claim-party graph.

BiRank: He, Gao, Kan and Wang (2017), "BiRank: Towards ranking on bipartite graphs", IEEE TKDE 29(1); for insurance fraud Oskarsdottir,
Ahmed, Antonio, Baesens, Dendievel, Donas and Reynkens (2022), "Social network analytics for supervised fraud detection in insurance",
Risk Analysis 42(8).
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from pipelines.graph.sparse import Floats, Matrix, degrees

DAMPING = 0.8
"""Share of what an end of an edge has that comes over its edges; the rest is its own proof. After two edges .64 is left, after ten .11."""
ROUNDS = 12
"""There and back so often: what has yet to arrive is ``DAMPING ** 24``, half a hundredth. A fixed number, so that scores do not depend on
what else is in the graph, as they would on when all of it has settled."""


def birank(pairs: Matrix, start: tuple[Floats, Floats], damping: float = DAMPING, rounds: int = ROUNDS) -> tuple[Floats, Floats]:
    """Carry proof over the edges.

    ``p = d S u + (1 - d) p0`` and ``u = d S'p + (1 - d) u0`` with ``S = D_p^(-1/2) W D_u^(-1/2)``: a regional hospital of n patients hands
    on a 1/n-th of what one proven patient brings to it, so nobody is guilty for having been there. The sum over a party's n claims is
    divided by the root of n, so that a busy party and a rare one of equal shares of proof differ as their evidence does.

    Parameters
    ----------
    pairs : csr_array, shape (units, parties)
        Weights of the edges.
    start : (ndarray of shape (units,) or (units, k), ndarray of shape (parties,) or (parties, k))
        Proof of each end; k propagations at once.
    damping : float
        d, between 0 and 1.
    rounds : int
        Times there and back.

    Returns
    -------
    (ndarray, ndarray)
        p and u, shaped like ``start``. Cost: ``rounds`` x edges x k, linear in edges; memory two matrices of the edges and the results.
    """
    return carried(both_ways(pairs), start, damping, rounds)


def carried(
    ways: tuple[Matrix, Matrix], start: tuple[Floats, Floats], damping: float = DAMPING, rounds: int = ROUNDS
) -> tuple[Floats, Floats]:
    """:func:`birank` over matrices that :func:`both_ways` made, for many starts one after another."""
    there, back = ways
    own = [(1 - damping) * part for part in start]
    parties = own[1].copy()
    units = own[0]
    for _ in range(rounds):
        units = damping * (there @ parties) + own[0]
        parties = damping * (back @ units) + own[1]
    return units, parties


def both_ways(pairs: Matrix) -> tuple[Matrix, Matrix]:
    """S and its transpose, both by rows: by columns a product would write all over memory."""
    there = normalised(pairs)
    return there, there.T.tocsr()


def normalised(pairs: Matrix) -> Matrix:
    """S: every weight divided by the roots of the degrees of its two ends."""
    of_unit, of_party = (1 / np.sqrt(np.maximum(d, 1)) for d in degrees(pairs))
    weights = pairs.data * np.repeat(of_unit, np.diff(pairs.indptr))
    weights *= of_party[pairs.indices]
    return sparse.csr_array((weights, pairs.indices, pairs.indptr), shape=pairs.shape)
