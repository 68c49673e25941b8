"""What differences between two addresses cost, learnt without a label: from addresses that are written anew.

One candidate of every query is written as that query is: with its prefix of areas, with a building, group, house or gate just where the
query has one, with its unit, floor and room; often without road and number where a place is named, now and then with a typing error.
Where the candidate itself has building, group, house and gate just where the query has, the two are the same; where it has not, they are
one place at two grains, and not the same. Nor are what was written anew and the other candidates of that query, as a register
of places lists none twice. A logistic regression tells the same from the others by what is missing in names and by the differences that
the comparison in use looks at (``compare.missing``, ``compare.differences``), no weight below zero; its weights over that of names are
the costs in use, ``compare.COSTS``. Of a folder of ``benchmarks.addresses`` the texts alone are read.

Which shares of the rewriting are used (road in three of five, number in three of four of these, an error in three of ten) was fixed
before any figure. Detail follows the query because of what texts alone show: where every candidate was written as a query, the
highest scores were of houses beside their bare road or village.

Usage: ``python -m benchmarks.rewritten FOLDER``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipelines.resolve.addresses import parse
from pipelines.resolve.compare import PARTS, compared, differences, missing

SEEDS = range(11, 16)
RIDGE = 3.0
MUNICIPAL = ("上海", "北京", "天津", "重庆")
ADDED = ("unit", "floor", "room")
STEP, FEW, ONE = 0.05, 100, 0.2
"""Costs are to the nearest twentieth; what both name differently in fewer than a hundred pairs (group, unit, room) costs the least
tenth that takes equal addresses below ``compare.SAME``."""
LISTED = 0.55
"""Two districts of Chongqing have no place in common, as is known without any text: the least twentieth that takes equal addresses below
``compare.NEAR``."""

Floats = NDArray[np.float64]
Parts = dict[str, dict[Any, Any]]


def learnt(texts: pd.DataFrame) -> dict[str, float]:
    """The costs that are in use, from pairs of text_id, query and text; no label among them."""
    features, same = observed(texts)
    weights = pd.Series(regression(features.to_numpy(dtype=float), same), features.columns)
    costs = (weights / weights["alike"] / STEP).round().mul(STEP).round(2).drop("alike")
    costs[[name for name in PARTS if (features[name] < 0).sum() < FEW]] = ONE
    costs["listed"] = LISTED
    return {str(name): float(cost) for name, cost in costs.items() if cost > 0}


def observed(texts: pd.DataFrame) -> tuple[pd.DataFrame, NDArray[np.bool_]]:
    """Of every pair made, what is missing in names and which differences there are, each below zero; and whether the two are the same."""
    known = parts_of(pd.concat([texts["left"], texts["right"]]))
    made = pd.concat([written_anew(texts, known, np.random.default_rng(seed)) for seed in SEEDS], ignore_index=True)
    found = compared(made["left"], made["right"], {"alike": missing(), **differences()})
    return -found.astype(float), made["same"].to_numpy()


def parts_of(texts: pd.Series) -> Parts:
    """By text what ``parse`` says of it."""
    distinct = pd.Series(texts.unique(), dtype="str")
    return dict(zip(distinct, parse(distinct).to_dict("records"), strict=True))


def written_anew(texts: pd.DataFrame, known: Parts, rng: np.random.Generator) -> pd.DataFrame:
    """One candidate of each query written anew, beside all candidates of that query: query, left, right, same."""
    queries = texts.drop_duplicates("query").set_index("query")["left"]
    letters, found = "".join(texts["right"]), []
    for query, right in texts.groupby("query", sort=False)["right"]:
        listed, asked = right.tolist(), known[queries[query]]
        if len(listed) < 2:
            continue
        chosen = listed[rng.integers(len(listed))]
        if known[chosen]["place"] or known[chosen]["road"]:
            parts, same = _at_grain(known[chosen], asked)
            left = _mistyped(_area(asked) + _named(parts, asked, rng), letters, rng)
            found += [(query, left, text, same and text == chosen) for text in dict.fromkeys(listed)]
    return pd.DataFrame(found, columns=["query", "left", "right", "same"])


def _at_grain(parts: dict[Any, Any], asked: dict[Any, Any]) -> tuple[dict[Any, Any], bool]:
    """A candidate's parts with building, group, house and gate just where the query has them, and whether all are still its own."""
    house = "house" if parts["place"] else "number"
    followed = ["building", "team"] + [house] * (bool(parts["place"]) == bool(asked["place"]))
    changed = {name: asked[name] for name in followed if bool(parts[name]) != bool(asked[name])}
    gate_dropped = parts["facility"] and not asked["facility"]
    return {**parts, **changed, "facility": parts["facility"] and asked["facility"]}, not changed and not gate_dropped


