"""Family A, second half: what becomes of the business that an agent writes."""

from __future__ import annotations

import math

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, without_exempt
from features.indicators.selling import LONG_TERM, agents_accounts, sold
from features.indicators.sharing import crowded, public_values, without_public
from features.peers import poisson_surprise

FAILED = ("failed", "unreachable", "wrong_number", "not_reached", "denied", "refused")


@red_flag(
    "A04",
    "Commission arbitrage",
    grain="agent",
    severity="high",
    scheme="ghost_policies",
    needs=("policies.agent_id", "policies.premium"),
    source="SAMA",
    settings={"policies": 3, "ratio": 1},
)
def commission_arbitrage(book: Book, s: Settings) -> ir.Table:
    """A policy that earns its agent more than the customer pays.

    Condition: ``policies`` or more policies whose commission and bonus reach ``ratio`` times the premium paid. Payments count where
    they are delivered, else what the policy states.
    Example: 4,000 of commission and prizes on a first premium of 3,600, then the policy lapses.
    Reason: policies are written for their commission.
    Exclusions: gift covers (no premium); clawed-back commission is subtracted.
    """
    rows = without_exempt(_earned(book), "agent_id", book)
    dear = rows.filter(rows.premium_paid > 0, rows.earned >= s["ratio"] * rows.premium_paid)
    hit = crowded(dear, ("agent_id",), "policy_id", s["policies"])
    total = hit.mutate(ratio=(hit.earned.sum() / hit.premium_paid.sum()).over(group_by="agent_id"))
    return finding(total, ("agent", "agent_id"), ("ratio", s["ratio"]), ("policies", "policy_id"), "n")


def _earned(book: Book) -> ir.Table:
    """Policies with ``earned`` (commission and bonus) and ``premium_paid`` as float CNY."""
    view = book["policy_view"].filter(lambda t: t.agent_id.notnull() & t.group_id.isnull() & ~t.gift.fill_null(False))
    view = view.select("policy_id", "agent_id", "premium", "commission", "bonus")
    fees, premiums = book["commission_payments"], book["premium_payments"].filter(lambda t: t.paid_at.notnull())
    fee = fees.group_by(fee_policy="policy_id").agg(fees=fees.amount.sum().cast("float64"))
    premium = premiums.group_by(premium_policy="policy_id").agg(premiums=premiums.amount.sum().cast("float64"))
    joined = view.left_join(fee, view.policy_id == fee.fee_policy).left_join(premium, view.policy_id == premium.premium_policy)
    stated = joined.commission.cast("float64").fill_null(0) + joined.bonus.cast("float64").fill_null(0)
    return joined.mutate(
        earned=ibis.coalesce(joined.fees, stated), premium_paid=ibis.coalesce(joined.premiums, joined.premium.cast("float64"))
    )


@red_flag(
    "A05",
    "Persistency",
    grain="agent",
    severity="medium",
    scheme="ghost_policies",
    needs=("policies.agent_id", "policies.starts_on", "policy_events.kind"),
    source="SAMA",
    settings={"z": 3, "months": 13, "policies": 20},
)
def persistency(book: Book, s: Settings) -> ir.Table:
    """An agent's long-term policies do not last a year.

    Condition: among at least ``policies`` long-term policies older than ``months`` months, the share lapsed or surrendered within
    them lies ``z`` or more standard deviations above that of all agents on the same lines.
    Example: 26 of 40 policies gone after thirteen months where others lose 6.
    Reason: customers were not found but made.
    Exclusions: small books; short-term lines.
    """
    rows = _ended_early(book, s["months"] * 30.4)
    scored = _against_line(rows, "ended", s["policies"])
    hit = rows.filter(rows.ended == 1).inner_join(scored.filter(scored.z > s["z"]), "agent_id")
    return finding(hit, ("agent", "agent_id"), ("z", s["z"]), ("policies", "policy_id"), "hits")


def _ended_early(book: Book, days: float) -> ir.Table:
    """Long-term policies old enough to judge, with ``ended`` 1 or 0."""
    now = ibis.date(book.as_of.isoformat())
    view = without_exempt(book["policy_view"].filter(lambda t: t.agent_id.notnull() & t.line.isin(LONG_TERM)), "agent_id", book)
    old = view.filter(now.delta(view.starts_on, unit="day") > days)
    gone = book["policy_events"].filter(lambda t: t.kind.isin(("lapse", "surrender")))
    first = gone.group_by(gone_policy="policy_id").agg(gone=gone["at"].min().cast("date"))
    joined = old.left_join(first, old.policy_id == first.gone_policy)
    lasted = joined.gone.delta(joined.starts_on, unit="day")
    return joined.mutate(ended=(lasted <= days).fill_null(False).cast("int64"))


def _against_line(rows: ir.Table, hit: str, least: float) -> ir.Table:
    """Agents with ``hits``, what the rates of their lines predict (``expected``), and ``z`` of the one against the other."""
    rates = rows.group_by("line").agg(rate=rows[hit].mean())
    expected = rows.inner_join(rates, "line")
    totals = expected.group_by("agent_id").agg(
        hits=expected[hit].sum(),
        trials=expected.count(),
        expected=expected.rate.sum(),
        variance=(expected.rate * (1 - expected.rate)).sum(),
    )
    enough = totals.filter(totals.trials >= least)
    return enough.mutate(z=(enough.hits - enough.expected) / ibis.greatest(enough.variance, 0.25).sqrt()).drop("variance")


