"""Records that insurers keep of true things: made when an insurer first meets the thing, one for each insurer and thing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from pipelines.simulate.columns import NONE, Columns, Ints

ID_BASE = 1_000_000_000


class Records:
    """Record ids of things (indices) at insurers (indices).

    Parameters
    ----------
    new_ids : callable
        ``insurers -> fresh ids``, counted from 1 within an insurer, so that row ``n - 1`` of ``rows[insurer]`` is id ``n``.
    columns : mapping
        What a record may hold besides ``thing``.
    insurers : int
        How many.
    """

    def __init__(self, new_ids: Callable[[ArrayLike], Ints], columns: Mapping[str, tuple[str, Any]], insurers: int) -> None:
        self._new_ids = new_ids
        self.rows = [Columns({"thing": ("int64", NONE), **columns}) for _ in range(insurers)]
        self._known = [np.full(16, NONE, dtype="int64") for _ in range(insurers)]

    def ids(self, things: ArrayLike, insurers: ArrayLike) -> tuple[Ints, Ints]:
        """Ids of things at insurers (broadcast), made where missing, and the ids that are new. ``NONE`` gives ``NONE``."""
        thing, insurer = np.broadcast_arrays(np.atleast_1d(np.asarray(things, dtype="int64")), np.asarray(insurers, dtype="int64"))
        found, fresh = np.full(len(thing), NONE, dtype="int64"), []
        for index in range(len(self.rows)):
            here = (insurer == index) & (thing >= 0)
            if here.any():
                fresh.append(self._make(thing[here], index))
                found[here] = self._known[index][thing[here]]
        return found, np.concatenate(fresh) if fresh else np.empty(0, dtype="int64")

    def known(self, things: ArrayLike, insurer: int) -> Ints:
        """Ids at one insurer where they exist already, else ``NONE``; makes none."""
        known, thing = self._known[insurer], np.asarray(things, dtype="int64")
        inside = (thing >= 0) & (thing < len(known))
        return np.where(inside, known[np.where(inside, thing, 0)], NONE)

    def blank(self, insurers: ArrayLike) -> Ints:
        """Ids of records of nothing in particular (no thing), one for each entry."""
        ids = self._new_ids(insurers)
        for index in np.unique(ids // ID_BASE):
            self.rows[index].extend(int((ids // ID_BASE == index).sum()), {})
        return ids

    def thing(self, ids: ArrayLike) -> Ints:
        """The things that ids are records of."""
        return self.read(ids, "thing")

    def read(self, ids: ArrayLike, name: str) -> Ints:
        """A column of records; ``NONE`` for id ``NONE``."""
        wanted = np.atleast_1d(np.asarray(ids, dtype="int64"))
        found = np.full(len(wanted), NONE, dtype="int64")
        for index, rows in enumerate(self.rows):
            here = wanted // ID_BASE == index
            found[here & (wanted >= 0)] = rows[name][wanted[here & (wanted >= 0)] % ID_BASE - 1]
        return found

    def write(self, ids: ArrayLike, name: str, values: Any) -> None:
        """Set a column of records."""
        wanted = np.atleast_1d(np.asarray(ids, dtype="int64"))
        value = np.broadcast_to(np.asarray(values), wanted.shape)
        for index in np.unique(wanted // ID_BASE):
            here = wanted // ID_BASE == index
            self.rows[index][name][wanted[here] % ID_BASE - 1] = value[here]

    def _make(self, things: Ints, insurer: int) -> Ints:
        if (top := int(things.max()) + 1) > len(self._known[insurer]):
            grown = np.full(max(top, 2 * len(self._known[insurer])), NONE, dtype="int64")
            grown[: len(self._known[insurer])] = self._known[insurer]
            self._known[insurer] = grown
        known = self._known[insurer]
        fresh = np.unique(things[known[things] < 0])
        known[fresh] = self._new_ids(np.full(len(fresh), insurer))
        self.rows[insurer].extend(len(fresh), {"thing": fresh})
        return np.asarray(known[fresh])


class Rows:
    """One value for every row id of a kind: row ``n`` of an insurer is its id ``n + 1``."""

    def __init__(self, values: Sequence[Ints]) -> None:
        self._values = np.concatenate(list(values)) if len(values) else np.empty(0, dtype="int64")
        self._first = np.concatenate([[0], np.cumsum([len(v) for v in values])])[:-1].astype("int64")

    def of(self, ids: Any, null: int) -> Ints:
        """Values of ids, ``null`` for ``NONE``."""
        wanted = np.asarray(ids, dtype="int64")
        known = wanted >= 0
        if not known.all():
            found = np.full(len(wanted), null, dtype=self._values.dtype)
            found[known] = self.of(wanted[known], null)
            return found
        return np.asarray(self._values[self._place(wanted)])

    def lower(self, ids: Any, values: Ints) -> None:
        """Lower the values of ids (repeats and ``NONE`` allowed) to these, where they are less."""
        wanted = np.asarray(ids, dtype="int64")
        known = wanted >= 0
        np.minimum.at(self._values, self._place(wanted[known]), values[known])

    def _place(self, ids: Ints) -> Ints:
        insurer, n = np.divmod(ids, ID_BASE)
        return np.asarray(self._first[insurer] + n - 1)
