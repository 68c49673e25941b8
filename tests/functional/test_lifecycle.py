"""Backtest, retrain and the models' verbs on a published night."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models.supervised import Supervised
from pipelines import tracking
from pipelines.errors import DataError
from pipelines.flows.backtest import backtest
from pipelines.flows.retrain import card, listed, promote, retrain, rollback
from pipelines.leads import registry, reigning
from tests.nights import digests, run_night
from tests.unit.test_supervised import book

PARTS = [f"points_{part}" for part in ("flags", "anomaly", "network", "learnt")]


def quiet(_line: str) -> None:
    """Progress goes nowhere."""


def test_a_small_book_has_too_few_verdicts_and_says_so(tiny_night) -> None:
    workspace = tiny_night.out.parents[2]
    assert all("too few" in line or "no verdicts" in line for line in retrain(workspace, None, quiet))
    found = json.loads(backtest(workspace, None, quiet))
    assert found["nights"] == 1
    assert all("note" in kind or kind["subjects"] >= 0 for kind in found["kinds"].values())


def test_mlflow_knows_models_and_the_champion(tmp_path) -> None:
    rows, labels = book(200)
    about = {"kind": "claim", "parameters": {"as_of": "2025-01-01", "proven": 1, "cleared": 1, "against": "no verdicts"}}
    about["metrics"] = {"auc": 0.9, "ap": 0.5, "gain_value": 0.1, "gain_low": 0.05, "gain_high": 0.2}
    names = [registry.store(tmp_path, Supervised(s, ("logistic",)).fit(rows, labels), about, "# card\n") for s in (1, 2)]
    ids = [tracking.record_model(tmp_path, tmp_path / "models" / n, about) for n in names]
    assert tracking.record_model(tmp_path, tmp_path / "models" / names[0], about) == ids[0]
    for name in names:
        promote(tmp_path, name)
    assert "again" in rollback(tmp_path, "claim")
    client, _ = tracking._store(tmp_path)
    assert client.get_model_version_by_alias("claim", "champion").tags["digest"] == names[0]
    assert [("champion" in line, line[:16]) for line in listed(tmp_path) if "champion" in line] == [(True, names[0])]
    assert card(tmp_path, names[0]) == "# card\n"
    with pytest.raises(DataError):
        promote(tmp_path, "0" * 16)


def judge(stages: Path, proven: int, cleared: int) -> None:
    """Verdicts on claims in a night's own table, as if delivered: proven are drawn from among the dearest, so there is something to learn.

    Put there and not into a delivery, since a whole night more is too slow for a test; a book of a thousand claims has no planted fraud.
    """
    rng = np.random.default_rng(1)
    claims = pd.read_parquet(stages / "views" / "claim_view.parquet", columns=["claim_id", "amount"]).astype({"amount": float})
    ids = claims.sort_values(["amount", "claim_id"], ascending=[False, True])["claim_id"].tolist()
    guilty = rng.choice(ids[: 3 * proven], proven, replace=False).tolist()
    honest = rng.choice([c for c in ids if c not in guilty], cleared, replace=False).tolist()
    known = pd.read_parquet(stages / "resolve" / "outcomes.parquet")
    rows = known.iloc[[0] * (proven + cleared)].assign(subject_kind="claim", subject_id=guilty + honest, entity=guilty + honest)
    times = {"opened_at": pd.Timestamp("2025-03-01"), "decided_at": pd.Timestamp("2025-06-01")}
    rows = rows.assign(verdict=["confirmed"] * proven + ["cleared"] * cleared, **times).astype(known.dtypes.to_dict())
    # A stage's files are never written again: a new one takes the place, so that the night it was linked from keeps its own.
    (stages / "resolve" / "outcomes.parquet").unlink()
    pd.concat([known, rows]).to_parquet(stages / "resolve" / "outcomes.parquet")


@pytest.fixture(scope="module")
def taught(tiny_night, tmp_path_factory: pytest.TempPathFactory) -> Path:  # type: ignore[no-untyped-def]
    """A workspace whose night was published and judged, with models learnt from the verdicts, none of them champion."""
    workspace = tmp_path_factory.mktemp("taught") / "var"
    shutil.copytree(tiny_night.out.parents[2], workspace, symlinks=True)
    judge((workspace / "latest").resolve().parent / "stages", 40, 100)
    said = retrain(workspace, None, quiet)
    assert any(line.startswith("scorecard: ") for line in said) and any(line.startswith("claim: ") for line in said)
    for kind in list(registry.champions(workspace)):  # the test promotes by hand
        rollback(workspace, kind)
    return workspace


def sums_up(out: Path) -> pd.DataFrame:
    """Leads, checked: their parts sum to their score, and so do their reasons."""
    leads, reasons = (pd.read_parquet(out / f"{name}.parquet") for name in ("leads", "lead_reasons"))
    assert (leads["score"] - leads[PARTS].sum(axis=1)).abs().max() < 1e-5
    assert (leads.set_index("lead_id")["score"] - reasons.groupby("lead_id")["points"].sum()).abs().max() < 1e-4
    return leads


def test_promoted_models_change_the_list_and_a_rollback_restores_it(taught: Path, tiny_book: Path) -> None:
    before = run_night(tiny_book, taught)
    first = digests(before.out)
    stored = {model.kind: model.digest for model in registry.stored(taught)}
    for digest in stored.values():
        promote(taught, digest)
    learnt = run_night(tiny_book, taught)
    assert before.done_before and not learnt.done_before and (taught / "latest").resolve() == learnt.out != before.out
    assert [s["stage"] for s in learnt.manifest["stages"] if not s["resumed"]] == ["gate", "leads", "drift", "publish"]
    leads, reasons = sums_up(learnt.out), pd.read_parquet(learnt.out / "lead_reasons.parquet")
    assert (leads["points_learnt"] != 0).any() and (reasons["kind"] == "learnt").any()
    models = leads.loc[leads["subject_kind"] == "claim", "version"].str.partition("+")[2]
    assert set(models) == {f"scorecard.{stored['scorecard']}.claim.{stored['claim']}"}
    assert set(learnt.manifest["models"]) == set(stored) and learnt.manifest["models"]["claim"]["weights"]["learnt"] > 0
    assert stored["claim"] in (learnt.out / "report.html").read_text(encoding="utf-8")
    assert run_night(tiny_book, taught).done_before
    for kind in stored:
        rollback(taught, kind)
    again = run_night(tiny_book, taught)
    assert again.done_before and (taught / "latest").resolve() == before.out
    assert digests(again.out) == first and sums_up(again.out)["points_learnt"].eq(0).all()


def test_the_same_verdicts_teach_the_same_models(taught: Path) -> None:
    stored = {model.digest for model in registry.stored(taught)}
    retrain(taught, None, quiet)
    assert {model.digest for model in registry.stored(taught)} == stored


def test_a_champion_that_was_changed_is_not_loaded(taught: Path, tmp_path: Path) -> None:
    stored = next(m for m in registry.stored(taught) if m.kind == "scorecard")
    shutil.copytree(taught / "models", tmp_path / "models")
    registry.promote(tmp_path, stored.digest, "test")
    assert reigning(tmp_path).digests["scorecard"] == stored.digest
    file = tmp_path / "models" / stored.digest / "scorecard.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "levels": {"": 9.0}}))
    with pytest.raises(DataError, match="changed"):
        reigning(tmp_path)


def test_the_scorecard_prints_as_a_table_to_sign(taught: Path) -> None:
    digest = next(m.digest for m in registry.stored(taught) if m.kind == "scorecard")
    text, held = card(taught, digest), registry.card_of(taught, digest)
    assert "| code | red flag | scheme | points before | proven | cleared | points now |" in text and "Approved by" in text
    rows = re.findall(r"^\| ([A-Z]\d+) \|.*\| ([\d.]+) \| (\d+) \| (\d+) \| ([\d.]+) \|$", text, flags=re.M)
    assert len(rows) == len(held.corrections) and sum(int(r[2]) + int(r[3]) for r in rows) > 0
    for code, points, proven, cleared, now in rows:
        assert float(now) == pytest.approx(max(float(points) + held.corrections[code], 0.0), abs=0.11)
        assert (int(proven), int(cleared)) == tuple(held.counts.loc[code])
