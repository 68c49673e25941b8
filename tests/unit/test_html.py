from __future__ import annotations

import base64
import hashlib
import re
from pathlib import Path
from xml.dom import minidom

import pandas as pd
import pytest

from pipelines.config import Report
from pipelines.report import publish
from pipelines.report.messages import catalogue
from pipelines.report.story import tenths, told
from tests.unit import report_book


@pytest.fixture(scope="module")
def html(tmp_path_factory: pytest.TempPathFactory) -> str:
    out = tmp_path_factory.mktemp("out")
    files = publish(report_book.tables(), out, Report(), report_book.META)
    assert [f.name for f in files] == ["leads.csv", "leads.xlsx", "report.html"]
    return files[2].read_text(encoding="utf-8")


def parsed(html: str) -> minidom.Document:
    """The page as XML: what stays after style and script must be well-formed."""
    return minidom.parseString(re.sub(r"(?s)<(style|script)>.*?</\1>", "", html.removeprefix("<!DOCTYPE html>")))


def text(node: minidom.Node) -> str:
    return node.data if node.nodeType == node.TEXT_NODE else "".join(map(text, node.childNodes))


def by_class(node: minidom.Document | minidom.Element, tag: str, name: str) -> list[minidom.Element]:
    return [e for e in node.getElementsByTagName(tag) if name in e.getAttribute("class").split()]


def test_the_page_is_well_formed_and_asks_for_nothing_outside(html: str) -> None:
    page = parsed(html)
    assert not re.search(r"(?i)(https?:)?//[a-z]|@import|url\(", html)
    assert {e.tagName for e in page.getElementsByTagName("*")} & {"link", "img", "iframe", "object", "embed", "base"} == set()
    links = [a.getAttribute("href") for a in page.getElementsByTagName("a")]
    ids = {e.getAttribute("id") for e in page.getElementsByTagName("*")}
    assert links and all(link[0] == "#" and link[1:] in ids for link in links)


def test_only_the_page_s_own_script_and_style_may_run(html: str) -> None:
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', html)
    assert policy and "default-src 'none'" in policy[1] and "unsafe" not in policy[1]
    for tag in ("style", "script"):
        body = re.search(rf"(?s)<{tag}>(.*?)</{tag}>", html)
        assert body and base64.b64encode(hashlib.sha256(body[1].encode()).digest()).decode() in policy[1]
    assert not re.search(r'\s(style|on\w+)="', html)


def test_data_cannot_break_out(html: str) -> None:
    assert report_book.EVIL not in html and html.count("<script>") == 1
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html or "alert(1)" not in html


def test_both_languages_are_there(html: str) -> None:
    page = parsed(html)
    said = {lang: "".join(text(e) for e in page.getElementsByTagName("span") if e.getAttribute("lang") == lang) for lang in ("zh", "en")}
    for key in ("never", "story", "check", "evidence", "quality"):
        assert all(catalogue().text("text", key)[lang] in said[lang] for lang in said)
    assert "医院—代理人—患者团伙" in said["zh"] and "Hospital-agent-patient ring" in said["en"]


def test_parts_shown_sum_to_the_score_shown(html: str) -> None:
    tables = by_class(parsed(html), "table", "reasons")
    assert len(tables) == len(report_book.SUBJECTS)
    for table in tables:
        *parts, total = [float(text(cell)) for cell in by_class(table, "td", "pts")]
        assert len(parts) >= 1 and round(sum(parts), 1) == total


def test_every_lead_has_its_evidence_picture_and_timeline(html: str) -> None:
    page = parsed(html)
    leads = by_class(page, "article", "lead")
    assert [len(by_class(a, "table", "evidence")) for a in leads] == [1] * len(leads)
    pictures = [[s.getAttribute("aria-label") for s in a.getElementsByTagName("svg") if s.getAttribute("role") == "img"] for a in leads]
    assert all(p == ["关系图 / Network", "时间线 / Timeline"] for p in pictures)
    first = leads[0].getElementsByTagName("tbody")
    assert "alpha/2025-12-28/claims.csv.gz" in "".join(text(b) for b in first)


def test_a_lead_says_that_its_subject_was_two_or_one_with_another(html: str) -> None:
    assert "本对象在 2025-12-30 之前是两个" in html and "This subject was two until 2025-12-30" in html
    assert html.count("本对象在 2025-12-30 之前与") == 1 and "beefbeefbeefbeef" in html
    gained, lost = "some records that were those of", "some records of this subject belong to"
    assert html.count(f"Since 2025-12-30 {gained}") == html.count(f"Since 2025-12-30 {lost}") == 1


