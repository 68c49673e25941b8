import pandas as pd

from pipelines.leads.overlap import overlaps


def pairs(*rows: tuple[str, str, str]) -> list[tuple[str, str, str]]:
    found = pd.DataFrame(rows, columns=["subject_id", "code", "evidence_key"])
    found = overlaps({"findings": found.assign(subject_kind="hospital", evidence_table="claims")})
    return list(found[["subject_id", "code", "other"]].itertuples(index=False, name=None))


def test_half_of_the_smaller_ones_rows_is_the_same_evidence():
    assert pairs(("h", "H02", "1"), ("h", "H02", "2"), ("h", "N05", "2"), ("h", "N05", "3"), ("h", "N05", "4")) == [("h", "H02", "N05")]


def test_less_and_other_subjects_are_not():
    rows = [("h", "H02", "1"), ("h", "H02", "2"), ("h", "H02", "3"), ("h", "N05", "3"), ("h", "N05", "4"), ("h", "N05", "5")]
    assert pairs(*rows) == []
    assert pairs(("h", "H02", "1"), ("k", "N05", "1")) == []


def test_the_subject_itself_is_no_common_evidence():
    assert pairs(("c1", "H01", "c1"), ("c1", "H11", "c1")) == []
