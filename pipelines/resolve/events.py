"""What happened: vehicles by their marks, and claims on one crash or one stay as one event."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.ids import digest_columns
from pipelines.resolve.components import Key, components, merge, number, pairs, rooted

OBJECT_KEYS = (Key(("kind", "sure_vin")), Key(("kind", "vin"), agree=("plate",)), Key(("kind", "plate"), agree=("vin",)))


def object_entity(objects: ir.Table, doubted: ir.Table | None = None) -> ir.Table:
    """Map (object_id, object_entity): one vehicle by VIN, else plate, else its own id.

    Parameters
    ----------
    objects : ibis Table
        The canonical table.
    doubted : ibis Table, optional
        token, column: a VIN among them joins records whose plates agree only, a plate none.
    """
    records = kept(number(_marked(objects.mutate(kind=objects.kind.fill_null("other")), doubted), "object_id"))
    joined = rooted(records.select("n", "object_id", "kind"), merge(records, OBJECT_KEYS))
    seniors = records.select(senior="n", first_key="object_id")
    found = joined.inner_join(seniors, joined.root == seniors.senior)
    return kept(found.select("object_id", object_entity=found.kind + ":" + digest_columns(found.first_key)))


def _marked(objects: ir.Table, doubted: ir.Table | None) -> ir.Table:
    """Objects with ``sure_vin``, and without plates that are none."""
    if doubted is None:
        return objects.mutate(sure_vin=objects.vin)
    vins, plates = (doubted.filter(doubted.column == column).select(**{f"no_{column}": "token"}) for column in ("vin", "plate"))
    joined = objects.left_join(vins, objects.vin == vins.no_vin)
    joined = joined.left_join(plates, joined.plate == plates.no_plate)
    sure = ibis.ifelse(joined.no_vin.isnull(), joined.vin, ibis.null("string"))
    plate = ibis.ifelse(joined.no_plate.isnull(), joined.plate, ibis.null("string"))
    return joined.mutate(sure_vin=sure, plate=plate).drop("no_vin", "no_plate")


def events(claims: ir.Table, claim_roles: ir.Table, claim_objects: ir.Table) -> ir.Table:
    """Claim → event: the earliest received claim of the same crash or stay.

    Parameters
    ----------
    claims : ibis Table
        The canonical table.
    claim_roles : ibis Table
        With ``entity_id`` and ``entity_kind``.
    claim_objects : ibis Table
        With ``object_entity``.

    Returns
    -------
    ibis Table
        claim_id, event_id. One event: motor claims on one vehicle (own or third side) on one day; claims under one
        police report, or one report number (报案号) of an insurer; overlapping stays of one person at one hospital
        (compulsory and commercial cover, several insurers, co-insurance). A readmission is an event of its own.
    """
    numbered = kept(number(claims.select(*_OF_CLAIM, day=claims.event_at.date()), "claim_id"))
    stated = [pairs(numbered, Key(k)) for k in (("insurer", "event_no"), ("police_report_no", "day"))]
    linked = ibis.union(_crashes(numbered, claim_objects), _stays(numbered, claim_roles), *stated)
    joined = rooted(numbered.select("n", "claim_id"), components(linked))
    seniors = numbered.select(senior="n", event_id="claim_id")
    return kept(joined.inner_join(seniors, joined.root == seniors.senior).select("claim_id", "event_id"))


_OF_CLAIM = ("claim_id", "insurer", "received_at", "admitted_on", "discharged_on", "police_report_no", "event_no")


def _crashes(claims: ir.Table, claim_objects: ir.Table) -> ir.Table:
    """Pairs of claims with one vehicle on one day."""
    vehicles = claim_objects.filter(claim_objects.object_kind == "vehicle").select("claim_id", "object_entity").distinct()
    return pairs(claims.select("n", "claim_id", "day").inner_join(vehicles, "claim_id"), Key(("object_entity", "day")))


def _stays(claims: ir.Table, claim_roles: ir.Table) -> ir.Table:
    """Pairs of claims whose stays of one person at one hospital overlap; a discharge day is no overlap."""
    stays = claims.filter(claims.admitted_on.notnull()).select("n", "claim_id", "admitted_on", "discharged_on")
    placed = stays.inner_join(one_party(claim_roles, ("insured", "claimant"), "person_id"), "claim_id").inner_join(
        one_party(claim_roles, ("hospital",), "hospital_id"), "claim_id"
    )
    timed = placed.mutate(start=placed.admitted_on, stop=placed.discharged_on.fill_null(placed.admitted_on))
    keyed = timed.select("n", "person_id", "hospital_id", "start", "stop")
    by_place = {"group_by": ["person_id", "hospital_id"], "order_by": ["start", "stop", "n"]}
    before = ibis.window(**by_place, preceding=(None, 1))
    previous = keyed.mutate(reached=keyed.stop.max().over(before), began=keyed.start.max().over(before))
    fresh = previous.reached.isnull() | ((previous.start >= previous.reached) & (previous.start != previous.began))
    marked = previous.mutate(fresh=fresh.cast("int64"))
    island = marked.mutate(island=marked.fresh.sum().over(ibis.cumulative_window(**by_place)))
    return pairs(island, Key(("person_id", "hospital_id", "island")))


def one_party(claim_roles: ir.Table, roles: tuple[str, ...], name: str) -> ir.Table:
    """One entity per claim: of the first of ``roles`` that the claim has, the smallest id."""
    wanted = claim_roles.filter(claim_roles.role.isin(roles) & claim_roles.entity_id.notnull())
    picks = {f"p{i}": wanted.entity_id.min(where=wanted.role == r) for i, r in enumerate(roles)}
    wide = wanted.group_by("claim_id").aggregate(**picks)
    return wide.select("claim_id", ibis.coalesce(*(wide[p] for p in picks)).name(name))
