"""Wrong verdicts: what is learnt in place of them, and which are named for a second look."""

import numpy as np
import pandas as pd
import pytest

from benchmarks import noisy, predicted
from models.boosting import boosted
from models.evaluate import auc
from models.families import FAMILIES
from models.line import doubled, ridge
from models.noise import NONE, Rates, calibrated, called, doubtful, guilty, second_looks, targets
from models.supervised import Rows, Supervised
from pipelines import config
from pipelines.errors import UsageError

WRONG, QUICK = Rates(0.3, 0.05), ("logistic", "forest")


def book(seed: int, n: int = 1600) -> tuple[Rows, pd.Series, pd.Series]:
    """Subjects, the truth of all, and verdicts of whom ``WRONG`` are wrong."""
    rng = np.random.default_rng(seed)
    index = pd.Index([f"a:{i:04}" for i in range(n)], name="subject_id")
    frame = pd.DataFrame(rng.normal(size=(n, 12)), index=index, columns=[f"x{i:02}" for i in range(12)])
    odds = 2.5 * frame["x00"] + 1.5 * frame["x01"] + frame["x02"] * frame["x03"] - 3.5
    truth = pd.Series((rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int), index=index)
    wrong = rng.random(n) < np.where(truth == 1, WRONG.missed, WRONG.accused)
    return Rows(frame, pd.DataFrame(columns=["subject_id", "node", "kind"])), truth, truth.where(~wrong, 1 - truth)


def test_stated_rates_rank_and_foretell_better_than_verdicts_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.supervised.AGAIN", 1)
    gains, losses = [], []
    for seed in (1, 2, 3):
        rows, truth, verdicts = book(seed)
        known, rest = verdicts.iloc[:800], truth.iloc[800:]
        plain, soft = (Supervised(seed, ("boosting",), r).fit(rows, known).suspicion(rows)[rest.index] for r in (NONE, WRONG))
        gains.append(auc(rest.to_numpy(), soft.to_numpy()) - auc(rest.to_numpy(), plain.to_numpy()))
        losses.append(np.diff([(np.logaddexp(0, s) - rest * s).mean() for s in (plain, soft)])[0])
    assert min(gains) > 0 and max(losses) < 0


def test_where_none_is_wrong_nothing_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("models.supervised.AGAIN", 1)
    rows, _, verdicts = book(1, 600)
    plain, none = (Supervised(1, QUICK, *r).fit(rows, verdicts).suspicion(rows) for r in ((), (Rates(0.0, 0.0),)))
    pd.testing.assert_series_equal(plain, none, check_exact=True)
    assert (targets(rows.frame, verdicts.to_numpy(), NONE, 1) == verdicts.to_numpy()).all()
    assert (guilty(verdicts.to_numpy(), np.full(600, 0.2), NONE) == verdicts.to_numpy()).all()


def test_guilt_is_that_of_bayes() -> None:
    # Of a hundred, twenty guilty: fourteen and four of the eighty innocent are called proven.
    found = guilty(np.array([1, 0]), np.array([0.18, 0.18]), WRONG)
    assert found == pytest.approx([14 / 18, 6 / 82])


def test_half_a_label_is_half_a_subject() -> None:
    rng = np.random.default_rng(0)
    values, soft = rng.normal(size=(200, 3)), rng.random(200)
    twice = ridge(np.vstack([values, values]), np.r_[np.ones(200), np.zeros(200)], 1.0)
    halves = ridge(values, np.full(200, 0.5), 2.0)
    assert halves[0] == pytest.approx(twice[0], abs=1e-6)
    _, told, weight = doubled(soft)
    assert len(told) == 400 and weight is not None and weight @ told == pytest.approx(soft.sum())
    assert doubled(np.array([0, 1]))[2] is None


@pytest.mark.parametrize("name", FAMILIES)
def test_reasons_sum_to_the_score_of_what_learnt_from_chances(name: str) -> None:
    rows, _, verdicts = book(1, 500)
    matrix = rows.frame.astype("float32")
    model = FAMILIES[name]().fit(matrix, targets(matrix, verdicts.to_numpy(), WRONG, 1), 1)
    rest = model.score(matrix) - model.parts(matrix).sum(axis=1)
    assert np.ptp(rest) < 1e-4 and np.ptp(model.score(matrix)) > 0.5


