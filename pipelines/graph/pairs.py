"""Which kinds of party may be in league, where their meetings are read, and what is not counted as one."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from features.spine import kind_of
from pipelines.config import Links
from pipelines.engine.keeping import kept
from pipelines.errors import UsageError

STRATA = ("line", "insurer", "area", "county", "place", "site")
"""Columns that strata may be made of: of the home, ``area`` is the prefecture, ``county`` the county, ``place`` all that is known;
``site`` is where it happened."""
AREA, COUNTY = 4, 6
"""Leading digits of an administrative code."""


@dataclass(frozen=True)
class Pair:
    """Two kinds of party that may be in league.

    Attributes
    ----------
    a, b : str
        Names of the kinds.
    a_column, b_column : str
        Columns of the prepared claims (:func:`prepared`).
    unit : str
        What counts once per pair: the household, or the vehicle where one of the two is its owner.
    stranger : str
        The family of the party in this column must not be the claim's own: reporting for oneself is no link.
    strata : tuple of str
        Columns from coarse to fine within which the two are taken to be independent.
    away : bool
        Only who is treated outside the home county counts: at home the nearest hospital needs no other reason.
    occasions : bool
        No more units count than weeks in which they met: neighbours who come in one bus are one occasion.
    least : int
        Fewer units in common make no link.
    """

    a: str
    b: str
    a_column: str
    b_column: str
    unit: str = "household"
    stranger: str = ""
    strata: tuple[str, ...] = ()
    away: bool = False
    occasions: bool = False
    least: int = 3

    @property
    def name(self) -> str:
        """As the configuration names it."""
        return f"{self.a}-{self.b}"

    @property
    def met_in_accidents(self) -> bool:
        """Two persons of different claims or roles, not two columns of one claim: see :mod:`pipelines.graph.accidents`."""
        return not self.a_column


HOME = ("line", "area", "place")
# Garages, assessors, appraisers and lawyers work where crashes happen, which is not always where people live.
SITE = ("line", "site")


def _pair(a: str, b: str, unit: str = "household", stranger: str = "", strata: tuple[str, ...] = HOME) -> Pair:
    return Pair(a, b, f"{a}_id", f"{b}_id", unit, stranger, strata)


PAIRS = (
    _pair("agent", "hospital"),
    _pair("agency", "hospital"),
    _pair("agent", "doctor"),
    _pair("agent", "garage"),
    _pair("agent", "payee", stranger="payee_id"),
    _pair("garage", "reporter", stranger="reporter_id", strata=SITE),
    Pair("garage", "phone", "garage_id", "reporter_phone", strata=SITE),
    _pair("garage", "owner", unit="vehicle_id", strata=SITE),
    # An assessor sees his own insurer's claims only, and insurers steer repairs, so chance is reckoned within the insurer.
    Pair("assessor", "garage", "assessor_id", "garage_id", strata=("line", "insurer", "site")),
    _pair("appraiser", "lawyer", strata=SITE),
    _pair("appraiser", "proxy", strata=SITE),
    _pair("hospital", "employer"),
    _pair("doctor", "employer"),
    _pair("doctor", "lawyer", strata=SITE),
    _pair("garage", "lawyer", strata=SITE),
    # The village is the finest place there is, so chance is reckoned within the prefecture.
    Pair("hospital", "village", "hospital_id", "village", strata=("line", "area"), away=True, occasions=True, least=5),
    Pair("person", "person", "", "", "event_id", strata=SITE, least=2),
)


def chosen(rules: Links) -> tuple[Pair, ...]:
    """The kinds of pair that the configuration leaves on, with its strata and least counts.

    Raises
    ------
    UsageError
        If it names a kind of pair, or a column of a stratum, that there is not, or leaves no kind.
    """
    for name in (*rules.strata, *rules.leasts, *rules.disabled):
        _known(name, tuple(p.name for p in PAIRS), "kind of pair")
    for column in (c for strata in rules.strata.values() for c in strata):
        _known(column, STRATA, "column of a stratum")
    on = [p for p in PAIRS if p.name not in rules.disabled]
    if not on:
        raise UsageError("every kind of pair is disabled", "[links] of the configuration", "leave at least one")
    return tuple(
        dataclasses.replace(p, strata=rules.strata.get(p.name) or p.strata, least=max(1, rules.leasts.get(p.name, p.least))) for p in on
    )


def _known(name: str, allowed: tuple[str, ...], what: str) -> None:
    if name not in allowed:
        raise UsageError(f"'{name}' is no {what}", "[links] of the configuration", f"choose from {', '.join(allowed)}")


def prepared(tables: Mapping[str, ir.Table], pairs: tuple[Pair, ...], rules: Links) -> ir.Table:
    """Claims, narrowed to what the pairs use.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        With ``claim_view`` and ``entities``.
    pairs : tuple of Pair
    rules : Links
        What is exempt.

    Returns
    -------
    ibis Table
        claim_id, event_id, amount, event_at, ``household`` (a group policy is one, and so is a family), ``family_id``,
        the columns of the pairs, ``village``, ``agency_id``, ``hospital_county``, the columns of ``STRATA``, and ``<stranger>_family``.
    """
    view = tables["claim_view"]
    told = {c for p in pairs for c in (p.a_column, p.b_column)} - {"", "village", "agency_id"}
    place = ibis.coalesce(view.home_district, view.district, "?")
    places = {"place": place, "area": place.substr(0, AREA), "county": place.substr(0, COUNTY), "site": ibis.coalesce(view.district, place)}
    homes = {"family_id": view.family_id if rules.families else ibis.coalesce(view.person_id, view.claim_id)}
    group = view.group_id if rules.groups else ibis.null("string")
    narrow = view.select(
        *sorted(told | {"claim_id", "event_id", "amount", "event_at", "vehicle_id", "agent_id", "hospital_id", "doctor_id", "owner_id"}),
        **homes, **places, line=view.line.fill_null("?"), insurer=view.insurer.fill_null("?"),
        hospital_county=view.hospital_district.substr(0, COUNTY), village="village:" + view.home_district,
        household=ibis.coalesce(group, homes["family_id"]),
    )  # fmt: skip
    claims = _exempted(narrow, tables["entities"], rules)
    for column in sorted({p.stranger for p in pairs} - {""}):
        claims = _looked_up(claims, tables["entities"], column, {f"{column}_family": "family_id"})
    if any(p.a_column == "agency_id" for p in pairs):
        claims = _looked_up(claims, tables["entities"], "agent_id", {"agency_id": "parent_entity"})
    return kept(claims)


def _exempted(claims: ir.Table, entities: ir.Table, rules: Links) -> ir.Table:
    """Blank out who needs no other reason: fleets as owners, and the only hospital of a county for those who live there."""
    if rules.fleets:
        claims = claims.mutate(owner_id=ibis.cases((kind_of(claims.owner_id) == "person", claims.owner_id)))
    if not rules.only_hospital:
        return claims
    hospitals = entities.filter(entities.kind == "hospital", entities.district.notnull())
    by_county = hospitals.group_by(county=hospitals.district.substr(0, COUNTY)).agg(n=hospitals.count())
    near = claims.hospital_county == claims.county
    where_else = (near & claims.hospital_county.isin(by_county.filter(by_county.n == 1).county)).fill_null(False)
    return claims.mutate(**{c: ibis.cases((~where_else, claims[c])) for c in ("hospital_id", "doctor_id")})


def _looked_up(claims: ir.Table, entities: ir.Table, column: str, wanted: Mapping[str, str]) -> ir.Table:
    """Add columns of the entity that stands in ``column``."""
    of = entities.select(key="entity_id", **wanted)
    return claims.left_join(of, claims[column] == of.key).drop("key")


def sides(claims: ir.Table, pair: Pair) -> ir.Table:
    """Claims with their two parties ``a`` and ``b``, the ``unit`` that counts, and the strata ``s0``, ``s1``, ... from coarse to fine."""
    # A garage that reports its customers' crashes is no pair, nor is who reports for his own family.
    other = claims[pair.b_column].nullif(claims[pair.a_column])
    if pair.stranger:
        own = claims[f"{pair.stranger}_family"] == claims.family_id
        other = ibis.ifelse(own.fill_null(False), ibis.null("string"), other)
    strata = {f"s{depth}": claims[column] for depth, column in enumerate(pair.strata)}
    made = {"a": claims[pair.a_column], "b": other, "unit": claims[pair.unit]}
    rows = claims.filter(claims.hospital_county != claims.county) if pair.away else claims
    return rows.select("claim_id", "amount", "event_at", **made, **strata).filter(lambda t: t.unit.notnull())
