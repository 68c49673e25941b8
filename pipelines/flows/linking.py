"""Who is who, asked by people: why two records are one or not, and what a person says of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines import runs
from pipelines.errors import DataError, UsageError
from pipelines.flows import happening
from pipelines.flows.inspect import latest_manifest, latest_stages
from pipelines.report.messages import catalogue
from pipelines.resolve import forms, premises
from pipelines.resolve.identity import MODELS, files_of, models_of
from pipelines.resolve.judgements import Judgement, in_force, record
from pipelines.resolve.linking import comparable, compare, connect, proves, waterfall
from pipelines.resolve.model import Model, load

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection


@dataclass(frozen=True)
class Side:
    """What one half of the parties is linked by.

    Attributes
    ----------
    design : str
        Its name in the tables of the stage ``resolve``.
    written : callable
        Makes the forms, see :func:`pipelines.resolve.forms.written`.
    """

    design: str
    written: Callable[[DuckDBPyConnection, str, str, pa.Table], str]


PERSONS = Side("person", forms.written)
ORGANISATIONS = Side("organisation", premises.written)


def explain(workspace: Path, a: str, b: str, language: str) -> list[str]:
    """Why two records are one person or organisation, or two claims one event, or not.

    Parameters
    ----------
    workspace : Path
    a, b : str
        Party ids, or claim ids, as in ``leads.csv``: insurer:id.
    language : str
        ``"zh"`` or ``"en"``.

    Returns
    -------
    list of str
        Lines for a person; words and weights, never a personal value.
    """
    say = partial(_say, language)
    stages = latest_stages(workspace)
    if claims := happening.explain(stages, a, b, language):
        return claims
    rows = _records(stages, a, b)
    entity = pd.read_parquet(stages / "resolve" / "party_entity.parquet", filters=[("party_id", "in", [a, b])])
    one = entity.entity_id.nunique() == 1
    lines = [say("one" if one else "two", a=a, b=b, entities=", ".join(sorted(entity.entity_id.unique())))]
    said = [r["verdict"] for r in _judged(workspace).to_pylist() if {r["party_l"], r["party_r"]} == {a, b}]
    lines += [say("said", verdict=say(verdict)) for verdict in said if verdict != "undecided"]
    if rows.kind.nunique() > 1:
        return [*lines, say("kinds")]
    side = PERSONS if set(rows.kind) <= set(forms.NATURAL) else ORGANISATIONS
    model = _model(workspace, stages, side)
    pair = _compared(workspace, model, stages, side, rows)
    return [*lines, *(_words(model, pair, one, language) if pair else [say("branches")])]


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


def _model(workspace: Path, stages: Path, side: Side) -> Model:
    digest = models_of(stages / "resolve").get(side.design)
    if digest is None:
        raise DataError("the latest night has no link model", "resolve", "run the night again")
    return load(workspace / MODELS / digest)


def _compared(workspace: Path, model: Model, stages: Path, side: Side, rows: pd.DataFrame) -> dict[str, Any] | None:
    """The pair as the night linked it; else compared now, where a value new to the model is as rare as can be.

    None where such records are never compared.
    """
    a, b = sorted(rows.party_id)
    kept = [("party_l", "in", [a, b]), ("party_r", "in", [a, b])]
    linked: list[dict[str, Any]] = pq.read_table(stages / "resolve" / f"{side.design}_links.parquet", filters=kept).to_pylist()
    if linked:
        return linked[0]
    with connect() as connection:
        connection.register("two", rows.sort_values("party_id").assign(n=[0, 1]))
        vault = files_of(tuple(sorted(runs.Workspace(workspace).vault.glob("*.parquet"))))
        table = side.written(connection, "two", vault, model.words)
        return compare(connection, model, table) if comparable(connection, model, table) else None


def _words(model: Model, pair: dict[str, Any], one: bool, language: str) -> list[str]:
    """The waterfall, and whether it was enough."""
    say, word = partial(_say, language), partial(_say, language, section="link")
    steps = [(bits, word(label)) for _, label, bits in waterfall(model, pair)]
    start = pair["weight"] - sum(bits for bits, _ in steps)
    proof = sum(pair[f"bits_{name}"] for name in model.design.identity)
    enough = pair["weight"] >= model.threshold and proof >= model.design.least
    proven = proves(model.design, pair)
    fields = ("、" if language == "zh" else ", ").join(_say(language, name, section="compared") for name in model.design.identity)
    figures = {"threshold": f"{model.threshold:.1f}", "least": f"{model.design.least:.1f}", "proof": f"{proof:.1f}"}
    verdict = say("accepted" if enough and proven else "refused")
    lines = [(start, say("random")), *steps, (pair["weight"], say("all", verdict=verdict, fields=fields, **figures))]
    levels = ", ".join(word(label) for _, label in model.design.proof)
    after = [] if proven else [say("no_proof", levels=levels)]
    after += [say("chain" if one else "clash")] if (enough and proven) != one else []
    return [*(f"  {bits:+7.1f}  {text}" for bits, text in lines), *(f"           {text}" for text in after)]


def _say(language: str, key: str, section: str = "who", **words: object) -> str:
    """A word of the catalogue."""
    return catalogue().text(section, key, **words)[language]
