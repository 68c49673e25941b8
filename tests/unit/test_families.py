import sys

import numpy as np
import pandas as pd
import pytest
import skops.io
from skops.io.exceptions import UntrustedTypesFoundException

from models.boosting import MissingLibrary, boosted, load
from models.families import Forest, usable
from pipelines.flows.doctor import report
from pipelines.graph.rings import SCHEMAS, _nothing


class Stranger:
    """A type that no stored forest may hold."""


def test_a_forest_of_other_types_is_not_loaded(tmp_path):
    skops.io.dump(Stranger(), tmp_path / "forest.skops")
    (tmp_path / "forest.json").write_text("{}")
    with pytest.raises(UntrustedTypesFoundException):
        Forest().load(tmp_path)


def test_a_missing_system_library_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingLibrary, match="apt-get install libgomp1"):
        load()
    assert any(line.startswith("missing") and "libgomp1" in line for line in report(None, tmp_path))


def test_more_of_a_rising_column_is_never_less_suspicious():
    rng = np.random.default_rng(0)
    matrix = pd.DataFrame({"flags": rng.integers(0, 4, 400), "x": rng.normal(size=400)}).astype("float32")
    falling = (rng.random(400) < 0.6 - 0.15 * matrix["flags"]).astype(int).to_numpy()
    model = boosted(matrix, falling, ["flags"], 1)
    ladder = np.column_stack((np.arange(4), np.zeros(4))).astype("float32")
    assert (np.diff(model.predict(ladder, raw_score=True)) >= 0).all()


def test_large_trees_want_many_proven_cases():
    few, many = np.r_[np.ones(50), np.zeros(500)], np.r_[np.ones(400), np.zeros(500)]
    assert usable(("logistic", "deep"), few) == ("logistic",)
    assert usable(("logistic", "deep"), many) == ("logistic", "deep")


def test_a_book_without_rings_has_all_their_tables():
    made = _nothing(None)
    assert set(made) == set(SCHEMAS)
    assert all(table.count().execute() == 0 for table in made.values())
