from __future__ import annotations

import pandas as pd
import pytest

from features.indicators import INDICATORS
from pipelines.errors import UsageError
from pipelines.report import events, records, show
from pipelines.report.messages import catalogue
from pipelines.report.rings import story as ring_story
from pipelines.report.rings import strongest
from pipelines.report.story import documents, support, told
from tests.unit import report_book

TABLES = report_book.tables()
FIRST = str(TABLES["leads"].lead_id[0])


@pytest.mark.parametrize("chosen", [FIRST, "1"])
def test_a_lead_is_shown_by_id_or_rank(chosen: str) -> None:
    text = show.as_text(show.lead(TABLES, chosen, "en"), 200)
    assert "Hospital-agent-patient ring" in text and "A lead never decides a claim" in text
    assert "alpha/2025-12-28/claims.csv.gz" in text and "61.9" in text and "412,900" in text


def test_a_lead_is_shown_by_its_case_in_chinese() -> None:
    text = show.as_text(show.lead(TABLES, str(TABLES["cases"].case_id[1]), "zh"), 200)
    assert "摆拍碰撞" in text and "M06" in text and "赔案" in text


def test_a_lead_says_what_its_case_comes_to() -> None:
    case = TABLES["cases"].iloc[0]
    text = show.as_text(show.lead(TABLES, "1", "en"), 200)
    line = next(line for line in text.splitlines() if "Case rank 1 " in line)
    assert f"Leads {case.n_leads} " in line and f"{case.score:.1f}" in line and f"{case.probability:.0%}" in line


def test_the_score_of_a_case_is_its_leads_own_and_the_support_of_others_and_the_run_is_named() -> None:
    assert support(43.2, 106.44, catalogue())[0]["en"].startswith("this lead 43.2 + support 63.2 ")
    assert support(43.2, 43.24, catalogue()) == []
    more = {**TABLES, "cases": TABLES["cases"].assign(score=TABLES["cases"].score + 10.0)}
    for language in ("zh", "en"):
        text = show.as_text(show.lead(more, "1", language), 240)
        assert "10.0" in text and "fraudleads 0.1.0" in text and "run0123" in text


def test_a_lead_shows_the_other_leads_of_its_case_and_its_source_records() -> None:
    text = show.as_text(show.lead(TABLES, FIRST, "en"), 240)
    other = TABLES["leads"].set_index("lead_id").loc["feedfeedfeedfeed"]
    line = next(line for line in text.splitlines() if "feedfeedfeedfeed" in line)
    assert f"agent {other.subject_id.partition(':')[2][:6].upper()}" in line and f"{other.score:.1f}" in line
    assert "2 records at 2 insurers" in text and "alpha:P1" in text and "beta:P2" in text and "parties.csv.gz" in text
    alone = show.as_text(show.lead(TABLES, "2", "en"), 240)
    assert "feedfeedfeedfeed" not in alone and "Other leads of this case" not in alone


def test_a_lead_says_what_became_of_its_subject_and_is_found_by_the_lead_that_it_carries_on() -> None:
    text = show.as_text(show.lead(TABLES, "beefbeefbeefbeef", "en"), 240)
    assert FIRST in text and "This subject was two until 2025-12-30" in text and "carries on the earlier leads beefbeefbeefbeef" in text
    assert "在 2025-12-30 之前与" in show.as_text(show.lead(TABLES, "2", "zh"), 240)
    assert "until 2025-12-30" not in show.as_text(show.lead(TABLES, "3", "en"), 240).lower()


def test_no_such_lead_is_an_error_that_says_where_to_look() -> None:
    with pytest.raises(UsageError, match=r"leads\.csv"):
        show.lead(TABLES, "nobody", "zh")


def test_names_come_only_with_unmask() -> None:
    subject = report_book.SUBJECTS[0][1]
    assert "某某医院" in show.as_text(show.lead(TABLES, FIRST, "zh", {subject: "某某医院"}), 200)
    assert "某某医院" not in show.as_text(show.lead(TABLES, FIRST, "zh"), 200)


