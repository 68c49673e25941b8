from __future__ import annotations

import math
import re
from pathlib import Path

import ibis
import pytest

from features import agents, claims, parties, policies, providers
from features.book import Book
from features.schema import LINES, PARTY_KINDS, ROLES, SCHEMES, tables
from features.spine import spine
from pipelines.errors import DataError
from pipelines.report import anomaly
from pipelines.report.messages import LANGUAGES, PARTS, Number, catalogue
from pipelines.resolve.designs import ORGANISATIONS, PERSONS
from tests.parity.book import book

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
        assert not any(re.search(r"\b(nan|inf)\b|[{}]", text) for text in said.values())


def test_every_word_of_the_schema_has_a_translation() -> None:
    ui = catalogue().ui
    wanted = {"scheme": SCHEMES, "line": LINES, "role": ROLES, "kind": PARTY_KINDS, "table": tables()}
    assert [(section, key) for section, keys in wanted.items() for key in keys if key not in ui[section]] == []


def test_every_level_of_a_link_has_words_in_chinese() -> None:
    ui = catalogue().ui
    labels = {level.label for design in (PERSONS, ORGANISATIONS) for c in design.comparisons for level in c.levels}
    assert labels == set(ui["link"]) and all(name in ui["compared"] for d in (PERSONS, ORGANISATIONS) for name in d.identity)


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


def test_every_feature_and_peer_group_is_named_in_a_known_unit() -> None:
    held = book(200)
    unbound = Book({n: ibis.table(t.schema(), name=n) for n, t in held.tables.items()}, held.as_of)
    around = spine(unbound, ("claim", "policy", "person", "agent", "hospital", "doctor", "garage"))
    tables = [m.features(unbound, around) for m in (agents, claims, parties, policies, providers)]
    numeric = {c for t in tables for c, kind in t.schema().items() if kind.is_numeric()}
    groups = {c for t in tables for c in t.columns if c.startswith("by_")}
    messages = catalogue()
    assert sorted(numeric - set(messages.units)) == [] and sorted(groups - set(messages.ui["peer"])) == []
    assert set(messages.units.values()) <= {"count", "money", "log_money", "share", "times", "days", "hours", "either"}


@pytest.mark.parametrize(
    ("code", "value", "said"),
    [
        ("log_amount", math.log1p(12345.0), "CNY 12,345"),
        ("drug_share", 0.834, "83%"),
        ("stay_days", 21.0, "21 days"),
        ("night", 1.0, "yes"),
        ("claims", 14.0, "14"),
        ("fact_odd", 0.12345, "0.1235"),
        ("claims", None, "—"),
    ],
)
def test_an_anomaly_says_its_value_in_its_unit(code: str, value: float | None, said: str) -> None:
    assert anomaly.quantity(code, value, catalogue())["en"] == said


def test_peers_are_said_by_what_they_share() -> None:
    messages = catalogue()
    assert anomaly.peers("by_hospital=health|3|-|M", messages)["zh"] == "同险种、同级别、同专科、同诊断章（健康险 / 3 / M）"
    assert anomaly.peers("by_age=5|F", messages)["en"] == "same age band and sex (50–59 / F)"
    assert anomaly.peers("by_age=5|F & by_line=health", messages)["en"] == "same age band and sex (50–59 / F), same line (Health)"
    assert anomaly.peers("all", messages)["en"] == anomaly.peers(None, messages)["en"] == "all of the kind"
    assert anomaly.sentence("stay_days", (21, 9), "by_line=health", messages)["zh"] == "住院天数：21 天；同险种（健康险）的中位数：9 天"


def test_a_party_in_a_sentence_bears_its_code_name() -> None:
    said = catalogue().sentence("M09", 8, 3, "reporter person:7f3a2c99aa00bb11")
    assert said["zh"].startswith("报案人 7F3A2C为该厂 8 个") and said["en"].startswith("reporter 7F3A2C reports")
    assert catalogue().sentence("M09", 8, 3, "phone 7f3a2c99aa00bb11")["zh"].startswith("电话 7F3A2C")
    assert catalogue().sentence("M09", 8, 3, "z=4.2 7f3a")["en"].startswith("z=4.2 7f3a reports")