def test_a_lead_says_why_two_claims_are_one_event(html: str) -> None:
    (table,) = by_class(parsed(html), "table", "events")
    crash, crowd = (text(row) for row in table.getElementsByTagName("tr")[1:])
    assert "alpha:C1 beta:C2" in crash and "同一交警事故编号，时间相近；同一车辆，时间相近" in crash
    assert "one police report number at about one time; one vehicle at about one time" in crash
    assert (
        "相隔 0.5 小时，交警事故编号相同，被保险人不同，车辆相同" in crash
        and "0.5 hours apart, same police report number, other insured person" in crash
    )
    assert "9 families in one hospital" in crowd and "where 0.25 are ordinary" in crowd and "相隔 1 天" in crowd


def test_a_ring_is_told_by_what_is_said_of_its_members(tmp_path: Path) -> None:
    tables = report_book.tables()
    leading = tables["leads"].lead_id == tables["cases"].lead_id[0]
    ring = {**tables, "leads": tables["leads"].assign(subject_kind=tables["leads"].subject_kind.mask(leading, "ring"))}

    def box(given: dict[str, pd.DataFrame]) -> list[str]:
        page = parsed(publish(given, tmp_path, Report(), report_book.META)[2].read_text(encoding="utf-8"))
        return [text(item) for item in by_class(page, "section", "story")[0].getElementsByTagName("li")]

    member = report_book.tables()["leads"].iloc[-1].subject_id.split(":")[1][:6].upper()
    alone, told_by_members = box(tables), box(ring)
    assert member in told_by_members[0] and catalogue().part("A04", "name")["zh"] not in "".join(alone)
    assert told_by_members[1:] == alone[: len(told_by_members) - 1]


def test_quality_and_list_say_what_a_reader_must_know(html: str) -> None:
    page = parsed(html)
    notes = text(by_class(page, "section", "quality")[0])
    assert "9.1 % of rows cannot be keyed" in notes and "parties.beds, claim_items.doctor_id" in notes and "H17" in notes
    cases = by_class(page, "tr", "case")
    assert [text(c.getElementsByTagName("td")[0]) for c in cases] == ["1", "2", "3", "4", "5"]
    assert [c.getAttribute("data-open") for c in cases] == ["1", "1", "", "1", ""]
    assert "已超期 2 天" in text(cases[1]) and "below" in cases[4].getAttribute("class")


def test_a_night_without_leads_is_a_page_too(tmp_path: Path) -> None:
    empty = {name: frame.iloc[:0] for name, frame in report_book.tables().items()}
    files = publish(empty, tmp_path, Report(), {"as_of": report_book.AS_OF})
    page = text(parsed(files[2].read_text(encoding="utf-8")))
    assert "今晚没有案件" in page and "所有交付均已接收" in page


def test_names_appear_only_when_given(html: str, tmp_path: Path) -> None:
    subject = report_book.SUBJECTS[0][1]
    files = publish(report_book.tables(), tmp_path, Report(language="en"), report_book.META, {subject: "某某医院"})
    unmasked = files[2].read_text(encoding="utf-8")
    warning = catalogue().text("text", "unmasked")["zh"]
    assert "某某医院" in unmasked and warning in unmasked and '<html lang="en">' in unmasked
    assert "某某医院" not in html and warning not in html


def test_the_same_tables_give_the_same_bytes_whatever_their_row_order(html: str, tmp_path: Path) -> None:
    shuffled = {name: frame.sample(frac=1, random_state=3) for name, frame in report_book.tables().items()}
    assert publish(shuffled, tmp_path, Report(), report_book.META)[2].read_text(encoding="utf-8") == html


def test_points_are_shown_in_tenths_that_sum() -> None:
    for points in ([3.33, 3.33, 3.34], [0.04, 0.04, 0.04], [10.0], [5.05, 4.05, -0.1]):
        assert round(sum(tenths(points, sum(points))), 1) == round(sum(points), 1)


def test_points_no_reason_accounts_for_are_told_as_such() -> None:
    leads = pd.DataFrame({"lead_id": ["a", "b"], "score": [12.0, 5.0], "points_network": [4.0, 0.0]})
    reasons = pd.DataFrame(
        {
            "lead_id": ["a", "b"],
            "seq": 1,
            "code": "Z99",
            "kind": "flag",
            "value": 1.0,
            "limit": 1.0,
            "detail": None,
            "points": [6.0, 5.0],
            "peer": None,
        }
    )
    rows = told(leads, reasons, catalogue())
    assert rows[["lead_id", "kind", "points"]].to_numpy().tolist() == [
        ["a", "flag", 6.0],
        ["a", "network", 4.0],
        ["a", "rest", 2.0],
        ["b", "flag", 5.0],
    ]
