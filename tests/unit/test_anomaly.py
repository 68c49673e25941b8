import numpy as np
import pandas as pd
import pytest

from models.anomaly import ForestAnomaly
from models.explain import farthest, replacement
from models.peers import PeerAnomaly


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    values = rng.normal(10, 1, (500, 4))
    values[7, 2], values[11, 0] = 25.0, -10.0
    columns = ["a", "b", "c", "d"]
    return pd.DataFrame(values, columns=columns, index=pd.Index([f"s{i:03}" for i in range(500)], name="subject_id")).assign(line="motor")


@pytest.fixture(scope="module")
def forest(frame: pd.DataFrame) -> ForestAnomaly:
    return ForestAnomaly(PeerAnomaly(), trees=100).fit(frame)


def test_higher_is_more_suspicious_and_low_values_are_not(frame, forest):
    suspicion = forest.suspicion(frame)
    share = suspicion.rank(pct=True)
    assert share["s007"] > 0.99
    assert share["s011"] < 0.9


def test_the_reason_names_the_feature_that_stands_out(frame, forest):
    reason = forest.reasons(frame.loc[["s007"]]).iloc[0]
    assert (reason["subject_id"], reason["feature"], reason["peer"]) == ("s007", "c", "line=motor")
    assert reason["value"] == pytest.approx(25.0)
    assert reason["limit"] == pytest.approx(frame["c"].median(), abs=0.01)
    assert reason["gain"] > 0


def test_row_order_changes_nothing(frame, forest):
    shuffled = frame.sample(frac=1, random_state=5)
    again = ForestAnomaly(PeerAnomaly(), trees=100).fit(shuffled).suspicion(shuffled)
    pd.testing.assert_series_equal(again.sort_index(), forest.suspicion(frame).sort_index())


def test_replacement_of_a_linear_score_gives_its_terms():
    matrix = np.array([[1.0, 2.0], [0.0, -3.0]])
    gains = replacement(lambda m: m @ np.array([2.0, 1.0]), matrix)
    assert gains.tolist() == [[2.0, 2.0], [0.0, -3.0]]
    rows, columns = farthest(gains, most=1)
    assert (rows.tolist(), columns.tolist()) == ([0], [0])
