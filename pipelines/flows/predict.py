"""Predict: from the files of any mapped source to a score for every subject, to be judged by whoever has labels of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, time
from pathlib import Path
from tempfile import TemporaryDirectory

from features.book import Book
from models.boosting import MissingLibrary
from pipelines import config, runs
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import FraudleadsError
from pipelines.flows.intake import Options, take_in
from pipelines.flows.nightly import start_key
from pipelines.flows.screen import screen
from pipelines.leads.predict import predict as scored

EVER = 40_000
"""Days of look-back: a night looks at what is new or open, a prediction at every subject that the source knows."""
Tell = Callable[[str], None]


def predict(options: Options, out: Path, with_labels: bool, tell: Tell) -> list[str]:
    """Write ``subject_kind,subject_id,score`` of every subject of a source; the lines to print.

    Everything else that is made on the way lies in a folder that is removed at the end.

    Raises
    ------
    UsageError
        If the source or its data folder does not exist.
    FraudleadsError
        If LightGBM cannot be loaded.
    """
    settings = config.load(options.config)
    with TemporaryDirectory(prefix="fraudleads-predict-") as folder, staged(replace(options, workspace=Path(folder)), tell) as book:
        try:
            found = scored(book.tables, settings.scoring, datetime.combine(book.as_of, time.min), with_labels)
        except MissingLibrary as error:
            raise FraudleadsError(str(error), "fraudleads predict", "install it, then start again; --no-labels works without") from error
    out.parent.mkdir(parents=True, exist_ok=True)
    found.scores.to_csv(out, index=False, lineterminator="\n")
    return [*found.said, *_joining(str(options.source), out, found.scores["subject_id"])]


@contextmanager
def staged(options: Options, tell: Tell) -> Iterator[Book]:
    """The book of a source with views, graph, features of every subject, and red flags; kept in the workspace of ``options``."""
    # Tokens made here go no further than the workspace, so a public key will do where none is set.
    os.environ.setdefault(config.KEY_VARIABLE, config.SAMPLE_KEY * 2)
    loaded = config.load(options.config)
    settings = replace(loaded, scope=replace(loaded.scope, look_back_days=EVER))
    workspace = runs.Workspace(options.workspace)
    with workspace.lock():
        engine = DuckEngine(settings.engine, workspace.root / "spill")
        try:
            intake = take_in(options, settings, workspace, engine, tell)
            run = runs.Run(workspace, engine, (intake.as_of, start_key(intake, settings, None)), tell)
            yield screen(run, intake, settings)
        finally:
            engine.close()


def _joining(source: str, out: Path, subjects: object) -> list[str]:
    first = next(iter(subjects), "")  # type: ignore[call-overload]
    return [
        f"wrote {out}",
        f"subject_id is the id that the mapping '{source}' gives, with the insurer before the first colon (for instance {first}).",
        "To join labels of your own: strip the insurer, and the prefix that the mapping may put before an id (fraudleads sources list).",
    ]
