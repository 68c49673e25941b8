"""What of a subject can be odd: what it does, not how large it is."""

from __future__ import annotations

from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from pipelines.config import Scoring
from pipelines.leads.matrix import YARDSTICKS, behaviour, matrix
from pipelines.leads.score import anomalies


def facts(**named: np.ndarray) -> dict[str, ibis.Table]:
    """Numeric facts of employers, one value of each name per firm."""
    parts = [pd.DataFrame({"subject_id": [f"employer:{i}" for i in range(len(v))], "name": name, "value": v}) for name, v in named.items()]
    return {"facts": ibis.memtable(pd.concat(parts, ignore_index=True).assign(subject_kind="employer", text=None))}


def test_how_large_a_firm_is_makes_it_no_anomaly() -> None:
    heads = np.random.default_rng(1).pareto(1.5, 200) * 20
    given = facts(headcount=heads)
    assert list(matrix(given, "employer").columns) == ["fact_headcount"]
    reasons, scores = anomalies(given, Scoring())
    assert reasons.empty and scores.empty


def test_other_facts_are_looked_at_without_the_yardstick() -> None:
    rng = np.random.default_rng(2)
    losses = rng.normal(0, 1, 200)
    losses[7] = 12.0
    given = facts(headcount=rng.pareto(1.5, 200) * 20, losses=losses)
    assert list(behaviour(matrix(given, "employer")).columns) == ["fact_losses"]
    reasons, scores = anomalies(given, Scoring())
    assert set(reasons["code"]) == {"fact_losses"} and scores.set_index("subject_id")["suspicion"].idxmax() == "employer:7"


def test_yardsticks_are_the_facts_by_which_red_flags_divide() -> None:
    source = "".join(p.read_text(encoding="utf-8") for p in (Path(__file__).parents[2] / "features" / "indicators").glob("*.py"))
    assert all(f'"{name.removeprefix("fact_")}"' in source for name in YARDSTICKS)
