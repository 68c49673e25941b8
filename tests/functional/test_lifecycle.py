"""Backtest, retrain and the models' verbs on a published night."""

from __future__ import annotations

import json

import pytest

from models.supervised import Supervised
from pipelines import tracking
from pipelines.errors import DataError
from pipelines.flows.backtest import backtest
from pipelines.flows.retrain import card, listed, promote, retrain, rollback
from pipelines.leads import registry
from tests.unit.test_supervised import book


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
