"""The run ledger: run keys, stages that resume, temp-then-rename, one run at a time, and `latest`, which moves last.

A workspace holds ``store/`` and ``vault/`` (accepted deliveries by digest), ``runs/<run id>/`` (stages, published ``out/``, state
and manifest) and ``latest``, a link to the newest published ``out/``. Every write goes beside its place and is renamed, so a
killed run leaves the last good output where it was and starts again at the stage it had not finished.
"""

from __future__ import annotations

import fcntl
import json
import os
import resource
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from pipelines.engine import Engine
from pipelines.errors import LockedError
from pipelines.ids import digest_json

PACKAGES = ("pipelines", "features", "models")


@dataclass(frozen=True)
class StageRecord:
    """What one stage did: rows per table, seconds, peak resident memory in MiB. ``resumed`` if an earlier attempt had done it."""

    stage: str
    rows: Mapping[str, int]
    seconds: float
    peak_mib: float
    resumed: bool = False


class Workspace:
    """The folder that holds everything a center's nights leave behind; only its owner may read it.

    Parameters
    ----------
    root : Path
        ``var/`` by default; created with mode 0700.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self.store = self.root / "store"
        self.vault = self.root / "vault"
        self.quarantine = self.root / "quarantine"
        self.runs = self.root / "runs"
        self.latest = self.root / "latest"
        for folder in (self.root, self.store, self.vault, self.quarantine, self.runs):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.root.chmod(0o700)

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the workspace for one run.

        Raises
        ------
        LockedError
            If another process holds it.
        """
        with (self.root / "lock").open("a+") as handle:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                raise LockedError("another run holds the workspace", str(self.root), "wait for it to end, then start again") from error
            yield

    def manifests(self) -> list[dict[str, Any]]:
        """Manifests of all published runs, oldest first."""
        found = [json.loads(p.read_text(encoding="utf-8")) for p in self.runs.glob("*/manifest.json")]
        return sorted(found, key=lambda m: (m["as_of"], m["sequence"]))

    def before(self, as_of: date, book: str) -> dict[str, Any] | None:
        """The published run of the same book that a night of ``as_of`` starts from: the newest of an earlier date."""
        earlier = [m for m in self.manifests() if m["book"] == book and m["as_of"] < str(as_of)]
        return earlier[-1] if earlier else None

    def point_latest(self, out: Path) -> None:
        """Move ``latest`` to a published folder, in one step."""
        beside = self.root / "latest.part"
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.path.relpath(out, self.root))
        os.replace(beside, self.latest)


