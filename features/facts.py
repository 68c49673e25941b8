"""Sources that come as aggregates: their numeric facts as features, their words as peer keys."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book


def numeric_facts(book: Book, spine: ir.Table) -> ir.Table:
    """Numeric facts of the spine's subjects, long.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of, name, value (float64); the mean where records of one subject disagree.
    """
    facts = _named(book).filter(lambda t: t.value.notnull())
    joined = spine.inner_join(facts, ["subject_kind", "subject_id"])
    known = joined.filter((joined.known_at < joined.as_of.cast("timestamp")).fill_null(True))
    return known.group_by("subject_kind", "subject_id", "as_of", "name").agg(value=known.value.mean())


def word_facts(book: Book, spine: ir.Table) -> ir.Table:
    """Facts that are words, long: subject_kind, subject_id, as_of, name, text (the least where records disagree)."""
    facts = _named(book).filter(lambda t: t.value.isnull() & t.text.notnull())
    joined = spine.inner_join(facts, ["subject_kind", "subject_id"])
    known = joined.filter((joined.known_at < joined.as_of.cast("timestamp")).fill_null(True))
    return known.group_by("subject_kind", "subject_id", "as_of", "name").agg(text=known.text.min())


def _named(book: Book) -> ir.Table:
    facts = book["facts"]
    subject = ibis.coalesce(facts.entity, facts.subject_id)
    return facts.select("subject_kind", "name", "value", "text", "known_at", subject_id=subject)
