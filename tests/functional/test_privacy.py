"""No raw personal value reaches a log, a report, a published file, the manifest or the tracking store; and nothing leaves the machine."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from features.schema import tables
from tests.nights import ROOT, Said, command

SHORTEST = 7
REFUSING = """
import os, socket
real = socket.socket.connect
def refused(where):
    with open(os.environ["ATTEMPTS"], "a") as log:
        log.write(repr(where))
    raise OSError("refused by the test")
def refusing(self, address):
    local = self.family == socket.AF_UNIX or str(address[0]).startswith("127.") or address[0] in ("::1", "localhost")
    return real(self, address) if local else refused(address)
socket.socket.connect = refusing
socket.getaddrinfo = lambda host, *rest, **more: refused(host)
"""


@pytest.fixture(scope="module")
def told(tiny_book: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Said, Path]:
    workspace = tmp_path_factory.mktemp("private")
    return command("nightly", "--source", "book", "--data", tiny_book, "--workspace", workspace), workspace


def personal_values(book: Path) -> set[str]:
    """Every value of a column that the contract replaces by a token."""
    found: set[str] = set()
    for path in sorted(book.glob("deliveries/*/*/*.csv.gz")):
        secret = [c.name for c in tables()[path.name.split(".")[0]].columns if c.token]
        frame = pd.read_csv(path, dtype=str, usecols=lambda c, secret=secret: c in secret)
        for column in frame.columns:
            found |= set(frame[column].dropna())
    return found


def texts(path: Path) -> str:
    """What a reader of the file can see."""
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as book:
            return "\n".join(book.read(n).decode("utf-8") for n in book.namelist())
    if path.suffix == ".parquet":
        return pd.read_parquet(path).to_csv()
    return path.read_bytes().decode("utf-8", errors="replace")


def words(text: str) -> set[str]:
    return set(re.split(r"[^0-9A-Za-z\u4e00-\u9fff]+", text)) | set(re.findall(r"[\u4e00-\u9fff]+", text))


def readable(workspace: Path) -> list[Path]:
    """Everything but the vault, the quarantine and the internal stages."""
    kept = [p for p in workspace.rglob("*") if p.is_file() and not {"vault", "quarantine"} & set(p.relative_to(workspace).parts)]
    return [p for p in kept if p.suffix not in {".db", ""} and "spill" not in p.parts]


def test_no_personal_value_is_readable(told: tuple[Said, Path], tiny_book: Path) -> None:
    said, workspace = told
    assert said.code == 0, said.err
    secret = personal_values(tiny_book)
    long, names = {v for v in secret if len(v) >= SHORTEST}, {v for v in secret if re.fullmatch(r"[\u4e00-\u9fff]{2,4}", v)}
    assert len(long) > 1000
    assert len(names) > 300
    interface = words("\n".join(p.read_text(encoding="utf-8") for p in (ROOT / "pipelines" / "report").rglob("*.yaml")))
    files = readable(workspace)
    assert {p.name for p in files} >= {"leads.csv", "leads.xlsx", "report.html", "validation.html", "validation.json", "manifest.json"}
    for label, text in [("output", said.out + said.err), *((str(p), texts(p)) for p in files)]:
        seen = words(text)
        assert seen & long == set(), label
        assert (seen & names) - interface == set(), label


def test_the_tracking_store_holds_none(told: tuple[Said, Path], tiny_book: Path) -> None:
    raw = (told[1] / "mlflow.db").read_bytes().decode("utf-8", errors="replace")
    assert "leads" in raw
    assert words(raw) & {v for v in personal_values(tiny_book) if len(v) >= SHORTEST} == set()


def test_raw_values_lie_only_where_the_owner_alone_reads(told: tuple[Said, Path]) -> None:
    workspace = told[1]
    assert workspace.stat().st_mode & 0o777 == 0o700
    vault = list((workspace / "vault").rglob("*.parquet"))
    assert vault
    assert {p.stat().st_mode & 0o777 for p in [*vault, *(workspace / "quarantine").rglob("*.parquet")]} == {0o600}


def test_nothing_phones_home(tiny_book: Path, tmp_path: Path) -> None:
    """Every Python process of the night refuses every address that is not this machine's, and notes that it was asked."""
    (tmp_path / "sitecustomize.py").write_text(REFUSING, encoding="utf-8")
    (tmp_path / "attempts").touch()
    env = {"PYTHONPATH": str(tmp_path), "ATTEMPTS": str(tmp_path / "attempts")}
    probe = subprocess.run(
        [sys.executable, "-c", "import socket; socket.create_connection(('192.0.2.1', 80))"],
        env={**os.environ, **env}, capture_output=True, check=False,
    )  # fmt: skip
    assert probe.returncode != 0
    assert (tmp_path / "attempts").read_text() == "'192.0.2.1'"
    (tmp_path / "attempts").write_text("")
    said = command("nightly", "--source", "book", "--data", tiny_book, "--workspace", tmp_path / "var", env=env)
    assert said.code == 0, said.err
    assert (tmp_path / "attempts").read_text() == ""
    assert (tmp_path / "var" / "latest" / "report.html").exists()
    assert (tmp_path / "var" / "mlflow.db").exists()
