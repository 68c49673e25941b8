"""The book while it is being written: actors, canonical tables and the truth, all as numpy columns until they are delivered.

Nothing personal is text here. Every number-like value stays an integer until ``render.py`` writes it:

- ids of rows (``policy_id``, ``claim_id``, ``party_id``, ``holder_id``, ``object_id``, ``event_no``, ``ear_tag`` ...) are int64,
  ``insurer * ID_BASE + n`` from :meth:`BookBuilder.new_ids`; ``NONE`` (-1) is null. So ``insurer_of(id)`` needs no column.
- phones, accounts, devices, invoice numbers, licences, waybills, addresses, places ... are int64 from
  :meth:`BookBuilder.new_numbers` (never repeats, looks random); using one twice is how a shared phone is made.
- dates are ``datetime64[D]``, times ``datetime64[s]``, ``NaT`` is null; money is float64, ``nan`` is null; booleans are bool or
  int8 with -1 = null; codes are text, ``pandas.Categorical`` or one scalar for all rows; only ``TEXTS`` are text.

An **actor** is a true person or organisation, an index into ``book.actors``. Tables hold *party records*: what one insurer wrote
down of an actor. ``book.party(actors, insurers)`` gives them and makes them on first use. Dirt is added after planting, so a
generator always works with the truth. Ids are renumbered by date at delivery: the order in which rows were made tells nothing.
"""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.schema import PARTY_KINDS, tables
from pipelines.simulate.columns import NONE, Columns, Ints, joined, many
from pipelines.simulate.records import ID_BASE, Records

_SUBJECTS = {"instance": "int64", "kind": "object", "role": "object"}
_PRIME, _ROOT = 999_999_937, 654_435_761

ACTOR_COLUMNS: dict[str, tuple[str, Any]] = {
    "kind": ("int8", 0),  # index into PARTY_KINDS
    "name": ("int64", 0),  # code of a name, see names.py
    "birth": ("datetime64[D]", "NaT"),
    "gender": ("int8", -1),  # 0 F, 1 M
    "serial": ("int32", 0),  # serial part of the resident id
    "region": ("int16", 0),  # region of birth in the resident id, 0..37
    "district": ("int16", -1),  # index into world.DISTRICTS
    "village": ("int32", -1),  # town or village, district * 100 + n
    "household": ("int64", NONE),
    "phone": ("int64", NONE),
    "account": ("int64", NONE),
    "device": ("int64", NONE),
    "address": ("int64", NONE),
    "employer": ("int64", NONE),  # actor
    "parent": ("int64", NONE),  # actor: agency of an agent, hospital of a doctor
    "private": ("int64", NONE),  # actor: the private person an agent, doctor or representative is
    "income": ("float64", np.nan),
    "occupation": ("int8", -1),  # class 1..6
    "level": ("int8", -1),  # hospital: 0 village clinic, 1, 2, 3
    "specialty": ("int8", -1),  # index into world.SPECIALTIES
    "beds": ("int32", -1),
    "licence": ("int64", NONE),
    "licence_ends": ("datetime64[D]", "NaT"),
    "opened": ("datetime64[D]", "NaT"),
    "deceased": ("datetime64[D]", "NaT"),
    "insurer": ("int8", -1),  # insurer an agent works for, or a person's first choice
    "credit": ("int64", NONE),  # unified social credit code of an organisation
    "weight": ("float64", 1.0),  # how often it is chosen, within its district
}


PARTY_COLUMNS: dict[str, tuple[str, Any]] = {"phone": ("int64", NONE), "account": ("int64", NONE), "address": ("int64", NONE)}
"""What a party record holds besides its actor (``thing``): what is not ``NONE`` replaces the actor's own."""

VEHICLE_COLUMNS: dict[str, tuple[str, Any]] = {
    "owner": ("int64", NONE), "vin": ("int64", NONE), "plate": ("int64", NONE), "use": ("int8", 0),
    "registered": ("datetime64[D]", "NaT"), "price": ("float64", np.nan),
}  # fmt: skip

COVER_COLUMNS: dict[str, tuple[str, Any]] = {
    "line": ("int8", 0), "holder": ("int64", NONE), "insured": ("int64", NONE), "agent": ("int64", NONE), "beneficiary": ("int64", NONE),
    "group": ("int64", NONE), "starts": ("datetime64[D]", "NaT"), "ends": ("datetime64[D]", "NaT"), "premium": ("float64", np.nan),
    "sum_insured": ("float64", np.nan), "daily": ("float64", np.nan),
}  # fmt: skip
"""What claims need of a policy: row ``n - 1`` of its insurer belongs to policy id ``n``; people are actors, ``line`` indexes LINES."""


