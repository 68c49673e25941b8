"""Family A, first half: what an agent has in common with the customers, and whose policies they are."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, key, without_exempt
from features.indicators.sharing import crowded, public_values, without_public

LONG_TERM = ("life", "annuity", "endowment", "universal_life", "critical_illness")
_SOLD = (
    "policy_id", "agent_id", "holder_id", "insured_id", "beneficiary_id", "holder_family", "insured_family", "channel", "device_id", "line",
    "starts_on", "renewal_of", "first_claim_at",
)  # fmt: skip
CONTACTS = ("account", "phone", "address", "device_id")


def sold(book: Book) -> ir.Table:
    """Policies with an agent and a natural person as holder; group and gift covers left out."""
    view = book["policy_view"]
    wanted = view.filter(view.agent_id.notnull(), view.group_id.isnull(), ~view.gift.fill_null(False))
    return wanted.filter(wanted.holder_id.startswith("person:")).select(_SOLD)


def agents_as_people(book: Book) -> ir.Table:
    """Agents who are in the book as persons too: agent_id, self_id, self_family; matched by id number."""
    entities = book["entities"].filter(lambda t: t.id_number.notnull())
    agents = entities.filter(entities.kind == "agent").select("id_number", agent_id="entity_id")
    people = entities.filter(entities.kind == "person").select("id_number", self_id="entity_id", self_family="family_id")
    return agents.inner_join(people, "id_number").drop("id_number")


@red_flag(
    "A01",
    "Own and mutual policies",
    grain="agent",
    severity="low",
    scheme="ghost_policies",
    needs=("policies.agent_id", "policies.holder_id", "parties.id_number"),
    source="Jilin regulator's notice",
    settings={"policies": 2},
)
def own_policies(book: Book, s: Settings) -> ir.Table:
    """An agent sells to himself and his family.

    Condition: ``policies`` or more policies whose holder, insured or beneficiary is the agent (by id number) or of his family.
    Example: five policies on the agent, his wife and his mother in the last week of a contest.
    Reason: own business earns commission and prizes.
    Exclusions: a single policy of one's own.
    """
    rows = sold(book).inner_join(agents_as_people(book), "agent_id")
    own = rows.filter(
        (rows.holder_family == rows.self_family) | (rows.insured_family == rows.self_family) | (rows.beneficiary_id == rows.self_id)
    )
    hit = crowded(own, ("agent_id",), "policy_id", s["policies"])
    return finding(hit, ("agent", "agent_id"), ("n", s["policies"]), ("policies", "policy_id"))


@red_flag(
    "A02",
    "Agent's contact on customers",
    grain="agent",
    severity="medium",
    scheme="ghost_policies",
    needs=("policies.agent_id", "policies.holder_id"),
    source="common screening practice",
    settings={"families": 3},
)
def agents_contact(book: Book, s: Settings) -> ir.Table:
    """An agent's own account, phone, address or device stands on the policies of several customers.

    Condition: one of these of the agent on the policies of ``families`` or more unrelated holders; a device only on policies sold online.
    Example: eleven holders whose phone is the agent's.
    Reason: calls and money are to reach the agent, not the customer.
    Exclusions: tablets that the insurer issues (agent channel); the agent's own family; exempt agents.
    """
    entities = book["entities"]
    agents = entities.filter(entities.kind == "agent").select("entity_id", **{f"agent_{c}": entities[c] for c in CONTACTS})
    holders = entities.select("entity_id", **{f"holder_{c}": entities[c] for c in CONTACTS if c != "device_id"})
    policies = sold(book).select("policy_id", "agent_id", "holder_id", "holder_family", "channel", "device_id")
    rows = without_exempt(policies, "agent_id", book).inner_join(agents, [("agent_id", "entity_id")]).drop("entity_id")
    rows = rows.inner_join(holders, [("holder_id", "entity_id")]).drop("entity_id")
    # Few rows have anything in common, and only those are looked at four times.
    some = rows.filter(_any(rows))
    parts = [_same(some, c) for c in CONTACTS]
    foreign = _unrelated(ibis.union(*parts), book)
    hit = crowded(foreign, ("agent_id", "contact"), "holder_family", s["families"])
    most = hit.mutate(n=hit.n.max().over(group_by="agent_id"), contact=hit.contact.min().over(group_by="agent_id"))
    return finding(most, ("agent", "agent_id"), ("n", s["families"]), ("policies", "policy_id"), "contact")


def _any(rows: ir.Table) -> ir.BooleanValue:
    same = [(rows[f"agent_{c}"] == rows["device_id" if c == "device_id" else f"holder_{c}"]).fill_null(False) for c in CONTACTS]
    return ibis.or_(*same)


def _same(rows: ir.Table, column: str) -> ir.Table:
    device = column == "device_id"
    same = rows.filter(rows[f"agent_{column}"] == rows["device_id" if device else f"holder_{column}"])
    same = same.filter(same.channel == "online") if device else same
    return same.select("agent_id", "policy_id", "holder_family", contact=ibis.literal(column))


def _unrelated(rows: ir.Table, book: Book) -> ir.Table:
    """Without the agent's own family."""
    own = agents_as_people(book).select("agent_id", holder_family="self_family").distinct()
    return rows.anti_join(own, ["agent_id", "holder_family"])


