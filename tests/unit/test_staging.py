"""Staging: which version of a row a night sees, and which rows and cells it does not see yet."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from features.schema import LINEAGE, TYPES, tables
from pipelines.config import Gate
from pipelines.contracts import deliveries
from pipelines.contracts.admission import Admission
from tests.unit.gates import Desk, Rows, delivery


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path, Gate(tolerance=0.5))


def staged(desk: Desk, as_of: str, admissions: list[Admission], table: str) -> pd.DataFrame:
    """One table as of a night, in order of its key."""
    found = deliveries.stage(desk.engine, desk.context.store, date.fromisoformat(as_of), admissions)
    keys = list(tables()[table].key)
    return desk.engine.con.to_pyarrow(found[table].order_by(keys)).to_pandas()


def claims(desk: Desk, rows: Rows, received: str, **options: object) -> Admission:
    """A delivery of claims."""
    return desk.admit(delivery("claims", received, **options), rows)


def test_all_tables_with_all_columns(desk: Desk) -> None:
    found = deliveries.stage(desk.engine, desk.context.store, date(2025, 2, 1), [claims(desk, [{"claim_id": "c"}], "2025-01-10 18:00")])
    assert list(found) == list(tables())
    for name, table in found.items():
        wanted = {c.name: TYPES[c.type] for c in (*tables()[name].columns, *LINEAGE)}
        assert {n: str(t).split("(6")[0] for n, t in table.schema().items()} == wanted
    assert len(desk.engine.con.to_pyarrow(found["flights"])) == 0


def test_latest_version_before_the_night(desk: Desk) -> None:
    day = {"2025-01-10 18:00": "reported", "2025-01-11 18:00": "open", "2025-01-12 18:00": "paid", "2025-01-13 00:00": "reopened"}
    found = [claims(desk, [{"claim_id": "c", "status": s}, {"claim_id": s}], received) for received, s in day.items()]
    assert staged(desk, "2025-01-13", found, "claims").set_index("claim_id").status["a:c"] == "paid"
    assert staged(desk, "2025-01-12", found, "claims").claim_id.tolist() == ["a:c", "a:open", "a:reported"]
    assert len(staged(desk, "2025-01-10", found, "claims")) == 0


def test_versions_of_keys_with_nulls(desk: Desk) -> None:
    verdicts = [{"subject_kind": "claim", "subject_id": "c", "verdict": v} for v in ("undetermined", "cleared")]
    found = [desk.admit(delivery("outcomes", f"2025-01-1{i}"), [v]) for i, v in enumerate(verdicts)]
    assert staged(desk, "2025-02-01", found, "outcomes").verdict.tolist() == ["cleared"]


def test_snapshot_drops_what_it_lacks(desk: Desk) -> None:
    found = [
        claims(desk, [{"claim_id": "old"}, {"claim_id": "both", "status": "open"}], "2025-01-10"),
        claims(desk, [{"claim_id": "both", "status": "paid"}], "2025-01-11", mode="snapshot"),
        claims(desk, [{"claim_id": "new"}], "2025-01-12"),
        claims(desk, [{"claim_id": "other"}], "2025-01-09", insurer="b"),
    ]
    assert staged(desk, "2025-02-01", found, "claims").claim_id.tolist() == ["a:both", "a:new", "b:other"]
    assert staged(desk, "2025-01-11", found, "claims").claim_id.tolist() == ["a:both", "a:old", "b:other"]


def test_refused_delivery_carries_yesterday_forward(desk: Desk) -> None:
    found = [
        claims(desk, [{"claim_id": "c"}], "2025-01-10", mode="snapshot"),
        claims(desk, [{"claim_id": None}], "2025-01-11", mode="snapshot"),
    ]
    assert found[1].refused
    assert staged(desk, "2025-02-01", found, "claims").claim_id.tolist() == ["a:c"]


CLAIM = {
    "claim_id": "c", "reported_at": "2025-01-05 09:00", "admitted_on": "2025-01-04", "discharged_on": "2025-01-09",
    "closed_on": "2025-01-20", "paid_amount": "10", "claimed_amount": "12", "status": "paid",
}  # fmt: skip


@pytest.mark.parametrize(
    ("as_of", "known"),
    [
        ("2025-01-05", None),
        ("2025-01-06", {"claimed_amount": True, "discharged_on": False, "closed_on": False, "paid_amount": False, "status": False}),
        ("2025-01-10", {"discharged_on": True, "closed_on": False, "paid_amount": False, "status": False}),
        ("2025-01-20", {"closed_on": False, "paid_amount": False}),
        ("2025-01-21", {"closed_on": True, "paid_amount": True, "status": True}),
    ],
)
def test_without_receipt_times_the_columns_say(desk: Desk, as_of: str, known: dict[str, bool] | None) -> None:
    found = [claims(desk, [CLAIM], "2024-12-31", receipted=False)]
    rows = staged(desk, as_of, found, "claims")
    assert len(rows) == (known is not None)
    for column, there in (known or {}).items():
        assert bool(rows[column].notna().iloc[0]) is there


def test_rows_wait_for_their_claim(desk: Desk) -> None:
    found = [
        claims(desk, [CLAIM, {"claim_id": "d"}], "2024-12-31", receipted=False),
        desk.admit(
            delivery("claim_diagnoses", "2024-12-31", receipted=False),
            [{"claim_id": c, "seq": "1", "code": "I10"} for c in ("c", "d", "e")],
        ),
    ]
    assert staged(desk, "2025-01-05", found, "claim_diagnoses").claim_id.tolist() == ["a:d", "a:e"]
    assert staged(desk, "2025-01-06", found, "claim_diagnoses").claim_id.tolist() == ["a:c", "a:d", "a:e"]


def test_orphans_stay_marked(desk: Desk) -> None:
    found = [
        claims(desk, [{"claim_id": "c", "policy_id": "nowhere", "reserve": "-1"}], "2025-01-10"),
        desk.admit(delivery("claim_roles"), [{"claim_id": c, "party_id": "p", "role": "insured"} for c in ("c", "gone")]),
        desk.admit(delivery("parties"), [{"party_id": "p", "parent_id": "h"}, {"party_id": "h", "parent_id": "h"}]),
    ]
    assert staged(desk, "2025-02-01", found, "claim_roles").dq.fillna("").tolist() == ["", "orphan:claim_id"]
    assert staged(desk, "2025-02-01", found, "parties").dq.fillna("").tolist() == ["", ""]
    assert staged(desk, "2025-02-01", found, "claims").dq.tolist() == ["range:reserve"], "policies were not delivered at all"


def test_available(desk: Desk) -> None:
    found = deliveries.stage(desk.engine, desk.context.store, date(2025, 2, 1), [claims(desk, [CLAIM], "2025-01-10")])
    available = deliveries.available(desk.engine, found)
    assert {"claims.claim_id", "claims.paid_amount", "claims.insurer"} <= available
    assert not [n for n in available if not n.startswith("claims.")]
    assert "claims.reserve" not in available
