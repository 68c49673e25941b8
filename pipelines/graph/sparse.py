"""The claim-party graph as sparse matrices: ids become numbers in the engine, rows are claims and policies, columns are parties."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
from scipy import sparse

from pipelines.engine.keeping import kept

Matrix: TypeAlias = "sparse.csr_array"
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
ROLE_GROUPS = {
    "people": (
        "claimant", "insured", "holder", "beneficiary", "driver", "owner", "passenger", "third_party", "witness", "payee", "reporter",
    ),
    "agent": ("agent",),
    "hospital": ("hospital",),
    "doctor": ("doctor",),
    "garage": ("garage",),
    "handler": ("assessor", "surveyor", "appraiser", "approver"),
    "legal": ("lawyer", "proxy"),
    "employer": ("employer",),
    "vehicle": ("own_vehicle", "third_vehicle"),
    "contact": ("phone",),
}  # fmt: skip
"""Roles that are looked at together: what the garage of a claim is known for is another sign than what its passengers are known for."""


@dataclass(frozen=True)
class Bipartite:
    """Who touched what, in numbers.

    Attributes
    ----------
    units, parties : ibis Table
        kind, id, code (int64, from 0, in the order of kind and id): what a row or a column stands for.
    sizes : (int, int)
        How many units and parties.
    unit, party : ndarray of int32, shape (edges,)
        Codes of the two ends of each edge.
    group : ndarray of int8, shape (edges,)
        Position of the edge's role in ``ROLE_GROUPS``; -1 for a role that is in none.
    """

    units: ir.Table
    parties: ir.Table
    sizes: tuple[int, int]
    unit: npt.NDArray[np.int32]
    party: npt.NDArray[np.int32]
    group: npt.NDArray[np.int8]

    @cached_property
    def whole(self) -> Matrix:
        """Incidence, shape (units, parties): 1 where a party touched a unit in any role. Not to be changed."""
        return incidence(self.unit, self.party, self.sizes)

    def pairs(self, group: str) -> Matrix:
        """Incidence by the roles of one of ``ROLE_GROUPS`` alone."""
        chosen = self.group == list(ROLE_GROUPS).index(group)
        return incidence(self.unit[chosen], self.party[chosen], self.sizes)

    def named(self, nodes: Ints) -> pd.DataFrame:
        """Columns ``kind`` and ``id`` of nodes (units first, then parties), indexed by node."""
        asked = ibis.memtable(pa.table({"code": nodes}))
        sides = (self.units, self.parties.mutate(code=self.parties.code + self.sizes[0]))
        rows: pd.DataFrame = ibis.union(*(side.semi_join(asked, "code") for side in sides)).to_pandas()
        return rows.set_index("code").sort_index()


def incidence(rows: npt.NDArray[np.int32], columns: npt.NDArray[np.int32], shape: tuple[int, int]) -> Matrix:
    """A matrix of ones where the edges are, whatever their order and number. Cost: linear in edges but for sorting within each row."""
    found = sparse.csr_array((np.ones(len(rows)), (rows, columns)), shape=shape)
    found.sum_duplicates()
    found.data[:] = 1.0
    return found


def relations(tables: Mapping[str, ir.Table]) -> ir.Table:
    """Every edge of the graph: claims and policies with their parties, vehicles, and the phone that reported.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``edges``, ``policy_edges`` and ``claim_view``.

    Returns
    -------
    ibis Table
        unit_kind (claim or policy), unit_id, kind, party_id, role.
    """
    claims, policies, view = tables["edges"], tables["policy_edges"], tables["claim_view"]
    called = view.filter(view.reporter_phone.notnull())
    return ibis.union(
        claims.select(unit_kind=ibis.literal("claim"), unit_id="claim_id", kind="kind", party_id="entity_id", role="role"),
        policies.select(unit_kind=ibis.literal("policy"), unit_id="policy_id", kind="kind", party_id="entity_id", role="role"),
        called.select(
            unit_kind=ibis.literal("claim"), unit_id="claim_id", kind=ibis.literal("phone"), party_id="reporter_phone",
            role=ibis.literal("phone"),
        ),
    )  # fmt: skip


def bipartite(edges: ir.Table) -> Bipartite:
    """Number the ends of the edges.

    Parameters
    ----------
    edges : ibis Table
        As :func:`relations` returns them; the same edge may come several times.

    Returns
    -------
    Bipartite
    """
    units = _numbered(edges.select(kind="unit_kind", id="unit_id"))
    parties = _numbered(edges.select(kind="kind", id="party_id"))
    groups = [(role, number) for number, roles in enumerate(ROLE_GROUPS.values()) for role in roles]
    group = edges.role.cases(*groups, else_=-1).cast("int8")
    named = edges.select("unit_kind", "unit_id", "kind", "party_id", group=group)
    of_unit = named.inner_join(units.select(unit_kind="kind", unit_id="id", unit="code"), ["unit_kind", "unit_id"])
    coded = of_unit.inner_join(parties.select(kind="kind", party_id="id", party="code"), ["kind", "party_id"])
    rows = coded.select(unit=coded.unit.cast("int32"), party=coded.party.cast("int32"), group=coded.group).to_pyarrow()
    sizes = int(units.count().execute()), int(parties.count().execute())
    return Bipartite(units, parties, sizes, *(rows[c].to_numpy() for c in ("unit", "party", "group")))


def _numbered(ids: ir.Table) -> ir.Table:
    distinct = ids.distinct()
    return kept(distinct.mutate(code=ibis.row_number().over(order_by=["kind", "id"])))


def degrees(pairs: Matrix) -> tuple[Floats, Floats]:
    """Edges of every row and of every column."""
    return np.diff(pairs.indptr).astype("float64"), np.bincount(pairs.indices, minlength=pairs.shape[1]).astype("float64")
