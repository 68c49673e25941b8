"""How values were spelt the night before: kept in the vault beside the values, so that a night spells only values that are new.

Whether a spelling holds depends on the value and on a basis: the code, the libraries and the link model. Of another basis, and where a
file of the vault is gone, nothing is taken over; spellings of values that the vault no longer says go when they are one in ten.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import duckdb
import pandas as pd
import pyarrow as pa

STALE = 0.1
"""Share of spellings of values that the vault no longer says from which they are written anew."""
SPELLINGS = ".spellings"
"""Folder in the vault; hidden from those who read the whole vault as one table."""
BASIS = "basis"
"""File that names the basis, and the files of the vault that values were looked up in."""

Spelling: TypeAlias = "Callable[[pd.DataFrame, pa.Table | None], pd.DataFrame]"
"""Of token and value of distinct tokens, and the words of the link model: token and spellings, each a function of its value."""


@dataclass(frozen=True)
class Kept:
    """Spellings of one design.

    Attributes
    ----------
    folder : Path
        In the vault; only its owner may read it.
    """

    folder: Path

    def open(self, basis: str) -> None:
        """Forget what is of another basis, or from a file of the vault that is gone; no basis is known where a model is to be trained."""
        listed = self.folder / BASIS
        known, *files = listed.read_text(encoding="utf-8").splitlines() if listed.exists() else [""]
        if not basis or known != basis or not all(Path(f).exists() for f in files):
            shutil.rmtree(self.folder, ignore_errors=True)
            self.folder.mkdir(parents=True, mode=0o700)

    def close(self, basis: str, files: Sequence[Path]) -> None:
        """Say what the spellings hold for."""
        beside = self.folder / f"{BASIS}.part"
        beside.write_text("\n".join([basis, *map(str, files)]), encoding="utf-8")
        os.replace(beside, self.folder / BASIS)

    def files(self, column: str) -> list[Path]:
        """Files with spellings of a column, in the order that they were written."""
        return sorted(self.folder.glob(f"{column}-*.parquet"))

    def add(self, connection: duckdb.DuckDBPyConnection, column: str, query: str) -> Path:
        """Write a file of a column, beside and then renamed."""
        last = self.files(column)[-1:]
        path = self.folder / f"{column}-{int(last[0].stem.rpartition('-')[2]) + 1 if last else 0:06}.parquet"
        beside = path.with_suffix(".part")
        beside.touch(mode=0o600)
        connection.execute(f"COPY ({query}) TO '{_quoted(beside)}' (FORMAT parquet)")
        beside.chmod(0o600)
        os.replace(beside, path)
        return path


def spelt(connection: duckdb.DuckDBPyConnection, column: str, spelling: Spelling, words: pa.Table | None, kept: Kept | None = None) -> None:
    """Make ``link_`` + column, token and spellings, from ``link_raw``, token and value.

    Parameters
    ----------
    connection : duckdb connection
        Holds ``link_raw``, of which the least of several values of a token is spelt, and ``link_tokens``: those spelt if they are new.
    column : str
    spelling : callable
    words : pyarrow Table, optional
        Of the link model.
    kept : Kept, optional
        What is known is taken over, and what is new put there.

    Notes
    -----
    Cost: spelling what is new, and a join of what is known with what there is; only of tokens where these differ more is looked at.
    """
    files = kept.files(column) if kept else []
    if files:
        _taken_over(connection, column, _read(files))
        fresh = "SELECT * FROM link_unspelt SEMI JOIN (SELECT token FROM link_tokens SEMI JOIN link_unspelt USING (token)) USING (token)"
    else:
        fresh = _LEAST.format("SEMI JOIN link_tokens USING (token)")
    raw: pd.DataFrame = connection.sql(f"{fresh} ORDER BY token").df().astype("str")
    if len(raw) or not files:
        connection.register("link_spelt", spelling(raw, words))
        into = f"INSERT INTO link_{column} BY NAME" if files else f"CREATE OR REPLACE TEMP TABLE link_{column} AS"
        connection.execute(f"{into} SELECT * FROM link_spelt")
        if kept:
            connection.register("link_valued", raw)
            kept.add(connection, column, "SELECT s.*, r.value FROM link_spelt s JOIN link_valued r USING (token) ORDER BY token")
            connection.unregister("link_valued")
        connection.unregister("link_spelt")
    if kept and files:
        _sweep(connection, column, kept)


_LEAST = "SELECT token, min(value) AS value FROM link_raw {} GROUP BY token"


def _taken_over(connection: duckdb.DuckDBPyConnection, column: str, known: str) -> None:
    """``link_`` + column, the spellings that still hold; and ``link_unspelt``, token and value of what has none."""
    told = f"link_raw r FULL JOIN (SELECT token, value FROM {known}) k USING (token)"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_differing AS SELECT DISTINCT coalesce(r.token, k.token) AS token FROM {told} "
        "WHERE r.value IS DISTINCT FROM k.value"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE link_unspelt AS {_LEAST.format('SEMI JOIN link_differing USING (token)')}")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_same AS SELECT * EXCLUDE value FROM {known} SEMI JOIN link_unspelt USING (token, value)"
    )
    connection.execute("DELETE FROM link_unspelt WHERE token IN (SELECT token FROM link_same)")
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_{column} AS SELECT * EXCLUDE value FROM {known} ANTI JOIN link_differing USING (token) "
        "UNION ALL BY NAME SELECT * FROM link_same"
    )
    for table in ("link_differing", "link_same"):
        connection.execute(f"DROP TABLE {table}")


def _sweep(connection: duckdb.DuckDBPyConnection, column: str, kept: Kept) -> None:
    """Write spellings anew without those of values that the vault no longer says, where these are too many."""
    old = kept.files(column)
    held = connection.execute(f"SELECT count(*) FROM {_read(old)}").fetchall()[0][0]
    used = connection.execute(f"SELECT count(*) FROM link_{column}").fetchall()[0][0]
    if held - used > STALE * held:
        kept.add(connection, column, f"SELECT s.*, r.value FROM link_{column} s JOIN ({_LEAST.format('')}) r USING (token) ORDER BY token")
        for path in old:
            path.unlink()


def _read(files: Sequence[Path]) -> str:
    listed = ", ".join(f"'{_quoted(file)}'" for file in files)
    return f"read_parquet([{listed}])"


def _quoted(path: Path) -> str:
    return str(path).replace("'", "''")
