"""Evidence: from a finding's key to the insurer's own row: file, row number, digest, money and time."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.schema import tables
from pipelines.leads.inputs import Given, collected, located, relation

MOST = 300
"""Pieces of evidence kept per lead and red flag; a hub's thousands are no easier to read."""
AT = {
    "claims": "event_at", "claim_items": "served_at", "claim_events": "at", "claim_payments": "at", "surveys": "at",
    "policies": "issued_on",
    "policy_events": "at", "premium_payments": "paid_at", "commission_payments": "at", "orders": "shipped_at", "outcomes": "opened_at",
    "facts": "known_at", "watchlist": "starts_on", "party_links": "since",
}  # fmt: skip
"""When the fact happened, by table; elsewhere the claim's own time."""
AMOUNT = {
    "claim_items": "amount", "claim_bills": "total", "policy_events": "amount", "premium_payments": "amount", "policies": "premium",
    "commission_payments": "amount", "claim_payments": "amount", "claim_objects": "assessed", "surveys": "estimate",
}  # fmt: skip
TOTAL = ("rest", "whole")
"""Codes of learnt reasons of which every subject has one."""
MONEY = ("claim_id", "person_id", "insurer", "line", "event_at", "reported_at", "open", "amount", "claimed_amount", "paid_amount")
PIECE = ["lead_id", "code", "evidence_table", "evidence_key", "claim_id", "policy_id", "line"]
LINEAGE = ["insurer", "source_file", "source_row", "row_sha256", "received_at"]
COLUMNS = [
    "lead_id", "code", "evidence_table", "evidence_key", *LINEAGE, "claim_id", "policy_id", "at", "amount", "line", "seq",
]  # fmt: skip


def evidence(given: Given, wanted: pd.DataFrame) -> pd.DataFrame:
    """The evidence rows of leads.

    Parameters
    ----------
    given : mapping of str to table
        Findings and canonical tables.
    wanted : DataFrame
        lead_id, subject_kind, subject_id, code, kind (flag, anomaly or learnt): the reasons whose evidence is wanted.

    Returns
    -------
    DataFrame
        Columns ``COLUMNS``, at most ``MOST`` rows per lead and code, in the order lead, code, time, key. A key that no table
        of the night holds keeps its row with an empty lineage.
    """
    pieces = _pieces(given, wanted)
    resolved = [_resolved(given, str(name), rows) for name, rows in pieces.groupby("evidence_table", sort=True)]
    found = pd.concat(resolved, ignore_index=True) if resolved else pieces.reindex(columns=COLUMNS)
    found = _of_claims(given, found)
    found = found.sort_values(["lead_id", "code", "at", "evidence_table", "evidence_key"], na_position="last", ignore_index=True)
    return found.assign(seq=found.groupby("lead_id").cumcount() + 1)[COLUMNS]


def _pieces(given: Given, wanted: pd.DataFrame) -> pd.DataFrame:
    keys = ["subject_kind", "subject_id", "code"]
    fired = wanted[wanted["kind"] == "flag"][["lead_id", *keys]].astype("string")
    rows = located(given).inner_join(ibis.memtable(fired), keys).select(*PIECE).distinct()
    first = ibis.row_number().over(group_by=["lead_id", "code"], order_by=["evidence_table", "evidence_key"])
    bounded = rows.mutate(place=first)
    odd = wanted[wanted["kind"].isin(["anomaly", "learnt"])]
    # What verdicts taught rests on the evidence of the other reasons; a lead without any shows its subject, once.
    told = wanted.loc[wanted["kind"] != "learnt", "lead_id"]
    odd = odd[(odd["kind"] == "anomaly") | (odd["code"].isin(TOTAL) & ~odd["lead_id"].isin(told))]
    found = collected(bounded.filter(bounded.place < MOST).drop("place"))
    parts = [p for p in (found, _claims_themselves(odd), *_behind_parties(given, odd)) if len(p)]
    return pd.concat(parts, ignore_index=True)[PIECE] if parts else found


def _claims_themselves(odd: pd.DataFrame) -> pd.DataFrame:
    """An odd claim is its own evidence."""
    claims = odd[odd["subject_kind"] == "claim"].drop_duplicates(["lead_id", "code"])
    ids = claims["subject_id"]
    return claims.assign(evidence_table="claims", evidence_key=ids, claim_id=ids, policy_id=None, line=None)[PIECE]


