import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd
import pytest

from models.reliability import gap, reliability, wilson
from pipelines.report.reliability import Plot


def said(n: int = 4000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(3)
    odds = rng.normal(-1.5, 1.2, n)
    return (rng.random(n) < 1 / (1 + np.exp(-odds))).astype(int), odds


def test_true_probabilities_lie_within_the_interval_nine_times_in_ten():
    truth, odds = said()
    table = reliability(truth, odds)
    assert len(table) == 10 and table["subjects"].sum() == len(truth)
    assert table["said"].between(table["low"], table["high"]).sum() >= 7
    assert gap(table) < 0.02 < gap(reliability(truth, odds + 1.0))


def test_few_subjects_make_few_groups_and_none_none():
    truth, odds = said(35)
    assert len(reliability(truth, odds)) == 3
    assert reliability(truth[:5], odds[:5]).empty


def test_wilson_is_wider_for_fewer():
    assert wilson(1, 10)[1] > wilson(10, 100)[1] > 0.1 > wilson(10, 100)[0] > wilson(1, 10)[0] >= 0


def test_the_picture_has_a_point_for_each_group_on_its_height(tmp_path):
    table = pd.DataFrame({"subjects": [10, 10], "said": [0.1, 0.4], "proven": [0.2, 0.4], "low": [0.1, 0.2], "high": [0.3, 0.5]})
    Plot(table).save(tmp_path)
    root = ET.fromstring((tmp_path / "reliability.svg").read_text(encoding="utf-8"))
    points = [(float(c.get("cx")), float(c.get("cy"))) for c in root.iter("{http://www.w3.org/2000/svg}circle")]
    axis = next(e for e in root.iter("{http://www.w3.org/2000/svg}line") if e.get("class") == "true")
    slope = (float(axis.get("y2")) - float(axis.get("y1"))) / (float(axis.get("x2")) - float(axis.get("x1")))
    on = [float(axis.get("y1")) + slope * (x - float(axis.get("x1"))) for x, _ in points]
    assert points[1][1] == pytest.approx(on[1], abs=0.2) and points[0][1] < on[0]
    Plot(table.head(0)).save(tmp_path / "none")
    assert not (tmp_path / "none").exists()
