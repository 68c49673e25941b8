"""Long or idle stays that come together (H20): what no single stay shows well enough to be flagged, many at one hospital do.

Its test needs a distribution that queries do not know, so it runs here, after the other flags, and not among them.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.book import Book
from features.bursts import bursts, members
from features.indicators.base import FINDING, red_flag
from features.indicators.evidence import finding, without_exempt
from features.indicators.health import treated_days
from pipelines.engine.keeping import kept
from pipelines.leads.crowd import heavy, spans_of, stepped
from pipelines.leads.inputs import collected

OWN = 10
"""Stays' worth by which a hospital's own habit is drawn to that of all."""
SIGNS = ("off", "idle")
"""What makes a stay unusual: days above its kind's, share of idle days."""
PARTY = ("hospital_id",)


@red_flag(
    "H20",
    "Long or idle stays together",
    grain="hospital",
    severity="high",
    scheme="sham_admission",
    needs=("claims.admitted_on", "claims.discharged_on", "policy_coverages.daily_benefit", "claim_roles.role"),
    source="medical-insurance audit practice; Zhang, Tong, Landers and Wu 2020 (TFisher) for the sum, Benjamini and Hochberg 1995",
    settings={"days": 120, "tail": 0.2, "households": 3, "level": 0.1, "false": 0.2, "peers": 20},
)
def beds_together(book: Book, s: Mapping[str, float]) -> ir.Table:
    """Stays paid by the day that are long or idle for what they treat come together at one hospital.

    Condition: of the stays with a daily allowance at a hospital within ``days``, those that are among the ``tail`` longest or idlest of
    their kind, of ``households`` or more, are together more, or further out, than chance gives (Benjamini-Hochberg below ``level`` over all
    hospitals with so many households and the windows of the book). A stay's kind is its diagnosis at hospitals of that specialty (its
    chapter where fewer than ``peers`` are known), and its length is held against the hospital's own habit as well.
    Example: a bruised hand, a grazed knee and a sore throat, 12 to 17 days each within three months, where others stay six.
    Reason: one long stay is a slow recovery; who sells beds by the day sells them to many. No single stay need be beyond a limit (H01).
    Exclusions: exempt hospitals; bills that do not count beds by day say nothing of treatment. Named are the stays of the window of which
    chance would give no more than the share ``false``.
    """
    paid = kept(without_exempt(unusual(book, s["peers"]), "hospital_id", book))
    found = together(paid, s)
    wanted = ibis.memtable(found, schema=ibis.schema({"hospital_id": "string", "last_day": "date"}))
    inside = members(paid, wanted, PARTY, int(s["days"]))
    place = (ibis.row_number() + 1).over(group_by="hospital_id", order_by=["p", "claim_id"])
    ranked = inside.mutate(place=place, n=inside.count().over(group_by="hospital_id"))
    last = ranked.place.max(where=ranked.p * ranked.n <= s["false"] * ranked.place).over(group_by="hospital_id")
    odd = ranked.mutate(last=last).filter(lambda t: t.place <= t["last"])
    homes, furthest = odd.family_id.nunique().over(group_by="hospital_id"), odd.p.max().over(group_by="hospital_id")
    named = odd.mutate(homes=homes, chance=(odd.n * furthest).round(6)).filter(lambda t: t.homes >= s["households"])
    return finding(named, ("hospital", "hospital_id"), ("homes", "chance"), ("claims", "claim_id")).select(*FINDING)


