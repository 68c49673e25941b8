"""The figures in the documents come from the measured JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks import figures

TIMED = {"seconds": 1.25, "peak_mib": 300.0}


def measured(claims: int, seconds: float) -> dict[str, Any]:
    night = {"seconds": seconds, "peak_mib": 2048.0}
    ratio = {"ours_shared_seconds": 2.0, "peer_seconds": 20.0, "times_faster": 10.0}
    return {
        "claims": claims,
        "simulate": TIMED,
        "night": night,
        "again": TIMED,
        "stages": {"gate": TIMED},
        "peer": {"views": TIMED},
        **ratio,
    }


def judged() -> dict[str, Any]:
    book = {"seed": 1, "claims": 1000, "cases": 9, "hits_50": 6, "repeats_50": 2, "baselines_50": {"amount": 1, "count": 3}}
    source = {
        "counts": {"claims": 1200, "leads": 7}, "red_flags_fired": {"H02": 3}, "red_flags_silent": {"M05": "claims.garage"}, "seconds": 4.5,
        "anomaly_against_labels": {},
    }  # fmt: skip
    return {
        "commit": "0123456789abcdef", "made_on": "2026-01-01", "simulated": [book], "sources": {"cms": source},
        "summary": {name: {"mean": 0.5, "least": 0.25, "most": 0.75} for name in (*figures.ASKED, *figures.RESOLVING)},
        "found_per_scheme": {"stacking": {"planted": 4, "found": 3}},
    }  # fmt: skip


def test_a_block_is_replaced_and_the_rest_stays(tmp_path: Path) -> None:
    document = tmp_path / "a.md"
    document.write_text("before\n<!-- figures -->\nold \\1\n<!-- /figures -->\nafter\n", encoding="utf-8")
    figures.put(document, "new \\1")
    figures.put(document, "new \\1")
    assert document.read_text(encoding="utf-8") == "before\n<!-- figures -->\nnew \\1\n<!-- /figures -->\nafter\n"


def test_a_document_without_a_block_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("nothing", encoding="utf-8")
    with pytest.raises(ValueError, match=r"a\.md"):
        figures.put(tmp_path / "a.md", "x")


def test_performance_tells_sizes_peer_and_growth() -> None:
    text = figures.performance({"nights": [measured(100_000, 20.0), measured(1_000_000, 180.0)], "linking": {}})
    assert "| **whole night** | 20.0 | 2,048 | 180.0 | 2,048 |" in text
    assert "| 1,000,000 | 2.0 | 20.0 | 10.0 |" in text
    assert "(10-fold) the whole night takes 9.0 times as long" in text


def linked(records: int, factor: float) -> dict[str, Any]:
    phases = {
        name: {"seconds": 2.0 * factor, "cpu": 3.0, "peak_mib": 900}
        for name in ("spelling", "training", "linking", "clustering", "spelling after", "night after")
    }
    told = {"records": records, "precision": 0.99, "recall": 0.95, "mixed": 7, "mixed_more": 2}
    return {"phases": phases, "seconds": 6.0 * factor, "peak_mib": 1900, **told}


def test_performance_tells_linking_beside_splink() -> None:
    books = [{"ours": linked(1_000_000, 1.0), "splink": linked(1_000_000, 2.0)}, {"ours": linked(5_000_000, 6.0)}]
    text = figures.performance({"nights": [], "linking": {"memory_limit": "3GB", "books": books, "growth": 6.0}})
    assert "| ours, 1,000,000 | 2.0 | 2.0 | 2.0 | 2.0 | 6.0 | 9.0 | 1,900 |" in text
    assert "| Splink's example, 1,000,000 | 0.99 | 0.95 | 5 | 2 |" in text
    assert "12.0 s at 5,000,000 records, 33% of the full time (33% of the processor's)" in text
    assert "with spelling in both, 24.0 s at 5,000,000 records, 50% of the full time (50% of the processor's)" in text
    assert "From 1,000,000 to 5,000,000 records the full time grows 6.0-fold" in text


def test_evaluation_tells_how_well_addresses_are_told_apart() -> None:
    auc = {name: {"auc": auc, "sd": 0.004} for name, auc in (("bigram_dice", 0.7), ("names", 0.75), ("ours", 0.8))}
    text = figures.evaluation({**judged(), "addresses": {"pairs": 9, "ceiling": {"mean": 0.84, "sd": 0.001, "seeds": 5}, **auc}})
    assert "| names and costs, as in use | 0.8 | 0.004 |" in text and "reaches 0.840 (sd 0.0010 over 5 seeds)" in text


def test_evaluation_tells_books_schemes_and_sources() -> None:
    text = figures.evaluation(judged())
    assert "| precision in the first 50 cases | ≥ .6 | 0.50 | 0.25 | 0.75 |" in text
    assert "| 1 | 9 | 6 | 2 | 1 | 3 |" in text
    assert "| stacking | 4 | 3 | 0.75 |" in text
    assert "| cms | 1,200 | 7 | 1 | 4.5 | - | - | - | - | - |" in text
    assert "| cms | H02 3 |" in text


@pytest.mark.parametrize(("name", "text"), [("evaluation", figures.evaluation), ("performance", figures.performance)])
def test_documents_say_what_was_measured(name: str, text: Any) -> None:
    document, data = figures.DOCS / f"{name}.md", figures.DOCS / f"{name}.json"
    block = figures.BLOCK.search(document.read_text(encoding="utf-8"))
    assert block
    if data.exists():
        assert text(json.loads(data.read_text(encoding="utf-8"))).strip() in block[0]
    else:
        assert "Not measured yet" in block[0]


def test_performance_tells_propagation_beside_others() -> None:
    one = {"seconds": 2.0, "cpu": 1.5, "peak_mib": 1200.0}
    sizes = [{"edges": 400_000, **{way: {**one, "cpu": cpu} for way, cpu in (("stage", 6.0), ("birank", 1.5), ("bare_scipy", 3.0))}}]
    text = figures.performance({"nights": [], "linking": {}, "propagation": sizes})
    assert "| 400,000 | 2.0 | 6.0 | 1,200 |" in text and text.count("| - ") == 3
    assert "bare scipy takes 2.0 times what one propagation does; the stage takes 15.0 s per million edges." in text


def test_calibration_and_links_are_told() -> None:
    kinds = {"agent-hospital": 0.025, "person-person": 0.0}
    trial = {"null_books": 40, "planted_books": 20, "claims": 40_000, "null_books_with_false_link": kinds, "false_discovery_mean": 0.0017}
    trial |= {"false_discovery_most": 0.0333, "planted_pairs_per_kind": 60, "true_links": {"agent-hospital": 51, "person-person": 41}}
    books = [{"agent-hospital": {"planted": 2, "neither": 1}}, {"agent-hospital": {"planted": 1}}]
    text = figures.evaluation({**judged(), "links": trial, "simulated": [{**judged()["simulated"][0], "links": b} for b in books]})
    assert "| agent-hospital | 2.5% | 51 | 3 | 0 | 1 |" in text
    assert "0.0017 on average" in text
    sizes = [{"claims": 1_000_000, "seconds": 9.0, "cpu": 12.0, "peak_mib": 928}]
    assert "| 1,000,000 | 9.0 | 12.0 | 12.0 | 928 |" in figures.performance({"nights": [], "linking": {}, "links": sizes})
