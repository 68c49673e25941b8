"""Past investigations: late, few, drawn to high amounts, and sometimes wrong. All that a center would have to learn from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from features.schema import SCHEMES, VERDICTS
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import NONE, Ints, coded

CAPACITY = 0.012
"""Investigations as a share of all claims of the period."""
SUSPICION = {"planted": 14.0, "alike": 3.0}
"""How many times likelier than another claim of its amount a planted one, or one of a look-alike, is looked into."""
AMOUNT_BIAS = 1.5
"""The odds of being looked into grow with this power of the claim's rank by amount."""
OPENED_DAYS, DECIDED_DAYS = (3, 45), (55.0, 0.6)
"""Days from report to opening (range), and from opening to verdict (median, spread of the logarithm)."""
VERDICT_RATES = {True: (0.62, 0.10, 0.14, 0.14), False: (0.04, 0.05, 0.76, 0.15)}
"""Of planted and of honest subjects: shares of confirmed, partly, cleared, undetermined. So 14 % and 4 % of the verdicts are wrong."""
RIGHT_SCHEME = 0.85
"""Share of confirmed planted subjects whose scheme is named rightly."""
PARTY_SHARE = 0.35
"""Share of confirmed planted claims where somebody who runs the scheme gets a verdict too."""
CONDUCT_SHARE = 0.15
"""Share of those who run a scheme without claims that were looked into."""
SELECTED = {"rank": 0.7, "tip": 0.2, "explore": 0.05, "random": 0.05}
STAGES = {"confirmed": ("refused", "recovered", "withdrawn", "立案"), "partly": ("reduced",), "cleared": ("",), "undetermined": ("",)}
INVESTIGATORS = 12


def investigate(book: BookBuilder) -> None:
    """Write the ``outcomes`` table of a book whose schemes are planted.

    Parameters
    ----------
    book : BookBuilder
        Its truth says which claims are planted; verdicts are drawn with the rates above.
    """
    rng, truth = book.rng("outcomes"), book.subjects()
    claims = _chosen(rng, _labelled(book, truth))
    claims = claims.assign(kind="claim", subject=claims["claim_id"])
    rows = _decided(book, rng, claims)
    _write(book, rng, pd.concat([rows, _decided(book, rng, _parties(book, rng, truth, rows))], ignore_index=True))


def _labelled(book: BookBuilder, truth: pd.DataFrame) -> pd.DataFrame:
    claims = book.frame("claims", ("claim_id", "claimed_amount", "reported_at"))
    known = truth[truth["kind"] == "claim"].drop_duplicates("subject").set_index("subject")
    found = known.reindex(claims["claim_id"])
    planted = (found["planted"] == True) & (found["role"] != "bystander")  # noqa: E712
    claims["planted"], claims["alike"] = planted.to_numpy(), (found["planted"] == False).to_numpy()  # noqa: E712
    return claims.assign(scheme=found["scheme"].to_numpy(), instance=found["instance"].fillna(NONE).to_numpy())


def _chosen(rng: np.random.Generator, claims: pd.DataFrame) -> pd.DataFrame:
    """Claims that were looked into: a draw without replacement (exponential races), by amount and suspicion."""
    weight = claims["claimed_amount"].rank(pct=True).fillna(0.1).to_numpy() ** AMOUNT_BIAS
    weight = weight * np.select([claims["planted"], claims["alike"]], [SUSPICION["planted"], SUSPICION["alike"]], 1.0)
    race = rng.exponential(1, len(claims)) / weight
    chosen = claims.iloc[np.sort(np.argsort(race)[: int(CAPACITY * len(claims))])]
    wait = rng.uniform(*OPENED_DAYS, len(chosen)) * 86400
    return chosen.assign(opened=chosen["reported_at"].to_numpy() + wait.astype("int64").astype("timedelta64[s]"))


