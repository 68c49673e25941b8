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
    grain="employer",
    severity="high",
    scheme="shell_employers",
    needs=("claim_roles.role", "parties.phone"),
    source="Nantong: more than 200 firms",
    settings={"employers": 3, "kinds": 2, "hub": 50},
)
def shell_employers(book: Book, s: Settings) -> ir.Table:
    """Several claiming firms are run by one hand.

    Condition: an employer with claims shares contacts with others, together ``employers`` or more firms, over ``kinds`` or more kinds of
    contact: phone (its own or the one that reports its claims), address, account (its own or one that several workers are paid to).
    Example: nine cleaning firms, one mobile number, one account, forty claims.
    Reason: firms are founded to insure workers that do not work.
    Exclusions: one kind alone (an accountant's phone, a business park's address); exempt employers; listed phones and accounts;
    contacts of more than ``hub`` firms; branches with one licence are one entity.
    """
    view = book["claim_view"].filter(lambda t: t.employer_id.notnull())
    claims = view.select("claim_id", "employer_id", "reporter_phone", worker=ibis.coalesce(view.family_id, view.claim_id))
    active = without_exempt(claims, "employer_id", book)
    contacts = _contacts(book, active)
    sizes = contacts.group_by("kind", "contact").agg(firms=contacts.employer_id.nunique())
    shared = contacts.inner_join(sizes.filter(sizes.firms.between(2, s["hub"])), ["kind", "contact"]).drop("firms")
    other = shared.rename(other_id="employer_id")
    met = shared.inner_join(other, ["kind", "contact"])
    firms = met.group_by("employer_id").agg(firms=met.other_id.nunique(), kinds=met.kind.nunique())
    run = firms.filter(firms.firms >= s["employers"], firms.kinds >= s["kinds"])
    # Its partners too: the one in the middle knows two kinds, those at the ends one each.
    whole = met.inner_join(run.select(employer_id="employer_id", n="firms"), "employer_id").group_by("other_id").agg(n=lambda t: t.n.max())
    # Each is shown with the claims of all it shares contacts with: one hand, one story.
    circle = met.select("employer_id", "other_id").distinct().inner_join(whole.rename(firm="other_id"), [("employer_id", "firm")])
    hit = active.inner_join(circle.select("n", firm="employer_id", other="other_id"), [("employer_id", "other")])
    return finding(hit, ("employer", "firm"), ("n", s["employers"]), ("claims", "claim_id"))


def _contacts(book: Book, active: ir.Table) -> ir.Table:
    """employer_id, kind, contact of employers with claims: from every record of theirs, and from the claims."""
    records = book["parties"].select("phone", "address", "account", employer_id="entity_id").semi_join(active, "employer_id")
    paid = active.inner_join(book["claim_payments"].select("claim_id", "account"), "claim_id")
    collecting = crowded(paid, ("account",), "worker", 2)  # his own account goes with a worker from firm to firm
    parts = (
        ("phone", records.select("employer_id", contact="phone")),
        ("phone", active.select("employer_id", contact="reporter_phone")),
        ("address", records.select("employer_id", contact="address")),
        ("account", records.select("employer_id", contact="account")),
        ("account", collecting.select("employer_id", contact="account")),
    )
    every = ibis.union(*(t.mutate(kind=ibis.literal(k)) for k, t in parts), distinct=True)
    listed = ibis.union(*(public_values(book, c, ("hospital", "agent", "agency", "surveyor")) for c in ("phone", "account")), distinct=True)
    return without_public(every.filter(every.contact.notnull()), "contact", listed)


FLAGS: tuple[RedFlag, ...] = (employer_claim_rate, shell_employers)
