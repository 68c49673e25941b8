"""The rows of deliveries of one table on their way through the gate: finished, judged, told apart."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from functools import cached_property, reduce
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.schema import LINEAGE, Column, Table
from pipelines import normalise
from pipelines.contracts import cells, derive, marks, suites, tokens
from pipelines.contracts.suites import Verdict
from pipelines.contracts.tokens import Secret
from pipelines.delivery import Delivery
from pipelines.engine import Engine

SEPARATOR = "\x1f"


@dataclass(frozen=True)
class Batch:
    """Deliveries of one table, judged together.

    Attributes
    ----------
    engine : Engine
        Where it runs.
    table : features.schema.Table
        Which table.
    secret : Secret
        For tokens and bands.
    room : Path
        Folder for intermediate files, which hold personal data.
    verdicts : dict
        What great-expectations said so far, by delivery (empty: all together) and tolerance.
    """

    engine: Engine
    table: Table
    secret: Secret
    room: Path
    verdicts: dict[tuple[str, float], tuple[Verdict, ...]] = field(default_factory=dict)

    def finish(self, arrived: Sequence[tuple[Delivery, ir.Table]]) -> None:
        """Write all rows finished, in one pass over the source."""
        text = cells.raw_rows(arrived, self.table)
        if len(arrived) > 1:  # a union of many sources is slow to compile again inside of a larger query
            self.engine.write(text, self.room / "raw.parquet")
            text = self.engine.read(self.room / "raw.parquet")
        done = finished(self.secret.attach(cells.cells(text, self.table)), self.table)
        self.engine.write(done, self.room / "finished.parquet")

    @cached_property
    def finished(self) -> ir.Table:
        """All rows: canonical columns, lineage, ``digest``, ``problem``, ``raw_*``."""
        return self.engine.read(self.room / "finished.parquet")

    def with_bands(self, rows: ir.Table) -> ir.Table:
        """Rows with their near-duplicate bands, which are computed outside of the engine, once per text."""
        for name, source in derive.banded(self.table).items():
            texts = rows.filter(rows[source].notnull()).select(token=rows[source], text=normalise.trim(rows[f"raw_{source}"]))
            self.engine.write(texts.group_by("token").agg(text=texts.text.min()), self.room / "texts.parquet")
            derive.write_bands(self.room / "texts.parquet", self.room / f"{name}.parquet", self.secret)
            bands = self.engine.read(self.room / f"{name}.parquet").rename({name: "bands"})
            rows = rows.drop(name).left_join(bands, [(source, "token")]).drop("token").select(rows.columns)
        return rows

    def judge(self, one: str, batch_rows: int, tolerance: float) -> tuple[Verdict, ...]:
        """great-expectations on one delivery; several judged together share the verdict where it breaks no key.

        Parameters
        ----------
        one : str
            Digest of the delivery.
        batch_rows, tolerance
            As in the settings.
        """
        every = self._judge("", batch_rows, tolerance)
        if all(v.success for v in every if v.severity == "critical"):
            return every
        return self._judge(one, batch_rows, tolerance)

    def _judge(self, one: str, batch_rows: int, tolerance: float) -> tuple[Verdict, ...]:
        key = (one, tolerance)
        if key not in self.verdicts:
            names = _sources(self.table)
            needed = [*names.values(), *(["digest"] if one else [])]
            batches = pq.ParquetFile(self.room / "finished.parquet").iter_batches(batch_rows, columns=needed)
            present = suites.present(self.table)
            frames = (judged(b.filter(pc.equal(b["digest"], one)) if one else b, names, present) for b in batches)
            self.verdicts[key] = suites.total(v for f in frames if len(f) for v in suites.judge(self.table, f, tolerance))
        return self.verdicts[key]

    def twins(self) -> ir.Table | None:
        """Rows whose key is repeated within their delivery, with ``twin_place``: 0 kept, 1 in conflict, 2 the same; or None."""
        good = self.finished.filter(self.finished.problem.isnull())
        keys = ["digest", *self.table.key]
        repeated = good.group_by(keys).having(good.count() > 1).agg(n=good.count())
        if not self.engine.write(repeated, self.room / "keys.parquet"):
            return None
        again = self.engine.read(self.room / "keys.parquet")
        found = good.semi_join(again, [good[k].identical_to(again[k]) for k in keys])
        self.engine.write(_placed(found, self.table), self.room / "twins.parquet")
        return self.engine.read(self.room / "twins.parquet")


def finished(row: ir.Table, table: Table) -> ir.Table:
    """Canonical columns, lineage, ``digest``, ``problem``, ``raw_*``; from typed rows with the token keys attached."""
    if "id_problem" in table.by_column:
        row = row.mutate(resident=derive.resident(row))
    values = {c.name: _final(row, c) for c in table.source_columns}
    if "subject_kind" in values:
        values["subject_id"] = _subject(row)
    if "id_problem" in table.by_column:
        values |= derive.identity(row)
    values |= {n: ibis.null("string") for n in derive.banded(table)}
    lineage = {c.name: row[c.name] for c in LINEAGE if c.name != "dq"}
    raw = {n: row[n] for n in row.columns if n.startswith("raw_")}
    ordered = {n: values[n] for n in table.names}
    return row.select(**ordered, **lineage, dq=marks.marks(row, table), digest=row.digest, problem=marks.problem(row, table), **raw)


def _final(row: ir.Table, column: Column) -> ir.Value:
    value = row[column.name]
    if column.token:
        return tokens.expression(tokens.kind_of(column), value, row)
    if column.values and not column.required:
        return ibis.ifelse(value.isin(column.values), value, ibis.null("string"))
    return value


def _subject(row: ir.Table) -> ir.StringValue:
    """The subject's id, or its token where the subject is an account, a phone or a device."""
    kinds = list(tokens.SUBJECT_KINDS)
    kind = row.subject_kind.substitute(tokens.SUBJECT_KINDS)
    return ibis.ifelse(row.subject_kind.isin(kinds), tokens.expression(kind, row.subject_id, row), row.subject_id)


