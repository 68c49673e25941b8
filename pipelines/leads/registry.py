"""Learnt models of a workspace: stored by the digest of their bytes, loaded by alias, never without the digest being verified.

``models/<digest>/`` holds a model's files, ``models/champions.jsonl`` who was made champion when, one line each, never rewritten. Only
the file names in ``FILES`` may lie in a model's folder: JSON, LightGBM's text, skops. A pickle is refused unread.
"""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Protocol

from models.card import Card
from models.fusion import FILE as FUSION
from models.fusion import Fusion
from models.supervised import Supervised
from pipelines.errors import DataError, UsageError

FOLDER = "models"
FILES = re.compile(
    r"(model|scorecard|fusion|about|logistic|contrasts|forest)\.json|card\.md|(boosting_\d|deep|deep_\d)\.txt|forest\.skops|reliability\.svg"
)
LEDGER = "champions.jsonl"


class Kept(Protocol):
    """Anything that is stored as files without code."""

    def save(self, folder: Path) -> None:
        """Write itself into an empty folder."""


@dataclass(frozen=True)
class Stored:
    """A stored model: its digest, the kind of subject it scores, what its card says."""

    digest: str
    kind: str
    about: Mapping[str, Any]


def store(root: Path, model: Kept | tuple[Kept, ...], about: Mapping[str, Any], card: str) -> str:
    """Write a model; the same bytes again are the same model.

    Parameters
    ----------
    root : Path
        The workspace.
    model : Kept or tuple of Kept
        A scorecard; or a model and how it is fused.
    about : mapping
        With ``kind``; figures, label counts, window.
    card : str
        The model card, Markdown.

    Returns
    -------
    str
        The digest, which is also the folder's name.
    """
    beside = root / FOLDER / "part"
    shutil.rmtree(beside, ignore_errors=True)
    beside.mkdir(parents=True, mode=0o700)
    for part in model if isinstance(model, tuple) else (model,):
        part.save(beside)
    (beside / "about.json").write_text(json.dumps(about, indent=2, sort_keys=True, ensure_ascii=False), encoding="utf-8")
    (beside / "card.md").write_text(card, encoding="utf-8")
    name = digest_of(beside)
    place = root / FOLDER / name
    if place.exists():
        shutil.rmtree(beside)
    else:
        beside.rename(place)
    return name


def digest_of(folder: Path) -> str:
    """SHA-256 over the names and bytes of a model's files, its first 16 hex digits.

    Raises
    ------
    DataError
        If a file lies there that no model has, a pickle above all.
    """
    total = hashlib.sha256()
    for path in sorted(folder.iterdir()):
        if not FILES.fullmatch(path.name) or not path.is_file():
            raise DataError("a file that no model has is refused, unread", f"{folder.name}/{path.name}", "remove it, or train again")
        total.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()[:16]


def load(root: Path, digest: str) -> Supervised:
    """A stored model, its digest verified before anything of it is read.

    Raises
    ------
    DataError
        If it is not there, is not what was stored, or holds what a model may not hold.
    """
    return Supervised.load(_verified(root, digest))


def fusion_of(root: Path, digest: str) -> Fusion:
    """How a stored model's scores are fused with the other parts; one stored without weights adds nothing."""
    folder = _verified(root, digest)
    return Fusion.load(folder) if (folder / FUSION).exists() else Fusion()


def card_of(root: Path, digest: str) -> Card:
    """A stored scorecard, its digest verified before anything of it is read."""
    return Card.load(_verified(root, digest))


def about(root: Path, digest: str) -> Stored:
    """What a stored model says of itself."""
    told = json.loads((_verified(root, digest) / "about.json").read_text(encoding="utf-8"))
    return Stored(digest, told["kind"], told)


def card(root: Path, digest: str) -> str:
    """The model card."""
    return (_verified(root, digest) / "card.md").read_text(encoding="utf-8")


def stored(root: Path) -> list[Stored]:
    """All models of a workspace, by kind and digest."""
    folders = sorted(p.name for p in (root / FOLDER).glob("*") if re.fullmatch(r"[0-9a-f]{16}", p.name))
    return sorted((about(root, name) for name in folders), key=lambda s: (s.kind, s.digest))


def champions(root: Path) -> dict[str, str]:
    """Kind → digest of the champion."""
    held = {line["kind"]: line["digest"] for line in _history(root)}
    return {kind: digest for kind, digest in sorted(held.items()) if digest}


def promote(root: Path, digest: str, why: str) -> Stored:
    """Make a stored model the champion of its kind."""
    chosen = about(root, digest)
    _write(root, chosen.kind, digest, why)
    return chosen


def rollback(root: Path, kind: str) -> str:
    """Make the champion before the present one champion again; empty where there was none.

    Raises
    ------
    UsageError
        If the kind has no champion.
    """
    told = [line for line in _history(root) if line["kind"] == kind]
    if not told or not told[-1]["digest"]:
        raise UsageError(f"no champion of kind '{kind}' to roll back from", str(root / FOLDER), "see fraudleads models list")
    # What was rolled back from is no place to go back to: champions are a stack.
    stack: list[str] = []
    for line in told:
        stack = stack[:-1] if line["why"] == "rollback" else [*stack, line["digest"]]
    before = stack[-2] if len(stack) > 1 else ""
    _write(root, kind, before, "rollback")
    return before


def _write(root: Path, kind: str, digest: str, why: str) -> None:
    line = {"kind": kind, "digest": digest, "why": why, "at": datetime.now().isoformat(timespec="seconds")}
    with (root / FOLDER / LEDGER).open("a", encoding="utf-8") as ledger:
        ledger.write(json.dumps(line) + "\n")


def _history(root: Path) -> list[dict[str, str]]:
    ledger = root / FOLDER / LEDGER
    return [json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines()] if ledger.exists() else []


def _verified(root: Path, digest: str) -> Path:
    folder = root / FOLDER / digest
    if not re.fullmatch(r"[0-9a-f]{16}", digest) or not folder.is_dir():
        raise DataError(
            "there is no such model: neither a stored digest nor a kind that has a champion", digest, "see fraudleads models list"
        )
    if digest_of(folder) != digest:
        raise DataError("a stored model was changed after it was stored; it is not loaded", digest, "roll back, or train again")
    return folder
