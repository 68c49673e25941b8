"""The peer of the benchmark computes what the night computes: compared column by column on one small night."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from benchmarks import peer, peer_features, peer_graph

KEYS = {"claim_view": "claim_id", "policy_view": "policy_id"}
FEATURES = ("features_claim", "features_policy", "features_person", "features_agent", "features_provider")
OWN = {"subject_kind", "as_of", "received_at"}
"""What the night's tables have besides: the subject's kind and the night are the same throughout."""


@pytest.fixture(scope="module")
def stages(tiny_night: Any) -> Path:
    return tiny_night.out.parent / "stages"  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def made(stages: Path) -> dict[str, Any]:
    tables = peer.Tables(stages)
    view, policies = peer.views(tables)
    as_of = pd.Timestamp(stages.parent.name[:10])
    found = {**peer_graph.graph(tables, view, policies), **peer_features.features(tables, view, policies, as_of)}
    return {**found, "claim_view": view.set_index("claim_id"), "policy_view": policies.set_index("policy_id")}


def _night(stages: Path, table: str) -> pd.DataFrame:
    return pd.read_parquet(next(stages.glob(f"*/{table}.parquet")))


def _same(ours: pd.Series, theirs: pd.Series) -> bool:
    """Equal to the decimals that a stage keeps; text as text."""
    try:
        left, right = ours.astype(float), theirs.astype(float)
    except (TypeError, ValueError):
        if "datetime" in str(theirs.dtype):
            ours = pd.to_datetime(ours)
        return bool(((ours == theirs) | (ours.isna() & theirs.isna())).all())
    return np.allclose(left.to_numpy(), right.to_numpy(), rtol=1e-6, atol=1e-6, equal_nan=True)


@pytest.mark.parametrize("table", [*KEYS, *FEATURES])
def test_columns_are_the_nights(table: str, stages: Path, made: dict[str, Any]) -> None:
    night = _night(stages, table).set_index(KEYS.get(table, "subject_id"))
    assert set(made[table].index) == set(night.index) and len(made[table]) == len(night) > 0
    assert set(night.columns) - set(made[table].columns) <= OWN
    theirs = made[table].reindex(night.index)
    assert [c for c in night.columns if c not in OWN and not _same(night[c], theirs[c])] == []


def test_edges_are_the_nights(stages: Path, made: dict[str, Any]) -> None:
    keys = {"edges": ["claim_id", "entity_id", "role"], "policy_edges": ["policy_id", "entity_id", "role"]}
    for table, columns in keys.items():
        night = _night(stages, table)
        assert sorted(map(tuple, night[columns].to_numpy())) == sorted(map(tuple, made[table][columns].to_numpy()))


def test_links_and_blocks_are_the_nights(stages: Path, made: dict[str, Any]) -> None:
    links = _night(stages, "links").merge(made["links"], left_on=["a_id", "b_id"], right_on=["a", "b"], suffixes=("", "_peer"))
    assert len(links) == len(made["links"]) == len(_night(stages, "links"))
    np.testing.assert_allclose(links.expected, links.expected_peer, rtol=1e-6)
    np.testing.assert_allclose(links.q, links.q_peer, atol=1e-8)
    assert len(made["blocks"]) == len(_night(stages, "blocks"))
