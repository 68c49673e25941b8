import numpy as np
import pandas as pd
import pytest

from models.peers import PeerAnomaly, evenly


def people(n: int = 300, seed: int = 1) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame({"amount": rng.lognormal(7, 0.8, n), "rate": rng.normal(0.5, 0.05, n)}, index=[f"s{i:04}" for i in range(n)])
    return frame.assign(by_level=np.where(np.arange(n) < n // 2, "small", "large"), line="health").rename_axis("subject_id")


def test_the_reason_names_feature_group_and_both_values():
    frame = people()
    frame.loc["s0003", "rate"] = 1.5
    reason = PeerAnomaly().fit(frame).reasons(frame).iloc[0]
    assert (reason["subject_id"], reason["feature"], reason["peer"]) == ("s0003", "rate", "by_level=small")
    assert reason["value"] == 1.5
    assert reason["limit"] == pytest.approx(frame.query("by_level == 'small'")["rate"].median(), abs=1e-5)


def test_amounts_are_compared_as_logs_and_shown_as_money():
    frame = people()
    frame.loc["s0200", "amount"] = 1e6
    model = PeerAnomaly().fit(frame)
    reason = model.reasons(frame).iloc[0]
    assert "amount" in model.logged_ and "rate" not in model.logged_
    assert reason["limit"] == pytest.approx(frame.query("by_level == 'large'")["amount"].median(), rel=1e-3)


def test_a_small_group_backs_off_to_a_coarser_one():
    frame = people().assign(by_tiny=lambda t: np.where(np.arange(len(t)) < 5, "few", t["by_level"]))
    frame.loc["s0001", "rate"] = 1.5
    reasons = PeerAnomaly(minimum=30).fit(frame).reasons(frame)
    assert reasons.iloc[0]["peer"] == "by_level=small"


def test_silent_where_all_groups_are_small_or_flat():
    few = people(10)
    few.iloc[0, 0] = 1e9
    assert PeerAnomaly(minimum=30).fit(few).reasons(few).empty
    flat = people().assign(rate=0.5, amount=0.0)
    flat.iloc[0, 1] = 9.0
    assert PeerAnomaly().fit(flat).reasons(flat).empty


def test_the_low_side_speaks_only_where_it_is_asked_for():
    frame = people()
    frame.loc["s0003", "rate"] = -0.5
    assert "rate" not in set(PeerAnomaly().fit(frame).reasons(frame)["feature"])
    reason = PeerAnomaly(low=("rate",)).fit(frame).reasons(frame).iloc[0]
    assert reason["feature"] == "rate" and reason["limit"] > 0


def test_missing_values_say_nothing():
    frame = people()
    frame.loc["s0003", "rate"] = np.nan
    z, level = PeerAnomaly().fit(frame).transform(frame)
    assert np.isnan(z.loc["s0003", "rate"]) and np.isfinite(z.loc["s0004", "rate"]) and level.loc["s0004", "rate"] == 0


def test_the_sample_does_not_depend_on_row_order():
    index = pd.Index([f"s{i}" for i in range(1000)])
    shuffled = index[np.random.default_rng(0).permutation(1000)]
    assert set(index[evenly(index, 50)]) == set(shuffled[evenly(shuffled, 50)])
