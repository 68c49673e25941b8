"""Proximity at 0.4, 4 and 40 million edges, beside networkx pagerank and a bare loop over scipy matrices on the same edges.

Part of `make bench`, or alone: ``python -m benchmarks.propagation --edges 400000 4000000 40000000``. networkx stops at 4 million. Each
measurement is a process of its own. The edges are Parquet, as the night's graph stage leaves them, and the stage is timed from there to
the tables ``proximity`` and ``proximity_paths`` on disk.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Any

import ibis
import numpy as np
import pyarrow as pa
from scipy import sparse

from pipelines.config import Engine
from pipelines.engine.duckdb import DuckEngine
from pipelines.graph import proximity
from pipelines.graph.propagate import DAMPING, ROUNDS, birank
from pipelines.graph.sparse import incidence

ROOT = Path(__file__).resolve().parents[1]
SIZES = (400_000, 4_000_000, 40_000_000)
AS_OF = date(2026, 1, 1)
ROLES = {"insured": ("person", 0.7), "agent": ("agent", 0.01), "hospital": ("hospital", 0.001), "own_vehicle": ("vehicle", 0.5)}
"""Role → kind and parties per claim: every claim has one of each, the busiest hospital thousands of them."""
JUDGED, PROVEN = 0.01, 0.25
"""Share of claims with a verdict, and of proven among these."""
TONIGHT = 0.2
PAGE = 1_000_000
PEER_LIMIT = 4_000_000
"""Edges up to which networkx takes part: ten times as many do not fit beside the rest."""


def ends(edges: int) -> list[np.ndarray]:
    """For every role the party of every claim, skewed as hospitals are: number 0 has the most claims."""
    rng, claims = np.random.default_rng(11), edges // len(ROLES)
    return [(rng.random(claims) ** 2 * max(1, round(claims * share))).astype("int64") for _, share in ROLES.values()]


def verdicts(claims: int) -> tuple[np.ndarray, np.ndarray]:
    """Judged claims, and whether they were proven."""
    rng = np.random.default_rng(12)
    judged = np.sort(rng.choice(claims, round(claims * JUDGED), replace=False))
    return judged, rng.random(len(judged)) < PROVEN


def write(edges: int, folder: Path) -> None:
    """The tables that the stage reads, page by page."""
    con, parties = ibis.duckdb.connect(threads=2, memory_limit="2GB"), ends(edges)
    for number, (role, (kind, _)) in enumerate(ROLES.items()):
        for first in range(0, edges // len(ROLES), PAGE):
            party = parties[number][first : first + PAGE]
            rows = ibis.memtable(pa.table({"claim": np.arange(first, first + len(party)), "party": party}))
            named = rows.select(
                claim_id=_claim(rows.claim), entity_id=ibis.literal(f"{kind}:") + rows.party.cast("string").lpad(16, "0"),
                kind=ibis.literal(kind), role=ibis.literal(role),
            )  # fmt: skip
            (folder / "edges").mkdir(parents=True, exist_ok=True)
            con.to_parquet(named, folder / "edges" / f"{role}{first:012d}.parquet")
    claims = ibis.range(edges // len(ROLES)).unnest().name("claim").as_table()
    view = claims.select(claim_id=_claim(claims.claim), event_id=_claim(claims.claim), reporter_phone=ibis.null("string"))
    con.to_parquet(view, folder / "claim_view.parquet")
    judged, proven = verdicts(edges // len(ROLES))
    told = ibis.memtable(pa.table({"claim": judged, "proven": proven}))
    at = {c: ibis.timestamp(f"2025-{month}-01") for c, month in (("opened_at", "03"), ("decided_at", "06"))}
    verdict = ibis.ifelse(told.proven, "confirmed", "cleared")
    nobody = {"lead_id": ibis.null("string"), "insurer": ibis.literal("A")}
    con.to_parquet(
        told.select(subject_kind=ibis.literal("claim"), entity=_claim(told.claim), verdict=verdict, **at, **nobody),
        folder / "outcomes.parquet",
    )


def _claim(number: Any) -> Any:
    return ibis.literal("A:c") + number.cast("string").lpad(10, "0")


def stage(folder: Path) -> dict[str, float]:
    """The whole stage, from the edges on disk to its tables on disk."""
    start = _now()
    engine = DuckEngine(Engine(memory_limit="3GB"), folder / "spill")
    tables = {n: engine.read(folder / n) for n in ("edges", "claim_view.parquet", "outcomes.parquet")}
    tables = {n.removesuffix(".parquet"): t for n, t in tables.items()}
    nothing = {"policy_id": "string", "entity_id": "string", "kind": "string", "role": "string"}
    tables["policy_edges"] = ibis.memtable(ibis.schema(nothing).to_pyarrow().empty_table())
    view = tables["claim_view"]
    recent = view.filter(view.claim_id.substr(3).cast("int64") >= view.count().as_scalar() * (1 - TONIGHT))
    made = proximity(tables, recent.select(subject_kind=ibis.literal("claim"), subject_id="claim_id"), AS_OF)
    rows = {n: engine.write(t, folder / "made" / f"{n}.parquet") for n, t in made.items()}
    return {**_since(start), "rows": rows["proximity"], "paths": rows["proximity_paths"]}


def _now() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _since(then: tuple[float, float]) -> dict[str, float]:
    """Seconds of the clock and of the processor, both cores together; the latter tell more where the machine is shared."""
    return {name: now - before for name, now, before in zip(("seconds", "cpu"), _now(), then, strict=True)}


def _problem(edges: int) -> tuple[np.ndarray, np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Edges as numbers, and what the proven claims send out."""
    parties = ends(edges)
    sizes = [int(p.max()) + 1 for p in parties]
    party = np.concatenate([p + first for p, first in zip(parties, np.cumsum([0, *sizes[:-1]]), strict=True)]).astype("int32")
    claim = np.tile(np.arange(edges // len(ROLES), dtype="int32"), len(ROLES))
    start = np.zeros(edges // len(ROLES))
    judged, proven = verdicts(len(start))
    start[judged[proven]] = 1.0
    return claim, party, (start, np.zeros(sum(sizes)))


def ours(edges: int) -> dict[str, float]:
    claim, party, start = _problem(edges)
    begun = _now()
    birank(incidence(claim, party, (len(start[0]), len(start[1]))), start)
    return _since(begun)


def bare(edges: int) -> dict[str, float]:
    """The same with what scipy offers, in as few lines as it takes."""
    claim, party, (p0, u0) = _problem(edges)
    begun = _now()
    w = sparse.csr_array((np.ones(len(claim)), (claim, party)), shape=(len(p0), len(u0)))
    scale = [sparse.diags_array(1 / np.sqrt(np.maximum(w.sum(axis=axis), 1))) for axis in (1, 0)]
    s = (scale[0] @ w @ scale[1]).tocsr()
    back, u = s.T.tocsr(), (1 - DAMPING) * u0
    for _ in range(ROUNDS):
        p = DAMPING * (s @ u) + (1 - DAMPING) * p0
        u = DAMPING * (back @ p) + (1 - DAMPING) * u0
    return _since(begun)


def peer(edges: int) -> dict[str, float]:
    """networkx pagerank, from a graph that is already there: building it is not counted."""
    import networkx as nx

    claim, party, (start, parties) = _problem(edges)
    graph: nx.Graph[int] = nx.Graph()
    graph.add_nodes_from(range(len(start) + len(parties)))
    graph.add_edges_from(zip(claim.tolist(), (party + len(start)).tolist(), strict=True))
    begun = _now()
    nx.pagerank(graph, alpha=DAMPING, personalization={int(n): 1.0 for n in np.flatnonzero(start)})
    return _since(begun)


PEER = "networkx_pagerank"
ONE = {"birank": ours, "bare_scipy": bare, PEER: peer}


def measured(what: str, edges: int, folder: Path) -> dict[str, float]:
    """One measurement in a process of its own."""
    words = [sys.executable, "-m", "benchmarks.propagation", "--what", what, "--edges", str(edges), "--folder", str(folder)]
    done = subprocess.run(words, cwd=ROOT, check=True, capture_output=True, text=True)
    found: dict[str, float] = json.loads(done.stdout)
    return {name: round(value, 2) for name, value in found.items()}


def bench(sizes: tuple[int, ...]) -> list[dict[str, Any]]:
    """Every size: what each way took."""
    found = []
    for edges in sizes:
        with tempfile.TemporaryDirectory(prefix="edges-") as work:
            write(edges, Path(work))
            ways = [w for w in ("stage", *ONE) if w != PEER or edges <= PEER_LIMIT]
            found.append({"edges": edges, **{way: measured(way, edges, Path(work)) for way in ways}})
        print(json.dumps(found[-1]), flush=True)
    return found


def main() -> None:
    """All sizes, or one measurement of one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edges", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--what", choices=("stage", *ONE))
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.what is None:
        bench(tuple(options.edges))
        return
    figures = stage(options.folder) if options.what == "stage" else ONE[options.what](options.edges[0])
    print(json.dumps({**figures, "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))


if __name__ == "__main__":
    main()
