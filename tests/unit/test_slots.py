"""Bounds by line and region: who counts for what, what gives way to what, what is told of it."""

from __future__ import annotations

import pandas as pd
import pytest

from features.schema import LINES
from pipelines.config import Capacity
from pipelines.flows.nightly import slot_line
from pipelines.leads.priority import places_taken, rank
from pipelines.leads.slots import of_region
from pipelines.report.messages import catalogue
from pipelines.report.quality import notes

REGIONS = {"51": 0.5, "5101": 0.3, "510104": 0.1}


def cases(*lines: str | None, **columns: object) -> pd.DataFrame:
    """The first is worth most; each is a scheme of its own."""
    n = len(lines)
    frame = pd.DataFrame({"case_id": [f"c{i:02}" for i in range(n)], "scheme": [f"s{i}" for i in range(n)], "line": lines})
    return frame.assign(
        **{"grain": "claim", "place": None, "deadline": pd.NaT, "subjects": 1, "priority": [float(n - i) for i in range(n)], **columns}
    )


def order(frame: pd.DataFrame, **shares: object) -> list[int]:
    return [
        int(c[1:]) for c in rank(frame, Capacity(**{"listed": len(frame), "explore_share": 0.0, "grain_share": 1.0, **shares}))["case_id"]
    ]


def test_a_line_that_is_full_waits() -> None:
    frame = cases(*["motor"] * 4, *["health"] * 4)
    assert order(frame) == [0, 1, 2, 3, 4, 5, 6, 7]
    assert order(frame, lines={"motor": 0.25})[:5] == [0, 4, 5, 6, 1]


def test_seven_of_a_hundred_are_seven() -> None:
    first = order(cases(*["motor"] * 100, *["health"] * 100), lines={"motor": 0.07})[:100]
    assert sum(i < 100 for i in first) == 7


def test_a_line_of_share_nothing_comes_when_nothing_else_is_left() -> None:
    assert order(cases("motor", "motor", "health"), lines={"motor": 0.0}) == [2, 0, 1]


def test_a_case_of_no_known_line_or_place_takes_no_slot() -> None:
    frame = cases(None, None, None, "motor", "motor")
    assert order(frame, lines={"motor": 0.2}, regions={"51": 0.0}) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("place", "found"),
    [("510104", "510104"), ("510105", "5101"), ("510700", "51"), ("500112", None), ("451010", None), (None, None)],
)
def test_the_longest_code_counts(place: str | None, found: str | None) -> None:
    told = of_region(pd.DataFrame({"place": [place]}), REGIONS).iloc[0]
    assert told == found or (found is None and pd.isna(told))


def test_a_region_that_is_full_waits() -> None:
    places = ["510104", "510105", "510107", "500112", "500112", "500113"]
    assert order(cases(*["health"] * 6, place=places), regions={"5101": 0.25})[:4] == [0, 3, 4, 5]


def test_slots_by_kind_give_way_before_those_by_line() -> None:
    """All are claims, whose slots are full from the second place on; that opens no place for motor."""
    frame = cases(*["motor"] * 3, *["health"] * 3)
    assert order(frame, grain_share=0.4, lines={"motor": 0.2}) == [0, 3, 4, 5, 1, 2]


def test_slots_by_region_give_way_before_those_by_line() -> None:
    frame = cases("motor", "motor", "health", "health", place=["510104", "500101", "510105", "510107"])
    assert order(frame, lines={"motor": 0.2}, regions={"51": 0.1}) == [0, 2, 3, 1]


def test_a_desk_gets_its_cases_though_they_are_worth_less() -> None:
    frame = cases(*["motor"] * 50, *["health"] * 10)
    assert 50 not in order(frame)[:50]
    first = order(frame, least_lines={"health": 0.1})
    assert sum(i >= 50 for i in first[:50]) == 5 and first[:6] == [0, 1, 2, 3, 50, 4]


def test_desks_that_are_owed_a_place_at_once_all_have_it_in_time() -> None:
    desks = LINES[:10]
    frame = cases(*["motor"] * 20, *desks)
    assert "motor" in desks
    first = frame["line"].iloc[order(frame, least_lines=dict.fromkeys(desks, 0.1))[:10]]
    assert set(first) == set(desks)


def test_a_desk_has_its_place_though_its_region_is_full_at_the_last_moment() -> None:
    frame = cases(*["motor"] * 10, *["health"] * 10, "cargo", place=[*["500112"] * 10, *["510104"] * 10, "500112"])
    first = order(frame, least_lines={"cargo": 0.1}, regions={"5001": 0.3})[:10]
    assert first.index(20) == 6 and sum(i < 10 for i in first) == 2


def test_a_desk_without_cases_keeps_no_place() -> None:
    assert order(cases("motor", "motor", "motor", "health"), least_lines={"cargo": 1.0}) == [0, 1, 2, 3]


def test_a_region_has_its_least_share() -> None:
    places = ["510104"] * 4 + ["500112"]
    assert order(cases(*["health"] * 5, place=places), least_regions={"5001": 0.4})[:2] == [0, 4]


def told() -> list[dict[str, object]]:
    capacity = Capacity(cases=5, listed=8, explore_share=0.0, grain_share=1.0, lines={"motor": 0.2}, least_regions={"51": 0.4})
    ranked = rank(cases(*["motor"] * 4, *["health"] * 4, place=["500112"] * 6 + ["510104"] * 2), capacity)
    return places_taken(ranked, capacity).to_dict("records")


def test_what_each_took_and_what_waits_is_counted() -> None:
    motor, sichuan = told()
    assert (motor["kind"], motor["name"], motor["bound"], motor["taken"], motor["places"], motor["waiting"]) == (
        "line",
        "motor",
        "most",
        1,
        5,
        3,
    )
    assert (sichuan["kind"], sichuan["name"], sichuan["bound"], sichuan["taken"], sichuan["waiting"]) == ("region", "51", "least", 2, 0)
    assert places_taken(rank(cases("motor"), Capacity()), Capacity()).empty


def test_people_are_told_in_both_languages_and_nothing_where_nothing_is_bounded() -> None:
    (note,) = notes({"slots": told()}, catalogue())
    assert [line["en"] for line in note.lines] == [
        "Motor: at most 20 %, 1 of tonight's 5 places; 3 more would be among them without these bounds",
        "Region 51: at least 40 %, 2 of tonight's 5 places",
    ]
    assert note.lines[0]["zh"].startswith("车险：最多 20%，今晚 5 个名额中占 1 个；")
    assert [slot_line(s) for s in told()] == [
        "line motor (at most 20 %): 1 of 5 places, 3 cases wait",
        "region 51 (at least 40 %): 2 of 5 places",
    ]
    assert notes({"slots": []}, catalogue()) == []
