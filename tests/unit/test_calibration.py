"""Validated links where nobody is in league, and where planted pairs are; the full-sized trial is ``benchmarks.calibration``."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration import Judged, by_truth, judge
from benchmarks.leagues import LEAGUES, MET, plant
from benchmarks.nullworld import Plan, claims, world
from pipelines.config import Links
from pipelines.graph.pairs import PAIRS

PROBE = ("agent-hospital", "garage-phone", "hospital-employer", "hospital-village")
"""Kinds of different units, strata and lines; the others cost time and are in the full-sized trial."""


def rules(**more: object) -> Links:
    return Links(disabled=tuple(p.name for p in PAIRS if p.name not in PROBE), **more)  # type: ignore[arg-type]


def test_null_books_have_hardly_any_link() -> None:
    found = sum((judge(Plan(8_000, seed), rules()).false for seed in range(8)), Counter())
    assert found.total() <= 1


def test_the_yardstick_finds_links_where_place_passes_for_league() -> None:
    """Were chance reckoned without regard to place, the same honest books would be full of links."""
    strata = {"agent-hospital": ("line",), "hospital-employer": ("line",)}
    assert judge(Plan(8_000, 0), rules(strata=strata)).false.total() > 50


def test_planted_leagues_are_found_and_hardly_anything_else() -> None:
    found = [judge(Plan(20_000, seed, 3), rules()) for seed in (20, 21)]
    assert sum((j.true for j in found), Counter()).total() >= 6
    assert sum(j.false.total() for j in found) <= 1


def test_leagues_are_written_into_claims_of_different_families() -> None:
    made = world(Plan(20_000, 3, 2))
    row = claims(made)
    known = plant(made, row)
    assert len(known) >= len(LEAGUES)
    for name, met in known:
        a, b = ("third", "person") if name == "person-person" else name.split("-")
        together = np.ones(len(row["line"]), dtype=bool)
        for kind in (a, b):
            together &= row["home" if kind == "village" else kind] == met[kind][0]
        assert together.sum() >= (6 if name == "person-person" else MET)


def test_the_false_share_counts_what_was_found() -> None:
    assert Judged(Counter(a=1), Counter(a=2, b=1)).false_share == 0.25
    assert Judged(Counter(), Counter()).false_share == 0


def test_links_of_a_night_by_truth(tmp_path: pytest.TempPathFactory) -> None:
    stages, truth = tmp_path / "stages", tmp_path / "truth"  # type: ignore[operator]
    (stages / "graph").mkdir(parents=True)
    truth.mkdir()
    behind = pd.DataFrame(
        {"a_id": list("aaaabbc"), "b_id": list("xxxxyyz"), "claim_id": list("1234567"), "a_kind": "agent", "b_kind": "garage"}
    )
    behind.to_parquet(stages / "graph" / "link_claims.parquet")
    subjects = {"instance": [1, 1, 2], "subject_kind": "claim", "subject_id": ["1", "2", "5"]}
    pd.DataFrame(subjects).to_csv(truth / "subjects.csv", index=False)
    pd.DataFrame({"instance": [1, 2], "planted": [True, False]}).to_csv(truth / "instances.csv", index=False)
    assert by_truth(stages, truth) == {"agent-garage": {"look_alike": 1, "neither": 1, "planted": 1}}
