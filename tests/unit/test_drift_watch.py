"""What is observed of a night: new claims alone, every verdict once, exploration left out; and what people are told."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from pipelines.leads.drift import Watch, observed, run, told
from pipelines.report.messages import catalogue
from pipelines.report.quality import alarms
from pipelines.tracking import _watched


def book(claims: int, high: float = 0.0, verdicts: int = 0) -> dict[str, pd.DataFrame]:
    ids = [f"a:{i:04}" for i in range(claims)]
    amount = np.log(np.arange(claims) % 17 + 2.0) + high * (np.arange(claims) >= 1000)
    features = pd.DataFrame({"subject_kind": "claim", "subject_id": ids, "as_of": "x", "line": "motor", "log_amount": amount})
    features["stay_days"] = np.where(np.arange(claims) % 5 == 0, 1.0, np.nan)
    found = pd.DataFrame({"subject_kind": "claim", "subject_id": ids[::4], "code": "M01"})
    cards = pd.DataFrame({"code": ["M01", "H01", "A01"], "grain": ["claim", "claim", "agent"]})
    scores = pd.DataFrame({"subject_kind": "claim", "subject_id": ids, "suspicion": 0.5})
    leads = pd.DataFrame({"subject_kind": "claim", "subject_id": ids[::10], "score": 20.0})
    made = {"features_claim": features, "findings": found, "flags": cards, "scores": scores, "leads": leads}
    if verdicts:
        opened = pd.Timestamp("2025-12-01") + pd.to_timedelta(np.arange(verdicts), "h")
        made["outcomes"] = pd.DataFrame(
            {
                "subject_kind": "claim", "subject_id": ids[:verdicts], "opened_at": opened, "decided_at": opened,
                "verdict": np.where(np.arange(verdicts) % 3 == 0, "confirmed", "cleared"),
                "selected_by": np.where(np.arange(verdicts) == 1, "explore", "rank"),
            }
        )  # fmt: skip
    return made


def watch(day: int, restart: str = "") -> Watch:
    return Watch(date.fromordinal(date(2026, 1, 1).toordinal() + day), 0.05, restart)


def test_only_new_claims_are_observed():
    found = observed(book(100), {"features_claim": book(60)["features_claim"]}).set_index("stream")["value"]
    assert found["feature:log_amount"] == pytest.approx(np.arcsinh(book(100)["features_claim"]["log_amount"][60:]).mean())
    assert found["feature:stay_days ?"] == pytest.approx(0.8)
    assert found["flag:M01"] == pytest.approx(0.25) and found["flag:H01"] == 0.0 and "flag:A01" not in found
    assert found["score:leads"] == pytest.approx(0.1) and found["score:points"] == pytest.approx(2.0)


def test_a_first_night_and_a_night_with_few_new_claims_are_not_observed():
    assert observed(book(100), {}).empty
    assert observed(book(100), {"features_claim": book(81)["features_claim"]}).empty


def test_verdicts_count_once_and_those_of_exploration_not_at_all():
    first = run(book(100, verdicts=6), {}, watch(0))
    second = run(book(100, verdicts=9), first, watch(1))
    assert len(first["drift_verdicts"]) == 5 and second["drift_verdicts"]["seq"].tolist() == list(range(8))
    assert second["drift_verdicts"]["night"].tolist() == ["2026-01-01"] * 5 + ["2026-01-02"] * 3


def test_a_first_night_sounds_no_alarm_about_years_of_verdicts_and_a_later_one_does():
    old, late = book(400, verdicts=200), book(400, verdicts=400)
    old["outcomes"]["verdict"] = np.where(np.arange(200) < 120, "cleared", "confirmed")
    first = run(old, {}, watch(0))
    assert told(first, watch(0))["alarms"] == []
    late["outcomes"]["verdict"] = np.where(np.arange(400) < 120, "cleared", "confirmed")
    second = told(run(late, first, watch(1)), watch(1))
    assert [(a["part"], a["since"], a["way"]) for a in second["alarms"]] == [("verdict", "2026-01-02", "up")]


def nights(count: int, high: float) -> dict[str, pd.DataFrame]:
    """Twenty-five new claims a night, features alone; from the forty-first night on their amounts are ``high`` higher."""
    tables: dict[str, pd.DataFrame] = {}
    for day in range(1, count + 1):
        now, before = (book(25 * d or 1, high)["features_claim"] for d in (day, day - 1))
        tables = run({"features_claim": now}, {**tables, "features_claim": before}, watch(day))
    return tables


def test_a_night_repeated_from_the_same_state_is_the_same():
    before = {**nights(12, 0.0), "features_claim": book(300)["features_claim"]}
    one, again = (run(book(330), before, watch(13)) for _ in range(2))
    for name in one:
        pd.testing.assert_frame_equal(one[name], again[name])


def test_a_change_is_told_in_both_languages_and_ends_with_a_restart():
    changed = nights(70, 3.0)
    said = told(changed, watch(70))
    named = {(a["part"], a["name"], a["way"]) for a in said["alarms"]}
    assert named == {("feature", "log_amount", "up")}
    lines = alarms(said, catalogue())
    assert any("amount" in line["en"] and "higher than before (since 2026-02-" in line["en"] for line in lines)
    assert all("高于" in line["zh"] or "低于" in line["zh"] for line in lines)
    before = {**changed, "features_claim": book(1750, 3.0)["features_claim"]}
    anew = watch(71, "2026-03-13")
    later = told(run(book(1775, 3.0), before, anew), anew)
    assert later["alarms"] == [] and later["nights"] == 1


def test_a_night_without_a_watch_and_one_without_verdicts_have_figures_that_mlflow_takes():
    said = told(run(book(100), {}, watch(0)), watch(0))
    assert said["verdicts"]["rate"] is None and said["alarms"] == []
    assert _watched({}) == {} and set(_watched(said)) == {"drift.alarms", "drift.capital"}
    known = told(run(book(100, verdicts=9), {}, watch(0)), watch(0))
    assert _watched(known)["drift.verdict_rate"] == pytest.approx(3 / 8, abs=1e-4)
