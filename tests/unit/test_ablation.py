import numpy as np
import pandas as pd

from benchmarks import ablation, left_out


def test_reasons_about_a_family_go_with_it():
    reasons = pd.DataFrame(
        [
            ("H02", "flag", "H", ""),
            ("M05", "flag", "M", ""),
            ("N05", "flag", "N", "H02"),
            ("N02", "flag", "N", "M05"),
            ("amount", "anomaly", "anomaly", "z=5"),
        ],
        columns=["code", "kind", "family", "detail"],
    )
    left = {way: set(kept["code"]) for way, kept in ablation.ways(reasons)}
    assert left["all"] == set(reasons["code"])
    assert left["no family H"] == {"M05", "N02", "amount"}  # what piles up of H02 says what H02 says
    assert left["no network"] == {"H02", "M05", "N05", "amount"}
    assert left["no red flags"] == {"amount"}
    assert left["no anomaly"] == set(reasons["code"]) - {"amount"}


def test_families_are_judged_together_without_each_and_alone():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(
        rng.normal(size=(300, 3)), columns=["a", "b", "c"], index=pd.Index([f"s{i:03}" for i in range(300)], name="subject_id")
    )
    frame.iloc[:9] += 5.0
    labels = pd.DataFrame({"subject_id": frame.index, "label": [1] * 9 + [0] * 291})
    rows = pd.DataFrame(ablation._ranked("person", frame, labels))
    names = rows["families"].tolist()
    assert len(names) == 7 and names[0] == "forest+tails+residuals" and names[-1] == "residuals"
    assert (rows["auc"] > 0.95).all() and (rows["positive"] == 9).all()
    assert ablation._ranked("person", frame, labels.assign(label=0)) == []
    told = left_out.section([{"detectors": rows.to_dict("records")}], {})
    assert "| simulated | person | forest+tails+residuals |" in told
