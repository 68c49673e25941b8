"""Tonight's story, top to bottom: deliveries in, ranked leads with evidence out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from features.book import Book
from models.fusion import PARTS
from pipelines import config, graph, leads, runs
from pipelines.contracts.admission import Admission
from pipelines.engine.duckdb import DuckEngine
from pipelines.flows import drifting
from pipelines.flows.intake import Intake, Options, take_in
from pipelines.flows.past import STAGES
from pipelines.flows.publishing import about, publish
from pipelines.flows.screen import RING_LEDGER, known_rings, link_models, screen
from pipelines.ids import digest_file, digest_json
from pipelines.resolve.judgements import in_force
from pipelines.tracking import Recorder

Tell = Callable[[str], None]
LEDGER = "ledger.parquet"


@dataclass(frozen=True)
class Night:
    """What a night left behind: its manifest, its published folder, and whether an earlier run had done it all."""

    manifest: Mapping[str, Any]
    out: Path
    done_before: bool

    def summary(self) -> list[str]:
        """The lines an operator reads."""
        counts = self.manifest["counts"]
        state = "already published, nothing to do" if self.done_before else "published"
        return [
            f"night of {self.manifest['as_of']}: {state} (run {self.manifest['run_id']})",
            f"{counts['leads']} leads in {counts['cases']} cases, {counts['listed']} listed, from {counts['claims']:,} claims; "
            f"{counts['quarantined']} rows quarantined; {len(self.manifest['silent'])} red flags could not be computed",
            *(f"refused, older data carried forward: {line}" for line in self.manifest["refused"]),
            *(slot_line(slot) for slot in self.manifest["slots"]),
            *(f"drift: {len(alarms)} alarms, see the report" for alarms in [self.manifest["drift"]["alarms"]] if alarms),
            *(f"{design}: {about['advice']}" for design, about in self.manifest["linking"].items() if "advice" in about),
            f"look at {self.out / 'report.html'} (beside it: leads.csv, leads.xlsx, validation.html)",
        ]


def slot_line(slot: Mapping[str, Any]) -> str:
    """How tonight's places went to one line or region."""
    bound = f"{slot['kind']} {slot['name']} (at {slot['bound']} {100 * slot['share']:.3g} %)"
    late = f", {slot['waiting']} cases wait" if slot["waiting"] else ""
    return f"{bound}: {slot['taken']} of {slot['places']} places{late}"


def nightly(options: Options, tell: Tell) -> Night:
    """Carry out the night, or find that it was carried out before.

    Parameters
    ----------
    options : Options
    tell : callable
        Receives one plain line per step; ids and counts only.

    Returns
    -------
    Night

    Raises
    ------
    RefusedNight
        If a delivery marked ``required`` fails; nothing is published.
    LockedError
        If another run holds the workspace.
    """
    settings = config.load(options.config)
    workspace = runs.Workspace(options.workspace)
    with workspace.lock():
        engine = DuckEngine(settings.engine, workspace.root / "spill")
        try:
            with runs.measured() as gate:
                intake = take_in(options, settings, workspace, engine, tell)
            return _carry_out(intake, settings, engine, tell, gate)
        finally:
            engine.close()


def _carry_out(intake: Intake, settings: config.Settings, engine: DuckEngine, tell: Tell, gate: list[float]) -> Night:
    ledger = _ledger(intake)
    champions = leads.reigning(intake.workspace.root)
    screened = start_key(intake, settings, ledger)
    run = runs.Run(intake.workspace, engine, (intake.as_of, digest_json([screened, champions.digests], length=32)), tell)
    if run.published:
        return Night(run.renew(), run.out, True)
    run.borrow(screened, STAGES)
    run.records.append(runs.StageRecord("gate", rows_by_table(intake.admissions), gate[0], gate[1]))
    recorder = Recorder(run.workspace.root)
    try:
        manifest = _publish(run, intake, settings, (ledger, champions, screened))
        recorder.record(run.manifest_file, tuple(run.out / f"validation.{kind}" for kind in ("html", "json")))
    finally:
        recorder.stop()
    return Night(manifest, run.out, False)


