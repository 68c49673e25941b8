"""The final matrix: features and numeric facts of one kind of subject, one row each, ready for the estimators."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines.leads.inputs import Given, collected, relation

FEATURE_TABLES = ("features_claim", "features_person", "features_agent", "features_provider")
_KEYS = frozenset({"subject_kind", "subject_id", "as_of"})
LOW_SIDE = ("policy_age_days", "mean_policy_age_days", "days_to_end", "days_since_previous", "days_to_claim", "days_to_surrender")
"""Features of which small values are the suspicious ones."""
NEUTRAL = frozenset({"days_since_sale", "claim_span_days", "amount"})
"""Features without a suspicious side, and those that repeat another in a different unit."""
YARDSTICKS = ("fact_headcount", "fact_insured_headcount", "fact_insured_area")
"""Facts by which red flags divide: they say how large a subject is, and to be large is not odd."""
LEAST = 50
"""Fewer subjects of a kind than this have no ordinary behaviour to stand out from."""


def kinds(given: Given) -> list[str]:
    """Kinds of subject that have features or numeric facts, in order."""
    found: set[str] = set()
    for name in (*FEATURE_TABLES, "facts"):
        table = relation(given, name)
        if table is not None:
            found |= set(collected(table.select("subject_kind").distinct())["subject_kind"].dropna())
    return sorted(found)


def matrix(given: Given, kind: str, tables: tuple[str, ...] = FEATURE_TABLES) -> pd.DataFrame:
    """Numeric columns, ``by_*`` peer keys and ``line`` of every subject of a kind; index ``subject_id``, in order of it.

    Facts with a number are widened to ``fact_<name>`` columns, so that a source which knows only aggregates is scored too.
    """
    parts = [p for p in (*(_features(given, n, kind) for n in tables), _facts(given, kind)) if p is not None]
    if not parts:
        return pd.DataFrame(index=pd.Index([], name="subject_id"))
    wide = parts[0] if len(parts) == 1 else pd.concat(parts, axis=1)
    wide.index.name = "subject_id"
    return wide.sort_index().dropna(axis=1, how="all")


def behaviour(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns of a matrix in which a subject can be odd: all but ``YARDSTICKS``, which models learnt from verdicts may read."""
    return frame.drop(columns=[c for c in YARDSTICKS if c in frame.columns])


def _features(given: Given, name: str, kind: str) -> pd.DataFrame | None:
    table = relation(given, name)
    if table is None:
        return None
    wanted = [c for c in table.columns if c not in _KEYS | NEUTRAL and (_numeric(table, c) or c.startswith("by_") or c == "line")]
    numbers = {c: table[c].cast("float32") for c in wanted if _numeric(table, c)}
    picked = table.filter(table.subject_kind == kind).select("subject_id", *(c for c in wanted if c not in numbers), **numbers)
    rows = collected(picked)
    return None if rows.empty else rows.drop_duplicates("subject_id").set_index("subject_id")


def _facts(given: Given, kind: str) -> pd.DataFrame | None:
    facts = relation(given, "facts")
    if facts is None:
        return None
    subject = facts.entity.fill_null(facts.subject_id) if "entity" in facts.columns else facts.subject_id
    known = facts.mutate(subject=subject).filter((facts.subject_kind == kind) & facts.value.notnull())
    names = sorted(collected(known.select("name").distinct())["name"])
    if not names:
        return None
    columns = {f"fact_{n}": known.value.max(where=known.name == n).cast("float32") for n in names}
    return collected(known.group_by(subject_id=known.subject).agg(**columns)).set_index("subject_id")


def _numeric(table: ir.Table, column: str) -> bool:
    kind = ibis.dtype(table.schema()[column])
    return bool(kind.is_numeric() or kind.is_boolean())
