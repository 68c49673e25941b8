"""Nearness to proven fraud as a red flag: N01."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import key

PROVEN = ("confirmed", "partly")


@red_flag(
    "N01",
    "Near proven fraud",
    grain="party",
    severity="medium",
    scheme="anomaly",
    needs=("outcomes.verdict",),
    source="Oskarsdottir et al. 2022",
    settings={"percentile": 99},
)
def near_proof(book: Book, s: Settings) -> ir.Table:
    """A claim, policy or party that is closer to what investigations proved than nearly all others of its kind.

    Condition: BiRank from proven claims and parties, cleared ones counting against, at the ``percentile`` of the kind or above (not
    below 99), and a party in common with somebody proven, or a proven claim or policy of one's own. Evidence: the verdicts, strongest
    path first, and the rows that tie the subject to them.
    Example: a claim at the garage of which three of four investigated repairs were invented, reported from the same phone.
    Reason: who cheats once does it again, and with the same partners.
    Exclusions: those who have a verdict of their own; a busy hospital or hotline, whose share of what one patient did is one in all its
    patients; places whose investigations end no worse than elsewhere, for every cleared claim counts against.
    """
    scored = book["proximity"].filter(lambda t: ~t.own_verdict & (t.percentile >= s["percentile"]) & (t.proven > 0))
    paths = book["proximity_paths"].inner_join(scored.select("subject_kind", "subject_id", "percentile"), ["subject_kind", "subject_id"])
    told = paths.mutate(way=_way(paths))
    rows = told.mutate(way=told.way.first(order_by=told.place).over(group_by=["subject_kind", "subject_id"]), least=s["percentile"])
    return ibis.union(*(_found(part, table) for part, table in ((_verdicts(rows, book), "outcomes"), (_ties(rows, book), "claim_roles"))))


def _way(paths: ir.Table) -> ir.Value:
    """Through what kind of party the path leads. No more: the sentence is read by insurers who may not know each other's claims."""
    return ibis.ifelse(paths.via_id.isnull(), ibis.literal("own"), paths.via_kind)


def _verdicts(rows: ir.Table, book: Book) -> ir.Table:
    """The verdicts at the ends of the paths."""
    proven = book["outcomes"].filter(lambda t: t.verdict.isin(PROVEN))
    named = proven.select(source_id=proven.entity, evidence_key=key(proven, "subject_kind", "subject_id", "opened_at"))
    return rows.inner_join(named, "source_id")


def _ties(rows: ir.Table, book: Book) -> ir.Table:
    """What ties the subject to the path: a claim's row for the party it goes through, a party's row in the proven claim."""
    claim = ibis.ifelse(rows.subject_kind == "claim", rows.subject_id, rows.source_id)
    party = ibis.ifelse(rows.subject_kind == "claim", rows.via_id, rows.subject_id)
    roles = book["claim_roles"]
    named = roles.select(claim_id="claim_id", party="entity_id", evidence_key=key(roles, "claim_id", "party_id", "role"))
    return rows.mutate(claim_id=claim, party=party).inner_join(named, ["claim_id", "party"])


def _found(rows: ir.Table, table: str) -> ir.Table:
    """Findings: :func:`features.indicators.evidence.finding` for subjects of any kind."""
    columns = {"value": rows.percentile, "limit": rows.least, "detail": rows.way, "evidence_table": ibis.literal(table)}
    return rows.select("subject_kind", "subject_id", "evidence_key", **columns).distinct()


FLAGS: tuple[RedFlag, ...] = (near_proof,)
