"""A random book of a few thousand claims, the same every time, as canonical tables resolved, viewed and linked."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import ibis
import numpy as np
import pandas as pd

from features import schema, views
from features.book import Book
from pipelines import graph, resolve

AS_OF = date(2026, 1, 1)


@cache
def book(claims: int = 2000, seed: int = 11) -> Book:
    """Claims of 300 people at 12 hospitals with 2 insurers over three years."""
    con = ibis.duckdb.connect()
    raw = _tables(np.random.default_rng(seed), claims)
    tables = {n: _table(con, n, raw.get(n, {})) for n in schema.tables()}
    found = Book(resolve.run(tables, as_of=AS_OF), AS_OF)
    made = {"claim_view": views.claim_view(found), "policy_view": views.policy_view(found)}
    viewed = {**found.tables, **{n: con.create_table(n, t) for n, t in made.items()}}
    return Book({**viewed, **graph.run(viewed)}, AS_OF)


def _tables(rng: np.random.Generator, n: int) -> dict[str, dict[str, Any]]:
    person, hospital = rng.integers(0, 300, n), rng.integers(0, 12, n)
    event = pd.Timestamp("2023-01-01") + pd.to_timedelta(rng.integers(0, 3 * 365 * 86_400, n), unit="s")
    insurer = np.where(rng.random(n) < 0.5, "A", "B")
    claim = pd.Series(insurer) + ":c" + pd.Series(range(n)).astype(str)
    people = [f"A:p{i}" for i in range(300)]
    roles = {"claim_id": [*claim, *claim], "role": ["insured"] * n + ["hospital"] * n}
    roles["party_id"] = [f"A:p{i}" for i in person] + [f"A:h{i}" for i in hospital]
    return {
        "parties": {
            "party_id": [*people, *(f"A:h{i}" for i in range(12))],
            "kind": ["person"] * 300 + ["hospital"] * 12,
            "district": [f"50010{i % 5}" for i in range(312)],
        },
        "claims": {
            "claim_id": claim, "event_at": event, "reported_at": event + pd.to_timedelta(rng.integers(0, 200, n), unit="h"),
            "admitted_on": event.normalize(), "discharged_on": event.normalize() + pd.to_timedelta(rng.integers(0, 30, n), unit="D"),
            "claimed_amount": rng.lognormal(8, 1, n).round(2), "insurer": insurer,
        },
        "claim_roles": roles,
    }  # fmt: skip


def _table(con: Any, name: str, columns: dict[str, Any]) -> Any:
    types = {c.name: c.dtype for c in (*schema.tables()[name].columns, *schema.LINEAGE)}
    frame = pd.DataFrame({c: columns[c] for c in columns})
    frame["received_at"] = pd.Timestamp("2025-12-31 18:00")
    con.con.register(f"raw_{name}", frame)
    raw = con.table(f"raw_{name}")
    return raw.select(**{c: (raw[c] if c in raw.columns else ibis.null()).cast(t) for c, t in types.items()})
