"""From the cut book to scored leads: the stages between the gate and the report, each handing its tables to the next."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow

from features import agents, claims, parties, policies, providers
from features.book import Book
from features.indicators import INDICATORS
from features.indicators.base import FINDING, RedFlag
from features.indicators.rings import ABOUT_RINGS
from features.spine import PROVIDERS, spine
from features.views import claim_view, policy_view
from pipelines import config, graph, leads, resolve, runs
from pipelines.contracts import admission, deliveries
from pipelines.engine.keeping import kept
from pipelines.flows.intake import SAMPLE_NAME, Intake
from pipelines.ids import digest
from pipelines.resolve import judgements
from pipelines.resolve.identity import MODELS, models_of
from pipelines.resolve.spellings import SPELLINGS

RING_LEDGER = "ring_ledger.parquet"
FEATURES = {
    "features_claim": (("claim",), claims.features),
    "features_policy": (("policy",), policies.features),
    "features_person": (("person",), parties.features),
    "features_agent": (("agent",), agents.features),
    "features_provider": (PROVIDERS, providers.features),
}
KINDS = tuple(kind for wanted, _ in FEATURES.values() for kind in wanted)
"""Kinds of subject that a night looks at."""


def screen(run: runs.Run, intake: Intake, settings: config.Settings) -> Book:
    """Carry out staging, resolving, views, graph, proximity, features, rings and red flags.

    Parameters
    ----------
    run : Run
    intake : Intake
    settings : Settings

    Returns
    -------
    Book
        With the canonical tables as known at ``as_of``, and every table that the stages add: ``claim_view``, ``policy_view``, ``edges``,
        ``links``, ``rings``, ``proximity``, ``features_*``, ``findings`` and ``silent`` (code, missing).
    """
    known = run.stage("staging", lambda: deliveries.stage(run.engine, run.workspace.store, intake.as_of, intake.used))
    available = deliveries.available(run.engine, known)
    found = run.stage("resolve", lambda: _changed(resolve.run(known, run.engine, intake.as_of, _evidence(intake)), known))
    book = Book({**known, **found}, intake.as_of, available, settings.flags)
    book = _more(book, run.stage("views", lambda: {"claim_view": claim_view(book), "policy_view": policy_view(book)}))
    book = _more(book, run.stage("graph", lambda: graph.run(book.tables, settings.links)))
    book = _more(book, run.stage("proximity", lambda: _proximity(book, settings.scope.look_back_days)))
    book = _more(book, run.stage("features", lambda: _features(book, settings.scope.look_back_days)))
    signs = _more(book, run.stage("signs", lambda: _signs(book, settings)))
    book = _more(book, run.stage("rings", lambda: _rings(signs, known_rings(intake)), ordered=True))
    return _more(book, run.stage("flags", lambda: _flags(book, signs, settings), ordered=True))


def _proximity(book: Book, days: int) -> dict[str, ir.Table]:
    return graph.proximity(book.tables, spine(book, KINDS, days), book.as_of)


def _features(book: Book, days: int) -> dict[str, ir.Table]:
    """Features of tonight's subjects of every kind."""
    tonight = kept(spine(book, KINDS, days))
    return {name: make(book, tonight) for name, (_, make) in FEATURES.items()}


def _signs(book: Book, settings: config.Settings) -> dict[str, ir.Table]:
    """What the red flags find that do not read rings, the one that piles up the others' claims among them."""
    first = _findings(book, [f for f in _enabled(settings, INDICATORS) if f.code not in ABOUT_RINGS])
    piled = _findings(_more(book, first), _enabled(settings, leads.AFTERWARDS))
    return {name: first[name].union(piled[name]) for name in first}


def _rings(book: Book, ledger: Path | None) -> dict[str, ir.Table]:
    return graph.rings(book.tables, book.as_of, pd.read_parquet(ledger) if ledger else None)


def _flags(book: Book, signs: Book, settings: config.Settings) -> dict[str, ir.Table]:
    """Every finding: the signs, and what the flags find that read the rings."""
    about = _findings(book, [f for f in _enabled(settings, INDICATORS) if f.code in ABOUT_RINGS])
    found = graph.of_rings(signs["findings"], book.tables).union(about["findings"])
    return {
        "findings": found,
        "silent": signs["silent"].union(about["silent"]),
        "flags": leads.card_table((*INDICATORS, *leads.AFTERWARDS)),
    }


def known_rings(intake: Intake) -> Path | None:
    """The ledger of rings that the night starts from: that of the night before."""
    before = intake.workspace.before(intake.as_of, intake.book)
    ledger = intake.workspace.runs / before["run_id"] / RING_LEDGER if before else None
    return ledger if ledger and ledger.exists() else None  # a night of before there were rings has none


def _evidence(intake: Intake) -> resolve.Evidence:
    """The raw values of the parties and objects in use, what people said of them, and what the night before found."""
    home = intake.workspace
    said = judgements.in_force(home.root, intake.as_of)
    version = digest(runs.code_digest(), runs.lock_digest())
    secret = digest("who is who", config.token_key(sample=intake.sources == (SAMPLE_NAME,)), length=64)
    own, places = _vault(intake, "parties", "objects"), _vault(intake, "claims")
    return resolve.Evidence(own, said, home.root / MODELS, _before(intake), version, secret, places, home.vault / SPELLINGS)


def _vault(intake: Intake, *names: str) -> tuple[Path, ...]:
    """Files with the raw values of the versions in use of some tables."""
    delivered = (admission.vault_path(intake.workspace.vault, d) for d in intake.used if d.table in names)
    return tuple(path for path in delivered if path.exists())


def _before(intake: Intake) -> Path | None:
    """What resolving left in the night before."""
    before = intake.workspace.before(intake.as_of, intake.book)
    return intake.workspace.runs / before["run_id"] / "stages" / "resolve" if before else None


def link_models(intake: Intake) -> dict[str, str]:
    """The link models that the night starts from: those of the night before that were not removed to have new ones trained."""
    before = _before(intake)
    kept = models_of(before) if before else {}
    return {design: model for design, model in kept.items() if (intake.workspace.root / MODELS / model).exists()}


def _changed(tables: dict[str, ir.Table], before: dict[str, ir.Table]) -> dict[str, ir.Table]:
    """What a stage made anew: a table handed on as it was is not written twice."""
    return {name: table for name, table in tables.items() if table is not before.get(name)}


def _more(book: Book, added: dict[str, ir.Table]) -> Book:
    return Book({**book.tables, **added}, book.as_of, book.available, book.settings)


def _enabled(settings: config.Settings, flags: tuple[RedFlag, ...]) -> list[RedFlag]:
    return [flag for flag in flags if flag.code not in settings.disabled_flags]


def _findings(book: Book, flags: list[RedFlag]) -> dict[str, ir.Table]:
    """All flags that the data can feed, and the others with what they miss. Cost: one or two grouped passes per flag."""
    silent = [(f.code, ", ".join(book.missing(f.needs))) for f in flags if book.missing(f.needs)]
    columns = ibis.schema({**FINDING, "code": "string"}).to_pyarrow()
    rows = [f.find(book).distinct().to_pyarrow().cast(columns) for f in flags if not book.missing(f.needs)]
    return {
        "findings": ibis.memtable(pyarrow.concat_tables([columns.empty_table(), *rows])),
        "silent": ibis.memtable(silent or [("", "")], columns=["code", "missing"]).filter(lambda t: t.code != ""),
    }
