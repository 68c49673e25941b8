"""The list by slots against a slow version that says the rules one by one, and what the rules promise."""

from __future__ import annotations

import math
import random
from dataclasses import replace

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.config import Capacity
from pipelines.leads.priority import NEAR, REPEAT, _worth, rank

PLACES = ("500101", "500112", "510104", "510105", "510700", None)
LINES = ("health", "motor", "cargo", None)
CASE = st.tuples(
    st.sampled_from(("claim", "hospital", "agent")),
    st.sampled_from("st"), st.sampled_from(LINES), st.sampled_from(PLACES), st.integers(1, 9)
)  # fmt: skip
SHARES = st.sampled_from((0.0, 0.05, 0.07, 0.2, 0.3, 0.5, 1.0))
LEAST = st.sampled_from((0.0, 0.05, 0.1, 0.2, 0.3))
NO_BOUNDS = {"lines": {}, "regions": {}, "least_lines": {}, "least_regions": {}}
CAPACITY = st.builds(
    Capacity,
    listed=st.integers(1, 40), explore_share=st.just(0.0), grain_share=st.sampled_from((0.4, 1.0)),
    lines=st.dictionaries(st.sampled_from(("health", "motor")), st.sampled_from((0.3, 0.5))),
    regions=st.dictionaries(st.sampled_from(("50", "51", "5101", "510104")), SHARES),
    least_lines=st.dictionaries(st.sampled_from(("health", "motor", "cargo")), LEAST),
)  # fmt: skip


def frame(drawn: list[tuple[str, str, str | None, str | None, int]]) -> pd.DataFrame:
    cases = pd.DataFrame(drawn, columns=["grain", "scheme", "line", "place", "priority"], dtype=object)
    ids = [f"c{i:03}" for i in range(len(cases))]
    return cases.assign(
        case_id=ids, priority=cases["priority"].astype(float), deadline=pd.NaT, subjects=[1 + i % 3 for i in range(len(ids))]
    )


def region(place: str | None, codes: dict[str, float]) -> str | None:
    return max((c for c in codes if place and place.startswith(c)), key=len, default=None)


class Slow:
    """The rules, one case at a time."""

    def __init__(self, cases: pd.DataFrame, capacity: Capacity) -> None:
        ordered = cases.sort_values(["priority", "case_id"], ascending=[False, True], ignore_index=True)
        self.all = ordered.assign(worth=_worth(ordered)).to_dict("records")
        self.capacity, self.chosen = capacity, list[dict]()
        self.depth = min(capacity.listed, len(cases))

    def full(self, case: dict, kind: str) -> bool:
        share = {
            "line": self.capacity.lines.get(case["line"]),
            "region": self.capacity.regions.get(region(case["place"], self.capacity.regions)),
            "grain": self.capacity.hospital_share if case["grain"] == "hospital" else self.capacity.grain_share,
        }[kind]
        if share is None:
            return False
        of = (lambda c: region(c["place"], self.capacity.regions)) if kind == "region" else (lambda c: c[kind])
        taken, most = sum(of(c) == of(case) for c in self.chosen), round(share * (len(self.chosen) + 1), 9)
        return taken >= (max(1.0, most) if share else 0.0)

    def missing(self, line: str, depth: int, early: float = 0.0) -> int:
        due = math.floor(round(self.capacity.least_lines[line] * depth, 9) + early)
        return max(0, min(due, sum(c["line"] == line for c in self.all)) - sum(c["line"] == line for c in self.chosen))

    def owed(self) -> list[str]:
        for depth in range(len(self.chosen) + 1, self.depth + 1):
            short = {line: self.missing(line, depth) for line in self.capacity.least_lines}
            if sum(short.values()) >= depth - len(self.chosen):
                return [line for line, n in short.items() if n]
        return [line for line in self.capacity.least_lines if self.missing(line, len(self.chosen) + 1, 0.5)]

    def heads(self) -> list[dict]:
        """Of each queue the first that is left."""
        bounded, first = {*self.capacity.lines, *self.capacity.least_lines}, dict[tuple, dict]()
        for case in self.all:
            line = case["line"] if case["line"] in bounded else None
            if case not in self.chosen:
                first.setdefault((case["grain"], case["scheme"], case["place"] or case["case_id"], line), case)
        return list(first.values())

    def value(self, case: dict) -> float:
        told = [c for c in self.chosen if c["scheme"] == case["scheme"]]
        near = [c for c in told if case["place"] and c["place"] == case["place"]]
        return case["worth"] * REPEAT ** len(told) * NEAR ** len(near)

    def order(self) -> list[str]:
        while len(self.chosen) < self.depth:
            left = sorted(self.heads(), key=self.all.index)
            by = {kind: [c for c in left if not self.full(c, kind)] for kind in ("line", "region", "grain")}
            both = [c for c in by["line"] if c in by["region"]]
            owed = [c for c in both if c["line"] in self.owed()]
            free = owed or [c for c in both if c in by["grain"]] or both or by["line"] or left
            self.chosen.append(max(free, key=self.value))
        return [c["case_id"] for c in self.chosen]


DRAWN = st.lists(CASE, min_size=1, max_size=40)


@settings(max_examples=150, deadline=None)
@given(DRAWN, CAPACITY, st.randoms(use_true_random=False))
def test_the_list_is_that_of_the_slow_rules_in_any_order(drawn: list, capacity: Capacity, rng: random.Random) -> None:
    cases = frame(drawn)
    shuffled = cases.iloc[rng.sample(range(len(cases)), len(cases))].reset_index(drop=True)
    listed = rank(shuffled, capacity).head(capacity.listed)
    assert listed["case_id"].tolist() == Slow(cases, capacity).order()


@settings(max_examples=100, deadline=None)
@given(DRAWN, st.sampled_from((0.0, 0.07, 0.2, 0.5)))
def test_a_line_has_no_more_than_its_share_at_any_depth_unless_only_it_is_left(drawn: list, share: float) -> None:
    ordered = rank(frame(drawn), Capacity(listed=40, explore_share=0.0, lines={"motor": share}))
    motor = (ordered["line"] == "motor").to_numpy()
    for depth in range(1, len(motor) + 1):
        if not motor[depth - 1 :].all():
            assert motor[:depth].sum() <= (max(1, math.ceil(round(share * depth, 9))) if share else 0)


@settings(max_examples=100, deadline=None)
@given(DRAWN, st.lists(LEAST, min_size=3, max_size=3))
def test_a_line_has_its_least_share_at_every_depth_as_long_as_it_has_cases(drawn: list, least: list[float]) -> None:
    shares = dict(zip(("health", "motor", "cargo"), least, strict=True))
    ordered = rank(frame(drawn), Capacity(listed=40, explore_share=0.0, least_lines=shares))
    for line, share in shares.items():
        taken = (ordered["line"] == line).cumsum()
        due = [min(math.floor(round(share * n, 9)), taken.iloc[-1]) for n in range(1, len(taken) + 1)]
        assert (taken >= due).all()


@settings(max_examples=50, deadline=None)
@given(DRAWN, CAPACITY)
def test_bounds_that_bind_nothing_change_nothing(drawn: list, capacity: Capacity) -> None:
    cases, plain = frame(drawn), replace(capacity, **NO_BOUNDS)
    loose = replace(plain, regions={"50": 1.0, "5101": 1.0}, least_regions={"51": 0.0})
    assert rank(cases, loose)["case_id"].tolist() == rank(cases, plain)["case_id"].tolist()
