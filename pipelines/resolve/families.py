"""Families: entities that share a household or that a source states to be kin. A family counts once wherever contacts are counted."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.resolve.components import Key, components, kept, pairs, rooted


def families(found: ir.Table, party_links: ir.Table) -> ir.Table:
    """Entity → family.

    Parameters
    ----------
    found : ibis Table
        Parties as :func:`pipelines.resolve.persons.identified` returns them.
    party_links : ibis Table
        The canonical table; only ``kind == "family"`` counts.

    Returns
    -------
    ibis Table
        entity_id, family_id: the entity id of the family's earliest member (oneself, if alone).
    """
    people = found.filter(found.kind == "person").select("party_id", "household_id", "root", n="root")
    shared = pairs(people.drop("root"), Key(("household_id",)))
    linked = components(shared.union(_kin(people, party_links)))
    heads = found.filter(found.n == found.root).select("n", "entity_id")
    members = rooted(heads, linked)
    names = heads.select(head="n", family_id="entity_id")
    return kept(members.inner_join(names, members.root == names.head).select("entity_id", "family_id"))


def _kin(people: ir.Table, party_links: ir.Table) -> ir.Table:
    """Pairs (n, root) of entities that a source calls family."""
    kin = party_links.filter(party_links.kind == "family").select("party_id", "other_party_id")
    one = people.select("party_id", n="root")
    other = people.select(other_party_id="party_id", root="root")
    return kin.inner_join(one, "party_id").inner_join(other, "other_party_id").select("n", "root")


def exemptions(found: ir.Table, table: ir.Table, as_of: ir.Value | None) -> ir.Table:
    """Entities that contact, payee and hub flags leave alone, with the first reason in the alphabet.

    A party is exempt by its id, or by its account or phone. ``as_of`` null: an end date is not looked at.
    """
    live = table if as_of is None else table.filter(table.until.isnull() | (table.until >= as_of))
    rows = [_exempt_by(found, live, c) for c in ("party_id", "account", "phone")]
    every = ibis.union(*rows)
    return every.group_by("entity_id").aggregate(exempt_reason=every.reason.min())


def _exempt_by(found: ir.Table, live: ir.Table, column: str) -> ir.Table:
    named = live.filter(live[column].notnull()).select(column, reason=live.reason.fill_null("exempt"))
    if column != "party_id":
        # a list entry with a party speaks of that party only; its phone is there to find it, not to spread
        named = live.filter(live[column].notnull() & live.party_id.isnull()).select(column, reason=live.reason.fill_null("exempt"))
    return found.select(column, "entity_id").inner_join(named, column).select("entity_id", "reason")
