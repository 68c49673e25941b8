"""A proxy whose injured, wherever they live, go to one appraiser."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.book import Book

LEAST, PLACES = 3, 2
"""Households, and districts they come from, that make a pattern: in one district the nearest appraiser needs no other reason."""
PRIOR = 2
"""Claims' worth of the appraiser's share of all districts, where a district has few claims but the proxy's."""
FLOOR = 0.25
"""Under the variance: three of three claims in an empty district prove nothing."""


def together(book: Book, s: Mapping[str, float]) -> ir.Table:
    """Claims of a proxy and an appraiser who meet more than the districts of the injured explain.

    Of the claims with an appraiser, one per household, each of the proxy's goes to this appraiser by the share that he has of the other
    claims of its district. What is compared with that is the number that did; its variance is that of independent draws with these
    shares, which differ between districts (Poisson binomial), so that a broker stands out where a test of the total would see only his
    own claims.

    Parameters
    ----------
    book : Book
        Uses ``claim_view``.
    s : mapping of str to float
        ``together``: standard errors.

    Returns
    -------
    ibis Table
        claim_id, appraiser_id, proxy_id, beyond (standard errors); ``LEAST`` or more households from ``PLACES`` or more districts.
    """
    view = book["claim_view"].filter(lambda t: t.appraiser_id.notnull() & t.family_id.notnull())
    rows = view.select("claim_id", "family_id", "appraiser_id", "proxy_id", place=view.district.fill_null("?"))
    homes = rows.drop("claim_id").distinct()
    clients = homes.filter(homes.proxy_id.notnull())
    met = clients.group_by("appraiser_id", "proxy_id", "place").agg(here=clients.count())
    pairs = met.group_by("appraiser_id", "proxy_id").agg(n=met.here.sum(), places=met.count())
    known = _shares(pairs.filter(pairs.n >= LEAST, pairs.places >= PLACES), met, homes)
    beyond = (known.n.max() - (known.m * known.share).sum()) / ((known.m * known.share * (1 - known.share)).sum() + FLOOR).sqrt()
    scored = known.group_by("appraiser_id", "proxy_id").agg(beyond=beyond)
    hit = rows.inner_join(scored.filter(scored.beyond > s["together"]), ["appraiser_id", "proxy_id"])
    return hit.select("claim_id", "appraiser_id", "proxy_id", "beyond")


def _shares(pairs: ir.Table, met: ir.Table, homes: ir.Table) -> ir.Table:
    """Per pair and district of the proxy: m (the proxy's claims) and share (the appraiser's, of all others' claims there)."""
    clients = homes.filter(homes.proxy_id.notnull())
    there = clients.group_by("proxy_id", "place").agg(m=clients.count())
    every = homes.group_by("place").agg(every=homes.count())
    own = homes.group_by("appraiser_id", "place").agg(own=homes.count())
    whole = homes.group_by("appraiser_id").agg(whole=homes.count())
    all_of = clients.group_by("proxy_id").agg(all_of=clients.count())
    joined = pairs.inner_join(there, "proxy_id").inner_join(every, "place").inner_join(whole, "appraiser_id").inner_join(all_of, "proxy_id")
    joined = joined.left_join(own, ["appraiser_id", "place"]).drop("appraiser_id_right", "place_right")
    joined = joined.left_join(met, ["appraiser_id", "proxy_id", "place"]).drop("appraiser_id_right", "proxy_id_right", "place_right")
    total = homes.count().as_scalar()
    base = (joined.whole - joined.n) / ibis.greatest(total - joined.all_of, 1).cast("float64")
    others = joined.own.fill_null(0) - joined.here.fill_null(0)
    return joined.mutate(share=(others + PRIOR * base) / (joined.every - joined.m + PRIOR))
