"""Who the night looks at: subjects new, changed or open within the look-back, as rows of (subject_kind, subject_id, as_of)."""

from __future__ import annotations

from datetime import timedelta

import ibis
import ibis.expr.types as ir

from features.book import Book

PARTY_KINDS = ("person", "agent", "hospital", "doctor", "garage")
PROVIDERS = ("hospital", "doctor", "garage")


def spine(book: Book, kinds: tuple[str, ...], look_back_days: int = 400) -> ir.Table:
    """Tonight's subjects of some kinds.

    Parameters
    ----------
    book : Book
        With ``claim_view`` and ``policy_view``.
    kinds : tuple of str
        ``claim``, ``policy``, ``person``, ``agent``, ``hospital``, ``doctor``, ``garage``, ...
    look_back_days : int
        A claim is in scope if it is open or anything happened to it since; a policy if it was issued or surrendered since; a party
        if it takes part in one of these, or is known by facts alone. Dates of the business count, not the receipt: a first
        delivery holds the whole history.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of (date), row (int64, its own for each); one row per subject. To be kept before it is read
        twice: a number means nothing outside one carrying out.
    """
    claims, policies = active_claims(book, look_back_days), active_policies(book, look_back_days)
    parts = [_facts(book)]
    if "claim" in kinds:
        parts.append(claims.select(subject_kind=ibis.literal("claim"), subject_id="claim_id"))
    if "policy" in kinds:
        parts.append(policies.select(subject_kind=ibis.literal("policy"), subject_id="policy_id"))
    if set(kinds) - {"claim", "policy"}:
        parts += [_by_role(book, claims), *_by_policy(policies)]
    every = ibis.union(*parts) if len(parts) > 1 else parts[0]
    wanted = every.filter(every.subject_kind.isin(kinds) & every.subject_id.notnull())
    # Distinct once, over all parts: Ibis writes a distinct union of many as nested ones.
    return wanted.distinct().mutate(as_of=ibis.date(book.as_of.isoformat()), row=ibis.row_number())


def active_claims(book: Book, look_back_days: int) -> ir.Table:
    """Rows of ``claim_view`` in scope; a claim without any date is."""
    claims, since = book["claim_view"], ibis.date((book.as_of - timedelta(days=look_back_days)).isoformat())
    dates = (claims.event_at.cast("date"), claims.reported_at.cast("date"), claims.closed_on, claims.discharged_on)
    latest = ibis.greatest(*(d.fill_null(ibis.date("1900-01-01")) for d in dates))
    return claims.filter(claims.open | (latest >= since) | (latest == ibis.date("1900-01-01")))


def active_policies(book: Book, look_back_days: int) -> ir.Table:
    """Rows of ``policy_view`` issued or surrendered within the look-back."""
    policies, since = book["policy_view"], ibis.date((book.as_of - timedelta(days=look_back_days)).isoformat())
    begun = ibis.coalesce(policies.issued_on, policies.starts_on)
    return policies.filter((begun >= since).fill_null(False) | (policies.surrendered_on >= since).fill_null(False))


def _facts(book: Book) -> ir.Table:
    facts = book["facts"]
    return facts.select("subject_kind", subject_id=ibis.coalesce(facts.entity, facts.subject_id))


def kind_of(entity_id: ir.StringValue) -> ir.StringValue:
    """The kind of party, which its id starts with: what stands before the colon."""
    return entity_id.substr(0, entity_id.find(":"))


def _by_role(book: Book, claims: ir.Table) -> ir.Table:
    roles = book["claim_roles"].semi_join(claims, "claim_id")
    return roles.select(subject_kind="entity_kind", subject_id="entity_id")


def _by_policy(policies: ir.Table) -> list[ir.Table]:
    columns = ("agent_id", "holder_id", "insured_id", "beneficiary_id")
    return [policies.select(subject_kind=kind_of(policies[c]), subject_id=policies[c]) for c in columns]
