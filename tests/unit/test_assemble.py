from datetime import date

import pandas as pd
import pytest

from pipelines.config import Settings
from pipelines.errors import UsageError
from pipelines.ids import digest
from pipelines.leads import run
from pipelines.leads.assemble import stories
from pipelines.leads.export import for_insurer
from pipelines.leads.inputs import located
from pipelines.leads.packet import packet
from pipelines.leads.publish import _grains
from pipelines.leads.records import records
from tests.unit.leads_book import AS_OF, PERSON, book, finding

NIGHT = ("key", date(2026, 1, 1))


@pytest.fixture(scope="module")
def night() -> dict[str, pd.DataFrame]:
    return run(book(), Settings(), NIGHT)


def reason(subject: str, code: str, scheme: str, points: float) -> dict[str, object]:
    return {"subject_kind": "person", "subject_id": subject, "code": code, "scheme": scheme, "points": points}


def test_two_stories_of_one_subject_are_two_leads_and_weak_ones_support():
    rows = [reason("p", "A", "split_stay", 40.0), reason("p", "B", "stacking", 30.0), reason("p", "C", "identity", 10.0)]
    told = stories(pd.DataFrame([*rows, reason("p", "z", "anomaly", 39.0)])).set_index("code")["story"]
    assert told.to_dict() == {"A": "split_stay", "B": "stacking", "C": "split_stay", "z": "split_stay"}


def test_a_definite_story_goes_before_a_generic_sign():
    rows = [reason("p", "A", "early_loss", 43.0), reason("p", "B", "driver_swap", 23.0)]
    assert set(stories(pd.DataFrame(rows)).set_index("code").loc["B"][["story"]]) == {"driver_swap"}


def test_parts_sum_to_the_score_and_to_the_reasons(night):
    leads = night["leads"].set_index("lead_id")
    parts = leads[["points_flags", "points_anomaly", "points_network"]].sum(axis=1)
    assert (parts - leads["score"]).abs().max() < 1e-5
    assert (night["lead_reasons"].groupby("lead_id")["points"].sum() - leads["score"]).abs().max() < 1e-4


def test_lead_id_hashes_kind_first_key_and_scheme(night):
    lead = night["leads"].set_index("subject_id").loc[PERSON]
    assert lead["lead_id"] == digest("person", "a:p1", "sham_admission")
    assert lead["label"] == "person 012345"


def test_what_happened_to_a_policy_is_evidence_of_the_policy() -> None:
    events = pd.DataFrame({"event_id": ["a:v1"], "policy_id": ["a:q1"]})
    policies = pd.DataFrame({"policy_id": ["a:q1"], "line": ["life"]})
    found = pd.DataFrame([finding("S05", "account", "x", "a:v1", "policy_events"), finding("H01", "claim", "a:0", "a:0")])
    rows = located({**book(), "findings": found, "policy_events": events, "policy_view": policies}).to_pandas().set_index("code")
    assert rows.loc["S05", ["policy_id", "line"]].tolist() == ["a:q1", "life"]
    assert rows.loc["H01", "claim_id"] == "a:0" and pd.isna(rows.loc["H01", "policy_id"])


def test_a_ring_takes_the_slots_of_its_organiser() -> None:
    cases = pd.DataFrame({"subject_kind": ["ring", "ring", "claim"], "subject_id": ["ring:1", "ring:2", "a:0"]})
    known = {"rings": pd.DataFrame({"ring_id": ["ring:1"], "organiser_kind": ["hospital"]})}
    assert _grains(known, cases).tolist() == ["hospital", "ring", "claim"]


def test_money_is_counted_once_per_claim(night):
    view = book()["claim_view"].set_index("claim_id").loc[["a:0", "a:1", "a:2"]]
    lead = night["leads"].set_index("subject_id").loc[PERSON]
    assert lead["amount_open"] == pytest.approx(view.loc[view["open"], "amount"].sum())
    assert lead["amount_paid"] == pytest.approx(view["paid_amount"].sum())
    case = night["cases"].set_index("lead_id").loc[lead["lead_id"]]
    assert (case["amount_open"], case["n_claims"], case["n_leads"]) == (lead["amount_open"], 3, 4)


def test_evidence_carries_the_source_row(night):
    rows = night["lead_evidence"].query("claim_id == 'a:4'")
    assert rows[["insurer", "source_file", "source_row", "row_sha256"]].drop_duplicates().values.tolist() == [["a", "claims.csv", 5, "ab"]]


def test_deadline_is_thirty_days_after_the_report(night):
    open_leads = night["leads"].query("subject_kind == 'claim' and amount_open > 0").set_index("subject_id")
    reported = book()["claim_view"].set_index("claim_id")["reported_at"].reindex(open_leads.index)
    assert ((open_leads["deadline"] - reported).dt.days == 30).all() and len(open_leads)
    assert night["leads"].query("subject_kind == 'claim' and amount_open == 0")["deadline"].isna().all()


