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
    stated = tables["claim_roles"].select("claim_id", "entity_id", "role")
    covered = [view.select("claim_id", entity_id=view[f"{r}_id"], role=ibis.literal(r)) for r in FROM_POLICY]
    objects = tables["claim_objects"]
    driven = objects.select("claim_id", entity_id=objects.object_entity, role=objects.side.fill_null("own") + "_vehicle")
    every = ibis.union(stated, *covered, driven)
    # Distinct once, over all parts: Ibis writes a distinct union of five as four nested ones.
    known = every.filter(every.entity_id.notnull()).distinct()
    of_claim = view.select("claim_id", "event_id", at=_when(view), amount=view.amount, line=view.line)
    joined = known.mutate(kind=kind_of(known.entity_id)).inner_join(of_claim, "claim_id")
    return joined.select("claim_id", "event_id", "entity_id", "kind", "role", "at", "amount", "line")


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
