"""Groups: what rings are made of. Communities of validated links, accident blocks, and the groups that red flags name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import ibis
import ibis.expr.types as ir
import pandas as pd

from features import schema
from features.indicators import INDICATORS
from pipelines.graph.blocks import knots
from pipelines.graph.communities import communities


class Source(NamedTuple):
    """A red flag that names a group: the kind of ring it makes, and what it rests on, a word for each independent part of its condition.

    A shared phone and a shared account are one part: whoever lends relatives, or his customers, a number lends them an account.
    """

    kind: str
    rests_on: tuple[str, ...]


SOURCES = {
    "M10": Source("shared_contact", ("contact",)),
    "M13": Source("shared_contact", ("contact",)),
    "A10": Source("shared_contact", ("payer",)),
    "A03": Source("shared_contact", ("contact",)),
    "I01": Source("shared_contact", ("contact",)),
    "I02": Source("shared_contact", ("contact", "burst")),
    "E03": Source("shared_contact", ("firm", "second contact")),
    "S01": Source("complaint", ("text",)),
    "S02": Source("complaint", ("voice",)),
    "S05": Source("surrender", ("end",)),
    "H12": Source("crowd", ("referral", "burst")),
    "N05": Source("crowd", ("pile",)),
    "H19": Source("crowd", ("chain", "returns")),
    "H20": Source("crowd", ("stay", "burst")),
    "H16": Source("community", ("referral", "stay")),
    "M09": Source("community", ("referral",)),
    "M20": Source("community", ("referral",)),
}
"""Red flags whose subject and evidence are a group. Their own exclusions and exemptions hold for the rings, too."""
BLOCK_EVENTS, BLOCK_PERSONS, BLOCK_FAMILIES = 3, 4, 3
"""Smaller accident blocks are no rings: people who crashed twice meet again by chance, and families drive together."""
MET_AGAIN = 3
"""Two strangers who meet again, for so many persons of a block: in blocks of chance meetings it is one in dozens, or none."""
LINK, CRASH, AGAIN = "link", "crash", "again"
"""What a group comes from where no red flag names it: validated links; accidents; accidents in which the same strangers meet again."""
PILES = "N05"
"""The red flag that piles up another one, named in its detail: that one made the group as well."""
GRAVE = frozenset(flag.code for flag in INDICATORS if flag.grain == "claim" and flag.severity == "high")
"""Red flags that are grave on a single claim. A pile of one rests on two things: what each claim shows by itself, and that so many come
together; of a lesser one (bills dearer than elsewhere) the pile may be no more than the party's own kind of business."""
RESTS_ON = {code: source.rests_on for code, source in SOURCES.items()} | {LINK: (), CRASH: (), AGAIN: (CRASH, AGAIN)}
BLOCK, COMMUNITY = "accident_block", "community"
CONTACTS = ("phone", "account", "device")
LETTERS = ("S01", "S02")
"""Red flags of complaints in common words."""
LATE = 30
"""Days around a voice's own complaints within which letters of the same text, sent from elsewhere, count as its work."""
MOST_UNITS = 2_000
"""A group of more claims and policies is a hub that no drawing or investigation could hold."""

FOUND = ("code", "subject_kind", "subject_id", "unit", "unit_kind", "day", "detail")
UNITS = ["group", "kind", "code", "unit", "unit_kind", "piled"]
CORE = ["group", "entity_id", "kind"]


class Groups(NamedTuple):
    """All groups of the night.

    Attributes
    ----------
    units : DataFrame
        group, kind (of ring), code (of the flag, or ``link``, ``crash``, ``again``), unit, unit_kind (``claim`` or ``policy``), piled (the
        flag that piles up there, or null).
    core : DataFrame
        group, entity_id, kind: parties, contacts and people that a group is about, whatever else is on its claims.
    """

    units: pd.DataFrame
    core: pd.DataFrame


def groups(tables: Mapping[str, ir.Table]) -> Groups:
    """Every group, one row per claim or policy and per core member.

    Parameters
    ----------
    tables : mapping of str to ibis Table
        ``links``, ``link_claims``, ``blocks``, ``block_members``, ``claim_view``, ``policy_events``, ``entities``,
        ``findings`` (of red flags that do not speak of rings).
    """
    parts = (_linked(tables), _crashed(tables), _flagged(tables))
    units = pd.concat([p.units for p in parts], ignore_index=True).drop_duplicates(["group", "unit"])
    units = units[units.groupby("group").unit.transform("size") <= MOST_UNITS]
    core = pd.concat([p.core for p in parts], ignore_index=True).drop_duplicates(["group", "entity_id"])
    core = core[core.group.isin(units.group)]
    return Groups(units.sort_values(["group", "unit"], ignore_index=True), core.sort_values(["group", "entity_id"], ignore_index=True))


