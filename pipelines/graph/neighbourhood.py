"""What surrounds a subject: as a networkx graph for people and notebooks, and as a table for the pictures of the report."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import ibis
import ibis.expr.types as ir
import networkx as nx
import pandas as pd

from pipelines.graph.network import of_claims

Graph: TypeAlias = "nx.MultiGraph[str]"
MOST = 400
"""Edges that one hop may add: a hub's further neighbours say nothing about the subject."""


def to_networkx(subject: str, hops: int, edges: ir.Table, most: int = MOST) -> Graph:
    """Neighbourhood of a node.

    Parameters
    ----------
    subject : str
        Claim, policy, entity, event (``event:``) or contact (``phone:``).
    hops : int
        A party is one hop from its claim, two from the claim's other parties.
    edges : ibis Table
        As :func:`pipelines.graph.network.network` returns them, or :func:`pipelines.graph.edges.edges`: claims and parties only.
    most : int
        Edges that one hop may add, latest first: so much of a hub is seen.

    Returns
    -------
    networkx.MultiGraph
        By one convention, so that any algorithm or backend of networkx applies. Nodes: ``kind``. Edges: ``role`` (also the key),
        ``first_at`` (Timestamp or NaT), ``amount`` (CNY or NaN), ``weight`` (1). No labels: an id says which one, and no more.

    Raises
    ------
    KeyError
        If the subject has no edge at all.

    Examples
    --------
    >>> graph = to_networkx("garage:0123456789abcdef", 2, network(tables))  # doctest: +SKIP
    >>> sorted({d["kind"] for _, d in graph.nodes(data=True)})  # doctest: +SKIP
    ['claim', 'event', 'garage', 'person', 'phone']
    """
    typed = edges if "a_id" in edges.columns else of_claims(edges)
    seen = pd.DataFrame()
    frontier, known = [subject], {subject}
    for _ in range(hops):
        rows = _around(typed, frontier, most)
        seen = pd.concat([seen, rows]).drop_duplicates(["a_id", "b_id", "role"])
        frontier = sorted((set(rows.a_id) | set(rows.b_id)) - known)
        known |= set(frontier)
        if not frontier:
            break
    if seen.empty:
        raise KeyError(f"no edge touches {subject.split(':')[0]} {subject[-6:]}")
    return _graph(seen)


def _around(edges: ir.Table, nodes: list[str], most: int) -> pd.DataFrame:
    touching = edges.filter(edges.a_id.isin(nodes) | edges.b_id.isin(nodes))
    rows: pd.DataFrame = touching.order_by(ibis.desc("first_at"), "a_id", "b_id", "role").limit(most).to_pandas()
    return rows


def _graph(rows: pd.DataFrame) -> Graph:
    graph: Graph = nx.MultiGraph()
    rows = rows.sort_values(["a_id", "b_id", "role"])
    for end in ("a", "b"):
        nodes = rows.drop_duplicates(f"{end}_id")
        graph.add_nodes_from((n, {"kind": k}) for n, k in zip(nodes[f"{end}_id"], nodes[f"{end}_kind"], strict=True))
    for a, b, role, first_at, amount in zip(rows.a_id, rows.b_id, rows.role, rows.first_at, rows.amount, strict=True):
        graph.add_edge(a, b, key=role, role=role, first_at=first_at, amount=amount, weight=1.0)
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
