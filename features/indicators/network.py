"""Validated links as red flags: H16, M09, M17, M20 and N04. A link alone proves nothing, so most ask for a second, independent sign."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.brokers import together
from features.indicators.crashes import paid_to_strangers
from features.indicators.evidence import finding, without_exempt
from features.indicators.referrals import referred
from features.indicators.sharing import crowded, dearer, linked_claims, public_values, without_public
from features.peers import binomial_z

LEAST = 3
"""Families that make a pattern."""
TWICE = 2
"""Families, and events, by which an expert comes back to an account that collects for ``LEAST``."""
LINK = "Tumminello et al. 2023"


@red_flag(
    "H16",
    "Hospital and agent",
    grain="hospital",
    severity="high",
    scheme="hospital_ring",
    needs=("claim_roles.role", "policies.agent_id"),
    source=f"Taiping case; {LINK}",
    settings={"lift": 5, "households": 5, "crowd": 6, "days": 150, "weeks": 4, "wave": 4, "signs": 3, "occasion": 14},
)
def hospital_agent(book: Book, s: Settings) -> ir.Table:
    """An agent's customers fill one hospital, and something besides says that it is arranged.

    Condition: validated link of agent and hospital, ``lift`` or more times chance, ``households`` or more households; or, where the pair's
    whole history hides it, a wave of ``crowd`` households within ``days``. In both cases one doctor sees them and they stay long, more than
    the hospital's other patients (``signs``: of some forty such pairs in a book one of twenty books has one by chance), and no more than
    half came within ``occasion`` days (:func:`referred`).
    Example: fourteen families of one agent in a hospital that has two of a hundred patients of the district, twelve under one doctor.
    Reason: agent and hospital fill beds together and split the benefit.
    Exclusions: exempt hospitals (the only one of a county, direct payment); chance is reckoned within the home district and line; a village
    agent whose customers go to the village clinic; one bus, one holiday at home, one accident (H12 judges crowds).
    """
    rows = without_exempt(without_exempt(referred(book, s), "hospital_id", book), "agent_id", book)
    sides = [_side(rows, "hospital", "hospital_id", s["households"]), _side(rows, "agent", "agent_id", s["households"])]
    return ibis.union(*sides)


def _side(rows: ir.Table, kind: str, column: str, limit: float) -> ir.Table:
    """Findings on one side of a link: its strongest link gives the value."""
    most = rows.mutate(most=rows.link_n.max().over(group_by=column))
    return finding(most, (kind, column), ("most", limit), ("claims", "claim_id"))


@red_flag(
    "M09",
    "Garage with its own customers",
    grain="garage",
    severity="high",
    scheme="garage_ring",
    needs=("claim_roles.role",),
    source="Shunyi court: 23 of 26 cases",
    settings={"z": 3, "quantile": 0.9, "households": 4, "share": 0.75},
)
def garage_customers(book: Book, s: Settings) -> ir.Table:
    """A garage that always meets the same reporters or owners, strangers to the crashes they report.

    Condition: validated link of the garage with a reporter, a reporting phone or an owner, with its share of claims above the
    ``quantile`` of motor amounts ``z`` or more standard deviations above that of all garages; or, where districts are too small for
    chance to tell, one stranger's phone that reports ``households`` or more unrelated families, ``share`` of them or more at this
    garage, and not for customers who report themselves; or one private account that collects for ``LEAST`` or more families here.
    Example: one man reports eleven strangers' crashes, all repaired at one shop.
    Reason: the garage makes the damage, and its people report and collect.
    Exclusions: exempt garages (4S shops that report for their customers) and exempt reporters; phones of agents, fleets and of the
    garages themselves; a towing hotline, from which the customers themselves report.
    Output: the busiest of these hands and its families; the claims of all of them.
    """
    links = book["links"].filter(lambda t: (t.a_kind == "garage") & t.b_kind.isin(("reporter", "phone", "owner")))
    private = without_public(without_exempt(links, "b_id", book), "b_id", _public_phones(book))
    dear = private.rename(garage_id="a_id").semi_join(_dear_garages(book, s), "garage_id")
    parts = [_hand(_both_of(book, dear, kind), kind, "b_id") for kind in HANDS]
    parts += [_hand(_one_voice(book, s), "phone", "reporter_phone"), _hand(collecting(book, "garage_id"), "account", "account")]
    rows = without_exempt(ibis.union(*parts), "garage_id", book)
    most = rows.mutate(most=rows.n.max().over(group_by="garage_id"))
    named = most.mutate(busiest=ibis.ifelse(most.n == most.most, most.hand, ibis.null("string")).min().over(group_by="garage_id"))
    return finding(named, ("garage", "garage_id"), ("most", LEAST), ("claims", "claim_id"), "busiest")


HANDS = {"reporter": "reporter_id", "phone": "reporter_phone", "owner": "owner_id"}
"""Who or what a garage may be linked with → where a claim names it."""


def _both_of(book: Book, links: ir.Table, kind: str) -> ir.Table:
    """Claims with both sides of the garages' links of one kind."""
    of = links.filter(links.b_kind == kind).select("garage_id", "b_id", "n")
    view = book["claim_view"].select("claim_id", "garage_id", b_id=HANDS[kind])
    return view.inner_join(of, ["garage_id", "b_id"])


