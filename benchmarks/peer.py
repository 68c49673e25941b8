"""The peer of the benchmark: the usual pandas + networkx notebook, doing what the night's stages views, graph and features do.

It starts from the same Parquet (staged and resolved tables) and computes the same wide tables, the same graph (claim and policy edges,
validated links, accident blocks) and the same features of the same subjects, in the way everybody writes them: merge, groupby, rolling,
nunique, networkx, scipy. It reads each table once, without the lineage columns, and keeps it in memory. The one thing it makes that the
night's graph stage does not is the claim-party graph as a networkx object: there, it is what neighbourhoods are drawn from.

Left out, though the night does it: writing the results and rounding floats, ``received_at`` and the second look at what was received
before ``as_of``, sizes of the accident blocks. ``tests/unit/test_peer.py`` holds every column against the night's.

Usage: ``python -m benchmarks.peer STAGES OUT.json``
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq
import pyarrow.types as pt

from benchmarks import peer_features, peer_graph
from features.icd import CHAPTERS
from features.schema import OPEN_STATUSES

LINEAGE = {"source_file", "source_row", "row_sha256", "dq"}
ROLES = (
    "insured", "holder", "claimant", "agent", "hospital", "doctor", "garage", "payee", "driver", "owner", "reporter", "employer",
    "assessor", "appraiser", "lawyer", "proxy",
)  # fmt: skip
CLAIM = [
    "claim_id", "insurer", "event_id", "policy_id", "event_at", "reported_at", "admitted_on", "discharged_on", "closed_on",
    "claimed_amount", "paid_amount", "status", "district", "reporter_phone", "police_report_no",
]  # fmt: skip
POLICY = [
    "policy_id", "line", "product", "channel", "group_id", "gift", "compulsory", "issued_on", "starts_on", "ends_on", "renewal_of",
    "premium", "sum_insured", "insured_entity", "holder_entity", "agent_entity", "waiting_ends_on",
]  # fmt: skip

SOLD = [
    *POLICY, "insurer", "beneficiary_entity", "commission", "bonus", "district", "sold_district", "device_id",
    "recording_quality",
]  # fmt: skip


class Tables:
    """Staged and resolved tables, read once, with money as floats and dates as timestamps."""

    def __init__(self, stages: Path) -> None:
        self.stages = stages
        self.read: dict[str, pd.DataFrame] = {}

    def __getitem__(self, name: str) -> pd.DataFrame:
        if name not in self.read:
            path = self.stages / "resolve" / f"{name}.parquet"
            self.read[name] = _read(path if path.exists() else self.stages / "staging" / f"{name}.parquet")
        return self.read[name]


def _read(path: Path) -> pd.DataFrame:
    fields = [f for f in pq.read_schema(path) if f.name not in LINEAGE]
    frame = pd.read_parquet(path, columns=[f.name for f in fields])
    for field in fields:
        if pt.is_decimal(field.type):
            frame[field.name] = frame[field.name].astype(float)
        elif pt.is_date(field.type):
            frame[field.name] = pd.to_datetime(frame[field.name])
    return frame


def views(tables: Tables) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The wide claim table and the wide policy table."""
    covers = _covers(tables)
    return claim_view(tables, covers), policy_view(tables, covers)


def claim_view(tables: Tables, covers: pd.DataFrame) -> pd.DataFrame:
    """One row per claim."""
    roles = tables["claim_roles"]
    wide = roles[roles["role"].isin(ROLES)].pivot_table(index="claim_id", columns="role", values="entity_id", aggfunc="min")
    view = tables["claims"][CLAIM].merge(wide.reindex(columns=list(ROLES)).add_suffix("_id").reset_index(), on="claim_id", how="left")
    policies = tables["policies"]
    own = policies[POLICY].assign(policy_district=policies["sold_district"].fillna(policies["district"]))
    view = view.merge(own.merge(covers, on="policy_id", how="left"), on="policy_id", how="left")
    view["waiting_ends_on"] = view["waiting_ends_on"].fillna(view["cover_waiting_ends_on"])
    for role in ("insured", "holder", "agent"):
        view[f"{role}_id"] = view[f"{role}_id"].fillna(view[f"{role}_entity"])
    view["person_id"] = view["insured_id"].fillna(view["claimant_id"])
    return _derived(_people(_details(view, tables), tables["entities"]))


def _covers(tables: Tables) -> pd.DataFrame:
    """Covers of each policy, and whether a later one renews it."""
    covers, policies = tables["policy_coverages"], tables["policies"]
    covers = covers.assign(is_indemnity=covers["kind"] == "indemnity", is_fixed=covers["kind"] == "fixed")
    found = covers.groupby("policy_id").agg(
        daily_benefit=("daily_benefit", "max"), indemnity=("is_indemnity", "any"), fixed=("is_fixed", "any"),
        co_insurance_id=("co_insurance_id", "min"), cover_waiting_ends_on=("waiting_ends_on", "min"),
    )  # fmt: skip
    every = policies[["policy_id"]].merge(found.reset_index(), on="policy_id", how="left")
    return every.assign(renewed=every["policy_id"].isin(policies["renewal_of"].dropna()))


