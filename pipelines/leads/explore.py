"""Which cases beyond the list are looked at so that the list keeps learning: those whose verdict would teach most."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from models.card import OF_FLAG, OF_KIND, OF_SCHEME, OVERALL
from models.exploration import covariance, most_informative
from pipelines.ids import digest
from pipelines.leads.inputs import Given, collected, relation
from pipelines.leads.learning import TRAINS, investigated

SPREADS = {"level": OVERALL, "kind": OF_KIND, "scheme": OF_SCHEME, "flag": OF_FLAG}
"""How far from the promise things may be before a verdict, as standard deviations in log-odds: what the corrected scorecard holds, too."""


class Teachers(NamedTuple):
    """What has been looked into, and what every lead shows.

    Attributes
    ----------
    design : DataFrame
        One row per lead (index lead_id, sorted), one column per level, kind, scheme and flag.
    spread : array of float
        By column.
    judged : DataFrame
        lead_id, probability of the leads that were looked into, proven, cleared or still open.
    night : str
        Tonight: breaks ties, so that another night draws others.
    """

    design: pd.DataFrame
    spread: np.ndarray
    judged: pd.DataFrame
    night: str

    def choose(self, cases: pd.DataFrame, places: int) -> list[str]:
        """case_id of the cases to look at; as long as nothing was ever looked into, they are drawn by lot.

        Parameters
        ----------
        cases : DataFrame
            case_id, lead_id, probability of those beyond the list.
        places : int
        """
        fresh = cases[~cases["lead_id"].isin(self.judged["lead_id"])]
        lots = fresh.assign(lot=[digest("explore", self.night, c) for c in fresh["case_id"]]).sort_values("lot", ignore_index=True)
        if self.judged.empty:
            return lots["case_id"].head(places).tolist()
        seen = self.design.loc[self.judged["lead_id"]].to_numpy()
        uncertain = covariance(seen, self.judged["probability"].to_numpy(dtype=float), self.spread)
        rows = most_informative(self.design.loc[lots["lead_id"]].to_numpy(), lots["probability"].to_numpy(dtype=float), uncertain, places)
        return lots["case_id"].iloc[rows].tolist()


def teachers(given: Given, leads: pd.DataFrame, told: pd.DataFrame, as_of: pd.Timestamp) -> Teachers:
    """What exploration needs to know of tonight's leads.

    Parameters
    ----------
    given : mapping of str to table
        ``outcomes`` as resolved, if there are any.
    leads : DataFrame
        lead_id, subject_kind, subject_id, scheme, probability.
    told : DataFrame
        lead_id, kind, code: the reasons.
    as_of : Timestamp
        Tonight; investigations opened from then on are not known.
    """
    design, spread = design_of(leads.sort_values("lead_id"), told)
    looked_into = _looked_into(given, as_of)
    judged = leads.merge(looked_into, on=["subject_kind", "subject_id"]).sort_values("lead_id", ignore_index=True)
    return Teachers(design, spread, judged[["lead_id", "probability"]], f"{as_of:%Y-%m-%d}")


def design_of(leads: pd.DataFrame, told: pd.DataFrame) -> tuple[pd.DataFrame, np.ndarray]:
    """What every lead shows, as columns of a regression, and by column how far the promise may be off before a verdict."""
    ids = pd.Index(leads["lead_id"], name="lead_id")
    flags = told.loc[told["kind"] == "flag", ["lead_id", "code"]].drop_duplicates()
    parts = {
        "level": pd.DataFrame({"": 1.0}, index=ids),
        "kind": pd.get_dummies(leads.set_index("lead_id")["subject_kind"]),
        "scheme": pd.get_dummies(leads.set_index("lead_id")["scheme"]),
        "flag": pd.crosstab(flags["lead_id"], flags["code"]).reindex(ids, fill_value=0),
    }
    spread = np.concatenate([np.full(part.shape[1], SPREADS[name]) for name, part in parts.items()])
    return pd.concat([p.astype("float64") for p in parts.values()], axis=1, keys=list(parts)), spread


def _looked_into(given: Given, as_of: pd.Timestamp) -> pd.DataFrame:
    """Subjects with a verdict that teaches, or of which one is awaited: nobody need be sent there again."""
    outcomes = relation(given, "outcomes")
    if outcomes is None:
        return pd.DataFrame({"subject_kind": pd.Series(dtype=object), "subject_id": pd.Series(dtype=object)})
    every = investigated(outcomes)
    known = every.filter((every.opened_at < as_of) & (every.verdict.isnull() | every.verdict.isin(list(TRAINS))))
    return collected(known.select(subject_kind="kind", subject_id="own").distinct()).dropna().astype(object)
