"""How accidents are told: with the published errors, and by all of one accident of one accident."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from pipelines.simulate import accidents, claims, people, render, schemes, selling, world
from pipelines.simulate.accidents import ERROR_RATES
from pipelines.simulate.book import NONE, BookBuilder

N = 40_000


@pytest.fixture(scope="module")
def told() -> pd.DataFrame:
    """Claims of events that two insurers heard of, with the number of the true event."""
    book = BookBuilder(5, 12_000, ("one", "two", "three"))
    world.build(book)
    people.populate(book)
    claims.happen(book, selling.sell(book))
    schemes.plant(book)
    truth = pd.concat([pd.DataFrame({"claim_id": c, "event": e}) for c, e in book.truth_event])
    found = book.frame("claims").merge(truth, on="claim_id").assign(insurer=lambda t: t["claim_id"] // 10**9)
    return found[found.groupby("event")["insurer"].transform("nunique") > 1]


def test_errors_are_as_frequent_as_published() -> None:
    rng = np.random.default_rng(1)
    true = np.datetime64("2025-03-04T11:23:47") + np.zeros(N, dtype="timedelta64[s]")
    time = accidents.times(rng, true, true + 9000, ERROR_RATES["time_missing_stay"])
    place = accidents.places(rng, np.arange(N), np.zeros(N, dtype="int64"), ERROR_RATES["place_missing"])
    police = accidents.police(rng, np.full(N, 123_456_789), ERROR_RATES["police_missing"])
    stated = police[police >= 0]
    measured = {
        "time_missing_stay": (time == time.astype("datetime64[D]")).mean(), "place_missing": (place < 0).mean(),
        "place_road_only": (place[place >= 0] % accidents.FORMS == accidents.FORMS - 1).mean(), "police_missing": (police < 0).mean(),
        "police_mistyped": (stated != 123_456_789).mean(),
    }  # fmt: skip
    for name, share in measured.items():
        assert abs(share - ERROR_RATES[name]) < 4 * np.sqrt(ERROR_RATES[name] / N), name


def test_a_time_is_told_about_right_and_never_after_the_report() -> None:
    rng = np.random.default_rng(2)
    true = np.datetime64("2025-03-04T12:00:00") + rng.integers(-30_000, 30_000, N).astype("timedelta64[s]")
    reported = true + rng.integers(0, 20_000, N).astype("timedelta64[s]")
    time = accidents.times(rng, true, reported, 0)
    assert (time <= np.maximum(reported, true)).all()
    assert np.quantile(abs((time - true).astype("int64")), 0.99) < 3600


def test_reports_of_one_accident_state_one_accident(told: pd.DataFrame) -> None:
    timed = told[told["event_at"] != told["event_at"].dt.normalize()]
    span = timed.groupby("event")["event_at"].agg(lambda t: (t.max() - t.min()).total_seconds() / 3600)
    assert span.quantile(0.99) < 2
    placed = told[told["place"] >= 0].groupby("event")["place"]
    assert (placed.agg(lambda p: (p // accidents.FORMS).nunique()) == 1).all()
    assert (placed.nunique() > 1).any()
    known = told[told["police_report_no"] >= 0].groupby("event")["police_report_no"]
    several = known.size() > 1
    assert several.any()
    assert (known.nunique()[several] == 1).mean() > 0.85


def test_both_sides_of_a_crash_may_claim(told: pd.DataFrame) -> None:
    crashes = told[told["admitted_on"].isna()].groupby("event")["insurer"].nunique()
    assert len(crashes) > 30


def test_places_are_written_in_several_ways() -> None:
    number = (16 * 11 + 2) * accidents.DISTRICTS + 11
    written = render.number("place", number * accidents.FORMS + np.arange(accidents.FORMS)).to_pylist()
    assert written == ["重庆市渝北区中山路12号", "渝北区中山路12号附近", "渝北中山路12号门前", "重庆渝北区中山路12号对面", "渝北区中山路"]
    assert render.number("place", np.array([NONE])).to_pylist() == [None]
