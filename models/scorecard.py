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
SUBJECT = ["subject_kind", "subject_id"]


def points(ratio: pd.Series | np.ndarray | float) -> np.ndarray:
    """Points of a likelihood ratio: ten for every doubling of the odds, never below zero."""
    worth: np.ndarray = POINTS_PER_DOUBLING * np.log2(np.maximum(np.asarray(ratio, dtype=float), 1.0))
    return worth


def verdict_ratio(prior: pd.Series, verdicts: pd.DataFrame | None = None, strength: float = 20.0) -> pd.Series:
    """Likelihood ratios after verdicts, shrunk towards the prior ones.

    The share of fired subjects among confirmed leads over the share among cleared ones, each a beta-binomial mean whose prior counts
    ``strength`` verdicts; with no verdict the prior comes back unchanged.

    Parameters
    ----------
    prior : Series of float, indexed by code
        Ratios before any verdict.
    verdicts : DataFrame or None
        Indexed by code: ``confirmed``, ``cleared`` (subjects with the flag as published), ``n_confirmed``, ``n_cleared`` (all of them).
    strength : float
        How many verdicts the prior is worth.

    Returns
    -------
    Series of float, indexed like ``prior``
    """
    if verdicts is None or verdicts.empty:
        return prior
    counts = verdicts.reindex(prior.index).fillna(0.0)
    among_cleared = 1.0 / (1.0 + prior)
    among_confirmed = prior * among_cleared
    confirmed = (counts["confirmed"] + strength * among_confirmed) / (counts["n_confirmed"] + strength)
    cleared = (counts["cleared"] + strength * among_cleared) / (counts["n_cleared"] + strength)
    return confirmed / cleared


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

    def fit(self, fired: pd.DataFrame, flags: pd.DataFrame, base: pd.DataFrame, verdicts: pd.DataFrame | None = None) -> Scorecard:
        """Work out each flag's ratio per line.

        Parameters
        ----------
        fired : DataFrame
            One row per (subject_kind, subject_id, code), with ``line``.
        flags : DataFrame
            One row per code: ``code``, ``family``, ``severity``, ``scheme``.
        base : DataFrame
            ``line``, ``grain``, ``n``: how many subjects of a kind the line has. Unknown pairs set no limit.
        verdicts : DataFrame or None
            See :func:`verdict_ratio`.

        Returns
        -------
        Scorecard
        """
        cards = flags.set_index("code")
        ratio = verdict_ratio(cards["severity"].map(PRIOR_RATIO).astype(float), verdicts)
        counted = fired.groupby(["code", "subject_kind", "line"], dropna=False)["subject_id"].nunique().rename("fired").reset_index()
        known = base.rename(columns={"grain": "subject_kind"})
        table = counted.merge(known, on=["subject_kind", "line"], how="left")
        table["share"] = table["fired"] / table["n"].clip(lower=self.share_floor)
        table["prior"] = table["code"].map(ratio)
        table["crowd"] = self._crowd(table, fired, flags, base)
        table["ratio"] = table[["prior", "crowd"]].assign(most=1.0 / table["share"]).min(axis=1).clip(lower=1.0)
        table["points"] = points(table["ratio"])
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
        """The same rows with ``family``, ``points`` (capped per subject and family) and ``subjects`` (on how many the flag fires).

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
        scored["points"] *= self._shrunk(scored.groupby([*SUBJECT, "family"], dropna=False)["points"])
        if shared is not None and len(shared):
            scored["points"] *= self._shrunk(scored["points"].groupby(_blocks(scored, shared)))
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
