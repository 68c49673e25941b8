import numpy as np
from sklearn.linear_model import LogisticRegression

from models.evaluate import auc
from models.line import evidence, line

NO_SIGN = np.zeros(100, dtype=bool)


def drawn(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A hundred columns, three of which say something, and few proven cases."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(rows, 100))
    odds = values[:, :3] @ np.array([1.0, -1.0, 0.7]) - 2.5
    return values, (rng.random(rows) < 1 / (1 + np.exp(-odds))).astype(int)


def test_three_columns_of_a_hundred_are_found_from_few_cases_better_than_by_a_plain_ridge():
    values, labels = drawn(4000, 1)
    gains = []
    for first in range(0, 3000, 500):
        some = slice(first, first + 500)
        weights, _ = line(values[some], labels[some], NO_SIGN)
        plain = LogisticRegression(C=0.03).fit(values[some], labels[some]).coef_[0]
        rest = np.r_[0:first, first + 500 : 4000]
        gains.append(auc(labels[rest], values[rest] @ weights) - auc(labels[rest], values[rest] @ plain))
    assert np.mean(gains) > 0.01


def test_a_column_of_known_sign_never_clears():
    values, labels = drawn(1000, 2)
    rising = NO_SIGN.copy()
    rising[:50] = True
    weights, _ = line(values, labels, rising)
    assert weights[0] > 0 and weights[1] == 0 and (weights[rising] >= 0).all() and (weights[50:] < 0).any()


def test_evidence_is_about_standard_normal_where_nothing_is_said_and_nought_for_a_constant():
    values, labels = drawn(2000, 3)
    z = evidence(np.column_stack([values[:, 3:], np.ones(2000)]), labels)
    assert abs(z[:-1].std() - 1.0) < 0.25 and abs(z[:-1].mean()) < 0.35 and z[-1] == 0.0