def test_evidence_without_a_row_keeps_its_place_with_empty_lineage():
    given = book()
    lost = pd.DataFrame([finding("M05", "vehicle", "vehicle:00000000000000aa", "a:9999")])
    rows = run({**given, "findings": pd.concat([given["findings"], lost])}, Settings(), NIGHT)["lead_evidence"]
    assert rows.query("evidence_key == 'a:9999'")["source_file"].isna().tolist() == [True]


def test_first_seen_comes_from_the_ledger(night):
    old = night["ledger"].assign(first_seen=pd.Timestamp("2025-11-11"))
    again = run(book(), Settings(), NIGHT, old)
    assert (again["leads"]["first_seen"] == pd.Timestamp("2025-11-11")).all()
    assert (night["leads"]["first_seen"] == AS_OF).all()


def test_no_findings_at_all_still_publishes_the_odd_ones():
    given = book()
    out = run({**given, "findings": given["findings"].head(0)}, Settings(), NIGHT)
    assert set(out["leads"]["scheme"]) == {"anomaly"}
    assert (out["leads"]["points_anomaly"] > 0).all()


def test_facts_alone_are_scored():
    subjects = [f"a:h{i}" for i in range(100)]
    facts = pd.DataFrame(
        {"subject_kind": "hospital", "subject_id": subjects, "name": "claims", "value": [float(i % 7) for i in range(100)]}
    )
    facts.loc[3, "value"] = 400.0
    given = {"findings": book()["findings"].head(0), "flags": book()["flags"], "facts": facts.assign(entity=facts["subject_id"], text=None)}
    out = run(given, Settings(), NIGHT)
    assert out["leads"].iloc[0]["subject_id"] == "a:h3"
    assert out["lead_reasons"].iloc[0][["code", "value"]].tolist() == ["fact_claims", 400.0]


def test_packet_and_unknown_lead(night):
    lead_id = night["cases"].iloc[0]["lead_id"]
    found = packet(night, lead_id)
    assert len(found["others"]) == found["case"]["n_leads"] - 1 and len(found["evidence"])
    with pytest.raises(UsageError, match="no lead 'nobody'"):
        packet(night, "nobody")


HELD = [("a:p1", "a", PERSON), ("b:p7", "b", PERSON), ("b:p8", "b", PERSON), ("a:p2", "a", "person:other"), ("a:h1", "a", "hospital:x")]


def with_records() -> dict[str, pd.DataFrame]:
    """The book with parties: the person is three records at two insurers; a claim has the person and a hospital."""
    rows = [dict(zip(("party_id", "insurer", "entity_id"), held, strict=True)) for held in HELD]
    lineage = {"source_file": "parties.csv", "source_row": range(1, 6), "row_sha256": "cd", "received_at": pd.Timestamp("2025-12-30 18:00")}
    roles = pd.DataFrame({"claim_id": "a:0", "role": ["insured", "hospital"], "entity_id": [PERSON, "hospital:x"]})
    return {**book(), "parties": pd.DataFrame(rows).assign(**lineage), "claim_roles": roles}


def test_a_lead_lists_the_records_its_parties_were_joined_from():
    out = run(with_records(), Settings(), NIGHT)
    held, leads = out["lead_records"], out["leads"].set_index("subject_id")["lead_id"]
    person = held[held["lead_id"] == leads[PERSON]]
    assert person[["seq", "role", "record_id", "records", "n_insurers"]].values.tolist() == [
        [1, "subject", "a:p1", 3, 2], [2, "subject", "b:p7", 3, 2], [3, "subject", "b:p8", 3, 2],
    ]  # fmt: skip
    assert person["source_file"].eq("parties.csv").all() and person["source_row"].tolist() == [1, 2, 3]
    claim = held[held["lead_id"] == leads["a:0"]]
    assert claim[["role", "record_id"]].values.tolist() == [
        ["hospital", "a:h1"], ["insured", "a:p1"], ["insured", "b:p7"], ["insured", "b:p8"],
    ]  # fmt: skip
    assert set(held["lead_id"]) == {leads[PERSON], leads["a:0"]}


