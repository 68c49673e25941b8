"""Parts that verdicts weigh: nothing without a verdict, never below zero, and exactly what the members say, feature by feature."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest

from models.card import Card, card_of, corrected, gain, out_of_fold
from models.challenger import Challenger
from models.contributions import contributions
from models.evaluate import average_precision
from models.families import Forest
from models.fusion import START, Fusion, fused, probability
from models.noise import Rates
from models.settled import settled
from models.supervised import Supervised
from pipelines.flows.model_cards import about_model, model_card
from pipelines.flows.past import Past
from pipelines.leads.champions import SCORECARD, Champions
from pipelines.leads.learnt import code_of, with_learnt
from tests.unit.leads_book import AS_OF
from tests.unit.leads_book import book as leads_book
from tests.unit.test_supervised import book

PRIOR = 0.01


def parts(n: int, seed: int = 0) -> tuple[pd.DataFrame, pd.Series]:
    """Subjects whose flags say little and whose learnt part says much."""
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {"flags": rng.exponential(1.5, n), "anomaly": rng.exponential(0.3, n), "network": 0.0, "learnt": rng.normal(0, 2, n)}
    )
    odds = -1.0 + 0.2 * frame["flags"] - 2.0 * frame["anomaly"] + frame["learnt"]
    return frame, pd.Series((rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int))


def test_without_verdicts_the_parts_weigh_what_they_always_did():
    frame, labels = parts(0)
    made = fused(frame, labels, PRIOR)
    assert made == Fusion() and made.weights == dict(START) and made.level == 0.0
    many, _ = parts(5)
    assert made.score(many) == pytest.approx(many[["flags", "anomaly", "network"]].sum(axis=1).to_numpy())


def test_the_hand_over_is_gradual_and_no_part_counts_against():
    frame, labels = parts(8000, 4)
    weights = [fused(frame[:n], labels[:n], PRIOR).weights for n in (0, 20, 100, 8000)]
    learnt, flags = ([w[part] for w in weights] for part in ("learnt", "flags"))
    assert learnt[:2] == sorted(learnt[:2]) and learnt[0] == 0.0 and learnt[-1] == pytest.approx(1.0, abs=0.1)
    assert flags[0] > flags[1] > flags[-1] and flags[-1] == pytest.approx(0.2, abs=0.1)
    assert weights[-1]["anomaly"] == 0.0 and all(w["network"] == 1.0 for w in weights)


def test_a_level_moves_probabilities_and_no_level_moves_nothing():
    score = np.array([0.0, 30.0])
    assert (probability(score, PRIOR, 0.0) == probability(score, PRIOR)).all()
    assert probability(score, PRIOR, np.log(2.0)) == pytest.approx(probability(score + 10.0, PRIOR))


def flags(n: int = 400, seed: int = 0) -> tuple[pd.DataFrame, pd.Series, pd.Series]:
    """Judged leads with A, which means fraud, or B, which does not; C shares its scheme with A and was never judged."""
    rng = np.random.default_rng(seed)
    code = rng.choice(["A", "B"], n)
    rows = pd.DataFrame({"subject_kind": "claim", "subject_id": [f"{i:04}" for i in range(n)], "code": code, "points": 20.0, "kept": 1.0})
    truth = (rng.random(n) < np.where(code == "A", 0.7, 0.1)).astype(int)
    labels = pd.Series(truth, index=pd.MultiIndex.from_frame(rows[["subject_kind", "subject_id"]]))
    return rows, labels, pd.Series({"A": "s", "B": "t", "C": "s"})


def test_a_card_without_verdicts_changes_nothing(tmp_path):
    rows, labels, schemes = flags()
    card = card_of(rows, labels[:0], schemes, PRIOR)
    assert (card.corrections == 0).all() and set(card.levels.values()) == {0.0}
    assert corrected(rows, card).equals(rows)


def test_a_card_learns_flags_and_shares_within_a_scheme(tmp_path):
    rows, labels, schemes = flags()
    card = card_of(rows, labels, schemes, PRIOR)
    assert card.corrections["A"] > card.corrections["C"] > 0 > card.corrections["B"]
    assert card.counts.loc["C"].tolist() == [0, 0] and card.counts.sum().sum() == len(rows)
    card.save(tmp_path)
    read = Card.load(tmp_path)
    assert read.corrections.equals(card.corrections) and read.levels == card.levels and read.counts.equals(card.counts)
    assert read.verdicts == card.verdicts == len(labels)


def test_out_of_fold_gain_is_found_where_there_is_something_to_learn_and_only_there():
    rows, labels, schemes = flags()
    blind, told = out_of_fold(rows, labels, schemes, PRIOR, 7)
    assert gain(told)["low"] > 0 and len(blind) == len(rows) and blind.index.equals(rows.index)
    shuffled = pd.Series(np.random.default_rng(1).permutation(labels.to_numpy()), index=labels.index)
    assert gain(out_of_fold(rows, shuffled, schemes, PRIOR, 7)[1])["low"] <= 0


@pytest.fixture(scope="module")
def fitted() -> tuple[Supervised, pd.DataFrame, pd.Series]:
    rows, labels = book(400)
    model = Supervised(1).fit(rows, labels)
    return model, model.encoded(rows), labels


def test_what_columns_add_sums_to_the_score_but_for_one_constant(fitted):
    model, matrix, _ = fitted
    found = contributions(model, matrix.iloc[:60])
    assert found.sum(axis=1).to_numpy() == pytest.approx(model.scored(matrix.iloc[:60]).to_numpy())
    assert found["rest"].to_numpy() == pytest.approx(np.full(60, found["rest"].iloc[0]), abs=1e-6)
    assert found.drop(columns="rest").abs().sum().idxmax() == "x"


def test_a_forests_steps_are_those_of_every_tree_walked_by_hand(fitted):
    _, matrix, labels = fitted
    forest = Forest().fit(matrix, labels.to_numpy(), 3)
    forest.trees_.estimators_ = forest.trees_.estimators_[:3]
    values = matrix.fillna(forest.middle_).to_numpy(dtype="float32")
    slow = np.zeros(matrix.shape[1])
    for tree in (t.tree_ for t in forest.trees_.estimators_):
        chance, node = tree.value[:, 0, 1] / tree.value[:, 0].sum(axis=1), 0
        while tree.children_left[node] >= 0:
            column = tree.feature[node]
            child = (tree.children_left if values[0, column] <= tree.threshold[node] else tree.children_right)[node]
            slow[column] += (chance[child] - chance[node]) / 3
            node = child
    steps = forest.parts(matrix.iloc[:1])[0]
    assert steps / np.abs(steps).sum() == pytest.approx(slow / np.abs(slow).sum() * np.sign(slow.sum() * steps.sum()), abs=1e-9)


def test_a_stored_forest_is_the_same_bytes_wherever_it_lies_in_memory(fitted):
    import skops.io

    _, matrix, labels = fitted
    forest = Forest().fit(matrix, labels.to_numpy(), 3)
    first, second = skops.io.dumps(forest.trees_), skops.io.dumps(copy.deepcopy(forest.trees_))
    assert first != second and settled(first) == settled(second)


def test_a_challenger_without_anything_to_add_is_not_better():
    rows, labels = book(300)
    blind = labels.sample(frac=1, random_state=2).set_axis(labels.index)
    model = Supervised(1, ("logistic",)).fit(rows, blind)
    told = Challenger(model, rows, pd.DataFrame(0.0, index=model.labels_.index, columns=["flags", "anomaly", "network"]), PRIOR)
    assert told.fusion().weights["learnt"] < 0.5 and told.gain(told.scores(), told.promised())["low"] <= 0


def test_the_card_says_what_each_part_is_worth():
    rows, labels = book(400)
    model = Supervised(1, ("logistic",)).fit(rows, labels)
    flags = pd.Series(np.random.default_rng(3).normal(size=len(model.labels_)), index=model.labels_.index)
    beside = pd.DataFrame({"flags": flags, "anomaly": 0.0, "network": 0.0})
    told = Challenger(model, rows, beside, PRIOR)
    whole, blind = (average_precision(told.truth, s) for s in (told.scores(), told.without("learnt")))
    assert blind < whole - 0.1
    assert average_precision(told.truth, told.without("network")) == whole  # it says nothing here
    night = Past(AS_OF, {})
    about = about_model(night, "claim", told, ("the score as promised", {"value": 0.1}, told.fusion()))
    assert about["metrics"]["ap_without_learnt"] == round(blind, 4) and "| ap_without_flags |" in model_card(about)


def test_the_card_says_what_was_taken_to_be_wrong_and_names_doubtful_verdicts():
    rows, labels = book(400)
    clear = rows.frame["x"].idxmax() if labels[rows.frame["x"].idxmax()] else labels.index[0]
    labels[clear] = 0
    beside = pd.DataFrame(0.0, index=labels.index, columns=["flags", "anomaly", "network"])
    for rates, said in ((Rates(), "none is taken to be wrong"), (Rates(0.1, 0.02), "clear 10.0% of the guilty and to call 2.0%")):
        told = Challenger(Supervised(1, ("logistic",), rates).fit(rows, labels), rows, beside, PRIOR)
        about = about_model(Past(AS_OF, {}), "claim", told, ("the score as promised", {"value": 0.1}, told.fusion()))
        card = model_card(about)
        assert said in card and f"| {clear} | cleared |" in card and f"{about['doubtful']['many']} verdicts are contradicted" in card


def test_learnt_reasons_sum_to_what_the_model_adds(monkeypatch: pytest.MonkeyPatch):
    rows, labels = book(400)
    given = leads_book()
    model = Supervised(1, ("logistic",)).fit(rows, labels)
    monkeypatch.setattr("pipelines.leads.learnt.ready", lambda *_: rows)
    monkeypatch.setattr("pipelines.leads.learnt.labels", lambda *_: labels)
    monkeypatch.setattr("pipelines.leads.learnt.EXPLAINED", 30)
    fusion = Fusion({"flags": 0.5, "anomaly": 1.0, "network": 1.0, "learnt": 0.8}, 0.0, -1.0)
    ids = rows.frame.index[:50]
    reasons = pd.DataFrame({"subject_kind": "claim", "subject_id": ids, "code": "H01", "kind": "flag", "family": "H", "points": 20.0})
    found = with_learnt(given, reasons, Champions({"claim": "d"}, None, {"claim": (model, fusion)}), None, AS_OF)  # type: ignore[arg-type]
    learnt, others = found[found["kind"] == "learnt"], found[found["kind"] != "learnt"]
    wanted = (model.suspicion(rows) + 1.0) * 0.8 * 10 / np.log(2)
    got = learnt.groupby("subject_id")["points"].sum()
    assert got.to_numpy() == pytest.approx(wanted[got.index].to_numpy(), abs=1e-6)
    assert set(got.index) == set(ids) | set(wanted.index[wanted.rank(ascending=False) <= 8]) and (others["points"] == 10.0).all()
    assert (learnt["code"] == "whole").sum() == len(got) - 30 and learnt.loc[learnt["code"] == "x", "value"].notna().all()
    assert learnt.loc[learnt["code"] == "word", "value"].isna().all()


def test_codes_of_encoded_columns():
    names = (
        "fact_make=vw",
        "fact_make_often",
        "near_hospital_rate",
        "near_person_size",
        "flag_H02",
        "flags",
        "its_agent_claims",
        "anomaly",
    )
    codes = ["fact_make", "fact_make", "near_hospital", "near_person", "flags", "flags", "its_agent_claims", "anomaly"]
    assert [code_of(n, ("fact_make",)) for n in names] == codes


def test_champions_name_themselves_and_fall_back_on_the_card():
    card = Card(pd.Series({"A": 1.0}), {"": 0.2, "claim": 0.5}, pd.DataFrame(columns=["proven", "cleared"]))
    model = Supervised(1)
    held = Champions({SCORECARD: "a1", "claim": "b2"}, card, {"claim": (model, Fusion(level=-1.0))})
    assert (held.named("claim"), held.named("person")) == ("scorecard.a1.claim.b2", "scorecard.a1")
    assert (held.level("claim"), held.level("person")) == (-1.0, 0.2)
    assert Champions().named("claim") == "" and Champions().level("claim") == 0.0 and Champions().weight("claim", "learnt") == 0.0
