"""Referrals: an agent's customers who come to one hospital, and what beside the number says that it is organised."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.sharing import linked_claims, within_window
from features.peers import binomial_z

PAIR = ("agent_id", "hospital_id")


def referred(book: Book, s: Mapping[str, float]) -> ir.Table:
    """Claims of agent and hospital pairs that stand out, by a validated link or by a wave, and whose stays look organised besides.

    Neither a link nor a wave is proof: a village agent's customers go to the village clinic. So the pair's own patients must be seen by one
    doctor more than that hospital's others are, and stay longer than they do (``signs``, Stouffer's mean of both z), and must not have come
    on one occasion: where more than half of the households came within ``occasion`` days it is a crowd, which H12 judges.

    Parameters
    ----------
    book : Book
        With ``claim_view`` and ``links``.
    s : mapping
        ``lift``, ``households`` (of a link); ``crowd`` households within ``days`` over ``weeks`` different weeks, ``wave`` standard errors
        above the pair's own other time (of a wave); ``signs``, ``occasion``.

    Returns
    -------
    Table
        claim_id, agent_id, hospital_id, link_n (households of the link or wave).

    Notes
    -----
    Stouffer et al. (1949), The American Soldier I, for the sum of independent z.
    """
    stays = _stays(book)
    parts = [_organised(rows, stays, s).select("claim_id", *PAIR, "link_n") for rows in (_linked(book, stays, s), _waves(stays, s))]
    return ibis.union(*parts, distinct=True)


def _linked(book: Book, stays: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """Stays of pairs with a strong validated link, with ``link_n``."""
    claims = linked_claims(book, ("agent", "hospital"), PAIR)
    strong = claims.filter(claims.lift >= s["lift"], claims.link_n >= s["households"])
    return stays.inner_join(strong.select("claim_id", "link_n"), "claim_id")


def _waves(stays: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """Stays of waves that stand out against the pair's own other time, with ``link_n``."""
    days = s["days"]
    period = stays.day.max().as_scalar().delta(stays.day.min().as_scalar(), unit="day")
    wave = within_window(stays, PAIR, "family_id", (s["crowd"], days)).rename(link_n="n")
    crowd = wave.group_by(PAIR).agg(k=wave.count(), weeks=wave.week.nunique())
    size = stays.group_by(PAIR).agg(claims=stays.count())
    share = days / ibis.greatest(period, 2 * days).cast("float64")
    scored = crowd.inner_join(size, PAIR).mutate(stands=lambda t: binomial_z(t.k, t.claims, share))
    return wave.semi_join(scored.filter(scored.weeks >= s["weeks"], scored.stands > s["wave"]), PAIR)


def _organised(rows: ir.Table, stays: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """Rows of the pairs with independent signs that did not come on one occasion."""
    homes = rows.group_by(*PAIR, "family_id").agg(off=rows.off.mean())
    crowd = homes.group_by(PAIR).agg(families=homes.count(), longer=_z_of(homes.off))
    known = crowd.left_join(_one_doctor(rows, stays), PAIR).select(*PAIR, "families", "longer", "same")
    odd = known.filter((known.longer + known.same.fill_null(0.0)) / 2**0.5 > s["signs"])
    at_once = within_window(rows, PAIR, "family_id", (2, s["occasion"])).group_by(PAIR).agg(most=lambda t: t.n.max())
    crowded_in = at_once.inner_join(odd, PAIR).filter(lambda t: t.most * 2 > t.families)
    return rows.semi_join(odd, PAIR).anti_join(crowded_in, PAIR)


def _stays(book: Book) -> ir.Table:
    """Stays with ``off``: how far the log days lie above those of the same line and chapter, beyond the hospital's own habit."""
    view = book["claim_view"]
    known = view.filter(view.agent_id.notnull(), view.hospital_id.notnull(), view.family_id.notnull(), view.event_at.notnull())
    log = ibis.greatest(known.stay_days, 1).cast("float64").ln()
    rows = known.select("claim_id", *PAIR, "doctor_id", "family_id", "line", "chapter", day=known.event_at.cast("date"), log=log)
    rows = rows.mutate(week=rows.day.delta(ibis.date("1970-01-01"), unit="day") // 7)
    peers = {"group_by": ("line", "chapter")}
    off = rows.mutate(off=(rows.log - rows.log.mean().over(**peers)) / rows.log.std().over(**peers).nullif(0))
    return off.mutate(off=off.off - off.off.mean().over(group_by="hospital_id"))


def _z_of(off: ir.FloatingColumn) -> ir.FloatingScalar:
    return (off.sum() / ibis.greatest(off.count(), 1).cast("float64").sqrt()).fill_null(0.0)


def _one_doctor(wave: ir.Table, stays: ir.Table) -> ir.Table:
    """Per pair ``same``: standard errors by which its commonest doctor sees more households of the wave than of the hospital's others.

    Of a hospital's many doctors one is always the commonest, so z² loses 2 ln(doctors): exp(-z²/2) bounds a normal tail, and becomes as
    many times larger as there were doctors to choose from. A household comes back to its doctor, and counts once for each.
    """
    seen = stays.filter(stays.doctor_id.notnull())
    here = wave.filter(wave.doctor_id.notnull()).group_by(*PAIR, "doctor_id").agg(v=lambda t: t.family_id.nunique())
    here = here.mutate(k=here.v.sum().over(group_by=PAIR))
    doctors = seen.group_by("hospital_id", "doctor_id").agg(own=seen.family_id.nunique())
    whole = doctors.group_by("hospital_id").agg(every=doctors.own.sum(), choice=doctors.count())
    known = here.inner_join(doctors, ["hospital_id", "doctor_id"]).inner_join(whole, "hospital_id")
    # Laplace's rate of the hospital's other patients, and a floor under the variance, so that two of two patients prove nothing.
    share = (known.own - known.v + 1) / (known.every - known.k + 2).cast("float64")
    z = (known.v - known.k * share) / (known.k * share * (1 - share) + 0.25).sqrt()
    most = known.mutate(z=z).group_by(*PAIR, "choice").agg(z=lambda t: t.z.max())
    return most.select(*PAIR, same=ibis.greatest(ibis.greatest(most.z, 0.0) ** 2 - 2 * most.choice.cast("float64").ln(), 0.0).sqrt())
