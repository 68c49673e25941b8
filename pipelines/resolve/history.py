"""Which entities became one, which came apart, and between which records moved, from one night to the next.

An entity is named after its earliest received record, so it keeps its name while it grows. A name that is no longer used, or that
appears for records that had another, is written down with the night, and so are records that went from one name that stays to another;
what was written down is carried on for ever.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir

if TYPE_CHECKING:
    from pipelines.engine import Engine

HISTORY = {"entity_id": "string", "predecessor": "string", "change": "string", "as_of": "date"}
MERGE, SPLIT, MOVE = "merge", "split", "move"


def entity_history(found: ir.Table, engine: Engine, before: Path | None, as_of: date | None) -> ir.Table:
    """The history of entities up to tonight.

    Parameters
    ----------
    found : ibis Table
        Tonight's parties, as :func:`pipelines.resolve.persons.identified` returns them.
    engine : Engine
        Reads what the night before left.
    before : Path, optional
        The folder of this stage of the night before.
    as_of : date, optional
        Tonight.

    Returns
    -------
    ibis Table
        entity_id, predecessor, change, as_of. ``merge``: all that is left of the predecessor is in the entity since ``as_of``; its name
        is not used any more. ``split``: records of the predecessor became an entity of their own. ``move``: records of the predecessor,
        which lives on, are in another entity that was there. Cost: one join over the parties.
    """
    files = {name: before / f"{name}.parquet" for name in ("party_entity", "entity_history")} if before else {}
    if as_of is None or not files or not files["party_entity"].exists():
        return ibis.memtable([], schema=ibis.schema(HISTORY))
    tonight = _changes(found, engine.read(files["party_entity"])).mutate(as_of=ibis.date(as_of.isoformat()))
    if not files["entity_history"].exists():  # a night of before there was a history
        return tonight
    return engine.read(files["entity_history"]).select(*HISTORY).union(tonight.select(*HISTORY))


def _changes(found: ir.Table, earlier: ir.Table) -> ir.Table:
    """Pairs of an entity and what some of its records were the night before."""
    now = found.select("party_id", "entity_id", head=found.party_id == found.first_key)
    both = now.inner_join(earlier.select("party_id", predecessor="entity_id"), "party_id")
    moved = both.filter(both.entity_id != both.predecessor)
    pairs = moved.group_by("entity_id", "predecessor").aggregate(headed=moved["head"].any())
    names = now.select(alive="entity_id").distinct()
    parts = both.semi_join(pairs, "predecessor").group_by("predecessor").aggregate(parts=lambda t: t.entity_id.nunique())
    known = pairs.left_join(names, pairs.predecessor == names.alive).inner_join(parts, "predecessor")
    both_stay = ~known.headed & known.alive.notnull()
    change = ibis.cases((both_stay, MOVE), (known.parts > 1, SPLIT), else_=MERGE)
    return known.select("entity_id", "predecessor", change=change)
