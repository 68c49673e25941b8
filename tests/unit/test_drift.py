"""Alarms of drift: seldom false over a whole horizon of nightly looks, soon when something changes, the same for the same night."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models.drift import BETS, LEAST, PARTS, capital_of, ranks, rate_within, staked, watched

NIGHTS, STREAMS, BOOKS, LEVEL = 200, 12, 150, 0.05


def peaks(values: np.ndarray, seed: int = 1) -> np.ndarray:
    """Greatest capital so far of every stream after every night: (nights, streams)."""
    draw = np.random.default_rng(seed)
    stakes, best, told = np.full((values.shape[1], len(BETS)), 1.0 / len(BETS)), np.ones(values.shape[1]), []
    for night, now in enumerate(values):
        stakes = staked(stakes, ranks(values[:night], now, draw.random(len(now))))
        best = np.maximum(best, stakes.sum(axis=1))
        told.append(best)
    return np.array(told)


def test_false_alarms_over_two_hundred_nightly_looks_stay_within_the_level():
    rng = np.random.default_rng(0)
    null = np.exp(rng.standard_t(3, (NIGHTS, BOOKS * STREAMS)))  # heavy tails; ranks do not care
    null[:, ::3] = rng.binomial(5, 0.1, null[:, ::3].shape)  # and figures with many ties
    rung = (peaks(null)[-1].reshape(BOOKS, STREAMS) / STREAMS * LEVEL >= 1).any(axis=1)
    assert rung.mean() <= LEVEL + 2 * np.sqrt(LEVEL * (1 - LEVEL) / BOOKS)


def test_weekends_alone_ring_no_more_often():
    rng = np.random.default_rng(5)
    weekly = rng.normal(size=(NIGHTS, BOOKS * STREAMS)) + 1.5 * (np.arange(NIGHTS) % 7 > 4)[:, None]
    rung = (peaks(weekly)[-1].reshape(BOOKS, STREAMS) / STREAMS * LEVEL >= 1).any(axis=1)
    assert rung.mean() <= LEVEL


@pytest.mark.parametrize(("shift", "within"), [(2.0, 25), (-2.0, 25), (5.0, 12)])
def test_a_change_after_a_hundred_nights_is_told_soon(shift: float, within: int):
    values = np.random.default_rng(2).normal(size=(NIGHTS, 300))
    values[100:] += shift
    rung = peaks(values) / STREAMS * LEVEL >= 1
    assert rung[99].mean() < 0.02 and rung[100 + within].mean() > 0.9


def test_ranks_are_those_of_counting_one_by_one():
    rng = np.random.default_rng(3)
    past, now, draw = rng.integers(0, 4, (30, 5)).astype(float), rng.integers(0, 4, 5).astype(float), rng.random(5)
    past[rng.random(past.shape) < 0.2] = np.nan
    for stream in range(5):
        known = [v for v in past[:, stream] if v == v]
        slow = (sum(v > now[stream] for v in known) + draw[stream] * (1 + sum(v == now[stream] for v in known))) / (len(known) + 1)
        assert ranks(past, now, draw)[stream] == pytest.approx(slow)


def test_a_sequence_of_verdicts_is_watched_as_a_stream_is():
    proven, draws = np.random.default_rng(4).binomial(1, 0.3, 80), np.random.default_rng(5).random(80)
    stakes, slow = np.full((1, len(BETS)), 1.0 / len(BETS)), []
    for i in range(80):
        stakes = staked(stakes, ranks(proven[:i, None].astype(float), proven[i : i + 1].astype(float), draws[i : i + 1]))
        slow.append(stakes.sum())
    assert capital_of(proven, draws) == pytest.approx(slow)


def test_a_verdict_rate_that_falls_is_told_and_one_that_stays_is_not():
    rng = np.random.default_rng(6)
    need = len(PARTS) / LEVEL
    fell = [capital_of(np.r_[rng.binomial(1, 0.5, 200), rng.binomial(1, 0.1, 200)], rng.random(400)).max() for _ in range(30)]
    same = [capital_of(rng.binomial(1, 0.3, 400), rng.random(400)).max() for _ in range(60)]
    assert np.mean(np.array(fell) >= need) > 0.9 and np.mean(np.array(same) >= need) <= 0.05


def test_the_rate_lies_within_its_bounds_at_every_look():
    rng, missed = np.random.default_rng(7), 0
    for _ in range(60):
        low, high = rate_within(rng.binomial(1, 0.2, 300).astype(float), 0.1)
        missed += not low <= 0.2 <= high  # what was given up once never comes back, so the last look knows of all
    assert missed <= 0.1 * 60 + 2 * np.sqrt(0.1 * 0.9 * 60)


def test_rates_that_change_leave_no_rate():
    assert np.isnan(rate_within(np.r_[np.zeros(300), np.ones(300)])[0])


def night(day: int, values: dict[str, float]) -> pd.DataFrame:
    when = f"{pd.Timestamp('2026-01-01') + pd.Timedelta(days=day):%Y-%m-%d}"
    rows = [(s, s.split(":")[0], when, v) for s, v in values.items()]
    return pd.DataFrame(rows, columns=["stream", "part", "night", "value"])


def after(days: int, jump: float = 0.0) -> tuple[pd.DataFrame, pd.DataFrame]:
    state, history = None, pd.DataFrame(columns=["stream", "night", "value"])
    for day in range(1, days + 1):
        tonight = night(day, {"flag:A": day % 3 + (jump if day > 40 else 0.0), "flag:B": float(day % 4)})
        state = watched(state, history, tonight, LEVEL)
        history = pd.concat([history, tonight[["stream", "night", "value"]]])
    assert state is not None
    return state, history


def test_an_alarm_names_its_night_and_stays():
    state, _ = after(70, jump=9.0)
    rung = state.set_index("stream")["since"]
    assert "2026-02-10" < rung["flag:A"] < "2026-03-06" and pd.isna(rung["flag:B"])


def test_the_order_of_rows_plays_no_part():
    state, history = after(20)
    tonight = night(21, {"flag:A": 1.0, "flag:B": 2.0, "score:leads": 0.5})
    one = watched(state, history, tonight, LEVEL)
    other = watched(state.iloc[::-1], history.sample(frac=1, random_state=1), tonight.iloc[::-1], LEVEL)
    pd.testing.assert_frame_equal(one, other, check_dtype=False)


def test_a_stream_that_is_not_observed_keeps_its_capital_but_for_the_spread():
    state, history = after(20)
    later = watched(state, history, night(21, {"flag:A": 1.0}), LEVEL).set_index("stream")
    assert later.loc["flag:B", "nights"] == 20 and later.loc["flag:A", "nights"] == 21 > LEAST
    assert later.loc["flag:B", "capital"] == pytest.approx(state.set_index("stream").loc["flag:B", "capital"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sets(st.integers(0, 30), max_size=8), max_size=8))
def test_weights_of_all_streams_that_ever_come_add_up_to_one_at_most(nights: list[set[int]]):
    state = None
    for day, names in enumerate(nights, 1):
        state = watched(state, None, night(day, {f"{PARTS[n % 4]}:{n}": 0.0 for n in names}), LEVEL)
    assert state is None or state["weight"].sum() <= 1.0 + 1e-9
