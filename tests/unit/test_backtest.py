import json
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from models import backtest
from models.backtest import Night, better, figures, groups, leaks, learnt_worth, left_out, stacked, walk_forward
from models.leakage import LeakError
from models.noise import NONE, Rates
from models.reliability import gap
from models.supervised import Rows
from pipelines.flows.backtest import ways
from pipelines.report.backtest import page
from pipelines.report.messages import catalogue
from tests.unit.test_supervised import NO_PAIRS

DAYS = pd.to_datetime(["2025-01-01", "2025-04-01", "2025-07-01"])


@pytest.fixture(scope="module")
def world() -> tuple[list[Night], pd.DataFrame]:
    """Three nights; after the first, the investigation itself leaves a trace in ``trace`` that tells the verdict."""
    rng = np.random.default_rng(4)
    ids = pd.Index([f"a:{i:04}" for i in range(900)], name="subject_id")
    x = pd.Series(rng.normal(size=900), index=ids)
    label = pd.Series((rng.random(900) < 1 / (1 + np.exp(-2.5 * x + 1))).astype(int), index=ids)
    night_of = pd.Series(np.repeat([0, 1, 2], 300), index=ids)
    nights = []
    for i, day in enumerate(DAYS):
        trace = label.where(night_of < i, 0) * 1.0
        nights.append(Night(day, Rows(pd.DataFrame({"x": x, "trace": trace}), NO_PAIRS), x))
    opened = DAYS[night_of.to_numpy()] + pd.Timedelta(days=1)
    verdicts = pd.DataFrame({"subject_id": ids, "opened_at": opened, "decided_at": opened + pd.Timedelta(days=30)})
    return nights, verdicts.assign(label=label.to_numpy(), amount=100.0, scheme="payee")


def test_a_night_knows_only_verdicts_decided_before_it(world):
    nights, verdicts = world
    found = walk_forward(nights, verdicts)
    assert found.groupby("night")["probability"].apply(lambda p: p.notna().all()).tolist() == [False, True, True]
    late = verdicts.assign(decided_at=verdicts["decided_at"] + pd.Timedelta(days=90))
    assert walk_forward(nights, late).groupby("night")["probability"].apply(lambda p: p.notna().all()).tolist() == [False, False, True]


def test_training_rows_are_those_of_the_night_before_the_investigation(world):
    nights, verdicts = world
    rows, labels = stacked(nights, verdicts.assign(night=np.repeat([0, 1, 2], 300)).query("night < 2"))
    assert len(rows.frame) == len(labels) == 600
    assert rows.frame["trace"].eq(0).all()


def test_figures_with_intervals(world):
    found = figures(walk_forward(*world), capacity=50)
    assert found["subjects"] == 900
    assert found["auc"]["low"] < found["auc"]["value"] < found["auc"]["high"]
    assert found["precision"]["value"] > 0.8 and found["calibration"] < 0.08
    assert found["recall_by_scheme"]["payee"] == pytest.approx(found["recall"]["value"], abs=1e-3)
    assert found["amount"] == pytest.approx(found["recall"]["value"], abs=1e-3)


def test_who_was_judged_before_is_a_repeat(world):
    nights, verdicts = world
    assert figures(walk_forward(nights, verdicts), capacity=50)["repeats"] == 0
    once_more = verdicts[verdicts["opened_at"] < DAYS[1]].assign(opened_at=DAYS[2] + pd.Timedelta(days=2))
    both = pd.concat([verdicts, once_more], ignore_index=True)
    found = walk_forward(nights, both)
    assert found["again"].sum() == 300 and found.loc[found["again"], "night"].eq(2).all()
    assert figures(found, capacity=1200)["repeats"] == 0.25


def test_an_ablation_strikes_columns_out_of_training_and_scoring(world):
    nights, verdicts = world
    noise = np.random.default_rng(1).normal(size=900)
    nights = [Night(n.as_of, Rows(n.rows.frame.assign(noise=noise), n.rows.pairs), n.blind) for n in nights]
    found = left_out(nights, verdicts, {"no x": lambda c: c == "x", "no trace": lambda c: c == "trace"})
    assert list(found) == ["no x", "no trace"]
    tested = walk_forward(nights, verdicts)
    whole, learnt = learnt_worth(tested), tested.dropna(subset=["probability"])
    assert whole["auc"] == pytest.approx(backtest.auc(learnt["label"].to_numpy(), learnt["score"].to_numpy()), abs=1e-4)
    assert found["no trace"] == whole and abs(found["no x"]["auc"] - 0.5) < 0.06


def test_flags_left_are_counted_anew_and_ties_go_with_the_network():
    frame = pd.DataFrame({"flag_H01": [1.0, 0.0], "flag_N01": [1.0, 1.0], "flags": [2.0, 1.0]}, index=["a", "b"])
    ties = pd.DataFrame({"subject_id": ["a"], "node": ["n"], "kind": ["agent"]})
    night = Night(DAYS[0], Rows(frame, ties), frame["flags"])
    left = backtest._without(night, lambda c: c in ("ties", "flag_N01")).rows
    assert list(left.frame.columns) == ["flag_H01", "flags"] and left.frame["flags"].tolist() == [1.0, 0.0] and left.pairs.empty
    assert len(backtest._without(night, lambda c: c == "flag_H01").rows.pairs) == 1


