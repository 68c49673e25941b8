"""`make bench`: simulate, run the night at growing sizes, and run the usual pandas + networkx way on the same data beside it; then link
registers of a million and of five million person records, beside Splink's own example settings (``benchmarks.linking``).

Prints seconds and peak resident memory per stage and writes ``docs/performance.json``. Each command is a process of its own, so
peaks are its own. Cost of the night: linear in rows but for sorts and window joins (n log n); see ``docs/performance.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks import figures, learning, linking, links, propagation

ROOT = Path(__file__).resolve().parents[1]
COMMAND = [sys.executable, "-m", "pipelines.cli"]
SHARED_STAGES = ("views", "graph", "features")
"""What both the night and the peer do: the wide claim table, the claim-party graph, and the features."""


def timed(arguments: list[str]) -> dict[str, float]:
    """Seconds and peak MiB of a process that must end well."""
    start = time.perf_counter()
    process = subprocess.Popen(arguments, cwd=ROOT, stdout=subprocess.DEVNULL, env={**os.environ, "FRAUDLEADS_KEY": "bench" * 8})
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"failed: {' '.join(arguments)}")
    return {"seconds": round(time.perf_counter() - start, 1), "peak_mib": round(usage.ru_maxrss / 1024)}


def bench(claims: int, work: Path) -> dict[str, Any]:
    """One size: simulator, night, no-op, peer."""
    book, var = work / f"book{claims}", work / f"var{claims}"
    made = timed([*COMMAND, "simulate", "--claims", str(claims), "--seed", "99", "--out", str(book), "--format", "parquet"])
    night = timed([*COMMAND, "nightly", "--source", "book", "--data", str(book), "--workspace", str(var)])
    again = timed([*COMMAND, "nightly", "--source", "book", "--data", str(book), "--workspace", str(var)])
    manifest = json.loads(next((var / "runs").glob("*/manifest.json")).read_text())
    stages = {s["stage"]: {"seconds": s["seconds"], "peak_mib": s["peak_mib"]} for s in manifest["stages"]}
    night["peak_mib"] = max(night["peak_mib"], *(s["peak_mib"] for s in stages.values()))  # a stage resets what the system remembers
    peer = _peer(next((var / "runs").glob("*/stages")), work / "peer.json")
    learnt = learning.bench(book, var)
    shutil.rmtree(book)
    shutil.rmtree(var)
    told = {"simulate": made, "night": night, "again": again, "stages": stages, "peer": peer, "learning": learnt}
    return {"claims": claims, **told, **_ratio(stages, peer)}


def _peer(stages: Path, out: Path) -> dict[str, Any]:
    timed([sys.executable, "-m", "benchmarks.peer", str(stages), str(out)])
    measured: dict[str, Any] = json.loads(out.read_text())
    return measured


def _ratio(stages: dict[str, Any], peer: dict[str, Any]) -> dict[str, float]:
    ours = sum(stages[s]["seconds"] for s in SHARED_STAGES)
    theirs = sum(p["seconds"] for p in peer.values())
    return {"ours_shared_seconds": round(ours, 1), "peer_seconds": round(theirs, 1), "times_faster": round(theirs / ours, 1)}


def show(result: dict[str, Any]) -> None:
    """Print one size as a table."""
    print(f"\n{result['claims']:,} claims")
    rows = {"simulate": result["simulate"], **{f"  {k}": v for k, v in result["stages"].items()}, "night": result["night"]}
    rows |= {"night again (no-op)": result["again"], **{f"  peer {k}": v for k, v in result["peer"].items()}}
    for name, one in rows.items():
        print(f"{name:28} {one['seconds']:9.1f} s {one['peak_mib']:9.0f} MiB")
    shared, ours, theirs = ", ".join(SHARED_STAGES), result["ours_shared_seconds"], result["peer_seconds"]
    print(f"on {shared}: {ours} s against {theirs} s, {result['times_faster']} times faster")


def main() -> None:
    """Run the sizes and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, nargs="*", default=[100_000, 1_000_000], help="sizes of books")
    parser.add_argument("--records", type=int, nargs="*", default=list(linking.SIZES), help="sizes of registers to link")
    parser.add_argument("--edges", type=int, nargs="*", default=list(propagation.SIZES), help="sizes of graphs to propagate over")
    parser.add_argument("--link-claims", type=int, nargs="*", default=list(links.SIZES), help="sizes of books to validate links of")
    parser.add_argument("--out", type=Path, default=ROOT / "docs" / "performance.json")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="bench-") as work:
        linked = linking.measure(Path(work), tuple(options.records)) if options.records else {}
        results = [bench(n, Path(work)) for n in options.claims]
        validated = links.bench(Path(work), tuple(options.link_claims))
    spread = propagation.bench(tuple(options.edges))
    for result in results:
        show(result)
    if len(results) > 1:
        growth = results[-1]["night"]["seconds"] / results[0]["night"]["seconds"]
        print(f"\nwhole night, {results[0]['claims']:,} to {results[-1]['claims']:,} claims: {growth:.1f}-fold")
    print(f"peak of this driver: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")
    print(figures.linking(linked) if linked else "")
    found = {"nights": results, "linking": linked, "propagation": spread, "links": validated}
    options.out.write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    if (document := options.out.with_suffix(".md")).exists():
        figures.put(document, figures.performance(found))


if __name__ == "__main__":
    main()
