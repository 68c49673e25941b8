"""Families: entities that share a household or that a source states to be kin. A family counts once wherever contacts are counted."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.resolve.components import Key, components, pairs, rooted


def families(found: ir.Table, parties: ir.Table, party_links: ir.Table) -> ir.Table:
    """Entity → family.

    Parameters
    ----------
    found : ibis Table
        Parties as :func:`pipelines.resolve.persons.identified` returns them.
    parties, party_links : ibis Table
        The canonical tables; of the links only ``kind == "family"`` counts.

    Returns
    -------
    ibis Table
        entity_id, family_id: the entity id of the family's earliest member (oneself, if alone).
    """
    people = found.filter(found.kind == "person").select("party_id", n="root")
    housed = people.inner_join(parties.select("party_id", "household_id"), "party_id").select("n", "household_id").distinct()
    shared = pairs(housed, Key(("household_id",)))
    linked = components(shared.union(_kin(people, party_links)))
    heads = found.filter(found.n == found.root).select("n", "entity_id")
    members = rooted(heads, linked)
    names = heads.select(head="n", family_id="entity_id")
    return kept(members.inner_join(names, members.root == names["head"]).select("entity_id", "family_id"))


def _kin(people: ir.Table, party_links: ir.Table) -> ir.Table:
    """Pairs (n, root) of entities that a source calls family."""
    kin = party_links.filter(party_links.kind == "family").select("party_id", "other_party_id")
    other = people.select(other_party_id="party_id", root="n")
    return kin.inner_join(people, "party_id").inner_join(other, "other_party_id").select("n", "root")


def exemptions(found: ir.Table, parties: ir.Table, listed: ir.Table) -> ir.Table:
    """Entities that contact, payee and hub flags leave alone, with the first reason in the alphabet.

    A list entry exempts the party it names; one that names none exempts every party with its account or phone.
    """
    rows = listed.select("party_id", "account", "phone", reason=listed.reason.fill_null("exempt"))
    unnamed = rows.filter(rows.party_id.isnull())
    contacts = parties.select("party_id", "account", "phone")
    by_contact = [
        contacts.select("party_id", c).inner_join(unnamed.filter(unnamed[c].notnull()).select(c, "reason"), c).select("party_id", "reason")
        for c in ("account", "phone")
    ]
    named = rows.filter(rows.party_id.notnull()).select("party_id", "reason")
    every = found.inner_join(ibis.union(named, *by_contact), "party_id")
    return every.group_by("entity_id").aggregate(exempt_reason=every.reason.min())
