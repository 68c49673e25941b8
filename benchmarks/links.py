"""Time and peak memory of validated links over books of growing size: ``python -m benchmarks.links``.

Making a book and judging it are two processes, so the peak is that of the links alone; it starts from Parquet files, as in a night.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import ibis

from benchmarks.nullbooks import book
from benchmarks.nullworld import Plan
from pipelines.config import Engine, Links
from pipelines.engine.duckdb import DuckEngine
from pipelines.graph.links import validated

SIZES = (1_000_000, 3_000_000, 10_000_000)
SEED = 97


def bench(work: Path, sizes: tuple[int, ...] = SIZES) -> list[dict[str, Any]]:
    """One entry per size: claims, seconds, cpu (seconds of the processor), peak_mib, and how many links."""
    return [_one(work, claims) for claims in sizes]


def _one(work: Path, claims: int) -> dict[str, Any]:
    command = [sys.executable, "-m", "benchmarks.links", "--folder", str(work / f"links{claims}"), "--claims", str(claims)]
    subprocess.run([*command, "--make"], check=True, stdout=subprocess.DEVNULL)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    measured: dict[str, Any] = json.loads(done.stdout)
    for file in (work / f"links{claims}").glob("*.parquet"):
        file.unlink()
    return measured


def make(folder: Path, claims: int) -> None:
    """Write the tables of a null book."""
    folder.mkdir(parents=True, exist_ok=True)
    con = ibis.duckdb.connect(threads=2, memory_limit="6GB", temp_directory=str(folder))
    for name, table in book(Plan(claims, SEED), con)[0].items():
        con.to_parquet(table, folder / f"{name}.parquet")


def measure(folder: Path, claims: int) -> dict[str, Any]:
    """Validate the links of the tables in a folder with the settings of a night."""
    engine = DuckEngine(Engine(), folder / "spill")
    tables = {file.stem: engine.read(file) for file in folder.glob("*.parquet")}
    start, processor = time.perf_counter(), time.process_time()
    made = validated(tables, Links())
    found = {name: engine.write(table, folder / "made" / f"{name}.parquet") for name, table in made.items()}
    seconds, cpu = time.perf_counter() - start, time.process_time() - processor
    peak = round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    return {"claims": claims, "seconds": round(seconds, 1), "cpu": round(cpu, 1), "peak_mib": peak, **found}


def main() -> None:
    """Measure all sizes; or, as a process of its own, make or measure one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--make", action="store_true")
    options = parser.parse_args()
    if options.folder and options.make:
        make(options.folder, options.claims[0])
    elif options.folder:
        print(json.dumps(measure(options.folder, options.claims[0])))
    else:
        with tempfile.TemporaryDirectory(prefix="links-") as work:
            print(json.dumps(bench(Path(work), tuple(options.claims)), indent=2))


if __name__ == "__main__":
    main()
