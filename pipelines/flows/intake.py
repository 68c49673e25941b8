"""Before the night: find the deliveries, judge those never seen before, decide the date and which versions the night reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path

import ibis

from features.schema import tables
from pipelines import config, runs
from pipelines.contracts import admission, gate, report
from pipelines.contracts.gate import Admission, Arrival, Context
from pipelines.delivery import Delivery
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError, RefusedNight, UsageError
from pipelines.ids import digest
from pipelines.sources import load, read
from pipelines.sources.mapping import Mapping

SAMPLE_NAME = "sample"
SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
Tell = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What the operator asked for."""

    workspace: Path
    as_of: date | None = None
    config: Path | None = None
    source: str | None = None
    data: Path | None = None

    @classmethod
    def parse(cls, as_of: str | None, config_file: Path | None, source: tuple[str | None, Path | None], workspace: Path) -> Options:
        """Options from the command line's words.

        Raises
        ------
        UsageError
            If ``as_of`` is no date.
        """
        try:
            day = date.fromisoformat(as_of) if as_of else None
        except ValueError as error:
            raise UsageError(f"'{as_of}' is no date", "--as-of", "write YYYY-MM-DD") from error
        return cls(workspace, day, config_file, *source)


@dataclass(frozen=True)
class Intake:
    """What the night starts from.

    Attributes
    ----------
    workspace : Workspace
    admissions : tuple of Admission
        All deliveries found tonight, judged.
    used : tuple of Admission
        The versions the night reads: accepted tonight, or by the night before and not replaced since.
    as_of : date
    book : str
        Digest of the names of the sources: nights of one book follow one another.
    sources : tuple of str
    """

    workspace: runs.Workspace
    admissions: tuple[Admission, ...]
    used: tuple[Admission, ...]
    as_of: date
    book: str
    sources: tuple[str, ...]

    @property
    def refused(self) -> list[str]:
        """What was refused tonight, a line each; older data stands in for it."""
        return [f"{a.label}: {a.reason}" for a in self.admissions if a.refused]


@dataclass(frozen=True)
class Found:
    """A source with the deliveries that lie there."""

    mapping: Mapping
    deliveries: tuple[Delivery, ...]


def take_in(options: Options, settings: config.Settings, workspace: runs.Workspace, engine: DuckEngine, tell: Tell) -> Intake:
    """Find and judge the deliveries; decide ``as_of`` and which versions the night reads.

    Raises
    ------
    RefusedNight
        If a required delivery is missing, unreadable or refused, or nothing at all can be used.
    """
    names, found, judged = judge(options, settings, workspace, engine, tell)
    _refuse_if_required(found, judged, settings, workspace)
    book = digest(*sorted(names))
    as_of = options.as_of or _day_after_newest(engine, workspace, judged)
    used = _versions(workspace, judged, as_of, book)
    if not used:
        raise RefusedNight(
            "nothing received before the night can be used", f"as of {as_of}", "look at the reasons with fraudleads validate"
        )
    return Intake(workspace, judged, used, as_of, book, tuple(sorted(names)))


Judged = tuple[list[str], list[Found], tuple[Admission, ...]]


def judge(options: Options, settings: config.Settings, workspace: runs.Workspace, engine: DuckEngine, tell: Tell) -> Judged:
    """Names of the sources, what was found of them, and the gate's verdict on every delivery."""
    asked = wanted(options, settings)
    key = config.token_key(sample=set(asked) == {SAMPLE_NAME})
    context = Context(settings.gate, key, workspace.store, workspace.vault, workspace.quarantine)
    found = [Found(mapping, tuple(read.deliveries(mapping, data))) for mapping, data in asked.values()]
    judged = tuple(a for source in found for a in _admit(engine, source, context, tell))
    return list(asked), found, judged


def validate(options: Options, tell: Tell) -> list[str]:
    """Judge the deliveries only, and write the validation report into the workspace; the lines to print."""
    settings = config.load(options.config)
    workspace = runs.Workspace(options.workspace)
    with workspace.lock():
        engine = DuckEngine(settings.engine, workspace.root / "spill")
        try:
            _, _, judged = judge(options, settings, workspace, engine, tell)
        finally:
            engine.close()
    folder = runs.fresh_folder(workspace.root / "validation")
    report.write(judged, folder)
    bad = [f"refused: {a.label}: {a.reason}" for a in judged if a.refused]
    held = sum(a.quarantined for a in judged)
    return [
        *bad,
        f"{len(judged)} deliveries, {sum(a.rows for a in judged):,} rows, {held} quarantined, {len(bad)} refused",
        f"look at {folder}",
    ]


def wanted(options: Options, settings: config.Settings) -> dict[str, tuple[Mapping, Path]]:
    """Sources of the night by name: of the command line, else of the configuration, else the sample.

    Raises
    ------
    UsageError
        If a source that is not the sample has no data folder, or the folder does not exist.
    """
    if options.source or options.data:
        entries = {options.source or "book": config.Source(options.source or "book", str(options.data or ""))}
    else:
        entries = dict(settings.sources) or {SAMPLE_NAME: config.Source("book", str(SAMPLE))}
    return {name: (load(entry.mapping), _folder(name, entry)) for name, entry in entries.items()}


