"""What differences between two addresses cost, learnt without a label: from addresses that are written anew.

One candidate of every query is written as queries write addresses: a prefix of areas and a unit, floor and room of some query, often
without road and number where a place is named, now and then with a typing error, the words in brackets kept only where they name a gate.
What was written anew and its candidate are the same; what was written anew and the other candidates of that query are not, as a register
of places lists none twice. A logistic regression tells the two apart by the parts of ``compare.Costs``, no weight below zero; its weights
over that of the similarity are the costs. Of a folder of ``benchmarks.addresses`` the texts alone are read.

Which shares of the rewriting are used (road in three of five, number in three of four of these, an error in three of ten) was fixed
before any figure. Parts were chosen by likelihood out of fold on such pairs: road, floor and words in brackets joined those in use.

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
from pipelines.resolve.compare import Costs

SEEDS = range(11, 16)
RIDGE = 3.0
PARTS = ("listed", "road", "number", "zone", "building", "team", "unit", "floor", "room", "note")
MUNICIPAL = ("上海", "北京", "天津", "重庆")
ADDED = ("unit", "floor", "room")
LEARNT = Costs(
    {
        "listed": (0.3, 0.05), "road": (0.1, 0.0), "number": (0.15, 0.0), "zone": (0.3, 0.15), "building": (0.25, 0.3),
        "team": (0.2, 0.15), "unit": (0.2, 0.0), "floor": (0.1, 0.0), "room": (0.2, 0.0), "note": (0.25, 0.0),
    },
    other_grain=0.1, gate=0.35, same_building=0.95,
)  # fmt: skip
"""What is learnt, to the nearest twentieth. What both name differently in fewer than a hundred pairs costs the 0.2 of
``benchmarks.addresses.ONE`` (group, unit, room); another listed district, which no pair names, the 0.3 that is in use."""

Floats = NDArray[np.float64]
Parts = dict[str, dict[Any, Any]]


def learnt(texts: pd.DataFrame) -> dict[str, float]:
    """Cost of each difference in units of the similarity, from pairs of text_id, query and text; no label among them."""
    known = parts_of(pd.concat([texts["left"], texts["right"]]))
    made = pd.concat([written_anew(texts, known, np.random.default_rng(seed)) for seed in SEEDS], ignore_index=True)
    features = differences(made, parts_of(pd.concat([texts["left"], texts["right"], made["left"]])))
    weights = regression(features.to_numpy(dtype=float), made["same"].to_numpy())
    return {name: round(float(w / weights[0]), 3) for name, w in zip(features.columns.astype(str), weights, strict=True)}


def parts_of(texts: pd.Series) -> Parts:
    """By text what ``parse`` says of it."""
    distinct = pd.Series(texts.unique(), dtype="str")
    return {str(text): row for text, row in zip(distinct, parse(distinct).to_dict("records"), strict=True)}


def written_anew(texts: pd.DataFrame, known: Parts, rng: np.random.Generator) -> pd.DataFrame:
    """One candidate of each query written anew, beside all candidates of that query: query, left, right, same."""
    queries = texts.drop_duplicates("query").set_index("query")["left"]
    tails, letters, found = [known[text] for text in queries], "".join(texts["right"]), []
    for query, right in texts.groupby("query", sort=False)["right"]:
        listed = right.tolist()
        if len(listed) < 2:
            continue
        chosen = listed[rng.integers(len(listed))]
        if known[chosen]["place"] or known[chosen]["road"]:
            left = _mistyped(_area(known[queries[query]]) + _named(known[chosen], tails, rng), letters, rng)
            found += [(query, left, text, text == chosen) for text in dict.fromkeys(listed)]
    return pd.DataFrame(found, columns=["query", "left", "right", "same"])


def _area(parts: dict[Any, Any]) -> str:
    """Province, city, district and town as queries write them."""
    ends = {"province": "" if parts["province"] in MUNICIPAL else "省", "city": "市", "district": "区", "town": "街道"}
    return "".join(parts[name] + end for name, end in ends.items() if parts[name])


def _named(parts: dict[Any, Any], tails: list[dict[Any, Any]], rng: np.random.Generator) -> str:
    place, said = bool(parts["place"]), ""
    if not place or rng.random() < 0.6:
        said += parts["road"].replace(" ", "")
        said += f"{parts['number']}号" if parts["number"] and (not place or rng.random() < 0.75) else ""
    said += parts["place"].replace(" ", "") + parts["zone"]
    said += "".join(f"{parts[name]}{end}" for name, end in (("building", "栋"), ("team", "组")) if parts[name])
    tail = tails[rng.integers(len(tails))]
    inside = {name: parts[name] or tail[name] for name in ADDED}
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
    return pd.DataFrame(found)


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
