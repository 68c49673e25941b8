from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from models import supervised
from models.encoding import Encoder, ordinal
from models.evaluate import auc, auc_and_precision, average_precision
from models.families import FAMILIES
from models.leakage import LeakError, alarm
from models.money import MoneyAnomaly, payout_column
from models.neighbours import neighbour_rates, rising
from models.supervised import Rows, Supervised, best_subset, weighed
from models.tails import tail

NO_PAIRS = pd.DataFrame(columns=["subject_id", "node", "kind"])


def book(n: int = 600, seed: int = 0) -> tuple[Rows, pd.Series]:
    rng = np.random.default_rng(seed)
    index = pd.Index([f"a:{i:04}" for i in range(n)], name="subject_id")
    frame = pd.DataFrame({"x": rng.normal(size=n), "noise": rng.normal(size=n)}, index=index)
    frame["word"] = pd.Series(rng.choice(["red", "blue", "green"], n), index=index, dtype="object")
    odds = 2.0 * frame["x"] + 2.0 * (frame["word"] == "red") - 2.0
    labels = pd.Series((rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int), index=index)
    return Rows(frame, NO_PAIRS), labels


def test_words_that_say_an_order_are_numbers():
    assert ordinal(["none", "1", "2 to 4", "more than 4"]) == {"none": 0.0, "1": 1.0, "2 to 4": 3.0, "more than 4": 4.4}
    assert ordinal(["Feb", "Jan", "December"]) == {"Feb": 1.0, "Jan": 0.0, "December": 11.0}
    assert ordinal(["red", "blue", "green"]) is None


def test_two_months_give_the_time_between_round_the_year():
    months = ["Jan", "Nov", "Dec"] * 10
    frame = pd.DataFrame({"loss": months, "report": ["Feb", "Jan", "Dec"] * 10}, dtype="object")
    matrix = Encoder().fit(frame).transform(frame)
    assert matrix["loss_to_report"].iloc[:3].tolist() == [1.0, 2.0, 0.0]


def test_a_word_never_seen_is_no_word():
    frame = pd.DataFrame({"word": ["a", "b", "c"] * 20}, dtype="object")
    encoder = Encoder().fit(frame)
    new = encoder.transform(pd.DataFrame({"word": ["z"]}, dtype="object"))
    assert new.filter(like="=").to_numpy().sum() == 0
    assert new["word_often"].isna().all()


def test_learns_numbers_and_words_and_is_calibrated():
    rows, labels = book()
    model = Supervised(1).fit(rows, labels.iloc[:400])
    rest = labels.iloc[400:]
    found = model.suspicion(rows)
    assert auc(rest.to_numpy(), found[rest.index].to_numpy()) > 0.85
    chance = 1 / (1 + np.exp(-model.out_of_fold_))
    assert chance.mean() == pytest.approx(labels.iloc[:400].mean(), abs=0.01)


def test_order_of_rows_changes_nothing():
    rows, labels = book(300)
    shuffled = Rows(rows.frame.sample(frac=1, random_state=3), NO_PAIRS)
    a, b = (Supervised(1, ("boosting",)).fit(r, labels).suspicion(r) for r in (rows, shuffled))
    pd.testing.assert_series_equal(a.sort_index(), b.sort_index())


def test_too_few_verdicts_are_said():
    rows, labels = book(100)
    with pytest.raises(ValueError, match="too few"):
        Supervised().fit(rows, labels.iloc[:10])


def test_permuted_labels_rank_by_chance():
    rows, labels = book(600)
    shuffled = pd.Series(np.random.default_rng(5).permutation(labels.to_numpy()), index=labels.index)
    found = Supervised(1, ("boosting",)).outside(rows, shuffled)["boosting"]
    assert abs(auc(shuffled.to_numpy(), found.to_numpy()) - 0.5) < 0.08


def test_own_label_never_enters_its_own_neighbour_rate():
    pairs = pd.DataFrame({"subject_id": list("abcd"), "node": ["n", "n", "n", "m"], "kind": "garage"})
    labels = pd.Series({"a": 1, "b": 0, "d": 1})
    flipped = labels.copy()
    flipped["a"] = 0
    first, second = (neighbour_rates(pairs, known, pd.Index(list("abcd"))) for known in (labels, flipped))
    base = [labels.mean(), flipped.mean()]
    unshrunk = [f.loc["a", "near_garage_rate"] * 4 - 3 * b for f, b in zip((first, second), base, strict=True)]
    assert unshrunk[0] == pytest.approx(unshrunk[1])
    assert first.loc["c", "near_garage_rate"] > second.loc["c", "near_garage_rate"]
    assert rising(first.columns) == ["near_any_rate", "near_garage_rate", "near_garage_most"]


