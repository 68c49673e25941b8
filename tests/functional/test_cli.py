"""The commands as a user types them, on a small book: what they print, what they leave, how they fail."""

from __future__ import annotations

import csv
import gzip
import hashlib
import json
from pathlib import Path

import pandas as pd
import pytest

from pipelines.flows.nightly import Night
from tests.nights import KEY, command, digests


@pytest.fixture(scope="module")
def workspace(small_night: Night) -> Path:
    return small_night.out.parents[2]


def test_help_names_every_verb() -> None:
    said = command("--help")
    assert said.code == 0
    for verb in ("nightly", "validate", "sources", "indicators", "leads", "trace", "simulate", "evaluate", "doctor"):
        assert verb in said.out


@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["nightly", "--as-of", "yesterday"], "'yesterday' is no date"),
        (["nightly", "--config", "none.toml"], "does not exist"),
        (["nightly", "--source", "book", "--data", "nowhere"], "data folder"),
        (["leads", "show", "x", "--workspace", "nowhere"], "no night is published here"),
        (["indicators", "show", "Z99"], "no red flag 'Z99'"),
        (["indicators", "list", "--lang", "fr"], "unknown language"),
    ],
)
def test_bad_usage_is_exit_code_2_and_says_what_next(words: list[str], what: str) -> None:
    said = command(*words)
    assert said.code == 2
    assert what in said.err
    assert "next:" in said.err
    assert "Traceback" not in said.err


def test_an_unknown_option_is_exit_code_2() -> None:
    assert command("nightly", "--nonsense").code == 2


def test_an_unknown_source_is_bad_data() -> None:
    said = command("sources", "check", "nonsense")
    assert said.code == 3
    assert "unknown source" in said.err


def test_without_a_key_only_the_sample_runs(small_book: Path, tmp_path: Path) -> None:
    said = command("nightly", "--source", "book", "--data", small_book, "--workspace", tmp_path, key=False)
    assert said.code == 2
    assert "FRAUDLEADS_KEY" in said.err


def test_a_second_night_at_once_is_refused(small_book: Path, tmp_path: Path) -> None:
    from pipelines.runs import Workspace

    with Workspace(tmp_path).lock():
        said = command("nightly", "--source", "book", "--data", small_book, "--workspace", tmp_path)
    assert said.code == 5
    assert "another run" in said.err


def test_a_required_delivery_that_fails_refuses_the_night(small_book: Path, tmp_path: Path) -> None:
    first = command("nightly", "--source", "book", "--data", small_book, "--workspace", tmp_path / "var")
    assert first.code == 0, first.err
    before = digests((tmp_path / "var" / "latest").resolve())
    bad = tmp_path / "data" / "deliveries" / "insurer_x" / "2026-03-01"
    bad.mkdir(parents=True)
    (bad / "claims.csv").write_text("claim_id,policy_id\n" + "\n".join([",p"] * 50) + "\n", encoding="utf-8")
    toml = tmp_path / "fraudleads.toml"
    toml.write_text('[gate]\nrequired = ["insurer_x/claims"]\n', encoding="utf-8")
    said = command(
        "nightly", "--source", "book", "--data", tmp_path / "data", "--workspace", tmp_path / "var", "--config", toml
    )  # fmt: skip
    assert said.code == 4
    assert "refused" in said.err
    assert (tmp_path / "var" / "refused" / "validation.html").exists()
    assert digests((tmp_path / "var" / "latest").resolve()) == before


def test_validate_judges_and_publishes_nothing(small_book: Path, tmp_path: Path) -> None:
    said = command("validate", "--source", "book", "--data", small_book, "--workspace", tmp_path)
    assert said.code == 0, said.err
    assert "quarantined" in said.out
    assert (tmp_path / "validation" / "validation.json").exists()
    assert not (tmp_path / "latest").exists()


def test_sources_check_says_what_maps_and_what_flags_it_feeds(small_book: Path) -> None:
    said = command("sources", "check", "book", "--data", small_book)
    assert said.code == 0, said.err
    assert "feeds claims" in said.out
    assert "red flags it can feed:" in said.out
    assert "H03" in said.out


def test_indicators_show_prints_the_card_in_both_languages() -> None:
    for language, word in (("zh", "住院"), ("en", "stays")):
        said = command("indicators", "show", "H03", "--lang", language)
        assert said.code == 0
        assert "H03" in said.out
        assert word in said.out.lower()


