"""Nights one after another: links are taken over, entities merge and split by a word, held leads keep their ids."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pytest

from pipelines.flows.linking import judge
from pipelines.flows.nightly import Night
from pipelines.simulate import simulate
from tests.nights import command, digests, run_night


def stage(night: Night, table: str) -> pd.DataFrame:
    return pd.read_parquet(night.out.parent / "stages" / "resolve" / f"{table}.parquet")


@dataclass(frozen=True)
class Nights:
    """Two nights, the second after two words; and the second again where no links of the first were left."""

    first: Night
    second: Night
    full: Night
    merged: pd.Series
    older: str
    split: tuple[str, str]


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> Nights:
    book, home, other = (tmp_path_factory.mktemp(name) for name in ("book", "var", "other"))
    simulate(1_000, 17, book, "csv")
    _late(book, "2025-12-31")
    first = run_night(book, home, "2025-12-30")
    merged, older, records = _merging(first)
    pairs = stage(first, "person_links")
    ends = pd.concat([pairs.party_l, pairs.party_r]).value_counts()
    pair = pairs[(pairs.party_l.map(ends) == 1) & (pairs.party_r.map(ends) == 1) & ~pairs.party_l.isin(records)].iloc[0]
    judge(home, records, "same", "an investigator")
    judge(home, (pair.party_l, pair.party_r), "not_same", "an investigator")
    shutil.copytree(home, other, symlinks=True, dirs_exist_ok=True)
    for left in (other / "runs" / first.out.parent.name / "stages" / "resolve").glob("*_links.parquet"):
        left.unlink()
    second, full = (run_night(book, where, "2026-01-01") for where in (home, other))
    return Nights(first, second, full, merged, older, (pair.party_l, pair.party_r))


def _late(book: Path, day: str) -> None:
    """Some parties of every insurer come on a later day than they did."""
    for insurer in (book / "deliveries").iterdir():
        first, later = min(insurer.iterdir()) / "parties.csv.gz", insurer / day / "parties.csv.gz"
        head, *rows = gzip.decompress(first.read_bytes()).splitlines(keepends=True)
        rest = gzip.decompress(later.read_bytes()).splitlines(keepends=True)[1:] if later.exists() else []
        later.parent.mkdir(exist_ok=True)
        first.write_bytes(gzip.compress(b"".join([head, *rows[:-20]])))
        later.write_bytes(gzip.compress(b"".join([head, *rows[-20:], *rest])))


def _merging(night: Night) -> tuple[pd.Series, str, tuple[str, str]]:
    """The lead with most points of red flags on a person of one record, an older person of one record without a lead, and both records.

    Red flags stay where records come together; who is odd among peers may not be once two persons are one.
    """
    leads = pd.read_parquet(night.out / "leads.parquet")
    entities = stage(night, "entities").query("kind == 'person' and records == 1").set_index("entity_id")["first_key"]
    ours = leads[leads.subject_id.isin(entities.index)].sort_values("points_flags", ascending=False, kind="stable").iloc[0]
    seen = pd.read_parquet(night.out.parent / "stages" / "staging" / "parties.parquet").set_index("party_id")["first_received_at"]
    order = entities.map(seen).to_frame("at").assign(key=entities).sort_values(["at", "key"]).index
    older = next(e for e in order if e not in set(leads.subject_id))
    return ours, older, (str(entities[ours.subject_id]), str(entities[older]))


def test_links_are_taken_over_or_not_and_nothing_published_tells(nights: Nights) -> None:
    taken, anew = nights.second.manifest["linking"]["person"], nights.full.manifest["linking"]["person"]
    assert taken["why"] == "" and taken["new"] > 20 and taken["kept"] > 0
    assert anew["why"] == "no links of a night before" and anew["kept"] == 0
    assert taken["accepted"] == anew["accepted"] and taken["model"] == anew["model"]
    assert nights.second.manifest["run_key"] == nights.full.manifest["run_key"]
    assert digests(nights.second.out) == digests(nights.full.out)


def test_history_says_who_merged_and_who_split(nights: Nights) -> None:
    history = stage(nights.second, "entity_history")
    whose = stage(nights.second, "party_entity").set_index("party_id")["entity_id"]
    merges, splits = (history[history.change == change] for change in ("merge", "split"))
    assert (nights.older, nights.merged.subject_id) in set(zip(merges.entity_id, merges.predecessor, strict=True))
    one, other = (whose[party] for party in nights.split)
    assert {one, other} in [set(row) for row in zip(splits.entity_id, splits.predecessor, strict=True)]


def test_the_lead_of_a_merged_subject_keeps_its_id_and_its_date(nights: Nights) -> None:
    leads = pd.read_parquet(nights.second.out / "leads.parquet").set_index("lead_id")
    lead = leads.loc[nights.merged.lead_id]
    assert lead.subject_id == nights.older and lead.scheme == nights.merged.scheme and lead.first_seen == nights.merged.first_seen
    said = command("leads", "show", nights.merged.lead_id, "--lang", "en", "--workspace", nights.second.out.parents[2])
    assert said.code == 0 and "This subject was two until 2026-01-01" in said.out


def test_the_watch_for_drift_goes_on_from_the_night_before(nights: Nights) -> None:
    first, second = (
        {t: pd.read_parquet(n.out.parent / "stages" / "drift" / f"drift_{t}.parquet") for t in ("state", "history", "verdicts")}
        for n in (nights.first, nights.second)
    )
    # Too few claims are new in so small a book to observe a night; verdicts are counted one by one.
    assert first["history"].empty and second["history"].empty and len(first["verdicts"])
    assert second["verdicts"]["seq"].tolist() == list(range(len(second["verdicts"])))
    pd.testing.assert_frame_equal(second["verdicts"].head(len(first["verdicts"])), first["verdicts"])
    assert set(second["verdicts"]["night"]) - {"2025-12-30"} <= {"2026-01-01"}
    said = command("doctor", "--workspace", nights.second.out.parents[2])
    assert f"of {len(second['verdicts'])} verdicts proven" in said.out
