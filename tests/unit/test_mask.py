from __future__ import annotations

import pandas as pd
import pytest

from features.schema import tables
from pipelines.report.mask import chapter, identifier, masked, pseudonym, real_names, short
from pipelines.report.messages import catalogue


def test_one_party_has_one_code_name_and_it_is_short() -> None:
    both = pseudonym(catalogue(), "person", "person:7f3a2c99aa00bb11")
    assert both == {"zh": "人员 7F3A2C", "en": "person 7F3A2C"}


@pytest.mark.parametrize("kind", ["account", "phone", "device", "person"])
def test_raw_values_never_show_even_where_a_stage_forgot_to_tokenise(kind: str) -> None:
    raw = "6222020200012345678"
    assert raw not in identifier(kind, f"alpha:{raw}") and identifier(kind, f"alpha:{raw}") == identifier(kind, f"alpha:{raw}")
    assert len(short("alpha:王小明")) == 6 and "王" not in short("alpha:王小明")


@pytest.mark.parametrize(
    ("kind", "subject", "shown"),
    [("claim", "alpha:C0001", "alpha:C0001"), ("policy", "beta:P9", "beta:P9"), ("event", "event:alpha:C1", "alpha:C1")],
)
def test_ids_of_insurers_rows_are_shown(kind: str, subject: str, shown: str) -> None:
    assert identifier(kind, subject) == shown


def test_names_are_added_only_when_known() -> None:
    assert pseudonym(catalogue(), "agent", "agent:00ff00ff", {"agent:00ff00ff": "张某"})["zh"] == "代理人 00FF00 · 张某"
    assert "·" not in pseudonym(catalogue(), "agent", "agent:00ff00ff", {"agent:other": "张某"})["zh"]


@pytest.mark.parametrize(
    ("code", "number"),
    [
        ("A09.0", "I"),
        ("C34", "II"),
        ("D48", "II"),
        ("D50", "III"),
        ("H59.9", "VII"),
        ("H60", "VIII"),
        ("T14", "XIX"),
        ("U07.1", "XXII"),
        ("W01", "XX"),
        ("Z51.1", "XXI"),
        (None, "—"),
        ("感冒", "—"),
    ],
)
def test_a_diagnosis_is_shown_as_its_chapter(code: str | None, number: str) -> None:
    assert chapter(code) == number


def test_no_personal_column_of_the_schema_comes_through_unmasked() -> None:
    raw = "Wang-1980-01-02-S52.5"
    for table in tables().values():
        personal = [c.name for c in table.columns if c.pii]
        shown = masked(pd.DataFrame({**{c: [raw] for c in personal}, "other": ["kept"]}), table.name)
        assert shown["other"].tolist() == ["kept"]
        assert not [c for c in personal if raw in str(shown[c][0])]


def test_masking_keeps_what_an_investigator_needs() -> None:
    rows = pd.DataFrame({"claim_id": ["a:1", "a:2"], "code": ["S52.5", None]})
    assert masked(rows, "claim_diagnoses").to_numpy().tolist() == [["a:1", "XIX"], ["a:2", "—"]]
    people = pd.DataFrame({"party_id": ["a:1"], "birth_date": [pd.Timestamp("1980-03-04")], "gender": ["F"]})
    assert masked(people, "parties").to_numpy().tolist() == [["a:1", "1980-··-··", "F"]]


def test_unmasking_looks_names_up_in_the_vault() -> None:
    entities = pd.DataFrame({"entity_id": ["person:1", "person:2", "hospital:3"], "name": ["t1", None, "t9"]})
    vault = pd.DataFrame({"token": ["t1", "t1", "p1"], "pii": "PI", "column": ["name", "name", "phone"], "raw": ["某甲", "某甲", "100"]})
    assert real_names(entities, vault) == {"t1": "某甲", "p1": "100", "person:1": "某甲"}
