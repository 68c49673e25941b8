"""Window features against the slow, obvious way."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from features import claims, parties, providers
from features.spine import spine
from pipelines.engine.keeping import kept
from tests.parity.book import AS_OF, book


@pytest.fixture(scope="module")
def view() -> pd.DataFrame:
    found = book()["claim_view"].to_pandas()
    return found.set_index(found.claim_id.rename(None))


@pytest.fixture(scope="module")
def of_claims() -> pd.DataFrame:
    found = claims.features(book(), spine(book(), ("claim",), 5000)).to_pandas()
    return found.set_index("subject_id")


@pytest.mark.parametrize("name", ["person_claims_30", "person_claims_90", "person_claims_365", "hospital_claims_7"])
def test_trailing_counts(view: pd.DataFrame, of_claims: pd.DataFrame, name: str) -> None:
    party, days = next((party, found[name]) for party, found in claims.WINDOWS.items() if name in found)
    for claim in view.sample(200, random_state=1).itertuples():
        age = (claim.event_at - view.event_at).dt.total_seconds()
        slow = ((view[party] == getattr(claim, party)) & (age >= 0) & (age <= days * 86_400)).sum() - 1
        assert of_claims.loc[claim.claim_id, name] == slow


def test_days_since_previous(view: pd.DataFrame, of_claims: pd.DataFrame) -> None:
    ordered = view.sort_values(["event_at", "claim_id"])
    slow = ordered.groupby("person_id").event_at.diff().dt.total_seconds() / 86_400
    np.testing.assert_allclose(of_claims.days_since_previous.reindex(slow.index), slow, atol=1e-6)


def test_few_claims_count_what_all_count(view: pd.DataFrame, of_claims: pd.DataFrame) -> None:
    """Windows are given only what can lie in them: tonight's subjects change no claim's figures."""
    tonight = spine(book(), ("claim",), 5000)
    few = claims.features(book(), tonight.filter(tonight.subject_id.isin(view.sample(150, random_state=2).claim_id.tolist())))
    found = few.to_pandas().set_index("subject_id").sort_index()
    assert len(found) == 150 < len(of_claims)
    pd.testing.assert_frame_equal(found, of_claims.loc[found.index])


def test_one_row_per_claim(view: pd.DataFrame, of_claims: pd.DataFrame) -> None:
    assert len(of_claims) == len(view) and of_claims.index.is_unique


def test_persons(view: pd.DataFrame) -> None:
    fast = parties.features(book(), kept(spine(book(), ("person",), 5000))).to_pandas().set_index("subject_id")
    age = (pd.Timestamp(AS_OF) - view.event_at.dt.normalize()).dt.days
    slow = view[(age > 0) & (age <= 365)].groupby("person_id").agg(n=("claim_id", "size"), total=("amount", "sum"))
    assert (fast.claims_365.reindex(slow.index) == slow.n).all()
    np.testing.assert_allclose(fast.amount_365.reindex(slow.index), slow.total.astype(float))
    assert (fast.hospitals == view.groupby("person_id").hospital_id.nunique().reindex(fast.index)).all()


def test_hospitals(view: pd.DataFrame) -> None:
    fast = providers.features(book(), kept(spine(book(), ("hospital",), 5000))).to_pandas().set_index("subject_id")
    counts = view.groupby(["hospital_id", "home_district"]).size()
    slow = counts.groupby("hospital_id").max() / counts.groupby("hospital_id").sum()
    np.testing.assert_allclose(fast.top_district_share.reindex(slow.index), slow)
    np.testing.assert_allclose(fast.mean_stay_days.reindex(slow.index), view.groupby("hospital_id").stay_days.mean())


def test_scope_leaves_old_claims_out(view: pd.DataFrame) -> None:
    recent = spine(book(), ("claim",), 30).to_pandas()
    latest = pd.concat([view.event_at.dt.normalize(), view.discharged_on, view.reported_at.dt.normalize()], axis=1).max(axis=1)
    expected = view[(pd.Timestamp(AS_OF) - latest).dt.days <= 30]
    assert set(recent.subject_id) == set(expected.index) | set(view.index[view.open])
