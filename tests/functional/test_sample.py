"""The committed sample: small, laid out as the source ``book`` expects, and described by its README as it is."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from features.schema import SCHEMES, tables

SAMPLE = Path(__file__).resolve().parents[2] / "data" / "sample"
MOST_BYTES = 6_000_000


def described(columns: int) -> dict[str, list[int]]:
    """Rows of the README's tables with this many numbers: first cell → numbers."""
    row = r"^\| (\w+) " + r"\| ([\d,]+) " * columns + r"\|$"
    found = re.findall(row, (SAMPLE / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    return {name: [int(n.replace(",", "")) for n in numbers] for name, *numbers in found}


def test_the_sample_is_small() -> None:
    assert sum(p.stat().st_size for p in SAMPLE.rglob("*") if p.is_file()) < MOST_BYTES


def test_deliveries_lie_where_the_book_mapping_looks() -> None:
    files = [p.relative_to(SAMPLE).as_posix() for p in (SAMPLE / "deliveries").rglob("*") if p.is_file()]
    pattern = re.compile(r"deliveries/\w+/\d{4}-\d\d-\d\d/(\w+)\.csv\.gz")
    matched = [pattern.fullmatch(f) for f in files]
    assert all(matched)
    assert {m[1] for m in matched if m} <= set(tables())
    assert len({f.split("/")[1] for f in files}) == 2
    assert len({f.split("/")[2] for f in files}) >= 4


def test_the_readme_says_what_is_in_it() -> None:
    said = described(2)
    instances = pd.read_csv(SAMPLE / "truth" / "instances.csv").groupby(["scheme", "planted"]).size()
    for scheme in list(SCHEMES)[:16]:
        assert said[scheme] == [instances[scheme, True], instances[scheme, False]], scheme
    of = {name: sorted((SAMPLE / "deliveries" / name).glob("*/claims.csv.gz")) for name in ("bayu", "jialing")}
    assert said["claims"] == [sum(len(pd.read_csv(p)) for p in paths) for paths in of.values()]
