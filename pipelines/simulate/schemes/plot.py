"""What instances of schemes want written: specs and rows are collected, and written in one go per line and table.

A generator sees one :class:`Case`. It asks for policies and claims by what makes them special; everything else is drawn as for
honest ones. Policies and claims are *handles* (negative integers) until :meth:`Plot.write` gives them their ids, so that thousands
of instances cost a few calls.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import pandas as pd

from pipelines.simulate import losses, motor, policies, stays
from pipelines.simulate.book import NONE, BookBuilder, insurer_of
from pipelines.simulate.columns import Ints
from pipelines.simulate.schemes.cast import Cast

Spec: TypeAlias = dict[str, Any]
_FIRST = 2  # handles are -2, -3, ...; -1 is null


class Plot:
    """Everything that planted schemes and look-alikes add to a book, until it is written.

    Parameters
    ----------
    book : BookBuilder
        With its honest policies and claims.
    """

    def __init__(self, book: BookBuilder) -> None:
        self.book, self.cast = book, Cast(book)
        self.planted_claims = 0
        self._policies: list[tuple[str, Spec]] = []
        self._claims: list[tuple[str, Spec]] = []
        self._rows: dict[str, list[Spec]] = {}
        self._subjects: list[tuple[int, str, Ints, str]] = []
        self._policy_ids = self._claim_ids = np.empty(0, dtype="int64")

    def add(self, kind: str, name: str, spec: Spec) -> int:
        """Keep the spec of a ``policy`` or ``claim`` of a line (or maker of claims); returns its handle."""
        kept = self._policies if kind == "policy" else self._claims
        kept.append((name, spec))
        return -(len(kept) - 1 + _FIRST)

    def row(self, table: str, columns: Spec) -> None:
        """Keep a row of a table; its ``policy_id`` and ``claim_id`` may be handles."""
        self._rows.setdefault(table, []).append(columns)

    def subject(self, instance: int, kind: str, subjects: Ints, role: str) -> None:
        """Keep who or what belongs to an instance; policies and claims may be handles."""
        self._subjects.append((instance, kind, subjects, role))

    def write(self) -> None:
        """Write policies, then claims on them, then rows about both, then the truth."""
        self._policy_ids = _by_name(self._policies, lambda line, spec: policies.issue(self.book, line, spec))
        for _, spec in self._claims:
            spec["policy"] = int(self._real("policy", np.array([spec["policy"]]))[0])
        self._claim_ids = _by_name(self._claims, self._claim)
        for table, rows in self._rows.items():
            self._append(table, rows)
        for instance, kind, subjects, role in self._subjects:
            self.book.subject(instance, kind, self._real(kind, subjects), role)

    def _claim(self, maker: str, spec: pd.DataFrame) -> Ints:
        if maker == "stay":
            return stays.claim(self.book, spec)
        return motor.claim(self.book, spec) if maker == "motor" else losses.claim(self.book, maker, spec)

    def _append(self, table: str, rows: list[Spec]) -> None:
        columns: dict[str, Any] = {str(n): v.to_numpy() for n, v in spec_frame(rows).items()}
        for kind in ("policy", "claim"):
            if (name := f"{kind}_id") in columns:
                columns[name] = self._real(kind, columns[name])
        if table == "policy_events":
            columns["event_id"] = self.book.new_ids("event", insurer_of(columns["policy_id"]))
        self.book.append(table, **columns)

    def _real(self, kind: str, ids: Ints) -> Ints:
        known = {"policy": self._policy_ids, "claim": self._claim_ids}.get(kind)
        if known is None or not (ids <= -_FIRST).any():
            return ids
        return np.where(ids <= -_FIRST, known[np.where(ids <= -_FIRST, -ids - _FIRST, 0)], ids)


def spec_frame(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """Specs as a frame: what a row does not say is ``NONE``, ``nan``, ``NaT`` or None by the type of what others say."""
    names = dict.fromkeys(name for row in rows for name in row)
    return pd.DataFrame({name: _column([row.get(name) for row in rows]) for name in names})


def _column(values: list[Any]) -> Any:
    given = next(v for v in values if v is not None)
    if isinstance(given, np.datetime64):
        unit = "s" if any(v is not None and np.datetime_data(v)[0] == "s" for v in values) else "D"
        return np.array([np.datetime64("NaT") if v is None else v for v in values], dtype=f"datetime64[{unit}]")
    if isinstance(given, bool):
        return np.array([NONE if v is None else int(v) for v in values], dtype="int8")
    if isinstance(given, int | np.integer) and all(v is None or isinstance(v, int | np.integer) for v in values):
        return np.array([NONE if v is None else int(v) for v in values], dtype="int64")
    if isinstance(given, str):
        return np.array(values, dtype="object")
    return np.array([np.nan if v is None else float(v) for v in values])


def _by_name(specs: list[tuple[str, Spec]], make: Callable[[str, pd.DataFrame], Ints]) -> Ints:
    ids = np.full(len(specs), NONE, dtype="int64")
    for name in dict.fromkeys(name for name, _ in specs):
        here = np.array([i for i, (other, _) in enumerate(specs) if other == name])
        ids[here] = make(name, spec_frame([specs[i][1] for i in here]))
    return ids
