"""Everything that is connected, as one table of typed edges: claims, events, policies, parties, vehicles and contacts."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.spine import kind_of
from pipelines.graph.edges import edges, policy_edges

CONTACTS = {"phone": "phone", "account": "account", "device_id": "device", "address": "address"}
"""Columns of ``entities`` that hold tokens of contacts → kind of node."""


def network(tables: Mapping[str, ir.Table]) -> ir.Table:
    """The heterogeneous graph.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Resolved tables with the two views; ``edges`` and ``policy_edges`` are taken as they are where a night has made them.

    Returns
    -------
    ibis Table
        a_id, a_kind, b_id, b_kind, role, first_at (timestamp, null where nothing is dated), amount (CNY of the claim, else null).
        One row per pair of nodes and role. Nodes of kind ``claim`` and ``policy`` have their own ids, all others ``kind:`` first.

        ========  =======================  ==========================================================================
        a_kind    b_kind                   role
        ========  =======================  ==========================================================================
        claim     party, vehicle           the role in the claim; ``own_vehicle``, ``third_vehicle``
        claim     event, policy, phone     ``event``, ``policy``, ``reporter_phone``
        policy    party, device            the role in the policy; ``sold_on``
        party     phone, account, device,  ``phone``, ``account``, ``device``, ``address``; none of exempt parties, none that
                  address                  the list of exemptions names: what all share says nothing
        party     party                    ``part_of``: an agent of an agency, a doctor of a hospital
        ========  =======================  ==========================================================================

    Notes
    -----
    Cost: linear in its edges; it is an expression and costs nothing until it is read.
    """
    view, policies = tables["claim_view"], tables["policy_view"]
    made = tables["edges"] if "edges" in tables else edges(tables)
    sold = tables["policy_edges"] if "policy_edges" in tables else policy_edges(tables)
    claim = (view.claim_id, "claim")
    phones = _open(view.filter(view.reporter_phone.notnull()), "reporter_phone", tables, "phone")
    parts = [
        of_claims(made),
        _edges(view, claim, ("event:" + view.event_id, "event"), "event"),
        _edges(view, claim, (view.policy_id, "policy"), "policy"),
        _edges(phones, (phones.claim_id, "claim"), ("phone:" + phones.reporter_phone, "phone"), "reporter_phone"),
        _edges(sold, (sold.policy_id, "policy"), (sold.entity_id, sold.kind), sold.role),
        _edges(policies, (policies.policy_id, "policy"), ("device:" + policies.device_id, "device"), "sold_on"),
        *(_contacts(tables, column) for column in CONTACTS),
        _parents(tables["entities"]),
    ]
    return ibis.union(*parts)


def of_claims(parties: ir.Table) -> ir.Table:
    """Edges of claims and parties, as :func:`pipelines.graph.edges.edges` returns them, in the columns of :func:`network`."""
    return _edges(parties, (parties.claim_id, "claim"), (parties.entity_id, parties.kind), parties.role)


def _edges(rows: ir.Table, a: tuple[ir.Value, ir.Value | str], b: tuple[ir.Value, ir.Value | str], role: ir.Value | str) -> ir.Table:
    """One edge for each row that knows both ends: each is an id and a kind."""
    dated = [c for c in ("at", "event_at", "issued_on") if c in rows.columns]
    said = {"a_id": a[0], "a_kind": a[1], "b_id": b[0], "b_kind": b[1], "role": role}
    # A text is a column's name to Ibis; here it is the text.
    ends = {c: ibis.literal(v) if isinstance(v, str) else v for c, v in said.items()}
    first_at = rows[dated[0]].cast("timestamp") if dated else ibis.null("timestamp")
    amount = rows.amount.cast("float64") if "amount" in rows.columns else ibis.null("float64")
    told = rows.select(**ends, first_at=first_at, amount=amount)
    return told.filter(told.a_id.notnull(), told.b_id.notnull())


def _contacts(tables: Mapping[str, ir.Table], column: str) -> ir.Table:
    """Parties and one kind of contact."""
    entities, kind = tables["entities"], CONTACTS[column]
    known = entities.filter(entities[column].notnull(), ~entities.exempt.fill_null(False))
    private = _open(known, column, tables, column)
    return _edges(private, (private.entity_id, private.kind), (f"{kind}:" + private[column], kind), kind)


def _open(rows: ir.Table, column: str, tables: Mapping[str, ir.Table], kind: str) -> ir.Table:
    """Rows whose contact no exempt party has and no exemption names."""
    entities, listed = tables["entities"], tables["party_exemptions"]
    public = entities.filter(entities.exempt.fill_null(False)).select(**{column: kind})
    if kind in listed.columns:
        public = public.union(listed.select(**{column: kind}))
    return rows.anti_join(public.filter(public[column].notnull()), column)


def _parents(entities: ir.Table) -> ir.Table:
    return _edges(entities, (entities.entity_id, entities.kind), (entities.parent_entity, kind_of(entities.parent_entity)), "part_of")
