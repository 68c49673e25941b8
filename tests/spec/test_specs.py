"""Every red flag against its file of bad, good and look-alike cases."""

from __future__ import annotations

import pytest

from features.indicators import INDICATORS
from tests.spec import harness
from tests.spec.cases import Case

FLAGS = {f.code: f for f in INDICATORS}


@pytest.mark.parametrize("case", [pytest.param(c, id=f"{c.code}-{c.name}") for c in harness.all_cases()])
def test_case(case: Case) -> None:
    flag = FLAGS[case.code]
    book = harness.lay(case)
    assert book.missing(flag.needs) == (), "the case lacks what the flag needs, so its silence would show nothing"
    found = harness.fired(flag, book)
    assert found == harness.subjects(case.fires, case)
    assert not found & harness.subjects(case.silent, case)
