"""The finished book as insurers hand it over: one delivery with the history, then one each night, and the truth beside them."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet

from features.schema import Table, tables
from pipelines.simulate import identities, render, truth
from pipelines.simulate.arrivals import Arrivals
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import Ints
from pipelines.simulate.numbering import Numbers

COMPRESSION = 6
WORKERS = 2
"""Threads that write insurers' files side by side; compression and text conversion run outside the interpreter's lock."""
ROW_GROUP = 120_000
"""Rows of a Parquet row group: a reader's threads share a file by its groups."""
SCOPES = ("claim_id", "policy_id", "party_id", "object_id", "event_id", "order_id", "subject_id")
"""Columns that tell whose row it is."""


class Delivery:
    """Writes a book's tables and truth, and empties the book while it does.

    Parameters
    ----------
    book : BookBuilder
        Complete.
    out : Path
        Gets ``deliveries/<insurer>/<date>/<table>`` and ``truth/``.
    fmt : str
        ``csv`` (gzipped) or ``parquet``.
    nights : int
        Deliveries after the history.
    """

    def __init__(self, book: BookBuilder, out: Path, fmt: str, nights: int) -> None:
        self._book, self._out, self._fmt = book, out, fmt
        book.covers.clear()  # only claims need it, and a big book needs the room
        self._numbers, self._arrivals = Numbers(book), Arrivals(book, nights)
        self.counts: dict[str, int] = {}

    def write(self) -> dict[str, int]:
        """Write everything; returns rows by table, where every version of a row counts."""
        for table in tables().values():
            if self._book.has(table.name):
                self._table(table)
        self._parties()
        truth.write(self._book, self._out / "truth", self._numbers, self._arrivals)
        return self.counts

    def _table(self, table: Table) -> None:
        frame = self._book.pop(table.name)
        night = self._arrivals.rows(table, frame)
        insurer = insurer_of(frame[next(c for c in SCOPES if c in table.key)].to_numpy())
        frame = self._numbers.renumber(table, frame)
        rank = frame[table.key[0]].to_numpy()

        def hand_over(index: int) -> int:
            here = np.flatnonzero(insurer == index)
            order = here[np.argsort(rank[here], kind="stable")]
            return self._versions(table, frame.iloc[order], night[order], index) if len(order) else 0

        with ThreadPoolExecutor(WORKERS) as pool:
            self.counts[table.name] = sum(pool.map(hand_over, range(len(self._book.insurers))))

    def _versions(self, table: Table, frame: pd.DataFrame, night: Ints, insurer: int) -> int:
        """A row is delivered on its night, and again on each night when another of its columns becomes known."""
        written = 0
        later = sorted({c.known_at for c in table.columns if c.known_at in frame and c.known_at != table.known_at})
        known = {name: np.maximum(self._arrivals.night(table.name, name, frame[name]), night) for name in later}
        for number in range(self._arrivals.nights + 1):
            due = (night == number) | np.any([when == number for when in known.values()], axis=0) if known else night == number
            if due.any():
                hidden = {name: when[due] > number for name, when in known.items()}
                written += self._file(table.name, insurer, number, _text(table, frame[due], hidden))
        return written

    def _parties(self) -> None:
        table = tables()["parties"]
        for index in range(len(self._book.insurers)):
            data = identities.records(self._book, index)
            ids = data["party_id"].to_numpy()
            night, died = self._arrivals.of("parties", ids), data["deceased_on"].to_numpy()
            died = np.maximum(self._arrivals.night("parties", "deceased_on", died), night)
            order = np.argsort(self._numbers.of("party", ids))
            for name in ("party_id", "parent_id"):
                new = render.column(table.by_column[name], self._numbers.of("party", data[name].to_numpy()))
                data = data.set_column(data.column_names.index(name), name, new)
            for number in range(self._arrivals.nights + 1):
                due = order[((night == number) | (died == number))[order]]
                if len(due):
                    part = _hide(data.take(due), "deceased_on", died[due] > number)
                    self.counts["parties"] = self.counts.get("parties", 0) + self._file("parties", index, number, part)

    def _file(self, name: str, insurer: int, number: int, data: pa.Table) -> int:
        folder = self._out / "deliveries" / self._book.insurers[insurer] / str(self._arrivals.first + number)
        folder.mkdir(parents=True, exist_ok=True)
        if self._fmt == "parquet":
            pa.parquet.write_table(data, folder / f"{name}.parquet", compression="zstd", row_group_size=ROW_GROUP)
        else:
            _write_csv(data, folder / f"{name}.csv.gz")
        return int(data.num_rows)


def _write_csv(data: pa.Table, path: Path) -> None:
    """Gzipped CSV whose bytes depend on the data alone: no file name, no time."""
    with path.open("wb") as raw, gzip.GzipFile("", "wb", COMPRESSION, raw, mtime=0) as packed:
        pa.csv.write_csv(data, packed, pa.csv.WriteOptions(quoting_style="needed"))


def _text(table: Table, frame: pd.DataFrame, hidden: dict[str, Any]) -> pa.Table:
    data = pa.table({c.name: render.column(c, frame[c.name].array) for c in table.source_columns if c.name in frame})
    for column in table.source_columns:
        if column.known_at in hidden and column.name in frame:
            data = _hide(data, column.name, hidden[column.known_at], "open" if (table.name, column.name) == ("claims", "status") else None)
    return data


def _hide(data: pa.Table, name: str, hidden: Any, instead: str | None = None) -> pa.Table:
    if not hidden.any():
        return data
    place = data.column_names.index(name)
    column = data.column(place)
    return data.set_column(place, name, pc.if_else(pa.array(hidden), pa.scalar(instead, column.type), column))
