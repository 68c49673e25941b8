"""Referrals: an agent's customers who come to one hospital in a wave, and what beside the wave says that it is organised."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.sharing import within_window
from features.peers import binomial_z

PAIR = ("agent_id", "hospital_id")


def waves(book: Book, s: Mapping[str, float]) -> ir.Table:
    """Claims of the waves in which an agent's customers come to one hospital, where two independent signs add up.

    A wave alone is no proof: a village agent's customers go to the village clinic. So it must stand out against the pair's own other
    time (``wave``, standard errors) and, together, be seen by one doctor more than that hospital's other patients are, and stay longer than
    they do (``signs``, Stouffer's mean of both z).

    Parameters
    ----------
    book : Book
        With ``claim_view``.
    s : mapping
        ``crowd`` households within ``days``, over ``weeks`` different weeks (a bus that comes once is H12's), ``wave``, ``signs``.

    Returns
    -------
    Table
        claim_id, agent_id, hospital_id, link_n (households of the wave).

    Notes
    -----
    Stouffer et al. (1949), The American Soldier I, for the sum of independent z.
    """
    stays = _stays(book)
    days = s["days"]
    period = stays.day.max().as_scalar().delta(stays.day.min().as_scalar(), unit="day")
    wave = within_window(stays, PAIR, "family_id", (s["crowd"], days))
    size = stays.group_by(PAIR).agg(claims=stays.count())
    crowd = wave.group_by(PAIR).agg(k=wave.count(), link_n=wave.n.max(), weeks=(wave.week).nunique(), longer=_z_of(wave.off))
    joined = crowd.inner_join(size, PAIR).left_join(_one_doctor(wave, stays), PAIR)
    share = days / ibis.greatest(period, 2 * days).cast("float64")
    scored = joined.mutate(stands=binomial_z(joined.k, joined.claims, share), signs=(joined.longer + joined.same.fill_null(0.0)) / 2**0.5)
    odd = scored.filter(scored.weeks >= s["weeks"], scored.stands > s["wave"], scored.signs > s["signs"])
    return wave.select("claim_id", *PAIR).inner_join(odd.select(*PAIR, "link_n"), PAIR)


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
    """Per pair ``same``: standard errors by which its commonest doctor sees more of the wave than of the hospital's other patients."""
    seen = stays.filter(stays.doctor_id.notnull())
    here = wave.filter(wave.doctor_id.notnull()).group_by(*PAIR, "doctor_id").agg(v=lambda t: t.count())
    here = here.mutate(k=here.v.sum().over(group_by=PAIR))
    doctors = seen.group_by("hospital_id", "doctor_id").agg(own=seen.count())
    whole = seen.group_by("hospital_id").agg(every=seen.count())
    known = here.inner_join(doctors, ["hospital_id", "doctor_id"]).inner_join(whole, "hospital_id")
    # Laplace's rate of the hospital's other patients, and a floor under the variance, so that two of two patients prove nothing.
    share = (known.own - known.v + 1) / (known.every - known.k + 2).cast("float64")
    z = (known.v - known.k * share) / (known.k * share * (1 - share) + 0.25).sqrt()
    return known.mutate(z=z).group_by(PAIR).agg(same=lambda t: t.z.max())