Start = tuple[Path | None, leads.Champions, str]
"""What the leads start from: the ledger, the champions; and the digest of all else."""


def _publish(run: runs.Run, intake: Intake, settings: config.Settings, start: Start) -> dict[str, Any]:
    """Screen, make leads, publish; the manifest."""
    ledger, champions, screened = start
    book = screen(run, intake, settings)
    made = run.stage("leads", lambda: _leads(run, book, settings, (ledger, champions)), ordered=True)
    facts = about(run, intake, settings, {**book.tables, **made})
    facts |= {"drift": drifting.watch(run, intake, {**book.tables, **made}, settings.drift)}
    facts |= {"screened": screened, "models": weights_tonight(champions, made["leads"].to_pandas())}
    run.publish(lambda out: publish({**book.tables, **made}, out, (settings.report, intake), facts))
    for stage, name in (("leads", LEDGER), ("rings", RING_LEDGER)):
        runs.copy_file(run.folder / "stages" / stage / name, run.folder / name)
    return run.finish(facts)


def start_key(intake: Intake, settings: config.Settings, ledger: Path | None) -> str:
    """Digest of everything the published result depends on, but for the champions: without them the stages up to the leads are the same."""
    return digest_json(
        {
            "as_of": str(intake.as_of),
            "versions": sorted(a.digest for a in intake.used),
            "judged": sorted(a.digest for a in intake.admissions),
            "settings": asdict(settings),
            "code": runs.code_digest(),
            "libraries": runs.lock_digest(),
            "ledger": digest_file(ledger) if ledger else "",
            "link_models": link_models(intake),
            "before": before["run_key"] if (before := intake.workspace.before(intake.as_of, intake.book)) else "",
            "rings": digest_file(rings) if (rings := known_rings(intake)) else "",
            "judgements": in_force(intake.workspace.root, intake.as_of).to_pylist(),
        },
        length=32,
    )


def rows_by_table(admissions: tuple[Admission, ...]) -> dict[str, int]:
    """Rows delivered, by table."""
    counts: Counter[str] = Counter()
    for admission in admissions:
        counts[admission.table] += admission.rows
    return dict(counts)


def _ledger(intake: Intake) -> Path | None:
    """The ledger of leads that the night starts from."""
    before = intake.workspace.before(intake.as_of, intake.book)
    return intake.workspace.runs / before["run_id"] / LEDGER if before else None


def weights_tonight(champions: leads.Champions, made: pd.DataFrame) -> dict[str, dict[str, Any]]:
    """By kind with a champion: which, what each part weighs, and the share of the listed leads' points that it has."""
    columns = [f"points_{part}" for part in PARTS]
    points = made.loc[made["listed"], columns].abs().groupby(made["subject_kind"]).sum()
    shares = points.div(points.sum(axis=1), axis=0).fillna(0.0).round(4).to_dict("index")
    return {
        kind: {
            "digest": digest,
            "weights": {part: champions.weight(kind, part) for part in PARTS} if kind in champions.models else {},
            "shares": {str(c).removeprefix("points_"): share for c, share in shares.get(kind, {}).items()},
        }
        for kind, digest in champions.digests.items()
    }


def _leads(run: runs.Run, book: Book, settings: config.Settings, start: tuple[Path | None, leads.Champions]) -> dict[str, ir.Table]:
    known = pd.read_parquet(start[0]) if start[0] else None
    night = (run.key, book.as_of)
    made = {name: ibis.memtable(frame) for name, frame in leads.run(book.tables, settings, night, known, start[1]).items()}
    around = graph.neighbourhood(made["lead_evidence"], book.tables, settings.report.graph_nodes * 4)
    return {**made, "neighbourhood": around}
