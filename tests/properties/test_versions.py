"""Versions: deliveries in any order, cut into any pieces, and whatever comes later, give the same night."""

from __future__ import annotations

import tempfile
from datetime import date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.schema import tables
from pipelines.contracts import deliveries
from pipelines.contracts.admission import Admission, rows_path
from pipelines.ids import digest
from tests.unit.gates import Desk

START = datetime(2025, 1, 10, 18)
Part = tuple[int, str, str, dict[str, int]]
"""Day, insurer, mode, and by claim the amount."""

PARTS = st.lists(
    st.tuples(
        st.integers(0, 5),
        st.sampled_from("ab"),
        st.sampled_from(("delta", "delta", "snapshot")),
        st.dictionaries(st.sampled_from("cdefg"), st.integers(0, 99), min_size=1, max_size=4),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda p: (p[0], p[1]),
)
SLOW = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def desk() -> Desk:
    return Desk(Path(tempfile.mkdtemp()))


def stored(desk: Desk, part: Part) -> Admission:
    """Rows in the store as the gate leaves them; the gate itself is tested elsewhere."""
    day, insurer, mode, amounts = part
    received = START + timedelta(days=day)
    name = digest(day, insurer, mode, sorted(amounts.items()))
    admission = Admission(name, name, "test", insurer, "claims", mode, received, True)
    frame = pd.DataFrame({c: None for c in tables()["claims"].names}, index=range(len(amounts)), dtype=object)
    frame = frame.assign(claim_id=[f"{insurer}:{c}" for c in amounts], insurer=insurer, received_at=received, dq=None)
    frame = frame.assign(claimed_amount=list(amounts.values()), source_file=name, source_row=range(len(amounts)), row_sha256="x")
    path = rows_path(desk.context.store, admission)
    path.parent.mkdir(parents=True, exist_ok=True)
    frame.to_parquet(path)
    return admission


def night(desk: Desk, as_of: date, admissions: list[Admission]) -> dict[str, int]:
    """Amount by claim, as a night sees it."""
    claims = deliveries.stage(desk.engine, desk.context.store, as_of, admissions)["claims"]
    rows = desk.engine.con.to_pyarrow(claims.select("claim_id", "claimed_amount")).to_pylist()
    assert len({r["claim_id"] for r in rows}) == len(rows)
    return {r["claim_id"]: int(r["claimed_amount"]) for r in rows}


def oracle(parts: list[Part], as_of: date) -> dict[str, int]:
    """The same, slowly: deliveries one after the other."""
    book: dict[str, int] = {}
    for day, insurer, mode, amounts in sorted(parts):
        if (START + timedelta(days=day)).date() < as_of:
            book = {c: a for c, a in book.items() if mode == "delta" or not c.startswith(insurer)}
            book |= {f"{insurer}:{c}": a for c, a in amounts.items()}
    return book


@SLOW
@given(parts=PARTS, data=st.data())
def test_order_does_not_matter_and_later_is_unseen(desk: Desk, parts: list[Part], data: st.DataObject) -> None:
    as_of = (START + timedelta(days=data.draw(st.integers(0, 6)))).date()
    shuffled = data.draw(st.permutations([stored(desk, p) for p in parts]))
    expected = oracle(parts, as_of)
    assert night(desk, as_of, shuffled) == expected
    before = [a for a in shuffled if a.received_at.date() < as_of]
    assert night(desk, as_of, before) == expected


@SLOW
@given(parts=PARTS)
def test_later_files_are_not_even_opened(desk: Desk, parts: list[Part]) -> None:
    admissions = [stored(desk, p) for p in parts]
    for admission in admissions:
        if admission.received_at.date() >= date(2025, 1, 13):
            rows_path(desk.context.store, admission).write_bytes(b"scrambled")
    assert night(desk, date(2025, 1, 13), admissions) == oracle(parts, date(2025, 1, 13))


@SLOW
@given(amounts=st.dictionaries(st.sampled_from("cdefgh"), st.integers(0, 99), min_size=2), cut=st.integers(1, 5))
def test_a_delivery_in_pieces_is_the_same_book(desk: Desk, amounts: dict[str, int], cut: int) -> None:
    items = list(amounts.items())
    first, second = dict(items[:cut]), dict(items[cut:])
    whole = [stored(desk, (1, "a", "delta", amounts))]
    pieces = [stored(desk, (day, "a", "delta", part)) for day, part in ((0, first), (1, second)) if part]
    assert night(desk, date(2025, 2, 1), pieces) == night(desk, date(2025, 2, 1), whole)
