"""The shipped mappings on the outside data they are for; skipped where that data is absent."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import ibis
import pytest

from features import schema
from pipelines import config, sources
from pipelines.engine.duckdb import DuckEngine
from pipelines.sources import check, read

DATA = Path(__file__).resolve().parents[2].parent / "shared" / "data"
NAMES = [n for n in sources.SOURCES if n != "book"]
pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason="the outside data sets (../shared/data) are not here")

ROWS = {
    "ifraud": {"claims": 7420, "policies": 5363, "objects": 5363, "claim_objects": 7420, "outcomes": 923},
    "cms_inpatient": {"claims": 9551, "policies": 8351},
    "agents_vendors": {"claims": 10_000, "policies": 10_000, "parties": 11_800},
    "hanwha": {"outcomes": 20_607},
    "cms_provider": {"parties": 5410, "facts": 5410 * 33},
    "fraud_oracle": {"claims": 15_420, "policies": 15_420, "parties": 15_420 + 16, "facts": 15_420 * 31},
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DuckEngine]:
    made = DuckEngine(config.Engine(), tmp_path_factory.mktemp("spill"))
    yield made
    made.close()


@cache
def tables(engine: DuckEngine, name: str) -> dict[str, Any]:
    mapping = sources.load(name)
    found = read.deliveries(mapping, DATA / name)
    made = {d.table: read.text(engine, mapping, d) for d in found}
    assert all(read.rejects(engine, mapping, d) is None for d in found)
    return made


@pytest.mark.parametrize("name", NAMES)
def test_nothing_is_left_over_or_missing(name: str) -> None:
    found = check.check(sources.load(name), DATA / name, [])
    assert {f.origin: (f.left, f.missing) for f in found.files if f.left or f.missing} == {}
    assert found.absent == ()


@pytest.mark.parametrize("name", NAMES)
def test_rows_keys_and_types(engine: DuckEngine, name: str) -> None:
    found = tables(engine, name)
    assert set(found) == set(sources.load(name).tables)
    for table, rows in found.items():
        contract = schema.tables()[table]
        typed = [c for c in contract.source_columns if c.type in ("date", "time", "money", "float", "int")]
        key = ibis.literal("|").join([rows[k].fill_null("") for k in contract.key])
        bad = {f"bad_{c.name}": (rows[c.name].notnull() & rows[c.name].try_cast(c.dtype).isnull()).sum() for c in typed}
        empty = {f"empty_{c.name}": rows[c.name].isnull().sum() for c in contract.columns if c.required}
        (seen,) = rows.aggregate(rows=rows.count(), keys=key.nunique(), **bad, **empty).to_pyarrow().to_pylist()
        assert seen["rows"] == ROWS[name].get(table, seen["rows"]) > 0
        assert seen["keys"] == seen["rows"], f"keys of {table} are not unique"
        assert {n: v for n, v in seen.items() if n.startswith("empty_") and v} == {}
        assert {n: v for n, v in seen.items() if n.startswith("bad_") and v > 0.001 * seen["rows"]} == {}


def _column(name: str, file: str, column: str) -> list[str]:
    with (DATA / name / file).open(encoding="utf-8") as stream:
        return [row[column] for row in csv.DictReader(stream)]


def _verdicts(engine: DuckEngine, name: str) -> dict[str, int]:
    outcomes = tables(engine, name)["outcomes"]
    counted = outcomes.group_by("verdict").aggregate(n=outcomes.count()).to_pyarrow().to_pylist()
    return {r["verdict"]: r["n"] for r in counted}


def test_ifraud_outcomes_are_what_a_center_knows(engine: DuckEngine) -> None:
    judged = _column("ifraud", "labels.csv", "ExpertJudgement")
    assert _verdicts(engine, "ifraud") == {"confirmed": judged.count("True"), "cleared": judged.count("False")}
    read_columns = {c for b in sources.load("ifraud").blocks for c in b.sources()}
    assert not read_columns & {"Fraud", "Rule1", "Rule2", "Rule3"}


def test_ifraud_losses_lie_before_the_moment_the_set_counts_from(engine: DuckEngine) -> None:
    claims = tables(engine, "ifraud")["claims"]
    days = claims.aggregate(first=claims.event_at.min(), last=claims.event_at.max()).to_pyarrow().to_pylist()[0]
    assert days["first"] > "2010" and days["last"] == "2019-12-31"


def test_hanwha_outcomes_are_those_of_the_training_rows(engine: DuckEngine) -> None:
    known = [
        v
        for v, s in zip(_column("hanwha", "customers.csv", "SIU_CUST_YN"), _column("hanwha", "customers.csv", "split"), strict=True)
        if s == "train"
    ]
    assert _verdicts(engine, "hanwha") == {"confirmed": known.count("Y"), "cleared": known.count("N")}


def test_blank_verdicts_are_no_outcomes(engine: DuckEngine) -> None:
    oracle = _column("fraud_oracle", "claims.csv", "FraudFound_P")
    provider = _column("cms_provider", "provider_level.csv", "PotentialFraud")
    assert _verdicts(engine, "fraud_oracle") == {"confirmed": oracle.count("1"), "cleared": oracle.count("0")}
    assert _verdicts(engine, "cms_provider") == {"confirmed": provider.count("Yes"), "cleared": provider.count("No")}


def test_agents_vendors_dates_are_read_day_first(engine: DuckEngine) -> None:
    claims = tables(engine, "agents_vendors")["claims"]
    (row,) = claims.filter(claims.claim_id == "TXN00000001").to_pyarrow().to_pylist()
    raw = _column("agents_vendors", "insurance_data.csv", "LOSS_DT")[0]
    assert row["event_at"][:10] == "-".join(reversed(raw.split("/")))
    assert row["event_at"] < row["reported_at"] < row["closed_on"]