def _details(view: pd.DataFrame, tables: Tables) -> pd.DataFrame:
    bills, items, diagnoses, objects = (tables[n] for n in ("claim_bills", "claim_items", "claim_diagnoses", "claim_objects"))
    bills = bills.assign(invoice=bills["invoice_code"].fillna("") + "|" + bills["invoice_no"])
    billed = bills.groupby("claim_id").agg(bill_total=("total", "sum"), invoice=("invoice", "min"), split_note=("split_note", "max"))
    shares = {f"{c}_amount": items["amount"].where(items["category"] == c) for c in ("drug", "test")}
    listed = items.assign(**shares).groupby("claim_id")
    itemised = listed.agg(items=("amount", "size"), items_amount=("amount", "sum"))
    itemised = itemised.join(listed[list(shares)].sum(min_count=1))
    first = diagnoses.sort_values("seq").groupby("claim_id")["code"].first().rename("diagnosis")
    own = objects[objects["side"].fillna("own") == "own"].groupby("claim_id")["object_entity"].min().rename("vehicle_id")
    for part in (billed, itemised, first, own):
        view = view.merge(part.reset_index(), on="claim_id", how="left")
    return view


def _people(view: pd.DataFrame, entities: pd.DataFrame) -> pd.DataFrame:
    person = entities[["entity_id", "birth_date", "gender", "deceased_on", "district", "family_id"]]
    person = person.rename(columns={"entity_id": "person_id", "district": "home_district"})
    hospital = entities[["entity_id", "level", "specialty", "district"]].add_prefix("hospital_")
    hospital = hospital.rename(columns={"hospital_entity_id": "hospital_id"})
    view = view.merge(person, on="person_id", how="left").merge(hospital, on="hospital_id", how="left")
    view["family_id"] = view["family_id"].fillna(view["person_id"]).fillna(view["claim_id"])
    return view


def _derived(view: pd.DataFrame) -> pd.DataFrame:
    codes = view["diagnosis"].dropna().unique()
    return view.assign(
        amount=view["paid_amount"].fillna(view["claimed_amount"]),
        open=view["status"].isin(OPEN_STATUSES) | (view["status"].isna() & view["paid_amount"].isna()),
        stay_days=(view["discharged_on"] - view["admitted_on"]).dt.days,
        policy_age_days=(view["event_at"].dt.normalize() - view["starts_on"]).dt.days,
        term_days=(view["ends_on"] - view["starts_on"]).dt.days,
        chapter=view["diagnosis"].map({c: _chapter(c) for c in codes}),
        cover_id=view["co_insurance_id"].fillna(view["policy_id"]).fillna(view["claim_id"]),
    )


def _chapter(code: str) -> str:
    category = code.upper()[:3]
    if not "A" <= category[:1] <= "Z":
        return "9:" + category[:2]
    return next((name for upper, name in CHAPTERS if category <= upper), "U")


def policy_view(tables: Tables, covers: pd.DataFrame) -> pd.DataFrame:
    """One row per policy."""
    view = tables["policies"][SOLD].rename(columns={f"{r}_entity": f"{r}_id" for r in ("agent", "holder", "insured", "beneficiary")})
    events, claims = tables["policy_events"], tables["claims"]
    surrenders = events[events["kind"] == "surrender"].groupby("policy_id")
    given_back = surrenders.agg(surrendered_on=("at", "min")).join(
        surrenders[["amount", "cash_value"]].sum(min_count=1).set_axis(["surrender_amount", "surrender_cash_value"], axis=1)
    )
    given_back["surrendered_on"] = given_back["surrendered_on"].dt.normalize()
    counts = claims.groupby("policy_id").agg(claims=("claim_id", "count"), first_claim_at=("event_at", "min"))
    for part in (given_back.reset_index(), counts.reset_index(), covers.drop(columns="cover_waiting_ends_on")):
        view = view.merge(part, on="policy_id", how="left")
    entities = tables["entities"]
    family = entities["family_id"].fillna(entities["entity_id"]).set_axis(entities["entity_id"])
    for side in ("holder", "insured"):
        view[f"{side}_family"] = view[f"{side}_id"].map(family)
    return view.assign(claims=view["claims"].fillna(0))


def main() -> None:
    """Time the three stages and write seconds and the process's peak so far."""
    tables, figures = Tables(Path(sys.argv[1])), {}
    as_of = pd.Timestamp(Path(sys.argv[1]).parent.name[:10])

    def timed(name: str, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        figures[name] = {"seconds": round(time.perf_counter() - start, 1), "peak_mib": round(peak)}
        return result

    view, policies = timed("views", lambda: views(tables))
    timed("graph", lambda: peer_graph.graph(tables, view, policies))
    timed("features", lambda: peer_features.features(tables, view, policies, as_of))
    Path(sys.argv[2]).write_text(json.dumps(figures), encoding="utf-8")


if __name__ == "__main__":
    main()
