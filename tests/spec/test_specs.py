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


def test_a_garage_with_its_own_customers_names_the_busiest_hand() -> None:
    case = next(c for c in harness.all_cases() if c.code == "M09")
    book = harness.lay(case)
    found = FLAGS["M09"].find(book).to_pandas()
    (reporter,) = harness.subjects(["A:r1"], case)
    assert set(found.detail) == {f"reporter {reporter}"} and set(found.value) == {8.0} and len(found) == 8
