"""Drift: has what comes in every night changed? Alarms that stay valid however often one looks.

Every watched figure (a feature's mean over the night's new claims, how often a red flag fires, ...) is one number a night. As long as the
nights are exchangeable, tonight's rank among all nights so far is uniform and independent of the ranks before (conformal p-value, ties
broken by a draw), and a player who bets on these ranks at fair odds has no way to get rich: his capital is a martingale that begins
with 1, so it ever reaches 1 / level with probability at most level (Ville 1939). Capital is the evidence; reaching it is the alarm.
Sources: conformal test martingales and the jumper that moves between bets, Vovk, Gammerman and Shafer 2022 (Algorithmic Learning in a
Random World, ch. 8) and Vovk 2021 (Testing randomness online); testing by betting, Shekhar and Ramdas 2023 (IEEE Trans. Inf. Theory);
confidence sequences, Howard, Ramdas, McAuliffe and Sekhon 2021 (Ann. Stat.) and Waudby-Smith and Ramdas 2024 (JRSS B).
"""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

POWERS = (0.25, 0.6)
"""A bet on a small rank share p pays ``power · p ** (power - 1)``, the mildest ``2 · (1 - p)``; each integrates to one."""
BETS = ("cash", *(f"{side}_{bet}" for side in ("high", "low") for bet in (*POWERS, "mild")))
"""Nothing staked; the figure is higher than before; lower than before."""
JUMP = 0.01
"""Share of the capital that is spread anew over the bets each night: what has not yet changed after years can still be caught soon."""
LEAST = 10
"""Nights before anything is staked: against fewer no night can be extreme."""
SMALLEST, RICHEST = 1e-6, 1e9
"""Rank shares and capital are kept within these; both only lower what is claimed."""
PARTS = ("feature", "flag", "score", "verdict")
"""Groups of streams: each has an equal share of the level."""
HISTORY = ["stream", "night", "value"]
STATE = ["stream", "part", "weight", "nights", "capital", "peak", "since", *BETS]
GRID = np.arange(0.0025, 1.0, 0.0025)
"""Rates that a confidence sequence keeps or gives up."""


def watched(state: pd.DataFrame | None, history: pd.DataFrame | None, tonight: pd.DataFrame, level: float) -> pd.DataFrame:
    """The state after a night.

    Parameters
    ----------
    state : DataFrame or None
        ``STATE``, as the night before left it.
    history : DataFrame or None
        ``HISTORY`` of the nights before.
    tonight : DataFrame
        stream, part (the group a stream belongs to), night, value: one row per stream that could be observed.
    level : float
        Most that the chance of any false alarm of any stream, ever, may be.

    Returns
    -------
    DataFrame
        ``STATE`` by stream: weight (its share of the level), nights observed, capital, peak, since (the night of its alarm or null) and
        what is staked on each bet. Cost: streams × nights.
    """
    known = _known(state, tonight)
    at = tonight.set_index("stream")
    rows = known.index.get_indexer(at.index)
    stakes = known[list(BETS)].to_numpy(dtype=float, copy=True)
    stakes[rows] = staked(stakes[rows], ranks(_wide(history, at.index), at["value"].to_numpy(dtype=float), _draws(at)))
    capital = stakes.sum(axis=1)
    after = known.assign(**dict(zip(BETS, stakes.T, strict=True)), capital=capital, peak=np.maximum(known["peak"], capital))
    after["nights"] = after["nights"] + np.isin(np.arange(len(after)), rows)
    night = at["night"].iloc[0] if len(at) else None
    rung = after["since"].isna() & (after["peak"] * after["weight"] * level >= 1.0)
    after["since"] = after["since"].astype(object).where(~rung, night)
    return after.rename_axis("stream").reset_index()[STATE]


def ranks(past: np.ndarray, now: np.ndarray, draw: np.ndarray) -> np.ndarray:
    """Conformal p-values: the share of nights, tonight's among them, that are at least as high; among equals a drawn place.

    Parameters
    ----------
    past : array of float, (nights, streams)
        NaN where a stream was not observed.
    now, draw : array of float, (streams,)
        Tonight's values, and draws from (0, 1).

    Returns
    -------
    array of float, (streams,)
        NaN where fewer than ``LEAST`` nights are known: nothing is staked on them.
    """
    seen = np.isfinite(past).sum(axis=0)
    higher, equal = (past > now).sum(axis=0), (past == now).sum(axis=0)
    share: np.ndarray = (higher + draw * (equal + 1)) / (seen + 1)
    return np.where((seen >= LEAST) & np.isfinite(now), np.clip(share, SMALLEST, 1.0 - SMALLEST), np.nan)


def staked(stakes: np.ndarray, share: np.ndarray) -> np.ndarray:
    """Capital by bet after a night: a part is spread anew, then every bet is paid out.

    Parameters
    ----------
    stakes : array of float, (streams, bets)
    share : array of float, (streams,)
        As :func:`ranks` returns them.
    """
    spread = (1.0 - JUMP) * stakes + JUMP * stakes.mean(axis=1, keepdims=True)
    sides = [[*(k * end ** (k - 1.0) for k in POWERS), 2.0 * (1.0 - end)] for end in (share, 1.0 - share)]
    paid = [np.ones_like(share), *sides[0], *sides[1]]
    grown = spread * np.where(np.isfinite(share)[:, None], np.stack(paid, axis=1), 1.0)
    richest: np.ndarray = grown * np.minimum(1.0, RICHEST / grown.sum(axis=1, keepdims=True))
    return richest


