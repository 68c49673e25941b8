import pandas as pd
import pytest

from models.fusion import cap_total, probability
from models.scorecard import Scorecard, points, verdict_ratio

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


def test_no_verdict_no_change_and_verdicts_move_towards_the_data():
    prior = pd.Series({"A": 20.0})
    assert verdict_ratio(prior).equals(prior)
    counts = {"confirmed": [0], "cleared": [50], "n_confirmed": [50], "n_cleared": [50]}
    assert verdict_ratio(prior, pd.DataFrame(counts, index=["A"]))["A"] < 1.0
    mild = pd.DataFrame({"confirmed": [19], "cleared": [1], "n_confirmed": [20], "n_cleared": [21]}, index=["A"])
    assert verdict_ratio(prior, mild)["A"] == pytest.approx(20.0, rel=0.05)


def test_points_double_the_odds():
    low, high = probability(pd.Series([0.0, 10.0]), 0.01)
    assert low == pytest.approx(0.01)
    assert high / (1 - high) == pytest.approx(2 * low / (1 - low))


def test_cap_total_keeps_proportions():
    frame = pd.DataFrame({"s": ["a", "a", "b"], "points": [10.0, 20.0, 5.0]})
    assert cap_total(frame, ["s"], 15.0).tolist() == pytest.approx([5.0, 10.0, 5.0])
