"""Bounds by line and region in a configuration file: the list keeps them, and the night, the manifest and the page say so."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from pipelines.flows.nightly import Night
from tests.nights import command, run_night

BOUNDS = """
[capacity]
cases = 20
[capacity.lines]
accident = 0.2
[capacity.regions]
"50" = 0.7
[capacity.least_lines]
life = 0.1
"""


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bounds") / "fraudleads.toml"
    path.write_text(BOUNDS, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def night(config: Path, tiny_book: Path, tmp_path_factory: pytest.TempPathFactory) -> Night:
    return run_night(tiny_book, tmp_path_factory.mktemp("bounded"), config=config)


def test_the_list_keeps_the_bounds(night: Night, tiny_night: Night) -> None:
    bounded, plain = (pd.read_parquet(n.out / "cases.parquet").head(20)["line"].value_counts() for n in (night, tiny_night))
    assert plain["accident"] > 4 and bounded["accident"] == 4
    assert "life" not in plain and bounded["life"] == 2


def test_the_night_the_manifest_and_the_page_say_what_became_of_them(night: Night) -> None:
    accident, life, region = night.manifest["slots"]
    assert (accident["name"], accident["taken"], accident["places"]) == ("accident", 4, 20) and accident["waiting"] > 0
    assert (life["name"], life["bound"], life["taken"]) == ("life", "least", 2)
    assert region["name"] == "50" and 0 < region["taken"] <= 14
    assert any(line.startswith("line accident (at most 20 %): 4 of 20 places, ") for line in night.summary())
    page = (night.out / "report.html").read_text(encoding="utf-8")
    assert "今晚按险种和地区的名额" in page and "Accident: at most 20 %, 4 of tonight&#39;s 20 places" in page


def test_doctor_says_the_bounds_and_a_bad_one_is_bad_usage(config: Path, tmp_path: Path) -> None:
    said = command("doctor", "--config", config, "--workspace", tmp_path)
    assert "places: lines accident 0.2; least_lines life 0.1; regions 50 0.7" in said.out
    config_of_a_typo = tmp_path / "typo.toml"
    config_of_a_typo.write_text("[capacity.lines]\nmotr = 0.2\n", encoding="utf-8")
    wrong = command("doctor", "--config", config_of_a_typo, "--workspace", tmp_path)
    assert wrong.code == 2 and "no line is called 'motr'" in wrong.err and "did you mean 'motor'?" in wrong.err
