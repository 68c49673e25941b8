"""The gate: what passes, what is marked, what is held back, what is refused; nothing is lost, and nothing personal is told."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path

import ibis
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.schema import tables
from pipelines.config import Gate
from pipelines.contracts import gate, report, rows, suites
from pipelines.contracts.admission import quarantine_path, rows_path, vault_path
from pipelines.contracts.tokens import Secret
from pipelines.errors import DataError
from tests.unit.gates import KEY, Desk, delivery, text_table


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_typed_and_scoped(desk: Desk) -> None:
    row = {
        "claim_id": "c1", "policy_id": "l1", "event_at": "2025-01-02 10:30", "admitted_on": "2025-01-03", "claimed_amount": "1200.5",
        "status": "open", "event_no": "E1",
    }  # fmt: skip
    admission = desk.admit(delivery("claims"), [row])
    stored = desk.stored(admission).iloc[0]
    assert (stored.claim_id, stored.policy_id, stored.event_no, stored.status) == ("a:c1", "a:l1", "E1", "open")
    assert stored.event_at == pd.Timestamp("2025-01-02 10:30")
    assert float(stored.claimed_amount) == 1200.5
    assert (stored.insurer, stored.source_file, stored.source_row) == ("a", "f.csv", 1)
    assert stored.dq is None or pd.isna(stored.dq)
    assert (admission.rows, admission.accepted, admission.refused) == (1, 1, False)


IMPLAUSIBLE = {
    "claims": [
        ("claimed_amount", "12 yuan", "type"), ("claimed_amount", "1e99", "type"), ("claimed_amount", "-5", "range"),
        ("claimed_amount", "99999999999", "range"), ("event_at", "2025-02-30", "type"), ("event_at", "infinity", "type"),
        ("event_at", "0025-02-01", "range"), ("event_at", "2031-01-01", "future"), ("status", "weird", "code"),
    ],
    "parties": [("beds", "12.7", "type"), ("beds", "-1", "range"), ("gender", "?", "code")],
    "policies": [("gift", "maybe", "type")],
    "claim_items": [("quantity", "nan", "type"), ("quantity", "0x1F", "type")],
}  # fmt: skip


@pytest.mark.parametrize("table", IMPLAUSIBLE)
def test_implausible_passes_with_a_mark(desk: Desk, table: str) -> None:
    cases = IMPLAUSIBLE[table]
    keys = [c.name for c in tables()[table].columns if c.required]
    admission = desk.admit(delivery(table), [{k: str(i) for k in keys} | {column: value} for i, (column, value, _) in enumerate(cases)])
    stored = desk.stored(admission)
    assert stored.dq.tolist() == [f"{rule}:{column}" for column, _, rule in cases]
    assert admission.dq == stored.dq.value_counts().sort_index().to_dict()
    nulls = [bool(pd.isna(stored[column].iloc[i])) for i, (column, _, _) in enumerate(cases)]
    assert nulls == [rule in ("type", "code") for _, _, rule in cases]


def test_end_before_start_and_several_marks(desk: Desk) -> None:
    row = {"claim_id": "c", "admitted_on": "2025-01-05", "discharged_on": "2025-01-01", "reserve": "-1"}
    admission = desk.admit(delivery("claims"), [row, {"claim_id": "d", "reserve": "-1"}])
    assert dict(admission.dq) == {"order:discharged_on": 1, "range:reserve": 2}
    assert set(desk.stored(admission).dq) == {"range:reserve;order:discharged_on", "range:reserve"}
    assert admission.keys["range:reserve"] == ("a:c", "a:d")


def test_future_needs_a_real_receipt(desk: Desk) -> None:
    admission = desk.admit(delivery("claims", receipted=False), [{"claim_id": "c", "event_at": "2031-01-01"}])
    assert not admission.dq


@pytest.mark.parametrize(
    ("row", "rule"),
    [
        ({"claim_id": None, "party_id": "p", "role": "payee"}, "key_null:claim_id"),
        ({"claim_id": "c", "party_id": "p", "role": "ghost"}, "key_code:role"),
        ({"claim_id": "c", "party_id": "p", "role": None}, "key_null:role"),
    ],
)
def test_unkeyed_rows_are_kept_whole(desk: Desk, row: dict[str, str | None], rule: str) -> None:
    admission = desk.admit(delivery("claim_roles"), [{"claim_id": "c", "party_id": "p", "role": "insured"}, row])
    held = desk.held(admission).iloc[0]
    assert (admission.rows, admission.accepted, admission.quarantined, dict(admission.rules)) == (2, 1, 1, {rule: 1})
    assert {n: None if pd.isna(held[f"raw_{n}"]) else held[f"raw_{n}"] for n in row} == row
    assert (held.rule, held.source_row, held.table) == (rule, 2, "claim_roles")
    assert held.message
    assert ("f.csv#2" in held.key) is ("null" in rule)


def test_unreadable_number_in_a_key(desk: Desk) -> None:
    admission = desk.admit(delivery("claim_diagnoses"), [{"claim_id": "c", "seq": "one", "code": "I10"}])
    assert dict(admission.rules) == {"key_type:seq": 1}
    assert desk.held(admission)["raw_code"].tolist() == ["I10"]


def test_field_of_ten_megabytes_is_held_back(desk: Desk) -> None:
    long = "病" * 10_000_000
    admission = desk.admit(delivery("claims"), [{"claim_id": "c", "narrative": long}, {"claim_id": "d", "narrative": "短"}])
    assert dict(admission.rules) == {"oversize": 1}
    assert desk.held(admission)["raw_narrative"].iloc[0] == long
    assert admission.keys["oversize"] == ("a:c",)


def test_repeated_keys(desk: Desk) -> None:
    amounts = ["1", "1", "2", "2"]
    admission = desk.admit(delivery("claims"), [{"claim_id": "c", "claimed_amount": a} for a in amounts] + [{"claim_id": "d"}])
    stored, held = desk.stored(admission), desk.held(admission)
    assert (admission.rows, admission.accepted, admission.repeated, dict(admission.rules)) == (5, 2, 2, {"key_repeated": 1})
    assert stored[["claim_id", "source_row"]].values.tolist() == [["a:c", 4], ["a:d", 5]]
    assert held["raw_claimed_amount"].tolist() == ["1"]


def test_null_in_a_key_repeats_too(desk: Desk) -> None:
    admission = desk.admit(delivery("outcomes"), [{"subject_kind": "claim", "subject_id": "c", "verdict": "cleared"}] * 2)
    assert (admission.accepted, admission.repeated) == (1, 1)


def test_lines_that_are_no_rows_join_the_quarantine(desk: Desk) -> None:
    reject = {"source_file": ["f.csv"], "source_row": [9], "rule": ["csv"], "message": ["too many cells"], "raw": ["a,b,c,d"]}
    admission = desk.admit(delivery("claims"), [{"claim_id": "c"}], ibis.memtable(reject))
    assert (admission.rows, dict(admission.rules), admission.keys["csv"]) == (2, {"csv": 1}, ("f.csv#9",))
    assert desk.held(admission)["line"].tolist() == ["a,b,c,d"]


def test_tolerance_refuses_whole_and_keeps_the_quarantine(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Gate(tolerance=0.0, tolerances={"a/claims": 0.4}))
    half = [{"claim_id": "c"}, {"claim_id": None}]
    refused = desk.admit(delivery("claims"), half)
    assert refused.refused
    assert "50.0%" in refused.reason
    assert not rows_path(desk.context.store, refused).exists()
    assert not vault_path(desk.context.vault, refused).exists()
    assert len(desk.held(refused)) == 1
    third = desk.admit(delivery("claims", "2025-01-11 18:00"), [*half, {"claim_id": "d"}])
    assert not third.refused


def test_empty_is_refused(desk: Desk) -> None:
    admission = gate.admit(desk.engine, delivery("claims"), text_table([{"claim_id": "c"}]).limit(0), desk.context)
    assert (admission.refused, admission.reason) == (True, "no rows")


def test_missing_key_column_is_refused(tmp_path: Path) -> None:
    admission = Desk(tmp_path, Gate()).admit(delivery("claims"), [{"policy_id": "l"}])
    assert admission.refused
    assert dict(admission.rules) == {"key_null:claim_id": 1}


def test_same_delivery_is_judged_once(desk: Desk) -> None:
    of = delivery("claims")
    first = desk.admit(of, [{"claim_id": "c", "reserve": "-1"}])
    again = desk.admit(of, [{"claim_id": "never read"}])
    assert again == first
    assert gate.known(desk.context.store, of) == first
    assert gate.admitted(desk.context.store) == (first,)
    stricter = dataclasses.replace(desk.context, key="another key")
    assert gate.known(desk.context.store, of, stricter.mark) is None


def test_several_deliveries_together_are_as_each_alone(tmp_path: Path) -> None:
    parts = {
        "2025-01-10": [{"claim_id": "c", "narrative": "患者于某日因头晕入院"}],
        "2025-01-11": [{"claim_id": "c", "status": "?"}, {"claim_id": None}],
    }
    ofs = {day: delivery("claims", f"{day} 18:00") for day in parts}
    alone, together = Desk(tmp_path / "alone"), Desk(tmp_path / "together")
    arrivals = [gate.Arrival(ofs[day], text_table(part)) for day, part in parts.items()]
    found = gate.admit_all(together.engine, arrivals, together.context)
    for admission, (day, part) in zip(found, parts.items(), strict=True):
        expected = alone.admit(ofs[day], part)
        assert dataclasses.replace(admission, gx=()) == dataclasses.replace(expected, gx=())
        pd.testing.assert_frame_equal(together.stored(admission), alone.stored(expected))


def test_one_broken_delivery_does_not_refuse_its_neighbours(tmp_path: Path) -> None:
    desk = Desk(tmp_path, Gate(tolerance=0.1))
    arrivals = [
        gate.Arrival(delivery("claims", "2025-01-10"), text_table([{"claim_id": "c"}])),
        gate.Arrival(delivery("claims", "2025-01-11"), text_table([{"claim_id": None}])),
    ]
    assert [a.refused for a in gate.admit_all(desk.engine, arrivals, desk.context)] == [False, True]


def test_engine_failure_says_no_value_and_leaves_nothing(desk: Desk) -> None:
    bad = text_table([{"claim_id": "c", "place": "SECRET-9"}])
    broken = bad.mutate(source_row=bad.place.cast("int64"))
    with pytest.raises(DataError) as caught:
        gate.admit(desk.engine, delivery("claims"), broken, desk.context)
    assert "SECRET" not in str(caught.value)
    assert gate.admitted(desk.context.store) == ()
    assert not list(desk.context.vault.glob(".work*"))


def test_files_are_the_operators_alone(desk: Desk) -> None:
    admission = desk.admit(delivery("parties"), [{"party_id": "p", "name": "张三"}, {"party_id": None}])
    for path in (
        rows_path(desk.context.store, admission),
        quarantine_path(desk.context.quarantine, admission),
        vault_path(desk.context.vault, admission),
    ):
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.parent.stat().st_mode & 0o777 == 0o700


def test_vault_has_every_value_behind_a_token(desk: Desk) -> None:
    admission = desk.admit(delivery("parties"), [{"party_id": "p", "name": "张 三", "account": "6222"}, {"party_id": "q", "name": "张 三"}])
    found = desk.secrets(admission)
    assert sorted(found[["column", "class", "value"]].values.tolist()) == [
        ["parties.account", "SPI", "6222"],
        ["parties.name", "PI", "张 三"],
    ]
    stored = desk.stored(admission)
    assert set(found.token) == {*stored.name, *stored.account.dropna()}


def test_what_the_number_says(desk: Desk) -> None:
    people = [
        {"party_id": "1", "id_type": "resident", "id_number": "509901900101001", "kind": "person"},
        {"party_id": "2", "id_type": "resident", "id_number": "12345", "kind": "person"},
        {"party_id": "3", "id_type": "passport", "id_number": "E1234567", "kind": "person"},
        {"party_id": "4", "id_number": "911101080000000000", "kind": "hospital"},
        {"party_id": "5", "id_number": "123-45-6789", "kind": "person"},
    ]
    stored = desk.stored(desk.admit(delivery("parties"), people))
    assert stored.id_problem.fillna("").tolist() == ["", "length", "", "", ""]
    assert stored.id_region.fillna("").tolist() == ["509901", "", "", "", ""]
    assert stored.id_gender.iloc[0] == "M"


SECRETS = {
    "name": "欧阳测试", "id_number": "509901199001010015", "phone": "10099887766", "address": "重庆市渝中区测试路七号",
    "account": "6222998877665544", "email": "secret@example.cn", "device_id": "DEV-SECRET-1", "licence_no": "LIC-SECRET-2",
    "birth_date": "1987-06-05",
}  # fmt: skip


def test_nothing_personal_is_told(desk: Desk, tmp_path: Path) -> None:
    """Report, sidecar, and the raw results of great-expectations, on rows that break every rule."""
    people = [
        {"party_id": "p1", "kind": SECRETS["name"], "gender": SECRETS["phone"], "beds": SECRETS["account"], **SECRETS},
        {"party_id": SECRETS["phone"], **SECRETS, "income": "-1"},
        {"party_id": SECRETS["phone"], **SECRETS, "income": "-2"},
        {"party_id": None, **SECRETS},
        {"party_id": SECRETS["id_number"], **SECRETS, "income": "-3"},
    ]
    admission = desk.admit(delivery("parties"), people)
    assert admission.quarantined == 2
    report.write([admission], tmp_path / "out")
    told = [p.read_text(encoding="utf-8") for p in ((tmp_path / "out").iterdir(), desk.context.store.rglob("*.json")) for p in p]
    told.append(_raw_results(desk, people))
    for value in SECRETS.values():
        assert not [t for t in told if value in t]
    assert "f.csv#4" in told[0]


def _raw_results(desk: Desk, people: list[dict[str, str | None]]) -> str:
    room = desk.root / "room"
    room.mkdir()
    table = tables()["parties"]
    rows.Batch(desk.engine, table, Secret.of(KEY), room).finish([(delivery("parties"), text_table(people))])
    names = rows._sources(table)
    frame = rows.judged(pq.read_table(room / "finished.parquet").combine_chunks().to_batches()[0], names)
    result = (
        suites._definition().get_batch({"dataframe": frame}).validate(suites._suite("parties", 0.0), result_format=dict(suites.RESULTS))
    )
    assert not result.success
    return json.dumps(result.to_json_dict(), ensure_ascii=False, default=str)


def test_great_expectations_counts_what_the_marks_count(desk: Desk) -> None:
    rows_ = [{"claim_id": str(i), "reserve": str(-(i % 2)), "status": "?" if i % 3 else "open"} for i in range(12)]
    admission = desk.admit(delivery("claims"), rows_)
    failed = {v.rule: v.failed for v in admission.gx}
    assert failed["expect_column_values_to_be_between:reserve"] == admission.dq["range:reserve"] == 6
    assert failed["expect_column_values_to_be_in_set:status"] == admission.dq["code:status"] == 8


def test_no_personal_column_reaches_great_expectations() -> None:
    for table in tables().values():
        assert not [n for n in suites.judged(table) if table.by_column[n].pii]


def test_report_counts(desk: Desk, tmp_path: Path) -> None:
    kept = desk.admit(delivery("claims"), [{"claim_id": "<b>", "reserve": "-1"}, {"claim_id": None}])
    refused = gate.unreadable(delivery("policies"), DataError("damaged gzip", "x", "send again"))
    page = report.write([kept, refused], tmp_path / "out").read_text(encoding="utf-8")
    facts = json.loads((tmp_path / "out" / "validation.json").read_text(encoding="utf-8"))
    assert facts["totals"] == {"rows": 2, "accepted": 1, "quarantined": 1, "repeated": 0, "deliveries": 2, "refused": 1}
    assert "<b>" not in re.sub(r"<style>.*?</style>", "", page)
    assert "damaged gzip" in page
    assert "key_null:claim_id" in page
