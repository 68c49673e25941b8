"""Who is who across insurers: records linked by probability, then clusters that contradict nothing and nobody's judgement."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.ids import digest
from pipelines.resolve import forms, premises
from pipelines.resolve.designs import ORGANISATIONS, PERSONS
from pipelines.resolve.incremental import Basis, State, compare, left_behind
from pipelines.resolve.judgements import TABLE as JUDGED
from pipelines.resolve.linking import Links, grown
from pipelines.resolve.model import Design, Model, load, outdated, save
from pipelines.resolve.regroup import regrouped
from pipelines.resolve.spellings import Kept
from pipelines.resolve.training import train

if TYPE_CHECKING:
    from pipelines.engine import Engine

MODELS = "link"
"""Folder of a workspace with its link models."""
NOTHING = 'SELECT NULL::VARCHAR AS token, NULL::VARCHAR AS "column", NULL::VARCHAR AS value WHERE false'


@dataclass(frozen=True)
class Evidence:
    """What is known beside the records that are linked.

    Attributes
    ----------
    vault : sequence of Path
        Files of the vault with the raw values of the parties and objects in use.
    places : sequence of Path
        Files of the vault with the places of the claims in use.
    judgements : pyarrow Table, optional
        party_l, party_r, verdict: what people said, and what always wins.
    models : Path, optional
        Folder where link models are kept.
    before : Path, optional
        What this stage left the night before. Nights are only comparable under one link model, so that of the night before is used as it
        is while it compares what the design says and has not been removed from ``models``; otherwise one is trained on tonight's records.
    version : str
        Of the code and the libraries: links of another version are not taken over.
    secret : str
        Key of the digests by which a record that changed is known.
    spelt : Path, optional
        Folder in the vault where spellings are kept from night to night; without it every value is spelt.
    """

    vault: Sequence[Path] = ()
    judgements: pa.Table | None = None
    models: Path | None = None
    before: Path | None = None
    version: str = ""
    secret: str = field(default="", repr=False)
    places: Sequence[Path] = ()
    spelt: Path | None = None


@dataclass(frozen=True)
class Linked:
    """Who is who among the records of one design.

    Attributes
    ----------
    roots : ibis Table
        n, root: records of one entity, for those that have a more senior record.
    state : State
        The accepted pairs with their evidence, and what else the next night goes on from.
    about : dict
        One row of the table ``link_model``: design, digest (of the model), basis, why (all records were compared; empty if only those
        touched), the figures of :class:`pipelines.resolve.incremental.Compared`, and ``skipped`` and ``grown``: how many keys of each
        rule are left out, and how many of these the model does not leave out, as JSON.
    """

    roots: ir.Table
    state: State
    about: dict[str, Any]


@dataclass(frozen=True)
class Sort:
    """Records of parties that are compared with each other.

    Attributes
    ----------
    name : str
        Under which its links are kept from night to night.
    design : Design
    written : callable
        Makes the table of forms, see :func:`pipelines.resolve.forms.written`.
    facts : tuple of str
        Columns of a form of which a cluster never holds two values that contradict each other.
    """

    name: str
    design: Design
    written: Callable[[duckdb.DuckDBPyConnection, str, str, pa.Table | None, Kept | None], str]
    facts: tuple[str, ...]


SORTS = (
    Sort("person", PERSONS, forms.written, ("id_number", "birth_date")),
    Sort("organisation", ORGANISATIONS, premises.written, ("id_number", "licence")),
)


def resolved(numbered: ir.Table, engine: Engine, evidence: Evidence, sort: Sort) -> Linked:
    """Link the records of one sort among the parties.

    Parameters
    ----------
    numbered : ibis Table
        The canonical ``parties`` with ``n``, the seniority of a record.
    engine : Engine
        Its connection does the work, within its memory limit.
    evidence : Evidence
    sort : Sort

    Returns
    -------
    Linked
        Cost: linear in records and candidate pairs; no block is larger than ``Design.largest``.
    """
    connection = engine.cursor()
    connection.register("link_parties", forms.columns(numbered).to_pyarrow())
    model = inherited(evidence, sort)
    kept = Kept(evidence.spelt / sort.name) if evidence.spelt else None
    if kept:
        kept.open(digest(model.digest, evidence.version) if model else "")
    table = sort.written(connection, "link_parties", files_of(evidence.vault), model.words if model else None, kept)
    asked = Asked(sort.name, model or train(connection, table, sort.design), sort.facts)
    if kept:
        kept.close(digest(asked.model.digest, evidence.version), evidence.vault)
    found = linked(connection, table, asked, evidence, left_behind(evidence.before, asked.name) if evidence.before else None)
    connection.close()
    return found


def inherited(evidence: Evidence, sort: Sort) -> Model | None:
    """The link model of the night before, if it is to be used."""
    known = models_of(evidence.before).get(sort.name) if evidence.before else None
    home = evidence.models / known if evidence.models and known else None
    if home is None or not home.exists() or outdated(home):
        return None
    model = load(home)
    return model if model.design == sort.design else None


def models_of(stage: Path) -> dict[str, str]:
    """Digest of the link model by design that the stage in a folder used; nothing of nights before there were link models."""
    path = stage / "link_model.parquet"
    rows = pq.read_table(path).to_pylist() if path.exists() else []
    return {row["design"]: row["digest"] for row in rows if "design" in row}


@dataclass(frozen=True)
class Asked:
    """Which records are linked: the name of their design, the link model, and the columns that clusters are consistent in."""

    name: str
    model: Model
    facts: tuple[str, ...]


def linked(connection: duckdb.DuckDBPyConnection, table: str, asked: Asked, evidence: Evidence, before: State | None) -> Linked:
    """Link and cluster the forms of a table; only those touched since the night before where that comes to the same.

    Parameters
    ----------
    connection : duckdb connection
        Holds the table.
    table : str
        Forms: party_id, n, the facts asked for, and what the design reads.
    asked : Asked
        Its model is kept in ``evidence.models``.
    evidence : Evidence
    before : State, optional
        What the night before left of the same design, see :func:`pipelines.resolve.incremental.left_behind`.

    Returns
    -------
    Linked
        The same whether or not there was a night before.
    """
    model = asked.model
    if evidence.models:
        save(model, evidence.models)
    basis = Basis(model, evidence.version, evidence.secret)
    why = reason(before, basis.digest)
    compared = compare(connection, table, basis, None if why else before)
    said = evidence.judgements if evidence.judgements is not None else JUDGED.empty_table()
    judged = (said, before.judged if before else JUDGED.empty_table())
    grouped = regrouped(connection, (table, asked.facts), compared, judged, model.threshold)
    state = State(basis.digest, compared.links.pairs, grouped.drop_columns("n"), compared.values, compared.links.skipped, said)
    about = {"design": asked.name, "digest": model.digest, "basis": basis.digest, "why": why, **compared.figures}
    about |= {name: json.dumps(rows) for name, rows in keys(model, compared.links).items()}
    return Linked(ibis.memtable(rooted(grouped)), state, about)


def keys(model: Model, links: Links) -> dict[str, dict[str, int]]:
    """By rule, keys left out tonight, and those among them that have outgrown the model."""
    tables = {"skipped": links.skipped, "grown": grown(model, links)}
    return {name: dict(sorted(Counter(table["rule"].to_pylist()).items())) for name, table in tables.items()}


def reason(before: State | None, basis: str) -> str:
    """Why all records have to be compared with all; empty if not."""
    if before is None:
        return "no links of a night before"
    return "" if before.basis == basis else "the links of the night before are of another link model or version"


def files_of(files: Sequence[Path]) -> str:
    """The query over files of the vault that :func:`pipelines.resolve.forms.written` takes."""
    listed = ", ".join("'" + str(f).replace("'", "''") + "'" for f in files)
    return f'SELECT token, "column", value FROM read_parquet([{listed}], union_by_name = true)' if listed else NOTHING


def rooted(grouped: pa.Table) -> pa.Table:
    """N of each record and of the most senior one of its cluster, where that is another."""
    n, named = grouped["n"].to_numpy(), grouped["cluster"].combine_chunks().dictionary_encode()
    code = named.indices.to_numpy()
    first = np.full(len(named.dictionary), n.max(initial=0))
    np.minimum.at(first, code, n)
    root = first[code]
    return pa.table({"n": n[n != root], "root": root[n != root]})
