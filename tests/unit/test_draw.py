from __future__ import annotations

import re
from collections.abc import Hashable
from datetime import date
from pathlib import Path
from typing import Any
from xml.dom import minidom

import pandas as pd
import pytest

from pipelines.report import draw
from pipelines.report.draw import network
from pipelines.report.messages import catalogue
from pipelines.report.neighbours import LANES
from pipelines.report.timeline import points, timeline
from tests.unit import report_book

SUBJECT = report_book.SUBJECTS[0][1]
CHORD = ["a_id", "a_kind", "b_id", "b_kind", "role", "weight", "amount"]


def ring() -> pd.DataFrame:
    return pd.DataFrame(report_book.neighbourhood_of("lead", "hospital", SUBJECT))


def star(n: int) -> pd.DataFrame:
    """Persons with one vehicle each at one garage: nobody shares all connections."""
    rows = [(f"person:{i:08x}", "person", "garage:00000001", "garage", "garage", 1.0 + i % 5, 10.0) for i in range(n)]
    rows += [(f"person:{i:08x}", "person", f"vehicle:{i:08x}", "vehicle", "owner", 1.0, 10.0) for i in range(n)]
    return pd.DataFrame(rows, columns=CHORD)


def marks(svg: str) -> list[minidom.Element]:
    return list(minidom.parseString(svg).getElementsByTagName("g"))


def test_people_with_the_same_connections_become_one_box() -> None:
    svg = str(network(ring(), SUBJECT, catalogue()))
    texts = re.findall(r'lang="en">([^<]*)', svg)
    assert "7 × person" in texts and "11 × person" in texts
    assert len(marks(svg)) == 7  # two boxes, two loose patients, agent, doctor, hospital


def test_the_subject_is_marked_once_and_its_lines_too() -> None:
    svg = str(network(ring(), SUBJECT, catalogue()))
    assert svg.count('class="subject"') == 1 and svg.count('class="edge hot"') == 5


def test_lanes_stand_from_sales_to_providers() -> None:
    found = {}
    for g in marks(str(network(ring(), SUBJECT, catalogue()))):
        x = re.match(r"translate\(([\d.]+)", g.getAttribute("transform"))
        assert x
        found[g.getElementsByTagName("rect")[0].getAttribute("class")] = float(x[1])
    assert found["sell"] < found["people"] < found["provide"] == found["subject"]


def claims_of(people: int, each: int) -> pd.DataFrame:
    """Every person's claims at one hospital through one agent, each person a doctor of two."""
    rows = []
    for i in range(people * each):
        person, claim = f"person:{i // each:08x}", f"alpha:C{i:04d}"
        parties = ((person, "person", "insured"), (person, "person", "payee"), ("hospital:0000000a", "hospital", "hospital"))
        parties += (("agent:0000000b", "agent", "agent"), (f"doctor:{i // each % 2:08x}", "doctor", "doctor"))
        rows += [(claim, "claim", p, kind, role, 1.0, 10.0) for p, kind, role in parties]
    return pd.DataFrame(rows, columns=CHORD)


def test_many_claims_give_way_to_what_their_parties_share() -> None:
    svg = str(network(claims_of(8, 2), "hospital:0000000a", catalogue()))
    texts = re.findall(r'lang="en">([^<]*)', svg)
    assert texts.count("4 × person") == 2 and not any(t.startswith("claim") for t in texts)
    # Each box of four people has eight claims with the hospital, the agent and its doctor, and so has the hospital with each doctor.
    assert re.findall(r'class="count">(\d+)<', svg).count("8") == 8 and ">16<" in svg


def test_few_claims_are_drawn_themselves() -> None:
    svg = str(network(claims_of(3, 1), "hospital:0000000a", catalogue()))
    assert svg.count(">claim alpha:C000") == 3


def test_every_kind_of_mark_has_a_colour() -> None:
    style = (Path(draw.__file__).parent / "templates" / "page.css").read_text(encoding="utf-8")
    assert [name for name in LANES if f".{name}{{fill:" not in style] == []


def test_no_marks_cover_each_other() -> None:
    boxes = []
    for g in marks(str(network(star(30), "garage:00000001", catalogue()))):
        at = re.match(r"translate\(([\d.]+) ([\d.]+)\)", g.getAttribute("transform"))
        assert at
        boxes.append((float(at[1]), float(at[2]), float(g.getElementsByTagName("rect")[0].getAttribute("height"))))
    same = [(a, b) for i, a in enumerate(boxes) for b in boxes[i + 1 :] if a[0] == b[0]]
    assert same and all(a[1] + a[2] <= b[1] or b[1] + b[2] <= a[1] for a, b in same)


@pytest.mark.parametrize(("n", "folded"), [(10, 0), (60, 81)])
def test_at_most_forty_are_drawn_and_the_rest_is_counted(n: int, folded: int) -> None:
    svg = str(network(star(n), "garage:00000001", catalogue(), 40))
    assert len(marks(svg)) == min(2 * n + 1, 40)
    assert (f"{folded} more not drawn" in svg) == bool(folded)
    assert 'class="subject"' in svg


def test_the_picture_does_not_hang_on_the_order_of_rows() -> None:
    edges = star(25)
    assert network(edges, "garage:00000001", catalogue()) == network(edges[::-1], "garage:00000001", catalogue())


def test_nothing_is_drawn_of_nothing_and_hostile_ids_are_escaped() -> None:
    assert network(ring().iloc[:0], SUBJECT, catalogue()) == ""
    hostile = pd.DataFrame([(SUBJECT, "hospital", "a:</g><script>", "claim", "<b>", 1.0, None)], columns=CHORD)
    assert "<script" not in network(hostile, SUBJECT, catalogue()) and "<b>" not in network(hostile, SUBJECT, catalogue())


def evidence(n: int) -> pd.DataFrame:
    return pd.DataFrame(report_book.evidence_of("lead", "H16", "health", n))


def drawn(rows: pd.DataFrame) -> list[dict[Hashable, Any]]:
    return points(rows).to_dict("records")


def test_the_timeline_has_one_mark_per_record_and_a_lane_per_insurer() -> None:
    rows = pd.concat([evidence(12), evidence(12).assign(code="H12")])
    page = minidom.parseString(str(timeline(drawn(rows), date(2026, 1, 1), catalogue())))
    circles = page.getElementsByTagName("circle")
    assert len(circles) == 9 and len(page.getElementsByTagName("rect")) == 3
    names = [t.firstChild.data for t in page.getElementsByTagName("text") if t.getAttribute("class") == "lane-name"]
    assert names == ["alpha", "beta"]


@pytest.mark.parametrize("days", [0, 200, 900, 4000])
def test_all_marks_lie_inside_the_axis(days: int) -> None:
    rows = evidence(8).assign(at=[pd.Timestamp("2026-01-01") - pd.Timedelta(days=days * i / 8) for i in range(8)])
    page = minidom.parseString(str(timeline(drawn(rows), date(2026, 1, 1), catalogue())))
    xs = [float(c.getAttribute("cx")) for c in page.getElementsByTagName("circle")]
    assert xs and min(xs) >= 110 and max(xs) <= 896
    assert len([t for t in page.getElementsByTagName("text") if t.getAttribute("class") == "axis"]) <= 14


def test_evidence_without_dates_gives_no_timeline() -> None:
    assert timeline(drawn(evidence(3).assign(at=pd.NaT)), date(2026, 1, 1), catalogue()) == ""
