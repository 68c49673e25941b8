import pandas as pd

from pipelines.config import Capacity, Priority
from pipelines.leads.priority import expected_value, rank

AS_OF = pd.Timestamp("2026-01-01")


def case(**change: object) -> dict[str, object]:
    plain = {"probability": 0.2, "preventable": 10_000.0, "amount_paid": 0.0, "line": "health", "hours": 8.0, "deadline": pd.NaT}
    return {**plain, **change}


def value(*rows: dict[str, object], **settings: object) -> list[float]:
    return expected_value(pd.DataFrame(rows), Priority(**settings), AS_OF).tolist()


def many(n: int, **columns: object) -> pd.DataFrame:
    frame = pd.DataFrame(
        {
            "case_id": [f"c{i:03}" for i in range(n)],
            "scheme": "s",
            "grain": "claim",
            "line": "health",
            "deadline": pd.NaT,
            "subjects": 10,
            "place": None,
        }
    )
    return frame.assign(**{"priority": [float(n - i) for i in range(n)], **columns})


def test_more_likely_more_money_fewer_hours_come_first():
    plain, likely, rich, quick = value(case(), case(probability=0.4), case(preventable=40_000.0), case(hours=4.0))
    assert likely > plain and rich > plain and quick > plain


def test_paid_money_counts_for_its_recoverable_share():
    unpaid, paid = value(case(preventable=3_000.0), case(preventable=0.0, amount_paid=10_000.0))
    assert unpaid == paid


def test_money_is_capped_by_line_and_dampened():
    capped, huge = value(case(preventable=20_000.0), case(preventable=1e9), caps={"health": 20_000.0})
    assert capped == huge
    one, hundred = value(case(preventable=2_000.0), case(preventable=200_000.0))
    assert hundred < 20 * one


def test_a_running_term_comes_before_an_equal_case_without():
    plain, due, lapsed = value(case(), case(deadline=pd.Timestamp("2026-01-10")), case(deadline=pd.Timestamp("2025-10-10")))
    assert due > plain == lapsed


def test_no_kind_fills_the_list():
    cases = many(100, grain=["hospital"] * 60 + ["claim"] * 40)
    first = rank(cases, Capacity(hospital_share=0.25, grain_share=1.0)).head(20)
    assert (first["grain"] == "hospital").sum() <= 6


def test_each_further_case_of_a_scheme_is_worth_less():
    cases = many(60, scheme=["s"] * 30 + ["t"] * 30, priority=[10.0] * 30 + [9.0] * 30)
    assert rank(cases, Capacity(grain_share=1.0)).head(10)["scheme"].nunique() == 2


def test_ranks_are_total_and_exploration_is_bounded():
    ordered = rank(many(400), Capacity(listed=200, explore_share=0.05, grain_share=1.0))
    assert ordered["rank"].tolist() == list(range(1, 401))
    assert ordered["listed"].sum() == 200 and ordered["explore"].sum() == 10
    assert not ordered.head(190)["explore"].any()


def test_ties_are_broken_by_deadline_then_id():
    cases = many(3, priority=1.0, deadline=[pd.NaT, pd.Timestamp("2026-02-01"), pd.Timestamp("2026-01-20")])
    assert rank(cases, Capacity(grain_share=1.0))["case_id"].tolist() == ["c002", "c001", "c000"]


def test_fewer_cases_than_places():
    ordered = rank(many(5), Capacity())
    assert ordered["listed"].all() and not ordered["explore"].any()


def test_a_second_case_of_the_scheme_in_the_district_waits_for_the_first_elsewhere():
    cases = many(3, place=["500101", "500101", "500102"], priority=[3.0, 2.9, 2.5])
    assert rank(cases, Capacity(listed=3, explore_share=0.0))["case_id"].tolist() == ["c000", "c002", "c001"]


def test_unknown_districts_are_not_one_district():
    cases = many(3, place=[None, None, "500102"], priority=[3.0, 2.9, 2.5])
    assert rank(cases, Capacity(listed=3, explore_share=0.0))["case_id"].tolist() == ["c000", "c001", "c002"]
