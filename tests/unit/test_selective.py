import numpy as np
import pandas as pd
import pytest

from benchmarks import selective
from models.supervised import Rows


def book() -> tuple[Rows, pd.Series, pd.Series]:
    """Subjects of whom the large ones are investigated: rows, their verdicts, the truth."""
    rng = np.random.default_rng(4)
    index = pd.Index([f"s{i:04}" for i in range(1200)], name="subject_id")
    frame = pd.DataFrame(rng.normal(size=(1200, 6)), index=index, columns=list("abcdef"))
    truth = pd.Series((rng.random(1200) < 1 / (1 + np.exp(2.0 - 1.5 * frame["a"] - frame["b"]))).astype(int), index=index)
    judged = rng.random(1200) < 1 / (1 + np.exp(1.5 - 2.0 * frame["b"].to_numpy()))
    return Rows(frame, pd.DataFrame(columns=["subject_id", "node", "kind"])), truth[judged], truth


def test_the_truth_of_the_judged_is_not_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selective, "DRAWS", 1)
    rows, known, truth = book()
    told = selective.compared(rows, known, truth)
    assert told == selective.compared(rows, known, truth.where(~truth.index.isin(known.index), 1 - truth))
    assert told["the judged as they are"]["auc"] > 0.75 and selective.chosen_by(rows, known) > 0.75


def test_equal_chances_to_be_judged_weigh_all_alike() -> None:
    rows, _, truth = book()
    values, known = rows.frame.to_numpy()[:, 2:], truth.to_numpy(dtype="float64")
    known[::2] = np.nan
    plain, weighted = (way(values, known) for way in (selective.as_they_are, selective.inverse_propensity))
    assert np.corrcoef(plain, weighted)[0, 1] > 0.97
