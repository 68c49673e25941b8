"""The mapping language: how a source's columns become the contract's tables, as frozen dataclasses.

A mapping is a YAML file; ``docs/mapping.md`` shows how to write one. Its keys::

    source: acme                      name of the source
    insurer: {constant: acme}         or {path: insurer} (from '{insurer}' in the file patterns) or {column: COMPANY}
    received_at: {path: date, time: "18:00:00"}   or {constant: "2024-01-31 18:00:00"}, or none: no receipt times
    mode: delta                       or snapshot
    required: [claims]                tables without which a night is refused
    distinct: [parties]               tables of which the first row of each key is kept
    database: ACME_DATABASE_URL       environment variable with the connection URL, for blocks 'from: {table: ...}'
    unused: {claims.csv: [ROW_ID]}    columns that are known and meant to be left out, by file (or table)
    tables:
      claims:                         a contract table, fed by one or more blocks
        - from: claims.csv            also found as claims.csv.gz or claims.parquet; or {table: claims, schema: core}
          encoding: auto              auto (UTF-8, with or without BOM, else GB18030), utf-8, gb18030
          delimiter: auto             auto or one character
          nulls: ["NA"]               cells that mean empty, besides the empty cell
          where: {KIND: [C]}          keep rows whose cell is listed ("" is the empty cell); unless: the opposite
          columns: {claim_id: CLAIM_NO, status: {column: ST, values: {P: paid}}}     or "*": columns are named as the contract's
          rows:                       one source row gives one row per entry; an entry whose own required cell is empty gives none
            - {party_id: DOCTOR, role: {constant: doctor}}
          numbers: [AGE, {MAX: max}]  for facts: one row per named column, value numeric; texts: likewise, value categorical

A **cell** is the name of a source column, or a mapping with one of ``column``, ``constant``, ``concat`` (list of cells, joined by
``sep``, empty if a part is empty) and any of

- ``prefix`` (put before the value), ``digest`` (true: an id made of a personal value is replaced by its digest),
- ``values`` (value map; others stay as they came unless ``otherwise`` says; ``""`` is empty),
- ``format`` (a date format or a list of them: ``%Y %m %d %H %M %S %y %b``),
- ``years_since``, ``years_before`` (a date: the cell counts years after or before it),
- ``unit`` (multiplier), ``decimal`` (the decimal sign), ``type`` (a contract type that overrides the contract column's own).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

PLACEHOLDERS = {"insurer": r"(?P<insurer>[^/]+)", "date": r"(?P<date>\d{4}-\d{2}-\d{2})"}
SUFFIXES = ("", ".gz")


@dataclass(frozen=True)
class Cell:
    """Where one contract value comes from and what is done to it (module docstring).

    Attributes
    ----------
    column, constant, concat
        Exactly one is set.
    otherwise : str
        What values outside ``values`` become (``""``: empty), unless ``keep`` leaves them.
    unit : float
        Multiplier; 1 leaves the text alone.
    """

    column: str = ""
    constant: str | None = None
    concat: tuple[Cell, ...] = ()
    sep: str = "|"
    prefix: str = ""
    values: tuple[tuple[str, str], ...] = ()
    otherwise: str = ""
    keep: bool = True
    formats: tuple[str, ...] = ()
    unit: float = 1.0
    years_since: str = ""
    years_before: str = ""
    digest: bool = False
    decimal: str = "."
    type: str = ""

    def sources(self) -> Iterator[str]:
        """Names of the source columns it reads."""
        if self.column:
            yield self.column
        for part in self.concat:
            yield from part.sources()


@dataclass(frozen=True)
class Fact:
    """One source column that becomes rows of ``facts``: its fact name, and whether the value is numeric or categorical."""

    column: str
    name: str
    numeric: bool


@dataclass(frozen=True)
class Filter:
    """Rows whose ``column`` is one of ``values``, or is none of them where ``keep`` is false."""

    column: str
    values: tuple[str, ...]
    keep: bool


@dataclass(frozen=True)
class Block:
    """One file pattern or database table feeding one contract table."""

    table: str
    pattern: str = ""
    relation: tuple[str, str] = ("", "")
    encoding: str = "auto"
    delimiter: str = "auto"
    nulls: tuple[str, ...] = ()
    filters: tuple[Filter, ...] = ()
    columns: tuple[tuple[str, Cell], ...] = ()
    same: bool = False
    rows: tuple[tuple[tuple[str, Cell], ...], ...] = ()
    facts: tuple[Fact, ...] = ()

    @property
    def origin(self) -> str:
        """File pattern, or ``schema.table``."""
        return self.pattern or ".".join(p for p in self.relation if p)

    @property
    def outputs(self) -> tuple[tuple[str, Cell], ...]:
        """All (contract column, cell) pairs, common ones first."""
        return (*self.columns, *(pair for row in self.rows for pair in row))

    def sources(self) -> frozenset[str]:
        """Names of the source columns it reads."""
        cells = (name for _, cell in self.outputs for name in cell.sources())
        return frozenset((*cells, *(f.column for f in self.facts), *(f.column for f in self.filters)))

    def finds(self, path: Path) -> re.Match[str] | None:
        """The match of a file's path with the pattern, as ``.csv``, ``.csv.gz`` or ``.parquet``; groups ``insurer`` and ``date``."""
        stem = self.pattern.removesuffix(".csv").removesuffix(".parquet")
        parts = re.split(r"(\{\w+\}|\*)", stem)
        regex = "".join(PLACEHOLDERS.get(p[1:-1], "") if p[:1] == "{" else "[^/]*" if p == "*" else re.escape(p) for p in parts)
        return re.search(rf"(?:^|/)(?P<file>{regex}\.(?:csv|csv\.gz|parquet))$", path.as_posix()) if self.pattern else None


@dataclass(frozen=True)
class Mapping:
    """A source: whose data, when received, and its blocks per contract table.

    Attributes
    ----------
    insurer, received_at : tuple of (str, str)
        Kind (``constant``, ``path``, ``column``; for ``received_at`` also ``none``) and its value.
    digest : str
        Of the mapping's text: another mapping is another delivery.
    """

    name: str
    insurer: tuple[str, str]
    received_at: tuple[str, str]
    mode: str
    tables: dict[str, tuple[Block, ...]]
    digest: str
    time: str = "18:00:00"
    required: tuple[str, ...] = ()
    distinct: tuple[str, ...] = ()
    database: str = ""
    unused: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """All blocks, in order of table."""
        return tuple(b for blocks in self.tables.values() for b in blocks)
