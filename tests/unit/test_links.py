"""Validated links: chance gives hardly any, a planted one is found, the arithmetic is scipy's."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from scipy import stats

from pipelines.config import Links
from pipelines.errors import UsageError
from pipelines.graph.chance import benjamini_hochberg, poisson_tail
from pipelines.graph.links import validated
from pipelines.graph.pairs import PAIRS, chosen

PARTIES = {c for p in PAIRS for c in (p.a_column, p.b_column)} - {"", "village", "agency_id"}
COLUMNS = sorted(
    PARTIES
    | {"insurer", "line", "home_district", "district", "claim_id", "event_id", "family_id", "group_id", "person_id", "hospital_district"}
    | {"vehicle_id"}
)
NULLS = {"kind": "string", "district": "string", "parent_entity": "string", "exempt": "boolean"}


def book(frame: pd.DataFrame) -> dict[str, ir.Table]:
    """claim_view and entities of a frame; what it lacks is null."""
    con = ibis.duckdb.connect(threads=2)
    full = frame.assign(**{c: pd.Series(None, index=frame.index, dtype="str") for c in COLUMNS if c not in frame})
    full = full.assign(amount=1000.0)
    full = full if "event_at" in full else full.assign(event_at=pd.Timestamp("2025-01-01"))
    con.con.register("v", full)
    view = con.table("v")
    typed = view.select(**{c: view[c].cast("string") for c in COLUMNS}, amount=view.amount, event_at=view.event_at)
    people = ibis.memtable({"entity_id": ["person:0"], "family_id": ["person:0"]})
    return {"claim_view": typed, "entities": entities(people), "claim_roles": nobody(), "party_exemptions": exempt()}


def entities(known: ir.Table) -> ir.Table:
    """What is known, and nulls."""
    return known.mutate(**{c: ibis.null(t) for c, t in NULLS.items() if c not in known.columns})


def nobody() -> ir.Table:
    return ibis.memtable(pd.DataFrame({"claim_id": [""], "entity_id": ["person:0"], "role": ["driver"]}))


def exempt(*phones: str) -> ir.Table:
    return ibis.memtable(pa.table({"phone": pa.array(phones, pa.string())}))


def links(tables: dict[str, ir.Table], only: str, **rules: Any) -> ir.Table:
    return validated(together(tables), alone(only, **rules))["links"]


def together(tables: dict[str, ir.Table]) -> dict[str, ir.Table]:
    """All tables in the engine of the claims."""
    con = tables["claim_view"].get_backend()
    for name in tables.keys() - {"claim_view"}:
        con.con.register(name, tables[name].to_pyarrow())
    return {**{n: con.table(n) for n in tables if n != "claim_view"}, "claim_view": tables["claim_view"]}


def alone(*names: str, **rules: Any) -> Links:
    """Rules that look at these kinds of pair only: what a test is not about costs no time."""
    return Links(**{"disabled": tuple(p.name for p in PAIRS if p.name not in names), **rules})


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
    assert links(book(null_book(seed)), "agent-hospital").count().execute() <= 1


def planted(n: int, families: int) -> pd.DataFrame:
    """Claims of one agent's customers at one small hospital, of ``families`` families."""
    rows = [
        {"claim_id": f"A:x{i}", "line": "health", "family_id": f"x{i % families}", "home_district": "500107", "agent_id": "agent:7-3"}
        for i in range(n)
    ]
    return pd.DataFrame(rows).assign(hospital_id="hospital:7-9")


def test_a_planted_link_is_found() -> None:
    found = links(book(pd.concat([null_book(3), planted(14, 14)], ignore_index=True)), "agent-hospital").to_pandas()
    assert ("agent:7-3", "hospital:7-9") in set(zip(found.a_id, found.b_id, strict=True))
    row = found[found.a_id == "agent:7-3"].iloc[0]
    assert row.n >= 14 and row.lift > 2 and row.q < 0.01
    assert row.lift == pytest.approx(row.n / row.expected)
    assert len(found) <= 2


def test_the_claims_behind_a_link_are_told() -> None:
    frame = pd.concat([null_book(3), planted(14, 14)], ignore_index=True)
    tables = validated(together(book(frame)), alone("agent-hospital", "hospital-village"))
    behind = tables["link_claims"].to_pandas()
    found = tables["links"].to_pandas()
    assert {"a_id", "b_id", "a_kind", "b_kind", "claim_id"} == set(behind.columns)
    met = frame.rename(columns={"agent_id": "a_id", "hospital_id": "b_id"}).merge(found[["a_id", "b_id"]])
    assert set(zip(behind.a_id, behind.b_id, behind.claim_id, strict=True)) == set(zip(met.a_id, met.b_id, met.claim_id, strict=True))
    assert {f"A:x{i}" for i in range(14)} <= set(behind.claim_id)


