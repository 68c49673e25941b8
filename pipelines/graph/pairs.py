"""Which kinds of party may be in league, what counts as one meeting, and within what they are taken to be independent."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from pipelines.config import Links
from pipelines.errors import UsageError

STRATA = ("line", "insurer", "area", "county", "place", "site")
"""Columns that strata may be made of: of the home, ``area`` is the prefecture, ``county`` the county, ``place`` all that is known;
``site`` is where it happened."""


@dataclass(frozen=True)
class Pair:
    """Two kinds of party that may be in league.

    Attributes
    ----------
    a, b : str
        Names of the kinds.
    a_column, b_column : str
        Columns of a frame (:mod:`pipelines.graph.frames`).
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
        """Two persons, not two columns of one claim: see :mod:`pipelines.graph.accidents`."""
        return self.unit == "event_id"


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
    Pair("person", "person", "person_a", "person_b", "event_id", strata=SITE, least=2),
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
