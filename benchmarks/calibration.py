"""How often validated links are false: on books in which nobody is in league, and on books in which planted pairs are.

``python -m benchmarks.calibration`` prints the figures; `make evaluate` keeps them. A null book (:mod:`benchmarks.nullworld`) has all
that is honest and could pass for league: treatment near home, heavy tails, families, chronic patients, group policies, tiny districts.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import ibis
import pandas as pd

from benchmarks.nullbooks import book
from benchmarks.nullworld import Plan
from pipelines.config import Links
from pipelines.graph.links import validated
from pipelines.graph.pairs import PAIRS

CLAIMS, NULL, PLANTED = 40_000, 40, 20
"""Of a book, and books of each sort."""
PER_KIND = 3
"""Pairs in league of each kind in a planted book."""
SEED = 5_000
WORKERS = 2


@dataclass(frozen=True)
class Judged:
    """What was found in one book, by kind of pair."""

    false: Counter[str]
    true: Counter[str]

    @property
    def false_share(self) -> float:
        """The false-discovery proportion; 0 where nothing was found."""
        return self.false.total() / max(1, self.false.total() + self.true.total())


def judge(plan: Plan, rules: Links) -> Judged:
    """Validate the links of one book and hold them against what was planted."""
    con = ibis.duckdb.connect(threads=1)
    tables, league = book(plan, con)
    found = validated(tables, rules)["links"].to_pyarrow().to_pylist()
    con.disconnect()
    right = [(row["a_id"], row["b_id"]) in league for row in found]
    kinds = [f"{row['a_kind']}-{row['b_kind']}" for row in found]
    counted = {said: Counter(k for k, r in zip(kinds, right, strict=True) if r is said) for said in (False, True)}
    return Judged(counted[False], counted[True])


def figures(claims: int = CLAIMS, null: int = NULL, planted: int = PLANTED) -> dict[str, Any]:
    """All figures: per kind the share of null books with any false link; of planted books the false-discovery proportion and
    the links found that are true; a doctor in league has its hospital in it, and an agent its agency."""
    plans = [Plan(claims, SEED + i) for i in range(null)] + [Plan(claims, SEED + null + i, PER_KIND) for i in range(planted)]
    # A new interpreter for each worker: one that is forked inherits the engine's threads in whatever state they are.
    with ProcessPoolExecutor(WORKERS, mp_context=get_context("spawn")) as pool:
        judged = list(pool.map(judge, plans, [Links()] * len(plans)))
    honest, leagues = judged[:null], judged[null:]
    shares = [j.false_share for j in leagues]
    return {
        "null_books": null,
        "planted_books": planted,
        "claims": claims,
        "null_books_with_false_link": {p.name: sum(p.name in j.false for j in honest) / null for p in PAIRS},
        "false_discovery_mean": round(sum(shares) / planted, 4),
        "false_discovery_most": round(max(shares), 4),
        "planted_pairs_per_kind": planted * PER_KIND,
        "true_links": {p.name: sum(j.true[p.name] for j in leagues) for p in PAIRS},
    }


def by_truth(stages: Path, truth: Path) -> dict[str, dict[str, int]]:
    """Links of a simulated book's night, per kind: those of planted instances, of honest look-alikes, and of neither.

    A link belongs to an instance if half of its claims or more are the instance's.
    """
    behind = pd.read_parquet(stages / "graph" / "link_claims.parquet")
    subjects = pd.read_csv(truth / "subjects.csv", dtype={"subject_id": "str"})
    of_claims = subjects[subjects.subject_kind == "claim"][["instance", "subject_id"]].drop_duplicates()
    planted = pd.read_csv(truth / "instances.csv").set_index("instance").planted.astype(bool)
    key = ["a_kind", "b_kind", "a_id", "b_id"]
    size = behind.groupby(key).size().rename("size").reset_index()
    met = behind.merge(of_claims, left_on="claim_id", right_on="subject_id").groupby([*key, "instance"]).size().rename("met").reset_index()
    most = met.merge(size, on=key)
    most = most[most.met * 2 >= most["size"]]
    most["said"] = most.instance.map(planted).map({True: "planted", False: "look_alike"})
    said = size.merge(most.drop_duplicates(key)[[*key, "said"]], on=key, how="left").fillna({"said": "neither"})
    counted = said.groupby([said.a_kind + "-" + said.b_kind, "said"]).size().unstack(fill_value=0)
    return {str(kind): {str(c): int(n) for c, n in row.items()} for kind, row in counted.iterrows()}


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name, default in (("claims", CLAIMS), ("null", NULL), ("planted", PLANTED)):
        parser.add_argument(f"--{name}", type=int, default=default)
    print(json.dumps(figures(**vars(parser.parse_args())), indent=2))


if __name__ == "__main__":
    main()
