"""Resolve: who is who and what happened. Adds entity and event ids to the canonical tables; touches nothing else.

Natural persons and organisations are linked by probability; vehicles and events by keys, with rules against snowballing. Party ids stay
the insurers' own; entity ids stand beside them.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from features.spine import kind_of
from pipelines.resolve.components import number
from pipelines.resolve.events import events
from pipelines.resolve.families import exemptions, families
from pipelines.resolve.history import entity_history
from pipelines.resolve.identity import SORTS, Evidence, files_of, resolved
from pipelines.resolve.persons import entities, identified, party_entity
from pipelines.resolve.things import object_entity
from pipelines.resolve.vehicles import doubted

if TYPE_CHECKING:
    from pipelines.engine import Engine

__all__ = ["Evidence", "exemptions", "families", "identified", "run"]

PARTY_COLUMNS = {
    "claim_roles": {"party_id": "entity_id"},
    "policies": {f"{p}_id": f"{p}_entity" for p in ("holder", "insured", "beneficiary", "agent")},
    "policy_events": {"by_party_id": "by_entity"},
    "claim_items": {"doctor_id": "doctor_entity"},
    "claim_payments": {"payee_id": "payee_entity"},
    "commission_payments": {"agent_id": "agent_entity"},
    "surveys": {"by_party_id": "by_entity"},
    "orders": {"shop_id": "shop_entity"},
    "party_links": {"party_id": "entity_id", "other_party_id": "other_entity"},
}
"""Table → party column → the entity column beside it."""


def run(
    tables: Mapping[str, ir.Table], engine: Engine | None = None, as_of: date | None = None, evidence: Evidence | None = None
) -> dict[str, ir.Table]:
    """The tables with entity and event ids; ``entities``, ``party_entity``, ``event_links``; with evidence also ``entity_history``, links.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Every canonical table as known at ``as_of``.
    engine : Engine, optional
        Needed with ``evidence``; otherwise intermediate results are cached where the tables live.
    as_of : date, optional
        Exemptions that ended before it do not count.
    evidence : Evidence, optional
        What records are linked by; without it they are joined by equal keys alone.

    Returns
    -------
    dict of str to ibis Table
        All of ``tables``, changed or not, and the new ones.
    """
    roots, linked = _linked(number(tables["parties"], "party_id"), engine, evidence) if engine and evidence else ([], {})
    found = identified(tables["parties"], roots)
    mapped = party_entity(found)
    family = families(found, tables["parties"], tables["party_links"])
    result = {**tables, **linked, "party_entity": mapped, "entities": _entities(found, family, tables, as_of)}
    if engine and evidence:
        result["entity_history"] = entity_history(found, engine, evidence.before, as_of)
    result["parties"] = _parties(tables["parties"], mapped, family)
    for name, columns in PARTY_COLUMNS.items():
        result[name] = _attached(tables[name], mapped, columns)
    result["claim_roles"] = _with_kind(result["claim_roles"])
    unsure = doubted(tables["objects"], engine, evidence.vault) if engine and evidence else None
    return _events({**result, **_objects(tables, unsure)}, mapped, engine, files_of(evidence.places if evidence else ()))


def _linked(numbered: ir.Table, engine: Engine, evidence: Evidence) -> tuple[list[ir.Table], dict[str, ir.Table]]:
    """Roots; and what the next night goes on from, by design (``person_links`` and so on), with ``link_model``, a row for each design."""
    found = {sort.name: resolved(numbered, engine, evidence, sort) for sort in SORTS}
    tables = {name: table for design, linked in found.items() for name, table in linked.state.tables(design).items()}
    tables["link_model"] = pa.Table.from_pylist([linked.about for linked in found.values()])
    return [linked.roots for linked in found.values()], {name: ibis.memtable(table) for name, table in tables.items()}


def _events(result: dict[str, ir.Table], mapped: ir.Table, engine: Engine | None, vault: str) -> dict[str, ir.Table]:
    happened = events(result, engine, vault)
    result["event_links"] = happened.links
    result["claims"] = result["claims"].left_join(happened.events, "claim_id").drop("claim_id_right")
    result["claim_objects"] = result["claim_objects"].drop("object_kind")
    things = result["objects"].select(key="object_id", known_entity="object_entity")
    names = things.union(mapped.select(key="party_id", known_entity="entity_id"))
    for name in ("outcomes", "facts"):
        # A policy may bear the number of its vehicle; it is none.
        named = (result[name].subject_id == names.key) & ~result[name].subject_kind.isin(("claim", "policy"))
        joined = result[name].left_join(names, named)
        result[name] = joined.mutate(entity=joined.known_entity.fill_null(joined.subject_id)).drop("key", "known_entity")
    return result


def _attached(table: ir.Table, mapped: ir.Table, columns: Mapping[str, str]) -> ir.Table:
    """Left-join the entity of each party column."""
    for column, name in columns.items():
        of = mapped.select(**{f"{name}_key": mapped.party_id, name: mapped.entity_id})
        table = table.left_join(of, table[column] == of[f"{name}_key"]).drop(f"{name}_key")
    return table


def _with_kind(claim_roles: ir.Table) -> ir.Table:
    """The kind is written in the entity id, which saves a second join."""
    return claim_roles.mutate(entity_kind=kind_of(claim_roles.entity_id))


def _parties(parties: ir.Table, mapped: ir.Table, family: ir.Table) -> ir.Table:
    known = mapped.select("party_id", "entity_id").left_join(family, "entity_id").drop("entity_id_right")
    return parties.left_join(known, "party_id").drop("party_id_right")


def _entities(found: ir.Table, family: ir.Table, tables: Mapping[str, ir.Table], as_of: date | None) -> ir.Table:
    """Entities with family, parent and exemption."""
    listed = tables["party_exemptions"]
    live = listed if as_of is None else listed.filter(listed.until.isnull() | (listed.until >= ibis.date(as_of.isoformat())))
    parents = found.select(parent_key="party_id", parent_entity="entity_id")
    named = entities(found, tables["parties"]).left_join(family, "entity_id").drop("entity_id_right")
    nested = named.left_join(parents, named.parent_id == parents.parent_key).drop("parent_key", "parent_id")
    marked = nested.left_join(exemptions(found, tables["parties"], live), "entity_id").drop("entity_id_right")
    return marked.mutate(exempt=marked.exempt_reason.notnull())


def _objects(tables: Mapping[str, ir.Table], unsure: ir.Table | None) -> dict[str, ir.Table]:
    """Objects and claim_objects with ``object_entity``."""
    mapped = object_entity(tables["objects"], unsure)
    objects = tables["objects"].left_join(mapped, "object_id").drop("object_id_right")
    kinds = objects.select("object_id", "object_entity", object_kind="kind")
    return {"objects": objects, "claim_objects": tables["claim_objects"].left_join(kinds, "object_id").drop("object_id_right")}
