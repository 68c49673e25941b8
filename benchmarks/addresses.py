"""How well pairs of addresses are told apart: exact match against partial and none, on queries with judged candidates.

The folder holds ``queries.jsonl``: text_id, query, candidate (list of text and label: 完全匹配, 部分匹配, 不匹配). No weight of ours is
fitted to the labels. While the comparison was made, labels were looked at on one half of the queries only (SHA-256 of text_id even,
``seen``): errors, rates and the coefficients of a logistic regression on that half told which parts matter, and costs were set by hand
in steps of a tenth. The best of some sixty hand-set versions was chosen with figures of both halves in sight, so ``unseen`` is
slightly flattered too. Grams are weighted by their rarity among all addresses of the folder, which needs no label. The ceiling is a
model that does learn: gradient boosting on string features, folds grouped by query.

What the costs rest on is measured as well: without any cost, where nothing comes from a label; with one cost, fixed before a label was
read, for whatever differs (0.2, the least tenth that takes two else equal addresses below ``compare.SAME``); by what
``benchmarks.rewritten`` learns without labels; and with the costs that are in use moved by half, one by one, all at once and at random.
What else was tried without labels is told in docs/evaluation.md.

Usage: ``python -m benchmarks.addresses FOLDER``
"""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from benchmarks import rewritten
from pipelines.resolve.addresses import parse
from pipelines.resolve.compare import COSTS, Costs, similarities, similarity

SEEDS = range(5)
ONE, MOVED, DRAWS = 0.2, (0.5, 1.5), 40
PARTS = ("district", "town", "road", "number", "building", "unit", "floor", "room", "zone", "team", "note", "beside", "finest")


def figures(folder: Path) -> dict[str, Any]:
    """AUC of character pairs, of ours and of the ceiling, by half of the queries and over all."""
    pairs = read(folder)
    exact, seen = (pairs["label"] == "完全匹配").to_numpy(), pairs["seen"].to_numpy()
    scores = {"bigram_dice": dice(pairs["left"], pairs["right"]), "ours": np.nan_to_num(similarity(pairs["left"], pairs["right"]))}
    halves = {"seen": seen, "unseen": ~seen, "all": np.ones(len(pairs), bool)}
    result: dict[str, Any] = {"queries": int(pairs["query"].nunique()), "pairs": len(pairs), "exact": int(exact.sum())}
    for name, score in scores.items():
        result[name] = {half: round(float(roc_auc_score(exact[rows], score[rows])), 4) for half, rows in halves.items()}
    result["costs"] = moved(pairs, exact)
    result["ceiling"] = ceiling(strings(pairs, scores), exact, pairs["query"])
    return result


def moved(pairs: pd.DataFrame, exact: NDArray[np.bool_]) -> dict[str, Any]:
    """AUC over all without costs, with one cost, and with the costs in use moved by half either way."""
    none = Costs(dict.fromkeys(COSTS.parts, (0.0, 0.0)), 0.0, 0.0, 1.0)
    plain = {"none": none, "one": Costs(dict.fromkeys(COSTS.parts, (ONE, 0.0)), ONE, ONE, 1.0)}
    names = (*COSTS.parts, "other_grain", "gate", "same_building")
    single = {f"{name} x {by}": scaled({name: by}) for name in names for by in MOVED}
    together = {f"all x {by}": scaled(dict.fromkeys(names, by)) for by in MOVED}
    rng = np.random.default_rng(0)
    drawn = {f"draw {i}": scaled(dict(zip(names, rng.uniform(*MOVED, len(names)), strict=True))) for i in range(DRAWS)}
    scores = similarities(pairs["left"], pairs["right"], {**plain, **single, **together, **drawn})
    scores["learnt"] = rewritten.scores(pairs)
    auc = {name: round(float(roc_auc_score(exact, np.nan_to_num(score))), 4) for name, score in scores.items()}
    random = np.array([auc[name] for name in drawn])
    spread = {"draws": DRAWS, "least": random.min(), "mean": round(float(random.mean()), 4), "most": random.max()}
    return {**{name: auc[name] for name in (*plain, "learnt", *together)}, "single": {name: auc[name] for name in single}, "random": spread}


def scaled(by: Mapping[str, float]) -> Costs:
    """The costs in use, some of them times a factor."""
    parts = {name: (cost[0] * by.get(name, 1.0), cost[1] * by.get(name, 1.0)) for name, cost in COSTS.parts.items()}
    same = 1 - (1 - COSTS.same_building) * by.get("same_building", 1.0)
    return Costs(parts, COSTS.other_grain * by.get("other_grain", 1.0), COSTS.gate * by.get("gate", 1.0), same)


def read(folder: Path) -> pd.DataFrame:
    """One row per query and candidate."""
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = pd.json_normalize([json.loads(line) for line in lines], "candidate", ["text_id", "query"])
    even = queries["text_id"].map(lambda text: int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) % 2 == 0)
    return pd.DataFrame(
        {
            "query": queries["text_id"],
            "left": queries["query"],
            "right": queries["text"],
            "label": queries["label"],
            "seen": even.astype(bool),
        }
    )


def dice(left: pd.Series, right: pd.Series) -> NDArray[np.float64]:
    """Dice figure of the sets of neighbouring characters, as written."""
    sets = [side.map(lambda text: {text[i : i + 2] for i in range(len(text) - 1)}) for side in (left, right)]
    return np.array([2 * len(a & b) / max(len(a) + len(b), 1) for a, b in zip(*sets, strict=True)])


def strings(pairs: pd.DataFrame, scores: dict[str, NDArray[np.float64]]) -> pd.DataFrame:
    """Features of the ceiling: the figures themselves, lengths, and for each part whether it is the same, other, in one, in neither."""
    a, b = parse(pairs["left"]), parse(pairs["right"])
    features: dict[str, Any] = dict(scores)
    for part in PARTS:
        x, y = a[part].to_numpy(), b[part].to_numpy()
        features[part] = np.select([(x == "") & (y == ""), (x == "") | (y == ""), x == y], [0, 1, 3], 2)
    features |= {f"{part}_dice": dice(a[part], b[part]) for part in ("road", "place", "note")}
    features |= {f"one_has_{k}": (a["finest"] == k).to_numpy().astype(int) + (b["finest"] == k) for k in ("place", "number", "road")}
    lengths = [side.str.len().to_numpy() for side in (pairs["left"], pairs["right"], a["place"], b["place"])]
    features |= {f"length_{i}": length for i, length in enumerate(lengths)}
    return pd.DataFrame(features).reset_index(drop=True)


def ceiling(features: pd.DataFrame, exact: NDArray[np.bool_], query: pd.Series) -> dict[str, float]:
    """AUC of a supervised model out of fold: mean and standard deviation over shuffles of the folds."""
    found = []
    for seed in SEEDS:
        model = HistGradientBoostingClassifier(max_iter=150, learning_rate=0.05, min_samples_leaf=40, random_state=seed)
        folds = GroupKFold(5, shuffle=True, random_state=seed)
        chance = cross_val_predict(model, features, exact, groups=query, cv=folds, method="predict_proba")[:, 1]
        found.append(roc_auc_score(exact, chance))
    return {"mean": round(float(np.mean(found)), 4), "sd": round(float(np.std(found)), 4), "seeds": len(found)}


if __name__ == "__main__":
    print(json.dumps(figures(Path(sys.argv[1])), indent=2, ensure_ascii=False))
