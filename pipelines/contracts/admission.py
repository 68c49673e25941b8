"""What the gate decided about a delivery, and where it keeps what it let in: paths, sidecars, permissions."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from pipelines.contracts.suites import Verdict
from pipelines.delivery import Delivery
from pipelines.ids import digest


@dataclass(frozen=True)
class Admission:
    """The verdict on one delivery; free of personal data, and kept as JSON beside the rows.

    Attributes
    ----------
    label, digest, source, insurer, table, mode : str
        Which delivery.
    received_at : datetime
        UTC+8 local.
    receipted : bool
        Whether ``received_at`` is real.
    files : tuple of str
        Names without folders.
    rows, accepted, quarantined, repeated : int
        Rows delivered = accepted + quarantined + repeated (word for word the same as another row of the delivery).
    rules, dq : mapping of str to int
        Quarantine rules and plausibility marks, with how many rows each.
    keys : mapping of str to tuple of str
        Some row keys for each rule and mark: key columns joined by ``|``, or ``file#row`` where the key cannot be read.
    gx : tuple of Verdict
        What great-expectations said, by expectation.
    refused : bool
        Nothing of it is used; earlier deliveries stay in force.
    reason : str
        Why it was refused.
    """

    label: str
    digest: str
    source: str
    insurer: str
    table: str
    mode: str
    received_at: datetime
    receipted: bool
    files: tuple[str, ...] = ()
    rows: int = 0
    accepted: int = 0
    quarantined: int = 0
    repeated: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)
    dq: Mapping[str, int] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    gx: tuple[Verdict, ...] = ()
    refused: bool = False
    reason: str = ""

    @classmethod
    def of(cls, delivery: Delivery, **facts: Any) -> Admission:
        """An admission of a delivery with the facts found."""
        same = ("label", "digest", "source", "insurer", "table", "mode", "received_at", "receipted")
        return cls(**{n: getattr(delivery, n) for n in same}, files=tuple(p.name for p in delivery.files), **facts)

    def to_json(self) -> dict[str, Any]:
        """As JSON-able values."""
        return {**dataclasses.asdict(self), "received_at": self.received_at.isoformat()}

    @classmethod
    def from_json(cls, values: Mapping[str, Any]) -> Admission:
        """The inverse of ``to_json``."""
        gx = tuple(Verdict(**v) for v in values["gx"])
        keys = {k: tuple(v) for k, v in values["keys"].items()}
        moment = datetime.fromisoformat(values["received_at"])
        return cls(**{**values, "gx": gx, "keys": keys, "files": tuple(values["files"]), "received_at": moment})


def rows_path(store: Path, admission: Admission | Delivery) -> Path:
    """Accepted rows of a delivery."""
    return store / admission.insurer / admission.table / f"{admission.digest}.parquet"


def quarantine_path(quarantine: Path, delivery: Admission | Delivery) -> Path:
    """Rejected rows of a delivery, whole."""
    return quarantine / delivery.insurer / delivery.table / f"{delivery.digest}.parquet"


def vault_path(vault: Path, delivery: Admission | Delivery) -> Path:
    """Raw personal values of a delivery; all in one folder, so that it reads as one table."""
    return vault / f"{digest(delivery.insurer, delivery.table, delivery.digest, length=32)}.parquet"


def known(store: Path, delivery: Delivery, gate: str = "") -> Admission | None:
    """The admission of a delivery that was judged before (under the same gate settings), or None."""
    return _load(_sidecar(store, delivery), gate)


def admitted(store: Path) -> tuple[Admission, ...]:
    """All deliveries ever judged, in order of receipt."""
    found = (_load(p, "") for p in store.glob("*/*/*.json"))
    return tuple(sorted((a for a in found if a), key=lambda a: (a.received_at, a.insurer, a.table, a.digest)))


def remember(store: Path, admission: Admission, gate: str) -> None:
    """Write the sidecar: last of all files, so that a delivery whose admission was interrupted is judged again."""
    path = _sidecar(store, admission)
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps({"gate": gate, **admission.to_json()}, ensure_ascii=False, sort_keys=True), encoding="utf-8")
    os.replace(beside, path)


def private(paths: Iterable[Path]) -> None:
    """Only the operator reads these files."""
    for path in paths:
        path.chmod(0o600)


def _sidecar(store: Path, delivery: Admission | Delivery) -> Path:
    return rows_path(store, delivery).with_suffix(".json")


def _load(path: Path, gate: str) -> Admission | None:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    made = values.pop("gate", "")
    return Admission.from_json(values) if not gate or made == gate else None