def capital_of(outcomes: np.ndarray, draws: np.ndarray) -> np.ndarray:
    """Capital after every one of a sequence of yes and no (1 and 0) whose rate should not change: verdicts, one bet each.

    Cost: linear in the sequence, since equal outcomes need only be counted.
    """
    if not len(outcomes):
        return np.ones(0)
    before = np.arange(len(outcomes))
    ones = np.cumsum(outcomes) - outcomes
    equal = np.where(outcomes == 1, ones, before - ones)
    share = (np.where(outcomes == 1, 0, ones) + draws * (equal + 1)) / (before + 1)
    shares = np.where(before >= LEAST, np.clip(share, SMALLEST, 1.0 - SMALLEST), np.nan)
    stakes, capital = np.full((1, len(BETS)), 1.0 / len(BETS)), []
    for one in shares:
        stakes = staked(stakes, np.array([one]))
        capital.append(float(stakes.sum()))
    return np.array(capital)


def rate_within(outcomes: np.ndarray, level: float = 0.05) -> tuple[float, float]:
    """Between which values a rate lies, at every moment at once with probability 1 - level, however often one looks.

    The hedged capital process of Waudby-Smith and Ramdas 2024 (theorem 3, predictable plug-in bets): a rate is given up for good as soon
    as betting against it would have made 1 / level. Both ends are NaN if every rate was given up: then the rate has not stayed the same.

    Parameters
    ----------
    outcomes : array of float in [0, 1], (n,)
        In the order in which they became known.

    Examples
    --------
    >>> rate_within(np.array([0.0, 1.0] * 100))
    (0.3775, 0.615)
    """
    kept = np.ones(len(GRID), dtype=bool)
    bets = _plug_in(outcomes, level)
    gain = [np.zeros(len(GRID)), np.zeros(len(GRID))]
    for value, bet in zip(outcomes, bets, strict=True):
        gain[0] += np.log1p(np.minimum(bet, 0.5 / GRID) * (value - GRID))
        gain[1] += np.log1p(-np.minimum(bet, 0.5 / (1.0 - GRID)) * (value - GRID))
        kept &= np.maximum(*gain) + np.log(0.5) < np.log(1.0 / level)
    left = GRID[kept]
    return (round(float(left[0]), 4), round(float(left[-1]), 4)) if len(left) else (float("nan"), float("nan"))


def _plug_in(outcomes: np.ndarray, level: float) -> np.ndarray:
    """What to stake on each outcome, from those before it alone."""
    count = np.arange(1, len(outcomes) + 1)
    mean = (0.5 + np.cumsum(outcomes)) / (count + 1)
    variance = (0.25 + np.cumsum((outcomes - mean) ** 2)) / (count + 1)
    before = np.concatenate([[0.25], variance[:-1]])
    bets: np.ndarray = np.sqrt(2.0 * np.log(2.0 / level) / (before * count * np.log1p(count)))
    return bets


def _known(state: pd.DataFrame | None, tonight: pd.DataFrame) -> pd.DataFrame:
    """The state by stream with tonight's new streams: those of one part that come together share half of what the part has left.

    So the weights of all streams that ever come add up to one at most, and no part is robbed by another's many streams.
    """
    old = pd.DataFrame(columns=STATE) if state is None else state
    fresh = tonight[~tonight["stream"].isin(old["stream"])][["stream", "part"]]
    left = 1.0 / len(PARTS) - fresh["part"].map(old.groupby("part")["weight"].sum()).fillna(0.0).astype(float)
    weight = left / 2.0 / fresh.groupby("part")["stream"].transform("size")
    new = fresh.assign(weight=weight, nights=0, capital=1.0, peak=1.0, since=None, **dict.fromkeys(BETS, 1.0 / len(BETS)))
    return pd.concat([p for p in (old, new) if len(p)] or [old]).set_index("stream").sort_index()


def _wide(history: pd.DataFrame | None, streams: pd.Index) -> np.ndarray:
    """History as nights × streams."""
    if history is None or history.empty:
        return np.empty((0, len(streams)))
    wide = history.pivot_table(index="night", columns="stream", values="value", aggfunc="last")
    return wide.reindex(columns=streams).to_numpy(dtype=float)


def _draws(at: pd.DataFrame) -> np.ndarray:
    """A number in (0, 1) for every stream and night: nobody can foresee it from the values, and the same night draws the same."""
    return np.array([drawn(stream, night) for stream, night in zip(at.index, at["night"], strict=True)])


def drawn(*key: object) -> float:
    """A draw from (0, 1) that depends on the key alone."""
    head = hashlib.sha256("|".join(map(str, key)).encode()).digest()[:8]
    return (int.from_bytes(head, "big") + 0.5) / 2.0**64
