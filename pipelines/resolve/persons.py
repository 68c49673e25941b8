"""Who is who, first depth: parties that share a valid id number, a licence, or name, birth date and phone are one entity."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from pipelines.ids import digest_columns
from pipelines.resolve.components import Key, kept, merge, number, rooted

PROFESSIONS = ("agent", "doctor", "surveyor", "appraiser", "assessor", "lawyer", "proxy")
"""Kinds that are natural persons in a trade: their licence names them first."""

_FACTS = ("id_number", "birth_date")
PERSON_KEYS = (
    Key(("kind", "id_number", "name")),
    Key(("kind", "id_number", "birth_date")),
    Key(("kind", "id_number"), agree=("name", "birth_date")),
    Key(("kind", "name", "birth_date", "phone"), agree=("id_number",)),
)
"""One id number under another name *and* another birth date is two people (or a stolen number), so it needs one of them to agree."""
ORGANISATION_KEYS = (
    Key(("kind", "licence_no"), agree=_FACTS),
    Key(("kind", "id_number")),
    Key(("kind", "org_name"), agree=("licence_no", "id_number", "district")),
    Key(("kind", "org_name", "district"), agree=("licence_no", "id_number")),
)

LATEST = (
    "name", "phone", "account", "device_id", "address", "district", "household_id", "level", "specialty", "beds", "income",
    "occupation_class", "licence_no", "licence_ends_on", "deceased_on", "opened_on", "parent_id",
)  # fmt: skip
"""Columns of an entity: the value of its latest record that has one."""
EARLIEST = ("id_number", "birth_date", "gender")
"""What does not change: the value of its earliest record that has one."""


def identified(parties: ir.Table) -> ir.Table:
    """Parties with ``n``, ``root``, ``first_key`` and ``entity_id``.

    Parameters
    ----------
    parties : ibis Table
        The canonical ``parties``; tokens in place of personal data.

    Returns
    -------
    ibis Table
        One row per party. ``entity_id`` is ``kind:`` + digest of the party id that was received first.
    """
    records = kept(number(parties.mutate(kind=parties.kind.fill_null("other")), "party_id"))
    roots = merge(_comparable(records), (*PERSON_KEYS, *ORGANISATION_KEYS))
    joined = rooted(records, roots)
    seniors = records.select(senior="n", first_key="party_id")
    found = joined.inner_join(seniors, joined.root == seniors.senior).drop("senior")
    return kept(found.mutate(entity_id=found.kind + ":" + digest_columns(found.first_key)))


def _comparable(records: ir.Table) -> ir.Table:
    """Key columns only; an id number that fails its own check identifies nobody, an agent's licence only where it is his kind."""
    person = records.kind == "person"
    trade = records.kind.isin(PROFESSIONS)
    valid = records.id_problem.isnull() | (records.id_problem == "")
    return records.select(
        "n",
        "kind",
        "name",
        "phone",
        "district",
        id_number=ibis.cases((valid, records.id_number)),
        birth_date=records.birth_date.fill_null(records.id_birth_date),
        licence_no=ibis.cases((~person, records.licence_no)),
        org_name=ibis.cases((~person & ~trade, records.name)),
    )


def party_entity(found: ir.Table) -> ir.Table:
    """The map (party_id, entity_id, kind, insurer)."""
    return found.select("party_id", "entity_id", "kind", "insurer")


def entities(found: ir.Table) -> ir.Table:
    """One row per entity with what its records say of it; families, parents and exemptions are added later.

    Returns
    -------
    ibis Table
        entity_id, kind, first_key, records (count), insurers (count of distinct), the columns of ``EARLIEST`` and ``LATEST``.
    """
    facts = found.mutate(birth_date=found.birth_date.fill_null(found.id_birth_date), gender=found.gender.fill_null(found.id_gender))
    columns = ["entity_id", "kind", "first_key", *EARLIEST, *LATEST, "insurer", "n"]
    records = facts.select(*columns)
    counted = records.mutate(of_entity=records.count().over(group_by="entity_id"))
    alone = counted.filter(counted.of_entity == 1)
    several = counted.filter(counted.of_entity > 1)
    one = ibis.literal(1, "int64")
    singles = alone.select("entity_id", "kind", "first_key", one.name("records"), one.name("insurers"), *EARLIEST, *LATEST)
    merged = several.group_by("entity_id", "kind", "first_key").aggregate(
        records=several.count(),
        insurers=several.insurer.nunique(),
        **{c: several[c].argmin(several.n, where=several[c].notnull()) for c in EARLIEST},
        **{c: several[c].argmax(several.n, where=several[c].notnull()) for c in LATEST},
    )
    return singles.union(merged.select(singles.columns))
