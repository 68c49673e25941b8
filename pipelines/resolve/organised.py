"""Organisations across insurers: the link model and the clusters of persons, on what organisations are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis.expr.types as ir

from pipelines.resolve import forms, premises
from pipelines.resolve.clusters import clusters
from pipelines.resolve.designs import ORGANISATIONS
from pipelines.resolve.linking import current, link_all
from pipelines.resolve.model import Model, load, save
from pipelines.resolve.people import Evidence, People, files_of, rooted_at
from pipelines.resolve.training import train

if TYPE_CHECKING:
    from pipelines.engine import Engine


def organised(numbered: ir.Table, engine: Engine, evidence: Evidence) -> People:
    """Link the organisations among the parties.

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
        A cluster never holds two credit codes that pass their check, nor two licences. All organisations are compared every night: there
        are a hundredth as many of them as persons. Cost: linear in records and candidate pairs.
    """
    connection = engine.cursor()
    connection.register("link_parties", forms.columns(numbered).to_pyarrow())
    table = premises.written(connection, "link_parties", files_of(evidence.vault))
    before = known(evidence)
    model = before or train(connection, table, ORGANISATIONS)
    if evidence.models:
        save(model, evidence.models)
    found = link_all(connection, current(connection, before, table) if before else model, table).pairs
    nodes = connection.sql(f"SELECT party_id, n, id_number, licence FROM {table}").to_arrow_table()
    connection.close()
    grouped = clusters(found, nodes.drop_columns("n"), evidence.judgements, model.threshold)
    return People(rooted_at(grouped, nodes), found, model)


def known(evidence: Evidence) -> Model | None:
    """The model of the night before, if it compares what is compared now."""
    model = load(evidence.organisations) if evidence.organisations else None
    return model if model and model.design == ORGANISATIONS else None
