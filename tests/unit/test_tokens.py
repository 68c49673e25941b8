"""Keyed tokens: equal values give equal tokens, on the engine and in plain Python, and the key stays hidden."""

from __future__ import annotations

import hashlib
import hmac
from pathlib import Path

import ibis
import pyarrow as pa
import pytest

from features.schema import tables
from pipelines.contracts import derive, tokens
from pipelines.contracts.tokens import Secret
from tests.unit.gates import KEY, Desk, delivery


def test_every_token_column_has_a_kind() -> None:
    columns = [c for t in tables().values() for c in t.columns if c.token]
    assert columns
    assert {tokens.kind_of(c) for c in columns} <= set(tokens.NORMALISERS)


def test_token_is_the_documented_construction() -> None:
    inner, outer = (hmac.new(KEY.encode(), f"fraudleads {n}".encode(), hashlib.sha256).hexdigest() for n in ("inner", "outer"))
    first = hashlib.sha256((inner + "phone:13800001234").encode()).hexdigest()
    assert tokens.token("phone", "+86 138 0000 1234", KEY) == hashlib.sha256((outer + first).encode()).hexdigest()[:24]


def test_engine_and_oracle_agree(tmp_path: Path) -> None:
    row = {"party_id": "p1", "name": "张 三", "phone": "+86-10012345678", "id_number": "509901900101001", "account": "6222 01"}
    desk = Desk(tmp_path)
    stored = desk.stored(desk.admit(delivery("parties"), [row])).iloc[0]
    for column in ("name", "phone", "id_number", "account"):
        assert stored[column] == tokens.token(tokens.KINDS[column], row[column], KEY)


def test_many_at_once() -> None:
    assert tokens.tokens("phone", ["10012345678", "+8610012345678", "无"], KEY) == [
        tokens.token("phone", "10012345678", KEY),
        tokens.token("phone", "10012345678", KEY),
        None,
    ]


def test_one_kind_joins_across_tables(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    party = desk.stored(desk.admit(delivery("parties"), [{"party_id": "p", "phone": "10012345678", "account": "62220099"}])).iloc[0]
    claim = desk.stored(desk.admit(delivery("claims"), [{"claim_id": "c", "reporter_phone": "+86 100 1234 5678"}])).iloc[0]
    paid = desk.stored(desk.admit(delivery("claim_payments"), [{"claim_id": "c", "account": "6222-0099"}])).iloc[0]
    known = desk.stored(desk.admit(delivery("outcomes"), [{"subject_kind": "account", "subject_id": "6222 0099"}])).iloc[0]
    assert claim.reporter_phone == party.phone
    assert paid.account == party.account == known.subject_id


def test_kind_and_key_change_the_token() -> None:
    found = {tokens.token("phone", "123456", KEY), tokens.token("account", "123456", KEY), tokens.token("phone", "123456", "other")}
    assert len(found) == 3


def test_key_is_not_shown(tmp_path: Path) -> None:
    secret, desk = Secret.of(KEY), Desk(tmp_path)
    table = secret.attach(ibis.memtable({"v": ["1"]}))
    sql = ibis.to_sql(table.select(t=tokens.expression("phone", table.v, table)), dialect="duckdb")
    for text in (repr(secret), repr(desk.context), str(sql)):
        assert KEY not in text
        assert secret.inner not in text
        assert secret.outer not in text


BASE = "投保人称业务员承诺高额收益现要求全额退保并赔偿利息损失否则将向监管部门持续投诉直至解决为止特此说明"


@pytest.mark.parametrize(
    ("other", "near"), [(BASE.replace("全额", "全部", 1), True), (BASE, True), ("车辆在高速公路追尾前车造成两车受损无人受伤", False)]
)
def test_near_duplicates_share_a_band(other: str, near: bool) -> None:
    first, second = derive.bands(pa.array([BASE, other]), Secret.of(KEY)).to_pylist()
    assert bool(set(first.split()) & set(second.split())) is near


def test_bands_are_keyed_and_silent_on_short_texts() -> None:
    texts = pa.array([BASE, None, "短文"])
    ours, theirs = derive.bands(texts, Secret.of(KEY)).to_pylist(), derive.bands(texts, Secret.of("other")).to_pylist()
    assert ours[1:] == [None, None]
    assert len(ours[0].split()) == derive.BANDS
    assert not set(ours[0].split()) & set(theirs[0].split())
