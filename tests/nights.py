"""Small simulated nights for tests: one book per session, and a night run in this process or as a command."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from pipelines.flows.intake import Options
from pipelines.flows.nightly import Night, nightly

ROOT = Path(__file__).resolve().parents[1]
KEY = "test-key-of-thirty-two-characters"


def run_night(book: Path, workspace: Path, as_of: str | None = None, config: Path | None = None) -> Night:
    """A night of a simulated book, in this process."""
    os.environ["FRAUDLEADS_KEY"] = KEY
    return nightly(Options.parse(as_of, config, ("book", book), workspace), lambda _line: None)


@dataclass(frozen=True)
class Said:
    """What a command left."""

    code: int
    out: str
    err: str


def command(*words: str | Path, env: dict[str, str] | None = None, key: bool = True) -> Said:
    """Run `fraudleads` as a user types it."""
    variables = {k: v for k, v in os.environ.items() if k != "FRAUDLEADS_KEY"} | ({"FRAUDLEADS_KEY": KEY} if key else {}) | (env or {})
    done = subprocess.run(
        [sys.executable, "-m", "pipelines.cli", *map(str, words)], capture_output=True, text=True, env=variables, cwd=ROOT
    )
    return Said(done.returncode, done.stdout, done.stderr)


def digests(folder: Path) -> dict[str, str]:
    """Digest of every file below a folder by its relative path."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest() for p in files}
