"""How well pairs of addresses are told apart: exact match against partial and none, on queries with judged candidates.

The folder holds ``queries.jsonl``: text_id, query, candidate (list of text and label: 完全匹配, 部分匹配, 不匹配). The function is the
one that persons are linked by; its costs come from ``benchmarks.rewritten``, which reads the texts alone. Grams are weighted by their
rarity among all addresses of the folder, which needs no label either. Beside it stand the same without any cost (``names``), the plain
Dice figure of character pairs, and as a ceiling a model that does learn from labels: gradient boosting on string features, folds grouped
by query.
Which parts are taken off and which differences are looked at goes back to errors and rates that were read, with labels, on half of the
queries. What else was tried without labels, and how often these were looked at, is told in docs/evaluation.md.

Usage: ``python -m benchmarks.addresses FOLDER``
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import GroupKFold, cross_val_predict

from pipelines.resolve.addresses import parse
from pipelines.resolve.compare import similarity

SEEDS = range(5)
DRAWS = 200
PARTS = ("district", "town", "road", "number", "building", "unit", "floor", "room", "zone", "team", "note", "beside", "finest")


def figures(folder: Path) -> dict[str, Any]:
    """AUC of character pairs, of names without costs, of ours and of the ceiling."""
    pairs = read(folder)
    exact, sides = (pairs["label"] == "完全匹配").to_numpy(), (pairs["left"], pairs["right"])
    scores = {"bigram_dice": dice(*sides), "names": np.nan_to_num(similarity(*sides, {})), "ours": np.nan_to_num(similarity(*sides))}
    result: dict[str, Any] = {"queries": int(pairs["query"].nunique()), "pairs": len(pairs), "exact": int(exact.sum())}
    result |= {name: auc(score, exact, pairs["query"]) for name, score in scores.items()}
    result["ceiling"] = ceiling(strings(pairs, scores), exact, pairs["query"])
    return result


def auc(score: NDArray[np.float64], exact: NDArray[np.bool_], query: pd.Series) -> dict[str, float]:
    """AUC, and its standard deviation over queries drawn anew with replacement."""
    rng, rows = np.random.default_rng(0), [group.to_numpy() for _, group in pd.Series(np.arange(len(score))).groupby(query.to_numpy())]
    drawn = (np.concatenate([rows[i] for i in rng.integers(0, len(rows), len(rows))]) for _ in range(DRAWS))
    found = [roc_auc_score(exact[at], score[at]) for at in drawn]
    return {"auc": round(float(roc_auc_score(exact, score)), 4), "sd": round(float(np.std(found)), 4)}


def read(folder: Path) -> pd.DataFrame:
    """One row per query and candidate."""
    lines = (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines()
    queries = pd.json_normalize([json.loads(line) for line in lines], "candidate", ["text_id", "query"])
    return queries.rename(columns={"text_id": "query", "query": "left", "text": "right"})[["query", "left", "right", "label"]]


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
