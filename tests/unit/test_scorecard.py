import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize

from models.fusion import probability
from models.scorecard import Scorecard, learn, points

FLAGS = pd.DataFrame({"code": ["A", "B", "C"], "family": ["X", "X", "Y"], "severity": ["high", "high", "low"], "scheme": "s"})


def fired(code: str, subjects: int, line: str = "motor") -> pd.DataFrame:
    return pd.DataFrame({"subject_kind": "claim", "subject_id": [str(i) for i in range(subjects)], "code": code, "line": line})


def base(n: int, line: str = "motor") -> pd.DataFrame:
    return pd.DataFrame({"line": [line], "grain": ["claim"], "n": [n]})


def test_prior_points_by_severity():
    assert points(2.0) == pytest.approx(10.0)
    assert points(20.0) == pytest.approx(43.219, abs=1e-3)
    assert points(0.5) == 0.0


def test_a_flag_that_fires_often_is_worth_less():
    card = Scorecard().fit(fired("A", 500), FLAGS, base(1000))
    assert card.table_["ratio"].tolist() == [2.0]


def test_a_flag_that_always_fires_is_worth_nothing():
    scored = Scorecard().fit(fired("A", 1000), FLAGS, base(1000)).transform(fired("A", 1000))
    assert (scored["points"] == 0).all()


def test_share_is_per_line():
    rows = pd.concat([fired("A", 500), fired("A", 5, "health")])
    card = Scorecard().fit(rows, FLAGS, pd.concat([base(1000), base(100_000, "health")])).table_.set_index("line")
    assert card.loc["health", "ratio"] == 20.0 and card.loc["motor", "ratio"] == 2.0


def test_a_flag_speaks_for_one_scheme_of_many():
    two = FLAGS.assign(scheme=["s", "t", "t"])
    one_scheme = Scorecard().fit(fired("A", 100), FLAGS, base(1000)).table_["ratio"].item()
    two_schemes = Scorecard().fit(fired("A", 100), two, base(1000)).table_["ratio"].item()
    assert (one_scheme, two_schemes) == (pytest.approx(10.0), pytest.approx(5.0))


def test_unknown_base_sets_no_limit():
    nobody = base(1000, "other").assign(grain="person")
    assert Scorecard().fit(fired("A", 500), FLAGS, nobody).table_["ratio"].tolist() == [20.0]


def test_family_cap_is_proportional():
    rows = pd.concat([fired("A", 1), fired("B", 1), fired("C", 1)])
    scored = Scorecard(family_cap=60.0).fit(rows, FLAGS, base(100_000)).transform(rows).set_index("code")["points"]
    assert scored["A"] == scored["B"] == pytest.approx(30.0)
    assert scored["C"] == pytest.approx(10.0)


def test_flags_on_the_same_evidence_share_a_cap():
    rows = pd.concat([fired("A", 2), fired("C", 2), fired("D", 2)])
    cards = pd.DataFrame({"code": ["A", "C", "D"], "family": ["X", "Y", "Z"], "severity": ["high", "high", "low"], "scheme": "s"})
    same = pd.DataFrame({"subject_kind": "claim", "subject_id": ["0"], "code": ["A"], "other": ["C"]})
    scored = Scorecard(family_cap=60.0).fit(rows, cards, base(100_000)).transform(rows, same).set_index(["subject_id", "code"])["points"]
    assert scored["0"].round(3).to_dict() == {"A": 30.0, "C": 30.0, "D": 10.0}
    assert scored["1"].round(3).to_dict() == {"A": 43.219, "C": 43.219, "D": 10.0}


def test_without_a_verdict_nothing_is_corrected():
    assert learn(np.zeros((0, 3)), np.zeros(0), np.zeros(0), 0.7).tolist() == [0.0, 0.0, 0.0]


def test_corrections_are_where_the_slow_obvious_search_finds_them():
    rng = np.random.default_rng(3)
    design, offset, spread = rng.integers(0, 2, (80, 4)).astype(float), rng.normal(0, 1, 80), np.array([0.3, 0.7, 1.5, 0.7])
    labels = (rng.random(80) < 1 / (1 + np.exp(-offset - design @ [0.5, -2.0, 1.0, -3.0]))).astype(int)
    least = np.array([-np.inf, -np.inf, -np.inf, -0.5])

    def loss(c: np.ndarray) -> float:
        odds = offset + design @ c
        return float(
            -np.log(np.where(labels == 1, 1 / (1 + np.exp(-odds)), 1 / (1 + np.exp(odds)))).sum() + 0.5 * ((c / spread) ** 2).sum()
        )

    slow = minimize(loss, np.zeros(4), method="L-BFGS-B", bounds=[(low, None) for low in least], options={"ftol": 1e-15, "gtol": 1e-9})
    found = learn(design, offset, labels, spread, least)
    assert found == pytest.approx(slow.x, abs=1e-4)
    assert found[3] == -0.5 and loss(found) <= slow.fun + 1e-9


@given(proven=st.integers(0, 40), cleared=st.integers(0, 40))
def test_one_flag_moves_to_what_was_seen_and_never_past_it(proven: int, cleared: int):
    promised, rows = 0.8, proven + cleared
    found = learn(np.ones((rows, 1)), np.full(rows, promised), np.repeat([1, 0], [proven, cleared]), 0.7)[0]
    seen = np.log((proven + 1e-9) / (cleared + 1e-9)) - promised if rows else 0.0
    assert min(seen, 0.0) - 1e-6 <= found <= max(seen, 0.0) + 1e-6


def test_more_verdicts_move_a_flag_further():
    moved = [learn(np.ones((n, 1)), np.full(n, 1.0), np.zeros(n), 0.7)[0] for n in (0, 1, 5, 50, 500)]
    assert moved == sorted(moved, reverse=True) and moved[0] == 0.0 and moved[-1] < -3.0


def test_corrected_points_keep_caps_and_never_fall_below_zero():
    rows = pd.concat([fired("A", 1), fired("B", 1), fired("C", 1)])
    corrected = Scorecard(family_cap=60.0).fit(rows, FLAGS, base(100_000), pd.Series({"A": -13.219, "C": -99.0}))
    scored = corrected.transform(rows).set_index("code")
    assert scored["points"].round(3).to_dict() == {"A": pytest.approx(24.583, abs=0.01), "B": pytest.approx(35.417, abs=0.01), "C": 0.0}
    assert scored["kept"].round(3).to_dict() == {"A": 0.819, "B": 0.819, "C": 1.0}


def test_points_double_the_odds():
    low, high = probability(pd.Series([0.0, 10.0]), 0.01)
    assert low == pytest.approx(0.01)
    assert high / (1 - high) == pytest.approx(2 * low / (1 - low))
