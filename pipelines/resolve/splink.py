"""The only importer of Splink: it writes the SQL that compares and scores pairs found elsewhere, with a model trained elsewhere.

Of Splink the generators of SQL are used, not its ``Linker``: that one copies the forms once per side, counts term frequencies again, and
tells which level held only together with every value that was compared.
"""

from __future__ import annotations

import re
from typing import Any

import duckdb


def scored(connection: duckdb.DuckDBPyConnection, forms: str, pairs: str, settings: dict[str, Any], threshold: float | None = None) -> str:
    """Score pairs.

    Parameters
    ----------
    connection : duckdb connection
        Holds both tables.
    forms : str
        Table with ``n``, what the comparisons read, and ``tf_…`` for every column with term frequencies.
    pairs : str
        Table with join_key_l, join_key_r, match_key.
    settings : dict
        Of :func:`pipelines.resolve.model.settings`.
    threshold : float, optional
        Least weight in bits.

    Returns
    -------
    str
        Name of a table: match_weight, n_l, n_r, match_key, and per comparison gamma_…, mw_… and mw_tf_adj_…. The caller drops it.
    """
    steps = _steps(forms, dict(settings), threshold)
    named = [f"__splink__blocked_id_pairs AS (SELECT * FROM {pairs})", *(f"{s['output_table_name']} AS ({s['sql']})" for s in steps)]
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE link_scored AS WITH {', '.join(named)} SELECT * FROM {steps[-1]['output_table_name']}"
    )
    return "link_scored"


def _steps(forms: str, settings: dict[str, Any], threshold: float | None) -> list[dict[str, str]]:
    """Comparison and score, each a query with the name of its table."""
    from splink import SettingsCreator
    from splink.internals.comparison_vector_values import compute_comparison_vector_values_from_id_pairs_sqls
    from splink.internals.dialects import SplinkDialect
    from splink.internals.predict import predict_from_comparison_vectors_sqls

    pair_columns: dict[str, str] = settings.pop("pair_columns", {})
    made = SettingsCreator.from_path_or_dict(settings).get_settings("duckdb")
    columns = made.column_info_settings
    compared = compute_comparison_vector_values_from_id_pairs_sqls(
        [_shown(column, pair_columns) for column in made._columns_to_select_for_blocking],
        made._columns_to_select_for_comparison_vector_values,
        input_tablename_l=forms,
        input_tablename_r=forms,
        source_dataset_input_column=None,
        unique_id_input_column=columns.unique_id_input_column,
        link_type="dedupe_only",
        sql_dialect_str="duckdb",
    )
    weighed = predict_from_comparison_vectors_sqls(
        unique_id_input_columns=columns.unique_id_input_columns,
        core_model_settings=made.core_model_settings,
        sql_dialect=SplinkDialect.from_string("duckdb"),
        threshold_match_weight=threshold,
        retain_intermediate_calculation_columns=True,
        training_mode=True,
    )
    return [*compared, *weighed]


def _shown(column: str, pair_columns: dict[str, str]) -> str:
    """A column as Splink selects it of either side; a figure of the pair is worked out here, as selecting evaluates what repeats once."""
    found = re.fullmatch(r'"[lr]"\."(\w+)" AS "(\w+)"', column)
    if not found or found[1] not in pair_columns:
        return column
    return f'{pair_columns[found[1]] if found[2].endswith("_l") else "NULL"} AS "{found[2]}"'
