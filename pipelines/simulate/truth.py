"""The truth about a book: planted instances and their look-alikes, who took part, who is who, which claims are one event."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from features.schema import PARTY_KINDS
from pipelines.simulate import render
from pipelines.simulate.arrivals import Arrivals
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.numbering import Numbers
from pipelines.simulate.records import ID_BASE

ROWS = {"claim": ("claim", "claims"), "policy": ("policy", "policies"), "vehicle": ("object", "objects"), "object": ("object", "objects")}
SUBJECT_COLUMNS = ["instance", "scheme", "subject_kind", "subject_id", "role"]


def write(book: BookBuilder, folder: Path, numbers: Numbers, arrivals: Arrivals) -> None:
    """Write instances.csv, subjects.csv, identity.csv and events.csv (claims of true events with more than one), of what was delivered."""
    folder.mkdir(parents=True, exist_ok=True)
    instances = pd.DataFrame(book.truth_instance, columns=["instance", "scheme", "planted"])
    instances["planted"] = instances["planted"].map({True: "true", False: "false"})
    written = {"instances": instances, "subjects": _subjects(book, numbers, arrivals), "identity": _identity(book, numbers, arrivals)}
    written["events"] = _events(book, numbers, arrivals)
    for name, frame in written.items():
        frame.to_csv(folder / f"{name}.csv", index=False, lineterminator="\n")


def _subjects(book: BookBuilder, numbers: Numbers, arrivals: Arrivals) -> pd.DataFrame:
    every = book.subjects()
    if every.empty:
        return pd.DataFrame(columns=SUBJECT_COLUMNS)
    parts = [_subject(book, numbers, arrivals, part) for _, part in every.groupby("kind", sort=True)]
    return pd.concat(parts, ignore_index=True)[SUBJECT_COLUMNS].sort_values(SUBJECT_COLUMNS, ignore_index=True)


def _subject(book: BookBuilder, numbers: Numbers, arrivals: Arrivals, part: pd.DataFrame) -> pd.DataFrame:
    """Subjects of one kind as they are called outside; an actor is one subject for each party record that was delivered."""
    kind, ids = str(part["kind"].iloc[0]), part["subject"].to_numpy()
    if kind in ("phone", "account", "device"):
        text = render.number({"device": "device_id"}.get(kind, kind), ids).to_numpy(zero_copy_only=False)
        return part.assign(subject_kind=kind, subject_id=text)
    if kind == "actor":
        every = pd.concat([part.assign(party=book.known_parties(ids, index)) for index in range(len(book.insurers))])
        every = every[(every["party"] >= 0) & (arrivals.of("parties", every["party"]) <= arrivals.nights)]
        kinds = np.array(PARTY_KINDS)[book.actors["kind"][every["subject"].to_numpy()]]
        return every.assign(subject_kind=kinds, subject_id=numbers.scoped("party", every["party"].to_numpy()))
    part = part[arrivals.of(ROWS[kind][1], ids) <= arrivals.nights]
    return part.assign(subject_kind=kind, subject_id=numbers.scoped(ROWS[kind][0], part["subject"].to_numpy()))


def _identity(book: BookBuilder, numbers: Numbers, arrivals: Arrivals) -> pd.DataFrame:
    parts = []
    for index, rows in enumerate(book.parties.rows):
        ids = np.arange(1, rows.size + 1) + index * ID_BASE
        keep = arrivals.of("parties", ids) <= arrivals.nights
        parts.append(pd.DataFrame({"party_id": numbers.scoped("party", ids[keep]), "person": rows["thing"][keep]}))
    return pd.concat(parts, ignore_index=True).sort_values("party_id")


def _events(book: BookBuilder, numbers: Numbers, arrivals: Arrivals) -> pd.DataFrame:
    pairs = book.truth_event or [(np.empty(0, dtype="int64"), np.empty(0, dtype="int64"))]
    claim, event = (np.concatenate([p[k] for p in pairs]) for k in (0, 1))
    frame = pd.DataFrame({"claim_id": claim, "event": event})[arrivals.of("claims", claim) <= arrivals.nights]
    frame = frame[frame.duplicated("event", keep=False)]
    return frame.assign(claim_id=numbers.scoped("claim", frame["claim_id"].to_numpy())).sort_values(["event", "claim_id"])
