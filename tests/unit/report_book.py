"""A made-up night for the tests of the report: a hospital ring, a vehicle, an agent, a claim, and one lead that tries to break out."""

from __future__ import annotations

import hashlib
from datetime import date
from typing import Any

import pandas as pd

AS_OF = date(2026, 1, 1)
EVIL = "<script>alert(1)</script>"


def hexid(kind: str, n: object) -> str:
    return f"{kind}:" + hashlib.sha256(f"{kind}{n}".encode()).hexdigest()[:16]


SUBJECTS = (
    # kind, id, scheme, route, line, flags: (code, value, limit, detail, points), anomaly points, network points, open, paid, deadline
    (
        "hospital",
        hexid("hospital", 1),
        "hospital_ring",
        "police",
        "health",
        [("H16", 31, 5, "12.4", 24.0), ("H12", 11, 5, None, 18.5), ("H01", 2.6, 2, None, 9.3)],
        6.1,
        4.0,
        81200.0,
        412900.0,
        date(2026, 1, 9),
    ),
    (
        "vehicle",
        hexid("vehicle", 1),
        "staged_accident",
        "police",
        "motor",
        [("M05", 5, 3, None, 14.2), ("M06", 3, 2, None, 12.1)],
        0.0,
        0.0,
        15300.0,
        88400.0,
        date(2025, 12, 30),
    ),
    (
        "agent",
        hexid("agent", 1),
        "ghost_policies",
        "regulator",
        "life",
        [("A04", 1.31, 1.0, None, 22.0), ("A02", 6, 3, None, 9.0)],
        0.0,
        0.0,
        0.0,
        230000.0,
        None,
    ),
    ("claim", "alpha:C0001", "invoice_reuse", "insurer", "health", [("H14", 2, 1, None, 25.0)], 3.25, 0.0, 9800.0, 0.0, date(2026, 1, 20)),
    (
        "person",
        hexid("person", 99),
        "stacking",
        "police",
        "accident",
        [("X03", float("nan"), None, EVIL, 20.0)],
        0.0,
        0.0,
        0.0,
        1200.0,
        None,
    ),
)


def reasons_of(lead: str, flags: list[Any], anomaly: float) -> list[dict[str, Any]]:
    rows = [
        {"lead_id": lead, "seq": i + 1, "code": c, "kind": "flag", "value": v, "limit": m, "detail": d, "points": p, "peer": None}
        for i, (c, v, m, d, p) in enumerate(flags)
    ]
    if anomaly:
        peers = {
            "seq": 90,
            "code": "amount",
            "kind": "anomaly",
            "value": 8.2,
            "limit": 3.1,
            "detail": None,
            "points": anomaly,
            "peer": "health · 2",
        }
        rows.append({"lead_id": lead, **peers})
    return rows


def evidence_of(lead: str, code: str, line: str, rows: int) -> list[dict[str, Any]]:
    return [
        {
            "lead_id": lead,
            "code": code,
            "evidence_table": "claims" if i % 4 else "policies",
            "evidence_key": f"{ins}:C{i:05d}",
            "insurer": ins,
            "source_file": f"{ins}/2025-12-28/claims.csv.gz",
            "source_row": 100 + i,
            "row_sha256": hashlib.sha256(f"{lead}{i}".encode()).hexdigest(),
            "received_at": pd.Timestamp("2025-12-28 18:00"),
            "claim_id": f"{ins}:C{i:05d}" if i % 4 else None,
            "at": pd.Timestamp("2025-03-01") + pd.Timedelta(days=(i * 37) % 300),
            "amount": 1000.0 + 731 * (i % 9),
            "line": line,
            "seq": i + 1,
        }
        for i in range(rows)
        for ins in (("alpha", "beta")[i % 2],)
    ]


def neighbourhood_of(lead: str, kind: str, subject: str) -> list[dict[str, Any]]:
    edge = {"lead_id": lead, "weight": 1.0, "amount": 5000.0}
    if kind != "hospital":
        people = [
            {**edge, "a_id": hexid("person", f"{lead}{i}"), "a_kind": "person", "b_id": subject, "b_kind": kind, "role": "driver"}
            for i in range(4)
        ]
        claim = {**edge, "a_id": people[0]["a_id"], "a_kind": "person", "b_id": "beta:C7", "b_kind": "claim", "role": "claimant"}
        return [*people, claim]
    agent, doctor = hexid("agent", 7), hexid("doctor", 3)
    patients = [hexid("person", i) for i in range(18)]
    ring = [
        {**edge, "a_id": p, "a_kind": "person", "b_id": b, "b_kind": k, "role": k}
        for p in patients
        for b, k in ((subject, kind), (agent, "agent"))
    ]
    few = [
        {**edge, "a_id": p, "a_kind": "person", "b_id": doctor, "b_kind": "doctor", "role": "doctor", "weight": 2.0} for p in patients[:7]
    ]
    loose = [
        {**edge, "a_id": hexid("person", 100 + i), "a_kind": "person", "b_id": subject, "b_kind": kind, "role": "hospital"}
        for i in range(2)
    ]
    link = [{**edge, "a_id": agent, "a_kind": "agent", "b_id": subject, "b_kind": kind, "role": "link", "weight": 18.0}]
    return [*ring, *few, *loose, *link]


def records_of(lead: str, subject: str) -> list[dict[str, Any]]:
    """Two records at two insurers that are one subject."""
    found = {"lead_id": lead, "role": "subject", "entity_id": subject, "received_at": AS_OF, "records": 2, "n_insurers": 2}
    source = {"source_file": "parties.csv.gz", "row_sha256": "ab12" * 16}
    return [
        {**found, **source, "seq": n, "insurer": i, "record_id": f"{i}:P{n}", "source_row": 40 + n} for n, i in ((1, "alpha"), (2, "beta"))
    ]


