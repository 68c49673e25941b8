"""Rings of a night held against the planted ones of a simulated book. No label is used by the night.

A *planted ring* is a planted instance with ``LEAST`` or more guilty parties: persons and organisations that the truth calls perpetrator or
participant, as the night's entities. A *ring lead* is a published lead whose subject is a ring; its members are the ring's parties without
the phones, accounts and devices they share. A ring lead *finds* the planted ring with which it has most members in common, if at least half
of its members, and three, are guilty of it; of several only the first by rank counts. It is *honest* if neither half of its members are
guilty of, nor half of its claims and policies belong to, any one planted instance, small ones included.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LEAST, COMMON, HALF, FIRST = 5, 3, 0.5, 1.5
GUILTY = ("perpetrator", "participant")
CONTACTS = ("phone", "account", "device")
ALONE = ("sham_admission", "split_stay")
"""Schemes whose patients have nothing in common but a hospital: planted rings by the count of the guilty, but nothing ties them."""
NAMES = ("rings_found", "rings_found_tied", "rings_member_precision", "rings_member_recall", "rings_honest")


def found(out: Path, truth: Path) -> dict[str, Any]:
    """Figures of one book.

    Parameters
    ----------
    out : Path
        Published folder of the night; its stages lie beside it.
    truth : Path
        ``instances.csv`` and ``subjects.csv``.

    Returns
    -------
    dict
        rings_planted (K), rings_leads, rings_found (share of K among the first 1.5 K ring leads), rings_found_tied (the same without the
        schemes of ``ALONE``, K and 1.5 K counted likewise), rings_member_precision and rings_member_recall (means over those found),
        rings_honest (share of all ring leads), rings_repeats, rings_by_scheme (scheme → planted, found).
    """
    guilty, units = _truth(truth, out.parent / "stages")
    size = guilty.groupby("instance").size()
    planted = guilty.drop_duplicates("instance").set_index("instance").scheme[size >= LEAST]
    ranked = _matched(_leads(out), guilty, planted)
    honest = ~ranked.ring_id.isin(_own(out, ranked, units)) & ~ranked.any_guilt
    first = ranked[ranked.instance.notna()].drop_duplicates("instance")
    tied = planted[~planted.isin(ALONE)]
    inside = {n: first[(first.place <= FIRST * len(k)) & first.instance.isin(k.index)] for n, k in (("all", planted), ("tied", tied))}
    return {
        "rings_planted": len(planted),
        "rings_leads": len(ranked),
        "rings_found": _share(len(inside["all"]), len(planted)),
        "rings_found_tied": _share(len(inside["tied"]), len(tied)),
        "rings_member_precision": _mean(inside["all"].n / inside["all"].members),
        "rings_member_recall": _mean(inside["all"].n / inside["all"].instance.map(size)),
        "rings_honest": _share(int(honest.sum()), len(ranked)),
        "rings_repeats": int(ranked.instance.notna().sum() - len(first)),
        "rings_by_scheme": _schemes(planted, inside["all"]),
    }


def _truth(truth: Path, stages: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Guilty parties (instance, scheme, entity_id), and claims and policies of planted instances (instance, unit)."""
    instances = pd.read_csv(truth / "instances.csv", dtype=str)
    subjects = pd.read_csv(truth / "subjects.csv", dtype=str).drop(columns="scheme").merge(instances, on="instance")
    subjects = subjects[subjects.planted == "true"]
    mapped = pd.read_parquet(stages / "resolve" / "party_entity.parquet", columns=["party_id", "entity_id"])
    named = subjects[subjects.role.isin(GUILTY)].merge(mapped, left_on="subject_id", right_on="party_id")
    units = subjects[subjects.subject_kind.isin(["claim", "policy"])]
    return named[["instance", "scheme", "entity_id"]].drop_duplicates(), units[["instance", "subject_id"]].drop_duplicates()


def _leads(out: Path) -> pd.DataFrame:
    """Ring leads in order of rank with their members: place, ring_id, entity_id."""
    leads = pd.read_parquet(out / "leads.parquet", columns=["rank", "subject_kind", "subject_id"])
    rings = leads[leads.subject_kind == "ring"].sort_values("rank").drop_duplicates("subject_id", ignore_index=True)
    members = pd.read_parquet(out / "ring_members.parquet", columns=["ring_id", "entity_id", "kind"])
    placed = rings.assign(place=np.arange(1, len(rings) + 1), ring_id=rings.subject_id)[["place", "ring_id"]]
    return placed.merge(members[~members.kind.isin(CONTACTS)], on="ring_id")


def _matched(members: pd.DataFrame, guilty: pd.DataFrame, planted: pd.Series) -> pd.DataFrame:
    """One row per ring lead: place, ring_id, members, instance or null, n members in common; any_guilt: half are of one instance."""
    ranked = members.groupby(["place", "ring_id"]).size().rename("members").reset_index()
    common = members.merge(guilty, on="entity_id").groupby(["ring_id", "instance"]).size().rename("n").reset_index()
    sized = common.merge(ranked, on="ring_id")
    half = sized[sized.n >= HALF * sized.members]
    best = half[(half.n >= COMMON) & half.instance.isin(planted.index)].sort_values(["n", "instance"], ascending=[False, True])
    joined = ranked.merge(best.drop_duplicates("ring_id")[["ring_id", "instance", "n"]], on="ring_id", how="left")
    return joined.assign(any_guilt=joined.ring_id.isin(half.ring_id)).sort_values("place", ignore_index=True)


def _own(out: Path, ranked: pd.DataFrame, units: pd.DataFrame) -> set[str]:
    """Rings half of whose claims and policies belong to one planted instance."""
    rows = pd.read_parquet(out / "ring_claims.parquet", columns=["ring_id", "claim_id", "policy_id"])
    named = rows.assign(unit=rows.claim_id.fillna(rows.policy_id))[["ring_id", "unit"]].drop_duplicates()
    named = named[named.ring_id.isin(ranked.ring_id)]
    shared = named.merge(units, left_on="unit", right_on="subject_id").groupby(["ring_id", "instance"]).size().rename("n").reset_index()
    of = shared.ring_id.map(named.groupby("ring_id").size())
    return set(shared.ring_id[shared.n >= HALF * of])


def _schemes(planted: pd.Series, first: pd.DataFrame) -> dict[str, dict[str, int]]:
    counts = pd.DataFrame({"planted": planted.value_counts(), "found": first.instance.map(planted).value_counts()}).fillna(0).astype(int)
    return {str(k): {"planted": int(v.planted), "found": int(v.found)} for k, v in counts.sort_index().iterrows()}


def _share(part: int, whole: int) -> float:
    return round(part / whole, 3) if whole else 0.0


def _mean(values: pd.Series) -> float:
    return round(float(values.mean()), 3) if len(values) else 0.0