def _behind_parties(given: Given, odd: pd.DataFrame) -> list[pd.DataFrame]:
    """An odd party's evidence: the facts that are odd, and the records the insurers hold of it."""
    parties = odd[odd["subject_kind"] != "claim"][["lead_id", "subject_id", "code"]].astype("string")
    if parties.empty:
        return []
    subjects = ibis.memtable(parties)
    return [part for part in (_facts(given, subjects), _records(given, subjects)) if part is not None]


def _facts(given: Given, subjects: ir.Table) -> pd.DataFrame | None:
    facts = relation(given, "facts")
    if facts is None:
        return None
    subject = facts.entity.fill_null(facts.subject_id) if "entity" in facts.columns else facts.subject_id
    key = facts.subject_kind + "|" + facts.subject_id + "|" + facts.name
    named = facts.select(of=subject, feature=ibis.literal("fact_") + facts.name, evidence_key=key)
    rows = subjects.inner_join(named, (subjects.subject_id == named.of) & (subjects.code == named.feature))
    return _bare(rows.select("lead_id", "code", "evidence_key"), "facts")


def _records(given: Given, subjects: ir.Table) -> pd.DataFrame | None:
    mapped = relation(given, "party_entity")
    if mapped is None:
        return None
    rows = subjects.inner_join(mapped.select(subject_id="entity_id", evidence_key="party_id"), "subject_id")
    return _bare(rows.select("lead_id", "code", "evidence_key").distinct(), "parties")


def _bare(rows: ir.Table, table: str) -> pd.DataFrame:
    return collected(rows).assign(evidence_table=table, claim_id=None, policy_id=None, line=None)[PIECE]


def _resolved(given: Given, name: str, pieces: pd.DataFrame) -> pd.DataFrame:
    """Attach the source row of every key of one table; the earliest version where a key comes twice."""
    table = relation(given, name)
    if table is None or name not in tables():
        return pieces.assign(**dict.fromkeys([*LINEAGE, "at", "amount"]))
    has = set(table.columns)
    key = ibis.literal("|").join([table[c].cast("string").fill_null("") for c in tables()[name].key])
    at = table[AT[name]].cast("timestamp") if AT.get(name) in has else ibis.null("timestamp")
    amount = table[AMOUNT[name]].cast("float64") if AMOUNT.get(name) in has else ibis.null("float64")
    lineage = {c: table[c] if c in has else ibis.null("string") for c in LINEAGE}
    rows = table.select(evidence_key=key, at=at, amount=amount, **lineage)
    wanted = ibis.memtable(pieces[["evidence_key"]].drop_duplicates().astype("string"))
    found = collected(rows.semi_join(wanted, "evidence_key")).sort_values(["evidence_key", "insurer", "source_row"])
    return pieces.merge(found.drop_duplicates("evidence_key"), on="evidence_key", how="left")


def _of_claims(given: Given, found: pd.DataFrame) -> pd.DataFrame:
    """Fill time, amount and line of what hangs on a claim from the claim."""
    claims = claims_of(given, found["claim_id"])
    of = found[["claim_id"]].merge(claims, on="claim_id", how="left").set_axis(found.index)
    whole = found["evidence_table"] == "claims"
    return found.assign(
        at=pd.to_datetime(found["at"]).fillna(pd.to_datetime(of["event_at"])),
        amount=found["amount"].astype("float64").mask(whole, of["amount"].astype("float64")),
        line=found["line"].astype(object).where(found["line"].notna(), of["line"]),
    )


def claims_of(given: Given, ids: pd.Series, more: tuple[str, ...] = ()) -> pd.DataFrame:
    """Money and state of the named claims: claim_id, insurer, line, event_at, reported_at, open, amounts, person_id and ``more``."""
    names = [*MONEY, *more]
    view = relation(given, "claim_view")
    wanted = ids.dropna().drop_duplicates()
    if view is None or wanted.empty:
        return pd.DataFrame({n: pd.Series(dtype=object) for n in names})
    rows = view.semi_join(ibis.memtable(pd.DataFrame({"claim_id": wanted.astype("string")})), "claim_id")
    return collected(rows.select(*(n for n in names if n in view.columns))).reindex(columns=names)
