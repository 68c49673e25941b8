"""Rings as red flags: N02, N03 and X04. They speak of a ring that something else speaks against, and are never evidence against it."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding

NEEDS = ("claim_roles.role",)


@red_flag(
    "N02",
    "Ring",
    grain="ring",
    severity="high",
    scheme="anomaly",
    needs=NEEDS,
    source="IVASS, Archivio Integrato Antifrode 2.0",
    settings={"weight": 0.03, "members": 4},
)
def ring(book: Book, s: Settings) -> ir.Table:
    """A ring that something besides its links speaks against.

    Condition: the ring is a lead (red flags on its households beyond chance, groups that rest on different things, or verdicts), has
    ``members`` or more, and weighs ``weight`` or more: the share of possible pairs that are connected, plus the share of its members and
    claims with a confirmed outcome.
    Example: a garage, a man who reports, and ten customers whose money goes to one account.
    Reason: who works with people who defraud either organises or takes part. It speaks for the scheme of the flag that made the ring.
    Exclusions: rings that nothing but their links speaks against. Its members bear no flag for being in it: what speaks against one of
    them is said of him by itself, and his leads point to the ring.
    """
    rings = (
        _leading(book)
        .mutate(weight=lambda t: t.density + t.proven)
        .filter(lambda t: (t.weight >= s["weight"]) & (t.n_members >= s["members"]))
    )
    measure = ("weight", s["weight"])
    return ibis.union(*(finding(rows, ("ring", "ring_id"), measure, (table, key), "told_by") for rows, table, key in _proof(book, rings)))


@red_flag(
    "N03",
    "Organiser",
    grain="party",
    severity="medium",
    scheme="anomaly",
    needs=NEEDS,
    source="IVASS, Archivio Integrato Antifrode 2.0",
    settings={"between": 0.1},
)
def organiser(book: Book, s: Settings) -> ir.Table:
    """The party through whom a ring's members are connected.

    Condition: organiser of a ring that is a lead: of its organisations and agents, else of those on others' claims, the one that holds it
    together (articulation point, then betweenness); ``between`` or more of the shortest ways between members pass there.
    Example: the proxy without whom nine injured strangers have nothing in common.
    Reason: somebody brings them together.
    Exclusions: rings that nothing but their links speaks against; exempt parties.
    """
    found = book["ring_members"].filter(lambda t: t.organiser & (t.between >= s["between"]))
    named = _leading(book).inner_join(found.select("ring_id", "entity_id", "between", entity_kind="kind"), "ring_id")
    most = named.mutate(between=named.between.max().over(group_by="entity_id"))
    return ibis.union(*(_as(rows, most, ("between", s["between"]), (table, key)) for rows, table, key in _touched(book, most)))


@red_flag(
    "X04",
    "Itinerant group",
    grain="ring",
    severity="high",
    scheme="staged_accident",
    needs=("claim_roles.role", "claims.event_at", "claims.district"),
    source="cases over ten and eleven provinces",
    settings={"provinces": 3},
)
def itinerant(book: Book, s: Settings) -> ir.Table:
    """One ring has losses in several provinces within a year.

    Condition: a ring that is a lead, with losses in ``provinces`` or more provinces within twelve months.
    Example: five people fall in shops from Guizhou to Hubei between March and June.
    Reason: who is known in one place moves on to the next.
    Exclusions: rings that nothing but their links speaks against.
    """
    rings = _leading(book).filter(lambda t: t.n_provinces >= s["provinces"])
    measure = ("n_provinces", s["provinces"])
    (rows, table, key), _ = _proof(book, rings)
    return finding(rows, ("ring", "ring_id"), measure, (table, key), "told_by")


def _leading(book: Book) -> ir.Table:
    return book["rings"].filter(lambda t: t.lead)


def _proof(book: Book, rings: ir.Table) -> tuple[tuple[ir.Table, str, str], tuple[ir.Table, str, str]]:
    """Rings with each of their claims, and with each of their policies."""
    rows = rings.inner_join(book["ring_claims"].select("ring_id", "claim_id", "policy_id").distinct(), "ring_id")
    return (rows.filter(rows.claim_id.notnull()), "claims", "claim_id"), (rows.filter(rows.policy_id.notnull()), "policies", "policy_id")


def _touched(book: Book, named: ir.Table) -> list[tuple[ir.Table, str, str]]:
    """Rows of ``named`` (ring_id, entity_id) with each claim and policy of the ring that the entity is on."""
    edges = (("edges", "claims", "claim_id"), ("policy_edges", "policies", "policy_id"))
    found = []
    for name, table, key in edges:
        on = book[name].select("entity_id", key).distinct()
        own = book["ring_claims"].filter(lambda t, key=key: t[key].notnull()).select("ring_id", key).distinct()
        found.append((named.inner_join(own, "ring_id").inner_join(on, ["entity_id", key]), table, key))
    return found


def _as(rows: ir.Table, named: ir.Table, measure: tuple[str, float], evidence: tuple[str, str]) -> ir.Table:
    """Findings on parties of several kinds; whoever is in several rings has the strongest one's value."""
    value, limit = measure
    most = named.group_by("entity_id").agg(most=named[value].max(), tells=named.told_by.min())
    level = rows.inner_join(most, "entity_id")
    found = finding(level, ("party", "entity_id"), ("most", limit), evidence, "tells")
    return found.mutate(subject_kind=found.subject_id.split(":")[0])


FLAGS: tuple[RedFlag, ...] = (ring, organiser, itinerant)
ABOUT_RINGS = ("M07", "N02", "N03", "X04")
"""Red flags that read the night's rings, and so come after them."""
