"""Organisations across insurers: the link model and the clusters of persons, on what organisations are compared by."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis.expr.types as ir

from pipelines.resolve import forms, premises
from pipelines.resolve.designs import ORGANISATIONS
from pipelines.resolve.incremental import left_behind
from pipelines.resolve.people import Asked, Evidence, Linked, files_of, inherited, linked
from pipelines.resolve.training import train

if TYPE_CHECKING:
    from pipelines.engine import Engine


def organised(numbered: ir.Table, engine: Engine, evidence: Evidence) -> Linked:
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
    Linked
        A cluster never holds two credit codes that pass their check, nor two licences. Cost: linear in records and candidate pairs.
    """
    connection = engine.cursor()
    connection.register("link_parties", forms.columns(numbered).to_pyarrow())
    model = inherited(evidence, ("organisation", ORGANISATIONS))
    table = premises.written(connection, "link_parties", files_of(evidence.vault), model.words if model else None)
    asked = Asked("organisation", model or train(connection, table, ORGANISATIONS), ("id_number", "licence"))
    found = linked(connection, table, asked, evidence, left_behind(evidence.before, asked.name) if evidence.before else None)
    connection.close()
    return found
