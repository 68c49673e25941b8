"""Two hundred nights of verdicts: what does learning from them bring, and what exploring, against the list as it was before?

A world is drawn from the cases that real nights of simulated books published, with their red flags, points, money and the books' truth: a
hundred new cases a night, of which a center looks into ``capacity``. Verdicts come back after 10 to 30 nights, one in 25 wrong. In every
world the honest ones show some flags more often than in the books, promised points are off (8 points, standard deviation, a flag), and
half-way the mix of schemes changes. In worlds of the sort ``unpromised`` three schemes appear on night 50 whose cases promise next to
nothing. There are two references: the greedy scorecard, which takes the highest promised scores and never learns; and the list as the
product orders it without verdicts: promised probabilities, money dampened, rare and definite first.

    python -m benchmarks.feedback --seeds 11 12 13 14 15 16 --claims 20000

The order of the policies is a fast copy of the product's; every run compares it with the product's own on three nights and stops where
they differ. Cost: nights × capacity × cases of a night, and a fit a week.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from benchmarks.played import section
from models.exploration import covariance, most_informative
from models.scorecard import LOG_ODDS, learn
from pipelines.config import Capacity, Priority
from pipelines.flows import evaluate as truth
from pipelines.ids import digest
from pipelines.leads.cases import GENERIC
from pipelines.leads.explore import design_of
from pipelines.leads.priority import FLOOR, HOURS_POWER, RARITY, REPEAT, SIGN, expected_value, rank

NIGHTS, NEW, WEEK, CHANGE, APPEAR = 200, 100, 7, 100, 50
WRONG, JITTER, HONEST, PROMISE, MIX = 0.04, 0.5, 0.7, 8.0, 1.0
"""Share of wrong verdicts; spread of the logarithm of money; of how common a flag is among the honest; of promised points; of the mix."""
CAPACITIES, SHARE, CHECKED = (1, 3, 10, 25), 0.1, (0, 60, 120)
SETTINGS, AS_OF = Priority(), pd.Timestamp("2026-01-01")


@dataclass(frozen=True)
class Policy:
    """How a list is made: learning or not, which power of money (None: the product's), how it explores, in or beside the capacity.

    ``greedy``: by probability alone, without slots or variety.
    """

    learning: bool = True
    power: float | None = None
    explore: str = ""
    beside: bool = False
    greedy: bool = False


GREEDY, BEFORE = "the greedy scorecard", "before"
POLICIES = {
    GREEDY: Policy(learning=False, greedy=True),
    BEFORE: Policy(learning=False),
    "promised × amount": Policy(learning=False, power=1.0),
    "learning (the product now)": Policy(),
    "learning, amount to the power .2": Policy(power=0.2),
    "learning × amount": Policy(power=1.0),
    "and information, beside": Policy(explore="information", beside=True),
    "and upper bounds, beside": Policy(explore="bound", beside=True),
    "and a lot, beside": Policy(explore="lot", beside=True),
    "and information, within": Policy(explore="information"),
    "and upper bounds, within": Policy(explore="bound"),
    "and a lot, within": Policy(explore="lot"),
    "and Thompson sampling": Policy(explore="thompson"),
}


class Pool(NamedTuple):
    """Cases that nights published: one row each, what they show, how far each column may be off."""

    cases: pd.DataFrame
    design: np.ndarray
    spread: np.ndarray
    flags: np.ndarray


class World(NamedTuple):
    """Which cases come on which night with how much money, when their verdict comes and whether it is wrong; promised log-odds."""

    rows: np.ndarray
    money: np.ndarray
    delay: np.ndarray
    wrong: np.ndarray
    promised: np.ndarray


def published(out: Path, truth_folder: Path, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Cases of a night with the truth about them, and their flags."""
    judged = truth.judged(truth.led(out), *truth.culprits(out, out.parent / "stages", truth_folder, key))
    leads = pd.read_parquet(out / "leads.parquet").set_index("lead_id")
    cases = pd.read_parquet(out / "cases.parquet").merge(judged[["case_id", "guilty"]], on="case_id")
    cases = cases.join(leads[["subject_kind", "subject_id", "hours"]], on="lead_id")
    organisers = pd.read_parquet(out / "rings.parquet").set_index("ring_id")["organiser_kind"]
    cases = cases.assign(grain=cases["subject_id"].map(organisers).fillna(cases["subject_kind"]))
    told = pd.read_parquet(out / "lead_reasons.parquet")
    found = pd.read_parquet(out.parent / "stages" / "flags" / "findings.parquet", columns=["code", "subject_id"]).drop_duplicates()
    first = told[told["kind"] == "flag"].sort_values(["points", "code"], ascending=[False, True]).drop_duplicates("lead_id")
    strongest = cases["lead_id"].map(first.set_index("lead_id")["code"])
    return cases.assign(subjects=strongest.map(found.groupby("code").size())), told[told["lead_id"].isin(cases["lead_id"])]


def pool(nights: list[tuple[pd.DataFrame, pd.DataFrame]]) -> Pool:
    """All books' cases in one."""
    named = [(c.assign(lead_id=f"{i:02}" + c["lead_id"]), t.assign(lead_id=f"{i:02}" + t["lead_id"])) for i, (c, t) in enumerate(nights)]
    cases, told = (pd.concat([n[k] for n in named], ignore_index=True) for k in (0, 1))
    cases = cases.sort_values("lead_id", ignore_index=True)
    design, spread = design_of(cases, told)
    money = cases["amount_open"] + SETTINGS.recoverable * cases["amount_paid"]
    cases = cases.assign(money=money, subjects=cases["subjects"].fillna(1.0).clip(lower=1.0), generic=cases["scheme"].isin(GENERIC))
    return Pool(cases, design.to_numpy(), spread, design["flag"].to_numpy())


def world(of: Pool, seed: int, unpromised: bool) -> World:
    """Draw two hundred nights."""
    rng, guilty, schemes = np.random.default_rng(seed), of.cases["guilty"].to_numpy(), of.cases["scheme"]
    honest = np.exp(of.flags @ rng.normal(0, HONEST, of.flags.shape[1]))
    odds = np.log(SETTINGS.prior / (1 - SETTINGS.prior))
    promised = odds + LOG_ODDS * (of.cases["score"].to_numpy() + of.flags @ rng.normal(0, PROMISE, of.flags.shape[1]))
    known = schemes[guilty].value_counts().sort_index()
    new = rng.choice(known.index[known >= known.median()], 3, replace=False) if unpromised else []
    promised = np.where(schemes.isin(new), odds + 5 * LOG_ODDS, promised)
    mixes = [schemes.map(dict(zip(known.index, np.exp(rng.normal(0, MIX, len(known))), strict=True))).fillna(1.0) for _ in range(2)]
    chance = [_weights(mix.to_numpy(), honest, guilty) for mix in mixes]
    late = APPEAR if unpromised else CHANGE
    absent = _weights(np.where(schemes.isin(new), 0.0, mixes[0]), honest, guilty)
    rows = np.array([rng.choice(len(guilty), NEW, p=chance[1] if n >= late else absent) for n in range(NIGHTS)])
    money = of.cases["money"].to_numpy()[rows] * np.exp(rng.normal(0, JITTER, rows.shape))
    return World(rows, money, rng.integers(10, 31, rows.shape), rng.random(rows.shape) < WRONG, promised)


def _weights(mix: np.ndarray, honest: np.ndarray, guilty: np.ndarray) -> np.ndarray:
    """Chance of each case of the pool to come; the guilty are as many of all as in the books."""
    share = guilty.mean()
    weight = np.where(guilty, mix, honest)
    scaled: np.ndarray = np.where(guilty, share * weight / weight[guilty].sum(), (1 - share) * weight / weight[~guilty].sum())
    return scaled / scaled.sum()


def play(of: Pool, in_world: World, capacity: int, policy: Policy, seed: int) -> dict[str, float]:
    """Confirmed amount and hits of one policy in one world."""
    rng = np.random.default_rng(seed)
    guilty, size = of.cases["guilty"].to_numpy(), of.design.shape[1]
    change, uncertain, seen, owed = np.zeros(size), np.diag(of.spread**2), [], 0.0
    amount = hits = 0.0
    for night in range(NIGHTS):
        rows, money = in_world.rows[night], in_world.money[night]
        if policy.learning and night % WEEK == 0 and seen:
            change, uncertain = _learnt(of, in_world, seen, night)
        design = of.design[rows]
        odds = in_world.promised[rows] + design @ (rng.multivariate_normal(change, uncertain) if policy.explore == "thompson" else change)
        chance = 1.0 / (1.0 + np.exp(-odds))
        about = rows, money, chance
        order = np.argsort(-chance, kind="stable") if policy.greedy else _order(of, about, capacity, policy.power)
        if night in CHECKED and policy.power is None and not policy.greedy:
            _as_the_product(of, about, capacity, order)
        owed += SHARE * capacity if policy.explore in ("information", "bound", "lot") else 0.0
        places, owed = int(owed), owed - int(owed)
        listed, rest = np.split(order, [capacity if policy.beside else capacity - places])
        extra = rest[_explored(policy, design[rest], (chance[rest], odds[rest], uncertain), places, rng)]
        seen += [(rows[i], guilty[rows[i]] != in_world.wrong[night, i], night + in_world.delay[night, i]) for i in (*listed, *extra)]
        right = [i for i in (listed if policy.beside else (*listed, *extra)) if guilty[rows[i]]]
        hits, amount = hits + len(right), amount + float(money[right].sum())
    return {"hits": hits, "amount": amount}


def _learnt(of: Pool, in_world: World, seen: list[Any], night: int) -> tuple[np.ndarray, np.ndarray]:
    """Corrections from the verdicts that are there; uncertainty as if those awaited were, too."""
    every = np.array([row for row, *_ in seen])
    there = np.array([day <= night for *_, day in seen])
    label = np.array([verdict for _, verdict, _ in seen], dtype=float)
    change = learn(of.design[every[there]], in_world.promised[every[there]], label[there], of.spread)
    chance = 1.0 / (1.0 + np.exp(-(in_world.promised[every] + of.design[every] @ change)))
    return change, covariance(of.design[every], chance, of.spread)


def _explored(policy: Policy, design: np.ndarray, about: tuple[np.ndarray, ...], places: int, rng: np.random.Generator) -> list[int]:
    chance, odds, uncertain = about
    if not places:
        return []
    if policy.explore == "lot":
        return [int(i) for i in rng.choice(len(design), places, replace=False)]
    if policy.explore == "information":
        return most_informative(design, chance, uncertain, places)
    bound = odds + np.sqrt(np.einsum("ij,jk,ik->i", design, uncertain, design))
    return [int(i) for i in np.argsort(-bound, kind="stable")[:places]]


def _order(of: Pool, about: tuple[np.ndarray, ...], capacity: int, power: float | None) -> np.ndarray:
    """Positions of a night's cases, the listed ones first: what :mod:`pipelines.leads.priority` does, without tables."""
    rows, money, chance = about
    cases = of.cases.iloc[rows]
    middle = np.median(money[money > 0])
    known = np.clip(np.where(money > 0, money, middle), FLOOR, 500_000.0)
    exponent = SETTINGS.shrink if power is None else power
    value = (chance * known**exponent / cases["hours"].to_numpy() ** HOURS_POWER).round(6 if power is None else 12)
    worth = np.where(cases["generic"], value * SIGN, value) / cases["subjects"].to_numpy() ** RARITY
    kinds, schemes = cases["grain"].to_numpy(), cases["scheme"].to_numpy()
    order, of_kind, of_scheme = [int(i) for i in np.argsort(-value, kind="stable")], Counter[str](), Counter[str]()
    chosen: list[int] = []
    for place in range(1, min(capacity, len(rows)) + 1):
        free = [i for i in order if of_kind[kinds[i]] < max(1.0, (0.25 if kinds[i] == "hospital" else 0.4) * place)] or order
        best = max(free, key=lambda i: worth[i] * REPEAT ** of_scheme[schemes[i]])
        order.remove(best)
        chosen.append(best)
        of_kind[kinds[best]] += 1
        of_scheme[schemes[best]] += 1
    return np.array([*chosen, *order])


def _as_the_product(of: Pool, about: tuple[np.ndarray, ...], capacity: int, order: np.ndarray) -> None:
    """Stop where the copy's list is not the product's."""
    rows, money, chance = about
    cases = of.cases.iloc[rows].reset_index(drop=True)
    cases = cases.assign(
        case_id=[f"{i:03}" for i in range(len(rows))], probability=chance, preventable=money, amount_paid=0.0, deadline=pd.NaT,
        place=None, line="none",
    )  # fmt: skip
    valued = cases.assign(priority=expected_value(cases, SETTINGS, AS_OF))
    ours = rank(valued, Capacity(listed=capacity, explore_share=0.0))["case_id"].astype(int).to_numpy()
    if not np.array_equal(ours[:capacity], order[:capacity]):
        raise SystemExit("feedback: the order is not the product's")


def figures(of: Pool, worlds: tuple[int, ...] = (1, 2, 3, 4, 5)) -> dict[str, Any]:
    """By sort of world, capacity and policy: amount and hits against both references, recall, share of the money, over worlds."""
    bytes_of = of.cases[["lead_id", "guilty", "score", "money"]].round(2).to_csv(index=False)
    found: dict[str, Any] = {"cases": len(of.cases), "guilty": int(of.cases["guilty"].sum()), "digest": digest(bytes_of)}
    found |= {"worlds": list(worlds), "nights": NIGHTS, "new": NEW}
    for sort in ("ordinary", "unpromised"):
        drawn = [world(of, seed, sort == "unpromised") for seed in worlds]
        found[sort] = {str(k): _compared(of, drawn, k) for k in CAPACITIES}
    return found


def _compared(of: Pool, drawn: list[World], capacity: int) -> dict[str, Any]:
    guilty = of.cases["guilty"].to_numpy()
    there = [{"hits": guilty[w.rows].sum(), "amount": w.money[guilty[w.rows]].sum()} for w in drawn]
    best = [_best(w, guilty, capacity) for w in drawn]
    runs = {name: [play(of, w, capacity, p, i) for i, w in enumerate(drawn)] for name, p in POLICIES.items()} | {"ceiling": best}
    found = {}
    for name, own in runs.items():
        times = {f: np.array([o[f] / b[f] for o, b in zip(own, runs[BEFORE], strict=True)]) for f in ("amount", "hits")}
        times |= {f"greedy_{f}": np.array([o[f] / b[f] for o, b in zip(own, runs[GREEDY], strict=True)]) for f in ("amount", "hits")}
        spread = {f: {"mean": v.mean(), "least": v.min(), "most": v.max()} for f, v in times.items()}
        shares = {f"{f}_share": np.mean([o[f] / t[f] for o, t in zip(own, there, strict=True)]) for f in ("amount", "hits")}
        found[name] = {**{f: {k: round(float(x), 3) for k, x in v.items()} for f, v in spread.items()}, **shares}
    return {n: {k: v if isinstance(v, dict) else round(float(v), 3) for k, v in one.items()} for n, one in found.items()}


def _best(w: World, guilty: np.ndarray, capacity: int) -> dict[str, float]:
    """What who knows the truth and wants the most money confirms."""
    money = np.where(guilty[w.rows], w.money + 1e-6, 0.0)
    top = -np.sort(-money, axis=1)[:, :capacity]
    return {"hits": float((top > 0).sum()), "amount": float(top.sum())}


def main() -> None:
    """Simulate books, run their nights, play, print."""
    from benchmarks.evaluate import KEY, run  # which imports this module for `make evaluate`

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, nargs="*", default=[11, 12, 13, 14, 15, 16])
    parser.add_argument("--claims", type=int, default=20_000)
    options = parser.parse_args()
    nights = []
    with tempfile.TemporaryDirectory(prefix="feedback-") as work:
        for seed in options.seeds:
            book, workspace = Path(work) / f"book{seed}", Path(work) / f"var{seed}"
            run("simulate", "--claims", str(options.claims), "--seed", str(seed), "--out", book, "--format", "parquet")
            run("nightly", "--source", "book", "--data", book, "--workspace", workspace)
            nights.append(published((workspace / "latest").resolve(), book / "truth", KEY))
    found = figures(pool(nights))
    print(json.dumps({"seeds": options.seeds, "claims": options.claims, **found}, indent=2))
    print(section(found))


if __name__ == "__main__":
    main()
