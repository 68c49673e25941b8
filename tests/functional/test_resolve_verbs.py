"""`resolve explain` and `resolve judge` as a user types them: what a person says overrules the model on the next run."""

from __future__ import annotations

import re
import shutil
from importlib import import_module
from pathlib import Path

import pandas as pd
import pytest

from pipelines.flows.nightly import Night
from pipelines.resolve.identity import MODELS
from pipelines.resolve.judgements import FILE
from tests.nights import command, run_night

identity = import_module("pipelines.resolve.identity")


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


def linked(workspace: Path, whose: str = "person") -> pd.DataFrame:
    return pd.read_parquet((workspace / "latest").resolve().parent / "stages" / "resolve" / f"{whose}_links.parquet")


def entity(workspace: Path) -> pd.Series:
    return (
        pd.read_parquet((workspace / "latest").resolve().parent / "stages" / "resolve" / "party_entity.parquet")
        .set_index("party_id")
        .entity_id
    )


@pytest.mark.parametrize("whose", ["person", "organisation"])
def test_explains_a_pair_by_its_weights(workspace: Path, whose: str) -> None:
    pair = linked(workspace, whose).iloc[0]
    said = command("resolve", "explain", pair.party_l, pair.party_r, "--lang", "en", "--workspace", workspace)
    assert said.code == 0 and ": one (" in said.out and f"{pair.weight:+.1f}  in all, in bits: accepted" in said.out
    steps = [float(line.split()[0]) for line in said.out.splitlines() if line.startswith("  ")]
    assert sum(steps[:-1]) == pytest.approx(steps[-1], abs=0.06 * len(steps))


@pytest.mark.parametrize("whose", ["person", "organisation"])
def test_explains_in_chinese_unless_told_otherwise(workspace: Path, whose: str) -> None:
    pair = linked(workspace, whose).iloc[0]
    said = command("resolve", "explain", pair.party_l, pair.party_r, "--workspace", workspace)
    heading, *steps = said.out.splitlines()
    assert said.code == 0 and "：同一主体（" in heading and f"{pair.weight:+.1f}  合计（比特）：接受" in said.out
    assert not any(re.search("[a-z]", line) for line in steps)


def test_two_kinds_are_not_compared(workspace: Path) -> None:
    whose = entity(workspace)
    kinds = [whose.index[whose.str.startswith(f"{kind}:")].sort_values()[0] for kind in ("hospital", "garage")]
    assert "not compared" in command("resolve", "explain", *kinds, "--lang", "en", "--workspace", workspace).out


def test_explains_two_who_are_not_one(workspace: Path) -> None:
    whose = entity(workspace)
    a, b = whose[whose.str.startswith("person:")].drop_duplicates().index.sort_values()[:2]
    said = command("resolve", "explain", a, b, "--lang", "en", "--workspace", workspace)
    assert said.code == 0 and ": two (person:" in said.out and "not accepted" in said.out


def test_explains_why_two_claims_are_one_event_or_two(workspace: Path) -> None:
    stages = (workspace / "latest").resolve().parent / "stages" / "resolve"
    links = pd.read_parquet(stages / "event_links.parquet").sort_values(["rule", "claim_l", "claim_r"])
    link = links[links.rule == "vehicle"].iloc[0]
    said = command("resolve", "explain", link.claim_l, link.claim_r, "--workspace", workspace, "--lang", "en").out
    assert f"one event ({link.event_id})" in said and "one vehicle at about one time" in said and "same vehicle" in said
    events = pd.read_parquet(stages / "claims.parquet").drop_duplicates("event_id").claim_id.sort_values()
    said = command("resolve", "explain", events.iloc[0], events.iloc[-1], "--workspace", workspace, "--lang", "en").out
    assert "two events" in said and "no rule joins them" in said


def test_unknown_records_and_words_are_bad_usage(workspace: Path) -> None:
    pair = linked(workspace).iloc[0]
    for words in (("explain", pair.party_l, "a:nobody"), ("judge", pair.party_l, pair.party_r, "perhaps", "--by", "x")):
        said = command("resolve", *words, "--workspace", workspace)
        assert said.code == 2 and "next:" in said.err
    assert not (workspace / FILE).exists()


def alone(pairs: pd.DataFrame) -> tuple[str, str]:
    """The first pair whose records are in no other pair."""
    ends = pd.concat([pairs.party_l, pairs.party_r]).value_counts()
    pair = pairs[(pairs.party_l.map(ends) == 1) & (pairs.party_r.map(ends) == 1)].iloc[0]
    return pair.party_l, pair.party_r


def test_the_next_run_obeys_judgements_of_persons_and_organisations(workspace: Path, tiny_book: Path) -> None:
    pairs = [alone(linked(workspace, whose)) for whose in ("person", "organisation")]
    others = entity(workspace).drop([record for pair in pairs for record in pair])
    for a, b in pairs:
        said = command("resolve", "judge", b, a, "not_same", "--by", "an investigator", "--workspace", workspace)
        assert said.code == 0 and (workspace / FILE).stat().st_mode & 0o777 == 0o600
    assert not run_night(tiny_book, workspace).done_before
    found = entity(workspace)
    assert all(found[a] != found[b] for a, b in pairs)
    pd.testing.assert_series_equal(found.loc[others.index], others)
    for a, b in pairs:
        said = command("resolve", "explain", a, b, "--lang", "en", "--workspace", workspace)
        assert "a person said: not_same" in said.out and "or a judgement parts them" in said.out
        command("resolve", "judge", a, b, "undecided", "--by", "an investigator", "--workspace", workspace)
    run_night(tiny_book, workspace)
    found = entity(workspace)
    assert all(found[a] == found[b] for a, b in pairs)


def test_nights_keep_the_link_models_until_they_are_removed(small_book: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trained: list[int] = []
    train = identity.train
    monkeypatch.setattr(identity, "train", lambda *given: trained.append(1) or train(*given))
    first = run_night(small_book, tmp_path, "2025-12-31")
    second = run_night(small_book, tmp_path, "2026-01-01")
    models = [set(pd.read_parquet(n.out.parent / "stages" / "resolve" / "link_model.parquet").digest) for n in (first, second)]
    assert len(trained) == 2 and models[0] == models[1] == {p.name for p in (tmp_path / MODELS).iterdir()}
    shutil.rmtree(tmp_path / MODELS)
    assert not run_night(small_book, tmp_path, "2026-01-01").done_before
    assert len(trained) == 4
    (first.out.parent / "stages" / "resolve" / "link_model.parquet").unlink()  # as a night of before there were link models left it
    assert run_night(small_book, tmp_path, "2026-01-01").done_before and len(trained) == 4
