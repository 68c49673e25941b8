"""The graph of claims, policies and parties: edges, validated links, accident blocks, rings, proximity to proven fraud, neighbourhoods."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from pipelines.config import Links
from pipelines.graph.blocks import blocks
from pipelines.graph.edges import edges, of_line, policy_edges
from pipelines.graph.groups import of_rings
from pipelines.graph.links import validated
from pipelines.graph.neighbourhood import neighbourhood, to_networkx
from pipelines.graph.network import network
from pipelines.graph.proximity import proximity
from pipelines.graph.rings import rings

__all__ = ["neighbourhood", "network", "of_rings", "proximity", "rings", "run", "to_networkx"]

DEFAULT = Links()


def run(tables: Mapping[str, ir.Table], rules: Links = DEFAULT) -> dict[str, ir.Table]:
    """Tables of the graph: ``edges``, ``policy_edges``, ``links``, ``link_claims``, ``blocks``, ``block_members``.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Resolved tables with ``claim_view`` and ``policy_view``.
    rules : Links
        Of the validated links.
    """
    found, members = blocks(edges(of_line(tables, "motor")), tables["entities"])
    return {
        "edges": edges(tables),
        "policy_edges": policy_edges(tables),
        **validated(tables, rules),
        "blocks": found,
        "block_members": members,
    }
