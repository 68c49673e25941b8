from itertools import permutations
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from models import evaluate as metrics
from pipelines.contracts.tokens import token
from pipelines.errors import DataError
from pipelines.flows.evaluate import evaluate, summary

KEY = "a-test-key"


@pytest.fixture
def night(tmp_path: Path) -> Path:
    """Seven cases: claim, person and ring of one planted instance, a wrong scheme, a look-alike, a bystander, one by device."""
    out, stage, truth = (tmp_path / n for n in ("out", "stages/resolve", "truth"))
    for folder in (out, stage, truth):
        folder.mkdir(parents=True)
    device = token("device", "D-1", KEY)
    subjects = ["a:c1", "person:1111", "person:2222", "hospital:3333", "a:c2", device, "ring:9"]
    kinds = ["claim", "person", "person", "hospital", "claim", "device", "ring"]
    schemes = ["split_stay", "split_stay", "stacking", "split_stay", "split_stay", "device_bulk", "split_stay"]
    ids = [f"l{i}" for i in range(7)]
    pd.DataFrame({"lead_id": ids, "subject_kind": kinds, "subject_id": subjects}).to_parquet(out / "leads.parquet")
    pd.DataFrame({"rank": range(1, 8), "case_id": ids, "lead_id": ids, "scheme": schemes}).to_parquet(out / "cases.parquet")
    proof = {"lead_id": ["l6", "l6", "l6"], "claim_id": ["a:c1", "a:c2", "a:c3"], "policy_id": [None] * 3}
    pd.DataFrame(proof).to_parquet(out / "lead_evidence.parquet")
    parties = {"party_id": ["a:p1", "b:p9", "a:p2", "a:h3"], "entity_id": ["person:1111", "person:1111", "person:2222", "hospital:3333"]}
    pd.DataFrame(parties).to_parquet(stage / "party_entity.parquet")
    pd.DataFrame({"object_id": ["a:o1"], "object_entity": ["vehicle:1"]}).to_parquet(stage / "objects.parquet")
    claims = pd.DataFrame({"claim_id": ["a:c1", "a:c2", "a:c3"], "event_id": ["a:c1", "a:c2", "a:c3"], "amount": [5.0, 1.0, 9.0]})
    claims.to_parquet(stage / "claim_view.parquet")
    edges = {"claim_id": ["a:c1", "a:c2", "a:c3"], "entity_id": ["person:2222"] * 3, "kind": ["person"] * 3}
    pd.DataFrame(edges).to_parquet(stage / "edges.parquet")
    rows = [
        ("i1", "split_stay", "claim", "a:c1", "participant"),
        ("i1", "split_stay", "person", "b:p9", "perpetrator"),
        ("i1", "split_stay", "claim", "a:c2", "bystander"),
        ("i2", "split_stay", "hospital", "a:h3", "perpetrator"),
        ("i3", "device_bulk", "device", "D-1", "perpetrator"),
        ("i4", "undisclosed_illness", "person", "a:p2", "perpetrator"),
    ]
    pd.DataFrame(rows, columns=["instance", "scheme", "subject_kind", "subject_id", "role"]).to_csv(truth / "subjects.csv", index=False)
    planted = {"instance": ["i1", "i2", "i3", "i4"], "planted": [True, False, True, True]}
    scheme = ["split_stay", "split_stay", "device_bulk", "undisclosed_illness"]
    pd.DataFrame(planted).assign(scheme=scheme).to_csv(truth / "instances.csv", index=False)
    return tmp_path


def judge(night: Path) -> dict[str, object]:
    return evaluate(night / "out", night / "stages", night / "truth", KEY)


def test_each_instance_counts_once_and_only_with_its_scheme(night):
    figures = judge(night)
    assert (figures["hits_50"], figures["repeats_50"], figures["schemes_100"]) == (2, 2, 2)
    assert figures["precision_50"] == 0.04


def test_look_alikes_are_honest_instances_and_bystanders(night):
    assert judge(night)["lookalikes_100"] == 0.02


def test_recall_per_scheme(night):
    recall = {r["scheme"]: (r["found"], r["planted"]) for r in judge(night)["recall"]}
    assert recall == {"split_stay": (1, 1), "device_bulk": (1, 1), "undisclosed_illness": (0, 1)}


def test_baselines_get_the_scheme_for_free(night):
    figures = judge(night)
    assert figures["baselines_50"]["amount"] == 1
    assert figures["baselines_50"]["count_person"] == 1
    assert figures["times_baseline"] == 2.0


def test_missing_truth_is_said(night):
    (night / "truth" / "subjects.csv").unlink()
    with pytest.raises(DataError, match="truth is incomplete"):
        judge(night)


def test_summary_over_books():
    assert summary([{"hits_50": 2, "x": "no"}, {"hits_50": 4, "x": "no"}]) == {"hits_50": {"mean": 3.0, "least": 2.0, "most": 4.0}}


def test_metrics_against_hand_counts():
    truth, score = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    assert metrics.auc(truth, score) == 0.75
    assert metrics.average_precision(truth, score) == pytest.approx((1 + 2 / 3) / 2)
    assert metrics.precision_at(truth, score, 2) == 0.5 and metrics.recall_at(truth, score, 3) == 1.0
    assert metrics.top_decile_lift(truth, score) == 2.0
    assert np.isnan(metrics.auc(np.ones(3), score[:3]))


def test_ties_count_as_the_mean_over_their_orders():
    truth, score = np.array([1, 1, 0, 0, 1, 0]), np.array([3.0, 2.0, 2.0, 2.0, 1.0, 1.0])
    ways = [(metrics.average_precision, ()), (metrics.precision_at, (2,)), (metrics.recall_at, (3,)), (metrics.top_decile_lift, ())]
    for measure, more in ways:
        broken = [measure(truth, score + np.array(lot) / 100, *more) for lot in permutations(range(6))]
        assert measure(truth, score, *more) == pytest.approx(np.mean(broken))
        assert measure(truth[::-1], score[::-1], *more) == pytest.approx(measure(truth, score, *more))


def test_metrics_agree_with_scikit_learn():
    from sklearn.metrics import average_precision_score, roc_auc_score

    rng = np.random.default_rng(0)
    score = rng.normal(size=500)
    truth = (score + rng.normal(size=500) > 1).astype(int)
    assert metrics.auc(truth, score) == pytest.approx(roc_auc_score(truth, score))
    assert metrics.average_precision(truth, score) == pytest.approx(average_precision_score(truth, score))
    low, high = metrics.bootstrap(metrics.auc, truth, score, times=50)
    assert low < metrics.auc(truth, score) < high
