import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.utils.estimator_checks import check_estimator

from models.anomaly import ForestAnomaly
from models.detector import Detector
from models.detectors import DETECTORS, SeveralAnomaly, families
from models.money import MoneyAnomaly
from models.peers import REASON, PeerAnomaly
from models.residual import ResidualAnomaly
from models.tails import TailAnomaly

FEW = 15
SUMMING = (TailAnomaly(), ResidualAnomaly(), SeveralAnomaly(families=families(FEW, 7)))
EVERY = (PeerAnomaly(), ForestAnomaly(trees=FEW), MoneyAnomaly(trees=FEW), *SUMMING)
AMONG_PEERS = tuple(clone(d).set_params(peers=PeerAnomaly()) for d in (ForestAnomaly(trees=FEW), *SUMMING))


def name(detector: Detector) -> str:
    return type(detector).__name__ + ("_among_peers" if getattr(detector, "peers", None) else "")


def subjects(n: int = 400, seed: int = 3, start: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    size = rng.normal(0, 1, n)
    frame = pd.DataFrame({"visits": size + rng.normal(0, 0.3, n), "days": size + rng.normal(0, 0.3, n), "rate": rng.normal(0, 1, n)})
    return frame.set_index(pd.Index([f"s{start + i:04}" for i in range(n)], name="subject_id"))


def grouped(n: int = 400, seed: int = 3, start: int = 0) -> pd.DataFrame:
    return subjects(n, seed, start).assign(by_level=np.where(np.arange(n) % 2, "small", "large"), line="health")


@pytest.mark.parametrize("detector", [*EVERY, *AMONG_PEERS], ids=name)
def test_scikit_learn_accepts_it(detector):
    check_estimator(detector, on_skip=None)


@pytest.mark.parametrize("detector", [*EVERY, *AMONG_PEERS], ids=name)
def test_new_rows_are_judged_and_explained(detector):
    """What was learnt from some subjects tells of others, one at a time or together, which of their values are out of the way."""
    model = clone(detector).fit(grouped() if hasattr(detector, "peers") or isinstance(detector, PeerAnomaly) else subjects())
    new = grouped(50, 8, start=5000)
    new.loc["s5007", ["visits", "days"]] = 9.0, 8.0
    suspicion = model.suspicion(new)
    assert suspicion.idxmax() == "s5007"
    assert model.suspicion(new.loc[["s5007"]]).iloc[0] == pytest.approx(suspicion["s5007"])
    assert (model.score_samples(new) == -suspicion.to_numpy()).all()
    assert ((model.predict(new) == -1) == (suspicion > -model.offset_)).all()
    reason = model.reasons(new).query("subject_id == 's5007'").iloc[0]
    assert list(reason.index) == REASON
    assert (reason["feature"], reason["value"]) in (("visits", 9.0), ("days", 8.0))
    assert abs(reason["limit"]) < 0.5 and reason["gain"] > 0


@pytest.mark.parametrize("detector", SUMMING, ids=name)
def test_the_parts_sum_to_the_suspicion(detector):
    frame = grouped()
    model = clone(detector).set_params(peers=PeerAnomaly()).fit(frame)
    cells = model.matrix(frame)
    np.testing.assert_allclose(model.gains(cells).sum(axis=1), model.suspicion(frame), rtol=1e-9)
    assert (model.gains(cells) >= 0).all()


def test_a_residual_is_that_of_a_ridge_regression_on_the_other_columns():
    values = subjects().to_numpy()
    model = ResidualAnomaly(ridge=0.1).fit(values)
    level = (model.matrix(pd.DataFrame(values, columns=model.columns_)) - model.mean_) / model.scale_
    others = level[:, 1:]
    slope = np.linalg.solve(others.T @ others / len(level) + 0.1 * np.eye(2), others.T @ level[:, 0] / len(level))
    residual = level[:, 0] - others @ slope
    inverse = np.linalg.inv(level.T @ level / len(level) + 0.1 * np.eye(3))
    np.testing.assert_allclose((level @ model.weights_)[:, 0], residual * np.sqrt(inverse[0, 0]), atol=1e-6)


def test_a_residual_sees_what_single_columns_do_not():
    frame = subjects()
    frame.loc["s0100"] = (-1.5, 1.5, 0.0)  # each value by itself is nothing special
    for detector, best in ((ResidualAnomaly(), True), (TailAnomaly(), False)):
        assert (detector.fit(frame).suspicion(frame).idxmax() == "s0100") is best


def test_a_tail_counts_by_what_it_shares_with_others():
    frame = subjects(2000).assign(noise=np.random.default_rng(1).normal(size=2000))
    model = TailAnomaly().fit(frame)
    weight = dict(zip(model.columns_, model.weights_, strict=True))
    assert weight["visits"] > 3 * weight["noise"] and weight["days"] > 3 * weight["rate"]
    assert sum(weight.values()) == pytest.approx(1.0) and min(weight.values()) >= 0


@pytest.mark.parametrize("detector", [TailAnomaly(), TailAnomaly(PeerAnomaly())], ids=name)
def test_more_is_never_less_suspicious(detector):
    frame = grouped()
    model = detector.fit(frame)
    before = model.suspicion(frame)
    for column in model.columns_:
        assert (model.suspicion(frame.assign(**{column: frame[column] + 0.7})) >= before - 1e-12).all()


def test_families_count_by_their_order_and_not_by_their_unit():
    frame = grouped()
    double = SeveralAnomaly(families=[("a", TailAnomaly(), 1.0), ("b", TailAnomaly(), 2.0)]).fit(frame).suspicion(frame)
    single = SeveralAnomaly(families=[("a", TailAnomaly(), 1.0)]).fit(frame).suspicion(frame)
    np.testing.assert_allclose(double, single)
    assert single.max() == pytest.approx(np.log2(len(frame)))
    assert single.rank().equals(TailAnomaly().fit(frame).suspicion(frame).rank())


def test_what_is_odder_than_all_before_is_more_suspicious_than_they():
    frame = grouped()
    model = SeveralAnomaly(families=families(FEW, 7)).fit(frame)
    odd = pd.DataFrame({"visits": [5.0, 9.0], "days": [-5.0, -9.0], "rate": 0.0, "by_level": "small", "line": "health"}, index=["a", "b"])
    assert model.suspicion(frame).max() < model.suspicion(odd)["a"] < model.suspicion(odd)["b"]


def test_row_order_changes_nothing():
    frame = grouped()
    shuffled = frame.sample(frac=1, random_state=5)
    found = [SeveralAnomaly(PeerAnomaly(), families(FEW, 7)).fit(f).suspicion(f).sort_index() for f in (frame, shuffled)]
    pd.testing.assert_series_equal(*found)


def test_every_family_has_a_name_and_a_weight():
    assert len({n for n, _, _ in DETECTORS}) == len(DETECTORS) > 1
    assert all(weight > 0 for _, _, weight in DETECTORS)


def test_nothing_known_is_refused():
    with pytest.raises(ValueError, match="no column has any value"):
        TailAnomaly().fit(pd.DataFrame({"a": [np.nan] * 9}))
