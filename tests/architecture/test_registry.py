"""The registry is complete: every red flag has its docstring, spec file, card in both languages, known scheme and own code."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from features import schema
from features.indicators import INDICATORS
from features.indicators.base import LIKELIHOOD_RATIO, RedFlag
from pipelines.report import messages

SPECS = Path(__file__).parents[1] / "spec"
SECTIONS = ("Condition:", "Example:", "Reason:", "Exclusions:")


@pytest.fixture(scope="module")
def cards() -> messages.Messages:
    return messages.catalogue()


def test_codes_are_unique() -> None:
    assert [c for c, n in Counter(f.code for f in INDICATORS).items() if n > 1] == []


@pytest.mark.parametrize("flag", INDICATORS, ids=lambda f: f.code)
def test_card(flag: RedFlag, cards: messages.Messages) -> None:
    assert [s for s in SECTIONS if s not in (flag.__doc__ or "")] == []
    assert flag.source and flag.scheme in schema.SCHEMES and flag.severity in LIKELIHOOD_RATIO
    for language in messages.LANGUAGES:
        assert set(cards.cards[flag.code][language]) == {"name", "say", "document"}
    said = cards.sentence(flag.code, 3.0, 2.0, "x")
    assert all(said[language] for language in messages.LANGUAGES)


@pytest.mark.parametrize("flag", INDICATORS, ids=lambda f: f.code)
def test_needs_name_columns(flag: RedFlag) -> None:
    for need in flag.needs:
        table, column = need.split(".")
        if table in schema.tables():
            assert column in schema.tables()[table].by_column


@pytest.mark.parametrize("flag", INDICATORS, ids=lambda f: f.code)
def test_spec_file(flag: RedFlag) -> None:
    text = (SPECS / f"{flag.code}.yaml").read_text(encoding="utf-8")
    assert "fires:" in text and "silent:" in text
