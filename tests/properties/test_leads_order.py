"""The order in which rows come in changes nothing that goes out."""

from datetime import date

import pandas as pd
import pytest

from pipelines.config import Scoring, Settings
from pipelines.leads import run
from tests.unit.leads_book import book

SETTINGS = Settings(scoring=Scoring(trees=20))


@pytest.mark.parametrize("seed", range(4))
def test_row_order_of_inputs_does_not_change_outputs(seed):
    given = book(seed=seed)
    shuffled = {name: table.sample(frac=1, random_state=seed + 10, ignore_index=True) for name, table in given.items()}
    plain, again = (run(tables, SETTINGS, ("key", date(2026, 1, 1))) for tables in (given, shuffled))
    for name, table in plain.items():
        pd.testing.assert_frame_equal(table, again[name], obj=name)
