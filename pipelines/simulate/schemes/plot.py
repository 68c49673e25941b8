"""What instances of schemes want written: specs and rows are collected, and written in one go per line and table.

A generator sees one :class:`Case`. It asks for policies and claims by what makes them special; everything else is drawn as for
honest ones. Policies and claims are *handles* (negative integers) until :meth:`Plot.write` gives them their ids, so that thousands
of instances cost a few calls.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

import numpy as np
import pandas as pd

from pipelines.simulate import losses, motor, policies, stays
from pipelines.simulate.book import NONE, BookBuilder, insurer_of
from pipelines.simulate.columns import Ints
from pipelines.simulate.schemes.cast import Cast

Spec: TypeAlias = dict[str, Any]
T = TypeVar("T")
_FIRST = 2  # handles are -2, -3, ...; -1 is null
RECENT_SHARE, RECENT_DAYS = 0.75, 390
"""Most instances run in the last 13 months; the others are history that past investigations may have found."""


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
            columns["event_id"] = self.book.new_ids("policy_event", insurer_of(columns["policy_id"]))
        self.book.append(table, **columns)

    def _real(self, kind: str, ids: Ints) -> Ints:
        known = {"policy": self._policy_ids, "claim": self._claim_ids}.get(kind)
        if known is None or not (ids <= -_FIRST).any():
            return ids
        return np.where(ids <= -_FIRST, known[np.where(ids <= -_FIRST, -ids - _FIRST, 0)], ids)


class Case:
    """One instance while its generator writes it: where it draws from and what it adds.

    Attributes
    ----------
    rng : numpy Generator
        The stream of the generator.
    cast : Cast
        The book's honest people, organisations and policies.
    strength : float
        0.3 to 1: how plainly the instance shows its pattern.
    """

    def __init__(self, plot: Plot, scheme: str, planted: bool, rng: np.random.Generator) -> None:
        self.plot, self.book, self.cast, self.rng, self.planted = plot, plot.book, plot.cast, rng, planted
        self.instance = plot.book.plant(scheme, planted)
        self.strength = float(rng.uniform(0.3, 1))
        self._claims = 0

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def size(self, low: int, high: int) -> int:
        """How many members: larger for strong instances."""
        return round(low + (high - low) * self.strength * float(self.rng.uniform(0.7, 1)))

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def when(self, span: int, lead: int = 200) -> Any:
        """First day of an instance that lasts ``span`` days and needs ``lead`` days of history; mostly of late."""
        last = int((self.book.end - self.book.start).astype(int)) - span - 12
        low = max(last - RECENT_DAYS + span, lead) if self.chance(RECENT_SHARE) else lead
        return self.book.start + self.number(min(low, last), last)

    def moment(self, day: Any, hours: tuple[float, float] = (6, 22)) -> np.datetime64:
        """A time on a day between two hours (the second may pass midnight)."""
        return np.datetime64(day, "s") + int(self.rng.uniform(*hours) * 3600)

    def policy(self, line: str, **spec: Any) -> int:
        """A policy of a line; see ``policies.issue`` for what a spec may say. Returns a handle."""
        return self.plot.add("policy", line, spec)

    def stay(self, **spec: Any) -> int:
        """A claim for a stay in hospital (``stays.claim``)."""
        return self._claim("stay", spec)

    def crash(self, **spec: Any) -> int:
        """A motor claim (``motor.claim``)."""
        return self._claim("motor", spec)

    def loss(self, line: str, **spec: Any) -> int:
        """A claim of another line (``losses.claim``)."""
        return self._claim(line, spec)

    def row(self, table: str, **columns: Any) -> None:
        """A row of a contract table about a policy or claim of this instance."""
        self.plot.row(table, columns)

    def perpetrator(self, kind: str, *subjects: Any) -> None:
        """Who runs it; in a look-alike, who seems to."""
        self._subject(kind, subjects, "perpetrator")

    def participant(self, kind: str, *subjects: Any) -> None:
        """Who takes part knowingly, or what was used."""
        self._subject(kind, subjects, "participant")

    def bystander(self, kind: str, *subjects: Any) -> None:
        """Who was drawn in without knowing."""
        self._subject(kind, subjects, "bystander")

    def _subject(self, kind: str, subjects: Iterable[Any], role: str) -> None:
        flat = np.unique(np.concatenate([np.atleast_1d(np.asarray(s, dtype="int64")) for s in subjects]))
        self.plot.subject(self.instance, kind, flat, role if self.planted else "bystander")

    def _claim(self, maker: str, spec: Spec) -> int:
        handle = self.plot.add("claim", maker, spec)
        self._subject("claim", (handle,), "participant" if self._claims else "perpetrator")
        self._claims += 1
        self.plot.planted_claims += self.planted
        return handle


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
