"""The scorecard as verdicts have corrected it: what each flag is worth now, how often leads of a kind are proven against the promise."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from models.evaluate import bootstrap
from models.scorecard import LOG_ODDS, SUBJECT, learn

FOLDS = 5
OVERALL, OF_KIND, OF_SCHEME, OF_FLAG = 3.0, 1.0, 0.7, 1.0
"""How far from what was promised things are thought to be before a verdict, as standard deviations in log-odds: the level of all leads,
that of a kind of subject, the flags of a scheme together (0.7 is ten points), each flag by itself."""
FILE = "scorecard.json"


@dataclass(frozen=True)
class Card:
    """What verdicts corrected.

    Attributes
    ----------
    corrections : Series of float
        Points to add, by code of the flag.
    levels : dict of str to float
        Log-odds by which leads on a kind of subject are proven more often than their points promise; ``""``: on any other kind.
    counts : DataFrame
        Index code: ``proven`` and ``cleared``, the judged leads that had the flag.
    verdicts : int
        Judged leads that it was learnt from.
    """

    corrections: pd.Series
    levels: dict[str, float]
    counts: pd.DataFrame
    verdicts: int = 0

    def save(self, folder: Path) -> None:
        """Write ``scorecard.json``; no subject is in it."""
        held = {"corrections": self.corrections.to_dict(), "levels": self.levels, "counts": self.counts.to_dict("index")}
        held |= {"verdicts": self.verdicts}
        (folder / FILE).write_text(json.dumps(held, indent=1, sort_keys=True), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> Card:
        """What :meth:`save` wrote."""
        held = json.loads((folder / FILE).read_text(encoding="utf-8"))
        counts = pd.DataFrame.from_dict(held["counts"], orient="index", columns=["proven", "cleared"])
        return cls(pd.Series(held["corrections"], dtype="float64"), held["levels"], counts, held.get("verdicts", 0))


def card_of(judged: pd.DataFrame, labels: pd.Series, schemes: pd.Series, prior: float, flags: bool = True) -> Card:
    """Learn a card.

    Parameters
    ----------
    judged : DataFrame
        subject_kind, subject_id, code, points, kept: the flags of judged leads as published, see
        :meth:`models.scorecard.Scorecard.transform`.
    labels : Series of int
        1 proven, 0 cleared, by (subject_kind, subject_id). Those without a flag teach nothing here: points are promised for flags.
    schemes : Series of str
        Scheme of every flag, by code; a flag that nobody was judged by moves with the others of its scheme.
    prior : float
        Probability that a subject without points is fraud.
    flags : bool
        False: learn the levels only, what the flags are worth stays.

    Returns
    -------
    Card
        Without a judged lead all zero.
    """
    kept = judged.pivot_table(index=SUBJECT, columns="code", values="kept", aggfunc="sum", fill_value=0.0, observed=True)
    kept = kept.reindex(columns=schemes.index, fill_value=0.0).loc[lambda t: t.index.isin(labels.index)]
    truth = labels.reindex(kept.index).to_numpy(dtype=float)
    promised = np.log(prior / (1.0 - prior)) + _total(judged, kept.index) * LOG_ODDS
    kinds, names = pd.get_dummies(kept.index.get_level_values(0)), pd.get_dummies(schemes)
    parts = [np.ones((len(kept), 1)), kinds.to_numpy(dtype=float), kept.to_numpy() @ names.to_numpy(dtype=float), kept.to_numpy()]
    spreads = [OVERALL, OF_KIND, OF_SCHEME, OF_FLAG]
    wanted = len(parts) if flags else 2
    spread = np.concatenate([np.full(p.shape[1], s) for p, s in zip(parts[:wanted], spreads, strict=False)])
    found = np.split(learn(np.hstack(parts[:wanted]), promised, truth, spread), np.cumsum([p.shape[1] for p in parts[:wanted]])[:-1])
    moved = names.to_numpy(dtype=float) @ found[2] + found[3] if flags else np.zeros(len(schemes))
    levels = {"": float(found[0][0])} | {str(k): float(found[0][0] + v) for k, v in zip(kinds.columns, found[1], strict=True)}
    had = kept.to_numpy() > 0
    counts = pd.DataFrame({"proven": truth @ had, "cleared": (1 - truth) @ had}, index=schemes.index).astype("int64")
    corrections = pd.Series((moved / LOG_ODDS).round(6), index=schemes.index)
    return Card(corrections, {k: round(v, 6) for k, v in levels.items()}, counts, len(kept))


def corrected(judged: pd.DataFrame, card: Card) -> pd.DataFrame:
    """The same rows with the points that a card gives them; what the caps leave stays."""
    worth = judged["points"] / judged["kept"].where(judged["kept"] > 0, 1.0) + judged["code"].map(card.corrections).fillna(0.0)
    return judged.assign(points=worth.clip(lower=0.0) * judged["kept"])


def out_of_fold(judged: pd.DataFrame, labels: pd.Series, schemes: pd.Series, prior: float, seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Every judged lead by cards that saw neither its verdict nor those of its fold.

    Returns
    -------
    (DataFrame, DataFrame)
        ``judged`` with corrected points; and by lead: label, ``promised`` and ``learnt`` log-odds, the former with learnt levels, too.
    """
    leads = pd.MultiIndex.from_frame(judged[SUBJECT].drop_duplicates().sort_values(SUBJECT))
    leads = leads[leads.isin(labels.index)]
    fold = pd.Series(np.random.default_rng(seed).permutation(len(leads)) % FOLDS, index=leads)
    place = pd.MultiIndex.from_frame(judged[SUBJECT])
    parts, told = [], []
    for k in range(FOLDS):
        mine, others = fold.index[fold == k], labels[labels.index.isin(fold.index[fold != k])]
        rows = judged[place.isin(mine)]
        plain, learnt = (card_of(judged, others, schemes, prior, flags) for flags in (False, True))
        parts.append(corrected(rows, learnt))
        odds = {"promised": _odds(rows, mine, plain, prior), "learnt": _odds(parts[-1], mine, learnt, prior)}
        told.append(pd.DataFrame({"label": labels.reindex(mine), **odds}, index=mine))
    return pd.concat([*parts, judged[~place.isin(leads)]]).sort_index(), pd.concat(told).sort_index()


def gain(told: pd.DataFrame) -> dict[str, float]:
    """Mean log-likelihood of a verdict by corrected points less that by promised ones, with the central 90 % of a paired bootstrap."""
    truth, both = told["label"].to_numpy(dtype=float), told[["learnt", "promised"]].to_numpy()
    low, high = bootstrap(_difference, truth, both)
    return {"value": round(_difference(truth, both), 4), "low": round(low, 4), "high": round(high, 4)}


def _difference(truth: np.ndarray, both: np.ndarray) -> float:
    likelihood = truth[:, None] * both - np.logaddexp(0.0, both)
    return float((likelihood[:, 0] - likelihood[:, 1]).mean())


def _odds(rows: pd.DataFrame, leads: pd.Index[Any], card: Card, prior: float) -> np.ndarray:
    level = pd.Series(leads.get_level_values(0)).map(card.levels).fillna(card.levels[""]).to_numpy()
    found: np.ndarray = np.log(prior / (1.0 - prior)) + level + _total(rows, leads) * LOG_ODDS
    return found


def _total(rows: pd.DataFrame, leads: pd.Index[Any]) -> np.ndarray:
    total: np.ndarray = rows.groupby(SUBJECT)["points"].sum().reindex(leads).to_numpy(dtype=float)
    return total
