"""Family M, claims: when and how a motor or accident loss happened."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding

LINES = ("motor", "accident")


@red_flag(
    "M01",
    "Short policy to loss",
    grain="claim",
    severity="medium",
    scheme="early_loss",
    needs=("policies.starts_on", "policies.ends_on", "claims.event_at"),
    source="Jining stacking case; NICB indicator list",
    settings={"motor_days": 7, "accident_days": 30, "term_days": 180},
)
def short_policy_to_loss(book: Book, s: Settings) -> ir.Table:
    """The loss follows the start of a new policy within days.

    Condition: event at most ``motor_days`` (``accident_days``) after the start, term at least ``term_days``.
    Example: a car insured on Monday is hit on Thursday.
    Reason: cover is bought when the loss is planned, or has happened.
    Exclusions: renewals; group, gift and short covers.
    """
    view = book["claim_view"]
    limit = ibis.ifelse(view.line == "motor", s["motor_days"], s["accident_days"])
    fresh = view.filter(view.line.isin(LINES), view.renewal_of.isnull(), view.group_id.isnull(), ~view.gift.fill_null(False))
    hit = fresh.filter(fresh.policy_age_days.between(0, limit), fresh.term_days >= s["term_days"])
    return finding(hit, ("claim", "claim_id"), (limit - hit.policy_age_days + 1, limit), ("claims", "claim_id"), "policy_age_days")


@red_flag(
    "M02",
    "End-of-term loss",
    grain="claim",
    severity="low",
    scheme="early_loss",
    needs=("policies.starts_on", "policies.ends_on", "policies.renewal_of", "claims.event_at"),
    source="common screening practice",
    settings={"days": 7, "term_days": 180, "grace_days": 30},
)
def end_of_term_loss(book: Book, s: Settings) -> ir.Table:
    """The loss falls into the last days of a policy that nobody renewed.

    Condition: event at most ``days`` before the end, term at least ``term_days``, no renewal within ``grace_days`` of the end.
    Example: an unrenewed policy's only claim, two days before it ends.
    Reason: the premium is to be got back before it is lost.
    Exclusions: renewed policies; policies that ended too recently to know.
    """
    view = book["claim_view"]
    left = view.ends_on.delta(view.event_at.cast("date"), unit="day")
    known = ibis.date(book.as_of.isoformat()).delta(view.ends_on, unit="day") > s["grace_days"]
    last = view.filter(view.line.isin(LINES), known, ~view.renewed.fill_null(False), view.term_days >= s["term_days"])
    hit = last.mutate(left=left).filter(lambda t: t.left.between(0, s["days"]))
    return finding(hit, ("claim", "claim_id"), (s["days"] - hit.left + 1, s["days"]), ("claims", "claim_id"), "left")


@red_flag(
    "M03",
    "Late report",
    grain="claim",
    severity="low",
    scheme="early_loss",
    needs=("claims.reported_at", "claims.event_at", "claims.police_report_no"),
    source="common screening practice",
    settings={"hours": 48},
)
def late_report(book: Book, s: Settings) -> ir.Table:
    """A crash or accidental death reported days later, without a police report.

    Condition: motor, or accident with the insured dead: reported more than ``hours`` after the event, no police report number.
    Example: a rear-end collision reported after five days.
    Reason: the traces are gone, and there was time to arrange the story.
    Exclusions: other lines, where treatment comes before the claim.
    """
    view = book["claim_view"]
    hours = (view.reported_at.epoch_seconds() - view.event_at.epoch_seconds()) / 3600
    kind = (view.line == "motor") | ((view.line == "accident") & view.deceased_on.notnull())
    hit = view.filter(kind, view.police_report_no.isnull()).mutate(hours=hours).filter(lambda t: t.hours > s["hours"])
    return finding(hit, ("claim", "claim_id"), ("hours", s["hours"]), ("claims", "claim_id"))


@red_flag(
    "M04",
    "Night loss",
    grain="claim",
    severity="low",
    scheme="staged_accident",
    needs=("claims.event_at",),
    source="Subelj et al. 2011; Shanghai cases",
    settings={"from_hour": 22, "to_hour": 5},
)
def night_loss(book: Book, s: Settings) -> ir.Table:
    """A crash at night.

    Condition: motor event between ``from_hour`` and ``to_hour``.
    Example: two cars meet on an empty road at 02:40.
    Reason: no witnesses, no traffic.
    Exclusions: events without a time of day (midnight sharp). District borders need a place, which is a token here.
    """
    view = book["claim_view"]
    hour = view.event_at.hour()
    timed = view.filter(view.line == "motor", (hour + view.event_at.minute() + view.event_at.second()) > 0)
    hit = timed.filter((timed.event_at.hour() >= s["from_hour"]) | (timed.event_at.hour() < s["to_hour"]))
    return finding(hit, ("claim", "claim_id"), (1, 0), ("claims", "claim_id"), hit.event_at.hour())


@red_flag(
    "M12",
    "Neither owner drives",
    grain="claim",
    severity="low",
    scheme="staged_accident",
    needs=("claim_roles.role",),
    source="Shanghai case",
)
def neither_owner_drives(book: Book, s: Settings) -> ir.Table:
    """In a crash of two cars, neither is driven by its owner or the owner's family.

    Condition: one event with at least two drivers and two owners, no driver of an owner's family.
    Example: two borrowed cars collide.
    Reason: hired drivers crash cars they do not own.
    Exclusions: families; owners that are firms (fleets, lessors).
    """
    people = book["entities"].filter(lambda t: t.kind == "person").select("entity_id", "family_id")
    roles = book["edges"].filter(lambda t: (t.line == "motor") & t.role.isin(("driver", "owner"))).inner_join(people, "entity_id")
    roles = roles.select("event_id", "entity_id", "family_id", "role").distinct()
    both = roles.group_by("event_id", "family_id").agg(sides=roles.role.nunique())
    counts = roles.group_by("event_id").agg(drivers=(roles.role == "driver").sum(), owners=(roles.role == "owner").sum())
    hit = counts.filter(counts.drivers >= 2, counts.owners >= 2).anti_join(both.filter(both.sides > 1), "event_id")
    claims = book["claim_view"].select("claim_id", "event_id", "line").inner_join(hit, "event_id").filter(lambda t: t.line == "motor")
    return finding(claims, ("claim", "claim_id"), ("drivers", 0), ("claims", "claim_id"))


@red_flag(
    "M15",
    "Full car, soft injury",
    grain="claim",
    severity="medium",
    scheme="staged_accident",
    needs=("claim_roles.role", "claim_objects.assessed"),
    source="Subelj et al. 2011",
    settings={"occupants": 4, "injured": 3, "quantile": 0.2},
)
def full_car_soft_injury(book: Book, s: Settings) -> ir.Table:
    """Many people hurt in a car that hardly is.

    Condition: at least ``occupants`` in one crash, at least ``injured`` of them with a claim of their own or treated,
    damage below the ``quantile`` of all crashes.
    Example: a scratched bumper and four whiplashes.
    Reason: injuries pay more than bumpers and cannot be seen.
    Exclusions: crashes without an assessed damage.
    """
    edges = book["edges"]
    aboard = edges.filter(edges.role.isin(("driver", "passenger"))).group_by("event_id").agg(occupants=lambda t: t.entity_id.nunique())
    hurt = _injured(book)
    damage = _damage(book)
    light = damage.filter(damage.damage <= damage.damage.quantile(s["quantile"]).as_scalar())
    crash = aboard.filter(aboard.occupants >= s["occupants"]).inner_join(light, "event_id").inner_join(hurt, "event_id")
    hit = crash.filter(crash.injured >= s["injured"])
    claims = book["claim_view"].select("claim_id", "event_id").inner_join(hit, "event_id")
    return finding(claims, ("claim", "claim_id"), ("injured", s["injured"]), ("claims", "claim_id"), "occupants")


def _injured(book: Book) -> ir.Table:
    """People of each event with an accident or health claim, or who claim as passengers or third parties."""
    edges = book["edges"]
    treated = edges.filter(edges.line.isin(("accident", "health")), edges.role.isin(("insured", "claimant")))
    claiming = edges.filter(edges.line == "motor", edges.role == "claimant").semi_join(
        edges.filter(edges.role.isin(("passenger", "third_party"))), ["claim_id", "entity_id"]
    )
    every = ibis.union(treated.select("event_id", "entity_id"), claiming.select("event_id", "entity_id"))
    return every.group_by("event_id").agg(injured=every.entity_id.nunique())


def _damage(book: Book) -> ir.Table:
    assessed = book["claim_objects"].filter(lambda t: t.assessed.notnull())
    events = book["claim_view"].filter(lambda t: t.line == "motor").select("claim_id", "event_id")
    joined = assessed.inner_join(events, "claim_id")
    return joined.group_by("event_id").agg(damage=joined.assessed.sum().cast("float64"))


@red_flag(
    "M18",
    "Loss before cover",
    grain="claim",
    severity="high",
    scheme="early_loss",
    needs=("policies.starts_on", "claims.event_at"),
    source="Shanghai list of motor fraud patterns",
    settings={"break_days": 3, "gap_days": 1},
)
def loss_before_cover(book: Book, s: Settings) -> ir.Table:
    """The loss happened before the cover that pays for it.

    Condition: event before the start of the policy, or before an endorsement made between event and report, or at most
    ``break_days`` after a break in cover of more than ``gap_days``.
    Example: cover lapsed in May, was bought on 3 July, the crash is dated 4 July.
    Reason: first the crash, then the cover.
    Exclusions: renewals without a break; events without a date; compulsory and commercial covers are judged each by their own dates.
    """
    view = book["claim_view"].filter(lambda t: t.line.isin((*LINES, "cargo")))
    early = view.filter(view.policy_age_days < 0)
    parts = [
        finding(early, ("claim", "claim_id"), (-early.policy_age_days, 0), ("claims", "claim_id"), ibis.literal("start")),
        _endorsed(book, view),
        _after_break(book, view, s),
    ]
    return ibis.union(*parts)


def _endorsed(book: Book, view: ir.Table) -> ir.Table:
    events = book["policy_events"].filter(lambda t: t.kind == "endorsement").select("policy_id", "event_id", endorsed="at")
    joined = view.drop("event_id").inner_join(events, "policy_id")
    hit = joined.filter(joined.policy_age_days >= 0, joined.endorsed > joined.event_at, joined.endorsed <= joined.reported_at)
    hours = (hit.endorsed.epoch_seconds() - hit.event_at.epoch_seconds()) / 86_400
    return finding(hit, ("claim", "claim_id"), (hours, 0), ("policy_events", "event_id"), ibis.literal("endorsement"))


def _after_break(book: Book, view: ir.Table, s: Settings) -> ir.Table:
    before = book["policies"].select(before_id="policy_id", ended="ends_on")
    joined = view.filter(view.renewal_of.notnull()).inner_join(before, view.renewal_of == before.before_id)
    gap = joined.starts_on.delta(joined.ended, unit="day") - 1
    hit = joined.mutate(gap=gap).filter(lambda t: (t.gap > s["gap_days"]) & t.policy_age_days.between(0, s["break_days"]))
    return finding(hit, ("claim", "claim_id"), ("gap", s["gap_days"]), ("claims", "claim_id"), ibis.literal("break"))


FLAGS: tuple[RedFlag, ...] = (
    short_policy_to_loss,
    end_of_term_loss,
    late_report,
    night_loss,
    neither_owner_drives,
    full_car_soft_injury,
    loss_before_cover,
)