def tables() -> dict[str, pd.DataFrame]:
    leads, reasons, evidence, cases, members, edges = [], [], [], [], [], []
    for n, (kind, subject, scheme, route, line, flags, anomaly, network, open_, paid, due) in enumerate(SUBJECTS, 1):
        lead = hashlib.sha256(f"{kind}{subject}{scheme}".encode()).hexdigest()[:16]
        points = sum(f[4] for f in flags)
        shared = {
            "lead_id": lead,
            "case_id": lead,
            "scheme": scheme,
            "line": line,
            "score": points + anomaly + network,
            "probability": 0.62 - 0.1 * n,
            "amount_open": open_,
            "amount_paid": paid,
            "insurers": "alpha,beta" if n < 4 else "alpha",
            "deadline": due,
            "priority": 1000.0 / n,
            "route": route,
            "explore": n == 5,
            "listed": n < 5,
            "first_seen": AS_OF if n % 2 else date(2025, 12, 30),
            "rank": n,
        }
        leads.append(
            {
                **shared,
                "run_key": "run0123",
                "as_of": AS_OF,
                "subject_kind": kind,
                "subject_id": subject,
                "label": "",
                "family_route": "claim",
                "points_flags": points,
                "points_anomaly": anomaly,
                "points_network": network,
                "preventable": open_,
                "n_insurers": 2,
                "hours": 6.0,
                "first_document": flags[0][0],
                "version": "0.1.0",
            }
        )
        reasons += reasons_of(lead, flags, anomaly)
        evidence += [r for i, f in enumerate(flags) for r in evidence_of(lead, f[0], line, 12 - 4 * i if n < 5 else 2)]
        edges += neighbourhood_of(lead, kind, subject)
        cases.append({**shared, "n_leads": 2 if n == 1 else 1, "n_claims": 14})
        members.append({"case_id": lead, "lead_id": lead, "role": "leading"})
    other = {
        **leads[2],
        "lead_id": "feedfeedfeedfeed",
        "case_id": cases[0]["case_id"],
        "rank": 6,
        "subject_id": hexid("agent", 7),
        "scheme": "hospital_ring",
    }
    members.append({"case_id": other["case_id"], "lead_id": other["lead_id"], "role": "member"})
    reasons += reasons_of(other["lead_id"], [("A04", 1.31, 1.0, None, 31.0)], 0.0)
    frames = {
        "leads": [*leads, other],
        "lead_reasons": reasons,
        "lead_evidence": evidence,
        "lead_records": [r for lead in leads for r in records_of(lead["lead_id"], lead["subject_id"])],
        "cases": cases,
        "case_members": members,
        "neighbourhood": edges,
    }
    return {name: pd.DataFrame(rows) for name, rows in frames.items()} | {
        "lead_history": history_of(leads),
        "lead_events": events_of(leads[1]["lead_id"]),
    }


def events_of(lead: str) -> pd.DataFrame:
    """Two claims of one crash at two insurers, joined by two rules; and one by a mass admission without a time of day."""
    pair = {"lead_id": lead, "event_id": "alpha:C1", "claim_l": "alpha:C1", "police": True, "hospital": None, "admission": None}
    crash = {**pair, "claim_r": "beta:C2", "hours": 0.5, "days": 0, "person": False, "vehicle": True, "families": None, "expected": None}
    crowd = {**crash, "claim_r": "beta:C3", "rule": "crowd", "hours": None, "days": 1, "police": None, "families": 9, "expected": 0.25}
    rows = [{**crash, "rule": "police"}, {**crash, "rule": "vehicle"}, crowd]
    return pd.DataFrame([{**row, "seq": n} for n, row in enumerate(rows, 1)]).astype({"days": "Int64", "families": "Int64"})


def history_of(leads: list[dict[str, Any]]) -> pd.DataFrame:
    """The first subject took in another and their leads became one; the second came apart; records moved between the next two."""
    day = pd.Timestamp("2025-12-30")
    changes = [
        ("merge", leads[0]["subject_id"], hexid("person", 71), "beefbeefbeefbeef"),
        ("split", hexid("agent", 72), leads[1]["subject_id"], ""),
        ("move", leads[2]["subject_id"], leads[3]["subject_id"], ""),
        ("move", leads[2]["subject_id"], leads[3]["subject_id"], ""),
    ]
    rows = [
        {"lead_id": lead["lead_id"], "seq": 1, "change": change, "entity_id": now, "predecessor": before, "as_of": day, "aliases": aliases}
        for lead, (change, now, before, aliases) in zip(leads, changes, strict=False)
    ]
    return pd.DataFrame(rows)


META: dict[str, Any] = {
    "as_of": AS_OF,
    "run_key": "run0123",
    "version": "0.1.0",
    "sources": ["sample"],
    "counts": {"claims": 20011, "policies": 41200, "findings": 812},
    "silent": [{"code": "H04", "missing": ["parties.beds", "claim_items.doctor_id"]}],
    "disabled": ["H17"],
    "refused": [
        {
            "insurer": "beta",
            "table": "claims",
            "received_at": "2025-12-31",
            "why": "9.1 % of rows cannot be keyed",
            "carried_from": "2025-12-30",
        }
    ],
    "quarantined": [{"insurer": "alpha", "table": "claim_items", "rule": "duplicate key", "rows": 12}],
}
