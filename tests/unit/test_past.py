"""What a backtest judges by: verdicts known on a night, those of exploration left out."""

from datetime import datetime

import ibis
import pandas as pd

from pipelines.flows.past import Past, verdicts


def test_investigations_that_explored_are_left_out_and_those_without_a_word_are_not():
    rows = pd.DataFrame({"subject_id": [f"a:{i}" for i in range(5)], "selected_by": ["rank", "explore", None, "random", "rank"]})
    rows = rows.assign(subject_kind="claim", entity=rows["subject_id"], verdict="confirmed", scheme="s", amount_saved=1.0)
    rows = rows.assign(opened_at=pd.Timestamp("2025-12-01"), decided_at=pd.Timestamp("2025-12-20"))
    rows.loc[4, "decided_at"] = pd.Timestamp("2026-01-01")
    outcomes = ibis.memtable(rows.astype({"selected_by": "string"}))
    assert verdicts(Past(datetime(2026, 1, 1), {"outcomes": outcomes}), "claim")["subject_id"].tolist() == ["a:0", "a:2", "a:3"]
