"""What would have been found: every night is scored by what was known before it, and judged by verdicts opened from it on."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from models.evaluate import auc, average_precision, bootstrap, precision_at, recall_at, top_decile_lift
from models.leakage import LeakError, alarm
from models.noise import NONE, Rates, called
from models.reliability import gap, reliability
from models.supervised import Rows, Supervised

VERDICT = ["subject_id", "opened_at", "decided_at", "label", "amount", "scheme"]
CHANCE = 4.0
"""Standard errors from .5 at which scores learnt from permuted labels are no chance any more."""


@dataclass(frozen=True)
class Night:
    """One night as it was.

    Attributes
    ----------
    as_of : Timestamp
        Nothing from 00:00 of it on was known.
    rows : Rows
        Its subjects of one kind.
    blind : Series
        Their suspicion without verdicts.
    """

    as_of: pd.Timestamp
    rows: Rows
    blind: pd.Series


def walk_forward(nights: Sequence[Night], verdicts: pd.DataFrame, seed: int = 7, rates: Rates = NONE) -> pd.DataFrame:
    """Scores of judged subjects by the night before their investigation was opened, learnt from verdicts decided before that night.

    A training row is the subject as the last night before its investigation saw it: what became known later, the investigation's own
    traces above all, is not in it. A verdict trains only once it is decided, so the delay of labels is the real one.

    Parameters
    ----------
    nights : sequence of Night
        In order of ``as_of``.
    verdicts : DataFrame
        ``VERDICT``: label 1 proven, 0 cleared; amount and scheme may be null.
    seed : int
    rates : Rates
        How often verdicts are taken to be wrong by what learns from them, as a retraining takes them.

    Returns
    -------
    DataFrame
        ``VERDICT`` and night (position), again (judged before, by an investigation opened earlier), score (share of the night's subjects
        that are less suspicious), probability (of being called proven; NaN where the night had too few verdicts to learn from and
        was scored without).
    """
    placed = _placed(nights, verdicts)
    parts = [_tested(nights, placed, i, (seed, rates)) for i in range(len(nights))]
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=[*VERDICT, "night", "again", "score", "probability"])


def left_out(
    nights: Sequence[Night], verdicts: pd.DataFrame, ways: Mapping[str, Callable[[str], bool]], seed: int = 7, rates: Rates = NONE
) -> dict[str, dict[str, float | None]]:
    """What the learnt scores are worth without some columns: auc and ap of the subjects that were scored by what was learnt.

    Parameters
    ----------
    nights, verdicts, seed, rates
        As for :func:`walk_forward`.
    ways : mapping of str to function
        Name → whether a column is struck out; a way that strikes out ``ties`` has no rates around a subject either.

    Returns
    -------
    dict
        Every way → :func:`learnt_worth`. Cost: one walk for each.
    """
    walks = {name: walk_forward([_without(night, struck) for night in nights], verdicts, seed, rates) for name, struck in ways.items()}
    return {name: learnt_worth(tested) for name, tested in walks.items()}


def learnt_worth(tested: pd.DataFrame) -> dict[str, float | None]:
    """``auc`` and ``ap`` of the subjects that were scored by what was learnt; none where their verdicts went one way."""
    learnt = tested[tested["probability"].notna()]
    truth, score = learnt["label"].to_numpy(dtype=float), learnt["score"].to_numpy(dtype=float)
    return {"auc": _known(auc(truth, score)), "ap": _known(average_precision(truth, score))}


def _without(night: Night, struck: Callable[[str], bool]) -> Night:
    frame, pairs = night.rows.frame, night.rows.pairs
    kept = frame.drop(columns=[c for c in frame.columns if struck(str(c))])
    if "flags" in kept.columns:  # how many fired, of those that are left
        kept = kept.assign(flags=kept[[c for c in kept.columns if str(c).startswith("flag_")]].sum(axis=1).astype("float32"))
    return replace(night, rows=Rows(kept, pairs.head(0) if struck("ties") else pairs))


def leaks(nights: Sequence[Night], verdicts: pd.DataFrame, seed: int = 7, rates: Rates = NONE) -> float | None:
    """Stop if a column tells the labels, or if permuted labels teach something.

    Returns
    -------
    float or None
        AUC, on permuted labels, of what the same walk learns from permuted labels; none where nothing could be learnt.

    Raises
    ------
    LeakError
        If one column of the training rows separates the verdicts (:func:`models.leakage.alarm`), or if that AUC is ``CHANCE`` standard
        errors from .5 (of the rank-sum statistic without ties): then a subject's own label reaches its score.
    """
    rows, labels = stacked(nights, _placed(nights, verdicts))
    alarm(rows.frame, labels)
    permuted = verdicts.assign(label=verdicts["label"].sample(frac=1, random_state=seed).to_numpy())
    mixed = walk_forward(nights, permuted, seed, rates)
    learnt = mixed[mixed["probability"].notna()]
    proven, cleared = int(learnt["label"].sum()), int((1 - learnt["label"]).sum())
    if not proven or not cleared:
        return None
    value = auc(learnt["label"].to_numpy(dtype=float), learnt["score"].to_numpy(dtype=float))
    if abs(value - 0.5) > CHANCE * np.sqrt((proven + cleared + 1) / (12 * proven * cleared)):
        raise LeakError(
            f"what is learnt from permuted labels foretells permuted labels (AUC {value:.3f}): a subject's own reaches its score"
        )
    return _known(value)


def _placed(nights: Sequence[Night], verdicts: pd.DataFrame) -> pd.DataFrame:
    """Verdicts with ``night``, the position of the last one before the investigation was opened, and ``again``; older ones left out."""
    starts = np.array([n.as_of.to_datetime64() for n in nights], dtype="datetime64[ns]")
    opened = verdicts["opened_at"].to_numpy(dtype="datetime64[ns]")
    again = verdicts.sort_values(["opened_at", "decided_at"]).duplicated("subject_id").reindex(verdicts.index)
    return verdicts.assign(night=np.searchsorted(starts, opened, side="right") - 1, again=again).query("night >= 0")


def _tested(nights: Sequence[Night], placed: pd.DataFrame, i: int, learner: tuple[int, Rates]) -> pd.DataFrame:
    tested = placed[(placed["night"] == i) & placed["subject_id"].isin(nights[i].rows.frame.index)]
    if tested.empty:
        return tested.assign(score=pd.Series(dtype=float), probability=pd.Series(dtype=float))
    known = placed[(placed["night"] < i) & (placed["decided_at"] < nights[i].as_of)]
    rows, labels = stacked(nights, known)
    model, mine = Supervised(learner[0], rates=learner[1]), nights[i].rows
    learnt = model.enough(rows, labels)
    scores = model.fit(rows, labels).suspicion(mine, _last(known)) if learnt else nights[i].blind
    odds = called(scores.to_numpy(), learner[1]) if learnt else np.full(len(scores), np.nan)
    chance = pd.Series(1.0 / (1.0 + np.exp(-odds)), scores.index)
    at = tested["subject_id"]
    return tested.assign(score=at.map(scores.rank(pct=True)).to_numpy(), probability=at.map(chance).to_numpy())


def stacked(nights: Sequence[Night], known: pd.DataFrame) -> tuple[Rows, pd.Series]:
    """Training rows of several nights as one: a subject of two nights is two rows, named by night and id."""
    frames, pairs, labels = [], [], []
    for night, part in known.sort_values("decided_at").groupby("night"):
        rows = nights[int(str(night))].rows
        last = _last(part)
        ids = rows.frame.index.intersection(last.index)
        frames.append(rows.frame.loc[ids].set_axis(f"{night}|" + ids.astype(str)))
        ties = rows.pairs[rows.pairs["subject_id"].isin(ids)]
        pairs.append(ties.assign(subject_id=f"{night}|" + ties["subject_id"].astype(str)))
        labels.append(last[ids].set_axis(f"{night}|" + ids.astype(str)))
    if not frames:
        return Rows(pd.DataFrame(), pd.DataFrame(columns=["subject_id", "node", "kind"])), pd.Series(dtype="int64")
    return Rows(pd.concat(frames), pd.concat(pairs, ignore_index=True)), pd.concat(labels)


def figures(tested: pd.DataFrame, capacity: int, seed: int = 7) -> dict[str, object]:
    """What the scores of judged subjects are worth, each with the central 90 % of a bootstrap over subjects.

    Parameters
    ----------
    tested : DataFrame
        As :func:`walk_forward` returns it, investigations that explored left out.
    capacity : int
        Investigations that can be worked.
    seed : int

    Returns
    -------
    dict
        subjects, proven; auc, ap, lift, precision and recall at capacity as {value, low, high}, none
        where verdicts went one way; repeats (share of those within capacity that had been judged before); amount (proven money within
        capacity, as a share of all proven money); calibration (mean gap between probability and rate),
        reliability (both by tenths); recall by scheme at capacity.
    """
    truth, score = tested["label"].to_numpy(dtype=float), tested["score"].to_numpy(dtype=float)
    k = min(capacity, max(1, len(tested)))
    metrics: dict[str, Callable[[np.ndarray, np.ndarray], float]] = {
        "auc": auc, "ap": average_precision, "lift": top_decile_lift,
        "precision": lambda t, s: precision_at(t, s, k), "recall": lambda t, s: recall_at(t, s, k),
    }  # fmt: skip
    found: dict[str, object] = {"subjects": len(tested), "proven": int(truth.sum()), "capacity": k}
    for name, metric in metrics.items():
        low, high = bootstrap(metric, truth, score, seed=seed) if 0 < truth.sum() < len(truth) else (float("nan"),) * 2
        found[name] = {"value": _known(metric(truth, score)), "low": _known(low), "high": _known(high)}
    first = tested.sort_values(["score", "subject_id"], ascending=[False, True]).head(k)
    proven = tested[tested["label"] == 1]
    found["repeats"] = round(float(first["again"].mean()), 4) if len(first) else None
    money = float(proven["amount"].fillna(0.0).sum())
    found["amount"] = round(float((first["amount"].fillna(0.0) * first["label"]).sum()) / money, 4) if money else None
    told = groups(tested)
    found |= {"calibration": gap(told) if len(told) else None, "reliability": told.to_dict("list")}
    caught = proven.assign(hit=proven["subject_id"].isin(first["subject_id"]), scheme=proven["scheme"].fillna("unknown"))
    found["recall_by_scheme"] = caught.groupby("scheme")["hit"].mean().round(3).to_dict()
    return found


def _known(value: float) -> float | None:
    """A figure as JSON can hold it: none where verdicts all went one way."""
    return round(value, 4) if np.isfinite(value) else None


def groups(tested: pd.DataFrame) -> pd.DataFrame:
    """Probability said against rate proven, see :func:`models.reliability.reliability`, of subjects scored by what was learnt."""
    known = tested.dropna(subset=["probability"])
    chance = known["probability"].clip(1e-9, 1 - 1e-9).to_numpy(dtype=float)
    return reliability(known["label"].to_numpy(dtype=float), np.log(chance / (1 - chance)))


def better(truth: np.ndarray, challenger: np.ndarray, champion: np.ndarray, seed: int = 7) -> dict[str, float]:
    """Average precision of a challenger less that of the champion on the same subjects, with the central 90 % of a paired bootstrap."""
    both = np.column_stack((challenger, champion))
    low, high = bootstrap(_gain, truth, both, seed=seed)
    value = average_precision(truth, challenger) - average_precision(truth, champion)
    return {"value": round(value, 4), "low": round(low, 4), "high": round(high, 4)}


def _gain(truth: np.ndarray, both: np.ndarray) -> float:
    return average_precision(truth, both[:, 0]) - average_precision(truth, both[:, 1])


def _last(known: pd.DataFrame) -> pd.Series:
    """The latest label of each subject."""
    ordered = known.sort_values("decided_at", kind="stable").drop_duplicates("subject_id", keep="last")
    labels: pd.Series = ordered.set_index("subject_id")["label"].astype("int64")
    return labels
