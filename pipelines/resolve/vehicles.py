"""What vehicles are joined by: a number that is none joins two records only where nothing else contradicts it.

The check digit is not asked: the same slip of the pen at two insurers is hardly chance.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pandas as pd

from pipelines.resolve.identity import files_of
from pipelines.resolve.serials import plates, vin_problem

if TYPE_CHECKING:
    from pipelines.engine import Engine


def doubted(objects: ir.Table, engine: Engine, files: Sequence[Path]) -> ir.Table:
    """Tokens of vehicle numbers that prove little, as the vault's raw values say.

    Parameters
    ----------
    objects : ibis Table
        The canonical table.
    engine : Engine
        Its connection does the work.
    files : sequence of Path
        Files of the vault with the objects in use.

    Returns
    -------
    ibis Table
        token, column (``vin`` or ``plate``): vehicle identification numbers that have not 17 places, and plates without a digit (新车).
        Only numbers on two records or more are looked at, as no other joins any. Cost: linear in these.
    """
    connection = engine.cursor()
    connection.register("link_objects", objects.select("vin", "plate").to_pyarrow())
    vins, marks = (connection.sql(_query(column, files_of(files))).df().astype("str") for column in ("vin", "plate"))
    connection.close()
    worn = plates(marks["value"])
    found = {"vin": vins[vin_problem(vins["value"]) == "length"], "plate": marks[worn["problem"].notna() & ~_numbered(worn["plate"])]}
    rows = pd.concat([frame[["token"]].assign(column=column) for column, frame in found.items()], ignore_index=True)
    return ibis.memtable(rows.astype("str"), schema={"token": "string", "column": "string"})


def _query(column: str, vault: str) -> str:
    shared = f"SELECT {column} AS token FROM link_objects WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"
    return (
        f"SELECT v.token, min(v.value) AS value FROM ({vault}) v SEMI JOIN ({shared}) s USING (token) "
        f"WHERE v.\"column\" = 'objects.{column}' GROUP BY v.token ORDER BY v.token"
    )


def _numbered(plate: pd.Series[str]) -> pd.Series[bool]:
    return plate.str.contains("[0-9]", na=False)
