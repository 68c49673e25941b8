"""Family S: complaints and surrenders that somebody organises. These go to the regulator or the insurer, and name the organiser only."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding
from features.indicators.selling import LONG_TERM
from features.indicators.sharing import crowded, public_values, without_public

UPHELD = ("upheld", "founded", "justified", "accepted")
"""Results of a complaint that the insurer found true: such a customer was wronged."""


def complaints(book: Book) -> ir.Table:
    """Complaints that were not upheld, with holder, family, agent and district of the policy."""
    events = book["policy_events"].filter(lambda t: (t.kind == "complaint") & ~t.result.fill_null("").isin(UPHELD))
    rows = events.select("event_id", "policy_id", "phone", "sender", "text_bands", day=events["at"].cast("date"))
    homes = book["entities"].select(holder_id="entity_id", home="district", own_phone="phone")
    view = book["policy_view"].select("policy_id", "holder_id", "holder_family", "agent_id", place="district")
    joined = rows.inner_join(view, "policy_id").left_join(homes, "holder_id").drop("holder_id_right")
    return joined.mutate(place=ibis.coalesce(joined.home, joined.place)).drop("home")


def organised(rows: ir.Table, by: str, share: float) -> ir.Table:
    """Leave out groups of complaints that mostly concern one agent: customers whom one agent wronged complain alike, and rightly."""
    total = rows.group_by(by).agg(total=rows.event_id.nunique())
    known = rows.filter(rows.agent_id.notnull())
    per_agent = known.group_by(by, "agent_id").agg(mine=known.event_id.nunique())
    most = per_agent.group_by(by).agg(most=per_agent.mine.max()).inner_join(total, by)
    return rows.anti_join(most.filter(most.most > share * most.total), by)


@red_flag(
    "S01",
    "Complaint template",
    grain="ring",
    severity="high",
    scheme="proxy_surrender",
    needs=("policy_events.kind", "policy_events.text_bands"),
    source="Ping An proxy-surrender case",
    settings={"families": 5, "places": 3, "agents": 3, "agent_share": 0.6, "voice": 3},
)
def complaint_template(book: Book, s: Settings) -> ir.Table:
    """The same complaint from people who do not know each other.

    Condition: near-duplicate complaints (a common text band) of ``families`` or more families from ``places`` or more districts about
    ``agents`` or more agents, where one phone or sender speaks for ``voice`` families or more.
    Example: twelve letters, one text, seven districts.
    Reason: a paid proxy writes them.
    Exclusions: complaints that were upheld; texts that mostly concern one agent (they feed A12); texts that people copy from each other
    and send themselves or through their children; that they give up the policy is what they complain for, and no sign. The lead is the
    template, never the complainants.
    """
    rows = complaints(book).filter(lambda t: t.text_bands.notnull())
    words = rows.mutate(band=rows.text_bands.split(" ")).unnest("band").filter(lambda t: t.band != "")
    common = crowded(crowded(words, ("band",), "holder_family", s["families"]).rename(families="n"), ("band",), "place", s["places"])
    free = _for_somebody(organised(common, "band", s["agent_share"]), s)
    widest = free.mutate(families=free.families.max().over(group_by="event_id"), most=free.families)
    kept = widest.filter(widest.most == widest.families)
    named = kept.group_by("event_id").agg(band=kept.band.min(), families=kept.families.max(), places=kept.n.max())
    rings = named.mutate(ring="ring:" + named.band)
    return finding(_level(rings, "ring", "families"), ("ring", "ring"), ("families", s["families"]), ("policy_events", "event_id"))


def _for_somebody(rows: ir.Table, s: Settings) -> ir.Table:
    """Templates about several agents in which one voice speaks for several families."""
    agents = rows.group_by("band").agg(agents=rows.agent_id.nunique())
    voices = [
        crowded(rows.select("band", "holder_family", voice=rows[c]), ("band", "voice"), "holder_family", s["voice"]).select("band")
        for c in ("phone", "sender")
    ]
    return rows.semi_join(agents.filter(agents.agents >= s["agents"]).semi_join(ibis.union(*voices), "band"), "band")


def _level(rows: ir.Table, by: str, column: str) -> ir.Table:
    """One value per subject."""
    return rows.mutate(**{column: rows[column].max().over(group_by=by)})


@red_flag(
    "S02",
    "One voice",
    grain="phone",
    severity="high",
    scheme="proxy_surrender",
    needs=("policy_events.kind", "policy_events.phone"),
    source="Guangdong guide on proxy surrender",
    settings={"families": 3, "agent_share": 0.8},
)
def one_voice(book: Book, s: Settings) -> ir.Table:
    """One phone or sender complains for several unrelated policyholders.

    Condition: ``families`` or more unrelated holders behind one complaint phone or sender.
    Example: nine holders of four insurers, one number.
    Reason: a proxy makes a business of other people's complaints.
    Exclusions: families; complaints that were upheld; groups that concern one agent only (they feed A12); listed phones, phones of
    agents, lawyers and organisations. The lead is the phone, never the complainants.
    """
    rows = complaints(book)
    public = public_values(book, "phone", ("agent", "agency", "lawyer", "employer", "other"))
    voices = [rows.filter(rows[c].notnull()).mutate(voice=rows[c]) for c in ("phone", "sender")]
    spoken = without_public(ibis.union(*voices), "voice", public)
    hit = crowded(organised(spoken, "voice", s["agent_share"]), ("voice",), "holder_family", s["families"])
    return finding(hit, ("phone", "voice"), ("n", s["families"]), ("policy_events", "event_id"))


@red_flag(
    "S03",
    "Refund above value",
    grain="policy",
    severity="medium",
    scheme="proxy_surrender",
    needs=("policy_events.kind", "policy_events.amount", "policy_events.cash_value"),
    source="press cases of full refunds",
    settings={"ratio": 1.5, "free_look_days": 20, "days": 180},
)
def refund_above_value(book: Book, s: Settings) -> ir.Table:
    """After a complaint the policy pays back far more than it is worth.

    Condition: refund at least ``ratio`` times the cash value, within ``days`` after a complaint that was not upheld, more than
    ``free_look_days`` after the issue.
    Example: 48,000 returned on a cash value of 19,000 three weeks after a letter.
    Reason: pressure works, and feeds the business.
    Exclusions: the free-look period (犹豫期); upheld complaints.
    """
    said = complaints(book).group_by("policy_id").agg(said=lambda t: t.day.max())
    paid = book["policy_events"].filter(lambda t: (t.kind == "surrender") & (t.cash_value > 0))
    issued = book["policies"].select("policy_id", "issued_on")
    joined = paid.select("event_id", "policy_id", "amount", "cash_value", day=paid["at"].cast("date")).inner_join(said, "policy_id")
    rows = joined.inner_join(issued, "policy_id").mutate(ratio=lambda t: t.amount.cast("float64") / t.cash_value.cast("float64"))
    late = rows.day.delta(rows.issued_on, unit="day") > s["free_look_days"]
    hit = rows.filter(rows.ratio >= s["ratio"], late.fill_null(True), rows.day.delta(rows.said, unit="day").between(0, s["days"]))
    return finding(_level(hit, "policy_id", "ratio"), ("policy", "policy_id"), ("ratio", s["ratio"]), ("policy_events", "event_id"))


@red_flag(
    "S05",
    "Group surrender",
    grain="agent",
    severity="high",
    scheme="ghost_policies",
    needs=("policy_events.kind", "policies.agent_id", "policies.starts_on"),
    source="18 holders, 28 policies, 5.84 million",
    settings={"families": 5, "months": 14, "share": 0.5},
)
def group_surrender(book: Book, s: Settings) -> ir.Table:
    """Long-term policies of one agent or payer are given up together within months.

    Condition: ``families`` or more unrelated holders of one agent surrender or lapse within ``months`` months of the start, and they
    are at least ``share`` of the agent's long-term business; or one account pays for that many.
    Example: eighteen holders, twenty-eight policies, all surrendered in the fourteenth month after the bonus.
    Reason: long policies are written to be short.
    Exclusions: gift and group covers; one family; listed accounts; holders who move their policy in the free-look period count too.
    """
    rows = _short_lived(book, s["months"] * 30.4)
    kinds = (("agent", "agent_id"), ("account", "payer"))
    return ibis.union(*(_together(rows, kind, column, s) for kind, column in kinds))


def _short_lived(book: Book, days: float) -> ir.Table:
    """Long-term policies with ``ended`` (1 within ``days``) and the account that paid most of their premiums (``payer``)."""
    view = book["policy_view"].filter(lambda t: t.line.isin(LONG_TERM) & t.group_id.isnull() & ~t.gift.fill_null(False))
    gone = book["policy_events"].filter(lambda t: t.kind.isin(("surrender", "lapse")))
    ends = gone.group_by(gone_policy="policy_id").agg(gone=gone["at"].min().cast("date"), event_id=gone.event_id.min())
    private = public_values(book, "account", ("agency", "employer", "hospital", "garage", "shop", "other"))
    paid = without_public(book["premium_payments"].filter(lambda t: t.account.notnull()), "account", private)
    payers = paid.group_by(paid_policy="policy_id").agg(payer=paid.account.min())
    joined = view.left_join(ends, view.policy_id == ends.gone_policy).left_join(payers, view.policy_id == payers.paid_policy)
    lasted = joined.gone.delta(joined.starts_on, unit="day")
    return joined.mutate(ended=(lasted <= days).fill_null(False).cast("int64"))


def _together(rows: ir.Table, kind: str, column: str, s: Settings) -> ir.Table:
    known = rows.filter(rows[column].notnull())
    shares = known.group_by(column).agg(share=known.ended.mean())
    gone = crowded(known.filter(known.ended == 1), (column,), "holder_family", s["families"])
    hit = gone.inner_join(shares.filter(shares.share >= s["share"]), column)
    return finding(hit, (kind, column), ("n", s["families"]), ("policy_events", "event_id"))


@red_flag(
    "S08",
    "Recycled money",
    grain="agent",
    severity="medium",
    scheme="ghost_policies",
    needs=("policy_events.kind", "policy_events.amount", "policies.agent_id", "policies.issued_on"),
    source="twisting practice, Shanghai regulator 2023",
    settings={"days": 30, "policies": 3, "share": 0.5},
)
def recycled_money(book: Book, s: Settings) -> ir.Table:
    """Surrender money comes back as a new premium through the same agent.

    Condition: ``policies`` or more times a holder surrenders and within ``days`` takes a new policy of the same agent whose premium
    is ``share`` or more of the refund.
    Example: out on 3 March with 41,000, in on 12 March with 40,000.
    Reason: the same money earns commission twice.
    Exclusions: a single change of plan; renewals.
    """
    view = book["policy_view"].filter(lambda t: t.agent_id.notnull())
    out = view.filter(view.surrendered_on.notnull(), view.surrender_amount > 0)
    old = out.select("agent_id", "holder_id", old_id="policy_id", left="surrendered_on", refund=out.surrender_amount.cast("float64"))
    fresh = view.filter(view.renewal_of.isnull(), view.issued_on.notnull())
    new = fresh.select("agent_id", "holder_id", "policy_id", "issued_on", money=fresh.premium.cast("float64"))
    pair = old.inner_join(new, ["agent_id", "holder_id"]).filter(lambda t: (t.policy_id != t.old_id) & (t.money >= s["share"] * t.refund))
    back = pair.filter(pair.issued_on.delta(pair.left, unit="day").between(0, s["days"]))
    hit = crowded(back, ("agent_id",), "old_id", s["policies"])
    return finding(hit, ("agent", "agent_id"), ("n", s["policies"]), ("policies", "policy_id"))


FLAGS: tuple[RedFlag, ...] = (complaint_template, one_voice, refund_above_value, group_surrender, recycled_money)
