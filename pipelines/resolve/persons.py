"""Who is who by what was linked, else by equal keys: a valid id number, a licence, or name, birth date and phone."""

from __future__ import annotations

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from pipelines.engine.keeping import kept
from pipelines.ids import digest_columns
from pipelines.resolve.components import Key, components, number, pairs, rooted
from pipelines.resolve.forms import NATURAL

PERSON_KEYS = (
    Key(("kind", "id_number", "name")),
    Key(("kind", "id_number", "birth_date")),
    Key(("kind", "id_number"), agree=("name", "birth_date")),
    Key(("kind", "name", "birth_date", "phone"), agree=("id_number",)),
)
"""One id number under another name *and* another birth date is two people (or a stolen number), so it needs one of them to agree."""
ORGANISATION_KEYS = (
    Key(("kind", "licence_no"), agree=("id_number",)),
    Key(("kind", "id_number")),
    Key(("kind", "name"), agree=("licence_no", "id_number", "district")),
    Key(("kind", "name", "district"), agree=("licence_no", "id_number")),
)

LATEST = (
    "name", "phone", "account", "device_id", "address", "district", "household_id", "level", "specialty", "beds", "income",
    "occupation_class", "licence_no", "licence_ends_on", "deceased_on", "opened_on", "parent_id",
)  # fmt: skip
"""Columns of an entity: the value of its latest record that has one."""
EARLIEST = ("id_number", "birth_date", "gender")
"""What does not change: the value of its earliest record that has one."""


def identified(parties: ir.Table, linked: Sequence[ir.Table] = ()) -> ir.Table:
    """Who each party is.

    Parameters
    ----------
    parties : ibis Table
        The canonical ``parties``; tokens in place of personal data.
    linked : sequence of ibis Table
        n, root of persons and of organisations where these were linked already; without any they are joined by keys alone.

    Returns
    -------
    ibis Table
        One row per party: n, root, party_id, kind, insurer, first_key, entity_id. ``entity_id`` is ``kind:`` + digest of the
        party id that was received first.
    """
    records = kept(number(_comparable(parties), "party_id"))
    roots = components(ibis.union(*(_numbers(linked) or _pairs(records))))
    mapped = rooted(records.select("n", "party_id", "kind", "insurer"), roots)
    heads = mapped.filter(mapped.n == mapped.root)
    seniors = heads.select(senior="n", first_key="party_id", entity_id=heads.kind + ":" + digest_columns(heads.party_id))
    return kept(mapped.inner_join(seniors, mapped.root == seniors.senior).drop("senior"))


def _numbers(linked: Sequence[ir.Table]) -> list[ir.Table]:
    return [roots.select(n=roots.n.cast("int64"), root=roots.root.cast("int64")) for roots in linked]


def _pairs(records: ir.Table) -> list[ir.Table]:
    """Joined pairs of people and of organisations, each by their own keys."""
    organised = [pairs(records.filter(~records.kind.isin(NATURAL)), key) for key in ORGANISATION_KEYS]
    natural = [pairs(records.filter(records.kind.isin(NATURAL)), key) for key in PERSON_KEYS]
    trade = pairs(
        records.filter(records.kind.isin(NATURAL) & (records.kind != "person")), Key(("kind", "licence_no"), agree=("id_number",))
    )
    return [trade, *natural, *organised]


def _comparable(parties: ir.Table) -> ir.Table:
    """Key columns only; an id number that fails its own check identifies nobody."""
    valid = parties.id_problem.isnull() | (parties.id_problem == "")
    received = ["first_received_at"] if "first_received_at" in parties.columns else []
    return parties.select(
        "party_id",
        "insurer",
        "received_at",
        *received,
        "name",
        "phone",
        "district",
        "licence_no",
        kind=parties.kind.fill_null("other"),
        id_number=ibis.cases((valid, parties.id_number)),
        birth_date=parties.birth_date.fill_null(parties.id_birth_date),
    )


def party_entity(found: ir.Table) -> ir.Table:
    """The map (party_id, entity_id, kind, insurer)."""
    return found.select("party_id", "entity_id", "kind", "insurer")


def entities(found: ir.Table, parties: ir.Table) -> ir.Table:
    """One row per entity with what its records say of it; families, parents and exemptions are added later.

    Returns
    -------
    ibis Table
        entity_id, kind, first_key, records (count), insurers (count of distinct), the columns of ``EARLIEST`` and ``LATEST``.
    """
    facts = parties.mutate(
        birth_date=parties.birth_date.fill_null(parties.id_birth_date), gender=parties.gender.fill_null(parties.id_gender)
    ).select("party_id", *EARLIEST, *LATEST)
    shared = found.filter(found.n != found.root).select("root").distinct()
    one = ibis.literal(1, "int64")
    alone = found.anti_join(shared, "root").inner_join(facts, "party_id")
    singles = alone.select("entity_id", "kind", "first_key", records=one, insurers=one, **{c: alone[c] for c in (*EARLIEST, *LATEST)})
    return singles.union(_merged(found.semi_join(shared, "root").inner_join(facts, "party_id")).select(singles.columns))


def _merged(several: ir.Table) -> ir.Table:
    """Entities of more than one record."""
    earliest = {c: several[c].argmin(several.n, where=several[c].notnull()) for c in EARLIEST}
    latest = {c: several[c].argmax(several.n, where=several[c].notnull()) for c in LATEST}
    counts = {"records": several.count(), "insurers": several.insurer.nunique()}
    return several.group_by("entity_id", "kind", "first_key").aggregate(**counts, **earliest, **latest)