def _linked(tables: Mapping[str, ir.Table]) -> Groups:
    """Communities, with the claims behind the links inside each."""
    exempt = tables["entities"].filter(lambda t: t.exempt.fill_null(False)).select("entity_id")
    valid = tables["links"].anti_join(exempt, [("a_id", "entity_id")]).anti_join(exempt, [("b_id", "entity_id")])
    links = valid.select("a_id", "a_kind", "b_id", "b_kind", "p").to_pandas()
    found = communities(links)
    of = found.set_index("entity_id").community
    inside = links[(links.a_id.map(of) == links.b_id.map(of)).to_numpy()]
    behind = tables["link_claims"].select("a_id", "b_id", "claim_id").to_pandas().merge(inside[["a_id", "b_id"]].drop_duplicates())
    units = behind.assign(group="link|" + behind.a_id.map(of).astype("str"), unit=behind.claim_id)
    kinds = pd.concat([links[["a_id", "a_kind"]].set_axis(["e", "k"], axis=1), links[["b_id", "b_kind"]].set_axis(["e", "k"], axis=1)])
    kind = kinds.drop_duplicates("e").set_index("e").k
    # A reporter or an owner is a person, whatever the link calls him.
    named = found.entity_id.str.split(":").str[0].where(found.entity_id.str.contains(":"), found.entity_id.map(kind))
    core = found.assign(group="link|" + found.community, kind=named)
    return _named(units.assign(code=LINK), core, COMMUNITY)


def _crashed(tables: Mapping[str, ir.Table]) -> Groups:
    """Accident blocks; people and the claims of the accidents."""
    blocks = tables["blocks"]
    large = blocks.filter(blocks.n_events >= BLOCK_EVENTS, blocks.n_persons >= BLOCK_PERSONS, blocks.n_families >= BLOCK_FAMILIES)
    members = tables["block_members"].semi_join(large, "block_id")
    events = members.filter(members.role == "event").select("block_id", event_id="entity_id")
    motor = tables["claim_view"].filter(lambda t: t.line == "motor").select("claim_id", "event_id")
    # A block of chance meetings is a long chain: who stages accidents meets the same people in the next one.
    again = large.select("block_id", code=ibis.ifelse(MET_AGAIN * large.n_again >= large.n_persons, AGAIN, CRASH))
    claims = events.inner_join(motor, "event_id").inner_join(again, "block_id").select("block_id", "claim_id", "code").to_pandas()
    people = members.filter(members.role == "person").select("block_id", "entity_id").to_pandas()
    within = _knotted(tables, members.semi_join(again.filter(again.code == CRASH), "block_id"), motor)
    units = pd.concat([claims.assign(group="crash|" + claims.block_id, unit=claims.claim_id), within.units], ignore_index=True)
    core = pd.concat([people.assign(group="crash|" + people.block_id, kind="person"), within.core], ignore_index=True)
    return _named(units, core, BLOCK)


def _knotted(tables: Mapping[str, ir.Table], members: ir.Table, motor: ir.Table) -> Groups:
    """Within blocks of chance meetings, the accidents in which strangers do meet again; as large as a block has to be."""
    found = knots(tables["edges"], tables["entities"], members)
    people, events = (found[found.role == role] for role in ("person", "event"))
    sizes = people.groupby("knot").agg(persons=("entity_id", "size"), families=("family_id", "nunique"))
    large = sizes.index[(sizes.persons >= BLOCK_PERSONS) & (sizes.families >= BLOCK_FAMILIES)]
    wanted = ibis.memtable(events[["knot", "entity_id"]].rename(columns={"entity_id": "event_id"}).astype("string"))
    units = wanted.inner_join(motor, "event_id").select("knot", unit="claim_id").to_pandas()
    rows, core = (t[t.knot.isin(large)].assign(group=lambda d: "knot|" + d.knot) for t in (units, people))
    return Groups(rows.assign(code=AGAIN), core.assign(kind="person"))


def _named(units: pd.DataFrame, core: pd.DataFrame, kind: str) -> Groups:
    return Groups(units.assign(kind=kind, unit_kind="claim", piled=None)[UNITS].drop_duplicates(), core[CORE])


