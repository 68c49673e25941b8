"""The gate: every delivery is typed, keyed, tokenised and judged; broken rows are quarantined, broken deliveries refused.

Deliveries of one table are judged together, so that a hundred small files cost little more than a large one. Only a row that
cannot be typed or keyed is held back; an implausible one passes with a mark, since fraud looks implausible.

Repeated keys in one delivery: rows that are the same in every typed column collapse into one and are counted; where they differ,
the later row (by file, then row) is kept, since files are appended to, and the others go to the quarantine. None is lost.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import ibis.expr.types as ir

from features.schema import tables
from pipelines.config import Gate
from pipelines.contracts.admission import Admission, admitted, known, quarantine_path, remember, rows_path, vault_path
from pipelines.contracts.outcome import Outcome
from pipelines.contracts.rows import Batch
from pipelines.contracts.tokens import Secret
from pipelines.delivery import Delivery
from pipelines.engine import Engine
from pipelines.errors import DataError, FraudleadsError
from pipelines.ids import digest, digest_json

__all__ = ["Admission", "Arrival", "Context", "admit", "admit_all", "admitted", "known", "unreadable"]

SMALL = 500_000
"""Bytes of a delivery's files up to which it is judged together with others of its table."""

TOGETHER = 40
"""Deliveries judged together at most."""


@dataclass(frozen=True)
class Context:
    """Where the gate keeps things, and its settings.

    Attributes
    ----------
    settings : Gate
        Tolerances and batch size.
    key : str
        Key of the tokens; never shown.
    store, vault, quarantine : Path
        Folders, made if missing, for nobody but the operator.
    """

    settings: Gate
    key: str = field(repr=False)
    store: Path
    vault: Path
    quarantine: Path

    @property
    def mark(self) -> str:
        """Digest of what changes the gate's verdict besides the delivery: key, tolerances, contract."""
        return digest_json([digest(self.key), self.settings.tolerance, dict(self.settings.tolerances), repr(tables())])

    def tolerance(self, insurer: str, table: str) -> float:
        """Share of rows that may be quarantined."""
        return self.settings.tolerances.get(f"{insurer}/{table}", self.settings.tolerance)


@dataclass(frozen=True)
class Arrival:
    """A delivery with its rows.

    Attributes
    ----------
    delivery : Delivery
        What it is.
    text : Table
        Its rows as text by contract column, with ``source_file``, ``source_row`` and ``row_sha256``.
    rejects : Table or None
        Lines of its files that are no rows: ``source_file``, ``source_row``, ``rule``, ``message``, ``raw``.
    """

    delivery: Delivery
    text: ir.Table
    rejects: ir.Table | None = None


def admit(engine: Engine, delivery: Delivery, text: ir.Table, context: Context, rejects: ir.Table | None = None) -> Admission:
    """Judge one delivery; see ``admit_all``."""
    return admit_all(engine, [Arrival(delivery, text, rejects)], context)[0]


def admit_all(engine: Engine, arrivals: Sequence[Arrival], context: Context) -> list[Admission]:
    """Judge deliveries, in their order; those judged before are taken as they were.

    Writes, for each accepted delivery, its typed rows with tokens (``store``) and the values behind the tokens (``vault``); for
    each, the rows held back, whole (``quarantine``); and last a JSON sidecar with the admission.

    Raises
    ------
    DataError
        If the engine fails for another reason than the data; nothing of the delivery is then remembered.
    """
    found = {a.delivery.digest: known(context.store, a.delivery, context.mark) for a in arrivals}
    for group in groups([a for a in arrivals if found[a.delivery.digest] is None]):
        found |= {a.digest: a for a in _admit_group(engine, group, context)}
    return [admission for a in arrivals if (admission := found[a.delivery.digest])]


def unreadable(delivery: Delivery, error: FraudleadsError) -> Admission:
    """The admission of a delivery that its source could not read: refused, and tried again the next night."""
    return Admission.of(delivery, refused=True, reason=f"unreadable: {error.what}")


