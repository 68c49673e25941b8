"""What differences between two addresses cost, learnt without a label: from addresses that are written anew.

One candidate of every query is written as that query is: with its prefix of areas, with a building, group, house or gate just where the
query has one, with its unit, floor and room; often without road and number where a place is named, now and then with a typing error.
Where the candidate itself has building, group, house and gate just where the query has, the two are the same; where it has not, they are
one place at two grains, and not the same. Nor are what was written anew and the other candidates of that query, as a register
of places lists none twice. A logistic regression tells the same from the others by ``differences``, no weight below zero; its weights
over that of the similarity are the costs. Of a folder of ``benchmarks.addresses`` the texts alone are read.

Which shares of the rewriting are used (road in three of five, number in three of four of these, an error in three of ten) was fixed
before any figure. Columns are the parts of ``compare.Costs``, with road, floor and words in brackets as likelihood out of fold on such
pairs had it, and the house. Detail follows the query because of what texts alone show: where every candidate was written as a query, the
highest scores were of houses beside their bare road or village.

Usage: ``python -m benchmarks.rewritten FOLDER``
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize

from pipelines.resolve.addresses import fold, parse

SEEDS = range(11, 16)
RIDGE = 3.0
PARTS = ("listed", "road", "number", "zone", "building", "team", "unit", "floor", "room", "note")
MUNICIPAL = ("上海", "北京", "天津", "重庆")
ADDED = ("unit", "floor", "room")
LEARNT = {
    "alike": 1.0, "listed": 0.2, "road": 0.1, "number": 0.15, "zone": 0.25, "zone alone": 0.15, "building": 0.3, "building alone": 0.45,
    "team": 0.2, "team alone": 0.45, "unit": 0.15, "floor": 0.1, "room": 0.2, "house alone": 0.5, "other_grain": 0.1, "gate": 0.6,
}  # fmt: skip
"""What is learnt, to the nearest twentieth. What both name differently in fewer than a hundred pairs (district of Chongqing, group, room)
costs the 0.2 of ``benchmarks.addresses.ONE``."""

Floats = NDArray[np.float64]
Parts = dict[str, dict[Any, Any]]


def learnt(texts: pd.DataFrame) -> dict[str, float]:
    """Cost of each difference in units of the similarity, from pairs of text_id, query and text; no label among them."""
    known = parts_of(pd.concat([texts["left"], texts["right"]]))
    made = pd.concat([written_anew(texts, known, np.random.default_rng(seed)) for seed in SEEDS], ignore_index=True)
    features = differences(made, parts_of(pd.concat([texts["left"], texts["right"], made["left"]])))
    weights = regression(features.to_numpy(dtype=float), made["same"].to_numpy())
    return {name: round(float(w / weights[0]), 3) for name, w in zip(features.columns.astype(str), weights, strict=True)}


def scores(pairs: pd.DataFrame, costs: Mapping[str, float] = LEARNT) -> Floats:
    """What is missing to 1 and the costs, below zero, of pairs of left and right; no floor, as ranks need none."""
    features = differences(pairs, parts_of(pd.concat([pairs["left"], pairs["right"]])))
    found: Floats = features[list(costs)].to_numpy(dtype=float) @ np.array(list(costs.values()))
    return found


def parts_of(texts: pd.Series) -> Parts:
    """By text what ``parse`` says of it, and ``inner``: its number where that follows the last name, as the house of a village does."""
    distinct = pd.Series(texts.unique(), dtype="str")
    rows = parse(distinct).to_dict("records")
    return {str(text): {**row, "inner": _inner(spelt, row)} for text, spelt, row in zip(distinct, fold(distinct), rows, strict=True)}


def _inner(spelt: str, parts: dict[Any, Any]) -> str:
    last, number = str(parts["place"]).split(" ")[-1], str(parts["number"])
    follows = rf"{re.escape(last)}(?:\([^()]*\)|[0-9A-Z]+[期区]|[0-9]+[组社])*{re.escape(number)}(?:号院|号|弄)"
    return number if last and number and re.search(follows, spelt) else ""


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
    house = "inner" if parts["place"] else "number"
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
    house = parts["inner"] if place else parts["number"]
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


def differences(pairs: pd.DataFrame, known: Parts) -> pd.DataFrame:
    """What ``compare.address_similarity`` subtracts, each as a column of zeros and minus ones after what is missing in similarity."""
    a, b = ([known[text] for text in pairs[side]] for side in ("left", "right"))
    alike = np.array([_alike(x, y) for x, y in zip(a, b, strict=True)])
    columns = {
        name: tuple(np.array([row[name] for row in side], dtype=object) for side in (a, b)) for name in (*PARTS, "finest", "facility")
    }
    built = tuple(side != "" for side in columns["building"])
    same = built[0] & (columns["building"][0] == columns["building"][1])
    found: dict[str, Any] = {"alike": alike - 1, "same_building": (1 - alike) * same}
    for name in PARTS:
        x, y = columns[name]
        found[name] = -1.0 * ((x != "") & (y != "") & (x != y))
        found[f"{name} alone"] = -1.0 * ((x != "") != (y != ""))
    found["other_grain"] = -1.0 * (~built[0] & ~built[1] & (columns["finest"][0] != columns["finest"][1]))
    found["gate"] = -1.0 * (columns["facility"][0] != columns["facility"][1])
    found["house alone"] = np.array([-1.0 * _house_alone(x, y) for x, y in zip(a, b, strict=True)])
    return pd.DataFrame(found)


def _house_alone(a: dict[Any, Any], b: dict[Any, Any]) -> bool:
    """Whether one alone names a house: a number after a name, or any where neither names a place; not where the other's parts have it."""
    name = "inner" if a["place"] or b["place"] else "number"
    if bool(a[name]) == bool(b[name]):
        return False
    one, other = (a, b) if a[name] else (b, a)
    return one[name] not in (other["number"], other["building"], other["team"])


def _alike(a: dict[Any, Any], b: dict[Any, Any]) -> float:
    grams, cores = [set(map(int, x["grams"])) for x in (a, b)], [set(map(int, x["core"])) for x in (a, b)]
    shared = grams[0] & grams[1]
    dice = 2 * _weight(shared) / max(_weight(grams[0]) + _weight(grams[1]), 1)
    core = sum(_weight(c & shared) / max(_weight(c), 1) for c in cores) / 2
    return (2 * dice + core) / 3


def _weight(codes: set[int]) -> int:
    return sum(code & 0xFFFF for code in codes)


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
