"""Family M, parties: the same vehicles, people, phones and accounts in many losses, and who works with whom."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding, with_distinct, without_exempt
from features.indicators.sharing import crowded, people_with, public_values, within_window, without_public

ORGANISATIONS = ("hospital", "garage", "employer", "agency", "shop", "lawyer", "other")
COMMERCIAL = ("taxi", "ride_hailing", "freight", "rental")


@red_flag(
    "M05",
    "Repeat vehicle",
    grain="vehicle",
    severity="medium",
    scheme="staged_accident",
    needs=("claim_objects.object_id", "claims.event_at"),
    source="Shanghai: nine cars, sixteen losses, eight insurers",
    settings={"events": 3, "days": 365, "amount": 500},
)
def repeat_vehicle(book: Book, s: Settings) -> ir.Table:
    """One private vehicle in several crashes a year, over all insurers.

    Condition: at least ``events`` different events within ``days``, on either side.
    Example: an old saloon hit three times from behind between March and September.
    Reason: the car is a tool.
    Exclusions: taxis, ride hailing, freight, rental; trifles below ``amount`` (glass); compulsory and commercial claims on one
    crash are one event.
    """
    vehicles = book["objects"].filter(lambda t: (t.kind == "vehicle") & ~t.use.fill_null("private").isin(COMMERCIAL))
    touched = book["claim_objects"].semi_join(vehicles, "object_entity").select("claim_id", "object_entity").distinct()
    view = book["claim_view"].select("claim_id", "event_id", "amount", day=lambda t: t.event_at.cast("date"))
    rows = touched.inner_join(view.filter(view.amount.fill_null(s["amount"]) >= s["amount"]), "claim_id")
    hit = within_window(rows, ("object_entity",), "event_id", (s["events"], s["days"]))
    return finding(hit, ("vehicle", "object_entity"), ("n", s["events"]), ("claims", "claim_id"))


@red_flag(
    "M06",
    "Role swap",
    grain="person",
    severity="medium",
    scheme="staged_accident",
    needs=("claim_roles.role", "claims.event_at"),
    source="staged-accident ring cases",
    settings={"days": 730},
)
def role_swap(book: Book, s: Settings) -> ir.Table:
    """A person who drives in one accident is the injured or the witness in another.

    Condition: within ``days``, at least two events in which the person's part (at the wheel, third party, passenger, witness) differs.
    Example: driver in May, injured passenger of a stranger in July.
    Reason: a small troupe changes parts so that no name comes up twice in the same one.
    Exclusions: several claims on one crash (one event); owners and policyholders who were not there; exempt parties.
    """
    edges = book["edges"]
    part = {"driver": "1", "third_party": "2", "passenger": "3", "witness": "4"}
    present = edges.filter(edges.line == "motor", edges.role.isin(tuple(part)), edges.kind == "person", edges["at"].notnull())
    present = without_exempt(present, "entity_id", book)
    coded = present.mutate(part=present.role.cases(*part.items(), else_="9"))
    played = coded.group_by("entity_id", "event_id").agg(part=coded.part.min(), day=coded["at"].min().cast("date"))
    swapped = within_window(played, ("entity_id",), "part", (2, s["days"]))
    events = with_distinct(swapped, "entity_id", n="event_id").filter(lambda t: t.n >= 2)
    claims = events.drop("part").inner_join(coded.select("entity_id", "event_id", "claim_id"), ["entity_id", "event_id"])
    return finding(claims, ("person", "entity_id"), ("n", 1), ("claims", "claim_id"))


@red_flag(
    "M07",
    "Accident block",
    grain="ring",
    severity="high",
    scheme="staged_accident",
    needs=("claim_roles.role",),
    source="Subelj, Furlan and Bajec 2011",
    settings={"events": 3, "persons": 4, "families": 3},
)
def accident_block(book: Book, s: Settings) -> ir.Table:
    """Several people who meet again and again in accidents.

    Condition: a biconnected block of at least ``events`` accidents and ``persons`` persons of ``families`` families, in a ring that
    something besides its links speaks against.
    Example: A hits B, B hits C, C hits A.
    Reason: strangers do not meet twice on the road.
    Exclusions: one family in its car; exempt parties; one crash claimed on several covers.
    """
    rings = book["rings"].filter(
        lambda t: t.lead & (t.n_events >= s["events"]) & (t.n_people >= s["persons"]) & (t.n_families >= s["families"])
    )
    claims = book["ring_claims"].filter(lambda t: t.source.isin(("crash", "again"))).select("ring_id", "claim_id")
    hit = rings.inner_join(claims, "ring_id")
    return finding(hit, ("ring", "ring_id"), ("n_events", s["events"]), ("claims", "claim_id"), "n_people")


@red_flag(
    "M08",
    "Repeated injured",
    grain="person",
    severity="high",
    scheme="staged_accident",
    needs=("claim_roles.role", "claims.event_at"),
    source="Li Jinshan case: 36 claims in eleven provinces",
    settings={"events": 2, "days": 365, "insurers": 2},
)
def repeated_injured(book: Book, s: Settings) -> ir.Table:
    """The same third party in losses of several insurers.

    Condition: third party in at least ``events`` events within ``days``, at ``insurers`` or more insurers.
    Example: a pedestrian hit in two towns within four months.
    Reason: professional victims go from insurer to insurer.
    Exclusions: one crash at two insurers (one event); exempt parties (fleets, utilities).
    """
    view = book["claim_view"].select("claim_id", "insurer")
    third = book["edges"].filter(lambda t: (t.role == "third_party") & (t.kind == "person")).mutate(day=lambda t: t["at"].cast("date"))
    rows = without_exempt(third.select("claim_id", "event_id", "entity_id", "day"), "entity_id", book).inner_join(view, "claim_id")
    hit = within_window(rows, ("entity_id",), "event_id", (s["events"], s["days"]))
    spread = crowded(hit.rename(events="n"), ("entity_id",), "insurer", s["insurers"])
    return finding(spread, ("person", "entity_id"), ("events", s["events"]), ("claims", "claim_id"), "n")


@red_flag(
    "M10",
    "One reporting phone",
    grain="phone",
    severity="medium",
    scheme="garage_ring",
    needs=("claims.reporter_phone", "claims.event_at"),
    source="Anhui screening practice",
    settings={"families": 3, "days": 365, "insurers": 2},
)
def one_reporting_phone(book: Book, s: Settings) -> ir.Table:
    """One phone reports the losses of unrelated people at several insurers.

    Condition: at least ``families`` unrelated families report from one phone within ``days``, at ``insurers`` or more insurers.
    Example: four accidents of four strangers, one number.
    Reason: whoever arranges the losses also reports them.
    Exclusions: listed phones (4S shops, hotlines), phones of agents, agencies, employers (fleets) and exempt parties; one family;
    one event reported for everybody in it (a bus).
    """
    view = book["claim_view"].filter(lambda t: t.reporter_phone.notnull() & t.family_id.notnull())
    rows = view.select("claim_id", "event_id", "insurer", "family_id", "reporter_phone", day=view.event_at.cast("date"))
    known = without_public(rows, "reporter_phone", public_values(book, "phone", ("agent", "agency", "employer", "surveyor")))
    hit = within_window(known, ("reporter_phone",), "family_id", (s["families"], s["days"])).rename(families="n")
    several = crowded(crowded(hit, ("reporter_phone",), "event_id", s["families"]).drop("n"), ("reporter_phone",), "insurer", s["insurers"])
    return finding(several, ("phone", "reporter_phone"), ("families", s["families"]), ("claims", "claim_id"), "n")


@red_flag(
    "M13",
    "Common payee",
    grain="account",
    severity="high",
    scheme="payee",
    needs=("claim_roles.role",),
    source="Shanghai and Nantong cases",
    settings={"families": 3},
)
def common_payee(book: Book, s: Settings) -> ir.Table:
    """The money of unrelated claimants goes to one private account.

    Condition: claims of at least ``families`` families, other than the payee's own, are paid to one natural person's account.
    Example: five strangers' losses are paid to a mechanic's private account.
    Reason: whoever arranges the losses collects.
    Exclusions: accounts of hospitals, garages, employers, agencies and shops (direct payment); listed accounts; the families of
    whoever is known to hold the account, be it several.
    """
    hit = crowded(paid_to_strangers(book), ("account",), "claimant_family", s["families"])
    return finding(hit, ("account", "account"), ("n", s["families"]), ("claims", "claim_id"))


def paid_to_strangers(book: Book) -> ir.Table:
    """Claims paid to a private account of another family: claim_id, account, claimant_family."""
    view = book["claim_view"].select("claim_id", claimant_family="family_id")
    paid = without_public(_paid_accounts(book), "account", public_values(book, "account", ORGANISATIONS))
    met = paid.inner_join(view, "claim_id")
    # An account that spouses share has several owners: whoever is one of them is no stranger to it.
    own = met.filter(met.payee_family == met.claimant_family).select("claim_id", "account")
    return met.anti_join(own, ["claim_id", "account"]).drop("payee_family").distinct()


def _paid_accounts(book: Book) -> ir.Table:
    """claim_id, account, payee_family: from payments, and from the payee of the claim and his account."""
    payments, people = book["claim_payments"], people_with(book, "account")
    owner = people.group_by(owned="account").agg(payee_family=people.family_id.min())
    private = ~payments.payee_entity.split(":")[0].fill_null("person").isin(ORGANISATIONS)
    direct = payments.filter(payments.account.notnull(), private).select("claim_id", "account")
    by_payment = direct.left_join(owner, direct.account == owner.owned)
    payees = book["claim_roles"].filter(lambda t: t.role == "payee").select("claim_id", "entity_id")
    by_role = payees.inner_join(people, "entity_id").select("claim_id", "account", payee_family="family_id")
    return ibis.union(by_payment.select("claim_id", "account", "payee_family"), by_role, distinct=True)


@red_flag(
    "M19",
    "Driver swap",
    grain="claim",
    severity="medium",
    scheme="driver_swap",
    needs=("claim_roles.role", "claims.event_at", "claims.reported_at"),
    source="common screening practice",
    settings={"from_hour": 20, "to_hour": 4, "least_hours": 0.5, "most_hours": 12},
)
def driver_swap(book: Book, s: Settings) -> ir.Table:
    """A lone car crashes at night, is reported hours later, and somebody unusual was at the wheel.

    Condition: one vehicle, event between ``from_hour`` and ``to_hour``, reported ``least_hours`` to ``most_hours`` later, the driver is
    neither owner, insured nor holder, nor the driver of the vehicle's other events.
    Example: a car in a ditch at 23:30, reported at 05:00 by a cousin who says he drove.
    Reason: the real driver was drunk or without a licence and was replaced.
    Exclusions: crashes with a third party; commercial vehicles, whose drivers change; events without a time of day.
    """
    view = book["claim_view"]
    waited = (view.reported_at.epoch_seconds() - view.event_at.epoch_seconds()) / 3600
    hour, timed = view.event_at.hour(), view.event_at != view.event_at.truncate("D")
    night = view.filter(view.line == "motor", view.driver_id.notnull(), timed, (hour >= s["from_hour"]) | (hour < s["to_hour"]))
    late = night.mutate(waited=waited).filter(lambda t: t.waited.between(s["least_hours"], s["most_hours"]))
    usual = [(late.driver_id != late[c]).fill_null(True) for c in ("owner_id", "insured_id", "holder_id")]
    strange = late.filter(*usual, late.owner_id.notnull() | late.insured_id.notnull())
    alone = strange.anti_join(_not_alone(book), "claim_id")
    hit = alone.left_join(_drivers(book), ["vehicle_id", "driver_id"]).filter(lambda t: t.driven.fill_null(1) <= 1)
    return finding(hit, ("claim", "claim_id"), ("waited", s["least_hours"]), ("claims", "claim_id"))


def _not_alone(book: Book) -> ir.Table:
    """Claims with a second vehicle or a third party, and claims on commercial vehicles."""
    touched, objects = book["claim_objects"], book["objects"]
    vehicles = touched.group_by("claim_id").agg(vehicles=touched.object_entity.nunique(), thirds=(touched.side == "third").sum())
    several = vehicles.filter((vehicles.vehicles > 1) | (vehicles.thirds > 0)).select("claim_id")
    trade = touched.semi_join(objects.filter(objects.use.isin(COMMERCIAL)), "object_id").select("claim_id")
    others = book["claim_roles"].filter(lambda t: t.role == "third_party").select("claim_id")
    return ibis.union(several, trade, others, distinct=True)


def _drivers(book: Book) -> ir.Table:
    """How many events each person drove each vehicle in."""
    view = book["claim_view"].filter(lambda t: t.vehicle_id.notnull() & t.driver_id.notnull())
    return view.group_by("vehicle_id", "driver_id").agg(driven=view.event_id.nunique())


FLAGS: tuple[RedFlag, ...] = (
    repeat_vehicle,
    role_swap,
    accident_block,
    repeated_injured,
    one_reporting_phone,
    common_payee,
    driver_swap,
)
