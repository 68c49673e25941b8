"""Settings: defaults, overrides, and errors that name the nearest key."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path

import pytest

from features.indicators import INDICATORS
from pipelines import config
from pipelines.errors import UsageError

EXAMPLE = Path(__file__).resolve().parents[2] / "fraudleads.example.toml"


def write(folder: Path, text: str) -> Path:
    path = folder / "fraudleads.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_the_defaults() -> None:
    assert config.load(None) == config.Settings()


def test_the_example_says_every_setting_and_its_default() -> None:
    assert config.load(EXAMPLE) == config.Settings()
    said = tomllib.loads(EXAMPLE.read_text(encoding="utf-8"))
    for part in dataclasses.fields(config.Settings):
        assert part.name in said
        if dataclasses.is_dataclass(default := getattr(config.Settings(), part.name)):
            assert set(said[part.name]) == {f.name for f in dataclasses.fields(default)}, part.name


def test_what_the_example_comments_out_is_valid_too(tmp_path: Path) -> None:
    text = re.sub(r'^# (?=\[[\w.]+\]$|"?[\w/]+"? = )', "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    settings = config.load(write(tmp_path, text))
    assert settings.gate.tolerances == {"insurer_a/parties": 0.1}
    assert settings.flags == {"H02": {"days": 15.0}}
    assert set(settings.flags["H02"]) <= {k for flag in INDICATORS if flag.code == "H02" for k in flag.settings}
    assert settings.sources["insurer_a"].mapping == "/etc/fraudleads/insurer_a.yaml"


def test_values_reach_their_place(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        '[capacity]\ncases = 30\n[flags.H02]\ngap_days = 10\n[gate]\ntolerance = 1\nrequired = ["a/claims"]\n'
        '[sources.a]\nmapping = "book"\ndata = "x"\n[priority.caps]\nmotor = 5000\n',
    )
    settings = config.load(path)
    assert settings.capacity.cases == 30
    assert settings.flags == {"H02": {"gap_days": 10.0}}
    assert settings.gate.tolerance == 1.0
    assert settings.gate.required == ("a/claims",)
    assert settings.sources == {"a": config.Source("book", "x")}
    assert settings.priority.caps == {"motor": 5000.0}


@pytest.mark.parametrize(
    ("text", "what", "then"),
    [
        ("[capacity]\ncase = 3", "unknown setting 'capacity.case'", "capacity.cases"),
        ("[capcity]\ncases = 3", "unknown setting 'capcity'", "capacity"),
        ('[capacity]\ncases = "many"', "'capacity.cases' must be int, not str", "mend"),
        ("[capacity]\ncases = true", "'capacity.cases' must be int, not bool", "mend"),
        ("capacity = 3", "'capacity' must be a table", "write [capacity]"),
        ("[capacity.lines]\nmotor = 1.5", "1.5 is no share of the list", "write 0 to 1"),
        ("[capacity.lines]\nmotor = nan", "nan is no share of the list", "write 0 to 1"),
        ("[capacity.lines]\nmotr = 0.5", "no line is called 'motr'", "did you mean 'motor'?"),
        ("[capacity.least_lines]\nfreight = 0.5", "no line is called 'freight'", "cargo"),
        ('[capacity.lines]\nmotor = "much"', "'capacity.lines.motor' must be float, not str", "mend"),
        ('[capacity.regions]\n"5" = 0.5', "'5' is no region", '"5101" a city'),
        ('[capacity.regions]\n"5101001" = 0.5', "'5101001' is no region", "2 to 6 digits"),
        ("[capacity.least_regions]\nChengdu = 0.5", "'Chengdu' is no region", "2 to 6 digits"),
        (
            "[capacity]\nlines = {motor = 0.1}\nleast_lines = {motor = 0.2}",
            "at least 0.2 of the list and at most 0.1",
            "capacity.lines.motor",
        ),
        ("[capacity.least_lines]\nmotor = 0.6\nhealth = 0.5", "come to 1.1, more than the whole list", "1 or less"),
        ('[gate]\nrequired = "a"', "'gate.required' must be", "mend"),
        ("[flags]\nH02 = 3", "'flags.H02' must be", "mend"),
        ("[capacity\n", "not valid TOML", "mend that line"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, text: str, what: str, then: str) -> None:
    with pytest.raises(UsageError) as caught:
        config.load(write(tmp_path, text))
    assert what in caught.value.what
    assert then in caught.value.then
    assert caught.value.exit_code == 2


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="does not exist"):
        config.load(tmp_path / "none.toml")


def test_the_key_comes_from_the_environment_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(config.KEY_VARIABLE, raising=False)
    assert config.token_key(sample=True) == config.SAMPLE_KEY
    with pytest.raises(UsageError, match="no key"):
        config.token_key(sample=False)
    monkeypatch.setenv(config.KEY_VARIABLE, "s" * 32)
    assert config.token_key(sample=False) == "s" * 32
    monkeypatch.setenv(config.KEY_VARIABLE, "s" * 31)
    for sample in (True, False):
        with pytest.raises(UsageError, match="shorter than 32") as caught:
            config.token_key(sample=sample)
        assert "sss" not in str(caught.value)