def groups(arrivals: Sequence[Arrival]) -> list[list[Arrival]]:
    """Deliveries that are judged together: small ones of one table."""
    found: list[list[Arrival]] = []
    open_: dict[str, list[Arrival]] = {}
    for arrival in arrivals:
        table, small = arrival.delivery.table, _bytes(arrival.delivery) <= SMALL
        group = open_.get(table) if small else None
        if group is None or len(group) >= TOGETHER:
            group = []
            found.append(group)
            if small:
                open_[table] = group
        group.append(arrival)
    return found


def _bytes(delivery: Delivery) -> int:
    """Size of the files; a database table counts as large, a delivery made in memory as small."""
    return sum(p.stat().st_size for p in delivery.files if p.exists())


def _admit_group(engine: Engine, group: list[Arrival], context: Context) -> list[Admission]:
    deliveries = [a.delivery for a in group]
    with _room(context, group) as room, _discreet(deliveries[0].label):
        batch = Batch(engine, tables()[deliveries[0].table], Secret.of(context.key), room)
        batch.finish([(a.delivery, a.text) for a in group])
        outcome = Outcome.of(batch, [(a.delivery, a.rejects) for a in group])
        admissions = [_decide(outcome, d, context) for d in deliveries]
        _keep(outcome, deliveries, admissions, context)
    for admission in admissions:
        remember(context.store, admission, context.mark)
    return admissions


def _decide(outcome: Outcome, delivery: Delivery, context: Context) -> Admission:
    facts = outcome.facts(delivery.digest)
    tolerance = context.tolerance(delivery.insurer, delivery.table)
    facts["gx"] = outcome.batch.judge(delivery.digest, context.settings.batch_rows, tolerance) if facts["rows"] else ()
    reason = _reason(facts, tolerance)
    return Admission.of(delivery, refused=bool(reason), reason=reason, **facts)


def _reason(facts: dict[str, Any], tolerance: float) -> str:
    """Why a delivery is refused; empty if it is not."""
    if not facts["rows"]:
        return "no rows"
    share = facts["quarantined"] / facts["rows"]
    if share > tolerance:
        return f"{share:.1%} of its rows were quarantined, {tolerance:.1%} are tolerated"
    broken = [v.rule for v in facts["gx"] if v.severity == "critical" and not v.success]
    return f"critical expectations failed: {', '.join(broken)}" if broken else ""


def _keep(outcome: Outcome, deliveries: Sequence[Delivery], admissions: Sequence[Admission], context: Context) -> None:
    """Write rows, raw values and rejected rows; of a refused delivery only the last."""
    used = [d for d, a in zip(deliveries, admissions, strict=True) if not a.refused]
    held = [d for d, a in zip(deliveries, admissions, strict=True) if a.quarantined]
    outcome.publish(outcome.accepted, {d.digest: rows_path(context.store, d) for d in used})
    outcome.publish(outcome.held, {d.digest: quarantine_path(context.quarantine, d) for d in held})
    if any(c.token for c in outcome.batch.table.columns):
        outcome.publish(outcome.secrets, {d.digest: vault_path(context.vault, d) for d in used})


@contextmanager
def _room(context: Context, group: Sequence[Arrival]) -> Iterator[Path]:
    """A folder for intermediate files: they hold raw values, so it lies in the vault and goes when the work is done."""
    for folder in (context.store, context.vault, context.quarantine):
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    room = context.vault / f".work-{digest(*(a.delivery.digest for a in group))}"
    shutil.rmtree(room, ignore_errors=True)
    room.mkdir(mode=0o700)
    try:
        yield room
    finally:
        shutil.rmtree(room, ignore_errors=True)


@contextmanager
def _discreet(label: str) -> Iterator[None]:
    """Errors without the engine's own words, which may hold values."""
    try:
        yield
    except FraudleadsError:
        raise
    except Exception as error:
        kind = type(error).__name__
        raise DataError(f"the gate could not judge a delivery ({kind})", label, "check free disk space and memory_limit") from None