def _flagged(tables: Mapping[str, ir.Table]) -> Groups:
    """Groups that red flags name: subject and evidence."""
    found = tables["findings"].filter(lambda t: t.code.isin(tuple(SOURCES)))
    rows = located(found, tables["policy_events"]).select(*FOUND).to_pandas()
    rows = _voices(rows[rows.unit.notna()].drop_duplicates(["code", "subject_kind", "subject_id", "unit"]))
    rows = rows.assign(group=rows.code + "|" + rows.subject_id, kind=rows.code.map({c: s.kind for c, s in SOURCES.items()}))
    rows["piled"] = rows.detail.where(rows.code == PILES)
    core = rows[rows.subject_kind != "ring"].assign(entity_id=rows.subject_id, kind=rows.subject_kind)
    return Groups(rows[UNITS], core[CORE].drop_duplicates())


def located(findings: ir.Table, events: ir.Table) -> ir.Table:
    """Findings with ``unit`` (the claim or policy that the evidence belongs to), ``unit_kind`` and ``day`` (of a policy's event)."""
    first = {name: table.key[0] for name, table in schema.tables().items()}
    key = findings.evidence_key.split("|")[0]
    kind = ibis.cases(
        (findings.evidence_table.isin([n for n, k in first.items() if k == "claim_id"]), "claim"),
        (findings.evidence_table.isin([n for n, k in first.items() if k == "policy_id"] + ["policy_events"]), "policy"),
    )
    rows = findings.mutate(unit_kind=kind, of_row=key)
    of = events.group_by(event_key="event_id").agg(event_policy=events.policy_id.min(), day=events["at"].min().cast("date"))
    joined = rows.left_join(of, (rows.of_row == of.event_key) & (rows.evidence_table == "policy_events"))
    unit = ibis.ifelse(joined.evidence_table == "policy_events", joined.event_policy, joined.of_row)
    return joined.mutate(unit=ibis.ifelse(joined.unit_kind.notnull(), unit, ibis.null())).drop("of_row", "event_key", "event_policy")


def _voices(rows: pd.DataFrame) -> pd.DataFrame:
    """Give the letters of a complaint template to the voices that use it.

    A template is sold to many: its users are as many rings as there are voices (S02) that send it. A letter sent from elsewhere belongs
    to the one voice that wrote with its text within ``LATE`` days of it; to none if there are several. A template without a known voice
    is a ring by itself.
    """
    text, voice = rows[rows.code == "S01"], rows[rows.code == "S02"]
    if text.empty or voice.empty:
        return rows
    used = text.merge(voice[["unit", "subject_id", "day"]], on="unit", suffixes=("", "_voice"))
    spans = used.groupby(["subject_id", "subject_id_voice"]).day_voice.agg(["min", "max"]).reset_index()
    free = text[text.subject_id.isin(spans.subject_id) & ~text.unit.isin(voice.unit)]
    near = free.merge(spans, on="subject_id")
    wait = pd.Timedelta(days=LATE)
    near = near[pd.to_datetime(near.day).between(pd.to_datetime(near["min"]) - wait, pd.to_datetime(near["max"]) + wait)]
    alone = near[~near.unit.duplicated(keep=False)]
    given = alone.assign(code="S02", subject_kind="phone", subject_id=alone.subject_id_voice)[rows.columns]
    return pd.concat([rows[~rows.index.isin(text.index[text.subject_id.isin(spans.subject_id)])], given], ignore_index=True)


def of_rings(findings: ir.Table, tables: Mapping[str, ir.Table]) -> ir.Table:
    """Findings whose subject is a ring (a complaint template) under the names of tonight's rings that were made of their letters.

    Parameters
    ----------
    findings : ibis Table
        Of red flags that do not read rings.
    tables : mapping of str to ibis Table
        ``policy_events`` and ``ring_claims``.
    """
    ours = findings.subject_kind == "ring"
    rows = located(findings.filter(ours), tables["policy_events"])
    # A ring of other making may hold the policy of a letter; the letter is not its own.
    letters = tables["ring_claims"].filter(lambda t: t.policy_id.notnull() & t.source.isin(LETTERS))
    rings = letters.select("ring_id", unit="policy_id").distinct()
    named = rows.inner_join(rings, "unit").drop("subject_id").rename(subject_id="ring_id")
    level = named.mutate(value=named.value.max().over(group_by=["code", "subject_id"]))
    return findings.filter(~ours).union(level.select(*findings.columns).distinct())
