"""Accidents at one place at one time: claims within an hour of each other in a district whose places say the same in other words.

Places are personal data; as in ``forms``, they are looked up in the vault, in memory, and only pairs of claims are handed on. A place that
the vault does not hold is compared by its token alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import ibis
import ibis.expr.types as ir
import pandas as pd
import pyarrow as pa

from pipelines.engine.keeping import kept
from pipelines.resolve.accounts import INJURY
from pipelines.resolve.addresses import parse
from pipelines.resolve.compare import COLUMNS, SAME, address_similarity
from pipelines.resolve.components import HUB

if TYPE_CHECKING:
    from pipelines.engine import Engine

APART = 3600
"""Seconds between two reports of one accident, at most."""
COARSE = ("road", "town")
"""What a place may name at its finest and still be anywhere along a road: two accidents there are not one."""
NEARBY = "(?:大?门前|大?门口|旁边?|处|路段)$"
"""What reports of accidents add to an address that is a place beside it."""


def placed(told: ir.Table, engine: Engine | None, vault: str) -> ir.Table:
    """Pairs of accidents whose places were compared.

    Parameters
    ----------
    told : ibis Table
        Of :func:`pipelines.resolve.accounts.accounts`.
    engine : Engine, optional
        Without it, only places with equal tokens are one.
    vault : str
        Query for token, column, value.

    Returns
    -------
    ibis Table
        n, root, level: ``place`` where both name one house, crossing, building or estate, ``road`` where they agree on the road and one of
        them says no more. Blocks are a district's hour; one of more than twice ``HUB`` claims is compared within equal
        tokens only. Cost: linear in the places compared and in pairs.
    """
    pairs = _candidates(told)
    if engine is None:
        return pairs.filter(pairs.place == pairs.other).select("n", "root", level=ibis.literal("place"))
    found = _compared(engine, pairs.to_pyarrow(), vault)
    return ibis.memtable(found)


def _candidates(told: ir.Table) -> ir.Table:
    """Pairs (n, root, place, other) of timed and placed accidents of a district within ``APART``."""
    accident = told.line.isin(("motor", "accident")) | (told.sort == INJURY)
    known = told.filter(accident.fill_null(False), told.place.notnull(), told.second.notnull())
    own = known.select("n", "second", "place", at=known.district.fill_null(""), hour=known.second // APART, late=ibis.literal(False))
    both = own.union(own.mutate(hour=own.hour + 1, late=ibis.literal(True)))
    sized = both.mutate(size=both.n.count().over(ibis.window(group_by=["at", "hour"])))
    crowded = (sized["size"] > 2 * HUB) | (sized["at"] == "")
    keyed = kept(sized.mutate(key=ibis.ifelse(crowded, sized.place, ibis.literal(""))))
    earlier = keyed.select("at", "hour", "key", other="place", root="n", since="second")
    joined = keyed.filter(~keyed.late).inner_join(earlier, ["at", "hour", "key"])
    near = joined.filter(joined.n != joined.root, (joined.second - joined.since).abs() <= APART)
    later = near.n > near.root
    places = {"place": ibis.ifelse(later, near.place, near.other), "other": ibis.ifelse(later, near.other, near.place)}
    return near.select(n=ibis.greatest(near.n, near.root), root=ibis.least(near.n, near.root), **places).distinct()


def _compared(engine: Engine, pairs: pa.Table, vault: str) -> pa.Table:
    connection = engine.cursor()
    connection.register("placed_pairs", pairs)
    tokens = "SELECT place AS token FROM placed_pairs UNION SELECT other FROM placed_pairs"
    raw = connection.sql(
        f"SELECT v.token, min(v.value) AS value FROM ({vault}) v SEMI JOIN ({tokens}) t USING (token) "
        "WHERE v.\"column\" = 'claims.place' GROUP BY v.token ORDER BY v.token"
    ).df()
    connection.register("placed_parts", _parsed(raw))
    found: pa.Table = connection.sql(_LEVELS).to_arrow_table()
    connection.close()
    return found


def _parsed(raw: pd.DataFrame) -> pd.DataFrame:
    parts = parse(raw["value"].astype("str").str.replace(NEARBY, "", regex=True)).add_prefix("address_")[[f"address_{c}" for c in COLUMNS]]
    return pd.concat([raw[["token"]].astype("str"), parts.astype({"address_road": "str", "address_number": "str"})], axis=1)


_NAMED = " AND ".join(f"{side}.address_finest NOT IN {COARSE}" for side in "lr")
_NUMBERS = "(l.address_number = r.address_number OR l.address_number = '' OR r.address_number = '')"
_LISTED = "(l.address_listed = r.address_listed OR l.address_listed = '' OR r.address_listed = '')"
_ROADS = f"l.address_road = r.address_road AND l.address_road <> '' AND {_LISTED}"
_LEVELS = f"""
    SELECT n, root, CASE WHEN l.token IS NULL OR r.token IS NULL THEN CASE WHEN place = other THEN 'place' END
        WHEN {_NAMED} AND {_NUMBERS} AND {address_similarity()} >= {SAME} THEN 'place'
        WHEN {_ROADS} AND NOT ({_NAMED}) THEN 'road' END AS level
    FROM placed_pairs p LEFT JOIN placed_parts l ON l.token = p.place LEFT JOIN placed_parts r ON r.token = p.other
    ORDER BY n, root"""