def _hand(rows: ir.Table, kind: str, column: str) -> ir.Table:
    """Claims with the hand behind them, in the words of a sentence's detail: a kind and an id or token."""
    return rows.select("claim_id", "garage_id", "n", hand=ibis.literal(f"{kind} ") + rows[column])


def _public_phones(book: Book) -> ir.Table:
    return public_values(book, "phone", ("agent", "agency", "employer", "surveyor", "garage"))


def _one_voice(book: Book, s: Settings) -> ir.Table:
    """Claims of strangers that one phone reports and one garage repairs."""
    view = book["claim_view"].filter(lambda t: (t.line == "motor") & t.garage_id.notnull() & t.reporter_phone.notnull())
    people = book["entities"].select(reporter_id="entity_id", reporter_family="family_id")
    named = view.select("claim_id", "garage_id", "reporter_phone", "family_id", "reporter_id").left_join(people, "reporter_id")
    rows = named.filter((named.reporter_family != named.family_id).fill_null(True)).drop("reporter_id", "reporter_id_right")
    private = without_public(rows, "reporter_phone", _public_phones(book))
    all_of = crowded(private, ("reporter_phone",), "family_id", s["households"]).rename(families="n")
    here = crowded(all_of, ("reporter_phone", "garage_id"), "family_id", s["households"])
    return here.filter(here.n >= s["share"] * here.families)


def collecting(book: Book, column: str) -> ir.Table:
    """Claims of families that share a private payee account and the party in ``column``: claim_id, the column, n (families)."""
    view = book["claim_view"].filter(lambda t: t[column].notnull()).select("claim_id", column)
    return crowded(paid_to_strangers(book).inner_join(view, "claim_id"), ("account", column), "claimant_family", LEAST)


def _dear_garages(book: Book, s: Settings) -> ir.Table:
    """Garages whose share of high-price repairs stands out: garage_id, z."""
    view = book["claim_view"].filter(lambda t: (t.line == "motor") & t.garage_id.notnull() & t.amount.notnull())
    money = view.select("garage_id", money=view.amount.cast("float64"))
    high = money.mutate(high=(money.money >= money.money.quantile(s["quantile"]).as_scalar()).cast("int64"))
    rate = high.high.mean().as_scalar()
    shares = high.group_by("garage_id").agg(high=high.high.sum(), claims=high.count())
    scored = shares.mutate(z=binomial_z(shares.high, shares.claims, rate))
    return scored.filter(scored.z > s["z"]).select("garage_id", "z")


@red_flag(
    "M17",
    "Assessor and garage",
    grain="assessor",
    severity="high",
    scheme="garage_ring",
    needs=("claim_roles.role",),
    source="Shanghai: 15 % kickback",
    settings={"z": 3},
)
def assessor_garage(book: Book, s: Settings) -> ir.Table:
    """An assessor who keeps meeting one garage, and is generous there.

    Condition: validated link of assessor and garage (within the assessor's own insurer), amounts ``z`` or more standard errors
    above the line's.
    Example: half of an assessor's cases at one of forty garages, a third dearer.
    Reason: estimates are inflated for a share.
    Exclusions: exempt garages.
    """
    rows = without_exempt(linked_claims(book, ("assessor", "garage"), ("assessor_id", "garage_id")), "garage_id", book)
    peers = book["claim_view"].filter(lambda t: t.assessor_id.notnull() & t.garage_id.notnull())
    scored = dearer(rows, peers, "amount", ("assessor_id",))
    hit = rows.inner_join(scored.filter(scored.z > s["z"]), "assessor_id")
    return finding(hit, ("assessor", "assessor_id"), ("z", s["z"]), ("claims", "claim_id"), "link_n")


