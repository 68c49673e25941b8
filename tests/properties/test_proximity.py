"""Proximity: what must not matter does not."""

from __future__ import annotations

import pandas as pd
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.graph.proximity import NETWORK
from tests.unit.proximity_book import AS_OF, OUTCOME, frames, near

PLACED = [c for c in NETWORK if c != "percentile"]
"""What depends on the subject's own surroundings alone; the percentile depends on all of its kind."""


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), order=st.integers(0, 10_000))
def test_order_and_repetition_do_not_matter(seed: int, order: int) -> None:
    book = frames(seed, 60, 25)
    mixed = {n: f.sample(frac=1, random_state=order) for n, f in book.items()}
    mixed["edges"] = pd.concat([mixed["edges"], mixed["edges"].head(7)])
    pd.testing.assert_frame_equal(near(mixed), near(book), check_exact=True)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_an_unconnected_part_changes_nothing(seed: int) -> None:
    book = frames(seed, 60, 25)
    far = frames(seed + 1, 30, 5)
    far["edges"] = far["edges"].assign(claim_id="0" + far["edges"]["claim_id"], entity_id=far["edges"]["entity_id"] + "far")
    far["claim_view"] = far["claim_view"].assign(claim_id="0" + far["claim_view"]["claim_id"])
    both = {**book, "edges": pd.concat([far["edges"], book["edges"]]), "claim_view": pd.concat([far["claim_view"], book["claim_view"]])}
    before = near(book)
    pd.testing.assert_frame_equal(near(both).loc[before.index, PLACED], before[PLACED], check_exact=False, rtol=1e-9, atol=1e-12)


@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000), days=st.integers(0, 400))
def test_a_verdict_of_tonight_or_later_has_no_effect(seed: int, days: int) -> None:
    book = frames(seed, 60, 25)
    later = pd.Timestamp(AS_OF) + pd.Timedelta(days=days)
    unknown = book["edges"].loc[~book["edges"]["claim_id"].isin(book["outcomes"]["entity"]), "claim_id"].unique()[:5]
    more = pd.DataFrame({"entity": unknown, "decided_at": later, "opened_at": pd.Timestamp("2025-01-01")})
    more = more.assign(subject_kind="claim", verdict="confirmed", lead_id=None, insurer="A")[OUTCOME]
    again = {**book, "outcomes": pd.concat([book["outcomes"], more], ignore_index=True)}
    pd.testing.assert_frame_equal(near(again), near(book), check_exact=True)
