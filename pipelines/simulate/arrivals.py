"""On which night a row of the book reaches the center: when it happened, and never before the claim or policy it belongs to."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.schema import Table, tables
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.columns import Ints
from pipelines.simulate.records import ID_BASE, Rows

CUT_OFF_HOUR = 18
"""Deliveries are received at this hour; what happens later comes with the next one."""
PARENTS = {"claim_id": "claims", "policy_id": "policies"}
OWN_CLOCK = (
    "surveys", "claim_payments", "claim_events", "policy_events", "premium_payments", "commission_payments", "outcomes", "facts",
    "party_links", "watchlist",
)  # fmt: skip
"""Tables whose rows come when they happen; all others come with their claim, policy or first use."""
USES = (
    ("parties", "claim_roles", "claim_id", ("party_id",)),
    ("parties", "policies", "policy_id", ("agent_id", "holder_id", "insured_id", "beneficiary_id")),
    ("parties", "orders", "policy_id", ("shop_id",)), ("parties", "surveys", "claim_id", ("by_party_id",)),
    ("parties", "policy_events", "policy_id", ("by_party_id",)), ("objects", "claim_objects", "claim_id", ("object_id",)),
)  # fmt: skip
"""What brings party and object records in."""


class Arrivals:
    """Nights of arrival: 0 is the delivery with the history, ``nights + 1`` after the end of the period.

    Parameters
    ----------
    book : BookBuilder
        Complete.
    nights : int
        Deliveries after the history.
    """

    def __init__(self, book: BookBuilder, nights: int) -> None:
        self._book, self.nights, self.first = book, nights, book.end - nights
        self._of: dict[str, Rows] = {}
        for name, clock in (("policies", "issued_on"), ("claims", "reported_at")):
            frame = book.frame(name, (tables()[name].key[0], clock))
            self._of[name] = self._by_row(name, frame.iloc[:, 0].to_numpy(), self.night(name, clock, frame.iloc[:, 1]))
        for name in ("parties", "objects"):
            self._of[name] = Rows([np.full(rows.size, nights + 1, dtype="int8") for rows in getattr(book, name).rows])
        for name, table, parent, columns in USES:
            self._use(name, book.frame(table, (parent, *columns)), parent)

    def night(self, table: str, column: str, values: Any) -> Ints:
        """Night that brings what happened at these dates or times; null counts as history."""
        when = np.asarray(values)
        if tables()[table].by_column[column].type == "time":
            when = when.astype("datetime64[s]") + np.timedelta64(24 - CUT_OFF_HOUR, "h")
        day = when.astype("datetime64[D]")
        late = np.clip((day - self.first).astype("int64"), 0, self.nights + 1)
        return np.where(np.isnat(day), 0, late).astype("int8")

    def of(self, name: str, ids: Any) -> Ints:
        """Nights of claims, policies, parties or objects by id; null ids count as history."""
        return self._of[name].of(ids, 0)

    def rows(self, table: Table, frame: pd.DataFrame) -> Ints:
        """Nights of the rows of a table."""
        if table.name in self._of:
            return self.of(table.name, frame[table.key[0]])
        night = np.zeros(len(frame), dtype="int8")
        if table.known_at in frame and table.name in OWN_CLOCK:
            night = self.night(table.name, table.known_at, frame[table.known_at])
        for column in (c for c in PARENTS if c in frame):
            night = np.maximum(night, self.of(PARENTS[column], frame[column]))
        return night

    def _by_row(self, name: str, ids: Ints, night: Ints) -> Rows:
        found = [np.full(n, self.nights + 1, dtype="int8") for n in self._book.counted({"claims": "claim", "policies": "policy"}[name])]
        for index, row in enumerate(found):
            here = ids // ID_BASE == index
            row[ids[here] % ID_BASE - 1] = night[here]
        return Rows(found)

    def _use(self, name: str, frame: pd.DataFrame, parent: str) -> None:
        night = self.of(PARENTS[parent], frame[parent]) if len(frame) else np.empty(0, dtype="int8")
        for column in frame.columns.drop(parent, errors="ignore"):
            self._of[name].lower(frame[column], night)
