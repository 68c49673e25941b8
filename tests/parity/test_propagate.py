"""Propagation against linear algebra and networkx, and own-label-out against deleting the label and reckoning anew."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pandas as pd
import pytest
from scipy import sparse

from pipelines.graph.proof import FOLDS, Verdicts, verdicts
from pipelines.graph.propagate import birank
from pipelines.graph.proximity import NETWORK
from pipelines.graph.sparse import bipartite, degrees, relations
from pipelines.graph.vicinity import FIRMEST, LOOSEST
from tests.unit.proximity_book import AS_OF, Frames, frames, near, tables

DAMPING, LONG = 0.8, 150


def random_pairs(seed: int) -> tuple[sparse.csr_array, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    dense = (rng.random((40, 15)) < 0.15).astype(float)
    dense[np.arange(40), rng.integers(0, 15, 40)] = 1.0  # nobody alone
    dense[rng.integers(0, 40, 15), np.arange(15)] = 1.0
    return sparse.csr_array(dense), rng.random(40), rng.random(15)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_birank_is_the_solution_of_its_equations(seed: int) -> None:
    pairs, p0, u0 = random_pairs(seed)
    of_unit, of_party = degrees(pairs)
    s = pairs.toarray() / np.sqrt(of_unit)[:, None] / np.sqrt(of_party)
    whole = np.block([[np.eye(40), -DAMPING * s], [-DAMPING * s.T, np.eye(15)]])
    expected = np.linalg.solve(whole, (1 - DAMPING) * np.concatenate([p0, u0]))
    found = np.concatenate(birank(pairs, (p0, u0), DAMPING, LONG))
    np.testing.assert_allclose(found, expected, rtol=1e-9)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_birank_is_pagerank_but_for_the_roots_of_degrees(seed: int) -> None:
    pairs, p0, u0 = random_pairs(seed)
    start = np.concatenate([p0, u0]) / sum([p0.sum(), u0.sum()])
    graph = nx.from_scipy_sparse_array(sparse.block_array([[None, pairs], [pairs.T, None]]))
    rank = nx.pagerank(graph, alpha=DAMPING, personalization=dict(enumerate(start)), tol=1e-14, max_iter=1000)
    root = np.sqrt(np.concatenate(degrees(pairs)))
    p0, u0 = np.split(start / root, [40])
    found = root * np.concatenate(birank(pairs, (p0, u0), DAMPING, LONG))
    np.testing.assert_allclose(found, [rank[n] for n in range(55)], rtol=1e-7)


def laid(given: Frames) -> tuple[Verdicts, dict[str, int], pd.DataFrame]:
    """Verdicts of the book, which of them each subject's is, and the table of proximity."""
    whole = tables(given)
    graph = bipartite(relations(whole))
    found = verdicts(whole, graph, AS_OF)
    names = graph.named(found.node)["id"]
    return found, {names[node]: place for place, node in enumerate(found.node)}, near(given)


def without(given: Frames, hidden: set[str]) -> pd.DataFrame:
    outcomes = given["outcomes"]
    return near({**given, "outcomes": outcomes[~outcomes["entity"].isin(hidden)]})


@pytest.mark.parametrize("seed", [1, 2])
def test_a_verdict_never_feeds_its_own_row(seed: int) -> None:
    """Whatever the verdict had been, the row is the same to the last bit."""
    given = frames(seed)
    _, place, table = laid(given)
    assert len(place) > 40
    other = {"confirmed": "cleared", "partly": "cleared", "cleared": "confirmed"}
    for subject in list(place)[::12]:
        flipped = given["outcomes"].copy()
        at = flipped["entity"] == subject
        flipped.loc[at, "verdict"] = flipped.loc[at, "verdict"].map(other)
        again = near({**given, "outcomes": flipped})
        pd.testing.assert_series_equal(again.loc[subject, list(NETWORK)], table.loc[subject, list(NETWORK)])
        assert not again[list(NETWORK)].equals(table[list(NETWORK)]), "others do see it"


def test_counts_are_those_without_the_investigation() -> None:
    given = frames(3)
    found, place, table = laid(given)
    for subject in list(place)[::9]:
        own = {s for s, p in place.items() if found.group[p] == found.group[place[subject]]}
        again = without(given, own)
        np.testing.assert_allclose(
            table.loc[subject, ["proven", "judged"]].astype(float), again.loc[subject, ["proven", "judged"]].astype(float)
        )


def test_scores_are_those_without_the_fold() -> None:
    given = frames(4)
    found, place, table = laid(given)
    for fold in range(0, FOLDS, 4):
        own = {s for s, p in place.items() if found.fold[p] == fold}
        again = without(given, own)
        assert own
        np.testing.assert_allclose(table.loc[sorted(own), "score"], again.loc[sorted(own), "score"] * FOLDS / (FOLDS - 1), atol=1e-12)
        np.testing.assert_allclose(table.loc[sorted(own), "percentile"], again.loc[sorted(own), "percentile"])


def excess(given: Frames, found: Verdicts, place: dict[str, int], asked: tuple[str, str]) -> float:
    """The slow way: one claim, one role, the verdicts one by one."""
    subject, role = asked
    edges = given["edges"]
    own = place.get(subject)
    group, fold = (found.group[own], found.fold[own]) if own is not None else (-1, -1)
    beside = {s: p for s, p in place.items() if found.group[p] != group}
    outside = {s: p for s, p in place.items() if found.fold[p] != fold}
    mine = edges[(edges["claim_id"] == subject) & (edges["role"] == role)]["entity_id"]
    known = [p for party in mine for s, p in beside.items() if s == party or s in set(edges[edges["entity_id"] == party]["claim_id"])]
    base = sum(found.proof[p] for p in outside.values()) / sum(found.weight[p] for p in outside.values())
    firm = firmness(edges[edges["role"] == role], found, outside, base)
    proof, weight = (sum(values[p] for p in known) for values in (found.proof, found.weight))
    return float((proof + firm * base) / (weight + firm) - base)


def firmness(edges: pd.DataFrame, found: Verdicts, outside: dict[str, int], base: float) -> float:
    rows = edges[edges["claim_id"].isin(list(outside))]
    rows = rows.assign(
        proof=[found.proof[outside[c]] for c in rows["claim_id"]], weight=[found.weight[outside[c]] for c in rows["claim_id"]]
    )
    per = rows.groupby("entity_id")[["proof", "weight"]].sum()
    spread = (per["weight"] * (per["proof"] / per["weight"] - base) ** 2).sum() - base * (1 - base) * (len(per) - 1)
    between = max(spread, 0) / (per["weight"].sum() - (per["weight"] ** 2).sum() / per["weight"].sum())
    return float(np.clip(base * (1 - base) / max(between, 1e-12) - 1, LOOSEST, FIRMEST))


@pytest.mark.parametrize("role", ["garage", "insured"])
def test_rates_by_role_are_those_counted_one_by_one(role: str) -> None:
    given = frames(5)
    found, place, table = laid(given)
    column = {"garage": "near_garage", "insured": "near_people"}[role]
    for subject in sorted(set(given["edges"]["claim_id"]))[::15]:
        assert table.loc[subject, column] == pytest.approx(excess(given, found, place, (subject, role)), abs=1e-12)
