"""What became of each row: accepted, repeated or held back; counted, and written a file per delivery."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import ibis
import ibis.expr.types as ir
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.schema import LINEAGE, Table
from pipelines.contracts import marks
from pipelines.contracts.rows import Batch, stacked
from pipelines.delivery import Delivery

EXAMPLES = 50
"""Row keys kept per rule for the report; the quarantine has them all."""

Counts: TypeAlias = Mapping[str, Sequence[tuple[str, int, str]]]

_PERSONAL = r"(^|[:|])(1[0-9]{10}|[0-9]{15}|[0-9]{17}[0-9Xx]|[0-9]{16,19})($|[|])"
"""A phone, resident id or bank card where an id should be: columns slipped, and the key is not shown."""


@dataclass(frozen=True)
class Outcome:
    """The rows of a batch told apart.

    Attributes
    ----------
    batch : Batch
        With its rows finished.
    accepted, held, secrets : Table
        Rows for the store; rows for the quarantine; values for the vault. All with ``digest``.
    counts : dict
        By digest: what (``accepted``, ``repeated``, ``held <rule>``, ``dq <marks>``), how many rows, an example key.
    """

    batch: Batch
    accepted: ir.Table
    held: ir.Table
    secrets: ir.Table
    counts: Counts

    @classmethod
    def of(cls, batch: Batch, rejects: Sequence[tuple[Delivery, ir.Table | None]]) -> Outcome:
        """Tell the rows of a finished batch apart."""
        rows, twins = batch.finished, batch.twins()
        good = rows.filter(rows.problem.isnull())
        bad = rows.filter(rows.problem.notnull())
        lost, same = [_held(bad, bad.problem, batch.table)], None
        if twins is not None:
            good = _without(good, twins, batch.table).union(twins.filter(twins.twin_place == 0).select(good.columns))
            conflict = twins.filter(twins.twin_place == 1)
            lost.append(_held(conflict, ibis.literal("key_repeated"), batch.table))
            same = twins.filter(twins.twin_place == 2)
        lost += [_line(delivery, table, batch.table) for delivery, table in rejects if table is not None]
        held = stacked(lost)
        batch.engine.write(held, batch.room / "held.parquet")
        held = batch.engine.read(batch.room / "held.parquet")
        stored = batch.with_bands(good).select(*batch.table.names, *(c.name for c in LINEAGE), "digest")
        return cls(batch, stored, held, _secrets(good, batch.table), _counts(good, held, same, batch.table))

    def facts(self, digest: str) -> dict[str, Any]:
        """Counts and example keys of one delivery, for its admission; a row with several marks counts for each."""
        counts: Counter[str] = Counter()
        keys: dict[str, list[str]] = {}
        for what, n, key in self.counts.get(digest, ()):
            kind, _, rules = what.partition(" ")
            counts[kind] += n
            for rule in filter(None, rules.split(";")):
                counts[f"{kind} {rule}"] += n
                keys.setdefault(rule, []).append(key)
        accepted, repeated, quarantined = counts["accepted"], counts["repeated"], counts["held"]
        totals = {"rows": accepted + repeated + quarantined, "accepted": accepted, "repeated": repeated, "quarantined": quarantined}
        examples = {rule: tuple(sorted(found)[:EXAMPLES]) for rule, found in sorted(keys.items())}
        return {**totals, "rules": _named(counts, "held "), "dq": _named(counts, "dq "), "keys": examples}

    def publish(self, table: ir.Table, paths: Mapping[str, Path]) -> None:
        """Write each delivery's part of a table to its own private file, beside and renamed."""
        if not paths:
            return
        if len(paths) == 1:
            ((digest, path),) = paths.items()
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.batch.engine.write(table.filter(table.digest == digest).drop("digest"), path)
            path.chmod(0o600)
            return
        self.batch.engine.write(table.filter(table.digest.isin(list(paths))), self.batch.room / "parts.parquet")
        parts = pq.read_table(self.batch.room / "parts.parquet")
        for digest, path in paths.items():
            _write_private(parts.filter(pc.equal(parts["digest"], digest)).drop_columns("digest"), path)


