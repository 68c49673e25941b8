"""Overlap: which red flags of one subject rest on the same evidence, so that it is not counted twice."""

from __future__ import annotations

import pandas as pd

from models.scorecard import SUBJECT
from pipelines.leads.inputs import Given, collected, relation

SHARE = 0.5
"""Two flags rest on the same evidence from this share of the smaller one's rows."""


def overlaps(given: Given) -> pd.DataFrame:
    """Pairs of red flags of one subject that rest on the same rows.

    A row that is the subject itself proves nothing in common: two flags on one claim read different fields of it.

    Parameters
    ----------
    given : mapping of str to table
        ``findings``.

    Returns
    -------
    DataFrame
        subject_kind, subject_id, code, other (code < other).
    """
    found = relation(given, "findings")
    if found is None:
        return pd.DataFrame(columns=[*SUBJECT, "code", "other"])
    row = [*SUBJECT, "evidence_table", "evidence_key"]
    rows = found.filter(found.evidence_key != found.subject_id).select(*row, "code").distinct()
    sizes = rows.group_by(*SUBJECT, "code").agg(size=rows.count())
    both = rows.inner_join(rows.select(*row, other="code"), row).filter(lambda t: t.code < t.other)
    common = both.group_by(*SUBJECT, "code", "other").agg(common=both.count())
    of_other = sizes.select(*SUBJECT, other="code", other_size="size")
    sized = common.inner_join(sizes, [*SUBJECT, "code"]).inner_join(of_other, [*SUBJECT, "other"])
    least = (sized["size"] < sized.other_size).ifelse(sized["size"], sized.other_size)
    pairs = collected(sized.filter(sized.common >= SHARE * least).select(*SUBJECT, "code", "other"))
    return pairs.sort_values([*SUBJECT, "code", "other"], ignore_index=True)
