"""What an operator asks first: versions, configuration, space, what is missing."""

from __future__ import annotations

import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from models.boosting import MissingLibrary, load
from pipelines import config
from pipelines.flows import drifting

LIBRARIES = ("fraudleads", "duckdb", "ibis-framework", "pandas", "scikit-learn", "networkx", "great-expectations", "mlflow", "xlsxwriter")
FREE_GIB = 10.0


def report(config_file: Path | None, workspace: Path) -> list[str]:
    """Lines to print; a line that begins with ``missing`` or ``warning`` needs attention."""
    settings = config.load(config_file)
    return [
        f"python {platform.python_version()} on {platform.machine()}, {os.cpu_count()} cores",
        *(_library(name) for name in LIBRARIES),
        _boosting(),
        f"configuration: {config_file or 'defaults'}; memory limit {settings.engine.memory_limit}, {settings.engine.threads} threads",
        f"sources: {', '.join(settings.sources) or 'the sample'}; capacity {settings.capacity.cases} cases a night",
        *_bounds(settings.capacity),
        *_key(settings),
        *_space(workspace),
        *_latest(workspace),
        *drifting.lines(workspace),
    ]


def _library(name: str) -> str:
    try:
        return f"{name} {version(name)}"
    except PackageNotFoundError:
        return f"missing library {name}: run make"


def _boosting() -> str:
    """LightGBM installs without the system's OpenMP library and then does not load, so it is tried."""
    try:
        return f"lightgbm {load().__version__} loads"
    except MissingLibrary as error:
        return f"missing library for models learnt from verdicts: {error}"


def _bounds(capacity: config.Capacity) -> list[str]:
    """The shares of the list by line and region, as far as any is set."""
    set_ = {name: getattr(capacity, name) for name in ("lines", "least_lines", "regions", "least_regions")}
    told = [f"{name} {', '.join(f'{k} {share:g}' for k, share in shares.items())}" for name, shares in set_.items() if shares]
    return [f"places: {'; '.join(told)}"] if told else []


def _key(settings: config.Settings) -> list[str]:
    if os.environ.get(config.KEY_VARIABLE):
        return [f"key: {config.KEY_VARIABLE} is set"]
    word = "missing" if settings.sources else "warning:"
    return [f"{word} {config.KEY_VARIABLE} is not set: only the sample runs without it, with a public key"]


def _space(workspace: Path) -> list[str]:
    there = workspace if workspace.exists() else Path()
    free = shutil.disk_usage(there).free / 2**30
    lines = [f"free space at {workspace}: {free:.0f} GiB"]
    if free < FREE_GIB:
        lines.append(f"warning: less than {FREE_GIB:.0f} GiB free; a night of 1 M claims needs about 3 GiB")
    if workspace.exists() and workspace.stat().st_mode & 0o077:
        lines.append(f"warning: {workspace} can be read by others: chmod 700 it")
    return lines


def _latest(workspace: Path) -> list[str]:
    latest = workspace / "latest"
    return [f"latest night: {latest.resolve().parent.name}" if latest.exists() else "latest night: none yet, run fraudleads nightly"]