@red_flag(
    "A08",
    "Early claims",
    grain="agent",
    severity="high",
    scheme="early_loss",
    needs=("policies.agent_id", "policies.starts_on", "claims.event_at"),
    source="SAMA",
    settings={"z": 3, "days": 120, "policies": 15, "claims": 5, "p": 0.05},
)
def early_claims(book: Book, s: Settings) -> ir.Table:
    """An agent's new customers claim soon.

    Condition: among at least ``policies`` new policies, those with a first loss within ``days`` (``claims`` or more) lie ``z`` or more
    standard deviations above the rate of their lines, and chance would give so many to one agent of all with a probability below ``p``.
    Example: 14 of 40 new health customers in hospital within four months, where 3 would be usual.
    Reason: the customers were recruited for their claims.
    Exclusions: renewals and group covers; small books; the unluckiest of a thousand agents, who is to be expected.
    """
    new = sold(book).filter(lambda t: t.renewal_of.isnull() & t.starts_on.notnull())
    view = without_exempt(new.select("policy_id", "agent_id", "line", "starts_on", "first_claim_at"), "agent_id", book)
    days = view.first_claim_at.cast("date").delta(view.starts_on, unit="day")
    rows = view.mutate(early=days.between(0, s["days"]).fill_null(False).cast("int64"))
    scored = _against_line(rows, "early", s["policies"])
    limit = math.log(1 / s["p"]) + scored.count().as_scalar().cast("float64").ln()
    rare = poisson_surprise(scored.hits.cast("float64"), scored.expected) > limit
    agents = scored.filter(scored.z > s["z"], scored.hits >= s["claims"], rare)
    hit = rows.filter(rows.early == 1).inner_join(agents, "agent_id")
    claims = book["claim_view"].select("claim_id", "policy_id").inner_join(hit.select("policy_id", "agent_id", "z", "hits"), "policy_id")
    return finding(claims, ("agent", "agent_id"), ("z", s["z"]), ("claims", "claim_id"), "hits")


@red_flag(
    "A11",
    "Ghost policy",
    grain="agent",
    severity="high",
    scheme="ghost_policies",
    needs=("policies.agent_id", "policy_events.kind"),
    source="SAMA",
    settings={"policies": 3, "signs": 2, "days": 430, "contacts": 2},
)
def ghost_policy(book: Book, s: Settings) -> ir.Table:
    """Policies of customers whom nobody can reach and who soon stop paying.

    Condition: ``policies`` or more policies of one agent with at least ``signs`` of: a failed callback; a phone shared with other
    families or a premium from the agent's account; lapse or surrender within ``days``; at least ``contacts`` of them with the second sign.
    Example: nobody answers the callback, the phone belongs to six holders, the policy lapses after the bonus.
    Reason: the customer is invented or borrowed.
    Exclusions: families sharing a phone; a failed callback alone; customers who moved away, reached by nobody but once real.
    """
    policies = sold(book).select("policy_id", "agent_id", "holder_id", "holder_family")
    rows = without_exempt(policies, "agent_id", book)
    named = [_failed_calls(book), _odd_contacts(book, rows), _soon_gone(book, s["days"])]
    every = ibis.union(*(t.mutate(sign=ibis.literal(i)) for i, t in enumerate(named)))
    signs = every.group_by("policy_id").agg(signs=every.sign.nunique(), contact=(every.sign == 1).any())
    hit = crowded(rows.inner_join(signs.filter(signs.signs >= s["signs"]), "policy_id"), ("agent_id",), "policy_id", s["policies"])
    borrowed = hit.filter(hit.contact).group_by("agent_id").agg(contacts=lambda t: t.policy_id.nunique())
    hit = hit.semi_join(borrowed.filter(borrowed.contacts >= s["contacts"]), "agent_id")
    return finding(hit, ("agent", "agent_id"), ("n", s["policies"]), ("policies", "policy_id"))


def _failed_calls(book: Book) -> ir.Table:
    calls = book["policy_events"].filter(lambda t: (t.kind == "callback") & t.result.isin(FAILED))
    return calls.select("policy_id").distinct()


def _odd_contacts(book: Book, rows: ir.Table) -> ir.Table:
    """Policies whose holder's phone is another family's or the agent's, or whose premium an agent's account paid."""
    phones = book["entities"].filter(lambda t: t.phone.notnull()).select("entity_id", "phone", "kind")
    held = rows.select("policy_id", "holder_id", "holder_family", "agent_id").inner_join(phones, [("holder_id", "entity_id")])
    private = without_public(held, "phone", public_values(book, "phone", ("agency", "employer", "hospital", "other")))
    shared = crowded(private, ("phone",), "holder_family", 3).select("policy_id")
    agents = phones.filter(phones.kind == "agent").select("phone", phone_agent="entity_id")
    called = held.inner_join(agents, [("phone", "phone"), ("agent_id", "phone_agent")]).select("policy_id")
    paid = book["premium_payments"].select("policy_id", "account").inner_join(agents_accounts(book), "account").select("policy_id")
    return ibis.union(shared, called, paid, distinct=True)


def _soon_gone(book: Book, days: float) -> ir.Table:
    gone = book["policy_events"].filter(lambda t: t.kind.isin(("lapse", "surrender"))).select("policy_id", gone="at")
    joined = gone.inner_join(book["policies"].select("policy_id", "starts_on"), "policy_id")
    return joined.filter(joined.gone.cast("date").delta(joined.starts_on, unit="day") <= days).select("policy_id").distinct()


FLAGS: tuple[RedFlag, ...] = (commission_arbitrage, persistency, early_claims, ghost_policy)