def _folder(name: str, entry: config.Source) -> Path:
    if not entry.data:
        return Path()
    if not Path(entry.data).is_dir():
        raise UsageError(f"the data folder of source '{name}' does not exist", entry.data, "give --data an existing folder")
    return Path(entry.data)


def _admit(engine: DuckEngine, found: Found, context: Context, tell: Tell) -> Iterator[Admission]:
    """Judge a source's deliveries table by table, so that no more than one table's rows are held at once."""
    ordered = sorted(found.deliveries, key=lambda d: (d.table, d.received_at, d.insurer))
    for table, group in groupby(ordered, key=lambda d: d.table):
        deliveries = list(group)
        fresh = [d for d in deliveries if gate.known(context.store, d, context.mark) is None]
        arrivals, unreadable = _arrivals(engine, found.mapping, fresh)
        admitted = gate.admit_all(engine, arrivals, context)
        read.release(engine)
        yield from [a for d in deliveries if d not in fresh and (a := gate.known(context.store, d, context.mark))]
        yield from [*admitted, *unreadable]
        if fresh:
            tell(f"gate: {table}: {sum(a.rows for a in admitted):,} rows of {len(fresh)} deliveries")


def _arrivals(engine: DuckEngine, mapping: Mapping, deliveries: list[Delivery]) -> tuple[list[Arrival], list[Admission]]:
    arrivals: list[Arrival] = []
    unreadable: list[Admission] = []
    for delivery in deliveries:
        try:
            arrivals.append(Arrival(delivery, read.text(engine, mapping, delivery), read.rejects(engine, mapping, delivery)))
        except DataError as error:
            unreadable.append(gate.unreadable(delivery, error))
    return arrivals, unreadable


def _refuse_if_required(found: list[Found], judged: tuple[Admission, ...], settings: config.Settings, workspace: runs.Workspace) -> None:
    required = {d.digest for f in found for d in f.deliveries if d.required}
    failed = [a for a in judged if a.refused and (a.digest in required or f"{a.insurer}/{a.table}" in settings.gate.required)]
    there = {(f.mapping.name, d.table) for f in found for d in f.deliveries}
    absent = [f"{f.mapping.name}: no delivery of {t}" for f in found for t in f.mapping.required if (f.mapping.name, t) not in there]
    lines = [f"{a.label}: {a.reason}" for a in failed] + absent
    if lines:
        folder = runs.fresh_folder(workspace.root / "refused")
        report.write(judged, folder)
        raise RefusedNight(
            "the night is refused: a required delivery failed; nothing was published and the last good list stays",
            "; ".join(lines),
            f"see {folder / 'validation.html'}, have the delivery sent again, then start again",
        )


def _day_after_newest(engine: DuckEngine, workspace: runs.Workspace, judged: tuple[Admission, ...]) -> date:
    """The day after the newest receipt; of data without receipt times, after the newest date it holds, today at the latest."""
    days = [a.received_at.date() for a in judged if a.receipted]
    days += [day for a in judged if not (a.receipted or a.refused) and (day := _newest(engine, workspace, a))]
    return max(days, default=date.today() - timedelta(days=1)) + timedelta(days=1)


def _newest(engine: DuckEngine, workspace: runs.Workspace, judged: Admission) -> date | None:
    table = tables()[judged.table]
    columns = sorted({table.known_at, *(c.known_at for c in table.columns)} - {""})
    if not columns:
        return None
    rows = engine.read(admission.rows_path(workspace.store, judged))
    today = ibis.literal(datetime.now().date() + timedelta(days=1)).cast("date")
    days = {c: rows[c].cast("date") for c in columns}
    newest = rows.aggregate(**{c: day.max(where=day < today) for c, day in days.items()}).to_pyarrow().to_pylist()[0]
    return max((day for day in newest.values() if day), default=None)


def _versions(workspace: runs.Workspace, judged: tuple[Admission, ...], as_of: date, book: str) -> tuple[Admission, ...]:
    """Tonight's accepted deliveries, and those of the night before that nothing of tonight stands for."""
    tonight = {_slot(a): a for a in judged if not a.refused}
    before = workspace.before(as_of, book)
    earlier = set(before["used"]) if before else set()
    carried = {_slot(a): a for a in gate.admitted(workspace.store) if a.digest in earlier}
    cut = datetime.combine(as_of, datetime.min.time())
    kept = [a for a in {**carried, **tonight}.values() if a.received_at < cut]
    return tuple(sorted(kept, key=lambda a: (a.received_at, a.insurer, a.table, a.digest)))


def _slot(a: Admission) -> tuple[str, str, str, datetime]:
    return (a.source, a.insurer, a.table, a.received_at)
