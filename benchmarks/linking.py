"""Part of `make bench`: who is who on registers of growing size, beside Splink's own example settings on the same records.

Ours starts where the night's stage does, from tokens and a vault, and ends with clusters of all records but one in a hundred; that one is
new in the night after, which starts, as a process of its own would, with an empty engine and what the first one left: spellings, pairs and
clusters. How well persons are told is judged after both. What the night after takes of the full time is told without spelling in either,
and with it in both.

Splink gets the names, numbers and dates as plain text, spelt as the insurers did. Its
settings are those of its documentation's example of de-duplicating persons with a national number (names, date of birth, number, phone,
area; four rules; u from random pairs, m by expectation-maximisation on two rules; clusters from a probability of .95 on), but for its
blocking on a date of birth or an area alone: at a million records that is ten thousand million pairs.

Each process measures itself phase by phase; peaks are of the whole process, DuckDB included.

Usage: ``python -m benchmarks.linking {ours, splink} FOLDER``, with a folder of ``benchmarks.register``
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa

from benchmarks.identities import figures as clustered
from pipelines import runs
from pipelines.resolve import forms
from pipelines.resolve.designs import PERSONS
from pipelines.resolve.identity import rooted
from pipelines.resolve.incremental import Basis, Compared, State, compare
from pipelines.resolve.judgements import TABLE as JUDGED
from pipelines.resolve.linking import connect
from pipelines.resolve.regroup import regrouped
from pipelines.resolve.spellings import Kept
from pipelines.resolve.training import train

ROOT = Path(__file__).resolve().parents[1]
SIZES = (1_000_000, 5_000_000)
SEED = 99
MEMORY = "3GB"
"""What DuckDB may use before it spills; pandas and Arrow come on top."""
NEW = 100
"""One record in so many is new in the night after."""
SURE = 0.95
FULL = ("training", "linking", "clustering")


@contextmanager
def measured(found: dict[str, Any], name: str) -> Iterator[None]:
    """Put seconds of clock and of processor and the peak in MiB of what is done inside under ``name``."""
    before = time.process_time()
    with runs.measured() as figures:
        yield
    found[name] = {"seconds": round(figures[0], 1), "cpu": round(time.process_time() - before, 1), "peak_mib": round(figures[1])}


def ours(folder: Path) -> dict[str, Any]:
    """Seconds and peak of each phase, of the night after, and how well the clusters tell persons."""
    phases: dict[str, Any] = {}
    kept = Kept(folder / "spellings")
    kept.open("")
    with connect(MEMORY, spill=str(folder / "spill")) as connection:
        with measured(phases, "spelling"):
            table = _spelt(connection, folder, f"WHERE n % {NEW} <> 0", None, kept)
        with measured(phases, "training"):
            basis = Basis(train(connection, table, PERSONS))
        with measured(phases, "linking"):
            first = compare(connection, table, basis, None)
        with measured(phases, "clustering"):
            grouped = _grouped(connection, table, basis, first)
    before = State(basis.digest, first.links.pairs, grouped.drop_columns("n"), first.values, first.links.skipped)
    with connect(MEMORY, spill=str(folder / "spill")) as connection:
        with measured(phases, "spelling after"):
            table = _spelt(connection, folder, "", basis.model.words, kept)
        with measured(phases, "night after"):
            second = compare(connection, table, basis, before)
            found = _grouped(connection, table, basis, second)
    full = round(sum(phases[name]["seconds"] for name in FULL), 1)
    result = {"phases": phases, "seconds": full, "peak_mib": max(p["peak_mib"] for p in phases.values())}
    return {**result, "night_after": second.figures, **_quality(found, folder)}


def _spelt(connection: duckdb.DuckDBPyConnection, folder: Path, which: str, words: pa.Table | None, kept: Kept) -> str:
    """Forms of some of the records."""
    parties, vault = f"(SELECT * FROM '{folder}/parties.parquet' {which})", f"SELECT * FROM '{folder}/vault.parquet'"
    return forms.written(connection, parties, vault, words, kept)


def _grouped(connection: duckdb.DuckDBPyConnection, table: str, basis: Basis, night: Compared) -> pa.Table:
    nothing = JUDGED.empty_table()
    found = regrouped(connection, (table, ("id_number", "birth_date")), night, (nothing, nothing), basis.model.threshold)
    rooted(found)
    return found


def splink(folder: Path) -> dict[str, Any]:
    """The same of Splink."""
    from splink import DuckDBAPI, Linker, block_on

    phases: dict[str, Any] = {}
    with duckdb.connect(config={"memory_limit": MEMORY, "threads": 2, "temp_directory": str(folder / "spill")}) as connection:
        connection.execute(f"CREATE TABLE plain AS SELECT * FROM '{folder}/plain.parquet'")
        linker = Linker(DuckDBAPI(connection).register("plain"), _example(), log_level="ERROR")
        with measured(phases, "training"):
            sure = [block_on("given_name", "surname", "date_of_birth"), block_on("id_number")]
            linker.training.estimate_probability_two_random_records_match(sure, recall=0.9)
            linker.training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
            for rule in (block_on("given_name", "surname"), block_on("id_number")):
                linker.training.estimate_parameters_using_expectation_maximisation(rule)
        with measured(phases, "linking"):
            pairs = linker.inference.predict(threshold_match_probability=SURE)
        with measured(phases, "clustering"):
            found = linker.clustering.cluster_pairwise_predictions_at_threshold(pairs, SURE).as_duckdbpyrelation().to_arrow_table()
    result = {"phases": phases, "seconds": round(sum(p["seconds"] for p in phases.values()), 1)}
    named = found.rename_columns({"cluster_id": "cluster"}).select(["party_id", "cluster"])
    return {**result, "peak_mib": max(p["peak_mib"] for p in phases.values()), **_quality(named, folder)}


def _example() -> Any:
    import splink.comparison_library as cl
    from splink import SettingsCreator, block_on

    return SettingsCreator(
        link_type="dedupe_only",
        unique_id_column_name="party_id",
        comparisons=[
            cl.NameComparison("given_name"),
            cl.NameComparison("surname"),
            cl.DateOfBirthComparison("date_of_birth", input_is_string=True),
            cl.DamerauLevenshteinAtThresholds("id_number", [2]),
            cl.ExactMatch("phone").configure(term_frequency_adjustments=True),
            cl.ExactMatch("district").configure(term_frequency_adjustments=True),
        ],
        blocking_rules_to_generate_predictions=[
            block_on("given_name", "surname"),
            block_on("date_of_birth", "surname"),
            block_on("id_number"),
            block_on("phone"),
        ],
    )


def measure(work: Path, sizes: tuple[int, ...] = SIZES) -> dict[str, Any]:
    """Registers of growing size: made, linked by ours, and the smallest by Splink too; each step a process of its own."""
    books = []
    for size in sizes:
        folder = work / f"register{size}"
        _run("benchmarks.register", str(size), str(SEED), str(folder))
        books.append({"ours": json.loads(_run("benchmarks.linking", "ours", str(folder)))})
        if size == min(sizes):
            books[-1]["splink"] = json.loads(_run("benchmarks.linking", "splink", str(folder)))
        shutil.rmtree(folder)
    first, last = books[0]["ours"], books[-1]["ours"]
    return {"seed": SEED, "memory_limit": MEMORY, "books": books, "growth": round(last["seconds"] / first["seconds"], 1)}


def night_after(one: dict[str, Any]) -> str:
    """What it takes, and of the full time, without spelling and with it; spelling of the night was not always measured."""
    said = f"With one record in a hundred new, the night after takes {_beside(one, ('night after',), FULL)}"
    if "spelling after" not in one["phases"]:
        return f"{said}."
    return f"{said}; with spelling in both, {_beside(one, ('spelling after', 'night after'), ('spelling', *FULL))}."


def _beside(one: dict[str, Any], night: tuple[str, ...], full: tuple[str, ...]) -> str:
    took = {unit: (_took(one, night, unit), _took(one, full, unit)) for unit in ("seconds", "cpu")}
    shares = {unit: part / whole for unit, (part, whole) in took.items()}
    seconds = f"{took['seconds'][0]:.1f} s at {one['records']:,} records"
    return f"{seconds}, {shares['seconds']:.0%} of the full time ({shares['cpu']:.0%} of the processor's)"


def _took(one: dict[str, Any], phases: tuple[str, ...], unit: str) -> float:
    return float(sum(one["phases"][name][unit] for name in phases))


def _run(module: str, *words: str) -> str:
    done = subprocess.run([sys.executable, "-m", module, *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"failed: {module} {' '.join(words)}\n{done.stderr}")
    return done.stdout


def _quality(found: pa.Table, folder: Path) -> dict[str, Any]:
    person = pd.read_parquet(folder / "truth.parquet").set_index("party_id")["person"]
    said = clustered(found.to_pandas().set_index("party_id")["cluster"], person)
    return {k: said[k] for k in ("records", "precision", "recall", "mixed", "mixed_more")}


if __name__ == "__main__":
    print(json.dumps({"ours": ours, "splink": splink}[sys.argv[1]](Path(sys.argv[2]))))