@red_flag(
    "A03",
    "Shared phone",
    grain="phone",
    severity="medium",
    scheme="ghost_policies",
    needs=("policies.holder_id", "parties.phone"),
    source="Liang et al. 2019",
    settings={"families": 3},
)
def shared_phone(book: Book, s: Settings) -> ir.Table:
    """One phone stands for several unrelated policyholders.

    Condition: ``families`` or more unrelated holders with one phone.
    Example: seven holders from six villages, one mobile number.
    Reason: one hand runs all the policies.
    Exclusions: families; phones of agents (A02), organisations and exempt parties, listed phones; group and gift covers. An address
    alone is a village or a dormitory, a device alone is I01.
    """
    public = public_values(book, "phone", ("agent", "agency", "employer", "hospital", "garage", "shop", "other"))
    phones = book["entities"].filter(lambda t: t.phone.notnull()).select(holder_id="entity_id", holder_phone="phone")
    view = book["policy_view"].filter(lambda t: t.group_id.isnull() & ~t.gift.fill_null(False))
    rows = view.select("policy_id", "holder_id", "holder_family").inner_join(phones, "holder_id")
    rows = without_public(rows, "holder_phone", public)
    hit = crowded(rows, ("holder_phone",), "holder_family", s["families"])
    return finding(hit, ("phone", "holder_phone"), ("n", s["families"]), ("policies", "policy_id"))


@red_flag(
    "A10",
    "Premium through the agent",
    grain="agent",
    severity="high",
    scheme="ghost_policies",
    needs=("premium_payments.account", "policies.agent_id"),
    source="SAMA",
    settings={"families": 3},
)
def premium_through_agent(book: Book, s: Settings) -> ir.Table:
    """The agent, or one account for many customers, pays the premiums.

    Condition: the agent's account, or one account, pays the premiums of ``families`` or more unrelated holders of the agent, none of them
    of his own family.
    Example: eight strangers' premiums come from one savings book.
    Reason: the customers do not exist, or their money takes a detour.
    Exclusions: one family's account; an agent who advances a premium or two, or pays for his parents, whom the book may not know as his
    kin; accounts of organisations (employers, agencies, lessors), listed accounts, group covers.
    """
    rows = _paid(book)
    own = agents_accounts(book)
    by_agent = _unrelated(rows.inner_join(own, ["agent_id", "account"]), book)
    by_agent = crowded(by_agent, ("agent_id",), "holder_family", s["families"])
    shared = crowded(rows.anti_join(own, "account"), ("agent_id", "account"), "holder_family", s["families"])
    every = ibis.union(by_agent.select(*_PAID, "n"), shared.select(*_PAID, "n"))
    most = every.mutate(n=every.n.max().over(group_by="agent_id"))
    return finding(most, ("agent", "agent_id"), ("n", s["families"]), ("premium_payments", "payment"))


_PAID = ("agent_id", "account", "holder_family", "policy_id", "payment")


def agents_accounts(book: Book) -> ir.Table:
    """agent_id, account of every agent who has one."""
    entities = book["entities"]
    return entities.filter(entities.kind == "agent", entities.account.notnull()).select("account", agent_id="entity_id")


def _paid(book: Book) -> ir.Table:
    """Premium payments of agent-sold policies from accounts that are not public."""
    payments = book["premium_payments"].filter(lambda t: t.account.notnull())
    named = payments.select("policy_id", "account", payment=key(payments, "policy_id", "due_on"))
    private = without_public(
        named, "account", public_values(book, "account", ("agency", "employer", "hospital", "garage", "shop", "other"))
    )
    return private.inner_join(sold(book), "policy_id").select(*_PAID)


@red_flag(
    "A13",
    "Unlicensed selling",
    grain="agent",
    severity="high",
    scheme="mis_selling",
    needs=("policies.agent_id", "parties.licence_ends_on", "policies.issued_on"),
    source="Chongqing 2016 plan: illegal internet insurance",
    settings={"days": 0},
)
def unlicensed_selling(book: Book, s: Settings) -> ir.Table:
    """Policies sold after the agent's licence had ended.

    Condition: issued more than ``days`` after ``licence_ends_on``.
    Example: a licence that ended in March, twenty policies in April.
    Reason: whoever may not sell any more has nothing to lose.
    Exclusions: agents without a known end; renewals, which nobody sold anew.
    """
    ends = book["entities"].filter(lambda t: t.licence_ends_on.notnull()).select(agent_id="entity_id", ended="licence_ends_on")
    rows = book["policy_view"].filter(lambda t: t.renewal_of.isnull()).inner_join(ends, "agent_id")
    hit = rows.mutate(late=rows.issued_on.delta(rows.ended, unit="day")).filter(lambda t: t.late > s["days"])
    most = hit.mutate(n=hit.policy_id.count().over(group_by="agent_id"))
    return finding(most, ("agent", "agent_id"), ("n", 0), ("policies", "policy_id"))


FLAGS: tuple[RedFlag, ...] = (own_policies, agents_contact, shared_phone, premium_through_agent, unlicensed_selling)