def _sources(table: Table) -> dict[str, str]:
    """Judged column → column of the finished rows: codes as delivered, since unknown ones already read null there."""
    coded = {c.name for c in table.columns if c.values}
    return {n: f"raw_{n}" if n in coded else n for n in suites.judged(table)}


def judged(batch: pa.RecordBatch, names: dict[str, str], present: Collection[str] = ()) -> pd.DataFrame:
    """The columns that great-expectations looks at, as pandas likes them: money as float, codes trimmed and as categories.

    Of the columns ``present`` it is only asked whether there is a value, so 1 stands for each: text would be an object per cell.
    """
    columns = {n: batch[source] for n, source in names.items()}
    for name, values in columns.items():
        if name in present:
            columns[name] = pc.if_else(pc.is_valid(values), 1.0, None)
        elif pa.types.is_decimal(values.type):
            columns[name] = values.cast(pa.float64())
        elif names[name] != name:
            trimmed = pc.utf8_trim_whitespace(values)
            columns[name] = pc.if_else(pc.equal(trimmed, ""), None, trimmed).dictionary_encode()
    frame: pd.DataFrame = pa.table(columns).to_pandas()
    return frame


def _placed(found: ir.Table, table: Table) -> ir.Table:
    """Which of the rows with one key is kept: the last by file and row."""
    text = [found[n].cast("string").fill_null("") for n in table.names]
    content = reduce(lambda a, b: a.concat(SEPARATOR, b), text)
    found = found.mutate(twin_content=content)
    keys = [found[k] for k in ("digest", *table.key)]
    late = [found.source_file.desc(), found.source_row.desc(), found.twin_content.desc()]
    rank = ibis.row_number().over(group_by=keys, order_by=late)
    copy = ibis.row_number().over(group_by=[*keys, found.twin_content], order_by=late)
    ranked = found.mutate(twin_rank=rank, twin_copy=copy)
    place = ibis.cases((ranked.twin_rank == 0, 0), (ranked.twin_copy > 0, 2), else_=1)
    return ranked.mutate(twin_place=place).drop("twin_rank", "twin_copy", "twin_content")


def stacked(found: Sequence[ir.Table]) -> ir.Table:
    """Union of tables with the same columns."""
    return ibis.union(found[0], *found[1:]) if len(found) > 1 else found[0]
