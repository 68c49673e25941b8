"""What hub rules have in common: things shared by many, and pairs that a validated link joins."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.bursts import bursts, greatest_burst, members


def crowded(rows: ir.Table, by: tuple[str, ...], of: str, at_least: float) -> ir.Table:
    """Rows of the groups in which at least ``at_least`` different ``of`` come together, with ``n``; nulls in ``by`` are no group."""
    known = rows.filter(*(rows[c].notnull() for c in by))
    groups = known.group_by(by).agg(n=known[of].nunique())
    return known.inner_join(groups.filter(groups.n >= at_least), list(by))


def within_window(rows: ir.Table, by: tuple[str, ...], of: str, limits: tuple[float, float]) -> ir.Table:
    """Rows of the fullest window of each group, with ``n``, the different ``of`` in it.

    Parameters
    ----------
    rows : Table
        With ``day`` (date), ``of`` and the columns of ``by``.
    by : tuple of str
        Group.
    of : str
        What is counted.
    limits : (at_least, days)
        Smallest count that matters and length of the window.
    """
    at_least, days = limits
    some = crowded(rows, by, of, at_least).drop("n")
    found = greatest_burst(bursts(some, by, of, int(days)), by, at_least)
    return members(some, found, by, int(days)).rename(n="burst")


def linked_claims(book: Book, kinds: tuple[str, str], columns: tuple[str, str]) -> ir.Table:
    """Claims that hold both parties of a validated link, with ``n``, ``lift`` and ``a_id``, ``b_id`` of the link.

    Parameters
    ----------
    book : Book
        With ``links`` and ``claim_view``.
    kinds : (a_kind, b_kind)
        As the links name them.
    columns : (a column, b column)
        Of ``claim_view``.
    """
    links, view = book["links"], book["claim_view"]
    named = links.filter(links.a_kind == kinds[0], links.b_kind == kinds[1]).select("a_id", "b_id", link_n=links.n, lift=links.lift)
    return view.inner_join(named, [view[columns[0]] == named.a_id, view[columns[1]] == named.b_id])


def dearer(rows: ir.Table, peers: ir.Table, amount: str, by: tuple[str, ...]) -> ir.Table:
    """Groups of claims with ``z``: standard errors by which the mean log amount lies above that of the peers in their line.

    Parameters
    ----------
    rows : Table
        Claims with ``line`` and ``amount``.
    peers : Table
        Claims that the groups can be compared with: a crash that a forensic appraiser sees is dear by itself.
    amount : str
        Column of both.
    by : tuple of str
        Group.

    Returns
    -------
    Table
        ``by`` and ``z`` (null where a line shows no spread).
    """
    every = peers.filter(peers[amount] > 0)
    logs = every.mutate(log=every[amount].cast("float64").ln())
    usual = logs.group_by("line").agg(mean=logs.log.mean(), spread=logs.log.std())
    joined = rows.filter(rows[amount] > 0).inner_join(usual.filter(usual.spread > 0), "line")
    scored = joined.mutate(off=(joined[amount].cast("float64").ln() - joined["mean"]) / joined.spread)
    return scored.group_by(by).agg(z=scored.off.sum() / scored.off.count().cast("float64").sqrt())


def people_with(book: Book, column: str) -> ir.Table:
    """Natural persons with a value in ``column`` of ``entities``: entity_id, family_id, the column."""
    entities = book["entities"]
    known = entities.filter(entities.kind == "person", entities[column].notnull(), ~entities.exempt.fill_null(False))
    return known.select("entity_id", column, family_id=ibis.coalesce(known.family_id, known.entity_id))


def public_values(book: Book, column: str, kinds: tuple[str, ...]) -> ir.Table:
    """Accounts or phones that many may rightly share: of listed exemptions, of exempt parties, and of parties of ``kinds``."""
    entities, listed = book["entities"], book["party_exemptions"]
    open_to_all = entities.filter(entities[column].notnull(), entities.exempt.fill_null(False) | entities.kind.isin(kinds))
    return ibis.union(
        open_to_all.select(public=column), listed.filter(listed[column].notnull()).select(public=listed[column]), distinct=True
    )


def without_public(rows: ir.Table, column: str, public: ir.Table) -> ir.Table:
    """Rows whose value is not one of :func:`public_values`."""
    return rows.anti_join(public, rows[column] == public.public)
