"""The schema as great-expectations suites, run on pandas batches; the only importer of great-expectations.

Values stay out of its results three times over: it is handed only the columns that it judges, and no personal one among them;
``exclude_unexpected_values`` is set; and only counts are copied from what it returns.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, TypeAlias

import pandas as pd

from features.schema import Column, Table, tables
from pipelines.contracts import marks

RESULTS: Mapping[str, Any] = {"result_format": "BASIC", "exclude_unexpected_values": True}
Expectation: TypeAlias = Any


@dataclass(frozen=True)
class Verdict:
    """One expectation on one batch or, summed, on a delivery.

    Attributes
    ----------
    rule : str
        ``expectation:column``.
    severity : str
        ``critical`` refuses the delivery, ``warning`` is only told.
    failed : int
        Rows that do not meet it.
    success : bool
        With the tolerance of the expectation.
    """

    rule: str
    severity: str
    failed: int
    success: bool


def judged(table: Table) -> tuple[str, ...]:
    """Columns that the suite looks at: keys, coded, ranged, and pairs of dates; never one that becomes a token."""
    paired = {n for pair in _pairs(table) for n in pair}
    return tuple(c.name for c in table.source_columns if not c.token and (c.required or c.values or _ranged(c) or c.name in paired))


def present(table: Table) -> frozenset[str]:
    """Of the columns of ``judged`` those of which the suite asks nothing but a value."""
    paired = {n for pair in _pairs(table) for n in pair}
    return frozenset(n for n in judged(table) if not (table.by_column[n].values or _ranged(table.by_column[n]) or n in paired))


def judge(table: Table, batch: pd.DataFrame, tolerance: float) -> tuple[Verdict, ...]:
    """Run the table's suite on one batch.

    Parameters
    ----------
    table : features.schema.Table
        Which suite.
    batch : DataFrame
        The columns of ``judged``, typed; codes as delivered; money as float; of ``present`` any value for a value.
    tolerance : float
        Share of rows that may fail a critical expectation.
    """
    result = _definition().get_batch({"dataframe": batch}).validate(_suite(table.name, tolerance), result_format=dict(RESULTS))
    return tuple(_verdict(r) for r in result.results)


def total(verdicts: Iterable[Verdict]) -> tuple[Verdict, ...]:
    """Verdicts of several batches summed by rule, in order of rule."""
    found: dict[str, Verdict] = {}
    for v in verdicts:
        old = found.get(v.rule, Verdict(v.rule, v.severity, 0, True))
        found[v.rule] = Verdict(v.rule, v.severity, old.failed + v.failed, old.success and v.success)
    return tuple(found[rule] for rule in sorted(found))


@cache
def _suite(name: str, tolerance: float) -> Any:
    gx, table = _gx(), tables()[name]
    suite = gx.ExpectationSuite(name=f"{name} at {tolerance}")
    suite.expectations = expectations(table, tolerance)
    return suite


def expectations(table: Table, tolerance: float) -> list[Expectation]:
    """The table's declaration as expectations: critical for keys, warning for what is only implausible."""
    gx = _gx().expectations
    found: list[Expectation] = [gx.ExpectTableColumnsToMatchSet(column_set=list(judged(table)), exact_match=False, severity="critical")]
    for column in (c for c in table.source_columns if c.name in judged(table)):
        found += _of_column(gx, column, 1 - tolerance)
    options = {"or_equal": True, "ignore_row_if": "either_value_is_missing", "severity": "warning"}
    found += [gx.ExpectColumnPairValuesAToBeGreaterThanB(column_A=b, column_B=a, **options) for a, b in _pairs(table)]
    return found


def _of_column(gx: Any, column: Column, mostly: float) -> list[Expectation]:
    severity = "critical" if column.required else "warning"
    found: list[Expectation] = []
    if column.required:
        found.append(gx.ExpectColumnValuesToNotBeNull(column=column.name, mostly=mostly, severity=severity))
    if column.values:
        share = mostly if column.required else 1
        found.append(gx.ExpectColumnValuesToBeInSet(column=column.name, value_set=list(column.values), mostly=share, severity=severity))
    if _ranged(column):
        limits = {"min_value": column.low, "max_value": column.high}
        found.append(gx.ExpectColumnValuesToBeBetween(column=column.name, severity="warning", **limits))
    return found


def _pairs(table: Table) -> list[tuple[str, str]]:
    return [p for p in marks.pairs(table) if not any(table.by_column[n].pii for n in p)]


def _ranged(column: Column) -> bool:
    return column.low is not None or column.high is not None


def _verdict(result: Any) -> Verdict:
    config = result.expectation_config
    kwargs = config.kwargs
    on = kwargs.get("column") or (f"{kwargs['column_B']}<={kwargs['column_A']}" if "column_A" in kwargs else "table")
    if result.exception_info.get("raised_exception"):
        return Verdict(f"{config.type}:{on}", "critical", 0, False)
    severity = getattr(config.severity, "value", config.severity)
    return Verdict(f"{config.type}:{on}", str(severity), int(result.result.get("unexpected_count", 0)), bool(result.success))


@cache
def _gx() -> Any:
    """great-expectations, imported late (seconds), with its analytics and progress bars off."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations

    logging.getLogger("great_expectations").setLevel(logging.ERROR)
    return great_expectations


@cache
def _definition() -> Any:
    gx = _gx()
    context = gx.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = gx.data_context.types.base.ProgressBarsConfig(globally=False, metric_calculations=False)
    source = context.data_sources.add_pandas("gate")
    return source.add_dataframe_asset("batch").add_batch_definition_whole_dataframe("whole")