def test_what_the_ablations_of_the_command_strike_out():
    columns = ("amount", "anomaly", "flags", "flag_H01", "flag_N01", "flag_X04", "ties")
    struck = {name: [c for c in columns if out(c)] for name, out in ways().items()}
    assert struck["no network"] == ["flag_N01", "flag_X04", "ties"] and struck["no anomaly"] == ["anomaly"]
    assert struck["no flags"] == ["flag_H01", "flag_N01", "flag_X04"] and struck["no family H"] == ["flag_H01"]
    assert {"no family M", "no family X"} < set(struck)


def test_permuted_labels_teach_nothing_and_a_column_that_tells_stops(world, monkeypatch):
    nights, verdicts = world
    assert abs(leaks(nights, verdicts) - 0.5) < 0.1
    assert leaks(nights[:1], verdicts) is None
    label = verdicts.set_index("subject_id")["label"].astype(float)
    told = [Night(n.as_of, Rows(n.rows.frame.assign(told=label), n.rows.pairs), n.blind) for n in nights]
    with pytest.raises(LeakError, match="told"):
        leaks(told, verdicts)
    learnt = backtest._tested
    monkeypatch.setattr(backtest, "_tested", lambda *a: learnt(*a).assign(score=lambda t: t["label"] * 1.0))
    with pytest.raises(LeakError, match="permuted"):
        leaks(nights, verdicts)


def test_calibration_sees_a_probability_that_is_twice_the_rate():
    tested = pd.DataFrame({"probability": np.full(1000, 0.4), "label": np.tile([1, 0, 0, 0, 0], 200)})
    assert gap(groups(tested)) == pytest.approx(0.2, abs=0.01)


def test_a_challenger_is_better_only_beyond_the_interval():
    rng = np.random.default_rng(0)
    truth = (rng.random(600) < 0.2).astype(int)
    good, same = truth + rng.normal(0, 0.5, 600), truth + rng.normal(0, 0.5, 600)
    poor = truth + rng.normal(0, 2, 600)
    assert better(truth, good, poor)["low"] > 0
    assert better(truth, good, same)["low"] <= 0
    assert better(truth, good, good) == {"value": 0.0, "low": 0.0, "high": 0.0}


def test_the_page_tells_every_figure_in_both_languages_and_kinds_that_nothing_judges(world):
    tested = walk_forward(*world)
    told = {"verdicts": 900, "scored_by_what_was_learnt": 600, "permuted": 0.51, **figures(tested, capacity=50)}
    told["ablations"] = {"all": {"auc": 0.9, "ap": 0.8}, "no network": {"auc": 0.85, "ap": None}, "no family H": {"auc": 0.7, "ap": 0.6}}
    blind = {"verdicts": 900, "scored_by_what_was_learnt": 0, "permuted": None, **figures(tested.assign(probability=np.nan), capacity=50)}
    found = {"nights": ["2025-01-01", "2025-04-01"], "kinds": {"claim": told, "agent": blind, "doctor": {"verdicts": 3, "note": "x"}}}
    text = page(found, catalogue())
    assert text == page(found, catalogue()) and text.count("<svg ") == 1
    for part in ("回测 / Backtest", "2025-01-01, 2025-04-01", f"{told['auc']['value']:.3f}", "没有概率可检验", "nothing to judge by"):
        assert part in text
    nameless = {**told, "recall_by_scheme": {"unknown": 0.5, "payee": 0.7}}
    assert "未注明手法 / no scheme told" in page({**found, "kinds": {"claim": nameless}}, catalogue())
    assert ET.fromstring(text.partition("\n")[2]).tag == "html"


def test_verdicts_that_all_went_one_way_make_no_figure_that_json_cannot_hold(world):
    tested = walk_forward(*world)
    one_way = figures(tested[tested["label"] == 1], capacity=50)
    assert one_way["auc"] == {"value": None, "low": None, "high": None}
    json.loads(json.dumps(one_way, allow_nan=False))
    assert "—" in page(
        {"nights": ["2025-01-01"], "kinds": {"claim": {"verdicts": 1, "scored_by_what_was_learnt": 0, **one_way}}}, catalogue()
    )


def test_stated_rates_of_wrong_verdicts_reach_what_a_night_learns(world: tuple[list[Night], pd.DataFrame]) -> None:
    plain, stated = (walk_forward(*world, rates=rates) for rates in (NONE, Rates(0.2, 0.05)))
    known = plain["probability"].notna()
    assert known.any() and (known == stated["probability"].notna()).all()
    assert (plain["probability"] != stated["probability"])[known].mean() > 0.9
    assert stated["probability"][known].between(0.05, 0.8).all()  # of being called proven: no less than accused, no more than not missed
