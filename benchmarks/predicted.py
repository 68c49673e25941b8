"""The section of `docs/evaluation.md` on what is learnt from verdicts, from what :mod:`benchmarks.predicting` measured."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.tables import table

PROTOCOL = {
    "expert_to_truth": "experts' verdicts of investigated claims → truth of the others",
    "cross_validated": "five-fold, verdicts at hand",
}


def section(found: dict[str, Any]) -> str:
    """Tables of what is reached beside what was asked, without verdicts, and for ifraud the learning curve."""
    parts = [
        "### Learnt from verdicts",
        "`fraudleads predict` on the outside data, mean (standard deviation) over seeds:",
        _reached(found),
        _blind(found),
    ]
    parts += [_selective(name, one["selective"]) for name, one in found.items() if "selective" in one]
    parts += [text for name, one in found.items() if "noisy" in one for text in (_noisy(name, one["noisy"]), _looks(name, one["noisy"]))]
    parts += [_curve(name, one["learning_curve"]) for name, one in found.items() if "learning_curve" in one]
    return "\n\n".join(parts)


def _reached(found: dict[str, Any]) -> str:
    rows = []
    for name, one in found.items():
        key = next(k for k in PROTOCOL if k in one)
        asked = ", ".join(f"{k} ≥ {v}" for k, v in one["reach"].items())
        rows.append((f"{name}: {PROTOCOL[key]}", asked, *(_mean(one[key][k]) for k in ("auc", "ap", "lift")), one["permuted_auc"]))
    return table(("source and protocol", "asked", "AUC", "AP", "top-decile lift", "AUC of permuted labels"), rows)


def _blind(found: dict[str, Any]) -> str:
    rows = []
    for name, one in found.items():
        blind, column = one["no_labels"], one["no_labels"].get("column", {})
        within = [d.get("auc_within_deciles_8_to_10", "-") for d in (blind, column)]
        rows.append(
            (
                name,
                blind["auc"],
                blind["ap"],
                within[0],
                column.get("name", "none"),
                column.get("auc", "-"),
                column.get("ap", "-"),
                within[1],
            )
        )
    head = ("no verdict used", "AUC", "AP", "AUC within deciles 8-10 of money", "column of money", "its AUC", "its AP", "its AUC within")
    return table(head, rows)


def _selective(name: str, found: dict[str, Any]) -> str:
    rows = [(way, *(f"{one[k]:.3f}" for k in ("auc", "ap", "lift"))) for way, one in found["ways"].items()]
    told = f"{name}: columns tell who was investigated with AUC {found['told_by_columns']}; four fifths of the verdicts, ten times"
    return table((told, "AUC", "AP", "top-decile lift"), rows)


def _noisy(name: str, found: dict[str, Any]) -> str:
    """A table for each figure, by way and noise."""
    return "\n\n".join(_figure(f"{name}, {figure}", i, found) for i, figure in enumerate(("AUC", "AP", "log-loss")))


def _figure(title: str, at: int, found: dict[str, Any]) -> str:
    """Means of one figure; in brackets what a way adds to verdicts as they are, and the standard deviation of that over seeds."""
    plain = {noise: np.array(next(iter(one["ways"].values())))[:, at] for noise, one in found.items()}
    ways = next(iter(found.values()))["ways"]
    rows = [(way, *(_added(np.array(one["ways"][way])[:, at], plain[noise]) for noise, one in found.items())) for way in ways]
    return table((title, *found), rows)


def _added(runs: Any, plain: Any) -> str:
    more = runs - plain
    return f"{runs.mean():.3f} ({more.mean():+.3f} ± {more.std(ddof=1):.3f})" if more.any() else f"{runs.mean():.3f}"


def _looks(name: str, found: dict[str, Any]) -> str:
    rows = [(noise, *one["rates"], *one["looks"]) for noise, one in found.items()]
    rates = [f"{which} by {how}" for how in ("confident learning", "anchors") for which in ("missed", "accused")]
    looks = [f"wrong among {which} verdicts {of}" for which in ("cleared", "proven") for of in ("named for a second look", "at all")]
    return table((name, *rates, *looks), rows)


def _curve(name: str, curve: dict[str, Any]) -> str:
    rows = [(n, *(_mean(one[k]) for k in ("auc", "ap", "lift"))) for n, one in curve.items() if one]
    trained = "truth of so many claims at random (the ceiling)" if name == "ifraud" else "so many verdicts (logistic and forest)"
    return table((f"{name}: {trained}", "AUC", "AP", "top-decile lift"), rows)


def _mean(one: dict[str, float]) -> str:
    return f"{one['mean']:.3f} ({one['sd']:.3f})"
