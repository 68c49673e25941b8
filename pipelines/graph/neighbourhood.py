"""What surrounds a subject: as a networkx graph for people and notebooks, and as a table for the pictures of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import ibis
import ibis.expr.types as ir
import networkx as nx
import pandas as pd

Graph: TypeAlias = "nx.MultiGraph[str]"
MOST = 400
"""Edges that one hop may add: a hub's further neighbours say nothing about the subject."""


def to_networkx(subject: str, hops: int, edges: ir.Table, most: int = MOST) -> Graph:
    """Neighbourhood of a claim or an entity.

    Parameters
    ----------
    subject : str
        Claim id or entity id.
    hops : int
        A party is one hop from its claim, two from the claim's other parties.
    edges : ibis Table
        As :func:`pipelines.graph.edges.edges` returns them.
    most : int
        Edges that one hop may add, latest first.

    Returns
    -------
    networkx.MultiGraph
        Nodes have ``kind`` (``claim`` or the entity's) and ``label``; edges have ``role`` (also the key), ``at``, ``amount``, ``weight``.

    Raises
    ------
    KeyError
        If the subject has no edge at all.

    Examples
    --------
    >>> graph = to_networkx("garage:0123456789abcdef", 2, edges)  # doctest: +SKIP
    >>> sorted({d["kind"] for _, d in graph.nodes(data=True)})  # doctest: +SKIP
    ['claim', 'garage', 'person']
    """
    seen = pd.DataFrame()
    frontier, known = [subject], {subject}
    for _ in range(hops):
        rows = _around(edges, frontier, most)
        seen = pd.concat([seen, rows]).drop_duplicates(["claim_id", "entity_id", "role"])
        frontier = sorted((set(rows.claim_id) | set(rows.entity_id)) - known)
        known |= set(frontier)
        if not frontier:
            break
    if seen.empty:
        raise KeyError(f"no edge touches {subject.split(':')[0]} {subject[-6:]}")
    return _graph(seen)


def _around(edges: ir.Table, nodes: list[str], most: int) -> pd.DataFrame:
    touching = edges.filter(edges.claim_id.isin(nodes) | edges.entity_id.isin(nodes))
    rows: pd.DataFrame = touching.order_by(ibis.desc("at"), "claim_id", "entity_id", "role").limit(most).to_pandas()
    return rows


def _graph(rows: pd.DataFrame) -> Graph:
    graph: Graph = nx.MultiGraph()
    rows = rows.sort_values(["claim_id", "entity_id", "role"])
    graph.add_nodes_from((c, {"kind": "claim", "label": c}) for c in rows.claim_id.unique())
    parties = rows.drop_duplicates("entity_id")
    graph.add_nodes_from((e, {"kind": k, "label": f"{k} {e[-4:]}"}) for e, k in zip(parties.entity_id, parties.kind, strict=True))
    amounts = rows.amount.astype("float64")
    for claim, entity, role, at, amount in zip(rows.claim_id, rows.entity_id, rows.role, rows["at"], amounts, strict=True):
        graph.add_edge(claim, entity, key=role, role=role, at=at, amount=amount, weight=1.0)
    return graph


def neighbourhood(evidence: ir.Table, tables: Mapping[str, ir.Table], cap: int) -> ir.Table:
    """Nodes and edges around each lead, from its evidence.

    Parameters
    ----------
    evidence : ibis Table
        ``lead_evidence``: lead_id, evidence_table, evidence_key, claim_id.
    tables : mapping of str to ibis Table
        With ``edges``, ``policy_edges`` and ``policy_events``.
    cap : int
        Edges kept per lead: those of the parties that occur most often in it.

    Returns
    -------
    ibis Table
        lead_id, a_id, a_kind (claim or policy), b_id, b_kind, role, weight, amount.
    """
    claims = evidence.filter(evidence.claim_id.notnull()).select("lead_id", "claim_id").distinct()
    of_claims = claims.inner_join(tables["edges"], "claim_id")
    of_policies = _policies(evidence, tables["policy_events"]).inner_join(tables["policy_edges"], "policy_id")
    amount = of_claims.amount.cast("float64").fill_null(0.0)
    every = _sides(of_claims, "claim", amount).union(_sides(of_policies, "policy", ibis.literal(0.0)))
    busy = every.mutate(occurs=every.a_id.count().over(group_by=["lead_id", "b_id"]))
    order = [ibis.desc("occurs"), "b_id", "a_id", "role"]
    ranked = busy.mutate(place=ibis.row_number().over(group_by="lead_id", order_by=order))
    return ranked.filter(ranked.place < cap).drop("occurs", "place")


def _sides(rows: ir.Table, kind: str, amount: ir.Value) -> ir.Table:
    a, one = ibis.literal(kind), ibis.literal(1.0)
    return rows.select(
        "lead_id", a_id=rows[f"{kind}_id"], a_kind=a, b_id=rows.entity_id, b_kind=rows.kind, role=rows.role, weight=one, amount=amount
    )


def _policies(evidence: ir.Table, events: ir.Table) -> ir.Table:
    """Policies that the evidence names, by the policy's own key or by one of its events."""
    of_policy = evidence.filter(evidence.evidence_table.isin(("policies", "premium_payments", "commission_payments", "policy_coverages")))
    named = of_policy.select("lead_id", policy_id=of_policy.evidence_key.split("|")[0])
    of_event = evidence.filter(evidence.evidence_table == "policy_events")
    joined = of_event.inner_join(events.select("event_id", "policy_id"), of_event.evidence_key == events.event_id)
    return named.union(joined.select("lead_id", "policy_id"), distinct=True)
