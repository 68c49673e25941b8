"""The section on two hundred nights of verdicts of ``docs/evaluation.md``."""

from __future__ import annotations

from typing import Any

from benchmarks.tables import table

SORTS = {
    "ordinary": "Every scheme is promised points",
    "unpromised": "From night 50 on three schemes come whose promise is next to nothing",
}


def section(found: dict[str, Any]) -> str:
    """Amount and hits by policy, from what :mod:`benchmarks.feedback` measured."""
    said = (
        f"Worlds {', '.join(map(str, found['worlds']))} of each sort, {found['new']} new cases a night, drawn from the "
        f"{found['cases']:,} ({found['guilty']:,} right; digest `{found['digest']}`) that the nights of these books published. Amount and "
        "hits are times those of the greedy scorecard, which takes the highest promised scores and never learns (asked: ≥ 1.3 times its "
        "amount), and times those of the list as the product orders it before there are verdicts: mean, least and most over "
        "the worlds. The ceiling knows the truth and takes the most money. Exploration has a tenth of the capacity, within or beside it, "
        "as in the product; what is found beside it is not counted.\n\n"
    )
    against = ("amount / greedy", "hits / greedy", "amount / before", "hits / before")
    head = ("capacity", "policy", *against, "share of the money", "recall")
    parts = [f"### {found['nights']} nights of verdicts\n\n" + said]
    for sort, name in SORTS.items():
        rows = [(k, p, *_cells(one)) for k, by in found[sort].items() for p, one in by.items()]
        parts.append(f"{name}:\n\n" + table(head, rows) + "\n")
    return "".join(parts)


def _cells(one: dict[str, Any]) -> list[str]:
    times = [one[f] for f in ("greedy_amount", "greedy_hits", "amount", "hits")]
    told = [f"{t['mean']:.2f} ({t['least']:.2f} to {t['most']:.2f})" for t in times]
    return [*told, f"{one['amount_share']:.2f}", f"{one['hits_share']:.2f}"]