def test_leads_show_gives_reasons_and_source_rows(workspace: Path) -> None:
    said = command("leads", "show", "1", "--workspace", workspace, "--lang", "en")
    lead = pd.read_parquet(workspace / "latest" / "leads.parquet").query("rank == 1").iloc[0]
    assert said.code == 0, said.err
    assert lead.lead_id in said.out
    assert ".csv" in said.out


def test_every_piece_of_evidence_is_the_row_of_the_file_that_it_names(workspace: Path, small_book: Path) -> None:
    """As the page tells an auditor to check it: the digest of the raw cells joined by U+001F."""
    evidence = pd.read_parquet(workspace / "latest" / "lead_evidence.parquet")
    assert len(evidence) > 50
    for name, rows in evidence.groupby("source_file"):
        with gzip.open(small_book / str(name), "rt", encoding="utf-8", newline="") as file:
            raw = list(csv.reader(file))
        found = [hashlib.sha256("\x1f".join(raw[row]).encode()).hexdigest() for row in rows["source_row"]]
        assert found == rows["row_sha256"].tolist(), name


def test_unmasking_is_recorded(workspace: Path) -> None:
    said = command("leads", "show", "1", "--workspace", workspace, "--unmask")
    assert said.code == 0, said.err
    assert "unmasked: leads show 1" in (workspace / "access.log").read_text(encoding="utf-8")


def test_an_export_for_one_insurer_holds_no_row_of_another(workspace: Path, tmp_path: Path) -> None:
    evidence = pd.read_parquet(workspace / "latest" / "lead_evidence.parquet")
    insurer = sorted(evidence.insurer.unique())[0]
    said = command("leads", "export", "--for", insurer, "--out", tmp_path, "--workspace", workspace)
    assert said.code == 0, said.err
    shown = pd.read_csv(tmp_path / "lead_evidence.csv")
    assert set(shown.insurer) == {insurer}
    assert set(pd.read_csv(tmp_path / "lead_records.csv").insurer) == {insurer}
    assert not pd.read_csv(tmp_path / "lead_records_others.csv").empty
    others = pd.read_csv(tmp_path / "lead_evidence_others.csv")
    assert set(others.columns) == {"lead_id", "code", "evidence_table", "rows", "first_at", "last_at"}


def test_an_export_for_an_unknown_insurer_names_the_known(workspace: Path, tmp_path: Path) -> None:
    said = command("leads", "export", "--for", "nobody", "--out", tmp_path, "--workspace", workspace)
    assert said.code == 2
    assert "insurers of the night" in said.err


def test_trace_follows_a_claim_from_source_row_to_lead(workspace: Path) -> None:
    evidence = pd.read_parquet(workspace / "latest" / "lead_evidence.parquet")
    claim = evidence.claim_id.dropna().iloc[0]
    said = command("trace", claim, "--workspace", workspace, "--lang", "en")
    assert said.code == 0, said.err
    assert claim in said.out


def test_trace_of_an_unknown_claim_says_where_to_look(workspace: Path) -> None:
    said = command("trace", "a:nothing", "--workspace", workspace)
    assert said.code == 2
    assert "quarantine" in said.err


def test_evaluate_prints_figures(workspace: Path, small_book: Path) -> None:
    said = command("evaluate", small_book / "truth", "--workspace", workspace)
    assert said.code == 0, said.err
    figures = json.loads(said.out)
    assert 0 <= figures["precision_50"] <= 1
    assert figures["recall"]


def test_doctor_says_versions_and_what_is_missing(tmp_path: Path) -> None:
    said = command("doctor", "--workspace", tmp_path / "none", key=False)
    assert said.code == 0, said.err
    assert "duckdb" in said.out
    assert "FRAUDLEADS_KEY is not set" in said.out
    assert KEY not in command("doctor", "--workspace", tmp_path / "none").out


def test_simulate_is_the_same_bytes_for_the_same_seed(tmp_path: Path) -> None:
    for name in ("a", "b"):
        assert command("simulate", "--claims", "1000", "--seed", "9", "--out", tmp_path / name).code == 0
    assert digests(tmp_path / "a") == digests(tmp_path / "b")
