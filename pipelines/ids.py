"""Stable ids: sha256 of few, raw, stable fields; the same on every engine, in every process, for ever."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir

SEPARATOR = "\x1f"


def digest(*parts: object, length: int = 16) -> str:
    """Hex digest of the parts, ``length`` characters."""
    return hashlib.sha256(SEPARATOR.join(map(str, parts)).encode()).hexdigest()[:length]


def digest_json(value: Any, length: int = 16) -> str:
    """Digest of a JSON-able value, independent of key order."""
    return digest(json.dumps(value, sort_keys=True, default=str, ensure_ascii=False), length=length)


def digest_file(path: Path) -> str:
    """Full sha256 of a file's bytes."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def digest_tree(paths: Iterable[Path], root: Path) -> str:
    """Digest of files by their path below ``root`` and content, in order of path."""
    return digest(*(f"{p.relative_to(root)}={digest_file(p)}" for p in sorted(paths)), length=32)


def digest_columns(*columns: ir.Value, length: int = 16) -> ir.StringValue:
    """The same digest as :func:`digest`, as an Ibis expression; null where any column is null."""
    joined = ibis.literal(SEPARATOR).join([c.cast("string") for c in columns])
    return joined.hexdigest("sha256").substr(0, length)
