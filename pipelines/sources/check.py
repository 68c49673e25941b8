"""What a mapping does with the data that lies there: tables fed, columns left over or missing, red flags that can be computed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from features import schema
from pipelines.sources import find, read
from pipelines.sources.mapping import Mapping
from pipelines.sources.read import Leftover

Needs = Iterable[tuple[str, tuple[str, ...]]]


@dataclass(frozen=True)
class Fed:
    """A contract table that the source feeds.

    Attributes
    ----------
    table : str
    deliveries : int
    columns, empty : tuple of str
        Contract columns with and without a source.
    """

    table: str
    deliveries: int
    columns: tuple[str, ...]
    empty: tuple[str, ...]


@dataclass(frozen=True)
class Check:
    """The whole answer.

    Attributes
    ----------
    source : str
    insurers : tuple of str
    fed : tuple of Fed
    files : tuple of Leftover
        Per file: columns mapped, left over, missing.
    absent : tuple of str
        File patterns or tables of the mapping of which nothing lies there.
    flags : tuple of str
        Codes of the red flags whose columns all have a source.
    silent : tuple of (str, tuple of str)
        The others, each with the ``table.column`` names that have none.
    """

    source: str
    insurers: tuple[str, ...]
    fed: tuple[Fed, ...]
    files: tuple[Leftover, ...]
    absent: tuple[str, ...]
    flags: tuple[str, ...]
    silent: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def lines(self) -> list[str]:
        """The answer as text, one finding a line; names of files and columns, never a value."""
        fed = [f"feeds {f.table} (deliveries: {f.deliveries}): {', '.join(f.columns)}" for f in self.fed]
        left = [f"left over in {f.origin}: {', '.join(f.left)}" for f in self.files if f.left]
        missing = [f"missing in {f.origin}: {', '.join(f.missing)}" for f in self.files if f.missing]
        absent = [f"nothing lies there for {origin}" for origin in self.absent]
        silent = [f"{code} cannot: needs {', '.join(needs)}" for code, needs in self.silent]
        flags = f"can feed {len(self.flags)} of {len(self.flags) + len(self.silent)} red flags: {', '.join(self.flags) or 'none'}"
        return [f"source {self.source}, insurers: {', '.join(self.insurers)}", *fed, *left, *missing, *absent, flags, *silent]


def check(mapping: Mapping, data_dir: Path, flags: Needs) -> Check:
    """Hold a mapping against the data in a folder; reads headers, not rows.

    Parameters
    ----------
    mapping : Mapping
    data_dir : Path
    flags : iterable of (str, tuple of str)
        Code of each red flag and the ``table.column`` names it needs.

    Raises
    ------
    DataError
        If nothing lies there, or a file's header cannot be read.
    """
    deliveries = find.deliveries(mapping, data_dir)
    audits = {(d.table, a.origin): a for d in deliveries for a in read.leftover(mapping, d)}
    fed = tuple(_fed(mapping, t, sum(d.table == t for d in deliveries), audits) for t in sorted({d.table for d in deliveries}))
    given = {f"{f.table}.{c}" for f in fed for c in f.columns}
    needs = [(code, tuple(n for n in wanted if _judged(n) and n not in given)) for code, wanted in flags]
    return Check(
        source=mapping.name,
        insurers=tuple(sorted({d.insurer for d in deliveries})),
        fed=fed,
        files=_by_file(audits),
        absent=_absent(mapping, audits),
        flags=tuple(code for code, lacking in needs if not lacking),
        silent=tuple((code, lacking) for code, lacking in needs if lacking),
    )


def _judged(need: str) -> bool:
    """Columns of contract tables; what the night computes (views, links, entities) says nothing about a source."""
    table, _, column = need.partition(".")
    return table in schema.tables() and column in schema.tables()[table].by_column


def _fed(mapping: Mapping, table: str, count: int, audits: dict[tuple[str, str], Leftover]) -> Fed:
    """Contract columns any of whose source columns is there; derived ones follow the column they are computed from."""
    there = {c for (t, _), audit in audits.items() if t == table for c in audit.mapped}
    given: set[str] = set()
    for block in mapping.tables[table]:
        given |= {n for n, cell in block.outputs if not list(cell.sources()) or set(cell.sources()) <= there}
        given |= {c.name for c in schema.tables()[table].source_columns if block.same and c.name in there}
        given |= {"value" if f.numeric else "text" for f in block.facts} | ({"name"} if block.facts else set())
    given |= {c.name for c in schema.tables()[table].columns if c.derived in given}
    names = schema.tables()[table].names
    return Fed(table, count, tuple(n for n in names if n in given), tuple(n for n in names if n not in given))


def _by_file(audits: dict[tuple[str, str], Leftover]) -> tuple[Leftover, ...]:
    """One audit a file, whatever number of tables it feeds."""
    merged: dict[str, Leftover] = {}
    for (_, origin), audit in sorted(audits.items(), key=lambda item: item[0]):
        before = merged.get(origin, Leftover(origin, (), audit.left, ()))
        missing = tuple(sorted({*before.missing, *audit.missing}))
        merged[origin] = Leftover(origin, tuple(dict.fromkeys((*before.mapped, *audit.mapped))), before.left, missing)
    return tuple(merged[o] for o in sorted(merged))


def _absent(mapping: Mapping, audits: dict[tuple[str, str], Leftover]) -> tuple[str, ...]:
    found = [Path(origin) for _, origin in audits]
    return tuple(sorted({b.origin for b in mapping.blocks if b.pattern and not any(b.finds(p) for p in found)}))
