"""Books in which nobody is in league, or planted pairs of parties are: the tables that validated links read."""

from __future__ import annotations

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from benchmarks.leagues import plant
from benchmarks.nullworld import LINES, Columns, Ints, Plan, World, claims, world


def book(plan: Plan, con: Any) -> tuple[dict[str, ir.Table], set[tuple[str, str]]]:
    """The tables that validated links read, and the pairs of ids in league, each way.

    Parameters
    ----------
    plan : Plan
    con : ibis DuckDB connection
        Where the tables are put.
    """
    made = world(plan)
    row = claims(made)
    known = plant(made, row) if plan.planted else []
    counted = {**row, "claim": np.arange(len(row["line"])), "family": made.people["family"][row["person"]]}
    numbers = _registered(con, "numbers", counted)
    view = _view(numbers, plan.per_district("hospital"))
    tables = {"claim_view": view, "claim_roles": _roles(view, numbers), "entities": _entities(made, con), "party_exemptions": _listed(con)}
    return tables, _in_league(known)


ENTITY = {"person": "person", "third": "person", "payee": "person", "owner": "person", "reporter": "person", "vehicle": "vehicle"}
"""Column → kind, where that is not the column's own name."""


def _id(numbers: ir.Table, column: str, kind: str = "") -> ir.Value:
    """As long as a real id."""
    text = (kind or ENTITY.get(column, column)) + ":" + numbers[column].cast("string").lpad(16, "0")
    return ibis.cases((numbers[column] >= 0, text))


def _place(number: ir.Value) -> ir.Value:
    return "5001" + number.cast("string").lpad(2, "0")


def _view(numbers: ir.Table, hospitals: int) -> ir.Table:
    ids = ("agent", "hospital", "doctor", "garage", "payee", "owner", "reporter", "employer", "assessor", "appraiser", "lawyer", "proxy")
    columns = {f"{c}_id": _id(numbers, c) for c in (*ids, "vehicle", "person")}
    at = ibis.timestamp("2023-01-01 10:00:00") + numbers.day.as_interval("D")
    hotline = ibis.cases((numbers.hotline >= 0, "hotline:" + numbers.hotline.cast("string")))
    return numbers.select(
        claim_id=_id(numbers, "claim", "A"), event_id=_id(numbers, "claim", "A"), insurer=numbers.insurer.cast("string"),
        line=ibis.literal(list(LINES))[numbers.line], family_id=_id(numbers, "family"), group_id=_id(numbers, "group"),
        home_district=_place(numbers.home), district=_place(numbers.site), event_at=at, amount=numbers.amount.cast("decimal(18, 2)"),
        hospital_district=_place(numbers.hospital // hospitals),
        reporter_phone=ibis.coalesce(_id(numbers, "phone"), hotline),
        **columns,
    )  # fmt: skip


def _roles(view: ir.Table, numbers: ir.Table) -> ir.Table:
    """Who was in each crash: the driver, and one of another car."""
    crashed = numbers.filter(numbers.line == 2)
    claim = _id(crashed, "claim", "A")
    return crashed.select(claim_id=claim, entity_id=_id(crashed, "person"), role=ibis.literal("driver")).union(
        crashed.select(claim_id=claim, entity_id=_id(crashed, "third"), role=ibis.literal("third_party"))
    )


def _entities(made: World, con: Any) -> ir.Table:
    """Persons with their families, agents with their agencies of four, hospitals with their districts."""
    kinds = {
        "person": made.people["family"],
        "agent": _all(made, "agent") // 4,
        "hospital": _all(made, "hospital") // made.plan.per_district("hospital"),
    }
    parts = []
    for kind, value in kinds.items():
        raw = _registered(con, f"all_{kind}", {"n": np.arange(len(value)), "value": value})
        own, text = (
            _id(raw, "n", kind),
            {"person": _id(raw, "value", "family"), "agent": _id(raw, "value", "agency"), "hospital": _place(raw.value)},
        )
        told = {
            c: text[kind] if k == kind else ibis.null("string")
            for c, k in (("family_id", "person"), ("parent_entity", "agent"), ("district", "hospital"))
        }
        parts.append(raw.select(entity_id=own, kind=ibis.literal(kind), **told, exempt=ibis.literal(False)))
    return ibis.union(*parts)


def _all(made: World, kind: str) -> Ints:
    return np.arange(len(made.weights[kind]))


def _listed(con: Any) -> ir.Table:
    """Nobody is exempt."""
    return con.table("numbers").filter(False).select(phone=ibis.null("string"))


def _registered(con: Any, name: str, columns: Columns) -> ir.Table:
    con.con.register(name, pa.table(columns))
    return con.table(name)


def _in_league(known: list[tuple[str, Columns]]) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for _, met in known:
        ids = [_named(column, int(value[0])) for column, value in met.items()]
        ids += [_named("agency", int(v[0]) // 4) for c, v in met.items() if c == "agent"]
        found |= {(a, b) for a in ids for b in ids if a != b}
    return found


def _named(column: str, number: int) -> str:
    return f"village:5001{number:02}" if column == "village" else f"{ENTITY.get(column, column)}:{number:016}"
