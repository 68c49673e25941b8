"""H20: long or idle stays that come together at one hospital."""

from datetime import date, timedelta

import ibis
import numpy as np
import pandas as pd
import pytest

from features.book import Book
from pipelines.leads.beds import beds_together, unusual

START = date(2025, 1, 1)
ITEM = {"claim_id": "string", "category": "string", "quantity": "float64", "served_at": "timestamp"}


def stays(odd: int = 7, days: int = 22, **columns: object) -> pd.DataFrame:
    """Three hundred ordinary stays at ten hospitals within a year, and ``odd`` long ones at the first within three months."""
    rng = np.random.default_rng(3)
    usual = pd.DataFrame(
        {
            "hospital_id": [f"hospital:{i % 10}" for i in range(300)],
            "start": rng.integers(0, 360, 300),
            "stay_days": rng.integers(4, 11, 300),
        }
    )
    long = pd.DataFrame({"hospital_id": "hospital:0", "start": 100 + 12 * np.arange(odd), "stay_days": days}).assign(**columns)
    rows = pd.concat([usual, long], ignore_index=True)
    ids = rows.index.astype(str)
    given = {"daily_benefit": 100.0, "hospital_specialty": "general", "chapter": "S-T", "diagnosis": "S80.1"}
    made = rows.assign(
        claim_id="a:" + ids, person_id="person:" + ids, admitted_on=[START + timedelta(days=int(d)) for d in rows.start],
        **{c: rows[c].fillna(v) if c in rows else v for c, v in given.items()},
    )  # fmt: skip
    return made.assign(family_id=made.family_id.fillna(made.person_id) if "family_id" in made else made.person_id)


def book(rows: pd.DataFrame, items: pd.DataFrame | None = None, exempt: bool = False) -> Book:
    leaves = [d + timedelta(days=int(n)) for d, n in zip(rows.admitted_on, rows.stay_days, strict=True)]
    claims = rows[["claim_id", "admitted_on"]].assign(discharged_on=leaves)
    entities = pd.DataFrame({"entity_id": ["hospital:0"], "exempt": [exempt]})
    empty = pd.DataFrame(columns=list(ITEM))
    tables = {
        "claim_view": ibis.memtable(rows.drop(columns="start")),
        "claims": ibis.memtable(claims),
        "claim_items": ibis.memtable(empty if items is None else items[list(ITEM)], schema=ibis.schema(ITEM)),
        "entities": ibis.memtable(entities),
    }
    return Book(tables, date(2026, 1, 1))


def found(given: Book, **settings: float) -> pd.DataFrame:
    rows: pd.DataFrame = beds_together.rule(given, {**beds_together.settings, **settings}).to_pandas()
    return rows


def test_long_stays_of_one_season_name_the_hospital_and_these_stays() -> None:
    rows = found(book(stays()))
    assert set(rows.subject_id) == {"hospital:0"} and set(rows.subject_kind) == {"hospital"}
    assert sorted(rows.evidence_key) == [f"a:{i}" for i in range(300, 307)]
    assert set(rows.value) == {7.0} and rows.limit.iloc[0] < 1


def test_order_of_rows_does_not_matter() -> None:
    rows = stays()
    columns = ["subject_id", "evidence_key", "value", "limit"]
    one, other = (
        found(book(r)).sort_values("evidence_key")[columns].reset_index(drop=True) for r in (rows, rows.sample(frac=1, random_state=1))
    )
    pd.testing.assert_frame_equal(one, other)


@pytest.mark.parametrize(
    ("case", "columns"),
    [
        ("one household of many stays", {"family_id": "person:x"}),
        ("nothing is paid by the day", {"daily_benefit": 0.0}),
        ("as long as all rehabilitation", {"hospital_specialty": "rehabilitation", "hospital_id": "hospital:r"}),
        ("spread over the year", {"start": 50 * np.arange(7)}),
    ],
)
def test_silent(case: str, columns: dict[str, object]) -> None:
    rows = stays(**columns)
    if "hospital_specialty" in columns:
        more = rows.iloc[:60].assign(stay_days=22, claim_id=lambda d: d.claim_id + "r", **columns)
        rows = pd.concat([rows, more], ignore_index=True)
    given = {"days": 30.0} if "start" in columns else {}
    assert found(book(rows), **given).empty


def test_exempt_hospitals_are_not_looked_at() -> None:
    assert found(book(stays(), exempt=True)).empty


def test_the_hospitals_own_habit_is_no_sign() -> None:
    rows = stays()
    own = rows.hospital_id == "hospital:0"
    assert found(book(rows.assign(stay_days=rows.stay_days.where(~own, 22)))).empty


def test_idle_beds_count_like_long_ones() -> None:
    rows = stays(days=8)
    beds = rows[["claim_id", "admitted_on", "stay_days"]].assign(category="bed", quantity=lambda d: d.stay_days.astype(float))
    treated = beds.assign(category="drug", quantity=np.where(rows.index >= 300, 1.0, beds.quantity))
    items = pd.concat([beds, treated]).assign(served_at=lambda d: pd.to_datetime(d.admitted_on))
    assert found(book(rows)).empty
    assert set(found(book(rows, items)).evidence_key) == {f"a:{i}" for i in range(300, 307)}


def test_a_stay_sent_to_two_insurers_is_one_and_kinds_are_compared_with_their_own() -> None:
    rows = stays()
    twice = pd.concat([rows, rows.tail(7).assign(claim_id=lambda d: d.claim_id + "b", daily_benefit=None)], ignore_index=True)
    told = unusual(book(twice), 20).to_pandas()
    assert len(told) == 307 and not told.claim_id.str.endswith("b").any()
    p = told.set_index("claim_id").p
    assert (p.loc[[f"a:{i}" for i in range(300, 307)]] == 7 / 307).all() and p.max() == 1


def test_dealt_out_anew_nothing_is_named_more_often_than_the_level_allows() -> None:
    rows, named = stays(odd=12, days=30), 0
    for seed in range(10):
        mixed = rows.assign(stay_days=rows.stay_days.sample(frac=1, random_state=seed).to_numpy())
        named += found(book(mixed)).subject_id.nunique()
    assert named <= 2
