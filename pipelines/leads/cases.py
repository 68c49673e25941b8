"""Cases: the same story told by several subjects is worked once.

Leads of one scheme belong together where they share at least half of the smaller one's claims or policies, so a claim's lead belongs
to the party whose evidence it is; a lead of a generic scheme (an early loss, a common payee, an anomaly) joins the story it shares
them with, and a ring takes in every lead most of whose own evidence is the ring's. Joining goes from the strongest lead outwards and
only to leads that share evidence with it directly, so a chain of small overlaps or a hub cannot glue a city together; the order of
rows plays no part.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy import sparse

SHARE = 0.5
HUB = 60
"""A claim or policy named by more leads than this of one scheme says nothing about who belongs together."""
ROUNDS = 50
GENERIC = frozenset({"early_loss", "over_treatment", "anomaly", "identity", "payee", "accumulation", "life_cover"})
"""Schemes that say something is odd rather than tell a story; a story that shares their evidence takes them in."""


def members(table: pd.DataFrame, units: pd.DataFrame, company: Sequence[pd.DataFrame] = ()) -> pd.Series:
    """The leading lead of every lead's case.

    Parameters
    ----------
    table : DataFrame
        lead_id, subject_kind, scheme, score. A ring comes first, its members' leads point to it; then stories
        before generic schemes, parties before claims, then by score.
    units : DataFrame
        lead_id, unit: the claims and policies each lead's evidence names.
    company : sequence of DataFrame
        lead_id, unit: who or what else joins leads of one scheme, as the insured persons of their claims.

    Returns
    -------
    Series of str
        Index lead_id, value the lead_id of the one that leads its case (itself for most).
    """
    kind = table["subject_kind"]
    ordered = table.assign(party=kind != "claim", ring=kind == "ring", generic=table["scheme"].isin(GENERIC), even=table["score"].round(1))
    by = {"ring": False, "generic": True, "party": False, "even": False, "score": False, "lead_id": True}
    ordered = ordered.sort_values(list(by), ascending=list(by.values()), ignore_index=True)
    links = [_links(ordered, units, True), *(_links(ordered, c, False) for c in company)]
    leader = _gather(sum(links[1:], links[0]))
    ids = ordered["lead_id"].to_numpy()
    return pd.Series(ids[leader], index=pd.Index(ids, name="lead_id"), name="leading").sort_index()


def _links(ordered: pd.DataFrame, units: pd.DataFrame, generic: bool) -> sparse.csr_matrix:
    """Which leads tell the same story directly (symmetric, no diagonal); ``generic``: and which signs belong to a story."""
    place = pd.Series(np.arange(len(ordered)), index=ordered["lead_id"])
    known = units[units["lead_id"].isin(place.index)].drop_duplicates(["lead_id", "unit"])
    row, column = place[known["lead_id"]].to_numpy(), pd.factorize(known["unit"], sort=True)[0]
    shape = (len(ordered), int(column.max()) + 1 if len(column) else 1)
    names = sparse.csr_matrix((np.ones(len(row)), (row, column)), shape=shape)
    size = np.asarray(names.sum(axis=1)).ravel()
    crowd = np.asarray(names.sum(axis=0)).ravel()
    shared = (names[:, crowd <= HUB] @ names[:, crowd <= HUB].T).tocoo()
    enough = (shared.row != shared.col) & (shared.data >= SHARE * np.minimum(size[shared.row], size[shared.col]))
    a, b = shared.row[enough], shared.col[enough]
    alike = _same_story(ordered, a, b, generic)
    if generic:
        alike |= _of_the_ring(ordered, a, b, shared.data[enough] / size[b]) | _of_the_ring(ordered, b, a, shared.data[enough] / size[a])
    return sparse.csr_matrix((np.ones(alike.sum()), (a[alike], b[alike])), shape=(len(ordered), len(ordered)))


def _same_story(ordered: pd.DataFrame, a: np.ndarray, b: np.ndarray, generic: bool) -> np.ndarray:
    scheme, sign = ordered["scheme"].to_numpy(dtype=object), ordered["generic"].to_numpy() & generic
    alike: np.ndarray = (scheme[a] == scheme[b]) | sign[a] | sign[b]
    return alike


def _of_the_ring(ordered: pd.DataFrame, ring: np.ndarray, other: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Pairs of a ring and a lead most of whose own evidence is the ring's, whatever its scheme: nobody works those claims twice."""
    kind = ordered["ring"].to_numpy()
    inside: np.ndarray = kind[ring] & ~kind[other] & (share >= SHARE)
    return inside


def _gather(link: sparse.csr_matrix) -> np.ndarray:
    """Strongest first: a lead with no stronger free neighbour leads and takes its free neighbours; repeat with what is left.

    Rows are in order of strength, so the least row number wins. Each round fixes at least the strongest free lead.
    """
    count = link.shape[0]
    leader = np.full(count, -1)
    a, b = link.nonzero()
    for _ in range(ROUNDS):
        free = leader < 0
        if not free.any():
            break
        open_edge = free[a] & free[b]
        best = np.arange(count)
        np.minimum.at(best, a[open_edge], b[open_edge])
        leads = free & (best == np.arange(count))
        leader[leads] = np.flatnonzero(leads)
        taken = open_edge & leads[b] & ~leads[a]
        chosen = np.full(count, count)
        np.minimum.at(chosen, a[taken], b[taken])
        joined = chosen < count
        leader[joined] = chosen[joined]
    return np.where(leader < 0, np.arange(count), leader)
