"""Natural persons across insurers: records linked by probability, then clusters that contradict nothing and nobody's judgement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.resolve import forms
from pipelines.resolve.clusters import clusters
from pipelines.resolve.designs import PERSONS
from pipelines.resolve.linking import current, link_all
from pipelines.resolve.model import Model, load, save
from pipelines.resolve.training import train

if TYPE_CHECKING:
    from pipelines.engine import Engine

MODELS = "link"
"""Folder of a workspace with its link models."""
NOTHING = 'SELECT NULL::VARCHAR AS token, NULL::VARCHAR AS "column", NULL::VARCHAR AS value WHERE false'


@dataclass(frozen=True)
class Evidence:
    """What is known of persons beside their records.

    Attributes
    ----------
    vault : sequence of Path
        Files of the vault with the raw values of the parties in use.
    judgements : pyarrow Table, optional
        party_l, party_r, verdict: what people said, and what always wins.
    models : Path, optional
        Folder where the link models are kept.
    model, organisations : Path, optional
        The link models of the night before, of persons and of organisations: nights are only comparable under one model, so it is used
        as it is while it compares what ``designs`` says. Otherwise one is trained on tonight's records.
    """

    vault: Sequence[Path] = ()
    judgements: pa.Table | None = None
    models: Path | None = None
    model: Path | None = None
    organisations: Path | None = None


@dataclass(frozen=True)
class People:
    """Who is who among natural persons, or among organisations.

    Attributes
    ----------
    roots : ibis Table
        n, root: records of one person, for those that have a more senior record.
    links : pyarrow Table
        Accepted pairs with their evidence, see :class:`pipelines.resolve.linking.Links`.
    model : Model
    """

    roots: ir.Table
    links: pa.Table
    model: Model


def people(numbered: ir.Table, engine: Engine, evidence: Evidence) -> People:
    """Link the natural persons among the parties.

    Parameters
    ----------
    numbered : ibis Table
        The canonical ``parties`` with ``n``, the seniority of a record.
    engine : Engine
        Its connection does the work, within its memory limit.
    evidence : Evidence

    Returns
    -------
    People
        Cost: linear in records and candidate pairs; no block is larger than ``Design.largest``.
    """
    connection = engine.cursor()
    connection.register("link_parties", forms.columns(numbered).to_pyarrow())
    table = forms.written(connection, "link_parties", files_of(evidence.vault))
    before = _before(evidence)
    model = before or train(connection, table, PERSONS)
    if evidence.models:
        save(model, evidence.models)
    tonight = current(connection, before, table) if before else model
    found = link_all(connection, tonight, table).pairs
    nodes = connection.sql(f"SELECT party_id, n, id_number, birth_date FROM {table}").to_arrow_table()
    connection.close()
    grouped = clusters(found, nodes.drop_columns("n"), evidence.judgements, model.threshold)
    return People(rooted_at(grouped, nodes), found, model)


def _before(evidence: Evidence) -> Model | None:
    model = load(evidence.model) if evidence.model else None
    return model if model and model.design == PERSONS else None


def files_of(files: Sequence[Path]) -> str:
    """The query over files of the vault that :func:`pipelines.resolve.forms.written` takes."""
    listed = ", ".join("'" + str(f).replace("'", "''") + "'" for f in files)
    return f'SELECT token, "column", value FROM read_parquet([{listed}], union_by_name = true)' if listed else NOTHING


def rooted_at(grouped: pa.Table, nodes: pa.Table) -> ir.Table:
    """N of each record and of the most senior one of its cluster."""
    numbered = grouped.join(nodes.select(["party_id", "n"]), "party_id")
    first = numbered.group_by("cluster").aggregate([("n", "min")]).rename_columns({"n_min": "root"})
    joined = numbered.join(first, "cluster")
    return ibis.memtable(joined.filter(pc.not_equal(joined["n"], joined["root"])).select(["n", "root"]))
