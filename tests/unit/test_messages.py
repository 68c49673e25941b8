from __future__ import annotations

import math
from pathlib import Path

import pytest

from features.schema import LINES, PARTY_KINDS, ROLES, SCHEMES, tables
from pipelines.errors import DataError
from pipelines.report.messages import LANGUAGES, PARTS, Number, catalogue

CARD = "{zh: {name: 名, say: '值 {value:.0f}', document: 件}, en: {name: n, say: 'v {value:d} of {limit:,.2f} {detail}', document: d}}"
CODES = sorted(catalogue().cards)
ROOT = Path(__file__).resolve().parents[2]


def folder(tmp_path: Path, cards: str) -> Path:
    (tmp_path / "ui.yaml").write_text("text: {hello: {zh: 你好 {n}, en: 'hello {n}'}}".replace("你好 {n}", "'你好 {n}'"), encoding="utf-8")
    (tmp_path / "t.yaml").write_text(cards, encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("code", CODES)
def test_every_card_speaks_both_languages_and_formats(code: str) -> None:
    messages = catalogue()
    for part in PARTS:
        assert all(messages.part(code, part)[lang].strip() for lang in LANGUAGES)
    assert any("\u4e00" <= c <= "\u9fff" for c in messages.part(code, "name")["zh"])
    for words in ((12.5, 3.0, "7"), (None, None, None), (math.nan, math.inf, math.nan)):
        said = messages.sentence(code, *words)
        assert all(said.values())
        assert not any(bad in text for text in said.values() for bad in ("nan", "None", "inf", "{", "}"))


def test_every_word_of_the_schema_has_a_translation() -> None:
    ui = catalogue().ui
    wanted = {"scheme": SCHEMES, "line": LINES, "role": ROLES, "kind": PARTY_KINDS, "table": tables()}
    assert [(section, key) for section, keys in wanted.items() for key in keys if key not in ui[section]] == []


def test_a_sentence_says_value_limit_and_detail(tmp_path: Path) -> None:
    messages = catalogue(folder(tmp_path, f"T01: {CARD}"))
    assert messages.sentence("T01", 4.4, 3, "x") == {"zh": "值 4", "en": "v 4 of 3.00 x"}
    assert messages.sentence("T01", None, math.nan, None)["en"] == "v — of — —"
    assert messages.text("text", "hello", n=2) == {"zh": "你好 2", "en": "hello 2"}


def test_a_code_without_card_is_named_by_itself() -> None:
    assert catalogue().part("Z99", "name") == {"zh": "Z99", "en": "Z99"}
    assert catalogue().sentence("Z99", 1234, 2)["en"] == "Z99: 1,234 / 2"
    assert catalogue().text("scheme", "unheard_of")["zh"] == "unheard_of"


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ("T01: {zh: {name: 名, say: 话, document: 件}}", "lacks"),
        ("T01: {zh: {name: 名", "cannot be read"),
    ],
)
def test_a_broken_card_is_an_error_that_names_it(tmp_path: Path, cards: str, said: str) -> None:
    with pytest.raises(DataError, match=said):
        catalogue(folder(tmp_path, cards))


def test_a_sentence_that_asks_for_more_is_an_error(tmp_path: Path) -> None:
    card = "T01: {zh: {name: 名, say: '{colour}', document: 件}, en: {name: n, say: s, document: d}}"
    with pytest.raises(DataError, match="T01"):
        catalogue(folder(tmp_path, card)).sentence("T01", 1)


def test_numbers_that_are_missing_become_a_dash() -> None:
    assert [f"{Number(v):.1f}" for v in (1.25, None, "x", math.nan, -math.inf)] == ["1.2", "—", "—", "—", "—"]
    assert f"{Number(1234567):,d}" == "1,234,567"


def test_the_glossary_names_every_scheme_line_and_kind() -> None:
    text = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8")
    words = [both for section in ("scheme", "line", "kind") for both in catalogue().ui[section].values()]
    assert [b for b in words if b["zh"] not in text or b["en"].lower() not in text.lower()] == []
