"""Family H: returns to one hospital that come together."""

from __future__ import annotations

import ibis.expr.types as ir

from features.book import Book
from features.icd import EXTERNAL
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, spread, without_exempt
from features.indicators.health import returns
from features.peers import binomial_z


@red_flag(
    "H19",
    "Split stays together",
    grain="hospital",
    severity="medium",
    scheme="split_stay",
    needs=("claims.admitted_on", "claims.discharged_on", "claim_diagnoses.code", "claim_roles.role"),
    source="medical-insurance audit practice",
    settings={"days": 15, "around": 60, "households": 3, "z": 3.5, "twice": 0.1, "some": 1},
)
def split_stays_together(book: Book, s: Settings) -> ir.Table:
    """A patient is discharged and readmitted twice running, and within weeks others come back to that hospital as well.

    Condition: one patient back twice running within ``days`` of discharge, for the same chapter of illness, and within ``around`` days of
    the second time so many other households back likewise, each for its own illness, that they are ``households`` together, and ``z``
    standard deviations more than the hospital's stays of that time give at the rate of all hospitals; or ``some`` and one of
    these others back twice running as well, where the same stays give ``twice`` such patients or fewer.
    Example: pneumonia in three parts in May, in the same weeks a hip, a stomach and a heart in two parts each; half a return is expected.
    Reason: who splits stays for a payment does it to everybody, while it pays. That one patient returns does not make others return.
    Exclusions: as H02; injuries, which are not one illness; stays that begin on the day the last one ended (transfers, bills in parts).
    """
    back = _back(book, s)
    own = back.filter(back.again).select("hospital_id", anchor="claim_id", patient="family_id", middle="admitted_on")
    near = back.inner_join(own, "hospital_id")
    near = near.filter(near.admitted_on.delta(near.middle, unit="day").abs() <= s["around"])
    others = near.filter(near.family_id != near.patient)
    homes, chains = (others.family_id.nunique(where=others[c]) for c in ("back", "again"))
    crowds = others.group_by("anchor").agg(n=others.count(), homes=homes, chains=chains)
    z = binomial_z(crowds.homes, crowds.n, _rate(back, "back"))
    twice = (crowds.chains > 0) & (crowds.n * _rate(back, "again") <= s["twice"]) & (z > s["some"])
    odd = crowds.filter(crowds.homes + 1 >= s["households"], (z > s["z"]) | twice)
    hit = near.filter(near.back).inner_join(odd, "anchor")
    allowed = without_exempt(hit, "hospital_id", book)
    most = allowed.mutate(most=(allowed.homes + 1).max().over(group_by="hospital_id"))
    both = spread(most.select("hospital_id", "most", "claim_id", "claim_id_1"), ("claim_id", "claim_id_1")).distinct()
    return finding(both, ("hospital", "hospital_id"), ("most", s["households"]), ("claims", "claim_id"))


def _back(book: Book, s: Settings) -> ir.Table:
    """Stays for illness: is the patient ``back`` from the one before, and for the second time running (``again``)?"""
    ill = returns(book, s).filter(lambda t: t.chapter.notnull() & ~t.chapter.isin(EXTERNAL) & t.family_id.notnull())
    marked = ill.mutate(back=ill.split & (ill.gap > 0))
    before = marked.back.lag(1).over(group_by=("person_id", "hospital_id"), order_by="admitted_on")
    return marked.mutate(again=marked.back & before.fill_null(False))


def _rate(back: ir.Table, which: str) -> ir.FloatingScalar:
    return ((back[which].sum() + 1) / (back.count() + 2)).as_scalar()


FLAGS: tuple[RedFlag, ...] = (split_stays_together,)
