"""Values are spelt once: what the night before spelt is taken over while it holds, and forgotten when it does not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pytest

from pipelines.resolve.spellings import Kept, spelt


@pytest.fixture
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as made:
        yield made


class Speller:
    """Spells by upper case and counts what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    def __call__(self, raw: pd.DataFrame, _words: pa.Table | None) -> pd.DataFrame:
        self.asked += raw["value"].tolist()
        return pd.DataFrame({"token": raw["token"], "spelt": raw["value"].str.upper(), "codes": [[len(v)] for v in raw["value"]]})


def night(connection: duckdb.DuckDBPyConnection, kept: Kept, values: dict[str, str], basis: str = "b") -> tuple[dict[str, str], list[str]]:
    """What tokens are spelt as, and the values that had to be spelt."""
    speller = Speller()
    kept.open(basis)
    connection.register("raw", pa.table({"token": list(values), "value": list(values.values())}))
    connection.execute("CREATE OR REPLACE TEMP TABLE link_raw AS SELECT token::VARCHAR AS token, value::VARCHAR AS value FROM raw")
    connection.execute("CREATE OR REPLACE TEMP VIEW link_tokens AS SELECT token FROM link_raw")
    spelt(connection, "name", speller, None, kept)
    kept.close(basis, [])
    rows = connection.sql("SELECT token, spelt FROM link_name ORDER BY token").fetchall()
    return {str(token): str(word) for token, word in rows}, sorted(speller.asked)


def test_only_new_and_changed_values_are_spelt(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept")
    assert night(connection, kept, {"t1": "a", "t2": "b"}) == ({"t1": "A", "t2": "B"}, ["a", "b"])
    assert night(connection, kept, {"t1": "a", "t2": "c", "t3": "d"}) == ({"t1": "A", "t2": "C", "t3": "D"}, ["c", "d"])
    assert night(connection, kept, {"t1": "a", "t2": "b"}) == ({"t1": "A", "t2": "B"}, ["b"]), "one in four was not in use, and went"
    assert night(connection, kept, {"t1": "a", "t2": "b"})[1] == []


def test_of_what_is_new_only_values_that_are_asked_for_and_the_least_of_a_token_are_spelt(
    connection: duckdb.DuckDBPyConnection, tmp_path: Path
) -> None:
    kept, speller = Kept(tmp_path / "kept"), Speller()
    kept.open("b")
    for told, tokens in (
        ("('t1', 'b'), ('t1', 'c'), ('t2', 'z')", "('t1')"),
        ("('t1', 'b'), ('t1', 'a'), ('t2', 'z'), ('t3', 'y')", "('t3'), ('t1')"),
    ):
        connection.execute(f"CREATE OR REPLACE TEMP VIEW link_raw AS SELECT * FROM (VALUES {told}) v (token, value)")
        connection.execute(f"CREATE OR REPLACE TEMP VIEW link_tokens AS SELECT * FROM (VALUES {tokens}) v (token)")
        spelt(connection, "name", speller, None, kept)
    assert speller.asked == ["b", "a", "y"]
    assert connection.sql("SELECT token, spelt FROM link_name ORDER BY token").fetchall() == [("t1", "A"), ("t3", "Y")]


def test_values_not_in_use_go_when_they_are_one_in_ten(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept")
    many = {f"t{i:02}": f"v{i}" for i in range(40)}
    night(connection, kept, many)
    few = {token: value for token, value in many.items() if token > "t02"}
    night(connection, kept, few)
    assert held(kept) == 40, "three in forty are few"
    night(connection, kept, dict(list(few.items())[:30]))
    assert held(kept) == 30 and len(kept.files("name")) == 1
    assert night(connection, kept, {**dict(list(few.items())[:30]), "new": "n"})[1] == ["n"]
    assert held(kept) == 31


def held(kept: Kept) -> int:
    return sum(len(pd.read_parquet(f)) for f in kept.files("name"))


@pytest.mark.parametrize("basis", ["", "other"])
def test_nothing_is_taken_over_of_another_basis(connection: duckdb.DuckDBPyConnection, tmp_path: Path, basis: str) -> None:
    kept = Kept(tmp_path / "kept")
    night(connection, kept, {"t1": "a"})
    assert night(connection, kept, {"t1": "a"}, basis)[1] == ["a"]
    assert held(kept) == 1


def test_spellings_go_with_a_file_of_the_vault(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    kept, file = Kept(tmp_path / "kept"), tmp_path / "values.parquet"
    file.touch()
    night(connection, kept, {"t1": "a"})
    kept.close("b", [file])
    kept.open("b")
    assert held(kept) == 1
    file.unlink()
    kept.open("b")
    assert held(kept) == 0


def test_a_night_that_was_killed_before_its_model_was_known_leaves_nothing(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept")
    kept.open("")
    kept.add(connection, "name", "SELECT 'half' AS token")
    kept.open("b")
    assert kept.files("name") == []


def test_only_the_owner_reads_them(connection: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    kept = Kept(tmp_path / "kept")
    night(connection, kept, {"t1": "a"})
    night(connection, kept, {"t1": "a", "t2": "b"})
    assert {f.stat().st_mode & 0o777 for f in kept.files("name")} == {0o600}
    assert kept.folder.stat().st_mode & 0o777 == 0o700