def test_a_trace_masks_canonical_rows_and_names_entities_by_code() -> None:
    claim = pd.DataFrame({"claim_id": ["alpha:C1"], "narrative": ["摔倒在家门口"], "place": ["某路 1 号"], "reserve": [None]})
    lineage = {"source_file": ["a.csv"], "source_row": [7], "row_sha256": ["0123456789abcdef"]}
    roles = pd.DataFrame({"claim_id": ["alpha:C1"], "role": ["insured"], "entity_id": ["person:7f3a2c99aa00bb11"], **lineage})
    text = show.as_text(show.trace([("claims", claim), ("claim_roles", roles), ("findings", roles.iloc[:0])], "en"), 200)
    assert "alpha:C1" in text and "person 7F3A2C" in text and "findings: nothing" in text and "a.csv:7 0123456789" in text
    assert "摔倒" not in text and "某路" not in text and "7f3a2c99aa00bb11" not in text


def test_wide_rows_are_shown_upright_and_findings_as_sentences() -> None:
    wide = pd.DataFrame({f"feature_{i}": [float(i), None] for i in range(12)})
    lines = show.as_text(show.trace([("features_claim", wide)], "en"), 80).splitlines()
    assert [line.split()[-1] for line in lines if line.startswith("feature_11")] == ["11"]
    found = pd.DataFrame(
        {"code": ["H03"], "subject_kind": ["claim"], "subject_id": ["alpha:C1"], "value": [4.0], "limit": [1.0], "detail": [None]}
    )
    text = show.as_text(show.trace([("findings", found)], "en"), 200)
    assert "overlap by 4 days" in text and "claim alpha:C1" in text


@pytest.mark.parametrize("flag", INDICATORS, ids=lambda f: f.code)
def test_every_flag_has_a_card_in_both_languages(flag) -> None:  # type: ignore[no-untyped-def]
    for language in ("zh", "en"):
        text = show.as_text(show.card(flag, language), 200)
        assert flag.code in text and flag.source[:40] in text and all(n in text for n in flag.needs)


def test_the_list_of_flags_has_a_line_each() -> None:
    lines = show.as_text(show.cards(INDICATORS, "zh"), 160).splitlines()
    assert len(lines) >= len(INDICATORS) and all(any(line.lstrip().startswith(f.code) for line in lines) for f in INDICATORS)


def test_a_ring_lead_tells_members_money_links_and_why_in_words() -> None:
    row = {
        "ring_id": "ring:1", "n_members": 8, "n_people": 6, "n_families": 5,
        "organiser_kind": "hospital", "organiser_id": "hospital:00ff00",
        "n_claims": 7, "n_policies": 0, "amount": 12345.0, "first_at": pd.Timestamp("2025-03-01"), "last_at": pd.Timestamp("2025-06-30"),
        "p": 1e-9, "n_links": 1, "n_possible": 3, "why": "flags", "evidence": "H01", "made_by": "link", "n_proven": 0,
    }  # fmt: skip
    known = {"rings": pd.DataFrame([row])}
    (said,) = ring_story(known, "ring:1", catalogue())
    assert all(part in said["en"] for part in ("8 members", "12,345 CNY", "2025-03-01 to 2025-06-30", "1.0e-09", "H01"))
    assert "8 名成员" in said["zh"] and "12,345" in said["zh"]
    (unlinked,) = ring_story({"rings": pd.DataFrame([{**row, "p": None}])}, "ring:1", catalogue())
    assert "chance of so many" in said["en"] and "chance of so many" not in unlinked["en"]
    assert ring_story(known, "person:1", catalogue()) == ring_story({}, "ring:1", catalogue()) == []
    assert "H01 Sham admission" in said["en"] and "strongest" not in said["en"]