def test_one_family_is_no_link() -> None:
    found = links(book(pd.concat([null_book(3), planted(14, 1)], ignore_index=True)), "agent-hospital").to_pandas()
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
    found = links({**tables, "entities": entities(own)}, "garage-reporter")
    assert found.count().execute() == 0


def league(column: str, other: str, **told: Any) -> pd.DataFrame:
    """Sixty families of one place; the first dozen meet at one pair of parties, the others at fifteen others."""
    frame = pd.DataFrame({"claim_id": [f"A:{i}" for i in range(60)], "family_id": [f"f{i}" for i in range(60)], "line": "health"})
    shared = frame.index < 12
    parties = {c: np.where(shared, f"{c[:-3]}:x", [f"{c[:-3]}:{i % k}" for i in range(60)]) for c, k in ((column, 15), (other, 16))}
    return frame.assign(home_district="500107", **parties).assign(**told)


def pairs_of(found: ir.Table) -> set[tuple[str, str]]:
    return set(found.select("a_id", "b_id").to_pandas().itertuples(index=False, name=None))


def test_a_group_policy_counts_once() -> None:
    tables = book(league("hospital_id", "employer_id", group_id=["g" if i < 12 else None for i in range(60)]))
    assert pairs_of(links(tables, "hospital-employer")) == set()
    assert pairs_of(links(tables, "hospital-employer", groups=False)) == {("hospital:x", "employer:x")}


def test_a_family_counts_once_unless_told_otherwise() -> None:
    frame = league("agent_id", "hospital_id", person_id=[f"person:{i}" for i in range(60)])
    tables = book(frame.assign(family_id=["f" if i < 12 else f"f{i}" for i in range(60)]))
    assert pairs_of(links(tables, "agent-hospital")) == set()
    assert pairs_of(links(tables, "agent-hospital", families=False)) == {("agent:x", "hospital:x")}


def test_the_only_hospital_of_a_county_needs_no_other_reason() -> None:
    """Strata of the line alone stand for a book whose places explain nothing."""
    tables = book(league("agent_id", "hospital_id", hospital_district="500107"))
    several = pd.DataFrame({"entity_id": ["hospital:x", "hospital:1"], "kind": "hospital", "district": ["500107", "500107"]})
    known = {count: entities(ibis.memtable(several.head(count)).mutate(family_id=ibis.null("string"))) for count in (1, 2)}
    assert pairs_of(links({**tables, "entities": known[1]}, "agent-hospital")) == set()
    assert pairs_of(links({**tables, "entities": known[1]}, "agent-hospital", only_hospital=False)) == {("agent:x", "hospital:x")}
    assert pairs_of(links({**tables, "entities": known[2]}, "agent-hospital")) == {("agent:x", "hospital:x")}


def test_listed_parties_and_phones_are_no_links() -> None:
    frame = league("garage_id", "agent_id").assign(reporter_phone=["tel" if i < 12 else f"tel{i}" for i in range(60)])
    tables = book(frame)
    listed = pd.DataFrame({"entity_id": ["agent:x"], "family_id": ["agent:x"], "exempt": [True]})
    both = {**tables, "entities": entities(ibis.memtable(listed)), "party_exemptions": exempt("tel")}
    for name, pair in {"agent-garage": ("agent:x", "garage:x"), "garage-phone": ("garage:x", "tel")}.items():
        assert pairs_of(links(both, name, listed=False)) == {pair}
        assert pairs_of(links(both, name)) == set()


def test_strata_least_counts_and_kinds_are_settings() -> None:
    tables = book(league("agent_id", "hospital_id"))
    assert pairs_of(links(tables, "agent-hospital", strata={"agent-hospital": ("line",)})) == {("agent:x", "hospital:x")}
    assert pairs_of(links(tables, "agent-hospital", leasts={"agent-hospital": 13})) == set()
    assert pairs_of(links(tables, "agent-hospital", disabled=("agent-hospital",))) == set()
    assert pairs_of(links(tables, "agent-hospital", level=1e-12)) == set()


