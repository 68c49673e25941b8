"""Hospital stays: one row per person, hospital and day of admission, however many claims and insurers it was sent to."""

from __future__ import annotations

import ibis.expr.types as ir

from features.book import Book

STAY = ("person_id", "hospital_id", "admitted_on")


def stays(book: Book) -> ir.Table:
    """Stays with both dates known.

    Returns
    -------
    Table
        person_id, hospital_id, admitted_on, discharged_on (the latest claimed), event_id, claim_id (the least),
        family_id, chapter, diagnosis, line, claims.
    """
    claims = book["claim_view"]
    dated = claims.filter(claims.admitted_on.notnull(), claims.discharged_on >= claims.admitted_on, claims.hospital_id.notnull())
    dated = dated.filter(dated.person_id.notnull())
    return dated.group_by(STAY).agg(
        discharged_on=dated.discharged_on.max(),
        event_id=dated.event_id.min(),
        claim_id=dated.claim_id.min(),
        family_id=dated.family_id.min(),
        chapter=dated.chapter.min(),
        diagnosis=dated.diagnosis.min(),
        line=dated.line.min(),
        claims=dated.count(),
    )
