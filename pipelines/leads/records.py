"""Source records: which rows of which insurers' files a lead's parties were joined from."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines.leads.evidence import LINEAGE
from pipelines.leads.inputs import Given, collected, relation

MOST = 100
"""Records listed per lead; the counts are of all."""
HELD = {"parties": ("party_id", "entity_id"), "objects": ("object_id", "object_entity")}
"""Table → key of a record, and the entity it was joined into."""
COLUMNS = ["lead_id", "seq", "role", "entity_id", "record_id", *LINEAGE, "records", "n_insurers"]
OTHERS = ["lead_id", "role", "entity_id", "rows", "first_at", "last_at"]


def records(given: Given, leads: pd.DataFrame) -> pd.DataFrame:
    """The records behind the subjects of leads, and behind the parties of a claim that is a subject itself.

    Parameters
    ----------
    given : mapping of str to table
        ``parties`` and ``objects`` with their entities, and ``claim_roles``.
    leads : DataFrame
        lead_id, subject_kind, subject_id.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS`` by lead: role (``subject``, or the role in the claim), record_id (insurer:id of a party or object), the file,
        row and digest it stands in, and of how many records at how many insurers its entity was made. At most ``MOST`` rows per lead.
        Cost: one pass over the records and the roles of claims.
    """
    held = _held(given)
    if held is None or leads.empty:
        return pd.DataFrame(columns=COLUMNS)
    named = _named(given, ibis.memtable(leads[["lead_id", "subject_kind", "subject_id"]].astype("string")))
    wanted = held.semi_join(named, "entity_id")
    counted = wanted.group_by("entity_id").agg(records=wanted.record_id.nunique(), n_insurers=wanted.insurer.nunique())
    found = collected(named.inner_join(wanted, "entity_id").inner_join(counted, "entity_id"))
    order = found.assign(own=found["role"] != "subject").sort_values(["lead_id", "own", "role", "entity_id", "record_id", "source_row"])
    numbered = order.assign(seq=order.groupby("lead_id").cumcount() + 1)
    return numbered[numbered["seq"] <= MOST][COLUMNS].reset_index(drop=True)


def others(rows: pd.DataFrame, insurer: str) -> pd.DataFrame:
    """How many records other insurers hold of each party of a lead, and when they came; not which."""
    theirs = rows[rows["insurer"] != insurer]
    grouped = theirs.groupby(["lead_id", "role", "entity_id"], sort=True)
    counted = grouped.agg(rows=("record_id", "size"), first_at=("received_at", "min"), last_at=("received_at", "max")).reset_index()
    return counted.assign(**{c: pd.to_datetime(counted[c]).dt.normalize() for c in ("first_at", "last_at")})[OTHERS]


def _held(given: Given) -> ir.Table | None:
    """Every record with its entity."""
    tables = {name: relation(given, name) for name in HELD}
    parts = [
        table.select(entity_id=table[HELD[name][1]], record_id=table[HELD[name][0]], **{c: table[c] for c in LINEAGE})
        for name, table in tables.items()
        if table is not None and {*HELD[name], *LINEAGE} <= set(table.columns)
    ]
    return ibis.union(*parts) if len(parts) > 1 else next(iter(parts), None)


def _named(given: Given, subjects: ir.Table) -> ir.Table:
    """Entities of each lead with their role: lead_id, role, entity_id."""
    own = subjects.select("lead_id", role=ibis.literal("subject"), entity_id="subject_id")
    roles = relation(given, "claim_roles")
    if roles is None or "entity_id" not in roles.columns:
        return own
    claims = subjects.filter(subjects.subject_kind == "claim").select("lead_id", claim_id="subject_id")
    return own.union(claims.inner_join(roles.select("claim_id", "role", "entity_id"), "claim_id").drop("claim_id"), distinct=True)
