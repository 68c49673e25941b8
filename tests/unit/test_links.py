"""Validated links: chance gives hardly any, a planted one is found, the arithmetic is scipy's."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pytest
from scipy import stats

from pipelines.graph.links import PAIRS, benjamini_hochberg, links, poisson_tail, validated

COLUMNS = sorted(
    {c for p in PAIRS for c in (p.a_column, p.b_column, p.unit)} | {"insurer", "line", "home_district", "district", "claim_id"}
)


def book(frame: pd.DataFrame) -> dict[str, ir.Table]:
    """claim_view and entities of a frame; what it lacks is null."""
    con = ibis.duckdb.connect(threads=2)
    full = frame.assign(**{c: pd.Series(None, index=frame.index, dtype="str") for c in COLUMNS if c not in frame})
    full = full.assign(amount=1000.0, event_at=pd.Timestamp("2025-01-01"))
    entities = pd.DataFrame({"entity_id": ["person:0"], "family_id": ["person:0"]})
    con.con.register("v", full)
    con.con.register("e", entities)
    view, people = con.table("v"), con.table("e")
    typed = view.select(**{c: view[c].cast("string") for c in COLUMNS}, amount=view.amount, event_at=view.event_at)
    return {"claim_view": typed, "entities": people}


def null_book(seed: int, families: int = 12_000) -> pd.DataFrame:
    """Families at home in forty districts, heavy-tailed local hospitals and agents, everything else chance."""
    rng = np.random.default_rng(seed)
    district = rng.integers(0, 40, families)
    hospital = np.minimum((rng.pareto(1.2, families) * 1.5).astype(int), 5)
    agent = rng.integers(0, 10, families)
    local = rng.random(families) < 0.8
    place = np.where(local, district, rng.integers(0, 40, families))
    frame = pd.DataFrame(
        {"claim_id": [f"A:{i}" for i in range(families)], "family_id": [f"f{i}" for i in range(families)], "line": "health"}
    )
    return frame.assign(
        home_district=[f"5001{d:02d}" for d in district],
        agent_id=[f"agent:{d}-{a}" for d, a in zip(district, agent, strict=True)],
        hospital_id=[f"hospital:{p}-{h}" for p, h in zip(place, hospital, strict=True)],
    )


@pytest.mark.parametrize("seed", [1, 2])
def test_a_null_book_gives_hardly_any_link(seed: int) -> None:
    assert links(book(null_book(seed))).count().execute() <= 1


def planted(n: int, families: int) -> pd.DataFrame:
    """Claims of one agent's customers at one small hospital, of ``families`` families."""
    rows = [
        {"claim_id": f"A:x{i}", "line": "health", "family_id": f"x{i % families}", "home_district": "500107", "agent_id": "agent:7-3"}
        for i in range(n)
    ]
    return pd.DataFrame(rows).assign(hospital_id="hospital:7-9")


def test_a_planted_link_is_found() -> None:
    found = links(book(pd.concat([null_book(3), planted(14, 14)], ignore_index=True))).to_pandas()
    assert ("agent:7-3", "hospital:7-9") in set(zip(found.a_id, found.b_id, strict=True))
    row = found[found.a_id == "agent:7-3"].iloc[0]
    assert row.n >= 14 and row.lift > 2 and row.q < 0.01
    assert row.lift == pytest.approx(row.n / row.expected)
    assert len(found) <= 2


def test_the_claims_behind_a_link_are_told() -> None:
    frame = pd.concat([null_book(3), planted(14, 14)], ignore_index=True)
    tables = validated(book(frame))
    behind = tables["link_claims"].to_pandas()
    found = tables["links"].to_pandas()
    assert {"a_id", "b_id", "a_kind", "b_kind", "claim_id"} == set(behind.columns)
    met = frame.rename(columns={"agent_id": "a_id", "hospital_id": "b_id"}).merge(found[["a_id", "b_id"]])
    assert set(zip(behind.a_id, behind.b_id, behind.claim_id, strict=True)) == set(zip(met.a_id, met.b_id, met.claim_id, strict=True))
    assert {f"A:x{i}" for i in range(14)} <= set(behind.claim_id)


def test_one_family_is_no_link() -> None:
    found = links(book(pd.concat([null_book(3), planted(14, 1)], ignore_index=True))).to_pandas()
    assert "agent:7-3" not in set(found.a_id)


def test_reporting_for_oneself_is_no_link() -> None:
    rows = pd.DataFrame(
        {
            "claim_id": [f"A:{i}" for i in range(200)], "line": "motor", "family_id": [f"person:{i % 20}" for i in range(200)],
            "garage_id": [f"garage:{i % 20}" for i in range(200)], "reporter_id": [f"person:{i % 20}" for i in range(200)],
        }
    )  # fmt: skip
    tables = book(rows)
    own = ibis.memtable({"entity_id": [f"person:{i}" for i in range(20)], "family_id": [f"person:{i}" for i in range(20)]})
    found = links({**tables, "entities": own}, tuple(p for p in PAIRS if p.b == "reporter"))
    assert found.count().execute() == 0


def test_the_tail_is_scipys() -> None:
    n = np.array([1.0, 3, 5, 20, 120])
    expected = np.array([0.5, 0.01, 4.9, 2.0, 60.0])
    assert poisson_tail(n, expected) == pytest.approx(stats.poisson.sf(n - 1, expected), rel=1e-9)


def test_the_correction_is_scipys_with_the_untested_at_one() -> None:
    p = np.array([0.001, 0.04, 0.0002, 0.9])
    padded = stats.false_discovery_control(np.concatenate([p, np.ones(46)]))
    assert benjamini_hochberg(p, 50) == pytest.approx(padded[:4])
