"""What each claim tells of what happened: when, where, to whom, with which vehicle, in which hospital; one row per claim."""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir

from pipelines.resolve.components import number

INJURY, GUT = "injury", "gut"
"""Groups of diagnoses that many get at once: injuries (ICD-10 chapters S and T), infections of the gut and food poisoning (A00-A09)."""
PRESENT = ("driver", "third_party", "passenger")
"""Roles of a motor claim that say somebody was there; owners and policyholders may have been at home."""


def accounts(tables: Mapping[str, ir.Table]) -> ir.Table:
    """One row per claim.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        claims, policies and claim_diagnoses as known, claim_roles with ``entity_id`` and ``entity_kind``, entities.

    Returns
    -------
    ibis Table
        n (seniority), claim_id, insurer, event_no, police_report_no, place, district, line, day, second (of the event; null where only a
        date is stated, which is midnight sharp), start, stop (of the stay), person_id (treated), family_id, home (their district),
        hospital_id, sort (``INJURY``, ``GUT`` or null).
    """
    claims = tables["claims"]
    second = claims.event_at.epoch_seconds().cast("int64")
    timed = number(
        claims.select(
            "claim_id", "insurer", "received_at", "policy_id", "event_no", "police_report_no", "place", "district",
            day=claims.event_at.date(), second=ibis.ifelse(second % 86_400 == 0, ibis.null("int64"), second), start=claims.admitted_on,
            stop=claims.discharged_on.fill_null(claims.admitted_on),
        ),
        "claim_id",
    )  # fmt: skip
    lines = tables["policies"].select("policy_id", "line")
    lined = timed.left_join(lines, "policy_id").drop("policy_id", "policy_id_right", "received_at")
    return _treated(_sorted(lined, tables["claim_diagnoses"]), tables)


def _sorted(claims: ir.Table, claim_diagnoses: ir.Table) -> ir.Table:
    code = claim_diagnoses.code.upper()
    gut, injury = code.re_search("^A0[0-9]"), code.re_search("^[ST][0-9]")
    found = claim_diagnoses.group_by("claim_id").aggregate(gut=gut.any(), injury=injury.any())
    sort = ibis.cases((found.gut, GUT), (found.injury, INJURY), else_=ibis.null("string"))
    return claims.left_join(found.select("claim_id", sort=sort), "claim_id").drop("claim_id_right")


def _treated(claims: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    roles, entities = tables["claim_roles"], tables["entities"]
    people = one_party(roles, ("insured", "claimant"), "person_id")
    homes = entities.select(person_id="entity_id", family_id="family_id", home="district")
    housed = people.left_join(homes, "person_id").drop("person_id_right")
    with_people = claims.left_join(housed, "claim_id").drop("claim_id_right")
    return with_people.left_join(one_party(roles, ("hospital",), "hospital_id"), "claim_id").drop("claim_id_right")


def one_party(claim_roles: ir.Table, roles: tuple[str, ...], name: str) -> ir.Table:
    """One entity per claim: of the first of ``roles`` that the claim has, the smallest id."""
    wanted = claim_roles.filter(claim_roles.role.isin(roles) & claim_roles.entity_id.notnull())
    picks = {f"p{i}": wanted.entity_id.min(where=wanted.role == r) for i, r in enumerate(roles)}
    wide = wanted.group_by("claim_id").aggregate(**picks)
    return wide.select("claim_id", ibis.coalesce(*(wide[p] for p in picks)).name(name))


def present(told: ir.Table, claim_roles: ir.Table) -> ir.Table:
    """People who were there, as (entity_id, and the columns of ``told``): in a crash by role, else the treated of an accident."""
    there = (
        claim_roles.filter(claim_roles.role.isin(PRESENT), claim_roles.entity_kind == "person").select("claim_id", "entity_id").distinct()
    )
    crashed = told.filter(told.start.isnull()).inner_join(there, "claim_id")
    hurt = told.filter(told.start.notnull(), told.person_id.notnull(), (told.line == "accident") | (told.sort == INJURY))
    return crashed.union(hurt.mutate(entity_id=hurt.person_id).select(*crashed.columns))


def vehicles(told: ir.Table, claim_objects: ir.Table) -> ir.Table:
    """Vehicles of claims, as (object_entity, and the columns of ``told``)."""
    kept = claim_objects.filter(claim_objects.object_kind == "vehicle").select("claim_id", "object_entity").distinct()
    return told.inner_join(kept, "claim_id")