def test_more_of_a_rising_column_is_never_less_suspicious_by_chances_either() -> None:
    rng = np.random.default_rng(0)
    matrix = pd.DataFrame({"flags": rng.integers(0, 4, 400), "x": rng.normal(size=400)}).astype("float32")
    falling = np.clip(0.8 - 0.2 * matrix["flags"].to_numpy() + rng.normal(0, 0.05, 400), 0, 1)
    ladder = np.column_stack((np.arange(4), np.zeros(4))).astype("float32")
    assert (np.diff(boosted(matrix, falling, ["flags"], 1).predict(ladder, raw_score=True)) >= 0).all()
    assert (np.diff(boosted(matrix, falling, [], 1).predict(ladder, raw_score=True)) < 0).any()


def test_the_line_of_calibration_is_that_of_guilt() -> None:
    rng = np.random.default_rng(5)
    odds = rng.normal(-2.0, 2.0, 40_000)
    truth = rng.random(40_000) < 1 / (1 + np.exp(-odds))
    verdicts = np.where(rng.random(40_000) < np.where(truth, WRONG.missed, WRONG.accused), ~truth, truth).astype(int)
    base, slope = calibrated(verdicts, odds, WRONG)
    assert (base, slope) == (pytest.approx(0.0, abs=0.1), pytest.approx(1.0, abs=0.1))
    assert calibrated(verdicts, odds)[1] < 0.6
    assert (1 / (1 + np.exp(-called(odds, WRONG)))).mean() == pytest.approx(verdicts.mean(), abs=0.01)


def test_doubtful_verdicts_are_those_that_were_turned_over() -> None:
    rng = np.random.default_rng(2)
    odds = pd.Series(rng.normal(-1.0, 3.0, 400), index=[f"s{i:03}" for i in range(400)])
    verdicts = (odds > 0).astype(int)
    turned = [odds.idxmax(), odds.idxmin()]
    verdicts[turned] = 1 - verdicts[turned]
    looks = second_looks(verdicts, odds)
    assert set(turned) <= set(looks["subject_id"]) and looks.iloc[0]["subject_id"] == turned[0]
    assert looks.attrs["many"] == doubtful(verdicts.to_numpy(), 1 / (1 + np.exp(-odds.to_numpy()))).sum() < 40


def test_rates_under_which_verdicts_say_nothing_are_refused() -> None:
    with pytest.raises(UsageError, match=r"scoring\.missed"):
        config.Scoring(missed=0.6, accused=0.4)


def test_stated_shares_are_turned_over_and_hard_cases_more_often() -> None:
    truth, easy = np.repeat([1, 0], [100, 900]), np.linspace(0.9, 0.1, 1000)
    even, hard = (noisy.turned(truth, noisy.Noise(WRONG, h), easy, np.random.default_rng(1)) for h in (False, True))
    assert [(t[:100] == 0).sum() for t in (even, hard)] == [30, 30] and [t[100:].sum() for t in (even, hard)] == [45, 45]
    wrong = hard != truth
    assert easy[:100][wrong[:100]].mean() < easy[:100].mean() and easy[100:][wrong[100:]].mean() > easy[100:].mean()


def test_ways_to_learn_from_wrong_verdicts_are_judged_by_right_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(noisy, "NOISES", {"none": noisy.Noise(NONE), "many": noisy.Noise(WRONG)})
    monkeypatch.setattr(noisy, "WAYS", {n: noisy.WAYS[n] for n in ("verdicts as they are", "soft targets, rates stated")})
    monkeypatch.setattr(noisy, "LEARNT", 800)
    rows, truth, _ = book(4)
    found = noisy.compared(rows, truth, (1, 2))
    plain, soft = (np.array(found["many"]["ways"][n]) for n in noisy.WAYS)
    assert found["none"]["ways"]["verdicts as they are"] == found["none"]["ways"]["soft targets, rates stated"]
    assert (soft[:, 2] < plain[:, 2]).all()
    assert found["many"]["looks"][0] > 2 * found["many"]["looks"][1]
    text = predicted._noisy("x", found)
    assert f"{soft[:, 0].mean():.3f} ({(soft - plain)[:, 0].mean():+.3f}" in text
