"""`fraudleads predict` on a small book: every subject once, by ids a stranger can join, the same bytes again."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines.flows.intake import Options
from pipelines.flows.predict import predict
from tests.nights import KEY


@pytest.fixture(scope="module")
def scored(tiny_book: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[pd.DataFrame, list[str]]:
    monkey = pytest.MonkeyPatch()
    monkey.setenv("FRAUDLEADS_KEY", KEY)
    out = tmp_path_factory.mktemp("scores") / "scores.csv"
    lines = predict(Options(Path("unused"), source="book", data=tiny_book), out, False, lambda _line: None)
    monkey.undo()
    return pd.read_csv(out), lines


def test_every_claim_policy_and_person_has_one_score(scored: tuple[pd.DataFrame, list[str]], tiny_book: Path) -> None:
    scores, lines = scored
    assert list(scores.columns) == ["subject_kind", "subject_id", "score"]
    assert not scores.duplicated(["subject_kind", "subject_id"]).any() and scores["score"].notna().all()
    files = tiny_book.rglob("claims.csv.gz")
    claims = {f"{f.parents[1].name}:{c}" for f in files for c in pd.read_csv(f, dtype=str)["claim_id"].dropna()}
    mine = set(scores.loc[scores["subject_kind"] == "claim", "subject_id"])
    assert {c.split(":")[-1] for c in claims} == {c.split(":")[-1] for c in mine}
    assert {"claim", "policy", "person", "hospital", "garage"} <= set(scores["subject_kind"])
    assert any("oddity" in line for line in lines) and not Path("unused").exists()
