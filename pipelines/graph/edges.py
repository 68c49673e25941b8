"""Who touched which claim and which policy: one row per claim (policy), role and party or vehicle."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.spine import kind_of

FROM_POLICY = ("insured", "holder", "agent")
"""Roles that a claim takes from its policy where its own roles do not say."""


def edges(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Edges between claims and entities.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Resolved tables with ``claim_view``.

    Returns
    -------
    ibis Table
        claim_id, event_id, entity_id, kind (of the entity), role, at (event, else admission, else report),
        amount (CNY), line; distinct. Vehicles have the role ``own_vehicle`` or ``third_vehicle``.
    """
    view = tables["claim_view"]
    known = ibis.union(*_stated(tables), *_covered(tables), _driven(tables["claim_objects"]))
    of_claim = view.select("claim_id", "event_id", at=_when(view), amount=view.amount, line=view.line)
    joined = known.mutate(kind=kind_of(known.entity_id)).inner_join(of_claim, "claim_id")
    return joined.select("claim_id", "event_id", "entity_id", "kind", "role", "at", "amount", "line")


def _stated(tables: Mapping[str, ir.Table]) -> list[ir.Table]:
    """Roles that claims state, in two parts: a row can come twice only for whom one insurer knows as two parties."""
    entities, roles = tables["entities"], _roles(tables)
    twice = entities.filter(entities.records > entities.insurers)
    return [roles.anti_join(twice, "entity_id"), roles.semi_join(twice, "entity_id").distinct()]


def _roles(tables: Mapping[str, ir.Table]) -> ir.Table:
    roles = tables["claim_roles"]
    return roles.filter(roles.entity_id.notnull()).select("claim_id", "entity_id", "role")


def _covered(tables: Mapping[str, ir.Table]) -> list[ir.Table]:
    """The policy's parties, for claims that state none in that role."""
    view, roles = tables["claim_view"], _roles(tables)
    found = []
    for role in FROM_POLICY:
        named = view.filter(view[f"{role}_id"].notnull()).select("claim_id", entity_id=f"{role}_id", role=ibis.literal(role))
        found.append(named.anti_join(roles.filter(roles.role == role), "claim_id"))
    return found


def _driven(objects: ir.Table) -> ir.Table:
    named = objects.filter(objects.object_entity.notnull())
    return named.select("claim_id", entity_id=named.object_entity, role=named.side.fill_null("own") + "_vehicle").distinct()


def of_line(tables: Mapping[str, ir.Table], line: str) -> dict[str, ir.Table]:
    """What :func:`edges` reads, cut to the claims of one line: a filter on the edges would come after all of them were made."""
    view = tables["claim_view"].filter(lambda t: t.line == line)
    cut = {name: tables[name].semi_join(view, "claim_id") for name in ("claim_roles", "claim_objects")}
    return {**tables, "claim_view": view, **cut}


def _when(view: ir.Table) -> ir.Value:
    return ibis.coalesce(view.event_at, view.admitted_on.cast("timestamp"), view.reported_at)


def policy_edges(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Edges between policies and entities: policy_id, entity_id, kind, role (holder, insured, beneficiary, agent), at (issued)."""
    policies = tables["policy_view"]
    at = policies.issued_on.cast("timestamp")
    parts = [
        policies.select("policy_id", entity_id=policies[f"{r}_id"], role=ibis.literal(r), at=at)
        for r in ("holder", "insured", "beneficiary", "agent")
    ]
    every = ibis.union(*parts)
    known = every.filter(every.entity_id.notnull())
    return known.select("policy_id", "entity_id", kind=kind_of(known.entity_id), role=known.role, at=known["at"])
