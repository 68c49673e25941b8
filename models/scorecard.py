"""The scorecard: what a red flag is worth before and after verdicts.

A flag is worth 10·log2(likelihood ratio) points. Without a single label the ratio is the prior of its severity (2, 5, 20), never more
than 1 / the share of the line's subjects on which it fires: a flag that fires on every second claim cannot make one twice as likely. A flag
speaks for one scheme of many, so nor can it be worth more than claims / (schemes · subjects it fires on): where one claim in a hundred
is fraud of one of twenty schemes, a flag that fires on one subject for a hundred claims is wrong nineteen times out of twenty.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.csgraph import connected_components

PRIOR_RATIO = {"low": 2.0, "medium": 5.0, "high": 20.0}
POINTS_PER_DOUBLING = 10.0
LOG_ODDS = np.log(2.0) / POINTS_PER_DOUBLING
"""Log-odds of a point."""
SUBJECT = ["subject_kind", "subject_id"]
ROUNDS = 50
"""Steps of Newton's method at most; ten are usual."""
EXACT = 1e-10
"""Corrections that move by less have arrived."""


def points(ratio: pd.Series | np.ndarray | float) -> np.ndarray:
    """Points of a likelihood ratio: ten for every doubling of the odds, never below zero."""
    worth: np.ndarray = POINTS_PER_DOUBLING * np.log2(np.maximum(np.asarray(ratio, dtype=float), 1.0))
    return worth


def learn(
    design: np.ndarray, offset: np.ndarray, labels: np.ndarray, spread: np.ndarray | float, least: np.ndarray | float = -np.inf
) -> np.ndarray:
    """What verdicts correct of what was promised: a logistic regression whose offset is the promise, each coefficient shrunk to zero.

    The most probable corrections c where log-odds = ``offset`` + ``design`` · c and every c is drawn from a normal distribution about 0
    before any verdict (MAP). It conditions on what the judged leads showed, so that they were chosen by their score does little harm.
    Without a row the corrections are exactly 0.

    Parameters
    ----------
    design : array of float, shape (rows, columns)
        Judged leads; how much of each column a lead has, as the share of a flag's points that the caps left.
    offset : array of float, shape (rows,)
        Log-odds as promised.
    labels : array of int, shape (rows,)
        1 proven, 0 cleared.
    spread : float or array of float, shape (columns,)
        Standard deviation of a correction before any verdict, in log-odds; above 0 and finite.
    least : float or array of float, shape (columns,)
        Corrections below this are not allowed; 0 or less.

    Returns
    -------
    array of float, shape (columns,)
        Corrections in log-odds. Cost: about ten rounds of Newton's method, each linear in rows and quadratic in columns.
    """
    weight = np.broadcast_to(np.asarray(spread, dtype=float), design.shape[1]) ** -2.0
    floor = np.broadcast_to(np.asarray(least, dtype=float), design.shape[1])

    def loss(c: np.ndarray) -> float:
        odds = offset + design @ c
        return float((np.logaddexp(0.0, odds) - labels * odds).sum() + 0.5 * weight @ c**2)

    at = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        step = _newton(at, (design, offset + design @ at, labels), weight, floor)
        tried = [np.maximum(at + step * 0.5**halving, floor) for halving in range(12)]
        better = next((c for c in tried if loss(c) < loss(at)), at)
        if np.abs(better - at).max(initial=0.0) < EXACT:
            return better
        at = better
    return at


def _newton(at: np.ndarray, rows: tuple[np.ndarray, np.ndarray, np.ndarray], weight: np.ndarray, floor: np.ndarray) -> np.ndarray:
    """The step of Newton's method; coefficients that lie on the floor and would fall below it stay."""
    design, odds, labels = rows
    chance = 1.0 / (1.0 + np.exp(-odds))
    slope = design.T @ (chance - labels) + weight * at
    free = (at > floor) | (slope < 0)
    part = design[:, free]
    curve = part.T @ (part * (chance * (1.0 - chance))[:, None]) + np.diag(weight[free])
    step = np.zeros(len(at))
    step[free] = -np.linalg.solve(curve, slope[free])
    return step