def test_records_behind_what_is_no_party():
    held = with_records()["parties"].assign(phone=["ph", "ph", None, "ph", None], account=None, device_id=None)
    policies = pd.DataFrame({"policy_id": ["a:q1"], "holder_entity": [PERSON], "insured_entity": ["person:other"]})
    members = pd.DataFrame({"ring_id": ["ring:1"], "entity_id": ["hospital:x"], "role": ["organiser"]})
    kinds = {"policy": "a:q1", "ring": "ring:1", "phone": "ph", "device": "dv"}
    leads = pd.DataFrame([{"lead_id": kind, "subject_kind": kind, "subject_id": subject} for kind, subject in kinds.items()])
    found = records({"parties": held, "policies": policies, "ring_members": members}, leads)
    told = found.groupby("lead_id").apply(lambda g: sorted({f"{r} {e}" for r, e in zip(g["role"], g["entity_id"], strict=True)}))
    assert told.to_dict() == {
        "policy": [f"holder {PERSON}", "insured person:other"],
        "ring": ["organiser hospital:x"],
        "phone": [f"subject {PERSON}", "subject person:other"],
    }


def joined(left: str, right: str, rule: str = "vehicle") -> dict[str, object]:
    facts = {"hours": 0.5, "days": 0, "police": True, "hospital": None, "admission": None, "person": None, "vehicle": True}
    return {"event_id": left, "claim_l": left, "claim_r": right, "rule": rule, **facts, "families": None, "expected": None}


def with_joins() -> dict[str, pd.DataFrame]:
    """The book with events: two of the person's claims are one; one of them, and a claim of no lead, are with another insurer's."""
    pairs = [("a:0", "a:1"), ("b:9", "a:0"), ("a:0", "b:8"), ("b:5", "a:300"), ("b:5", "b:6")]
    rows = [*(joined(*pair) for pair in pairs), joined("a:0", "b:8", "police")]
    return {**book(), "event_links": pd.DataFrame(rows)}


def test_a_lead_lists_the_joins_of_its_claims_those_within_it_first_then_those_across_insurers():
    out = run(with_joins(), Settings(), NIGHT)
    leads, events = out["leads"].set_index("subject_id")["lead_id"], out["lead_events"]
    seen = {lead: [f"{r.seq} {r.claim_l} {r.claim_r} {r.rule}" for r in rows.itertuples()] for lead, rows in events.groupby("lead_id")}
    across = ["a:0 b:8 police", "a:0 b:8 vehicle", "b:9 a:0 vehicle"]
    numbered = [f"{n} {text}" for n, text in enumerate(["a:0 a:1 vehicle", *across], 1)]
    assert seen[leads[PERSON]] == numbered
    assert seen[leads["a:1"]] == ["1 a:0 a:1 vehicle"]
    assert set(seen) == {leads[PERSON], leads["a:0"], leads["a:1"]}


def test_an_export_has_an_insurers_own_joins_and_counts_of_those_with_others():
    night = run(with_joins(), Settings(), NIGHT)
    lead = night["leads"].set_index("subject_id").loc[PERSON, "lead_id"]
    seen = for_insurer(night, "a")
    own = seen["lead_events"].loc[lambda t: t["lead_id"] == lead]
    assert own[["claim_l", "claim_r"]].values.tolist() == [["a:0", "a:1"]]
    counts = seen["lead_events_others"].loc[lambda t: t["lead_id"] == lead]
    assert counts[["claim_id", "rule", "joins"]].values.tolist() == [["a:0", "police", 1], ["a:0", "vehicle", 2]]
    assert not any("b:" in seen[name].to_csv() for name in ("lead_events", "lead_events_others"))


def test_an_export_has_an_insurers_own_records_and_counts_of_the_others():
    night = run(with_records(), Settings(), NIGHT)
    lead = night["leads"].set_index("subject_id").loc[PERSON, "lead_id"]
    seen = for_insurer(night, "a")
    assert set(seen["lead_records"]["insurer"]) == {"a"} and "b:p7" not in seen["lead_records_others"].to_csv()
    others = seen["lead_records_others"].set_index(["lead_id", "role"]).loc[(lead, "subject")]
    assert others["rows"] == 2 and others["first_at"] == pd.Timestamp("2025-12-30")


def test_export_shows_others_as_counts_and_dates(night):
    proof = night["lead_evidence"]
    lead = night["leads"].set_index("subject_id").loc[PERSON, "lead_id"]
    theirs = (proof["lead_id"] == lead) & (proof["claim_id"] == "a:1")
    shared = {**night, "lead_evidence": proof.assign(insurer=proof["insurer"].mask(theirs, "b"))}
    shared["leads"] = night["leads"].assign(insurers=night["leads"]["insurers"].mask(night["leads"]["lead_id"] == lead, "a,b"))
    seen = for_insurer(shared, "a")
    assert set(seen["lead_evidence"]["insurer"]) == {"a"}
    assert seen["lead_evidence_others"][["lead_id", "rows"]].values.tolist() == [[lead, 1]]
    row = seen["leads"].set_index("lead_id").loc[lead]
    assert row["insurers"] == "a,others" and pd.isna(row["amount_paid"])
    with pytest.raises(UsageError, match="insurer 'c'"):
        for_insurer(shared, "c")
