"""Who is who, asked by people: why two records are one or not, and what a person says of them."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from pipelines import runs
from pipelines.errors import DataError, UsageError
from pipelines.flows.inspect import latest_manifest, latest_stages
from pipelines.resolve import forms
from pipelines.resolve.judgements import Judgement, in_force, record
from pipelines.resolve.linking import compare, connect, waterfall
from pipelines.resolve.model import Model, load
from pipelines.resolve.people import MODELS, files_of

COMPARED = ("party_id", "insurer", "kind")


def explain(workspace: Path, a: str, b: str) -> list[str]:
    """Why two records are one person, or not.

    Parameters
    ----------
    workspace : Path
    a, b : str
        Party ids as in ``leads.csv``: insurer:id.

    Returns
    -------
    list of str
        Lines for a person; words and weights, never a personal value.
    """
    stages = latest_stages(workspace)
    rows = _records(stages, a, b)
    entity = pd.read_parquet(stages / "resolve" / "party_entity.parquet", filters=[("party_id", "in", [a, b])])
    one = entity.entity_id.nunique() == 1
    lines = [f"{a} and {b}: {'one' if one else 'two'} ({', '.join(sorted(entity.entity_id.unique()))})"]
    said = [r["verdict"] for r in _judged(workspace).to_pylist() if {r["party_l"], r["party_r"]} == {a, b}]
    lines += [f"a person said: {verdict}; this overrules the model" for verdict in said if verdict != "undecided"]
    if not set(rows.kind) <= set(forms.NATURAL) or rows.kind.nunique() > 1:
        return [*lines, "not compared: the link model compares natural persons of one kind; organisations are one by equal keys"]
    model = _model(workspace, stages)
    return [*lines, *_words(model, _compared(workspace, model, stages, rows))]


def judge(workspace: Path, pair: tuple[str, str], verdict: str, by: str) -> str:
    """Record what a person says of two records; the next night obeys.

    Raises
    ------
    UsageError
        If the latest night knows no such records, or the verdict is unknown.
    """
    a, b = sorted(pair)
    _records(latest_stages(workspace), a, b)
    as_of = str(latest_manifest(workspace)["as_of"])
    record(workspace, Judgement(a, b, verdict, by, f"{datetime.now():%Y-%m-%dT%H:%M:%S}", as_of))
    return f"recorded: {a} and {b} {verdict}; obeyed from the next run on, for nights from {as_of}"


def _records(stages: Path, a: str, b: str) -> pd.DataFrame:
    found = pd.read_parquet(stages / "staging" / "parties.parquet", filters=[("party_id", "in", [a, b])])
    for party in {a, b} - set(found.party_id):
        raise UsageError(f"the night knows no party '{party}'", "resolve", "write it insurer:id as in the sources")
    if len(found) != 2:
        raise UsageError("two different records are compared", "resolve", "name two party ids")
    return found


def _judged(workspace: Path) -> Any:
    return in_force(workspace, date.fromisoformat(str(latest_manifest(workspace)["as_of"])))


def _model(workspace: Path, stages: Path) -> Model:
    path = stages / "resolve" / "link_model.parquet"
    if not path.exists():
        raise DataError("the latest night has no link model", "resolve", "run the night again")
    return load(workspace / MODELS / str(pq.read_table(path)["digest"][0].as_py()))


def _compared(workspace: Path, model: Model, stages: Path, rows: pd.DataFrame) -> dict[str, Any]:
    """The pair as the night linked it; if it was not accepted, compared now, where rare words of addresses weigh a little otherwise."""
    a, b = sorted(rows.party_id)
    kept = [("party_l", "in", [a, b]), ("party_r", "in", [a, b])]
    linked: list[dict[str, Any]] = pq.read_table(stages / "resolve" / "person_links.parquet", filters=kept).to_pylist()
    if linked:
        return linked[0]
    with connect() as connection:
        connection.register("two", rows.sort_values("party_id").assign(n=[0, 1]))
        table = forms.written(connection, "two", files_of(tuple(sorted(runs.Workspace(workspace).vault.glob("*.parquet")))))
        return compare(connection, model, table)


def _words(model: Model, pair: dict[str, Any]) -> list[str]:
    """The waterfall."""
    steps = [f"  {bits:+7.1f}  {label}" for _, label, bits in waterfall(model, pair)]
    proof = sum(pair[f"bits_{name}"] for name in model.design.identity)
    start = pair["weight"] - sum(bits for *_, bits in waterfall(model, pair))
    verdict = "accepted" if pair["weight"] >= model.threshold and proof >= model.design.least else "not accepted"
    needed = f"needs {model.threshold:.1f}, and {model.design.least:.1f} of it from {', '.join(model.design.identity)} (here {proof:.1f})"
    return [f"  {start:+7.1f}  two records taken at random", *steps, f"  {pair['weight']:+7.1f}  in all, in bits: {verdict}; {needed}"]