def test_a_ring_tells_its_strongest_validated_link() -> None:
    link = {
        "ring_id": "ring:1", "a_id": "agent:aa11bb22", "a_kind": "agent", "b_id": "hospital:cc33dd44", "b_kind": "hospital", "n": 9,
        "validated": True, "unit": "household", "met": 8.0, "expected": 0.18725, "lift": 42.72, "p": 0.0, "q": 7e-06, "amount": 27274.3,
        "first_at": pd.Timestamp("2025-04-06"), "last_at": pd.Timestamp("2025-05-27"),
    }  # fmt: skip
    weaker = {**link, "b_id": "hospital:ee", "p": 1e-5, "q": 1e-3, "lift": 99.0}
    unproven = {**link, "b_id": "person:ff", "validated": False, **dict.fromkeys(("met", "expected", "lift", "p", "q"), None)}
    known = {"ring_links": pd.DataFrame([weaker, unproven, link])}
    said = strongest(known, "ring:1", catalogue())
    for part in ("AA11BB", "CC33DD", "8 households", "gives 0.19", "42.7 times", "q = 7.0e-06", "27,274 CNY", "2025-04-06 to 2025-05-27"):
        assert part in said["en"]
    assert all(part in said["zh"] for part in ("AA11BB", "8 个家庭", "0.19", "42.7 倍", "q = 7.0e-06"))
    assert "q = < 1e-09" not in said["en"]
    accidents = {"ring_links": pd.DataFrame([{**link, "unit": "accident", "q": 0.0}])}
    assert "8 accidents" in strongest(accidents, "ring:1", catalogue())["en"]
    for nothing in ({}, {"ring_links": known["ring_links"].drop(columns=["p"])}, {"ring_links": pd.DataFrame([unproven])}):
        assert strongest(nothing, "ring:1", catalogue()) == {"zh": "", "en": ""}


def test_reasons_of_no_points_are_left_out_and_the_rest_still_sums() -> None:
    leads = pd.DataFrame({"lead_id": ["l"], "score": [23.2], "points_network": [0.0]})
    names = ("value", "limit", "detail", "peer")
    rows = enumerate([("M08", 23.2), ("M06", 0.0)])
    reasons = pd.DataFrame(
        [{"lead_id": "l", "seq": i, "code": c, "kind": "flag", "points": p, **dict.fromkeys(names)} for i, (c, p) in rows]
    )
    found = told(leads, reasons.assign(value=1.0, limit=1.0), catalogue())
    assert found["code"].tolist() == ["M08"] and found["points"].sum() == 23.2


def test_a_ring_is_checked_by_what_made_it_too() -> None:
    reason = {"lead_id": ["l"], "seq": [1], "code": ["N02"], "kind": ["flag"], "value": [0.4], "limit": [0.03], "detail": ["M09"]}
    leads = pd.DataFrame({"lead_id": ["l"], "score": [9.0], "points_network": [9.0]})
    rows = told(leads, pd.DataFrame({**reason, "points": [9.0], "peer": [None]}), catalogue()).to_dict("records")
    wanted = [catalogue().part(code, "document") for code in ("N02", "M09")]
    assert documents(rows, "N02", catalogue()) == wanted and all(text["zh"] and text["en"] for text in wanted)
    assert documents([{**rows[0], "detail": None}], "N02", catalogue()) == wanted[:1]


def test_a_single_record_and_the_same_hour_are_said_so() -> None:
    row = {"role": "subject", "entity_id": "person:aa", "seq": 1, "records": 1, "n_insurers": 1}
    assert records.told([row], catalogue(), {})[0]["joined"]["en"] == "a single record"
    assert "2 records at 2 insurers" in records.told([{**row, "records": 2, "n_insurers": 2}], catalogue(), {})[0]["joined"]["en"]
    link = {"hours": 0.0, "days": 0, **dict.fromkeys(("police", "hospital", "admission", "person", "vehicle"))}
    assert events.facts(link, catalogue()) == {"zh": "同一时间", "en": "at the same time"}
    assert "0.5 hours apart" in events.facts({**link, "hours": 0.5}, catalogue())["en"]


def test_a_flag_with_two_ways_says_which_of_them_was_met() -> None:
    bought = catalogue().sentence("L03", 6.0, 3.0, "bought_at_once")
    assert bought["en"] == "Too much fixed-benefit cover; policies bought in a short time: 6 (limit 3)" and "份数：6" in bought["zh"]
    assert "robust z: 4.25 (limit 3)" in catalogue().sentence("L03", 4.25, 3.0, "for_the_income")["en"]
    assert "one private account collects: 3 (limit 3)" in catalogue().sentence("M20", 3.0, 3.0, "collecting_account")["en"]
    assert "标准误数：2.5（限值 2）" in catalogue().sentence("M20", 2.5, 2.0, "dear_link")["zh"]
