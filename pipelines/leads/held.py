"""Leads that somebody holds, over merges and splits of their subjects: a lead keeps its id, and says what became of its subject."""

from __future__ import annotations

import pandas as pd

from pipelines.leads.inputs import Given, frame

HISTORY = ("entity_id", "predecessor", "change", "as_of")
COLUMNS = ["lead_id", "seq", "change", "entity_id", "predecessor", "as_of", "aliases"]
STORY = ["subject_kind", "subject_id", "scheme"]


def held(table: pd.DataFrame, ledger: pd.DataFrame | None, given: Given) -> pd.DataFrame:
    """Leads with the ids that they are held by, and ``aliases``.

    Parameters
    ----------
    table : DataFrame
        lead_id, subject_kind, subject_id, scheme: each lead with the id that its subject's own earliest record gives it.
    ledger : DataFrame, optional
        lead_id, subject_kind, subject_id, scheme, first_seen of every lead published before.
    given : mapping of str to table
        ``entity_history`` and ``entities``.

    Returns
    -------
    DataFrame
        The leads. Where leads of one story were published on entities that are one now, the one first seen gives the id, and the others
        are its ``aliases``, with commas between. A subject that came apart keeps its leads; the part with a new name begins its own. Where
        records moved between two subjects that both live on, each keeps its leads.
    """
    if ledger is None or ledger.empty:
        return table.assign(aliases="")
    moved = successors(frame(given, "entity_history", HISTORY))
    alive = set(frame(given, "entities", ("entity_id",))["entity_id"])
    gone = ledger.assign(subject_id=ledger["subject_id"].map(moved))[~ledger["subject_id"].isin(alive)].dropna(subset=["subject_id"])
    own = table[["lead_id", *STORY]].merge(ledger[["lead_id", "first_seen"]], on="lead_id").assign(own=True)
    rivals = pd.concat([own, gone[["lead_id", *STORY, "first_seen"]].assign(own=False)], ignore_index=True)
    rivals["first_seen"] = pd.to_datetime(rivals["first_seen"])
    ordered = rivals.sort_values([*STORY, "first_seen", "own", "lead_id"], ascending=[True] * 4 + [False, True]).drop_duplicates(
        [*STORY, "lead_id"]
    )
    stories = ordered.groupby(STORY)["lead_id"]
    names = pd.DataFrame({"held": stories.first(), "aliases": stories.agg(lambda ids: ",".join(sorted(ids.iloc[1:])))})
    joined = table.join(names, on=STORY)
    joined["lead_id"] = joined.pop("held").fillna(joined["lead_id"])
    return joined.fillna({"aliases": ""}).sort_values("lead_id", ignore_index=True)


def successors(history: pd.DataFrame) -> dict[str, str]:
    """The entity that each merged entity is in now, over all merges since."""
    merges = history[history["change"] == "merge"].sort_values(["as_of", "predecessor"])
    found: dict[str, str] = {}
    for _, night in merges.groupby("as_of"):
        tonight = dict(zip(night["predecessor"], night["entity_id"], strict=True))
        found = {before: tonight.get(entity, entity) for before, entity in found.items()} | tonight
    return found


def histories(table: pd.DataFrame, given: Given) -> pd.DataFrame:
    """What became of the subjects of leads, in the order of nights.

    One row per merge into, split from or split off the subject, and per subject that records were had from or lost to.
    """
    told = frame(given, "entity_history", HISTORY)
    sides = [told.assign(subject_id=told["entity_id"]), told[told["change"] != "merge"].assign(subject_id=lambda t: t["predecessor"])]
    joined = pd.concat(sides, ignore_index=True).merge(table[["lead_id", "subject_id", "aliases"]], on="subject_id")
    ordered = joined.sort_values(["lead_id", "as_of", "entity_id", "predecessor"], ignore_index=True)
    return ordered.assign(seq=ordered.groupby("lead_id").cumcount() + 1)[COLUMNS]