class Run:
    """One night: a value with a key. Stages run in order and are remembered by name.

    Parameters
    ----------
    workspace : Workspace
    engine : Engine
    as_of : date
    key : str
        Digest of everything the result depends on; see :func:`run_key`.
    tell : callable
        Receives one plain line per stage.
    """

    def __init__(self, workspace: Workspace, engine: Engine, identity: tuple[date, str], tell: Callable[[str], None]) -> None:
        self.as_of, self.key = identity
        self.workspace, self.engine, self.tell = workspace, engine, tell
        self.id = f"{self.as_of}-{self.key[:12]}"
        self.folder = workspace.runs / self.id
        self.out = self.folder / "out"
        self.manifest_file = self.folder / "manifest.json"
        self.records: list[StageRecord] = []

    @property
    def published(self) -> bool:
        """True if the very same run was published before."""
        return self.manifest_file.exists()

    def manifest(self) -> dict[str, Any]:
        """The manifest of the published run."""
        found: dict[str, Any] = json.loads(self.manifest_file.read_text(encoding="utf-8"))
        return found

    def stage(self, name: str, make: Callable[[], Mapping[str, ir.Table]], *, ordered: bool = False) -> dict[str, ir.Table]:
        """Run a stage unless it is already there, and hand its tables on, read back from Parquet.

        Tables that are published, or that pandas reads, are ``ordered``; between stages of the engine order means nothing and costs time.
        """
        done = self.folder / "stages" / name / "done.json"
        if not done.exists():
            self._carry_out(name, make, ordered)
        else:
            self.records.append(StageRecord(**{**json.loads(done.read_text()), "resumed": True}))
            self.tell(f"{name}: already done")
        return self.tables(name)

    def tables(self, name: str) -> dict[str, ir.Table]:
        """The tables of a finished stage."""
        return {p.stem: self.engine.read(p) for p in sorted((self.folder / "stages" / name).glob("*.parquet"))}

    def _carry_out(self, name: str, make: Callable[[], Mapping[str, ir.Table]], ordered: bool) -> None:
        folder = self.folder / "stages" / name
        beside = fresh_folder(folder.with_name(name + ".part"))
        with measured() as figures:
            made = sorted(make().items())
            rows = {t: self.engine.write(table, beside / f"{t}.parquet", order_of(table) if ordered else ()) for t, table in made}
        self.engine.forget()
        record = StageRecord(name, rows, figures[0], figures[1])
        (beside / "done.json").write_text(json.dumps(asdict(record)))
        os.replace(beside, folder)
        self.records.append(record)
        self.tell(f"{name}: {sum(rows.values()):,} rows in {record.seconds:.1f} s")

    def borrow(self, screened: str, names: tuple[str, ...]) -> None:
        """Take over stages of a published run of the same date that started from the same: what differs comes after them.

        Parameters
        ----------
        screened : str
            Digest of all that these stages depend on, as in the other run's manifest.
        names : tuple of str
            The stages.
        """
        alike = [m for m in self.workspace.manifests() if m.get("screened") == screened and m["as_of"] == str(self.as_of)]
        for name in names if alike else ():
            theirs, mine = self.workspace.runs / alike[-1]["run_id"] / "stages" / name, self.folder / "stages" / name
            if theirs.exists() and not mine.exists():
                beside = mine.with_name(name + ".part")
                shutil.rmtree(beside, ignore_errors=True)
                shutil.copytree(theirs, beside, copy_function=os.link)  # files of a stage are never written again
                os.replace(beside, mine)

    def renew(self) -> dict[str, Any]:
        """Make a published run the one of its date again, where another came after it; its manifest."""
        found, others = self.manifest(), self.workspace.manifests()
        rivals = [m for m in others if m["book"] == found["book"] and m["as_of"] == found["as_of"]]
        if rivals[-1]["run_id"] != self.id:
            found["sequence"] = 1 + max(m["sequence"] for m in others)
            write_text(self.manifest_file, json.dumps(found, indent=2, ensure_ascii=False, default=str))
            self._newest(found, others)
        return found

    def _newest(self, manifest: Mapping[str, Any], others: list[dict[str, Any]]) -> None:
        if not any(m["book"] == manifest["book"] and m["as_of"] > manifest["as_of"] for m in others):
            self.workspace.point_latest(self.out)

    def publish(self, write: Callable[[Path], None]) -> None:
        """Write the published folder beside its place and rename it. Half-published folders of killed attempts are replaced."""
        beside = fresh_folder(self.folder / "out.part")
        with measured() as figures:
            write(beside)
        if self.out.exists():
            shutil.rmtree(self.out)
        os.replace(beside, self.out)
        self.records.append(StageRecord("publish", {}, figures[0], figures[1]))
        self.tell(f"publish: {figures[0]:.1f} s")

    def finish(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        """Write the manifest, which makes the run count as published, and move ``latest`` unless a later night of this book exists."""
        others = self.workspace.manifests()
        full = {
            "run_id": self.id,
            "run_key": self.key,
            "as_of": str(self.as_of),
            "sequence": 1 + max((m["sequence"] for m in others), default=0),
            **manifest,
            "stages": [asdict(r) for r in self.records],
        }
        write_text(self.manifest_file, json.dumps(full, indent=2, ensure_ascii=False, default=str))
        self._newest(full, others)
        return full


def order_of(table: ir.Table) -> tuple[str, ...]:
    """A total order for a table that declares none: its columns as they stand, nested ones left out."""
    return tuple(n for n in table.columns if not table[n].type().is_nested())


def fresh_folder(folder: Path) -> Path:
    """An empty folder; what a killed attempt left there is removed."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True, mode=0o700)
    return folder


def write_text(path: Path, text: str) -> None:
    """Write a text file beside its place and rename it."""
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)


def copy_file(source: Path, target: Path) -> None:
    """Copy a file beside its new place and rename it."""
    beside = target.with_name(target.name + ".part")
    shutil.copyfile(source, beside)
    os.replace(beside, target)


@contextmanager
def measured() -> Iterator[list[float]]:
    """Fill a list with the seconds and the peak resident memory (MiB) of the block."""
    figures: list[float] = []
    _reset_peak()
    start = time.perf_counter()
    yield figures
    figures.extend((round(time.perf_counter() - start, 3), _peak_mib()))


def _reset_peak() -> None:
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:  # not Linux, or not allowed: the peak is then the process's own
        return


def _peak_mib() -> float:
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return round(next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024, 1)
    except (OSError, StopIteration):
        return round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, 1)


def code_digest() -> str:
    """Digest of the program's own files: source, mappings, templates, messages."""
    root = Path(__file__).resolve().parent.parent
    files = (p for name in PACKAGES for p in (root / name).rglob("*") if p.is_file() and "__pycache__" not in p.parts)
    seen = {str(p.relative_to(root)): (p.stat().st_size, p.read_bytes()) for p in files}
    return digest_json({name: digest_json([size, body.hex()]) for name, (size, body) in seen.items()})


def lock_digest() -> str:
    """Digest of the versions of the libraries that compute or write anything published."""
    from importlib.metadata import version

    names = (
        "duckdb", "ibis-framework", "pandas", "numpy", "scikit-learn", "lightgbm", "skops", "scipy", "networkx", "splink", "pypinyin",
        "opencc", "great-expectations", "xlsxwriter", "jinja2",
    )  # fmt: skip
    return digest_json({n: version(n) for n in names})
