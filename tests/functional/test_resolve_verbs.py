"""`resolve explain` and `resolve judge` as a user types them: what a person says overrules the model on the next run."""

from __future__ import annotations

import shutil
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from pipelines.flows.nightly import Night
from pipelines.resolve.judgements import FILE
from pipelines.resolve.people import MODELS
from tests.nights import command, run_night

people = import_module("pipelines.resolve.people")


@pytest.fixture(scope="module")
def workspace(tiny_night: Night, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the small night's workspace: judgements change what its next run publishes."""
    home = tmp_path_factory.mktemp("judged") / "var"
    shutil.copytree(tiny_night.out.parents[2], home, symlinks=True)
    latest = home / "latest"
    target = home / "runs" / tiny_night.out.parent.name / "out"
    latest.unlink()
    latest.symlink_to(target)
    return home


def linked(workspace: Path) -> pd.DataFrame:
    return pd.read_parquet((workspace / "latest").resolve().parent / "stages" / "resolve" / "person_links.parquet")


def entity(workspace: Path) -> pd.Series:
    return (
        pd.read_parquet((workspace / "latest").resolve().parent / "stages" / "resolve" / "party_entity.parquet")
        .set_index("party_id")
        .entity_id
    )


def test_explains_a_pair_by_its_weights(workspace: Path) -> None:
    pair = linked(workspace).iloc[0]
    said = command("resolve", "explain", pair.party_l, pair.party_r, "--workspace", workspace)
    assert said.code == 0 and ": one (person:" in said.out and f"{pair.weight:+.1f}  in all, in bits: accepted" in said.out
    steps = [float(line.split()[0]) for line in said.out.splitlines() if line.startswith("  ")]
    assert sum(steps[:-1]) == pytest.approx(steps[-1], abs=0.06 * len(steps))


def test_explains_two_who_are_not_one(workspace: Path) -> None:
    whose = entity(workspace)
    a, b = whose[whose.str.startswith("person:")].drop_duplicates().index.sort_values()[:2]
    said = command("resolve", "explain", a, b, "--workspace", workspace)
    assert said.code == 0 and ": two (person:" in said.out and "not accepted" in said.out


def test_unknown_records_and_words_are_bad_usage(workspace: Path) -> None:
    pair = linked(workspace).iloc[0]
    for words in (("explain", pair.party_l, "a:nobody"), ("judge", pair.party_l, pair.party_r, "perhaps", "--by", "x")):
        said = command("resolve", *words, "--workspace", workspace)
        assert said.code == 2 and "next:" in said.err
    assert not (workspace / FILE).exists()


def test_the_next_run_obeys_a_judgement(workspace: Path, tiny_book: Path) -> None:
    pairs = linked(workspace)
    ends = pd.concat([pairs.party_l, pairs.party_r]).value_counts()
    pair = pairs[(pairs.party_l.map(ends) == 1) & (pairs.party_r.map(ends) == 1)].iloc[0]
    others = entity(workspace).drop([pair.party_l, pair.party_r])
    said = command("resolve", "judge", pair.party_r, pair.party_l, "not_same", "--by", "an investigator", "--workspace", workspace)
    assert said.code == 0 and (workspace / FILE).stat().st_mode & 0o777 == 0o600
    assert not run_night(tiny_book, workspace).done_before
    found = entity(workspace)
    assert found[pair.party_l] != found[pair.party_r]
    pd.testing.assert_series_equal(found.loc[others.index], others)
    assert "a person said: not_same" in command("resolve", "explain", pair.party_l, pair.party_r, "--workspace", workspace).out
    command("resolve", "judge", pair.party_l, pair.party_r, "undecided", "--by", "an investigator", "--workspace", workspace)
    run_night(tiny_book, workspace)
    found = entity(workspace)
    assert found[pair.party_l] == found[pair.party_r]


def test_nights_keep_the_link_model_until_it_is_removed(small_book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    train = people.train
    monkeypatch.setattr(people, "train", lambda *given: trained.append(1) or train(*given))
    first = run_night(small_book, tmp_path, "2025-12-31")
    second = run_night(small_book, tmp_path, "2026-01-01")
    models = [pd.read_parquet(n.out.parent / "stages" / "resolve" / "link_model.parquet").digest[0] for n in (first, second)]
    assert len(trained) == 1 and models[0] == models[1] and [p.name for p in (tmp_path / MODELS).iterdir()] == models[:1]
    shutil.rmtree(tmp_path / MODELS)
    assert not run_night(small_book, tmp_path, "2026-01-01").done_before
    assert len(trained) == 2
    (first.out.parent / "stages" / "resolve" / "link_model.parquet").unlink()  # as a night of before there were link models left it
    assert run_night(small_book, tmp_path, "2026-01-01").done_before and len(trained) == 2
