"""A backtest over several nights of one book, end to end: JSON, page, pictures, and what mlflow keeps of them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines import tracking
from pipelines.flows.backtest import backtest
from pipelines.simulate import simulate
from tests.nights import digests, run_night

NIGHTS = ("2025-11-10", "2025-12-01", "2026-01-01")


def judged(stages: Path) -> None:
    """Verdicts in the last night's own table, as if delivered: 60 opened after each of the first two nights; the dear are proven."""
    claims = pd.read_parquet(stages / "views" / "claim_view.parquet", columns=["claim_id", "amount", "received_at"])
    old = claims[claims["received_at"] < pd.Timestamp(NIGHTS[0])].sort_values("claim_id").astype({"amount": float})
    some = old.iloc[np.random.default_rng(2).permutation(len(old))[:120]]
    first, file = np.arange(120) < 60, stages / "resolve" / "outcomes.parquet"
    known = pd.read_parquet(file)
    opened = np.where(first, pd.Timestamp("2025-11-12"), pd.Timestamp("2025-12-03"))
    told = {"subject_kind": "claim", "subject_id": some["claim_id"].to_numpy(), "entity": some["claim_id"].to_numpy()}
    told |= {"opened_at": opened, "decided_at": pd.to_datetime(opened) + pd.Timedelta(days=10), "selected_by": None}
    proven = some["amount"].to_numpy() > some["amount"].quantile(0.6)
    rows = known.iloc[[0] * 120].assign(**told, verdict=np.where(proven, "confirmed", "cleared"))
    file.unlink()
    pd.concat([known, rows.astype(known.dtypes.to_dict())]).to_parquet(file)


@pytest.fixture(scope="module")
def workspace(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three nights of one small book, the last with verdicts on what the first two saw."""
    home = tmp_path_factory.mktemp("backtest")
    simulate(1_000, 3, home / "book", "csv", nights=60)
    for night in NIGHTS:
        published = run_night(home / "book", home / "var", night)
    judged(published.out.parent / "stages")
    return home / "var"


def test_plots_are_a_page_and_pictures_which_mlflow_keeps(workspace: Path, tmp_path: Path) -> None:
    said: list[str] = []
    found = json.loads(backtest(workspace, None, said.append, tmp_path / "plots"))
    assert said == ["3 nights from 2025-11-10 to 2026-01-01"] and found["nights"] == 3
    claims = found["kinds"]["claim"]
    assert claims["subjects"] >= 100 and claims["scored_by_what_was_learnt"] >= 50 and claims["auc"]["value"] > 0.6
    assert 0 <= claims["repeats"] < 0.1 and 0.2 < claims["permuted"] < 0.8 and "ablations" not in claims
    page = (tmp_path / "plots" / "backtest.html").read_text(encoding="utf-8")
    assert ", ".join(NIGHTS) in page and f"{claims['auc']['value']:.3f}" in page and "<svg " in page
    assert (tmp_path / "plots" / "claim" / "reliability.svg").exists()
    client, _ = tracking._store(workspace.resolve())
    (run,) = client.search_runs([client.get_experiment_by_name("backtest").experiment_id])
    assert run.data.metrics["claim.auc"] == claims["auc"]["value"]
    kept = [f.path for f in client.list_artifacts(run.info.run_id)]
    assert "backtest.html" in kept and [f.path for f in client.list_artifacts(run.info.run_id, "claim")] == ["claim/reliability.svg"]
    first = digests(tmp_path / "plots")
    backtest(workspace, None, said.append, tmp_path / "again")
    assert digests(tmp_path / "again") == first
    assert len(client.search_runs([run.info.experiment_id])) == 1
