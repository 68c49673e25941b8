"""What the stage reads: tables that may be Ibis expressions or pandas frames, and the few facts it needs of each of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.indicators.base import RedFlag

Given: TypeAlias = Mapping[str, "ir.Table | pd.DataFrame"]

CLAIM_TABLES = frozenset({
    "claims", "claim_roles", "claim_diagnoses", "claim_items", "claim_bills", "claim_objects", "claim_coverages", "claim_events",
    "claim_payments", "surveys",
})  # fmt: skip
"""Tables whose key begins with the claim."""
POLICY_TABLES = frozenset({"policies", "policy_coverages", "premium_payments", "commission_payments", "flights"})
"""Tables whose key begins with the policy."""
CARD = ("code", "name", "family", "severity", "scheme", "grain")


def relation(given: Given, name: str) -> ir.Table | None:
    """A table as an Ibis expression, or None where the night has none."""
    table = given.get(name)
    if table is None or isinstance(table, ir.Table):
        return table
    return ibis.memtable(table)


def collected(table: ir.Table) -> pd.DataFrame:
    """Carry the expression out."""
    rows: pd.DataFrame = table.to_pandas()
    return rows


def frame(given: Given, name: str, columns: tuple[str, ...]) -> pd.DataFrame:
    """Columns of a table in pandas; an absent table is empty, an absent column null."""
    table = given.get(name)
    if table is None:
        return pd.DataFrame({c: pd.Series(dtype=object) for c in columns})
    if isinstance(table, ir.Table):
        return collected(table.select(*(c for c in columns if c in table.columns))).reindex(columns=list(columns))
    return table.reindex(columns=list(columns))


def cards(given: Given) -> pd.DataFrame:
    """The red flags' metadata by code: from the ``flags`` table if given, else from the registry."""
    if "flags" in given:
        return frame(given, "flags", CARD)
    from features.indicators import INDICATORS  # here, so that a caller with a table of its own needs no registry

    return pd.DataFrame([{c: getattr(flag, c) for c in CARD} for flag in INDICATORS], columns=list(CARD))


def card_table(flags: Sequence[RedFlag]) -> ir.Table:
    """The metadata of red flags as a table, by which the models know them."""
    return ibis.memtable(pd.DataFrame([{c: getattr(flag, c) for c in CARD} for flag in flags], columns=list(CARD)))


def located(given: Given) -> ir.Table:
    """Findings with the claim and policy that each piece of evidence belongs to, and the line of business.

    Returns
    -------
    ibis Table
        The columns of a finding and ``claim_id``, ``policy_id``, ``line`` (null where the evidence is neither).
    """
    found = relation(given, "findings")
    if found is None:
        raise KeyError("findings")
    of_row = found.evidence_key.split("|")[0]
    claim = ibis.cases((found.evidence_table.isin(sorted(CLAIM_TABLES)), of_row))
    policy = ibis.cases((found.evidence_table.isin(sorted(POLICY_TABLES)), of_row))
    rows = found.mutate(claim_id=claim, policy_id=policy, of_row=of_row)
    for table, key in (("policy_events", "event_id"), ("orders", "order_id")):
        rows = _policy_of(rows, relation(given, table), table, key)
    return _with_line(rows.drop("of_row"), relation(given, "claim_view"), relation(given, "policy_view"))


def base_counts(given: Given) -> pd.DataFrame:
    """How many subjects of each kind each line has: ``line``, ``grain``, ``n``."""
    parts = [p for p in (_claims_per_line(given), _policies_per_line(given), _parties_per_line(given)) if p is not None]
    counted = [collected(p) for p in parts]
    none = pd.DataFrame({"line": pd.Series(dtype="str"), "grain": pd.Series(dtype="str"), "n": pd.Series(dtype="int64")})
    every = pd.concat(counted or [none], ignore_index=True)
    # Vehicles and devices are counted from the claims and from the edges: one count per pair, or each of their reasons would stand twice.
    return every.groupby(["line", "grain"], as_index=False, dropna=False).agg(n=("n", "max"))


def _policy_of(rows: ir.Table, table: ir.Table | None, name: str, key: str) -> ir.Table:
    if table is None:
        return rows
    of = table.select(**{"of_key": table[key], "of_policy": table.policy_id}).distinct()
    joined = rows.left_join(of, (rows.of_row == of.of_key) & (rows.evidence_table == name))
    return joined.mutate(policy_id=joined.policy_id.fill_null(joined.of_policy)).drop("of_key", "of_policy")


def _with_line(rows: ir.Table, claims: ir.Table | None, policies: ir.Table | None) -> ir.Table:
    rows = rows.mutate(line=ibis.null("string"))
    for table, key in ((claims, "claim_id"), (policies, "policy_id")):
        if table is not None:
            of = table.select(of_key=table[key], of_line=table.line)
            joined = rows.left_join(of, rows[key] == of.of_key)
            rows = joined.mutate(line=joined.line.fill_null(joined.of_line)).drop("of_key", "of_line")
    return rows


def _claims_per_line(given: Given) -> ir.Table | None:
    claims = relation(given, "claim_view")
    if claims is None:
        return None
    return _distinct_per_line(claims, {"claim": "claim_id", "event": "event_id", "vehicle": "vehicle_id"})


def _policies_per_line(given: Given) -> ir.Table | None:
    policies = relation(given, "policy_view")
    if policies is None:
        return None
    return _distinct_per_line(policies, {"policy": "policy_id", "device": "device_id"})


def _parties_per_line(given: Given) -> ir.Table | None:
    edges, sold, policies = (relation(given, n) for n in ("edges", "policy_edges", "policy_view"))
    pairs = [] if edges is None else [edges.select("kind", "entity_id", "line")]
    if sold is not None and policies is not None:
        lines = policies.select("policy_id", "line")
        pairs.append(sold.select("policy_id", "kind", "entity_id").inner_join(lines, "policy_id").select("kind", "entity_id", "line"))
    if not pairs:
        return None
    both = ibis.union(*pairs) if len(pairs) > 1 else pairs[0]
    return both.group_by("line", grain=both.kind).agg(n=both.entity_id.nunique()).select("line", "grain", "n")


def _distinct_per_line(view: ir.Table, columns: Mapping[str, str]) -> ir.Table | None:
    has = {grain: column for grain, column in columns.items() if column in view.columns}
    counted = [view.group_by("line").agg(n=view[c].nunique()).mutate(grain=ibis.literal(g)) for g, c in has.items()]
    counts = [c.select("line", "grain", "n") for c in counted]
    return ibis.union(*counts) if len(counts) > 1 else next(iter(counts), None)
