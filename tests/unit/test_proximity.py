"""Proximity: what a proof reaches, how much of it, and by which path."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from tests.unit.proximity_book import AS_OF, OUTCOME, Frames, made, near


def book(edges: dict[str, list[str]], verdicts: dict[str, str], opened: str = "2025-01-01") -> Frames:
    """Claims with their parties (``garage:1``), and verdicts."""
    rows = [(c, p, p.split(":")[0], "insured" if p.startswith("person") else p.split(":")[0]) for c, ps in edges.items() for p in ps]
    told = [
        (("claim" if s in edges else "party"), s, v, pd.Timestamp(opened), pd.Timestamp(opened), None, "A") for s, v in verdicts.items()
    ]
    return {
        "edges": pd.DataFrame(rows, columns=["claim_id", "entity_id", "kind", "role"]),
        "policy_edges": pd.DataFrame({c: pd.Series(dtype="str") for c in ("policy_id", "entity_id", "kind", "role")}),
        "claim_view": pd.DataFrame({"claim_id": list(edges), "event_id": list(edges), "reporter_phone": None}),
        "outcomes": pd.DataFrame(told, columns=OUTCOME),
    }


def busy(name: str, claims: int) -> dict[str, list[str]]:
    return {f"{name}{i:03d}": [f"hospital:{name}"] for i in range(claims)}


@pytest.mark.parametrize("verdicts", [{}, {"a": "cleared"}, {"a": "undetermined"}])
def test_silent_without_proof(verdicts: dict[str, str]) -> None:
    found = made(book({"a": ["garage:1"], "b": ["garage:1"]}, verdicts))
    assert len(found["proximity"]) == 0 and len(found["proximity_paths"]) == 0


def test_a_busy_hospital_passes_less_guilt_than_a_small_one() -> None:
    found = near(book({**busy("s", 3), **busy("t", 300)}, {"s000": "confirmed", "t000": "confirmed"}))
    assert found.loc["s001", "score"] > 20 * found.loc["t001", "score"] > 0


def test_cleared_claims_count_against() -> None:
    edges = {f"{g}{i}": [f"garage:{g}"] for g in "xy" for i in range(6)}
    found = near(book(edges, {"x0": "confirmed", "y0": "confirmed", "y1": "cleared", "y2": "cleared"}))
    assert found.loc["x5", "score"] > found.loc["y5", "score"]
    assert found.loc["x5", "near_garage"] > found.loc["y5", "near_garage"]


def test_old_proof_counts_less() -> None:
    edges = {f"{g}{i}": [f"garage:{g}"] for g in "xy" for i in range(3)}
    told = book(edges, {"x0": "confirmed", "y0": "confirmed"})
    told["outcomes"].loc[1, "decided_at"] = pd.Timestamp("2021-01-01")
    found = near(told)
    assert found.loc["x1", "score"] == pytest.approx(4 * found.loc["y1", "score"], rel=0.01)


def test_one_event_and_one_moment_are_one_investigation() -> None:
    told = book({"a": ["garage:1"], "b": ["garage:1"], "c": ["garage:1"]}, {"a": "confirmed", "b": "confirmed", "garage:1": "confirmed"})
    told["claim_view"]["event_id"] = ["e", "e", "c"]
    told["outcomes"].loc[1, "opened_at"] = pd.Timestamp("2025-02-01")
    found = near(told)
    assert found.loc[["a", "b", "garage:1"], "proven"].tolist() == [0, 0, 0]
    assert found.loc["c", "proven"] == 3


def test_the_latest_verdict_of_a_subject_counts() -> None:
    told = book({"a": ["garage:1"], "b": ["garage:1"], "x": ["garage:2"]}, {"a": "confirmed", "x": "confirmed"})
    later = told["outcomes"].iloc[[0]].assign(verdict="cleared", decided_at=pd.Timestamp("2025-06-01"))
    told["outcomes"] = pd.concat([told["outcomes"], later], ignore_index=True)
    assert near(told).loc["b", "proven"] == 0
    assert near(told, date(2025, 5, 1)).loc["b", "proven"] == 1


def test_paths_name_the_proof_and_whom_it_comes_through() -> None:
    edges = {"proven": ["garage:1", "person:9"], "near": ["garage:1", "person:9"], **busy("h", 300)}
    edges |= {f"g{i}": ["garage:1"] for i in range(5)}
    found = made(book(edges, {"proven": "confirmed"}))["proximity_paths"].sort_values(["subject_id", "place"])
    own = found[found["subject_id"] == "near"]
    assert own["via_id"].tolist() == ["person:9", "garage:1"], "the person has fewer other claims, so that path is stronger"
    assert own["source_id"].tolist() == ["proven", "proven"] and own["steps"].tolist() == [2, 2]
    assert (own["strength"].diff().dropna() < 0).all() and "proven" not in set(found["subject_id"])


def test_a_proven_party_is_one_step_from_its_claims() -> None:
    edges = {"a": ["garage:1"], "b": ["garage:1"], **busy("h", 300)}
    found = made(book(edges, {"garage:1": "confirmed"}), AS_OF)["proximity_paths"]
    assert set(found["subject_id"]) == {"a", "b"}
    assert set(found["source_id"]) == {"garage:1"} and set(found["steps"]) == {1}