def test_how_connected_a_subject_is_no_label_says():
    pairs = pd.DataFrame({"subject_id": list("abcaab"), "node": list("nnnmkk"), "kind": ["garage"] * 4 + ["person"] * 2})
    shape = [f"near_any_{c}" for c in ("ties", "crowd", "reach")]
    found = [neighbour_rates(pairs, known, pd.Index(list("abz")))[shape] for known in (pd.Series({"a": 1, "b": 0}), pd.Series({"c": 1}))]
    pd.testing.assert_frame_equal(*found)
    assert np.expm1(found[0]).round(9).to_numpy().tolist() == [[3, 3, 3], [2, 3, 3], [0, 0, 0]]


def test_rates_over_all_ties_are_those_counted_one_by_one():
    rng = np.random.default_rng(8)
    names = pd.Index([f"s{i}" for i in range(30)])
    node, kind = rng.integers(0, 9, 60).astype(str), rng.choice(["x", "y"], 60)
    pairs = pd.DataFrame({"subject_id": rng.choice(names, 60), "node": node, "kind": kind})
    labels = pd.Series(rng.integers(0, 2, 12), index=names[:12])
    found = neighbour_rates(pairs, labels, names)["near_any_rate"]
    nodes = {s: set(map(tuple, part[["node", "kind"]].to_numpy())) for s, part in pairs.groupby("subject_id")}
    for one in names:
        around = [labels[o] for o in labels.index if o != one for _ in nodes.get(o, set()) & nodes.get(one, set())]
        assert found[one] == pytest.approx((sum(around) + 3 * labels.mean()) / (len(around) + 3))


def test_permuted_labels_on_a_network_rank_by_chance():
    rng = np.random.default_rng(2)
    rows, labels = book(600)
    shuffled = pd.Series(rng.permutation(labels.to_numpy()), index=labels.index)
    pairs = pd.DataFrame({"subject_id": labels.index, "node": rng.integers(0, 40, 600).astype(str), "kind": "garage"})
    found = Supervised(1, ("boosting",)).outside(Rows(rows.frame, pairs), shuffled)["boosting"]
    assert abs(auc(shuffled.to_numpy(), found.to_numpy()) - 0.5) < 0.08


def test_what_only_some_foldings_show_is_not_chosen():
    labels = np.array([0, 0, 0, 1, 1, 1])
    good, bad = labels * 1.0, np.array([0.3, 0.9, 0.1, 0.2, 0.8, 0.4])
    first, second = pd.DataFrame({"a": good, "b": bad}), pd.DataFrame({"a": bad, "b": good})
    assert best_subset(labels, first) == ("a",)
    assert best_subset(labels, first, first) == ("a",)
    assert best_subset(labels, first, second) == ("a", "b")


def test_a_column_that_tells_the_labels_is_named():
    rows, labels = book()
    alarm(rows.frame, labels)
    with pytest.raises(LeakError, match="refused_because"):
        alarm(rows.frame.assign(refused_because=labels * 2.0 + 1), labels)
    hole = pd.Series(np.where(labels == 1, 3.0, np.nan), index=labels.index)
    with pytest.raises(LeakError, match="reserve"):
        alarm(rows.frame.assign(reserve=hole + rows.frame["noise"]), labels)


def test_the_best_subset_leaves_noise_out():
    rng = np.random.default_rng(0)
    labels = (rng.random(500) < 0.3).astype(int)
    scores = pd.DataFrame({"good": labels + rng.normal(0, 0.7, 500), "noise": rng.normal(size=500)})
    assert best_subset(labels, scores) == ("good",)
    assert weighed(labels, scores, 1) == {"good": 1.0}


def test_one_sort_ranks_as_two():
    rng = np.random.default_rng(6)
    for many, values in ((3, 2), (50, 4), (400, 30), (400, 10**6)):
        labels = np.r_[0, 1, rng.integers(0, 2, many)]
        scores = rng.integers(0, values, len(labels)) / 7
        assert auc_and_precision(labels, scores) == pytest.approx((auc(labels, scores), average_precision(labels, scores)), abs=1e-12)
    assert np.isnan(auc_and_precision(np.zeros(3), np.arange(3.0))).all()


