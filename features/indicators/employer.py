"""Family E: employers and their workers."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, without_exempt
from features.indicators.sharing import crowded, public_values, without_public


@red_flag(
    "E01",
    "Claim rate of an employer",
    grain="employer",
    severity="medium",
    scheme="shell_employers",
    needs=("claim_roles.role", "claims.event_at"),
    source="Nantong and Nanjing cases",
    settings={"rate": 0.3, "claims": 5, "loss_ratio": 4, "days": 365},
)
def employer_claim_rate(book: Book, s: Settings) -> ir.Table:
    """A firm whose workers are hurt far more often than work explains.

    Condition: in the last ``days`` at least ``claims`` claims and, where the headcount is known, claims per head of ``rate`` or more;
    else paid or claimed money of ``loss_ratio`` times the premium.
    Example: twelve claims of thirty workers in a year.
    Reason: the firm exists for its claims.
    Exclusions: one event with many hurt counts once; exempt employers; firms without headcount and premium.
    """
    now = ibis.date(book.as_of.isoformat())
    view = book["claim_view"].filter(lambda t: t.employer_id.notnull() & t.line.isin(("employer_liability", "accident", "health")))
    recent = without_exempt(view.filter(now.delta(view.event_at.cast("date"), unit="day") <= s["days"]), "employer_id", book)
    sums = recent.group_by("employer_id").agg(claims=recent.event_id.nunique(), money=recent.amount.sum().cast("float64"))
    known = sums.left_join(_headcounts(book), "employer_id").drop("employer_id_right")
    known = known.left_join(_premiums(recent, book), "employer_id").drop("employer_id_right")
    scored = known.mutate(rate=known.claims / known.heads, ratio=known.money / known.premiums)
    high = (scored.rate >= s["rate"]) | (scored.heads.isnull() & (scored.ratio >= s["loss_ratio"]))
    hit = recent.select("claim_id", "employer_id").inner_join(scored.filter(scored.claims >= s["claims"], high), "employer_id")
    value = hit.rate.fill_null(hit.ratio)
    limit = ibis.ifelse(hit.rate.isnull(), s["loss_ratio"], s["rate"])
    return finding(hit, ("employer", "employer_id"), (value, limit), ("claims", "claim_id"), hit.claims)


def _headcounts(book: Book) -> ir.Table:
    """Workers of each employer, from what sources state of it."""
    facts = book["facts"].filter(lambda t: (t.name == "headcount") & (t.value > 0))
    return facts.group_by(employer_id="entity").agg(heads=facts.value.max())


def _premiums(recent: ir.Table, book: Book) -> ir.Table:
    """Premium of the policies that the claims of each employer were made on."""
    policies = recent.select("employer_id", "policy_id").distinct().inner_join(book["policies"].select("policy_id", "premium"), "policy_id")
    totals = policies.group_by("employer_id").agg(premiums=policies.premium.sum().cast("float64"))
    return totals.filter(totals.premiums > 0)


@red_flag(
    "E03",
    "Shell employers",
    grain="phone",
    severity="high",
    scheme="shell_employers",
    needs=("claim_roles.role", "parties.phone"),
    source="Nantong: more than 200 firms",
    settings={"employers": 3},
)
def shell_employers(book: Book, s: Settings) -> ir.Table:
    """Several claiming firms are run from one phone, address or account.

    Condition: ``employers`` or more different employers with claims share a phone, an address or an account.
    Example: nine cleaning firms, one mobile number, forty claims.
    Reason: firms are founded to insure workers that do not work.
    Exclusions: exempt employers (groups, business centres on the list); branches with one licence are one entity.
    """
    claims = book["claim_view"].filter(lambda t: t.employer_id.notnull()).select("claim_id", "employer_id")
    active = without_exempt(claims, "employer_id", book)
    firms = book["entities"].filter(lambda t: t.kind == "employer").select("entity_id", "phone", "address", "account")
    rows = active.inner_join(firms, [("employer_id", "entity_id")])
    listed = {c: public_values(book, c, ()) for c in ("phone", "account")}
    sides = [(kind, without_public(rows, kind, listed[kind])) for kind in ("phone", "account")]
    direct = [_firms(side, kind, kind, s["employers"]) for kind, side in sides]
    # An address is no subject of its own: the lead is on each of its firms.
    return ibis.union(*direct, _firms(rows, "employer", "address", s["employers"]))


def _firms(rows: ir.Table, kind: str, column: str, least: float) -> ir.Table:
    hit = crowded(rows, (column,), "employer_id", least)
    subject = "employer_id" if kind == "employer" else column
    return finding(hit, (kind, subject), ("n", least), ("claims", "claim_id"))


FLAGS: tuple[RedFlag, ...] = (employer_claim_rate, shell_employers)