def _write_private(table: pa.Table, path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    beside = path.with_name(path.name + ".part")
    pq.write_table(table, beside, compression="zstd")
    beside.chmod(0o600)
    os.replace(beside, path)


def _without(good: ir.Table, twins: ir.Table, table: Table) -> ir.Table:
    keys = ("digest", *table.key)
    return good.anti_join(twins, [good[k].identical_to(twins[k]) for k in keys])


def key_text(rows: ir.Table, table: Table) -> ir.StringValue:
    """The key of a row for people: key columns joined by ``|``; the place in its file where the key is no key or looks personal."""
    parts = [rows[k].cast("string").fill_null("") for k in table.key]
    joined = parts[0].concat(*(p for part in parts[1:] for p in ("|", part))) if len(parts) > 1 else parts[0]
    place = rows.source_file.concat("#", rows.source_row.cast("string"))
    unfit = joined.isnull() | (joined.replace("|", "") == "") | (joined.length() > 120) | joined.re_search(_PERSONAL)
    for column in (c for c in table.columns if c.required):
        unfit = unfit | rows[column.name].isnull()
    return ibis.ifelse(unfit, place, joined)


def _held(rows: ir.Table, rule: ir.StringValue, table: Table) -> ir.Table:
    """Rows for the quarantine: as delivered, with table, key, rule and message."""
    raw = {f"raw_{c.name}": rows[f"raw_{c.name}"] for c in table.source_columns}
    named = rows.mutate(held_rule=rule, held_key=key_text(rows, table))
    messages = named.held_rule.split(":")[0].substitute(marks.MESSAGES)
    lineage = {c.name: named[c.name].cast(c.dtype) for c in LINEAGE if c.name != "dq"}
    facts = {"key": named.held_key, "rule": named.held_rule, "message": messages, "line": ibis.null("string")}
    return named.select(digest=named.digest, table=ibis.literal(table.name), **facts, **lineage, **{n: named[n] for n in raw})


def _line(delivery: Delivery, rejects: ir.Table, table: Table) -> ir.Table:
    """Lines that are no rows at all, for the quarantine."""
    place = rejects.source_file.concat("#", rejects.source_row.cast("string"))
    facts = {"key": place, "rule": rejects.rule, "message": rejects.message, "line": rejects["raw"]}
    moment = ibis.literal(delivery.received_at.replace(tzinfo=None))
    lineage = {"insurer": ibis.literal(delivery.insurer), "received_at": moment, "source_file": rejects.source_file}
    lineage |= {"source_row": rejects.source_row.cast("int64"), "row_sha256": rejects["raw"].hexdigest("sha256")}
    raw = {f"raw_{c.name}": ibis.null("string") for c in table.source_columns}
    return rejects.select(digest=ibis.literal(delivery.digest), table=ibis.literal(table.name), **facts, **lineage, **raw)


def _secrets(good: ir.Table, table: Table) -> ir.Table:
    """Token, class, column and raw value of every personal cell, each once."""
    found = []
    for column in (c for c in table.columns if c.token):
        named = good.filter(good[column.name].notnull())
        facts = {"class": ibis.literal(column.pii), "column": ibis.literal(f"{table.name}.{column.name}")}
        found.append(named.select(digest=named.digest, token=named[column.name], **facts, value=named[f"raw_{column.name}"]))
    return stacked(found).distinct() if found else good.select("digest")


def _counts(good: ir.Table, held: ir.Table, same: ir.Table | None, table: Table) -> Counts:
    """What became of the rows of each delivery, with an example key for each set of marks and all keys held back."""
    marked = good.filter(good.dq.notnull())
    keyed = marked.select(digest=marked.digest, what=ibis.literal("dq ").concat(marked.dq), key=key_text(marked, table))
    ruled = held.select(digest=held.digest, what=ibis.literal("held ").concat(held.rule), key=held.key)
    whole = [_plain(good, "accepted")] + ([_plain(same, "repeated")] if same is not None else [])
    dq = keyed.group_by(["digest", "what"]).agg(n=keyed.count(), key=keyed.key.min())
    rules = ruled.group_by(["digest", "what", "key"]).agg(n=ruled.count())
    found = [dq, rules, *(w.group_by(["digest", "what"]).agg(n=w.count(), key=w.key.min()) for w in whole)]
    every = stacked([f.select("digest", "what", "n", "key") for f in found]).to_pyarrow().to_pylist()
    counts: dict[str, list[tuple[str, int, str]]] = {}
    for row in every:
        counts.setdefault(row["digest"], []).append((row["what"], row["n"], row["key"]))
    return counts


def _named(counts: Counter[str], prefix: str) -> dict[str, int]:
    return {name.removeprefix(prefix): n for name, n in sorted(counts.items()) if name.startswith(prefix)}


def _plain(rows: ir.Table, what: str) -> ir.Table:
    return rows.select(digest=rows.digest, what=ibis.literal(what), key=ibis.null("string"))
