"""A database table as a source, against a real PostgreSQL server started for the test."""

from __future__ import annotations

import glob
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from pipelines import config
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError, UsageError
from pipelines.sources import check, parse, read

BINARIES = sorted(glob.glob("/usr/lib/postgresql/*/bin"))
VARIABLE = "ACME_TEST_DATABASE_URL"
MAPPING = f"""
source: acme
insurer: {{constant: acme}}
mode: snapshot
database: {VARIABLE}
tables:
  claims:
    - from: {{table: losses, schema: core}}
      columns:
        claim_id: loss_no
        event_at: happened
        claimed_amount: {{column: fen, unit: 0.01}}
        status: {{column: state, values: {{P: paid, O: open}}}}
"""
ROWS = [("L1", "2024-01-05 10:00:00", 123450, "P"), ("L2", None, 99, "O"), ("L3", "2024-02-01 00:00:00", None, "P")]


@dataclass(frozen=True)
class Server:
    url: str

    def run(self, statement: str, rows: list[tuple[object, ...]] | None = None) -> None:
        with psycopg.connect(self.url) as connection, connection.cursor() as cursor:
            if rows is None:
                cursor.execute(statement)
            else:
                cursor.executemany(statement, rows)


def _as_postgres(words: list[str]) -> list[str]:
    return ["runuser", "-u", "postgres", "--", *words] if os.geteuid() == 0 else words


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    if not BINARIES:
        pytest.skip("PostgreSQL is not installed: no /usr/lib/postgresql/*/bin")
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(home, user.pw_uid, user.pw_gid)
    data, port = home / "data", _free_port()
    control = [f"{BINARIES[-1]}/pg_ctl", "-D", str(data), "-w", "-l", str(home / "log")]
    options = f"-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={home} -c fsync=off"
    subprocess.run(
        _as_postgres([f"{BINARIES[-1]}/initdb", "-D", str(data), "-U", "center", "-A", "trust"]), check=True, cwd="/", capture_output=True
    )
    subprocess.run(_as_postgres([*control, "-o", options, "start"]), check=True, cwd="/", stdout=subprocess.DEVNULL)
    try:
        yield Server(f"postgres://center@127.0.0.1:{port}/postgres")
    finally:
        subprocess.run(_as_postgres([*control, "-m", "immediate", "stop"]), check=False, cwd="/", stdout=subprocess.DEVNULL)
        shutil.rmtree(home, ignore_errors=True)


@pytest.fixture
def losses(server: Server, monkeypatch: pytest.MonkeyPatch) -> Server:
    monkeypatch.setenv(VARIABLE, server.url)
    server.run("DROP SCHEMA IF EXISTS core CASCADE; CREATE SCHEMA core")
    server.run("CREATE TABLE core.losses (loss_no text, happened timestamp, fen bigint, state char(1), note text)")
    server.run("INSERT INTO core.losses (loss_no, happened, fen, state) VALUES (%s, %s, %s, %s)", list(ROWS))
    return server


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    made = DuckEngine(config.Engine(), tmp_path / "spill")
    yield made
    made.close()


def test_a_table_becomes_contract_text(losses: Server, engine: DuckEngine, tmp_path: Path) -> None:
    mapping = parse.parse(MAPPING, "acme.yaml")
    (delivery,) = read.deliveries(mapping, tmp_path)
    rows = read.text(engine, mapping, delivery).to_pyarrow().to_pylist()
    by_id = {r["claim_id"]: r for r in rows}
    assert set(by_id) == {"L1", "L2", "L3"}
    assert by_id["L1"]["event_at"] == "2024-01-05 10:00:00"
    assert float(by_id["L1"]["claimed_amount"]) == 1234.5
    assert by_id["L2"]["event_at"] is None
    assert by_id["L3"]["claimed_amount"] is None
    assert {r["status"] for r in rows} == {"paid", "open"}
    assert sorted(r["source_row"] for r in rows) == [1, 2, 3]
    assert {r["source_file"] for r in rows} == {"core.losses"}
    assert read.rejects(engine, mapping, delivery) is None


def test_the_digest_follows_the_content_and_not_the_order(losses: Server, tmp_path: Path) -> None:
    mapping = parse.parse(MAPPING, "acme.yaml")
    before = read.deliveries(mapping, tmp_path)[0].digest
    losses.run("CREATE TABLE core.turned AS SELECT * FROM core.losses ORDER BY loss_no DESC; DROP TABLE core.losses")
    losses.run("ALTER TABLE core.turned RENAME TO losses")
    assert read.deliveries(mapping, tmp_path)[0].digest == before
    losses.run("UPDATE core.losses SET fen = 100 WHERE loss_no = 'L2'")
    assert read.deliveries(mapping, tmp_path)[0].digest != before


def test_a_table_that_changes_while_it_is_read_is_refused(losses: Server, engine: DuckEngine, tmp_path: Path) -> None:
    mapping = parse.parse(MAPPING, "acme.yaml")
    (delivery,) = read.deliveries(mapping, tmp_path)
    losses.run("DELETE FROM core.losses WHERE loss_no = 'L3'")
    with pytest.raises(DataError, match="changed while it was read"):
        read.text(engine, mapping, delivery)


def test_check_tells_the_left_over_column(losses: Server, tmp_path: Path) -> None:
    found = check.check(parse.parse(MAPPING, "acme.yaml"), tmp_path, [("M01", ("claims.event_at",)), ("H03", ("claims.admitted_on",))])
    assert [(f.origin, f.left) for f in found.files] == [("core.losses", ("note",))]
    assert found.flags == ("M01",)
    assert found.silent == (("H03", ("claims.admitted_on",)),)


def test_a_missing_table_a_missing_server_and_a_missing_url_are_told(
    losses: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DataError, match="no table that can be read") as missing:
        read.deliveries(parse.parse(MAPPING.replace("losses", "nothing"), "acme.yaml"), tmp_path)
    assert "core.nothing" in str(missing.value)
    monkeypatch.setenv(VARIABLE, "postgres://center:s3cret@127.0.0.1:1/postgres")
    with pytest.raises(DataError, match="cannot be reached") as unreachable:
        read.deliveries(parse.parse(MAPPING, "acme.yaml"), tmp_path)
    assert "s3cret" not in str(unreachable.value)
    monkeypatch.delenv(VARIABLE)
    with pytest.raises(UsageError, match=VARIABLE):
        read.deliveries(parse.parse(MAPPING, "acme.yaml"), tmp_path)


def test_each_insurer_of_a_column_is_a_delivery(losses: Server, engine: DuckEngine, tmp_path: Path) -> None:
    losses.run("UPDATE core.losses SET note = CASE loss_no WHEN 'L1' THEN 'north' ELSE 'south' END")
    mapping = parse.parse(MAPPING.replace("{constant: acme}", "{column: note}"), "acme.yaml")
    found = read.deliveries(mapping, tmp_path)
    counts = {d.insurer: read.text(engine, mapping, d).count().to_pyarrow().as_py() for d in found}
    assert counts == {"north": 1, "south": 2}
