"""Where meetings are read: the claims, and the accidents, as narrow tables of numbers.

Ids, households and places are numbered once; grouping by numbers takes a quarter of the time and memory of grouping by ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.spine import kind_of
from pipelines.config import Links
from pipelines.engine.keeping import kept
from pipelines.graph.pairs import Pair

AREA, COUNTY = 4, 6
"""Leading digits of an administrative code."""
CELL = ("line", "insurer", "place", "site")
"""What strata are made of; prefecture and county are the beginnings of the place."""


@dataclass(frozen=True)
class Frame:
    """Kinds of pair that are counted by the same unit within the same strata.

    Attributes
    ----------
    pairs : dict of int to Pair
        By their number among all.
    rows : ibis Table
        ``key`` (claim or event id), ``amount``, ``event_at``; and as numbers ``unit``, ``stratum`` and the columns of the parties.
    """

    pairs: dict[int, Pair]
    rows: ir.Table

    @property
    def columns(self) -> list[str]:
        """Of all parties."""
        return sorted({c for p in self.pairs.values() for c in (p.a_column, p.b_column)})


def claim_frames(tables: Mapping[str, ir.Table], pairs: dict[int, Pair], rules: Links) -> tuple[list[Frame], dict[str, ir.Table]]:
    """Frames of the claims, and what the numbers in their columns stand for.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``claim_view`` and ``entities``.
    pairs : dict of int to Pair
    rules : Links
        What is exempt, and what is thin.

    Returns
    -------
    frames : list of Frame
    names : dict of str to ibis Table
        Per column of a party: n, id.
    """
    base = _base(tables["claim_view"], tuple(pairs.values()), rules)
    alike: dict[tuple[str, tuple[str, ...], bool], dict[int, Pair]] = {}
    for number, pair in pairs.items():
        alike.setdefault((pair.unit, pair.strata, pair.away), {})[number] = pair
    cells = strata_of(base, [(unit, strata) for unit, strata, _ in alike], rules.thin)
    told = _told(base, tables["entities"], tuple(pairs.values()), rules)
    names = _names(base, tables["entities"], sorted({c for p in pairs.values() for c in (p.a_column, p.b_column, p.unit)}))
    claims = _numbered(told, names, cells)
    return [_frame(claims, some, place) for place, some in enumerate(alike.values())], names


def _names(base: ir.Table, entities: ir.Table, columns: list[str]) -> dict[str, ir.Table]:
    """Per column each of its values (``id``) with a number of its own (``n``)."""
    values = {c: base.select(id=c) for c in columns if c != "agency_id"}
    if "agency_id" in columns:
        values["agency_id"] = entities.select(id="parent_entity")
    parts = [values[c].mutate(of=ibis.literal(place, "int8")) for place, c in enumerate(columns)]
    every = ibis.union(*parts) if len(parts) > 1 else parts[0]
    known = kept(every.filter(every.id.notnull()).distinct().mutate(n=ibis.row_number().cast("int32")))
    return {c: known.filter(known.of == place).select("id", "n") for place, c in enumerate(columns)}


def _numbered(told: ir.Table, names: Mapping[str, ir.Table], cells: ir.Table) -> ir.Table:
    """Claims with numbers in place of ids, and the strata of their cells."""
    joined = told.inner_join(cells, CELL)
    views = {c: known.view() for c, known in names.items()}
    for column, known in views.items():
        joined = joined.left_join(known, told[column] == known.id, rname=f"{column}_{{name}}")
    strata = [c for c in cells.columns if c not in CELL]
    return kept(joined.select("claim_id", "amount", "event_at", "away", *strata, **{f"number_{c}": v.n for c, v in views.items()}))


def _frame(claims: ir.Table, pairs: dict[int, Pair], place: int) -> Frame:
    first = next(iter(pairs.values()))
    columns = {c: claims[f"number_{c}"] for c in sorted({c for p in pairs.values() for c in (p.a_column, p.b_column)})}
    rows = claims.filter(claims.away) if first.away else claims
    told = rows.select("amount", "event_at", key="claim_id", stratum=f"stratum_{place}", unit=f"number_{first.unit}", **columns)
    return Frame(pairs, told.filter(told.unit.notnull(), ibis.or_(*(told[c].notnull() for c in columns))))


def strata_of(base: ir.Table, wanted: list[tuple[str, tuple[str, ...]]], thin: int) -> ir.Table:
    """Cells with ``stratum_0``, ``stratum_1``, ... for each unit and strata: the finest stratum that is not thin, as a number.

    Parameters
    ----------
    base : ibis Table
        With the columns of ``CELL`` and the units.
    wanted : list of (unit, strata)
        Strata from coarse to fine.
    thin : int
        Fewer units are too few; 0 keeps the finest.
    """
    cells = base.select(*CELL).distinct()
    full = cells.mutate(area=cells.place.substr(0, AREA), county=cells.place.substr(0, COUNTY))
    for place, (unit, strata) in enumerate(wanted):
        full = _chosen(full, base, (unit, strata), thin).rename({f"chosen_{place}": "chosen"})
    ranks = {f"stratum_{i}": ibis.dense_rank().over(order_by=full[f"chosen_{i}"]).cast("int32") for i in range(len(wanted))}
    return kept(full.select(*CELL, **ranks))


def _chosen(cells: ir.Table, base: ir.Table, wanted: tuple[str, tuple[str, ...]], thin: int) -> ir.Table:
    """Add ``chosen``, the name of the stratum."""
    unit, strata = wanted
    names = {depth: ibis.literal("|").join([cells[s] for s in strata[:depth]]) for depth in range(1, len(strata) + 1)}
    if not thin or len(strata) == 1:
        return cells.mutate(chosen=names[len(strata)])
    columns = cells.columns
    cells = cells.mutate(**{f"k{depth}": name for depth, name in names.items()})
    homes = base.select(*CELL, unit=unit).distinct().inner_join(cells, CELL)
    for depth in range(2, len(strata) + 1):
        units = homes.group_by(f"k{depth}").agg(**{f"n{depth}": homes.unit.nunique()})
        cells = cells.inner_join(units, f"k{depth}")
    fine_first = range(len(strata), 1, -1)
    chosen = ibis.cases(*((cells[f"n{d}"] >= thin, cells[f"k{d}"]) for d in fine_first), else_=cells.k1)
    return kept(cells.select(*columns, chosen=chosen))


def _base(view: ir.Table, pairs: tuple[Pair, ...], rules: Links) -> ir.Table:
    """Claims with the ids of the parties, their units, the columns of ``CELL``, and whether treated away from home."""
    place = ibis.coalesce(view.home_district, view.district, "?")
    home = view.family_id if rules.families else ibis.coalesce(view.person_id, view.claim_id)
    group = view.group_id if rules.groups else ibis.null("string")
    parties = {c: view[c] for p in pairs for c in (p.a_column, p.b_column) if c in view.columns}
    needed = {c: view[c] for c in ("claim_id", "amount", "event_at", "vehicle_id", "agent_id", "hospital_id", "doctor_id", "owner_id")}
    county = view.hospital_district.substr(0, COUNTY)
    return view.select(
        **{**parties, **needed}, line=view.line.fill_null("?"), insurer=view.insurer.fill_null("?"), place=place,
        site=ibis.coalesce(view.district, place), village="village:" + view.home_district, home=home,
        household=ibis.coalesce(group, home), away=(county != place.substr(0, COUNTY)).fill_null(False), hospital_county=county,
    )  # fmt: skip


def _told(base: ir.Table, entities: ir.Table, pairs: tuple[Pair, ...], rules: Links) -> ir.Table:
    """The base with agencies, and without the parties that do not count."""
    told = _exempted(base, entities, rules)
    for pair in (p for p in pairs if p.stranger):
        told = _strangers(told, entities, pair)
    if any(p.a_column == "agency_id" for p in pairs):
        agents = entities.filter(entities.parent_entity.notnull(), entities.kind == "agent")
        agencies = agents.select(key="entity_id", agency_id="parent_entity")
        told = told.left_join(agencies, told.agent_id == agencies.key).drop("key")
    return told


def _exempted(told: ir.Table, entities: ir.Table, rules: Links) -> ir.Table:
    """Blank out who needs no other reason: fleets as owners, and the only hospital of a county for those who live there."""
    if rules.fleets:
        told = told.mutate(owner_id=ibis.cases((kind_of(told.owner_id) == "person", told.owner_id)))
    if not rules.only_hospital:
        return told
    hospitals = entities.filter(entities.kind == "hospital", entities.district.notnull())
    by_county = hospitals.group_by(county=hospitals.district.substr(0, COUNTY)).agg(n=hospitals.count())
    where_else = (~told.away & told.hospital_county.isin(by_county.filter(by_county.n == 1).county)).fill_null(False)
    return told.mutate(**{c: ibis.cases((~where_else, told[c])) for c in ("hospital_id", "doctor_id")})


def _strangers(told: ir.Table, entities: ir.Table, pair: Pair) -> ir.Table:
    """Blank out who reports, or collects, for his own family; and a garage that reports its customers' crashes."""
    column = pair.b_column
    families = entities.filter(entities.family_id.notnull()).select(key="entity_id", stranger="family_id")
    known = told.left_join(families, told[column] == families.key)
    own = ((known.stranger == known.home) | (known[column] == known[pair.a_column])).fill_null(False)
    return known.mutate(**{column: ibis.cases((~own, known[column]))}).drop("key", "stranger")
