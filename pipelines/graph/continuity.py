"""A ring tonight is the same ring tomorrow: names that survive growth, merging and splitting.

A ring of the ledger and one of tonight may be the same if they share half of the smaller one's members, two at least. The ledger's
rings choose, the oldest first, each the free ring of tonight with which it shares most members; of two that merged, so the older name
stays and the other becomes a predecessor; of two halves of one, the larger keeps the name and the other is new, with a predecessor.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

import pandas as pd

from pipelines.ids import digest

SHARE, COMMON = 0.5, 2
LEDGER = ["ring_id", "entity_id", "first_seen"]


class Named(NamedTuple):
    """Tonight's rings by name.

    Attributes
    ----------
    rings : DataFrame
        ring, ring_id, first_seen, new_members, predecessors (ids joined by a comma).
    members : DataFrame
        ring, entity_id, new: True for who was not in the ring, or its predecessors, when it was last seen.
    ledger : DataFrame
        ring_id, entity_id, first_seen: every ring's latest members, also of rings that are not there tonight.
    """

    rings: pd.DataFrame
    members: pd.DataFrame
    ledger: pd.DataFrame


def continued(people: pd.DataFrame, ledger: pd.DataFrame | None, as_of: date) -> Named:
    """Name tonight's rings.

    Parameters
    ----------
    people : DataFrame
        ring, entity_id of tonight's members.
    ledger : DataFrame or None
        The ledger that the night starts from.
    as_of : date
        Tonight.
    """
    old = (ledger if ledger is not None else pd.DataFrame(columns=LEDGER)).astype({"ring_id": "str", "entity_id": "str"})
    old = old.assign(first_seen=pd.to_datetime(old.first_seen).astype("datetime64[us]"))
    now = people[["ring", "entity_id"]].drop_duplicates()
    near = _near(now, old)
    chosen = _chosen(near)
    fresh = now.sort_values(["ring", "entity_id"]).groupby("ring").entity_id.agg(lambda e: "ring:" + digest(*e))
    names = pd.Series({ring: chosen.get(ring, name) for ring, name in fresh.items()}, dtype="str")
    born = dict(zip(old.ring_id, old.first_seen, strict=True))
    since = pd.to_datetime(pd.Series([born.get(n, pd.Timestamp(as_of)) for n in names], index=names.index)).astype("datetime64[us]")
    before = near.assign(name=near.ring.map(names))
    gone = before[(before.name != before.ring_id) & ~(before.ring_id.isin(chosen) & before.ring.isin(chosen.index))]
    marked = _marked(now, before, old)
    rings = pd.DataFrame({"ring_id": names, "first_seen": since, "new_members": marked.groupby("ring").new.sum()})
    rings["predecessors"] = gone.groupby("ring").ring_id.agg(lambda i: ",".join(sorted(i))).reindex(rings.index).fillna("")
    return Named(rings.rename_axis("ring").reset_index(), marked, _ledger(now, rings, old, gone))


def _near(now: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Pairs that may be the same: ring, ring_id, n, first_seen."""
    pairs = now.merge(old, on="entity_id").groupby(["ring", "ring_id", "first_seen"]).size().rename("n").reset_index()
    sizes = pairs.assign(now=pairs.ring.map(now.groupby("ring").size()), old=pairs.ring_id.map(old.groupby("ring_id").size()))
    least = sizes[["now", "old"]].astype("float64").min(axis=1)
    near: pd.DataFrame = pairs[(pairs.n >= COMMON) & (pairs.n >= SHARE * least)]
    order = {"first_seen": True, "n": False, "ring_id": True, "ring": True}
    return near.sort_values(list(order), ascending=list(order.values()), ignore_index=True)


def _chosen(near: pd.DataFrame) -> pd.Series:
    """The old name of each ring that has one."""
    taken: dict[str, str] = {}
    used: set[str] = set()
    for ring, name in zip(near.ring, near.ring_id, strict=True):
        if ring not in taken and name not in used:
            taken[ring] = name
            used.add(name)
    return pd.Series(taken, dtype="str")


def _marked(now: pd.DataFrame, before: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
    """Members with ``new``; all members of a ring without a past are as old as it is."""
    known = before[["ring", "ring_id"]].merge(old, on="ring_id")[["ring", "entity_id"]].drop_duplicates().assign(seen=True)
    joined = now.merge(known, on=["ring", "entity_id"], how="left")
    return joined.assign(new=joined.seen.isna() & joined.ring.isin(before.ring)).drop(columns="seen")


def _ledger(now: pd.DataFrame, rings: pd.DataFrame, old: pd.DataFrame, gone: pd.DataFrame) -> pd.DataFrame:
    """Tonight's members under the rings' names; a ring that is not there tonight keeps its last ones, one that merged is closed."""
    names = rings.ring_id
    current = now.assign(ring_id=now.ring.map(names), first_seen=now.ring.map(rings.first_seen))[LEDGER]
    rest = old[~old.ring_id.isin(names) & ~old.ring_id.isin(gone.ring_id)][LEDGER]
    return pd.concat([current, rest], ignore_index=True).sort_values(["ring_id", "entity_id"], ignore_index=True)
