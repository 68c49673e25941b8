"""A lead that somebody holds keeps its id when its subject becomes another's, and gives it back when they come apart."""

from __future__ import annotations

import pandas as pd
import pytest

from pipelines.leads.held import held, histories, successors

Merges = list[tuple[str, str, str, int]]


def history(rows: Merges) -> pd.DataFrame:
    """Rows of entity, predecessor, change, day."""
    frame = pd.DataFrame(rows, columns=["entity_id", "predecessor", "change", "as_of"])
    return frame.assign(as_of=pd.to_datetime("2026-01-01") + pd.to_timedelta(frame["as_of"], unit="D"))


def given(rows: Merges, alive: str) -> dict[str, pd.DataFrame]:
    return {"entity_history": history(rows), "entities": pd.DataFrame({"entity_id": list(alive)})}


def published(**seen: int) -> pd.DataFrame:
    """A ledger: the lead of entity a is named LA, and so on; first seen on a day."""
    days = pd.to_datetime("2026-01-01") + pd.to_timedelta(list(seen.values()), unit="D")
    ids = [f"L{name.upper()}" for name in seen]
    return pd.DataFrame({"lead_id": ids, "subject_kind": "person", "subject_id": list(seen), "scheme": "rings", "first_seen": days})


def tonight(subjects: str, scheme: str = "rings") -> pd.DataFrame:
    ids = [f"L{s.upper()}" for s in subjects]
    return pd.DataFrame({"lead_id": ids, "subject_kind": "person", "subject_id": list(subjects), "scheme": scheme})


MERGED: Merges = [("a", "b", "merge", 2)]


@pytest.mark.parametrize(
    ("ledger", "rows", "alive", "expected"),
    [
        ({"b": 0}, MERGED, "a", {"a": ("LB", "")}),
        ({"a": 1, "b": 0}, MERGED, "a", {"a": ("LB", "LA")}),
        ({"a": 0, "b": 1}, MERGED, "a", {"a": ("LA", "LB")}),
        ({"a": 0, "b": 0}, MERGED, "a", {"a": ("LA", "LB")}),
        ({"b": 0}, [*MERGED, ("b", "a", "split", 3)], "ab", {"a": ("LA", ""), "b": ("LB", "")}),
        ({"c": 0}, [("b", "c", "merge", 2), ("a", "b", "merge", 3)], "a", {"a": ("LC", "")}),
        ({"a": 0}, [("b", "a", "split", 2)], "ab", {"a": ("LA", ""), "b": ("LB", "")}),
        ({"a": 0, "b": 1}, [("b", "a", "move", 2)], "ab", {"a": ("LA", ""), "b": ("LB", "")}),
        ({"a": 0, "b": 1}, [("b", "a", "move", 2), ("b", "a", "merge", 3)], "b", {"b": ("LA", "LB")}),
    ],
    ids=[
        "the only one",
        "the older of two",
        "its own is older",
        "its own of equals",
        "split again",
        "over two merges",
        "split",
        "moved",
        "moved, then merged",
    ],
)
def test_who_holds_which_lead(ledger: dict[str, int], rows: Merges, alive: str, expected: dict[str, tuple[str, str]]) -> None:
    found = held(tonight(alive), published(**ledger), given(rows, alive)).set_index("subject_id")
    assert {s: (row.lead_id, row.aliases) for s, row in found.iterrows()} == expected
    assert found["lead_id"].is_unique


def test_another_story_is_another_lead() -> None:
    found = held(tonight("a", "early_loss"), published(b=0), given(MERGED, "a"))
    assert found["lead_id"].tolist() == ["LA"] and found["aliases"].tolist() == [""]


def test_the_latest_merge_counts() -> None:
    rows: Merges = [("a", "b", "merge", 1), ("b", "a", "split", 2), ("c", "b", "merge", 3)]
    assert successors(history(rows)) == {"b": "c"}


def test_both_sides_of_a_split_say_so_and_a_merge_only_what_is_left() -> None:
    told = given([*MERGED, ("c", "a", "split", 3)], "ac")
    found = histories(held(tonight("ac"), published(b=0), told), told)
    rows = [(r.lead_id, r.seq, r.change, r.entity_id, r.predecessor) for r in found.itertuples()]
    assert rows == [("LB", 1, "merge", "a", "b"), ("LB", 2, "split", "c", "a"), ("LC", 1, "split", "c", "a")]


def test_both_subjects_that_a_record_moved_between_say_so() -> None:
    told = given([("b", "a", "move", 2)], "ab")
    found = histories(held(tonight("ab"), published(a=0, b=0), told), told)
    rows = {r.lead_id: (r.entity_id, r.predecessor, r.change) for r in found.itertuples()}
    assert rows == {"LA": ("b", "a", "move"), "LB": ("b", "a", "move")}
