"""The graph of claims, policies and parties: edges, statistically validated links, accident blocks, neighbourhoods."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from pipelines.config import Links
from pipelines.graph.edges import edges, of_line, policy_edges
from pipelines.graph.links import validated
from pipelines.graph.neighbourhood import neighbourhood, to_networkx
from pipelines.graph.proximity import proximity
from pipelines.graph.rings import rings

__all__ = ["neighbourhood", "proximity", "run", "to_networkx"]

DEFAULT = Links()


def run(tables: Mapping[str, ir.Table], rules: Links = DEFAULT) -> dict[str, ir.Table]:
    """Tables of the graph: ``edges``, ``policy_edges``, ``links``, ``link_claims``, ``rings``, ``ring_members``.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Resolved tables with ``claim_view`` and ``policy_view``.
    rules : Links
        Of the validated links.
    """
    blocks, members = rings(edges(of_line(tables, "motor")), tables["entities"])
    return {
        "edges": edges(tables),
        "policy_edges": policy_edges(tables),
        **validated(tables, rules),
        "rings": blocks,
        "ring_members": members,
    }