def _parties(book: BookBuilder, rng: np.random.Generator, truth: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Who was looked into besides claims: those who run a scheme, after a confirmed claim or on their own account."""
    leaders = truth[truth["planted"] & (truth["role"] == "perpetrator") & (truth["kind"] == "actor")]
    sure = rows[(rows["verdict"] == 0) & (rows["instance"] >= 0)].drop_duplicates("instance")
    sure = sure[rng.random(len(sure)) < PARTY_SHARE]
    after = leaders.merge(sure[["instance", "opened", "claim_id", "claimed_amount"]], on="instance")
    silent = leaders[~leaders["instance"].isin(truth.loc[truth["kind"] == "claim", "instance"])]
    silent = silent[rng.random(len(silent)) < CONDUCT_SHARE]
    span = int((book.end - book.start).astype(int)) * 86400
    opened = book.start.astype("datetime64[s]") + rng.integers(span // 2, span, len(silent)).astype("timedelta64[s]")
    both = pd.concat([after, silent.assign(opened=opened, claim_id=NONE, claimed_amount=0.0)], ignore_index=True)
    return _recorded(book, rng, both)


def _recorded(book: BookBuilder, rng: np.random.Generator, people: pd.DataFrame) -> pd.DataFrame:
    """Party records of actors at the insurer of the claim, or at one that knows them."""
    actor = people["subject"].to_numpy(dtype="int64")
    known = np.array([book.known_parties(actor, index) for index in range(len(book.insurers))])
    own = insurer_of(people["claim_id"].to_numpy(dtype="int64"))
    first = np.take_along_axis(known, np.argmax(known >= 0, axis=0)[None], 0)[0] if len(actor) else actor
    here = np.take_along_axis(known, np.maximum(own, 0)[None], 0)[0] if len(actor) else actor
    party = np.where((own >= 0) & (here >= 0), here, first)
    return people.assign(kind="party", subject=party)[party >= 0]


def _decided(book: BookBuilder, rng: np.random.Generator, rows: pd.DataFrame) -> pd.DataFrame:
    """Verdicts and when they fell; what would open after the period is dropped, what is open at its end has none."""
    rows = rows[rows["opened"].to_numpy() < (book.end + 1)].copy()
    median, spread = DECIDED_DAYS
    wait = (median * rng.lognormal(0, spread, len(rows)) * 86400).astype("int64").astype("timedelta64[s]")
    verdict = np.where(
        rows["planted"].to_numpy(dtype=bool),
        rng.choice(4, len(rows), p=VERDICT_RATES[True]),
        rng.choice(4, len(rows), p=VERDICT_RATES[False]),
    )
    decided = rows["opened"].to_numpy() + wait
    return rows.assign(decided=decided, verdict=np.where(decided < (book.end + 1), verdict, -1))


def _write(book: BookBuilder, rng: np.random.Generator, rows: pd.DataFrame) -> None:
    verdict, subject, n = rows["verdict"].to_numpy(dtype="int64"), rows["subject"].to_numpy(dtype="int64"), len(rows)
    if not n:
        return
    proven = np.isin(verdict, (0, 1))
    share = np.where(verdict == 0, rng.uniform(0.3, 1, n), rng.uniform(0.1, 0.4, n))
    saved = np.where(proven, np.round(rows["claimed_amount"].to_numpy(dtype=float) * share, 2), np.nan)
    route = coded(np.where(proven, rng.choice(3, n, p=[0.7, 0.2, 0.1]), -1), ("insurer", "police", "regulator"))
    book.append(
        "outcomes", subject_kind=rows["kind"].to_numpy(dtype="object"), subject_id=subject, opened_at=rows["opened"].to_numpy(),
        selected_by=coded(rng.choice(len(SELECTED), n, p=list(SELECTED.values())), tuple(SELECTED)), verdict=coded(verdict, VERDICTS),
        stage=_stages(rng, verdict), route=route,
        scheme=_named(rng, rows, proven), decided_at=np.where(verdict >= 0, rows["decided"].to_numpy(), np.datetime64("NaT")),
        amount_saved=saved, by=insurer_of(subject) * 100 + rng.integers(1, INVESTIGATORS + 1, n),
    )  # fmt: skip


def _stages(rng: np.random.Generator, verdict: Ints) -> Any:
    drawn = [np.array(STAGES[name], dtype="object")[rng.integers(0, len(STAGES[name]), len(verdict))] for name in VERDICTS]
    stage = np.select([verdict == k for k in range(len(VERDICTS))], drawn, "")
    return pd.Categorical(pd.Series(stage).where(stage != "", None))


def _named(rng: np.random.Generator, rows: pd.DataFrame, proven: Any) -> Any:
    """The scheme an investigator wrote down, where there was a finding."""
    guess = np.array(list(SCHEMES)[:16], dtype="object")[rng.integers(0, 16, len(rows))]
    right = rows["planted"].to_numpy(dtype=bool) & (rng.random(len(rows)) < RIGHT_SCHEME)
    return pd.Categorical(pd.Series(np.where(right, rows["scheme"].to_numpy(), guess)).where(proven, None))
