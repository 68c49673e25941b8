"""How well a night resolved a simulated book: persons and cross-insurer events against the truth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.identities import figures as clustered
from benchmarks.identities import pairs

NAMES = ("persons_precision", "persons_recall", "persons_mixed_more", "events_precision", "events_recall")


def resolved(stages: Path, truth: Path) -> dict[str, Any]:
    """Pairwise precision and recall of persons, entities that mix more than two, and of events reported to several insurers."""
    people = pd.read_csv(truth / "identity.csv").set_index("party_id")["person"]
    entities = pd.read_parquet(stages / "resolve" / "party_entity.parquet", filters=[("kind", "==", "person")]).set_index("party_id")
    known = entities.entity_id[entities.index.isin(people.index)]
    found = clustered(known, people)
    persons = {f"persons_{k}": found[k] for k in ("records", "precision", "recall", "mixed", "mixed_more")}
    return {**persons, **_events(stages, truth)}


def _events(stages: Path, truth: Path) -> dict[str, float]:
    """Pairs of claims at two insurers: an event of the truth file against the night's."""
    claims = pd.read_parquet(stages / "resolve" / "claims.parquet", columns=["claim_id", "insurer", "event_id"])
    both = claims.merge(pd.read_csv(truth / "events.csv"), on="claim_id", how="left")
    both["event"] = both.event.astype("string").fillna("own " + both.claim_id)
    right, made, true = (_across(both, by) for by in (["event_id", "event"], ["event_id"], ["event"]))
    return {"events_pairs": true, "events_precision": round(right / max(made, 1), 4), "events_recall": round(right / max(true, 1), 4)}


def _across(rows: pd.DataFrame, by: list[str]) -> int:
    """Pairs within groups, those of one insurer left out."""
    return pairs(rows.groupby(by).size()) - pairs(rows.groupby([*by, "insurer"]).size())