class Scorecard:
    """Points of red flags, capped by how often they fire and by family.

    Parameters
    ----------
    family_cap : float
        Most points that one family of flags, or flags on the same evidence, may add; above it they shrink in proportion.
    share_floor : float
        Firing shares are estimated as if at least this many subjects per line were looked at, so that tiny books do not switch flags off.
    """

    def __init__(self, family_cap: float = 60.0, share_floor: float = 200.0) -> None:
        self.family_cap = family_cap
        self.share_floor = share_floor

    def fit(self, fired: pd.DataFrame, flags: pd.DataFrame, base: pd.DataFrame, corrections: pd.Series | None = None) -> Scorecard:
        """Work out each flag's ratio per line.

        Parameters
        ----------
        fired : DataFrame
            One row per (subject_kind, subject_id, code), with ``line``.
        flags : DataFrame
            One row per code: ``code``, ``family``, ``severity``, ``scheme``.
        base : DataFrame
            ``line``, ``grain``, ``n``: how many subjects of a kind the line has. Unknown pairs set no limit.
        corrections : Series of float or None
            Points that verdicts add to a flag or take from it, by code; see :func:`learn`. A flag never has fewer than 0.

        Returns
        -------
        Scorecard
        """
        cards = flags.set_index("code")
        ratio = cards["severity"].map(PRIOR_RATIO).astype(float)
        counted = fired.groupby(["code", "subject_kind", "line"], dropna=False)["subject_id"].nunique().rename("fired").reset_index()
        known = base.rename(columns={"grain": "subject_kind"})
        table = counted.merge(known, on=["subject_kind", "line"], how="left")
        table["share"] = table["fired"] / table["n"].clip(lower=self.share_floor)
        table["prior"] = table["code"].map(ratio)
        table["crowd"] = self._crowd(table, fired, flags, base)
        table["ratio"] = table[["prior", "crowd"]].assign(most=1.0 / table["share"]).min(axis=1).clip(lower=1.0)
        table["points"] = points(table["ratio"])
        if corrections is not None:
            table["points"] = (table["points"] + table["code"].map(corrections).fillna(0.0)).clip(lower=0.0)
        table["family"] = table["code"].map(cards["family"])
        self.table_ = table.sort_values(["code", "subject_kind", "line"], na_position="last").reset_index(drop=True)
        return self

    def _crowd(self, table: pd.DataFrame, fired: pd.DataFrame, flags: pd.DataFrame, base: pd.DataFrame) -> pd.Series:
        """Claims over (schemes · subjects that the flag fires on in all lines); unlimited where claims are not counted.

        How much of a book's fraud a small line may hold is not known; the claims are the geometric mean of the line's and the book's,
        half-way between fraud in proportion to claims and the same everywhere.
        """
        claims = base[base["grain"] == "claim"].groupby("line")["n"].sum()
        subjects = fired.drop_duplicates(["code", *SUBJECT]).groupby("code").size()
        own = table["line"].map(claims).astype("float64").fillna(claims.sum())
        most = (own.clip(lower=self.share_floor) * max(claims.sum(), self.share_floor)) ** 0.5
        allowed: pd.Series = most / (flags["scheme"].nunique() * table["code"].map(subjects).astype("float64"))
        return allowed if len(claims) else allowed * np.inf

    def transform(self, fired: pd.DataFrame, shared: pd.DataFrame | None = None) -> pd.DataFrame:
        """The same rows with points.

        Added are ``family``, ``points`` (capped per subject and family), ``kept`` (share that the caps left) and ``subjects`` (on how many
        the flag fires).

        Parameters
        ----------
        fired : DataFrame
            One row per (subject_kind, subject_id, code), with ``line``.
        shared : DataFrame or None
            subject_kind, subject_id, code, other: two flags that rest on the same evidence. They share one cap, as a family does: the
            same five stays prove no more for being counted in three ways.

        Raises
        ------
        AttributeError
            If the card was not fitted.
        """
        card = self.table_[["code", "subject_kind", "line", "family", "points"]]
        scored = fired.drop(columns=["family", "points"], errors="ignore").merge(card, on=["code", "subject_kind", "line"], how="left")
        scored["points"] = scored["points"].fillna(0.0)
        scored["subjects"] = scored.groupby("code")["subject_id"].transform("nunique")
        scored["kept"] = self._shrunk(scored.groupby([*SUBJECT, "family"], dropna=False)["points"])
        scored["points"] *= scored["kept"]
        if shared is not None and len(shared):
            factor = self._shrunk(scored["points"].groupby(_blocks(scored, shared)))
            scored["points"], scored["kept"] = scored["points"] * factor, scored["kept"] * factor
        return scored

    def _shrunk(self, groups: Any) -> pd.Series:
        """What brings every group's points under the cap."""
        total = groups.transform("sum")
        factor: pd.Series = np.minimum(1.0, self.family_cap / total.where(total > 0, 1.0))
        return factor


def _blocks(scored: pd.DataFrame, shared: pd.DataFrame) -> np.ndarray:
    """A number per row; rows of one subject whose flags rest on the same evidence, directly or by way of a third, have the same one."""
    place = pd.Series(np.arange(len(scored)), index=pd.MultiIndex.from_frame(scored[[*SUBJECT, "code"]]))
    ends = [place.reindex(pd.MultiIndex.from_frame(shared[[*SUBJECT, c]])).to_numpy() for c in ("code", "other")]
    known = np.isfinite(ends[0]) & np.isfinite(ends[1])
    row, column = (e[known].astype(int) for e in ends)
    link = sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=(len(scored), len(scored)))
    label: np.ndarray = connected_components(link, directed=False)[1]
    return label
