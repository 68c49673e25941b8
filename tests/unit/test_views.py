import json

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression

from models.evaluate import auc
from models.families import PART, Contrasts, Logistic, usable
from models.line import LOOSE, believed, evidence, line
from models.views import SIZES, Views


def sizes(n: int = 500) -> pd.DataFrame:
    """Money and claims that grow with one size, a rate, a word's column; one value in twenty unknown."""
    rng = np.random.default_rng(4)
    size = rng.lognormal(3, 1.5, n)
    made = pd.DataFrame({
        "money": size * rng.lognormal(5, 0.3, n), "claims": size * rng.lognormal(0, 0.3, n),
        "rate": rng.normal(size=n), "word=a": rng.integers(0, 2, n),
    })  # fmt: skip
    return made.mask(rng.random(made.shape) < 0.05).astype("float32")


def test_ratios_are_found_that_sizes_hide():
    matrix = sizes()
    per_claim = (np.log1p(matrix["money"]) - np.log1p(matrix["claims"])).fillna(5.0)
    labels = (per_claim + np.random.default_rng(1).normal(0, 0.2, len(matrix)) > per_claim.quantile(0.8)).astype(int).to_numpy()
    learn, judge = matrix.iloc[:300], matrix.iloc[300:]
    found, plain = (auc(labels[300:], m.fit(learn, labels[:300], 1).score(judge)) for m in (Contrasts(), Logistic()))
    assert found > plain + 0.1


def test_no_view_has_holes_and_all_are_of_spread_one():
    matrix = sizes()
    seen = Views().fit(matrix).transform(matrix)
    assert np.isfinite(seen).all()
    assert seen.mean(axis=0) == pytest.approx(np.zeros(seen.shape[1]), abs=0.05)
    assert np.abs(seen).max() <= 10.0


def test_a_rank_does_not_depend_on_how_a_number_is_measured():
    matrix = sizes().dropna()[["money"]]
    dearer = np.exp(matrix / matrix.max() * 3)
    a, b = (Views().fit(m)._ranked(m.astype("float64")) for m in (matrix, dearer))
    assert np.abs(a - b).max() < 0.2


def test_ratios_are_made_among_some_columns_only():
    wide = pd.DataFrame(np.random.default_rng(0).random((60, SIZES + 20)).cumsum(axis=1)).rename(columns=str)
    views = Views().fit(wide)
    assert len(views.sizes_) == SIZES
    assert views.transform(wide).shape[1] == 3 * (SIZES + 20) + SIZES + SIZES * (SIZES - 1) // 2


def test_what_was_learnt_is_json():
    matrix = sizes()
    views = Views().fit(matrix)
    again = Views.of(json.loads(json.dumps(views.state())))
    assert again.transform(matrix) == pytest.approx(views.transform(matrix))


def test_what_columns_add_sums_to_the_score():
    matrix = sizes()
    model = Contrasts().fit(matrix, (matrix["rate"].fillna(0.0) > 0.5).astype(int).to_numpy(), 1)
    parts = model.parts(matrix)
    assert parts.shape == matrix.shape
    assert parts.sum(axis=1) + model.base_ == pytest.approx(model.score(matrix))
    assert np.abs(parts).mean(axis=0).argmax() == 2


def test_contrasts_are_the_mean_of_regressions_solved_to_the_end():
    matrix = sizes()
    labels = (matrix["rate"].fillna(0.0) + np.log(matrix["claims"].fillna(20.0)) > 3.5).astype(int).to_numpy()
    model, values = Contrasts().fit(matrix, labels, 1), Views().fit(matrix).transform(matrix)
    slow = LogisticRegression(C=0.1, tol=1e-10, max_iter=10_000).fit(values, labels)  # fewer columns than PART: every part is all of them
    found = model.score(matrix)
    assert values.shape[1] < PART
    assert np.abs(found - slow.decision_function(values)).max() < 0.01


def test_a_line_is_solved_to_the_end():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(400, 12))
    labels = (values[:, 0] + 0.5 * values[:, 1] + rng.normal(size=400) > 0.5).astype(int)
    weights, base = line(values, labels, np.zeros(12, dtype=bool))
    stretch = believed(evidence(values, labels))
    slow = LogisticRegression(C=LOOSE, tol=1e-10, max_iter=100_000).fit(values * stretch, labels)
    assert weights == pytest.approx(slow.coef_[0] * stretch, abs=2e-3)
    assert base == pytest.approx(slow.intercept_[0], abs=2e-3)


def test_few_proven_cases_bear_no_ratios():
    assert usable(("logistic", "contrasts"), np.r_[np.ones(60), np.zeros(900)]) == ("logistic",)
