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
MEMBERS = (
    ("claim", "claim_roles", "claim_id", "entity_id", ""), ("ring", "ring_members", "ring_id", "entity_id", ""),
    *(("policy", "policies", "policy_id", f"{role}_entity", role) for role in ("holder", "insured", "beneficiary", "agent")),
    ("phone", "parties", "phone", "entity_id", "subject"), ("account", "parties", "account", "entity_id", "subject"),
    ("device", "parties", "device_id", "entity_id", "subject"),
)  # fmt: skip
"""Kind of subject that is no party, table that says who stands behind it, its key, the entity, and the role where the table has none."""
COLUMNS = ["lead_id", "seq", "role", "entity_id", "record_id", *LINEAGE, "records", "n_insurers"]
OTHERS = ["lead_id", "role", "entity_id", "rows", "first_at", "last_at"]


def records(given: Given, leads: pd.DataFrame) -> pd.DataFrame:
    """The records behind the subjects of leads, or behind the parties of a claim, policy, ring, phone, account or device.

    Parameters
    ----------
    given : mapping of str to table
        ``parties`` and ``objects`` with their entities, and the tables of ``MEMBERS``.
    leads : DataFrame
        lead_id, subject_kind, subject_id.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS`` by lead: role (``subject``, or the role in the claim, policy or ring), record_id (insurer:id of a party or
        object), the file, row and digest it stands in, and of how many records at how many insurers its entity was made. At most
        ``MOST`` rows per lead.
        Cost: a pass over the records and over each table of ``MEMBERS``.
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
    tables = {name: table for name in {m[1] for m in MEMBERS} if (table := relation(given, name)) is not None}
    parts = [_members(subjects, tables[m[1]], m) for m in MEMBERS if m[1] in tables and {m[2], m[3]} <= set(tables[m[1]].columns)]
    return ibis.union(own, *parts, distinct=True) if parts else own


def _members(subjects: ir.Table, table: ir.Table, member: tuple[str, str, str, str, str]) -> ir.Table:
    kind, _, key, entity, role = member
    own = table.role if "role" in table.columns else ibis.literal(role)
    # Who owns a shared number is no owner of a vehicle.
    own = own.replace("owner", "number_owner") if kind == "ring" else own
    of = table.select(subject_id=key, entity_id=entity, role=own)
    joined = subjects.filter(subjects.subject_kind == kind).inner_join(of.filter(of.entity_id.notnull()), "subject_id")
    return joined.select("lead_id", "role", "entity_id")