def test_a_thin_stratum_falls_back_only_where_told() -> None:
    """All of a hamlet's twelve families go where all of them go; pooled with other hamlets of the prefecture they are a league."""
    frame = league("agent_id", "hospital_id")
    tables = book(frame.assign(home_district=["500199" if i < 12 else f"50010{i % 8}" for i in range(60)]))
    assert pairs_of(links(tables, "agent-hospital")) == set()
    assert pairs_of(links(tables, "agent-hospital", thin=12)) == set()
    assert pairs_of(links(tables, "agent-hospital", thin=13)) == {("agent:x", "hospital:x")}


@pytest.mark.parametrize(
    "rules", [{"disabled": ("agent-hopsital",)}, {"leasts": {"agent": 3}}, {"strata": {"agent-hospital": ("village",)}}]
)
def test_settings_that_name_nothing_are_refused(rules: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="is no"):
        chosen(Links(**rules))


def test_who_is_treated_at_home_needs_no_link_to_the_hospital() -> None:
    frame = league("hospital_id", "employer_id", hospital_district="500109")
    others = [frame.assign(claim_id=frame.claim_id + s, family_id=frame.family_id + s, hospital_id=f"h:{s}") for s in "abcdef"]
    weekly = pd.concat([frame, *(o.assign(home_district="500108") for o in others)], ignore_index=True)
    weekly["event_at"] = pd.Timestamp("2025-01-06") + pd.to_timedelta(weekly.index * 7, unit="D")
    found = {("hospital:x", "village:500107")}
    assert pairs_of(links(book(weekly), "hospital-village")) == found
    assert pairs_of(links(book(weekly.assign(hospital_district=weekly.home_district)), "hospital-village")) == set()
    assert pairs_of(links(book(weekly.assign(event_at=pd.Timestamp("2025-01-06"))), "hospital-village")) == set()


def crashed(owner: str, families: dict[str, str]) -> dict[str, ir.Table]:
    """Two persons who meet in three of two hundred crashes."""
    frame = pd.DataFrame({"claim_id": [f"A:{i}" for i in range(200)], "line": "motor", "district": "500107", "owner_id": owner})
    frame = frame.assign(event_id=frame.claim_id, event_at=pd.Timestamp("2025-01-01") + pd.to_timedelta(frame.index, unit="D"))
    drivers = [("driver", "person:a" if i < 3 else f"person:d{i}") for i in range(200)]
    others = [("third_party", "person:b" if i < 3 else f"person:t{i}") for i in range(200)]
    roles = pd.DataFrame([*drivers, *others], columns=["role", "entity_id"]).assign(claim_id=[*frame.claim_id, *frame.claim_id])
    people = pd.DataFrame({"entity_id": list(families), "family_id": list(families.values()), "kind": "person"})
    unknown = sorted(set(roles.entity_id) - set(families))
    people = pd.concat([people, pd.DataFrame({"entity_id": unknown, "family_id": unknown, "kind": "person"})])
    return {**book(frame), "claim_roles": ibis.memtable(roles), "entities": entities(ibis.memtable(people))}


def test_strangers_who_keep_crashing_into_each_other_are_a_link() -> None:
    strangers = {"person:a": "fa", "person:b": "fb"}
    made = validated(together(crashed("person:o", strangers)), alone("person-person"))
    assert pairs_of(made["links"]) == {("person:a", "person:b")}
    assert sorted(made["link_claims"].claim_id.to_pandas()) == ["A:0", "A:1", "A:2"]
    assert pairs_of(links(crashed("person:o", {"person:a": "f", "person:b": "f"}), "person-person")) == set()
    assert pairs_of(links(crashed("employer:o", strangers), "person-person")) == set()
    assert pairs_of(links(crashed("employer:o", strangers), "person-person", fleets=False)) == {("person:a", "person:b")}


def test_the_tail_is_scipys() -> None:
    n = np.array([1.0, 3, 5, 20, 120])
    expected = np.array([0.5, 0.01, 4.9, 2.0, 60.0])
    assert poisson_tail(n, expected) == pytest.approx(stats.poisson.sf(n - 1, expected), rel=1e-9)


def test_the_correction_is_scipys_with_the_untested_at_one() -> None:
    p = np.array([0.001, 0.04, 0.0002, 0.9])
    padded = stats.false_discovery_control(np.concatenate([p, np.ones(46)]))
    assert benjamini_hochberg(p, 50) == pytest.approx(padded[:4])
