"""What :mod:`models.supervised` learns from: every subject of a kind with all that is known of it, its ties, its verdict."""

from __future__ import annotations

from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from models.supervised import Rows
from pipelines.leads.inputs import Given, collected, relation
from pipelines.leads.matrix import FEATURE_TABLES, matrix

CONTEXT = {"person": "person_id", "agent": "agent_id", "hospital": "hospital_id", "garage": "garage_id"}
"""Parties of a claim whose own features stand beside the claim's: kind → column of ``claim_view``."""
TRAINS = {"confirmed": 1, "cleared": 0}
"""Verdicts that are labels; the others say too little."""


def subject_rows(given: Given, kind: str) -> Rows:
    """All subjects of a kind with features, facts (numbers and words), fired flags, what is known of their policy and parties, and ties.

    Parameters
    ----------
    given : mapping of str to table
        ``features_*``, ``facts``, ``findings``, ``claim_view``, ``edges``, ``party_links``.
    kind : str
        ``claim``, ``policy``, ``person``, ...

    Returns
    -------
    Rows
        Frame sorted by subject_id; columns of the policy and of parties begin with ``its_`` and their kind.
    """
    own = _known(given, kind)
    frame = own.join(_flags(given, kind))
    if kind == "claim" and (view := relation(given, "claim_view")) is not None:
        frame = _with_context(given, frame, view)
    return Rows(frame.sort_index(), _ties(given, kind))


def labels(given: Given, kind: str, as_of: datetime) -> pd.Series:
    """1 proven, 0 cleared, by subject_id: verdicts decided before ``as_of``, the latest of each subject."""
    found: pd.Series = verdicts(given, kind, as_of)["label"]
    return found


def investigated(outcomes: ir.Table) -> ir.Table:
    """Investigations with ``kind`` and ``own``, the kind and id of their subject as leads have them: a party's are those of its entity."""
    whole, party = outcomes.subject_kind.isin(["claim", "policy"]), outcomes.subject_kind == "party"
    return outcomes.mutate(
        own=ibis.ifelse(whole, outcomes.subject_id, outcomes.entity),
        kind=ibis.ifelse(party, outcomes.entity.split(":")[0], outcomes.subject_kind),
    )


def verdicts(given: Given, kind: str, as_of: datetime) -> pd.DataFrame:
    """The latest verdict of each subject that was decided before ``as_of``: ``label`` (1 proven, 0 cleared), opened_at, decided_at."""
    outcomes = relation(given, "outcomes")
    if outcomes is None:
        times = {name: pd.Series(dtype="datetime64[us]") for name in ("opened_at", "decided_at")}
        return pd.DataFrame({"label": pd.Series(dtype="int64"), **times})
    every = investigated(outcomes)
    told = every.filter((every.kind == kind) & every.verdict.isin(list(TRAINS)) & (every.decided_at < as_of))
    named = told.select("verdict", "opened_at", "decided_at", subject_id="own")
    rows = collected(named.order_by("decided_at", "subject_id", "verdict", "opened_at"))
    last = rows.drop_duplicates("subject_id", keep="last").set_index("subject_id").sort_index()
    return last.assign(label=last["verdict"].map(TRAINS).astype("int64"))[["label", "opened_at", "decided_at"]]


def ids(given: Given, kind: str, subjects: pd.Index) -> pd.DataFrame:
    """``subject_id`` as the sources name it (``insurer:id``) and ``entity``: one row per record, so a person of two records has two."""
    known = relation(given, "party_entity")
    if kind in ("claim", "policy") or known is None:
        return pd.DataFrame({"subject_id": subjects, "entity": subjects})
    named = collected(known.select(subject_id="party_id", entity="entity_id"))
    found = named[named["entity"].isin(subjects)]
    rest = subjects.difference(pd.Index(found["entity"]))
    return pd.concat([found, pd.DataFrame({"subject_id": rest, "entity": rest})], ignore_index=True)


def _known(given: Given, kind: str) -> pd.DataFrame:
    """Features and facts of every subject of a kind, also of those of whom nothing but the id is known."""
    frame = _told(given, kind)
    everyone = frame.index.union(_everyone(given, kind))
    return frame.reindex(pd.Index(everyone.astype("object"), name="subject_id"))


def _told(given: Given, kind: str) -> pd.DataFrame:
    """Features and facts of the subjects of a kind of whom there are any."""
    numbers, words = matrix(given, kind, (*FEATURE_TABLES, "features_policy")), _words(given, kind)
    return numbers if words.empty else numbers.join(words, how="outer")


