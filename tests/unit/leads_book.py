"""A small made-up book for the leads stage: claims of one insurer, findings on them, features, entities."""

from __future__ import annotations

import numpy as np
import pandas as pd

AS_OF = pd.Timestamp("2026-01-01")
PERSON = "person:0123456789abcdef"
FLAGS = pd.DataFrame(
    {
        "code": ["H01", "H03", "M05"],
        "name": ["Sham admission", "Overlapping stays", "Repeat vehicle"],
        "family": ["H", "H", "M"],
        "severity": ["high", "high", "medium"],
        "scheme": ["sham_admission", "sham_admission", "staged_accident"],
        "grain": ["claim", "person", "vehicle"],
    }
)


def finding(code: str, kind: str, subject: str, key: str, table: str = "claims") -> dict[str, object]:
    return {
        "subject_kind": kind, "subject_id": subject, "value": 3.0, "limit": 2.0, "detail": None,
        "evidence_table": table, "evidence_key": key, "code": code,
    }  # fmt: skip


def book(claims: int = 400, seed: int = 0) -> dict[str, pd.DataFrame]:
    """Twenty claims fire H01; one person's H03 names the first three of them."""
    rng = np.random.default_rng(seed)
    ids = [f"a:{i}" for i in range(claims)]
    happened = pd.Timestamp("2025-06-01") + pd.to_timedelta(rng.integers(0, 200, claims), "D")
    amount = rng.lognormal(8, 1, claims).round(2)
    undecided = rng.random(claims) < 0.2
    view = pd.DataFrame({"claim_id": ids, "insurer": "a", "event_id": ids, "line": rng.choice(["health", "motor"], claims)})
    view = view.assign(event_at=happened, reported_at=happened + pd.Timedelta(days=1), open=undecided, amount=amount, claimed_amount=amount)
    view["paid_amount"] = view["amount"].where(~view["open"])
    lineage = {"source_file": "claims.csv", "source_row": np.arange(claims) + 1, "row_sha256": "ab", "received_at": AS_OF}
    features = pd.DataFrame({"subject_kind": "claim", "subject_id": ids, "as_of": AS_OF, "by_line": view["line"], "line": view["line"]})
    features = features.assign(stay_days=rng.lognormal(1, 1, claims), night=rng.random(claims))
    fired = [finding("H01", "claim", c, c) for c in ids[:20]] + [finding("H03", "person", PERSON, c) for c in ids[:3]]
    return {
        "claim_view": view,
        "claims": view[["claim_id", "insurer", "event_at"]].assign(**lineage),
        "findings": pd.DataFrame(fired),
        "flags": FLAGS,
        "features_claim": features,
        "entities": pd.DataFrame({"entity_id": [PERSON], "first_key": ["a:p1"], "kind": ["person"]}),
    }