def _area(parts: dict[Any, Any]) -> str:
    """Province, city, district and town as queries write them."""
    ends = {"province": "" if parts["province"] in MUNICIPAL else "省", "city": "市", "district": "区", "town": "街道"}
    return "".join(parts[name] + end for name, end in ends.items() if parts[name])


def _named(parts: dict[Any, Any], asked: dict[Any, Any], rng: np.random.Generator) -> str:
    place, said = bool(parts["place"]), ""
    house = parts["house"] if place else parts["number"]
    if not place or rng.random() < 0.6:
        said += parts["road"].replace(" ", "")
        said += f"{parts['number']}号" if place and parts["number"] and not house and rng.random() < 0.75 else ""
    said += parts["place"].replace(" ", "") + (f"{house}号" if house else "") + parts["zone"]
    said += "".join(f"{parts[name]}{end}" for name, end in (("building", "栋"), ("team", "组")) if parts[name])
    if place or house or parts["building"]:
        inside = {name: parts[name] or asked[name] for name in ADDED}
        said += "".join(f"{inside[name]}{end}" for name, end in zip(ADDED, ("单元", "楼", "室"), strict=True) if inside[name])
    said += f"({parts['note']})" if parts["facility"] and parts["note"] else ""
    return said if place else f"{said}{parts['beside']}"


def _mistyped(text: str, letters: str, rng: np.random.Generator) -> str:
    """In three of ten a character left out or another one in its place."""
    if rng.random() >= 0.3 or len(text) <= 6:
        return text
    at = int(rng.integers(len(text)))
    return text[:at] + ("" if rng.random() < 0.5 else letters[rng.integers(len(letters))]) + text[at + 1 :]


def regression(features: Floats, same: NDArray[np.bool_]) -> Floats:
    """Weights, none below zero, of a logistic regression that takes both kinds for equally frequent."""
    sign, weight = np.where(same, 1.0, -1.0), np.where(same, 0.5 / same.mean(), 0.5 / (1 - same.mean()))

    def loss(x: Floats) -> tuple[float, Floats]:
        margin = sign * (features @ x[:-1] + x[-1])
        slope = -weight * sign / (1 + np.exp(margin))
        value = float(weight @ np.logaddexp(0, -margin) + RIDGE * (x[:-1] @ x[:-1]) / 2)
        return value, np.append(features.T @ slope + RIDGE * x[:-1], slope.sum())

    count = features.shape[1]
    found = minimize(loss, np.append(np.full(count, 0.1), 0.0), jac=True, method="L-BFGS-B", bounds=[(0, None)] * count + [(None, None)])
    weights: Floats = found.x[:-1]
    return weights


def texts_of(folder: Path) -> pd.DataFrame:
    """One row per query and candidate, without their labels."""
    lines = (json.loads(line) for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines())
    rows = [(one["text_id"], one["query"], candidate["text"]) for one in lines for candidate in one["candidate"]]
    return pd.DataFrame(rows, columns=["query", "left", "right"])


if __name__ == "__main__":
    print(json.dumps(learnt(texts_of(Path(sys.argv[1]))), indent=2, ensure_ascii=False))
