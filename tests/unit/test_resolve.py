"""Who is who and what happened, on records written down by hand."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from pipelines import resolve
from pipelines.ids import digest
from pipelines.resolve.persons import identified
from tests.canonical import tables, typed

Rows = list[dict[str, Any]]


def person(party: str, **more: Any) -> dict[str, Any]:
    return {"party_id": party, "kind": "person", "insurer": party[0], **more}


def entity_of(parties: Rows) -> dict[str, str]:
    found = identified(typed("parties", parties)).to_pandas()
    return dict(zip(found.party_id, found.entity_id, strict=True))


def event_of(**rows: Rows) -> dict[str, str]:
    found = resolve.run(tables(rows))["claims"].to_pandas()
    return dict(zip(found.claim_id, found.event_id, strict=True))


BORN, LATER = "1990-01-01", "1971-01-01"
PAIRS: dict[str, tuple[dict[str, Any], dict[str, Any], bool]] = {
    "id and name": ({"id_number": "i", "name": "n"}, {"id_number": "i", "name": "n"}, True),
    "id and birth": ({"id_number": "i", "name": "n", "birth_date": BORN}, {"id_number": "i", "name": "m", "birth_date": BORN}, True),
    "id and name, birth wrong": (
        {"id_number": "i", "name": "n", "birth_date": BORN}, {"id_number": "i", "name": "n", "birth_date": LATER}, True,
    ),
    "another's id": ({"id_number": "i", "name": "n", "birth_date": BORN}, {"id_number": "i", "name": "m", "birth_date": LATER}, False),
    "id alone": ({"id_number": "i"}, {"id_number": "i", "name": "n"}, True),
    "an id that fails its check": (
        {"id_number": "i", "name": "n", "id_problem": "check"}, {"id_number": "i", "name": "n", "id_problem": "check"}, False,
    ),
    "name, birth and phone": ({"name": "n", "birth_date": BORN, "phone": "p"}, {"name": "n", "birth_date": BORN, "phone": "p"}, True),
    "the same with two ids": (
        {"name": "n", "birth_date": BORN, "phone": "p", "id_number": "i"},
        {"name": "n", "birth_date": BORN, "phone": "p", "id_number": "j"}, False,
    ),
    "name and birth": ({"name": "n", "birth_date": BORN}, {"name": "n", "birth_date": BORN}, False),
    "name and phone": ({"name": "n", "phone": "p"}, {"name": "n", "phone": "p"}, False),
}  # fmt: skip
TOKENS = ("id_number", "name", "phone")


@cache
def pairs() -> dict[str, str]:
    """All the pairs in one book, kept apart by their tokens."""
    sides = [(f"{side}:{i}", i, rows[k]) for i, rows in enumerate(PAIRS.values()) for k, side in enumerate("AB")]
    return entity_of([person(party, **{c: f"{v}{i}" if c in TOKENS else v for c, v in row.items()}) for party, i, row in sides])


@pytest.mark.parametrize("name", PAIRS)
def test_two_records_are_one_person(name: str) -> None:
    i = list(PAIRS).index(name)
    assert (pairs()[f"A:{i}"] == pairs()[f"B:{i}"]) is PAIRS[name][2]


def test_records_join_over_a_third() -> None:
    found = entity_of(
        [
            person("A:1", id_number="i", name="n"),
            person("B:1", id_number="i", name="n", birth_date="1990-01-01", phone="p"),
            person("C:1", name="n", birth_date="1990-01-01", phone="p"),
        ]
    )
    assert len(set(found.values())) == 1


def test_the_id_is_of_the_record_received_first() -> None:
    records = [person("A:1", id_number="i", name="n"), person("B:1", id_number="i", name="n", received_at="2024-06-01 18:00:00")]
    assert set(entity_of(records).values()) == {f"person:{digest('B:1')}"}


def test_a_value_on_many_records_joins_nobody() -> None:
    found = entity_of([person(f"A:{i}", id_number="unknown", name="n") for i in range(51)])
    assert len(set(found.values())) == 51


def test_organisations_by_licence_else_name() -> None:
    found = entity_of(
        [
            {"party_id": "A:h1", "kind": "hospital", "name": "x", "licence_no": "l1"},
            {"party_id": "B:h1", "kind": "hospital", "name": "y", "licence_no": "l1"},
            {"party_id": "A:g1", "kind": "garage", "name": "z"},
            {"party_id": "B:g1", "kind": "garage", "name": "z"},
            {"party_id": "A:g2", "kind": "garage", "name": "w", "licence_no": "l2"},
            {"party_id": "B:g2", "kind": "garage", "name": "w", "licence_no": "l3"},
            {"party_id": "A:e1", "kind": "employer", "name": "z"},
        ]
    )
    assert found["A:h1"] == found["B:h1"]
    assert found["A:g1"] == found["B:g1"] != found["A:e1"]
    assert found["A:g2"] != found["B:g2"]


def test_namesake_agents_stay_apart() -> None:
    found = entity_of([{"party_id": f"{i}:a1", "kind": "agent", "name": "n", "insurer": i} for i in "AB"])
    assert len(set(found.values())) == 2


def test_families_by_household_and_by_links() -> None:
    made = resolve.run(
        tables(
            {
                "parties": [person("A:1", household_id="A:h"), person("A:2", household_id="A:h"), person("A:3"), person("A:4")],
                "party_links": [{"party_id": "A:2", "other_party_id": "A:3", "kind": "family"}],
            }
        )
    )
    rows = made["parties"].to_pandas().set_index("party_id").family_id
    assert rows["A:1"] == rows["A:2"] == rows["A:3"] == f"person:{digest('A:1')}"
    assert rows["A:4"] == f"person:{digest('A:4')}"


def test_exemptions_by_party_and_by_contact() -> None:
    made = resolve.run(
        tables(
            {
                "parties": [person("A:1"), person("A:2", phone="p"), person("A:3", phone="p"), person("A:4", phone="q")],
                "party_exemptions": [{"party_id": "A:1", "phone": "q", "reason": "fleet"}, {"phone": "p", "reason": "hotline"}],
            }
        )
    )
    rows = made["entities"].to_pandas().set_index("first_key")
    assert rows.exempt.to_dict() == {"A:1": True, "A:2": True, "A:3": True, "A:4": False}
    assert rows.exempt_reason["A:2"] == "hotline"


def test_an_ended_exemption_counts_no_more() -> None:
    from datetime import date

    rows = tables({"parties": [person("A:1")], "party_exemptions": [{"party_id": "A:1", "reason": "fleet", "until": "2024-12-31"}]})
    assert not resolve.run(rows, as_of=date(2025, 6, 1))["entities"].to_pandas().exempt.any()


def test_an_entity_keeps_the_latest_contact_and_the_earliest_birth_date() -> None:
    made = resolve.run(
        tables(
            {
                "parties": [
                    person("A:1", id_number="i", name="n", phone="old", birth_date="1990-01-01", received_at="2024-01-01 18:00:00"),
                    person("A:2", id_number="i", name="n", phone="new", birth_date="1990-01-10", received_at="2025-01-01 18:00:00"),
                    person("B:1", id_number="i", name="n", received_at="2025-02-01 18:00:00"),
                ]
            }
        )
    )
    row = made["entities"].to_pandas().iloc[0]
    assert (row.phone, str(row.birth_date)[:10], row.records, row.insurers) == ("new", "1990-01-01", 3, 2)


def test_one_crash_is_one_event() -> None:
    found = event_of(
        objects=[{"object_id": i, "kind": "vehicle", "vin": v} for i, v in (("A:o", "v"), ("B:o", "v"), ("A:x", "w"))],
        claims=[{"claim_id": f"A:{i}", "event_at": f"2025-03-0{d} 10:00:00"} for i, d in (("1", 1), ("2", 1), ("3", 2), ("4", 1))],
        claim_objects=[
            {"claim_id": "A:1", "object_id": "A:o", "side": "own"},
            {"claim_id": "A:2", "object_id": "B:o", "side": "third"},
            {"claim_id": "A:3", "object_id": "A:o", "side": "own"},
            {"claim_id": "A:4", "object_id": "A:x", "side": "own"},
        ],
    )
    assert found == {"A:1": "A:1", "A:2": "A:1", "A:3": "A:3", "A:4": "A:4"}


def test_one_stay_is_one_event_and_a_readmission_another() -> None:
    stays = {"A:1": ("03", "17"), "B:2": ("03", "17"), "A:3": ("10", "20"), "A:4": ("20", "25"), "A:5": ("28", None), "A:6": ("04", "09")}
    found = event_of(
        parties=[person("A:p"), person("A:q"), {"party_id": "A:h", "kind": "hospital"}],
        claims=[
            {"claim_id": c, "admitted_on": f"2025-03-{a}", "discharged_on": d and f"2025-03-{d}", "insurer": c[0]}
            for c, (a, d) in stays.items()
        ],
        claim_roles=[
            {"claim_id": c, "party_id": p, "role": r}
            for c in stays
            for p, r in (("A:q" if c == "A:6" else "A:p", "insured"), ("A:h", "hospital"))
        ],
    )
    assert found == {"A:1": "A:1", "B:2": "A:1", "A:3": "A:1", "A:4": "A:4", "A:5": "A:5", "A:6": "A:6"}


def test_every_table_keeps_its_rows() -> None:
    rows = {
        "parties": [person("A:1"), {"party_id": "A:a", "kind": "agent"}],
        "policies": [{"policy_id": "A:q", "holder_id": "A:1", "agent_id": "A:a", "insured_id": "A:gone"}],
        "claims": [{"claim_id": "A:c", "policy_id": "A:q"}],
        "outcomes": [
            {"subject_kind": "person", "subject_id": "A:1", "opened_at": "2025-01-02"},
            {"subject_kind": "claim", "subject_id": "A:c"},
        ],
    }
    made = resolve.run(tables(rows))
    policy = made["policies"].to_pandas().iloc[0]
    assert policy.holder_entity == f"person:{digest('A:1')}"
    assert policy.agent_entity == f"agent:{digest('A:a')}"
    assert policy.isna().insured_entity
    assert set(made["outcomes"].to_pandas().entity) == {f"person:{digest('A:1')}", "A:c"}