def _everyone(given: Given, kind: str) -> pd.Index:
    """Ids of all subjects of a kind in the book, whether tonight's features cover them or not."""
    name, column = {"claim": ("claim_view", "claim_id"), "policy": ("policy_view", "policy_id")}.get(kind, ("entities", "entity_id"))
    table = relation(given, name)
    if table is None:
        return pd.Index([], dtype="object")
    mine = table if kind in ("claim", "policy") else table.filter(table.entity_id.startswith(f"{kind}:"))
    names: list[str] = collected(mine.select(id=mine[column]).distinct())["id"].tolist()
    return pd.Index(names, dtype="object")


def _words(given: Given, kind: str) -> pd.DataFrame:
    facts = relation(given, "facts")
    if facts is None:
        return pd.DataFrame()
    told = facts.filter((facts.subject_kind == kind) & facts.value.isnull() & facts.text.notnull())
    own = facts.entity.fill_null(facts.subject_id) if "entity" in facts.columns else facts.subject_id
    long = collected(told.select(subject_id=own, name="name", text="text"))
    if long.empty:
        return pd.DataFrame()
    return long.pivot_table(index="subject_id", columns="name", values="text", aggfunc="min").astype("object").add_prefix("fact_")


def _flags(given: Given, kind: str) -> pd.DataFrame:
    """One column per fired flag (0 or 1), and how many there are."""
    found = relation(given, "findings")
    if found is None:
        return pd.DataFrame()
    rows = collected(found.filter(found.subject_kind == kind).select("subject_id", "code").distinct())
    if rows.empty:
        return pd.DataFrame()
    wide = pd.crosstab(rows["subject_id"], rows["code"]).clip(upper=1)
    return wide.assign(s=wide.sum(axis=1)).rename(columns=lambda c: "flags" if c == "s" else f"flag_{c}").astype("float32")


def _with_context(given: Given, frame: pd.DataFrame, view: ir.Table) -> pd.DataFrame:
    """Beside each claim its age, and what is known of its policy and of its parties."""
    columns = {"policy": "policy_id", **CONTEXT}
    seconds = ibis.coalesce(view.event_at, view.reported_at).epoch_seconds()
    joined = collected(view.select(subject_id="claim_id", happened=seconds, **{f"_{k}": view[c] for k, c in columns.items()}))
    joined = joined.set_index("subject_id")
    frame = frame.assign(happened_days=(joined["happened"] / 86_400.0).astype("float32"))
    for kind in columns:
        about = _told(given, kind)
        about = about[[c for c in about.columns if not str(c).startswith("by_") and c != "line"]].add_prefix(f"its_{kind}_")
        if about.shape[1]:
            frame = frame.join(about.reindex(joined[f"_{kind}"].reindex(frame.index)).set_axis(frame.index))
    flagged = [c for c in frame.columns if str(c).startswith("flag")]
    return frame.fillna(dict.fromkeys(flagged, 0.0))


def _ties(given: Given, kind: str) -> pd.DataFrame:
    """Who has a tie to whom: a claim to its parties; a party to whom the source links it, and its family to one another."""
    table = relation(given, "edges" if kind == "claim" else "party_links")
    if table is None or kind == "policy":
        return pd.DataFrame(columns=["subject_id", "node", "kind"])
    if kind == "claim":
        return collected(table.select(subject_id="claim_id", node="entity_id", kind="kind").distinct()).dropna()
    known = collected(table.select(a="entity_id", b="other_entity", kind="kind").distinct()).dropna()
    mine = known[known["b"].str.startswith(f"{kind}:")].rename(columns={"b": "subject_id", "a": "node"})
    family = mine[mine["kind"] == "family"]
    return pd.concat([mine[mine["kind"] != "family"], _households(family)], ignore_index=True)


def _households(family: pd.DataFrame) -> pd.DataFrame:
    """Relatives by blood or marriage, however far, as one node."""
    from scipy.sparse import coo_array  # here with its only use
    from scipy.sparse.csgraph import connected_components

    ends = pd.concat([family["node"], family["subject_id"]], ignore_index=True)
    code, names = pd.factorize(ends, sort=True)
    if not len(names):
        return family
    a, b = np.split(code, 2)
    label = connected_components(coo_array((np.ones(len(a)), (a, b)), shape=(len(names),) * 2), directed=False)[1]
    return pd.DataFrame({"subject_id": names, "node": label.astype(str), "kind": "family"})
