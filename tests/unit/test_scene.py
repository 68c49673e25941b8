"""A ring's picture: who stands where, what is folded, the same bytes, and PNG without a browser."""

from __future__ import annotations

import itertools
from pathlib import Path

import pandas as pd

from pipelines.report.messages import catalogue
from pipelines.report.ringpng import write
from pipelines.report.ringsvg import ring
from pipelines.report.scene import LEFT, LIMIT, WIDTH, scene

COLUMNS = ["a_id", "a_kind", "b_id", "b_kind", "n", "validated"]
AGENT, HOSPITAL = "agent:00000000000000a1", "hospital:00000000000000b1"


def star(people: int, odd: int = 0) -> pd.DataFrame:
    """An agent and a hospital with their common patients; ``odd`` of them know a doctor of their own."""
    rows = [(AGENT, "agent", HOSPITAL, "hospital", people, True)]
    for i in range(people):
        person = f"person:{i:016x}"
        rows += [(AGENT, "agent", person, "person", 1, False), (HOSPITAL, "hospital", person, "person", 1, False)]
    rows += [(f"doctor:{i:016x}", "doctor", f"person:{i:016x}", "person", 1, False) for i in range(odd)]
    return pd.DataFrame(rows, columns=COLUMNS)


def test_alike_people_are_one_box_between_who_sells_and_who_serves() -> None:
    found = {n.kind: n for n in scene(star(9), AGENT, catalogue()).nodes}
    assert set(found) == {"agent", "hospital", "person"}
    assert found["agent"].x < found["person"].x < found["hospital"].x
    assert len(found["person"].members) == 9
    assert (found["agent"].style, found["person"].label["en"]) == ("organiser", "9 × person")


def test_what_is_beyond_the_limit_is_counted() -> None:
    shown = scene(star(90, odd=80), AGENT, catalogue())
    assert len(shown.nodes) == LIMIT
    assert shown.folded == 90 + 80 + 2 - sum(len(n.members) for n in shown.nodes)
    assert "more" in ring(star(90, odd=80), AGENT, catalogue()) or "另有" in ring(star(90, odd=80), AGENT, catalogue())


def test_the_validated_link_is_marked_and_passes_over_the_people() -> None:
    shown = scene(star(9), AGENT, catalogue())
    (link,) = [e for e in shown.edges if e.valid]
    assert min(y for _, y in link.points) < min(n.y for n in shown.nodes)
    assert {style for style in ("organiser", "people", "right") if style in {n.style for n in shown.nodes}} == {
        "organiser",
        "people",
        "right",
    }


def test_people_alone_stand_in_a_circle() -> None:
    people = [f"person:{i:016x}" for i in range(5)]
    links = pd.DataFrame([(a, "person", b, "person", 2, False) for a in people for b in people if a < b][:7], columns=COLUMNS)
    found = scene(links, people[0], catalogue()).nodes
    assert min(found, key=lambda n: n.y).style == "organiser"
    assert len({n.x for n in found}) > 2
    assert all(0 <= n.x <= WIDTH for n in found)


def test_no_line_crosses_the_page_edge_and_no_boxes_overlap() -> None:
    nodes = scene(star(40, odd=20), AGENT, catalogue()).nodes
    for kinds in (LEFT, ("person",), ("hospital", "doctor")):
        column = sorted((n for n in nodes if n.kind in kinds), key=lambda n: n.y)
        assert all(a.y + a.height <= b.y for a, b in itertools.pairwise(column))


def test_a_click_names_the_evidence_and_the_order_of_rows_is_nothing() -> None:
    links, keys = star(5), {HOSPITAL: frozenset({"A:c2", "A:c1"})}
    drawn = ring(links, AGENT, catalogue(), keys)
    assert 'data-keys="A:c1 A:c2"' in drawn
    assert drawn == ring(links.sample(frac=1, random_state=1), AGENT, catalogue(), keys)


def test_a_png_for_documents(tmp_path: Path) -> None:
    first, again = (write(star(6), AGENT, tmp_path / name, (catalogue(), "zh")) for name in ("a.png", "b.png"))
    assert first.read_bytes()[:8] == b"\x89PNG\r\n\x1a\n"
    assert first.read_bytes() == again.read_bytes()