def unusual(book: Book, peers: float) -> ir.Table:
    """Stays paid by the day with the share of such stays that are as unusual.

    Parameters
    ----------
    book : Book
    peers : float
        Least stays of a kind.

    Returns
    -------
    ibis Table
        claim_id, hospital_id, family_id, day, p: one row per person, hospital and day of admission. Length is in logarithms above the
        median of its kind, and above the hospital's own median of that, drawn to zero where it has few stays. Of ``SIGNS`` the less likely
        one counts, times how many are known, and is ranked among the stays paid by the day.
    """
    rows = _stays(book)
    for name in ("diagnosis", "chapter"):
        by = ["specialty", name]
        far = rows.log - rows.log.median().over(group_by=by)
        enough = ibis.ifelse(rows.count().over(group_by=by) >= peers, far, ibis.null("float64"))
        rows = rows.mutate(off=ibis.coalesce(rows.off, enough))
    n = rows.off.count().over(group_by="hospital_id")
    own = rows.off.median().over(group_by="hospital_id") * n / (n + OWN)
    rows = kept(rows.mutate(off=rows.off - own))
    paid = rows.filter(rows.paid)
    shares = paid.mutate(**{name: _share(paid, name) for name in SIGNS})
    looked_at = sum((shares[name].notnull().cast("int64") for name in SIGNS), start=ibis.literal(0))
    told = shares.mutate(p=ibis.least(*(shares[name].fill_null(1.0) for name in SIGNS)) * looked_at)
    ranked = told.mutate(p=ibis.cume_dist().over(order_by=told.p.round(12)))
    return ranked.select("claim_id", "hospital_id", "family_id", "day", "p")


def _share(rows: ir.Table, name: str) -> ir.FloatingValue:
    """Share of the known values of a column that are at least as large."""
    known = rows[name].notnull()
    share: ir.FloatingValue = ibis.cume_dist().over(group_by=known, order_by=ibis.desc(rows[name].round(9)))
    return ibis.ifelse(known, share, ibis.null("float64"))


def _stays(book: Book) -> ir.Table:
    """One claim per person, hospital and day of admission, one with an allowance first (``paid``); ``log`` of days, ``idle`` share."""
    view = book["claim_view"]
    known = view.filter(view.stay_days > 0, view.hospital_id.notnull(), view.family_id.notnull(), view.person_id.notnull())
    paid = (known.daily_benefit > 0).fill_null(False)
    stay = ("person_id", "hospital_id", "admitted_on")
    first = ibis.row_number().over(group_by=stay, order_by=[ibis.desc(paid), "claim_id"])
    rows = known.mutate(first=first, paid=paid).filter(lambda t: t["first"] == 0).left_join(treated_days(book), "claim_id")
    days = rows.stay_days.cast("float64")
    return rows.select(
        "claim_id", "hospital_id", "family_id", "paid", day="admitted_on", log=days.ln(), off=ibis.null("float64"),
        idle=(days - rows.treated_days) / days, specialty=rows.hospital_specialty.fill_null("-"), chapter=rows.chapter.fill_null("-"),
        diagnosis=rows.diagnosis.substr(0, 3).fill_null("-"),
    )  # fmt: skip


def together(paid: ir.Table, s: Mapping[str, float]) -> pd.DataFrame:
    """The least likely window of each hospital, of those that chance does not explain: hospital_id, last_day."""
    days, columns = int(s["days"]), ["hospital_id", "last_day"]
    hit = paid.filter(paid.p <= s["tail"]).mutate(weight=-(paid.p / s["tail"]).ln())
    crowds = bursts(hit, PARTY, "family_id", days).filter(lambda t: t.burst >= s["households"])
    by = ("hospital_id", "last_day")
    homes = members(hit, crowds, PARTY, days).group_by(*by, "family_id").agg(weight=lambda t: t.weight.max())
    weights = homes.group_by(*by).agg(weight=homes.weight.sum())
    sizes = members(paid, crowds, PARTY, days).group_by(*by).agg(n=lambda t: t.count())
    rows = collected(weights.inner_join(sizes, list(by)))
    households = paid.group_by("hospital_id").agg(n=paid.family_id.nunique())
    large = households.filter(households.n >= s["households"]).count()
    if rows.empty:
        return rows.reindex(columns=columns)
    span = collected(paid.aggregate(span=paid.day.max().delta(paid.day.min(), unit="day"), hospitals=large.as_scalar())).iloc[0]
    rows["p"] = heavy(rows["weight"].to_numpy(dtype=float), s["tail"] * rows["n"].to_numpy(dtype=float))
    least = rows.sort_values(["p", "hospital_id", "last_day"], ignore_index=True).drop_duplicates("hospital_id", ignore_index=True)
    possible = int(span["hospitals"]) * spans_of(float(span["span"]), s["days"])
    one = pd.Series("H20", index=least.index)
    return least.loc[stepped(least["p"], one, possible) < s["level"], columns]
