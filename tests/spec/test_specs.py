"""Every red flag against its file of good, bad and look-alike cases."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from features.indicators import INDICATORS
from tests.spec import harness

FLAGS = {f.code: f for f in INDICATORS}
FILES = sorted(Path(__file__).parent.glob("*.yaml"))


def _cases() -> list[Any]:
    return [
        pytest.param(file.stem, case, id=f"{file.stem}-{case['name']}")
        for file in FILES
        for case in yaml.safe_load(file.read_text(encoding="utf-8"))["cases"]
    ]


@pytest.mark.parametrize(("code", "case"), _cases())
def test_case(code: str, case: dict[str, Any]) -> None:
    flag = FLAGS[code]
    book = harness.book(case)
    assert book.missing(flag.needs) == (), "the case lacks what the flag needs, so it shows nothing"
    found = harness.fired(flag, book)
    assert found >= harness.subjects(case.get("fires", []), book)
    assert not found & harness.subjects(case.get("silent", []), book)
    if not case.get("others", False):
        assert found == harness.subjects(case.get("fires", []), book)
