"""A small random graph of claims and parties with verdicts, as the tables that proximity reads."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from pipelines.graph import proximity

AS_OF = date(2026, 1, 1)
ROLES = {"insured": "person", "garage": "garage", "agent": "agent"}
Frames = dict[str, pd.DataFrame]
TIMES = ("opened_at", "decided_at")
OUTCOME = ["subject_kind", "entity", "verdict", "opened_at", "decided_at", "lead_id", "insurer"]


def frames(seed: int = 1, claims: int = 150, judged: int = 60) -> Frames:
    """Claims of few parties, two to an event, of which ``judged`` have verdicts; two parties have one, too."""
    rng = np.random.default_rng(seed)
    ids = [f"A:c{i:03d}" for i in range(claims)]
    sizes = {"insured": claims // 2, "garage": 12, "agent": 8}
    parties = {role: [f"{ROLES[role]}:{n:016x}" for n in rng.integers(0, size, claims)] for role, size in sizes.items()}
    edges = pd.concat([pd.DataFrame({"claim_id": ids, "entity_id": p, "kind": ROLES[r], "role": r}) for r, p in parties.items()])
    events = [f"A:e{i // 2:03d}" if i < 20 else f"A:x{i:03d}" for i in range(claims)]
    view = pd.DataFrame({"claim_id": ids, "event_id": events, "reporter_phone": None})
    chosen = sorted([*rng.choice(ids, judged, replace=False), "garage:" + f"{1:016x}", "agent:" + f"{2:016x}"])
    opened = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 20, len(chosen)) * 7, unit="D")
    outcomes = pd.DataFrame(
        {
            "subject_kind": ["claim" if c.startswith("A:") else "party" for c in chosen], "entity": chosen,
            "verdict": rng.choice(["confirmed", "partly", "cleared", "undetermined"], len(chosen), p=[0.3, 0.1, 0.5, 0.1]),
            "opened_at": opened, "decided_at": opened + pd.Timedelta(days=60), "lead_id": None, "insurer": "A",
        }
    )  # fmt: skip
    policies = pd.DataFrame({"policy_id": ["A:q1"], "entity_id": [parties["agent"][0]], "kind": ["agent"], "role": ["agent"]})
    return {"edges": edges.reset_index(drop=True), "policy_edges": policies, "claim_view": view, "outcomes": outcomes}


def tables(given: Mapping[str, pd.DataFrame]) -> dict[str, ir.Table]:
    """The frames as tables of one connection."""
    con = ibis.duckdb.connect(threads=1)
    for name, frame in given.items():
        typed = frame.astype({c: "string" for c in frame.columns if c not in TIMES})
        con.con.register(name, pa.Table.from_pandas(typed, preserve_index=False))
    return {name: con.table(name) for name in given}


def near(given: Mapping[str, pd.DataFrame], as_of: date = AS_OF) -> pd.DataFrame:
    """``proximity`` of every claim and party, by subject."""
    return made(given, as_of)["proximity"].set_index("subject_id").sort_index()


def made(given: Mapping[str, pd.DataFrame], as_of: date = AS_OF) -> dict[str, pd.DataFrame]:
    """Both tables of the stage for every claim and party."""
    edges = given["edges"]
    parties = edges[["kind", "entity_id"]].set_axis(["subject_kind", "subject_id"], axis=1)
    claims = edges[["claim_id"]].set_axis(["subject_id"], axis=1).assign(subject_kind="claim")
    subjects = pd.concat([parties, claims]).drop_duplicates().astype("string")
    return {n: t.to_pandas() for n, t in proximity(tables(given), ibis.memtable(subjects), as_of).items()}
