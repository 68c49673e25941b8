import numpy as np
import pandas as pd
import pytest

from models.columns import evenly, spaced
from models.groups import UPPER, PeerGroups
from models.peers import PeerAnomaly


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
    model = PeerAnomaly().fit(frame)
    z, level = model.distances(frame)
    rate = model.columns_.index("rate")
    assert np.isnan(z[3, rate]) and np.isfinite(z[4, rate]) and level[4, rate] >= 0


def test_statistics_of_groups_are_those_of_a_plain_group_by():
    rng = np.random.default_rng(2)
    frame = pd.DataFrame({"by_a": rng.choice(["x", "y", "z", None], 400), "v": rng.lognormal(0, 1, 400)})
    frame.loc[rng.random(400) < 0.2, "v"] = np.nan
    groups = PeerGroups(2).fit(frame[["v"]].to_numpy(), frame, ["by_a"])
    plain = frame.groupby("by_a")["v"].quantile([0.5, *(share for share, _ in UPPER)]).unstack()
    spread = pd.concat([(plain[share] - plain[0.5]) / sigma for share, sigma in UPPER], axis=1).max(axis=1)
    one = groups.levels_[0]
    names = groups.names_["by_a"][one.groups[one.groups >= 0]]
    assert one.keys == ("by_a",) and set(names) == {"x", "y", "z"}
    np.testing.assert_allclose(one.middle[one.groups >= 0, 0], plain[0.5].reindex(names), rtol=1e-6)
    np.testing.assert_allclose(one.spread[one.groups >= 0, 0], spread.reindex(names), rtol=1e-6)


def test_the_peers_of_a_feature_are_those_that_tell_it_best():
    frame = people(600).assign(by_level=lambda t: np.where(np.arange(len(t)) % 2, "odd", "even"))
    frame = frame.assign(by_trade=np.where(np.arange(600) < 300, "farm", "shop"), line="health")
    frame["rate"] += np.where(frame["by_trade"] == "farm", 3.0, 0.0)
    frame.loc["s0400", "rate"] = 3.5  # ordinary on a farm, unheard of in a shop
    reasons = PeerAnomaly(minimum=200).fit(frame).reasons(frame)  # too few of each trade and level together
    assert reasons.query("subject_id == 's0400' and feature == 'rate'")["peer"].tolist() == ["by_trade=shop"]


def test_all_keys_together_are_asked_where_they_are_many_enough():
    frame = people(800).assign(by_age=lambda t: np.where(np.arange(len(t)) % 2, "old", "young"))
    frame["rate"] += np.where((frame["by_age"] == "old") & (frame["by_level"] == "small"), 2.0, 0.0)
    frame.loc["s0600", "rate"] = 2.5
    model = PeerAnomaly().fit(frame)
    assert model.reasons(frame.loc[["s0600"]])["peer"].tolist() == ["by_age=young & by_level=large"]
    stranger = frame.loc[["s0600"]].assign(by_age="unknown")
    assert model.reasons(stranger)["peer"].tolist() == ["by_level=large"]


def test_a_long_upper_tail_is_not_odd_by_itself():
    """Half the subjects tell the spread of a normal law; of a long tail they would call one in twenty unheard of."""
    rng = np.random.default_rng(5)
    heavy = pd.DataFrame({"wait": rng.pareto(2.0, 4000)})
    z = PeerAnomaly().fit(heavy).distances(heavy)[0][:, 0]
    naive = (heavy["wait"] - heavy["wait"].median()) / (1.4826 * (heavy["wait"] - heavy["wait"].median()).abs().median())
    assert (z > 3.5).mean() < 0.7 * (naive > 3.5).mean()


def test_the_sample_does_not_depend_on_row_order():
    index = pd.Index([f"s{i}" for i in range(1000)])
    shuffled = index[np.random.default_rng(0).permutation(1000)]
    assert set(index[evenly(index, 50)]) == set(shuffled[evenly(shuffled, 50)])


def test_a_sample_is_in_order_evenly_apart_and_all_where_there_are_few() -> None:
    for rows, most in ((0, 5), (1, 5), (7, 7), (7, 100), (20_001, 20_000), (1000, 10), (5, 1)):
        found = spaced(rows, most)
        assert len(found) == len(set(found)) == min(rows, most) and (np.diff(found) > 0).all()
        assert rows <= most or np.ptp(np.diff(found), axis=0) <= 1 if len(found) > 1 else True
    assert spaced(1000, 10)[[0, -1]].tolist() == [0, 999]
