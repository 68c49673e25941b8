"""Row ids as insurers number them: claims by report, policies by issue, the rest in no order, so that a number betrays nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.schema import Table
from pipelines.simulate import render
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import NONE, Ints
from pipelines.simulate.records import ID_BASE, Rows

CLOCKS = {"claim": ("claims", "claim_id", "reported_at"), "policy": ("policies", "policy_id", "issued_on")}
SUBJECTS = {"claim": "claim", "policy": "policy", "vehicle": "object", "object": "object"}
"""Kinds of subjects that are no parties, and the kind of their ids."""


class Numbers:
    """New row ids for old ones, fixed when made: no row may be added to the book afterwards."""

    def __init__(self, book: BookBuilder) -> None:
        self._rng, self._book = book.rng("numbers"), book
        self._new = {kind: self._rows([self._shuffled(n) for n in book.counted(kind)]) for kind in ("party", "object", "event", "order")}
        for kind, (table, key, clock) in CLOCKS.items():
            self._new[kind] = self._rows(self._ordered(kind, book.frame(table, (key, clock))))

    def of(self, kind: str, ids: Any) -> Ints:
        """New ids of old ones; ``NONE`` stays."""
        return self._new[kind].of(ids, NONE)

    def renumber(self, table: Table, frame: pd.DataFrame) -> pd.DataFrame:
        """The frame with new ids in every id column; ``subject_id`` becomes text, since its kind differs by row."""
        for name in frame.columns.intersection(list(render.ID_KINDS)):
            frame[name] = self.of(render.ID_KINDS[name], frame[name])
        if "subject_id" in frame:
            frame["subject_id"] = self._subjects(frame["subject_kind"].astype("object").to_numpy(), frame["subject_id"].to_numpy())
        return frame

    def scoped(self, kind: str, ids: Ints) -> Any:
        """``insurer:id`` as the gate will write it."""
        new = self.of(kind, ids)
        text = render.padded(new % ID_BASE, 7, render.PREFIX[kind]).to_numpy(zero_copy_only=False)
        return np.array(self._book.insurers, dtype="object")[new // ID_BASE] + ":" + text

    def _subjects(self, kinds: Any, ids: Ints) -> Any:
        text = np.empty(len(ids), dtype="object")
        for kind in pd.unique(kinds):
            here, name = kinds == kind, SUBJECTS.get(kind, "party")
            text[here] = render.padded(self.of(name, ids[here]) % ID_BASE, 7, render.PREFIX[name]).to_numpy(zero_copy_only=False)
        return text

    def _rows(self, numbers: list[Ints]) -> Rows:
        return Rows([index * ID_BASE + n for index, n in enumerate(numbers)])

    def _shuffled(self, n: int) -> Ints:
        return self._rng.permutation(n) + 1

    def _ordered(self, kind: str, frame: pd.DataFrame) -> list[Ints]:
        ids, when = frame.iloc[:, 0].to_numpy(), frame.iloc[:, 1].to_numpy()
        found = []
        for index, n in enumerate(self._book.counted(kind)):
            here = ids // ID_BASE == index
            order = np.lexsort((self._rng.random(int(here.sum())), when[here]))
            numbers = np.zeros(n, dtype="int64")
            numbers[ids[here][order] % ID_BASE - 1] = np.arange(1, len(order) + 1)
            found.append(numbers)
        return found