@red_flag(
    "M20",
    "Injury broker",
    grain="proxy",
    severity="high",
    scheme="injury_broker",
    needs=("claim_roles.role",),
    source="injury-broker cases",
    settings={"z": 2, "together": 3},
)
def injury_broker(book: Book, s: Settings) -> ir.Table:
    """A judicial appraiser and a lawyer or proxy who come as a pair.

    Condition: validated link of appraiser with lawyer or proxy, amounts ``z`` or more standard errors above those of all claims with an
    appraiser, who is called for the dear ones; or one private account collects for ``LEAST`` or more families, of whom ``TWICE`` or more,
    after as many crashes, come with the same appraiser, lawyer or proxy; or a proxy's injured, from several districts, go to one appraiser
    ``together`` or more standard errors more often than their districts do (:func:`together`; not a lawyer's: firms and appraisers of a
    region know each other). Disability grades are no field of the contract; the amount, which follows the grade, stands for them.
    Example: nine injured strangers, one proxy, one appraiser, every one a grade too high.
    Reason: the broker buys the claim, the appraiser writes the grade.
    Exclusions: exempt parties (the county's only appraiser); a law firm's own account.
    """
    pairs = [_broker(book, s, kind) for kind in ("lawyer", "proxy")]
    return ibis.union(*pairs, *_together(book, s), *(_collector(book, kind) for kind in ("appraiser", "lawyer", "proxy")))


def _together(book: Book, s: Settings) -> list[ir.Table]:
    rows = without_exempt(without_exempt(together(book, s), "appraiser_id", book), "proxy_id", book)
    sides = [(kind, rows.mutate(most=rows.beyond.max().over(group_by=f"{kind}_id"))) for kind in ("appraiser", "proxy")]
    what = ibis.literal("same_appraiser")
    return [finding(most, (kind, f"{kind}_id"), ("most", s["together"]), ("claims", "claim_id"), what) for kind, most in sides]


def _collector(book: Book, kind: str) -> ir.Table:
    """Claims of one expert that an account collects which collects for ``LEAST`` families in all; n (of them all)."""
    column = f"{kind}_id"
    paid = crowded(paid_to_strangers(book), ("account",), "claimant_family", LEAST)
    view = book["claim_view"].filter(lambda t: t[column].notnull()).select("claim_id", "event_id", column)
    known = paid.rename(families="n").inner_join(view, "claim_id")
    rows = crowded(known, ("account", column), "claimant_family", TWICE).drop("n")
    apart = without_exempt(crowded(rows, ("account", column), "event_id", TWICE), column, book)
    most = apart.mutate(n=apart.families.max().over(group_by=column))
    return finding(most, (kind, column), ("n", LEAST), ("claims", "claim_id"), ibis.literal("collecting_account"))


def _broker(book: Book, s: Settings, kind: str) -> ir.Table:
    column = f"{kind}_id"
    rows = linked_claims(book, ("appraiser", kind), ("appraiser_id", column))
    rows = without_exempt(without_exempt(rows, "appraiser_id", book), column, book)
    scored = dearer(rows, book["claim_view"].filter(lambda t: t.appraiser_id.notnull()), "amount", (column,))
    hit = rows.inner_join(scored.filter(scored.z > s["z"]), column)
    most = hit.mutate(most=hit.z.max().over(group_by="appraiser_id"))
    return ibis.union(
        finding(hit, (kind, column), ("z", s["z"]), ("claims", "claim_id"), ibis.literal("dear_link")),
        finding(most, ("appraiser", "appraiser_id"), ("most", s["z"]), ("claims", "claim_id"), ibis.literal("dear_link")),
    )


@red_flag(
    "N04",
    "Doctor and agent, lawyer with doctor or garage",
    grain="party",
    severity="medium",
    scheme="hospital_ring",
    needs=("claim_roles.role",),
    source=f"ring cases; {LINK}",
    settings={"households": 4},
)
def odd_links(book: Book, s: Settings) -> ir.Table:
    """Two trades that have no business with each other share their customers.

    Condition: validated link of doctor and agent, doctor and lawyer, or garage and lawyer over ``households`` or more households.
    Example: one agent's customers are all treated by one of two hundred doctors.
    Reason: they refer customers for a share.
    Exclusions: exempt parties; a doctor who is the district's only one of a kind still needs more customers than chance gives.
    """
    pairs = ((("agent", "doctor"), ("agent_id", "doctor_id")), (("doctor", "lawyer"), ("doctor_id", "lawyer_id")),
             (("garage", "lawyer"), ("garage_id", "lawyer_id")))  # fmt: skip
    return ibis.union(*(part for kinds, columns in pairs for part in _both(book, s, kinds, columns)))


def _both(book: Book, s: Settings, kinds: tuple[str, str], columns: tuple[str, str]) -> list[ir.Table]:
    rows = linked_claims(book, kinds, columns)
    rows = without_exempt(without_exempt(rows, columns[0], book), columns[1], book).filter(lambda t: t.link_n >= s["households"])
    return [_side(rows, kind, column, s["households"]) for kind, column in zip(kinds, columns, strict=True)]


FLAGS: tuple[RedFlag, ...] = (hospital_agent, garage_customers, assessor_garage, injury_broker, odd_links)
