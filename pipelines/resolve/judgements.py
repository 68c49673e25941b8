"""What people said of two records: the same, not the same, undecided. Kept apart from the model's opinion, which it always overrules.

One JSON line per judgement, only ever added to; of several on one pair the last counts. A judgement holds from the night it was made on,
so an earlier night, run again, comes out as it did.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import pyarrow as pa

from pipelines.errors import DataError, UsageError

FILE = "judgements.jsonl"
VERDICTS = ("same", "not_same", "undecided")
TABLE = pa.schema([("party_l", pa.string()), ("party_r", pa.string()), ("verdict", pa.string())])


@dataclass(frozen=True)
class Judgement:
    """One person's word on two records.

    Attributes
    ----------
    party_l, party_r : str
        The records, the smaller id first.
    verdict : str
        One of ``VERDICTS``.
    by : str
        Who said so.
    at : str
        When, ISO 8601.
    as_of : str
        The night whose records were looked at.
    """

    party_l: str
    party_r: str
    verdict: str
    by: str
    at: str
    as_of: str

    def __post_init__(self) -> None:
        if self.verdict not in VERDICTS:
            raise UsageError(f"unknown verdict '{self.verdict}'", "resolve judge", f"use {', '.join(VERDICTS)}")
        if self.party_l >= self.party_r:
            raise UsageError("a judgement is of two different records", "resolve judge", "name two party ids")


def record(root: Path, judgement: Judgement) -> None:
    """Add a judgement to the workspace ``root``; only its owner may read the file."""
    line = json.dumps(asdict(judgement), ensure_ascii=False, sort_keys=True) + "\n"
    handle = os.open(root / FILE, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "a", encoding="utf-8") as file:
        file.write(line)


def in_force(root: Path, as_of: date) -> pa.Table:
    """Judgements that a night obeys: party_l, party_r, verdict; sorted, one row per pair."""
    path, last = root / FILE, {}
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for number, line in enumerate(lines, start=1):
        found = _read(line, number)
        if found.as_of <= as_of.isoformat():
            last[found.party_l, found.party_r] = found.verdict
    return pa.Table.from_pylist([{"party_l": a, "party_r": b, "verdict": last[a, b]} for a, b in sorted(last)], schema=TABLE)


def _read(line: str, number: int) -> Judgement:
    try:
        return Judgement(**json.loads(line))
    except (ValueError, TypeError, UsageError) as error:
        raise DataError("a judgement cannot be read", f"{FILE}, line {number}", "mend or remove the line") from error
