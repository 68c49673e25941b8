"""Entities and events do not depend on the order in which rows come."""

from __future__ import annotations

import random
from typing import Any

import ibis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.resolve.families import families
from pipelines.resolve.persons import identified
from tests.canonical import typed

few = st.sampled_from
record = st.fixed_dictionaries(
    {
        "name": few(["n", "m", None]),
        "id_number": few(["i", "j", None]),
        "birth_date": few(["1990-01-01", "1980-01-01", None]),
        "phone": few(["p", "q", None]),
        "household_id": few(["A:h", None]),
        "received_at": few(["2024-01-01 18:00:00", "2024-01-02 18:00:00"]),
    }
)


def resolved(parties: list[dict[str, Any]]) -> dict[str, tuple[str, str]]:
    con = ibis.duckdb.connect(threads=1)
    made = {n: con.create_table(n, typed(n, rows)) for n, rows in (("parties", parties), ("party_links", []))}
    found = identified(made["parties"])
    joined = found.inner_join(families(found, made["parties"], made["party_links"]), "entity_id").to_pandas()
    assert len(joined) == len(parties)
    return dict(zip(joined.party_id, zip(joined.entity_id, joined.family_id, strict=True), strict=True))


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(record, min_size=4, max_size=14), st.randoms(use_true_random=False))
def test_shuffled_rows_give_the_same_entities(records: list[dict[str, Any]], rng: random.Random) -> None:
    parties = [{"party_id": f"A:{i}", "kind": "person", **r} for i, r in enumerate(records)]
    shuffled = parties.copy()
    rng.shuffle(shuffled)
    assert resolved(parties) == resolved(shuffled)
