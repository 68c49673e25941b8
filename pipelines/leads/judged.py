"""What judged leads showed: their red flags as the night that published them saw them, for the scorecard to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

import numpy as np
import pandas as pd

from models.scorecard import LOG_ODDS, PRIOR_RATIO, SUBJECT, points
from pipelines.config import Scoring
from pipelines.leads.inputs import Given, cards
from pipelines.leads.learning import verdicts
from pipelines.leads.score import flag_reasons

JUDGED = [*SUBJECT, "code", "family", "points", "kept"]


def judged(nights: Sequence[tuple[datetime, Given]], kinds: Sequence[str], settings: Scoring) -> tuple[pd.DataFrame, pd.Series]:
    """Red flags of judged leads, and their verdicts as known on the last night.

    A lead's flags are those of the last night before its investigation was opened. Of investigations older than the first night nothing
    is kept; those leads are taken as the first night saw them. Cost: one scoring of the flags for each night that a verdict refers to.

    Parameters
    ----------
    nights : sequence of (as_of, tables)
        In order of date.
    kinds : sequence of str
        Kinds of subject with verdicts.
    settings : Scoring

    Returns
    -------
    (DataFrame, Series)
        ``JUDGED`` with points as promised before any verdict; and labels, 1 proven, 0 cleared, by (subject_kind, subject_id).
    """
    as_of, latest = nights[-1]
    told = pd.concat({kind: verdicts(latest, kind, as_of) for kind in kinds}, names=SUBJECT) if kinds else None
    if told is None or told.empty:
        return pd.DataFrame(columns=JUDGED), pd.Series(dtype="int64")
    starts = np.array([night for night, _ in nights], dtype="datetime64[ns]")
    opened = told["opened_at"].to_numpy(dtype="datetime64[ns]")
    place = np.clip(np.searchsorted(starts, opened, side="right") - 1, 0, None)
    parts = [_shown(nights[i][1], told.index[place == i], settings) for i in np.unique(place)]
    labels: pd.Series = told["label"].sort_index()
    return pd.concat(parts, ignore_index=True).sort_values([*SUBJECT, "code"], ignore_index=True), labels


def parts_of(shown: pd.DataFrame, odd: pd.DataFrame) -> pd.DataFrame:
    """``flags``, ``network`` (from ``shown``, as :func:`judged` returns it) and ``anomaly`` (from reasons) of subjects, in log-odds."""
    network = shown["family"] == "N"
    reasons = {"flags": shown[~network], "network": shown[network], "anomaly": odd}
    parts = {part: rows.groupby(SUBJECT)["points"].sum().astype("float64") * LOG_ODDS for part, rows in reasons.items()}
    return pd.DataFrame(parts).fillna(0.0).rename_axis(SUBJECT)


def of_kind(parts: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The rows of one kind of subject, by subject_id."""
    return parts[parts.index.get_level_values(0) == kind].droplevel(0)


def promised(given: Given, settings: Scoring) -> pd.DataFrame:
    """``code``, ``name``, ``scheme``, ``points``: the most that each red flag is worth on any line tonight, before verdicts and caps.

    A flag that did not fire tonight is worth what its severity says.
    """
    rows, known = flag_reasons(given, settings), cards(given).sort_values("code", ignore_index=True)
    fired = (rows["points"] / rows["kept"]).groupby(rows["code"]).max()
    severe = pd.Series(points(known["severity"].map(PRIOR_RATIO).astype(float)), index=known.index)
    return known[["code", "name", "scheme"]].assign(points=known["code"].map(fired).fillna(severe))


def schemes(given: Given) -> pd.Series:
    """Scheme of every red flag, by code."""
    known: pd.Series = cards(given).set_index("code")["scheme"].sort_index()
    return known


def _shown(given: Given, subjects: pd.MultiIndex, settings: Scoring) -> pd.DataFrame:
    rows = flag_reasons(given, settings)
    return rows.loc[pd.MultiIndex.from_frame(rows[SUBJECT]).isin(subjects), JUDGED]
