"""What the network adds on `ifraud`: trained on what experts judged, held against the truth of the claims nobody investigated.

Everything comes out of a published night: its claim features, its facts, and the graph, from which :func:`pipelines.graph.proximity` makes
the network features anew for every sub-sample from that sub-sample's verdicts alone. The truth is read here and nowhere else, after
everything has been chosen by cross-validation on the experts' verdicts.
"""

from __future__ import annotations

import argparse
import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from models.evaluate import auc, spread
from pipelines.graph import proximity
from pipelines.leads.matrix import matrix

SHAPE = ("log_degree", "log_crowd", "log_reach")
PROOF = ("score", "near")
ARMS = {"claim": (), "claim_shape": SHAPE, "claim_network": (*SHAPE, *PROOF)}
"""Columns of ``proximity`` that each model has besides those of the claim: one per idea, since 60 proven claims bear no more."""
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3)
"""Regularisations (C of the logistic regression) to choose from."""
DRAWS, SHARE, PARTS = 20, 0.8, 5
OTHERS = ("claims_", "days_since_previous", "person_insurers", "person_hospitals")
"""Claim features that look at the parties' other claims: they are network, too, so the claim arm goes without."""


@dataclass(frozen=True)
class Night:
    """What is read of a published night.

    Attributes
    ----------
    own : DataFrame
        The claims' own numbers and those of their policies, by claim id.
    verdict : Series of int
        1 for confirmed, 0 for cleared, by claim id.
    tables : dict of str to ibis Table
    as_of : date
    """

    own: pd.DataFrame
    verdict: pd.Series
    tables: dict[str, ir.Table]
    as_of: date

    @classmethod
    def read(cls, published: Path) -> Night:
        stages = published / "stages"
        con = ibis.duckdb.connect(threads=2)
        places = {"edges": "graph", "policy_edges": "graph", "claim_view": "views", "outcomes": "resolve", "facts": "resolve"}
        tables = {n: con.read_parquet(stages / place / f"{n}.parquet") for n, place in places.items()}
        tables["features_claim"] = con.read_parquet(stages / "features" / "features_claim.parquet")
        told = tables["outcomes"].filter(lambda t: (t.subject_kind == "claim") & t.verdict.isin(("confirmed", "cleared"))).to_pandas()
        verdict = told.set_index("subject_id")["verdict"].eq("confirmed").astype(int).sort_index()
        as_of = date.fromisoformat(json.loads((published / "manifest.json").read_text())["as_of"])
        return cls(_own(tables), verdict, tables, as_of)

    def network(self, seen: pd.Index) -> pd.DataFrame:
        """Network features of every claim, from the verdicts on the claims in ``seen`` alone."""
        outcomes = self.tables["outcomes"].semi_join(ibis.memtable({"subject_id": list(seen)}), "subject_id")
        subjects = self.tables["features_claim"].select("subject_kind", "subject_id")
        rows = proximity({**self.tables, "outcomes": outcomes}, subjects, self.as_of)["proximity"].to_pandas()
        return rows[rows["subject_kind"] == "claim"].set_index("subject_id").drop(columns=["subject_kind", "own_verdict"])


def _own(tables: dict[str, ir.Table]) -> pd.DataFrame:
    policy_of = tables["claim_view"].select("claim_id", "policy_id").to_pandas().set_index("claim_id")["policy_id"]
    policies = matrix({"facts": tables["facts"]}, "policy").add_prefix("policy_")
    claims = matrix(tables, "claim").select_dtypes("number")
    claims = claims[[c for c in claims if not any(part in c for part in OTHERS)]]
    return claims.join(policies.reindex(policy_of.reindex(claims.index)).set_axis(claims.index))


def estimator(strength: float) -> Any:
    """Logistic regression on standardised columns, medians where nothing is known."""
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    return make_pipeline(SimpleImputer(strategy="median"), StandardScaler(), LogisticRegression(C=strength, max_iter=1000))


def scored(columns: pd.DataFrame, seen: pd.Series, held: pd.Series, strength: float) -> float:
    """AUC on ``held`` of a fit on ``seen``. Nearness to proof clears nobody: a column of it with a negative weight is left out."""
    while True:
        model = estimator(strength).fit(columns.loc[seen.index], seen)
        weights = dict(zip(model[:-1].get_feature_names_out(), model[-1].coef_[0], strict=True))
        wrong = [c for c in PROOF if weights.get(c, 0.0) < 0]
        if not wrong:
            return auc(held, model.predict_proba(columns.loc[held.index])[:, 1])
        columns = columns.drop(columns=min(wrong, key=weights.__getitem__))


def chosen(night: Night) -> dict[str, float]:
    """Each arm's strength by cross-validation on the experts' verdicts; the verdicts of the part held out are hidden from the graph."""
    from sklearn.model_selection import StratifiedKFold

    parts = StratifiedKFold(PARTS, shuffle=True, random_state=7).split(night.verdict, night.verdict)
    found: dict[tuple[str, float], list[float]] = {}
    for seen, held in ((night.verdict.iloc[a], night.verdict.iloc[b]) for a, b in parts):
        network = night.network(seen.index)
        for arm, names in ARMS.items():
            columns = night.own.join(network[list(names)])
            for strength in STRENGTHS:
                found.setdefault((arm, strength), []).append(scored(columns, seen, held, strength))
    return {arm: max(STRENGTHS, key=lambda s: float(np.mean(found[arm, s]))) for arm in ARMS}


def judged(night: Night, truth: pd.Series, strengths: dict[str, float], draw: int) -> dict[str, float]:
    """AUC of each arm on a sub-sample: of the investigated claims, whose other verdicts nobody saw, and of the claims judged."""
    rng = np.random.default_rng(draw)
    seen, held = (s.loc[np.sort(rng.choice(s.index.to_numpy(), round(SHARE * len(s)), replace=False))] for s in (night.verdict, truth))
    network = night.network(seen.index)
    found = {}
    for arm, names in ARMS.items():
        found[arm] = scored(night.own.join(network[list(names)]), seen, held, strengths[arm])
    return found


def compared(published: Path, truth: pd.DataFrame) -> dict[str, Any]:
    """The figures of one night.

    Parameters
    ----------
    published : Path
        Folder of a run, with ``manifest.json`` and ``stages``.
    truth : DataFrame
        subject_id, label of claims that were never investigated.
    """
    night = Night.read(published)
    known = truth.set_index("subject_id")["label"].sort_index()
    strengths = chosen(night)
    draws = pd.DataFrame([judged(night, known, strengths, d) for d in range(DRAWS)])
    lifts = {f"lift_{arm}": draws[arm] - draws["claim"] for arm in ARMS if arm != "claim"}
    return {
        "draws": DRAWS,
        "trained_on": len(night.verdict),
        "proven": int(night.verdict.sum()),
        "judged_on": len(known),
        "strength": strengths,
        **{name: _rounded(values) for name, values in {**{a: draws[a] for a in ARMS}, **lifts}.items()},
        "lowered": int((lifts["lift_claim_network"] < 0).sum()),
    }


def _rounded(values: pd.Series) -> dict[str, float]:
    return {name: round(value, 4) for name, value in spread(list(values)).items()}


def main() -> None:
    """One night's figures, printed."""
    from benchmarks.evaluate import truth_of_ifraud

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("published", type=Path)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    print(json.dumps(compared(options.published, truth_of_ifraud(options.data)), indent=2))


if __name__ == "__main__":
    main()
