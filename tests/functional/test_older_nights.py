"""Nights published by an earlier version are read with what it had; where that is too little, the version is named."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest

from pipelines.errors import DataError
from pipelines.flows import inspect
from pipelines.flows.nightly import Night
from pipelines.flows.publishing import PUBLISHED

LATER = [name for name in PUBLISHED if name not in inspect.CORE]


@pytest.fixture
def older(small_night: Night, tmp_path: Path) -> Path:
    """A copy of a night's published folder, the latest of a workspace of its own."""
    run = tmp_path / "runs" / "older"
    shutil.copytree(small_night.out, run / "out")
    shutil.copy(small_night.out.parent / "manifest.json", run)
    (tmp_path / "latest").symlink_to(run / "out")
    return tmp_path


def test_every_published_table_has_the_columns_that_are_promised(small_night: Night) -> None:
    for name, columns in PUBLISHED.items():
        assert list(pd.read_parquet(small_night.out / f"{name}.parquet").columns) == list(columns), name


@pytest.mark.parametrize("gone", [*([name] for name in LATER), LATER], ids=[*LATER, "all of them"])
def test_a_night_without_a_later_table_is_shown_and_exported_without_it(older: Path, gone: list[str]) -> None:
    for name in gone:
        (older / "latest" / f"{name}.parquet").unlink()
    for lead in pd.read_parquet(older / "latest" / "leads.parquet").groupby("subject_kind").lead_id.first():
        for language in inspect.LANGUAGES:
            assert lead in inspect.show_lead(older, lead, language, unmask=False)
    assert inspect.list_rings(older, "en")
    if gone in (LATER, ["rings"]):
        insurer = pd.read_parquet(older / "latest" / "lead_evidence.parquet").insurer.iloc[0]
        assert inspect.export_leads(older, older / "one", insurer, unmask=False)
        assert inspect.export_leads(older, older / "all", None, unmask=False)


@pytest.mark.parametrize("name", LATER)
def test_a_night_without_a_later_column_is_shown_without_it(older: Path, name: str) -> None:
    file = older / "latest" / f"{name}.parquet"
    table = pd.read_parquet(file)
    table.drop(columns=table.columns[-1]).to_parquet(file)
    assert list(inspect.published(older)[name].columns) == list(PUBLISHED[name])
    for lead in pd.read_parquet(older / "latest" / "leads.parquet").groupby("subject_kind").lead_id.first():
        assert lead in inspect.show_lead(older, lead, "en", unmask=False)
    assert inspect.list_rings(older, "zh")


def test_a_night_without_what_no_lead_is_without_names_its_version(older: Path) -> None:
    file = older / "latest" / "leads.parquet"
    pd.read_parquet(file).drop(columns="points_learnt").to_parquet(file)
    with pytest.raises(DataError, match=r"published by fraudleads \d.* has no leads\.points_learnt") as error:
        inspect.show_lead(older, "1", "zh", unmask=False)
    assert "run the night again" in error.value.then


def test_a_trace_passes_over_a_table_that_a_stage_did_not_have_yet(small_night: Night, tmp_path: Path) -> None:
    stages = small_night.out.parent / "stages"
    for stage in stages.iterdir():
        (tmp_path / "runs" / "older" / "stages" / stage.name).mkdir(parents=True)
        for file in stage.glob("*.parquet"):
            (tmp_path / "runs" / "older" / "stages" / stage.name / file.name).symlink_to(file)
    (tmp_path / "runs" / "older" / "stages" / "resolve" / "event_links.parquet").unlink()
    (tmp_path / "runs" / "older" / "out").mkdir()
    (tmp_path / "latest").symlink_to(tmp_path / "runs" / "older" / "out")
    claim = pd.read_parquet(small_night.out / "lead_evidence.parquet").claim_id.dropna().iloc[0]
    assert claim in inspect.trace_claim(tmp_path, claim, "en")
