"""What verdicts taught is said in both languages: features, whose they are, and what each part weighs."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.leads.learning import CONTEXT
from pipelines.leads.learnt import REST, WHOLE
from pipelines.report import learnt
from pipelines.report.messages import catalogue
from pipelines.report.quality import notes
from pipelines.report.story import told

CODES = (
    "flags",
    "anomaly",
    "line",
    "happened_days",
    REST,
    WHOLE,
    "near_hospital",
    "near_any",
    "log_amount",
    *(f"its_{k}_log_amount" for k in CONTEXT),
)


@pytest.mark.parametrize("code", CODES)
def test_every_code_has_a_name_in_chinese_and_in_english(code: str) -> None:
    name = learnt.feature_name(code, catalogue())
    assert any("\u4e00" <= c <= "\u9fff" for c in name["zh"])
    assert name["en"] != code and not any("\u4e00" <= c <= "\u9fff" or c in "{}_" for c in name["en"])


def test_a_value_is_said_in_its_unit_and_a_word_is_not_said_at_all() -> None:
    assert learnt.sentence("its_agent_claims", 12.0, catalogue())["en"] == "of its agent, number of claims: 12"
    assert learnt.sentence("its_agent_claims", None, catalogue())["en"] == ""
    assert learnt.sentence("near_hospital", 0.5, catalogue())["zh"] == ""


def test_learnt_reasons_stand_in_a_lead_with_their_points() -> None:
    leads = pd.DataFrame({"lead_id": ["a"], "score": [25.0], "points_network": [0.0]})
    reasons = pd.DataFrame({"lead_id": "a", "seq": [1, 2], "code": ["its_person_claims", REST], "kind": "learnt", "points": [30.0, -5.0]})
    reasons = reasons.assign(value=[7.0, None], limit=None, detail=None, peer=None)
    said = told(leads, reasons, catalogue())
    assert said["points"].sum() == 25.0
    assert said["name_en"].tolist() == ["learnt from verdicts", "learnt from verdicts: the other features together"]
    assert said["say_en"].tolist() == ["of its person, number of claims: 7", ""]


def test_the_first_page_says_what_each_part_weighs_and_nothing_without_models() -> None:
    weights, shares = {"flags": 0.5, "learnt": 0.75}, {"flags": 0.25, "learnt": 0.75}
    models = {
        "claim": {"digest": "c0ffee", "weights": weights, "shares": shares},
        "scorecard": {"digest": "beef", "weights": {}, "shares": {}},
    }
    lines = [line["en"] for note in notes({"models": models}, catalogue()) for line in note.lines]
    assert lines[0] == "scorecard beef: points of red flags corrected by verdicts"
    assert "c0ffee" in lines[1] and "red flags weigh 0.50, 25%" in lines[1] and "learnt from verdicts weigh 0.75, 75%" in lines[1]
    assert notes({"models": {}}, catalogue()) == []
