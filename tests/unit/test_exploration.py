"""Exploration takes what teaches most, not twice the same, in an order that rows and machines do not move."""

from itertools import permutations

import numpy as np
import pandas as pd
import pytest

from models.exploration import covariance, most_informative
from pipelines.config import Capacity
from pipelines.errors import UsageError
from pipelines.leads.explore import teachers
from pipelines.leads.priority import rank

AS_OF = pd.Timestamp("2026-01-01")
RNG = np.random.default_rng(0)
SPREAD = np.array([3.0, 1.0, 0.7, 0.7])


def entropy(known: np.ndarray) -> float:
    return float(np.linalg.slogdet(known)[1])


def test_the_covariance_is_the_inverse_of_what_verdicts_and_prior_know():
    rows, chance = RNG.random((20, 4)), RNG.random(20)
    slow = np.diag(1 / SPREAD**2)
    for x, p in zip(rows, chance, strict=True):
        slow = slow + p * (1 - p) * np.outer(x, x)
    assert covariance(rows, chance, SPREAD) == pytest.approx(np.linalg.inv(slow))
    assert covariance(rows[:0], chance[:0], SPREAD) == pytest.approx(np.diag(SPREAD**2))


def test_the_first_case_is_the_one_that_leaves_least_uncertainty():
    rows, chance = (RNG.random((12, 4)) > 0.5).astype(float), RNG.random(12)
    known = covariance(rows[:5], chance[:5], SPREAD)
    left = [entropy(np.linalg.inv(np.linalg.inv(known) + p * (1 - p) * np.outer(x, x))) for x, p in zip(rows, chance, strict=True)]
    assert most_informative(rows, chance, known, 1) == [int(np.argmin(left))]


def test_two_picks_are_nearly_as_good_as_the_best_pair():
    rows, chance = (RNG.random((9, 4)) > 0.5).astype(float), RNG.random(9)
    known = np.diag(SPREAD**2)

    def gain(pair: tuple[int, ...]) -> float:
        at = list(pair)
        return entropy(known) - entropy(np.linalg.inv(np.linalg.inv(known) + (rows[at].T * (chance[at] * (1 - chance[at]))) @ rows[at]))

    assert gain(tuple(most_informative(rows, chance, known, 2))) >= 0.63 * max(map(gain, permutations(range(9), 2)))


def test_ten_of_a_kind_do_not_teach_the_same_ten_times():
    rows = np.repeat(np.eye(2), [10, 1], axis=0)
    chosen = most_informative(rows, np.full(11, 0.5), np.diag([1.2, 1.0]), 2)
    assert chosen[0] < 10 and chosen[1] == 10


def leads(n: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The first half bears flag A, the second flag B."""
    ids = [f"l{i:02}" for i in range(n)]
    table = pd.DataFrame({"lead_id": ids, "subject_kind": "claim", "subject_id": [f"a:{i}" for i in range(n)], "scheme": "s"})
    told = pd.DataFrame({"lead_id": ids, "kind": "flag", "code": ["A"] * (n // 2) + ["B"] * (n - n // 2)})
    return table.assign(probability=0.1), told


def outcomes(subjects: list[str], verdict: str | None = "cleared") -> pd.DataFrame:
    frame = pd.DataFrame({"subject_kind": "claim", "subject_id": subjects, "entity": subjects, "opened_at": AS_OF - pd.Timedelta(days=3)})
    return frame.assign(verdict=pd.Series([verdict] * len(subjects), dtype="string"))


def cases(table: pd.DataFrame) -> pd.DataFrame:
    return table.assign(case_id="c" + table["lead_id"])


@pytest.mark.parametrize("verdict", ["cleared", None])
def test_what_was_looked_into_often_waits_for_what_was_not(verdict: str | None):
    table, told = leads(40)
    known = teachers({"outcomes": outcomes([f"a:{i}" for i in range(12)], verdict)}, table, told, AS_OF)
    chosen = known.choose(cases(table), 3)
    assert min(chosen) >= "cl20" or sum(c >= "cl20" for c in chosen) >= 2
    assert chosen[0] >= "cl20" and not set(chosen) & {f"cl{i:02}" for i in range(12)}


def test_rows_in_any_order_and_the_same_night_choose_the_same_and_another_night_others():
    table, told = leads(40)
    given = {"outcomes": outcomes(["a:1", "a:25"])}
    one = teachers(given, table, told, AS_OF).choose(cases(table), 4)
    mixed = table.sample(frac=1, random_state=1)
    assert teachers(given, mixed, told.sample(frac=1, random_state=2), AS_OF).choose(cases(mixed[::-1]), 4) == one
    assert teachers(given, table, told, AS_OF + pd.Timedelta(days=1)).choose(cases(table), 4) != one


def test_as_long_as_nothing_was_looked_into_a_lot_decides():
    table, told = leads(40)
    chosen = {tuple(teachers({}, table, told, AS_OF + pd.Timedelta(days=d)).choose(cases(table), 3)) for d in range(4)}
    assert len(chosen) == 4 and all(len(c) == 3 for c in chosen)


def test_an_investigation_opened_later_is_not_known():
    table, told = leads(10)
    late = outcomes(["a:1"]).assign(opened_at=AS_OF)
    assert teachers({"outcomes": late}, table, told, AS_OF).judged.empty


def test_places_that_nobody_new_can_fill_stay_with_the_list():
    table, told = leads(40)
    ranked = cases(table).assign(priority=np.arange(40.0)[::-1], deadline=pd.NaT, subjects=1, place=None, grain="claim")
    known = teachers({"outcomes": outcomes([f"a:{i}" for i in range(40)])}, table, told, AS_OF)
    listed = rank(ranked, Capacity(listed=20, explore_share=0.1, grain_share=1.0), known.choose)
    assert listed["listed"].sum() == 20 and not listed["explore"].any()


def test_no_more_than_a_tenth_may_explore():
    with pytest.raises(UsageError):
        Capacity(explore_share=0.2)
