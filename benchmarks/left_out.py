"""The section of `docs/evaluation.md` on what the parts of the list are worth, from what :mod:`benchmarks.ablation` measured."""

from __future__ import annotations

from typing import Any

import pandas as pd

from benchmarks.tables import table

MEASURED = ("precision_50", "schemes_100", "lookalikes_100")


def section(books: list[dict[str, Any]], sources: dict[str, Any]) -> str:
    """Reasons left out of the simulated books' lists, and families of detectors left out of the anomaly score everywhere."""
    ranked = [b["ablations"] for b in books if "ablations" in b]
    rows = [{"where": "simulated", **row} for b in books for row in b.get("detectors", [])]
    rows += [{"where": name, **row} for name, one in sources.items() for row in one.get("detectors", [])]
    return "\n\n".join([*([_reasons(ranked)] if ranked else []), *([_families(pd.DataFrame(rows))] if rows else [])])


def _reasons(books: list[dict[str, dict[str, float]]]) -> str:
    rows = []
    for way in dict.fromkeys(w for b in books for w in b):
        there = [b for b in books if way in b]
        means = [sum(b[way][f] for b in there) / len(there) for f in MEASURED]
        more = [b[way]["precision_50"] - b["all"]["precision_50"] for b in there]
        rows.append((way, *(f"{m:.3f}" for m in means), f"{sum(more) / len(more):+.3f}", f"{min(more):+.2f} to {max(more):+.2f}"))
    head = ("reasons", "precision in the first 50", "schemes in the first 100", "look-alikes", "precision against all", "least and most")
    said = "The same nights ranked again without a sort of reasons (red flags by family; differences are paired by book):\n\n"
    return "### What the parts are worth\n\n" + said + table(head, rows)


def _families(found: pd.DataFrame) -> str:
    keys = ["where", "kind", "families"]
    means = found.groupby(keys, sort=False)[["auc", "ap", "top"]].mean().reset_index()
    rows = [(r["where"], r["kind"], r["families"], *(f"{r[c]:.3f}" for c in ("auc", "ap", "top"))) for _, r in means.iterrows()]
    said = "Families of detectors in the anomaly score, by labels that only judge (simulated: mean over the books):\n\n"
    return said + table(("source", "subjects", "families", "AUC", "AP", "precision in the first 2 %"), rows)
