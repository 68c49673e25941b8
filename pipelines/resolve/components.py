"""Connected components over records that share a key value: integers go to scipy, everything else stays in the engine."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa

HUB = 50
"""A key value shared by more records than this says nothing about who they are."""


@dataclass(frozen=True)
class Key:
    """Columns whose common values make two records one, unless the records of that value contradict each other.

    Attributes
    ----------
    columns : tuple of str
        All must be known.
    agree : tuple of str
        Within one key value none of these may hold two different known values; otherwise the value joins nobody.
    """

    columns: tuple[str, ...]
    agree: tuple[str, ...] = ()


def number(records: ir.Table, key: str) -> ir.Table:
    """Add ``n``: 0, 1, ... by receipt, then key. The number of a record is its seniority, whatever order the rows came in."""
    received = "first_received_at" if "first_received_at" in records.columns else "received_at"
    return records.mutate(n=ibis.row_number().over(order_by=[records[received], records[key]]))


def pairs(records: ir.Table, key: Key) -> ir.Table:
    """Pairs (n, root) of records that one key value joins: each with the most senior record of that value.

    The pairs are a star, not a clique, so there are never more of them than records.
    """
    known = records.filter([records[c].notnull() for c in key.columns])
    measures = {f"{side}_{c}": getattr(known[c], side)() for c in key.agree for side in ("min", "max")}
    groups = known.group_by(key.columns).aggregate(root=known.n.min(), size=known.count(), **measures)
    sane = [(groups[f"min_{c}"] == groups[f"max_{c}"]).fill_null(True) for c in key.agree]
    joining = groups.filter([groups["size"] > 1, groups["size"] <= HUB, *sane]).select(*key.columns, "root")
    joined = known.inner_join(joining, key.columns)
    return joined.filter(joined.n != joined.root).select("n", "root")


def merge(records: ir.Table, keys: Sequence[Key]) -> ir.Table:
    """Join records by any of several keys.

    Parameters
    ----------
    records : ibis Table
        With ``n`` of :func:`number` and the columns of the keys.
    keys : sequence of Key
        At least one.

    Returns
    -------
    ibis Table
        ``n``, ``root``: the most senior record of the connected component, for records that have a more senior one.
    """
    return components(ibis.union(*(pairs(records, k) for k in keys)))


def components(linked: ir.Table) -> ir.Table:
    """Components of the pairs ``n``-``root`` as (n, smallest n of the component), without the smallest themselves."""
    frame = linked.select(n=linked.n.cast("int64"), root=linked.root.cast("int64")).to_pyarrow()
    nodes, codes = np.unique(np.stack([frame["n"].to_numpy(), frame["root"].to_numpy()], axis=1), return_inverse=True)
    smallest = _smallest(len(nodes), codes.reshape(-1, 2))
    moved = smallest != np.arange(len(nodes))
    return ibis.memtable(pa.table({"n": nodes[moved], "root": nodes[smallest[moved]]}))


def _smallest(size: int, edges: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Index of the first node of each node's component."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    graph = coo_array((np.ones(len(edges), dtype=np.int8), (edges[:, 0], edges[:, 1])), shape=(size, size))
    labels = connected_components(graph, directed=False)[1] if size else np.empty(0, dtype=np.int64)
    first = np.unique(labels, return_index=True)[1]
    smallest: npt.NDArray[np.int64] = first[labels]
    return smallest


def rooted(records: ir.Table, roots: ir.Table) -> ir.Table:
    """Records with ``root``: of their component, or themselves."""
    found = roots.select(moved="n", to="root")
    joined = records.left_join(found, records.n == found.moved)
    return joined.mutate(root=joined["to"].fill_null(joined.n)).drop("moved", "to")
