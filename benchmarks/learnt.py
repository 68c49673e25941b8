"""The section on verdicts of ``docs/evaluation.md``."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import table

WAYS = {"scorecard": "the scorecard alone", "fused": "all parts fused", "promoted": "what would have been promoted"}


def section(found: dict[str, Any]) -> str:
    """Precision at capacity by verdicts, from what :mod:`benchmarks.verdicts` measured."""
    books, draws = found["books"], found["draws"]
    said = (
        f"A book is ranked after verdicts on leads of the other {books - 1} books, the first of each list first, drawn {draws} times "
        "with the simulator's own errors: of a hundred verdicts on planted subjects eighteen clear them, of those on honest ones "
        "five prove them. "
        "Share of cases with a guilty subject and the right scheme among the first; mean (least to most) over books and draws.\n\n"
    )
    places = sorted({int(name.rpartition("_")[2]) for name in found["counts"][0]["change"]})
    rows = [
        (
            f"{one['count']:,}",
            f"{one['verdicts']:,.0f}",
            f"{one['proven']:,.0f}",
            *(_cell(one[f"{way}_{k}"]) for k in places for way in WAYS),
        )
        for one in found["counts"]
    ]
    head = ("verdicts", "there are", "of them proven", *(f"first {k}: {name}" for k in places for name in WAYS.values()))
    changes = [
        (f"{one['count']:,}", *(_change(one["change"][f"{way}_{k}"]) for k in places for way in WAYS)) for one in found["counts"][1:]
    ]
    beside = "\nChange against the same book without a verdict, mean ± standard error:\n\n" + table((head[0], *head[3:]), changes)
    return "### From the first verdict on\n\n" + said + table(head, rows) + beside


def _change(figure: dict[str, float]) -> str:
    return f"{figure['mean']:+.3f} ± {figure['error']:.3f}"


def _cell(figure: dict[str, float]) -> str:
    return f"{figure['mean']:.2f} ({figure['least']:.2f} to {figure['most']:.2f})"
