"""Vehicles and other objects by their marks."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.ids import digest_columns
from pipelines.resolve.components import Key, merge, number, rooted

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
