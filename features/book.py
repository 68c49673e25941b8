"""The book: the canonical tables as known at ``as_of``, which every feature and red flag reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TypeAlias

import ibis.expr.types as ir

Tables: TypeAlias = Mapping[str, ir.Table]


@dataclass(frozen=True)
class Book:
    """Tables as known at the start of ``as_of``, resolved, plus the wide views built from them.

    Attributes
    ----------
    tables : mapping of str to ibis Table
        Every canonical table (all columns present; undelivered ones are null), with the entity columns that
        resolving adds, and the views of ``features.views``.
    as_of : date
        Nothing received at or after 00:00 of this day is in the tables.
    available : frozenset of str
        ``table.column`` names that hold at least one value. What needs others stays silent and says so.
    settings : mapping
        Thresholds by red-flag code from the configuration; overrides the flag's own defaults.
    """

    tables: Tables
    as_of: date
    available: frozenset[str] = frozenset()
    settings: Mapping[str, Mapping[str, float]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> ir.Table:
        return self.tables[name]

    def missing(self, needs: tuple[str, ...]) -> tuple[str, ...]:
        """The ``table.column`` names of ``needs`` that hold no value at all."""
        return tuple(n for n in needs if n not in self.available)