class BookBuilder:
    """Everything a simulated book consists of, while generators add to it.

    Parameters
    ----------
    seed : int
        Same seed, same bytes.
    claims : int
        Target number of honest claims; sizes everything else.
    insurers : tuple of str
        Names; tables refer to them by index.
    start, end : str
        First and last day of the period.
    """

    def __init__(self, seed: int, claims: int, insurers: tuple[str, ...], start: str = "2023-01-01", end: str = "2025-12-31") -> None:
        self.seed, self.claims, self.insurers = seed, claims, insurers
        self.start, self.end = np.datetime64(start, "D"), np.datetime64(end, "D")
        self.actors = Columns(ACTOR_COLUMNS)
        self.parties = Records(lambda at: self.new_ids("party", at), PARTY_COLUMNS, len(insurers))
        self.vehicles = Columns(VEHICLE_COLUMNS)
        self.objects = Records(lambda at: self.new_ids("object", at), {}, len(insurers))
        self.truth_instance: list[dict[str, Any]] = []
        self.truth_subject: list[dict[str, Any]] = []
        self.truth_event: list[tuple[Ints, Ints]] = []
        self._pieces: dict[str, list[dict[str, Any]]] = {name: [] for name in tables()}
        self._next_id: dict[str, Ints] = {}
        self._next_number: dict[str, int] = {}
        self.covers = [Columns(COVER_COLUMNS) for _ in insurers]
        self.pickers: dict[str, Any] = {}
        self._streams: dict[str, np.random.Generator] = {}

    def rng(self, name: str) -> np.random.Generator:
        """The random stream of one generator, by name, so that adding a generator does not change the others."""
        if name not in self._streams:
            self._streams[name] = np.random.default_rng(np.random.SeedSequence([self.seed, zlib.crc32(name.encode())]))
        return self._streams[name]

    def new_ids(self, kind: str, insurers: ArrayLike) -> Ints:
        """Fresh row ids, one per entry of ``insurers`` (index array). ``kind``: policy, claim, party, object, event, order, group ..."""
        insurer = np.atleast_1d(np.asarray(insurers, dtype="int64"))
        following = self._next_id.setdefault(kind, np.ones(len(self.insurers), dtype="int64"))
        number = np.empty(len(insurer), dtype="int64")
        for index in range(len(self.insurers)):
            here = insurer == index
            number[here] = following[index] + np.arange(here.sum())
            following[index] += here.sum()
        return insurer * ID_BASE + number

    def counted(self, kind: str) -> list[int]:
        """How many ids of a kind each insurer has given out."""
        return [int(n) - 1 for n in self._next_id.get(kind, np.ones(len(self.insurers)))]

    def new_numbers(self, kind: str, n: int) -> Ints:
        """``n`` fresh numbers of a kind (phone, account, device, address, invoice, licence, credit, household, vin, plate ...).

        Counted through a multiplicative permutation of a prime field: nine digits, unique, and neighbours are far apart.
        """
        first = self._next_number.get(kind, 1)
        self._next_number[kind] = first + n
        return (np.arange(first, first + n, dtype="int64") * _ROOT + zlib.crc32(f"{kind} {self.seed}".encode())) % _PRIME

    def add_actors(self, kind: str, n: int, **columns: Any) -> Ints:
        """Add true persons or organisations of a party kind; unknown columns are a KeyError. Returns their indices."""
        return self.actors.extend(n, {"kind": PARTY_KINDS.index(kind), **columns})

    def of_kind(self, kind: str) -> Ints:
        """Indices of all actors of a party kind."""
        return np.flatnonzero(self.actors["kind"] == PARTY_KINDS.index(kind))

    def party(self, actors: ArrayLike, insurers: ArrayLike) -> Ints:
        """Party ids of actors at insurers (broadcast), made on first use; ``NONE`` for actor ``NONE``."""
        return self.parties.ids(actors, insurers)[0]

    def known_parties(self, actors: ArrayLike, insurer: int) -> Ints:
        """Party ids of actors at one insurer where they exist already, else ``NONE``; makes none."""
        return self.parties.known(actors, insurer)

    def override(self, party_ids: ArrayLike, **columns: Any) -> None:
        """Write another ``phone``, ``account`` or ``address`` into party records, e.g. an agent's number on its customers' records."""
        for name, value in columns.items():
            self.parties.write(party_ids, name, value)

    def cover(self, policy_ids: ArrayLike, *columns: str) -> dict[str, Any]:
        """Columns of ``COVER_COLUMNS`` for policies, e.g. their ``holder`` and ``agent`` as actors."""
        ids = np.atleast_1d(np.asarray(policy_ids, dtype="int64"))
        found = {name: np.empty(len(ids), dtype=self.covers[0][name].dtype) for name in columns}
        for index in np.unique(ids // ID_BASE):
            here = ids // ID_BASE == index
            for name in columns:
                found[name][here] = self.covers[index][name][ids[here] % ID_BASE - 1]
        return found

    def append(self, table: str, **columns: Any) -> None:
        """Add rows to a contract table; scalars are broadcast, missing columns are null.

        Raises
        ------
        KeyError
            If a column is not one that a source delivers.
        ValueError
            If arrays differ in length.
        """
        if unknown := set(columns) - {c.name for c in tables()[table].source_columns}:
            raise KeyError(f"{table} has no columns {sorted(unknown)}")
        lengths = {len(v) for v in columns.values() if many(v)}
        if len(lengths) != 1:
            raise ValueError(f"{table}: columns of {sorted(lengths)} rows")
        if n := lengths.pop():
            self._pieces[table].append({"": n, **columns})

    def frame(self, table: str, names: tuple[str, ...] = ()) -> pd.DataFrame:
        """All rows of a table so far: the columns somebody wrote (or those named), ids as integers, codes as categoricals."""
        pieces = self._pieces[table]
        written = [c for c in tables()[table].source_columns if any(c.name in p for p in pieces) and (not names or c.name in names)]
        return pd.DataFrame({c.name: joined(pieces, c) for c in written}, copy=False)

    def has(self, table: str) -> bool:
        """True if the table has rows."""
        return bool(self._pieces[table])

    def pop(self, table: str) -> pd.DataFrame:
        """Like :meth:`frame`, and forget the rows, column by column: a big book is never held twice."""
        pieces, self._pieces[table] = self._pieces[table], []
        data = {}
        for column in (c for c in tables()[table].source_columns if any(c.name in p for p in pieces)):
            data[column.name] = joined(pieces, column)
            for piece in pieces:
                piece.pop(column.name, None)
        return pd.DataFrame(data, copy=False)

    def rewrite(self, table: str, frame: pd.DataFrame) -> None:
        """Replace a table by a changed :meth:`frame` of it, e.g. where a planted scheme alters honest rows."""
        self._pieces[table] = [{"": len(frame), **{str(c): frame[c].array for c in frame.columns}}]

    def plant(self, scheme: str, planted: bool = True) -> int:
        """Open an instance of a scheme (``planted=False``: of its look-alike); returns its number."""
        self.truth_instance.append({"instance": len(self.truth_instance) + 1, "scheme": scheme, "planted": planted})
        return len(self.truth_instance)

    def subject(self, instance: int, kind: str, subjects: ArrayLike, role: str) -> None:
        """Record who or what belongs to an instance.

        Parameters
        ----------
        instance : int
            From :meth:`plant`.
        kind : str
            ``"actor"``: actor indices, written as one row per party record. ``"claim"``, ``"policy"``, ``"vehicle"``: row ids.
            ``"phone"``, ``"account"``, ``"device"``: numbers, written raw.
        subjects : array of int
            Which.
        role : str
            perpetrator, participant or bystander.
        """
        self.truth_subject.append({"instance": instance, "kind": kind, "subjects": np.atleast_1d(subjects), "role": role})

    def subjects(self) -> pd.DataFrame:
        """All recorded subjects, one row each: instance, scheme, planted, kind, subject, role."""
        rows = self.truth_subject
        count = [len(row["subjects"]) for row in rows]
        columns = {name: np.repeat(np.array([row[name] for row in rows], dtype=kind), count) for name, kind in _SUBJECTS.items()}
        subject = np.concatenate([np.asarray(row["subjects"], dtype="int64") for row in rows]) if rows else np.empty(0, dtype="int64")
        instances = pd.DataFrame(self.truth_instance, columns=["instance", "scheme", "planted"])
        return pd.DataFrame({**columns, "subject": subject}).merge(instances, on="instance")

    def same_event(self, claims: ArrayLike, events: ArrayLike) -> None:
        """Record which true event claims belong to (any int; see :meth:`new_events`). Others are events of their own."""
        self.truth_event.append((np.atleast_1d(np.asarray(claims)), np.atleast_1d(np.asarray(events))))

    def new_events(self, n: int) -> Ints:
        """``n`` fresh numbers of true events."""
        first = self._next_number.get("true event", 1)
        self._next_number["true event"] = first + n
        return np.arange(first, first + n)


__all__ = ["ID_BASE", "NONE", "BookBuilder", "insurer_of"]


def insurer_of(ids: ArrayLike) -> Ints:
    """Index of the insurer that row ids belong to; -1 for null ids."""
    return np.asarray(ids, dtype="int64") // ID_BASE