def test_the_best_subset_is_that_of_the_obvious_loop():
    rng = np.random.default_rng(9)
    labels = (rng.random(300) < 0.3).astype(int)
    scores = pd.DataFrame({f: (labels + rng.normal(0, s, 300)).round(1) for f, s in (("a", 0.8), ("b", 0.9), ("c", 1.0), ("d", 5.0))})
    levelled = (scores - scores.mean()) / scores.std()
    worth = {}
    for subset in (s for size in range(1, 5) for s in combinations("abcd", size)):
        mean = levelled[list(subset)].mean(axis=1).to_numpy()
        worth[subset] = round(auc(labels, mean) + average_precision(labels, mean), 4)
    assert best_subset(labels, scores) == max(worth, key=lambda s: worth[s])


def test_families_that_help_each_other_share_the_weight():
    rng = np.random.default_rng(0)
    labels = (rng.random(800) < 0.3).astype(int)
    scores = pd.DataFrame({f: labels + rng.normal(0, 0.9, 800) for f in ("a", "b")})
    found = weighed(labels, scores, 1)
    assert sum(found.values()) == pytest.approx(1.0) and found["a"] == pytest.approx(0.5, abs=0.1)


def test_scores_in_parts_are_those_of_the_whole(monkeypatch):
    rows, labels = book(300)
    model = Supervised(1).fit(rows, labels)
    whole = model.suspicion(rows)
    monkeypatch.setattr(supervised, "CHUNK", 70)
    pd.testing.assert_series_equal(model.suspicion(rows), whole, rtol=1e-9)
    assert model.suspicion(Rows(rows.frame.iloc[:0], NO_PAIRS)).empty


def test_words_looked_up_once_are_those_looked_up_for_each():
    rng = np.random.default_rng(4)
    words = pd.Series(rng.choice(["none", "1 to 3", "more than 3", "9"], 200), dtype="object").mask(rng.random(200) < 0.2)
    made = Encoder().fit(pd.DataFrame({"w": words})).transform(pd.DataFrame({"w": words}))
    often, order = words.value_counts() / 200, {"none": 0.0, "1 to 3": 2.0, "more than 3": 3.3, "9": 9.0}
    for at, word in words.items():
        assert made.loc[at, "w_often"] == pytest.approx(often.get(word, np.nan), nan_ok=True)
        assert made.loc[at, "w_order"] == pytest.approx(order.get(word, np.nan), nan_ok=True)
        assert {c: made.loc[at, f"w={c}"] for c in order} == {c: float(c == word) for c in order}


def test_tails_are_those_of_two_searches():
    rng = np.random.default_rng(5)
    known = np.sort(rng.poisson(2, 300) / 2.0)
    values = np.r_[rng.poisson(3, 200) / 2.0, -1.0, 0.3, 99.0]
    low, high = (np.searchsorted(known, values, side=side) for side in ("left", "right"))
    slow = -np.log1p(-np.clip((low + high) / 2.0 / len(known), 0.0, 1.0 - 0.5 / len(known)))
    assert (tail(known, values) == slow).all()


def test_money_comes_before_equal_oddity():
    rng = np.random.default_rng(1)
    frame = pd.DataFrame({"paid_amount": rng.lognormal(8, 1.5, 400), "rate": rng.normal(0, 1, 400), "visits": rng.poisson(3, 400)})
    frame.loc[0], frame.loc[1], frame.loc[2] = (1e6, 6.0, 30), (1e3, 6.0, 30), (1e3, 0.0, 3)
    assert payout_column(frame) == "paid_amount"
    found = MoneyAnomaly(trees=50).fit(frame).suspicion(frame)
    assert found[0] > found[1] > found[2]
    assert found.idxmax() == 0


def test_without_money_oddity_alone_is_left():
    frame = pd.DataFrame({"a": [*range(50), 500], "b": [1.0] * 51})
    model = MoneyAnomaly(trees=50).fit(frame)
    assert model.money_ is None and model.columns_ == ["a"]
    assert model.suspicion(frame).idxmax() == 50


def test_a_stored_model_scores_alike_and_holds_no_label(tmp_path):
    rows, labels = book(400)
    model = Supervised(1).fit(rows, labels)
    model.weights_, model.spread_ = dict.fromkeys(FAMILIES, 0.2), dict.fromkeys(FAMILIES, (0.0, 1.0))
    model.members_ = {f: FAMILIES[f]().fit(Encoder().fit(rows.frame).transform(rows.frame), labels.to_numpy(), 1) for f in FAMILIES}
    model.save(tmp_path)
    again = Supervised.load(tmp_path)
    pd.testing.assert_series_equal(again.suspicion(rows, labels), model.suspicion(rows), atol=1e-5, rtol=1e-5)
    assert not [p for p in tmp_path.iterdir() if "a:0001" in p.read_bytes().decode("utf-8", "ignore")]
