"""What happened: claims that tell of one accident or one stay are one event, and every join says by which rule and what agreed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.resolve.accounts import INJURY, accounts, present, vehicles
from pipelines.resolve.chains import chained
from pipelines.resolve.components import Key, components, pairs, rooted
from pipelines.resolve.crowds import crowds
from pipelines.resolve.places import placed

if TYPE_CHECKING:
    from pipelines.engine import Engine

HOUR = 3600
VEHICLE_HOURS, PERSON_HOURS, POLICE_HOURS, PAIR_HOURS, ROAD_HOURS = 2, 2, 24, 12, 0.5
"""Reports of one vehicle, person, police report, the same two vehicles, one road are of one accident if so close in time."""
RULES = ("report", "police", "vehicle", "vehicles", "person", "stay", "bill", "place", "road", "crowd")
"""Report number of an insurer; police report; one vehicle; the same two vehicles; one person who was there; overlapping stays of one
person in one hospital; one bill of one person; one place at one time; one road at one time and one hospital; a mass admission."""


AGREEING = {"police": "police_report_no", "hospital": "hospital_id", "admission": "start", "person": "person_id"}
"""Column of the evidence → what of two accounts is equal or not."""


@dataclass(frozen=True)
class Happened:
    """Events of claims.

    Attributes
    ----------
    events : ibis Table
        claim_id, event_id: the earliest received claim of the same accident or stay.
    links : ibis Table
        One row per joined pair and rule: claim_l, claim_r, event_id, rule, and what agrees: hours (between the two, null where a time of
        day is missing), days (between the dates), police, hospital, admission, person, vehicle (bools; null where one does not say),
        families and expected (of a crowd). No personal values.
    """

    events: ir.Table
    links: ir.Table


def events(tables: Mapping[str, ir.Table], engine: Engine | None, vault: str) -> Happened:
    """Which claims are one event.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        Canonical tables; claim_roles with ``entity_id`` and ``entity_kind``, claim_objects with ``object_entity``, and ``entities``.
    engine : Engine, optional
        Without it, places are compared by their tokens alone.
    vault : str
        Query over the vault with the places' raw values.

    Returns
    -------
    Happened
        Each rule gives at most about as many pairs as claims; events are the connected components of all of them, whatever their order.

    Notes
    -----
    What contradicts itself joins nobody: another crash of one vehicle hours later, a readmission, an invoice handed in by other people
    (that is red flag H14), people who share a hospital and a day without being improbably many.
    """
    told = kept(accounts(tables))
    found = kept(
        ibis.union(*(_named(rule(told, tables), name) for name, rule in _BY_KEY.items()), *_by_place(told, engine, vault), _crowds(told))
    )
    joined = rooted(told.select("n", "claim_id"), components(found.select("n", "root").distinct()))
    seniors = told.select(senior="n", event_id="claim_id")
    mapped = kept(joined.inner_join(seniors, joined.root == seniors.senior).select("n", "claim_id", "event_id"))
    return Happened(mapped.drop("n"), _explained(found, told, mapped, tables["claim_objects"]))


def _named(pairs_: ir.Table, rule: str) -> ir.Table:
    nothing = {"families": ibis.null("int64"), "expected": ibis.null("float64")}
    return pairs_.select(n=pairs_.n.cast("int64"), root=pairs_.root.cast("int64"), rule=ibis.literal(rule), **nothing)


def _report(told: ir.Table, _: Mapping[str, ir.Table]) -> ir.Table:
    return pairs(told, Key(("insurer", "event_no")))


def _police(told: ir.Table, _: Mapping[str, ir.Table]) -> ir.Table:
    return chained(told, ("police_report_no",), POLICE_HOURS * HOUR)


def _vehicle(told: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    return chained(vehicles(told, tables["claim_objects"]), ("object_entity",), VEHICLE_HOURS * HOUR)


def _vehicles(told: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """Claims that name the same two vehicles."""
    rows = vehicles(told, tables["claim_objects"])
    two = rows.group_by("n").aggregate(first=rows.object_entity.min(), last=rows.object_entity.max(), many=rows.object_entity.nunique())
    both = told.inner_join(two.filter(two.many == 2), "n")
    return chained(both, ("first", "last"), PAIR_HOURS * HOUR)


def _person(told: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """Claims that name one person as there, unless their vehicles are all different or both are stays: a readmission is its own event."""
    linked = chained(present(told, tables["claim_roles"]), ("entity_id",), PERSON_HOURS * HOUR)
    facts = _with_both(linked, told.select("n", "start"))
    compared = _shared_vehicles(facts.filter(facts.start.isnull() | facts.start_r.isnull()), told, tables["claim_objects"])
    return compared.filter(compared.vehicle.fill_null(True)).select("n", "root")


def _stay(told: ir.Table, _: Mapping[str, ir.Table]) -> ir.Table:
    """Overlapping stays of one person at one hospital; a discharge day is no overlap."""
    stays = told.filter(told.start.notnull(), told.person_id.notnull(), told.hospital_id.notnull())
    keyed = stays.select("n", "person_id", "hospital_id", "start", "stop")
    by_place = {"group_by": ["person_id", "hospital_id"], "order_by": ["start", "stop", "n"]}
    before = ibis.window(**by_place, preceding=(None, 1))
    previous = keyed.mutate(reached=keyed.stop.max().over(before), began=keyed.start.max().over(before))
    fresh = previous.reached.isnull() | ((previous.start >= previous.reached) & (previous.start != previous.began))
    marked = previous.mutate(fresh=fresh.cast("int64"))
    island = marked.mutate(island=marked.fresh.sum().over(ibis.cumulative_window(**by_place)))
    return pairs(kept(island), Key(("person_id", "hospital_id", "island")))


def _bill(told: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """One invoice of one person, unless the dates of the stays exclude each other."""
    bills = tables["claim_bills"].select("claim_id", "invoice_code", "invoice_no").filter(lambda t: t.invoice_no.notnull())
    shown = told.select("n", "claim_id", "person_id").inner_join(bills, "claim_id")
    linked = pairs(shown.mutate(invoice_code=shown.invoice_code.fill_null("")), Key(("person_id", "invoice_code", "invoice_no")))
    both = _with_both(linked.distinct(), told.select("n", "start", "stop"))
    meeting = ((both.start <= both.stop_r) & (both.start_r <= both.stop)).fill_null(True)
    return both.filter(meeting).select("n", "root")


_Rule = Callable[[ir.Table, Mapping[str, ir.Table]], ir.Table]
_BY_KEY: dict[str, _Rule] = {
    "report": _report, "police": _police, "vehicle": _vehicle, "vehicles": _vehicles, "person": _person, "stay": _stay, "bill": _bill,
}  # fmt: skip


def _by_place(told: ir.Table, engine: Engine | None, vault: str) -> tuple[ir.Table, ...]:
    """One place; or one road within half an hour, where the injured came to one hospital on one day."""
    compared = placed(told, engine, vault)
    both = _with_both(compared.filter(compared.level == "road"), told.select("n", "hospital_id", "start", "sort", "second"))
    hurt = both.filter(both["sort"] == INJURY, both.sort_r == INJURY, (both.second - both.second_r).abs() <= ROAD_HOURS * HOUR)
    together = hurt.filter(hurt.hospital_id == hurt.hospital_id_r, hurt.start == hurt.start_r)
    return _named(compared.filter(compared.level == "place"), "place"), _named(together, "road")


def _crowds(told: ir.Table) -> ir.Table:
    found = crowds(told)
    return found.select("n", "root", rule=ibis.literal("crowd"), families="families", expected="expected")


def _with_both(linked: ir.Table, facts: ir.Table) -> ir.Table:
    """Pairs with what both claims tell; that of the second has ``_r`` behind its name."""
    other = facts.rename({"root": "n", **{f"{c}_r": c for c in facts.columns if c != "n"}})
    return linked.inner_join(facts, "n").inner_join(other, "root")


def _shared_vehicles(linked: ir.Table, told: ir.Table, claim_objects: ir.Table) -> ir.Table:
    """Pairs with ``vehicle``: do they name one in common; null where one names none."""
    rows = vehicles(told.select("n", "claim_id"), claim_objects).select("n", "object_entity")
    keys = linked.select("n", "root").distinct()
    common = keys.inner_join(rows, "n").inner_join(rows.rename(root="n"), ["root", "object_entity"]).select("n", "root").distinct()
    naming = rows.select("n").distinct()
    said = keys.semi_join(naming, "n").semi_join(naming.rename(root="n"), "root")
    marked = said.left_join(common.mutate(shared=ibis.literal(True)), ["n", "root"])
    both = marked.select("n", "root", vehicle=marked.shared.fill_null(False))
    return linked.left_join(both, ["n", "root"]).drop("n_right", "root_right")


def _explained(found: ir.Table, told: ir.Table, mapped: ir.Table, claim_objects: ir.Table) -> ir.Table:
    """Joined pairs with what agrees."""
    facts = told.select("n", "claim_id", "second", "day", "start", "police_report_no", "hospital_id", "person_id")
    both = _shared_vehicles(_with_both(found, facts), told, claim_objects)
    said = both.mutate(
        claim_l=both.claim_id_r, claim_r=both.claim_id, hours=((both.second - both.second_r).abs() / 3600).round(2),
        days=(both.day.epoch_seconds() - both.day_r.epoch_seconds()).abs() // 86_400,
        **{name: both[column] == both[f"{column}_r"] for name, column in AGREEING.items()},
    )  # fmt: skip
    of = mapped.select("n", "event_id")
    chosen = ("claim_l", "claim_r", "event_id", "rule", "hours", "days", "police", "hospital", "admission", "person", "vehicle")
    return kept(said.inner_join(of, "n").select(*chosen, "families", "expected").distinct())
