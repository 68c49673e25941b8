"""What verdicts are worth: nights of simulated books ranked again after 0, 50, 500 and 5,000 verdicts on the leads of the other books.

Verdicts fall on leads as published, the first of each list first, and are wrong as often as the simulator's: nobody investigates at
random. A book is judged by models that saw no verdict on any of its subjects.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pandas as pd

from benchmarks.learnt import WAYS
from models.card import card_of, gain, out_of_fold
from models.challenger import Challenger
from models.evaluate import spread
from models.fusion import Fusion
from models.scorecard import SUBJECT
from models.supervised import Rows, Supervised
from pipelines import config, leads
from pipelines.flows import evaluate as truth_of
from pipelines.flows.past import Past, nights
from pipelines.leads.champions import SCORECARD, Champions
from pipelines.leads.judged import JUDGED, of_kind, parts_of, schemes
from pipelines.leads.predict import ready
from pipelines.leads.score import REASON, anomalies, flag_reasons
from pipelines.simulate.schemes.outcomes import VERDICT_RATES

COUNTS = (0, 50, 500, 5_000)
PLACES = (50, 100, 200)
FAMILIES = ("logistic", "boosting", "forest")
"""Of models: without the large trees and the ratios, which take minutes each; what they would add is not measured here."""
OTHERS = 5_000
"""Subjects of each book, besides the judged, of whom words and frequencies are learnt."""


@dataclass(frozen=True, eq=False)
class Book:
    """A night with what the simulator knows of it: its leads in order, with ``guilty``; its flags and anomalies."""

    night: Past
    known: tuple[pd.DataFrame, pd.DataFrame]
    leads: pd.DataFrame
    flags: pd.DataFrame
    odd: pd.DataFrame
    settings: config.Settings

    def ranked(self, champions: Champions) -> dict[str, pd.DataFrame]:
        """The night's leads and cases with these champions."""
        flags = flag_reasons(self.night.tables, self.settings.scoring, champions.corrections)
        reasons = pd.concat([flags, self.odd], ignore_index=True)[REASON].sort_values([*SUBJECT, "kind", "code"], ignore_index=True)
        given = {**self.night.tables, "reasons": reasons}
        with patch("pipelines.leads.learnt.ready", lambda _given, kind, _settings: _subjects(self, kind)):
            return leads.run(given, self.settings, ("", self.night.as_of.date()), None, champions)

    def precision(self, champions: Champions) -> dict[str, float]:
        """Share of guilty subjects with the right scheme among the first cases."""
        made, (guilty, known) = self.ranked(champions), self.known
        named = made["leads"].assign(subject=truth_of.subject_key(made["leads"]["subject_kind"], made["leads"]["subject_id"]))
        cases = made["cases"][["rank", "case_id", "lead_id", "scheme"]].merge(named[["lead_id", "subject"]], on="lead_id")
        found = truth_of.judged(cases, guilty, known)
        return {f"precision_{k}": float(found.loc[found["rank"] <= k, "guilty"].sum() / k) for k in PLACES}


@cache
def _subjects(one: Book, kind: str) -> Rows:
    """What is known of a book's subjects, worked out once: many models score them."""
    return ready(one.night.tables, kind, one.settings.scoring)


def book(night: Past, folder: Path, truth: Path, key: str, settings: config.Settings) -> Book:
    """Read a published night and its truth; the leads are ranked anew, without any model."""
    guilty, known = truth_of.culprits(folder / "out", folder / "stages", truth, key)
    flags, odd = flag_reasons(night.tables, settings.scoring)[JUDGED], anomalies(night.tables, settings.scoring)[0]
    empty = Book(night, (guilty, known), pd.DataFrame(), flags, odd, settings)
    made = empty.ranked(Champions())["leads"][["rank", *SUBJECT]].drop_duplicates(SUBJECT).sort_values("rank", ignore_index=True)
    named = truth_of.subject_key(made["subject_kind"], made["subject_id"])
    return Book(night, (guilty, known), made.assign(guilty=named.isin(set(guilty["subject"]))), flags, odd, settings)


def verdicts(books: Sequence[Book], draw: int) -> pd.DataFrame:
    """Verdicts on leads of several books, in the order in which they fall: book, subject, label (1 proven, 0 cleared)."""
    rng, parts = np.random.default_rng(draw), []
    for number, one in enumerate(books):
        told = [rng.choice(4, p=VERDICT_RATES[bool(guilty)]) for guilty in one.leads["guilty"]]
        rows = one.leads.assign(book=number, label=pd.Series(told, index=one.leads.index).map({0: 1, 2: 0}))
        parts.append(rows.dropna(subset=["label"]).assign(place=lambda t: np.arange(len(t))))
    every = pd.concat(parts, ignore_index=True).sort_values(["place", "book"], ignore_index=True)
    return every.assign(label=every["label"].astype("int64"))[["book", *SUBJECT, "label"]]


def learnt(books: Sequence[Book], said: pd.DataFrame, seed: int) -> tuple[Champions, Champions]:
    """The champions that these verdicts make; and those that would have been promoted."""
    prior = books[0].settings.priority.prior
    flags, labels = _pooled(books, said)
    cards = schemes(books[0].night.tables)
    card = card_of(flags, labels, cards, prior)
    blind, told = out_of_fold(flags, labels, cards, prior, seed)
    safe = told["label"].nunique() > 1 and gain(told)["low"] > 0
    models = {kind: _of_kind(books, blind, labels, kind) for kind in sorted(set(said["subject_kind"]))}
    fitted = {kind: made[0] for kind, made in models.items() if made}
    better = {kind: made[0] for kind, made in models.items() if made and made[1]}
    every = Champions({SCORECARD: ""}, card, fitted)
    return every, Champions({SCORECARD: ""} if safe else {}, card if safe else None, better)


def _pooled(books: Sequence[Book], said: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series]:
    """Flags and labels of judged leads of several books; ids begin with the book's number."""
    parts = []
    for number, part in said.groupby("book"):
        flags = books[int(str(number))].flags.merge(part[SUBJECT], on=SUBJECT)
        parts.append(flags.assign(subject_id=f"{number}|" + flags["subject_id"]))
    names = said["book"].astype(str) + "|" + said["subject_id"]
    labels = pd.Series(said["label"].to_numpy(), index=pd.MultiIndex.from_arrays([said["subject_kind"], names], names=SUBJECT))
    return pd.concat(parts, ignore_index=True), labels.sort_index()


def _of_kind(books: Sequence[Book], flags: pd.DataFrame, labels: pd.Series, kind: str) -> tuple[tuple[Supervised, Fusion], bool] | None:
    settings, known = books[0].settings, of_kind(labels.to_frame("label"), kind)["label"]
    rows = _rows(books, kind, known.index)
    model = Supervised(settings.scoring.seed, FAMILIES)
    if not model.enough(rows, known):
        return None
    model.fit(rows, known)
    odd = pd.concat([one.odd.assign(subject_id=f"{n}|" + one.odd["subject_id"]) for n, one in enumerate(books)], ignore_index=True)
    parts = of_kind(parts_of(flags, odd), kind).reindex(model.labels_.index).fillna(0.0)
    challenger = Challenger(model, rows, parts, settings.priority.prior)
    better = challenger.gain(challenger.scores(), challenger.promised())["low"] > 0
    return (model, challenger.fusion()), better


def _rows(books: Sequence[Book], kind: str, judged: pd.Index) -> Rows:
    """The judged subjects of several books, and some of the others: enough for words, frequencies and the middle."""
    frames, pairs = [], []
    for number, one in enumerate(books):
        rows = _subjects(one, kind)
        names = f"{number}|" + rows.frame.index.astype(str)
        some = names.isin(judged) | (np.arange(len(names)) % max(1, len(names) // OTHERS) == 0)
        frames.append(rows.frame.set_axis(names)[some])
        ties = rows.pairs.assign(subject_id=f"{number}|" + rows.pairs["subject_id"], node=f"{number}|" + rows.pairs["node"])
        pairs.append(ties[ties["subject_id"].isin(names[some])])
    return Rows(pd.concat(frames).rename_axis("subject_id"), pd.concat(pairs, ignore_index=True))


def curve(books: Sequence[Book], draws: int) -> list[dict[str, Any]]:
    """Precision at capacity of every book after so many verdicts on the others: one row for each book, draw and count."""
    rows = []
    for number, one in enumerate(books):
        others = [b for b in books if b is not one]
        start = one.precision(Champions())
        for draw in range(draws):
            said = verdicts(others, 100 * number + draw)
            for count in COUNTS:
                rows.append({"book": number, "draw": draw, **_after(one, others, said.head(count), start)})
    return rows


def _after(one: Book, others: Sequence[Book], said: pd.DataFrame, start: dict[str, float]) -> dict[str, Any]:
    """Figures of one book after some verdicts on others: with the scorecard alone, with all parts, with what would have been promoted."""
    counts = {"verdicts": len(said), "proven": int(said["label"].sum())}
    if said["label"].nunique() < 2:
        return {**counts, "kinds": 0, "promoted": start, "scorecard": start, "fused": start}
    every, safe = learnt(others, said, 7)
    card = one.precision(Champions(every.digests, every.card))
    fused = one.precision(every) if every.models else card
    promoted = one.precision(safe) if safe.card or safe.models else start
    return {**counts, "kinds": len(every.models), "promoted": promoted, "scorecard": card, "fused": fused}


def summary(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """By count asked for: mean, least and greatest over books and draws, and the mean change against the same book without a verdict."""
    found, none = [], rows[:: len(COUNTS)]
    for place, count in enumerate(COUNTS):
        own = rows[place :: len(COUNTS)]
        now, first = ({f"{w}_{k}": [r[w][f"precision_{k}"] for r in of] for w in WAYS for k in PLACES} for of in (own, none))
        figures = {name: spread(values) for name, values in now.items()}
        change = {name: _mean(np.subtract(values, first[name])) for name, values in now.items()}
        means = {name: float(np.mean([r[name] for r in own])) for name in ("verdicts", "proven", "kinds")}
        found.append({"count": count, **means, **{n: {k: round(v, 3) for k, v in f.items()} for n, f in figures.items()}, "change": change})
    return found


def _mean(values: np.ndarray) -> dict[str, float]:
    """Mean and its standard error."""
    error = float(np.std(values, ddof=1) / np.sqrt(len(values))) if len(values) > 1 else 0.0
    return {"mean": round(float(np.mean(values)), 3), "error": round(error, 3)}


def compared(places: Sequence[tuple[Path, Path]], key: str, draws: int = 1) -> dict[str, Any]:
    """The whole comparison.

    Parameters
    ----------
    places : sequence of (workspace, truth)
        Published nights of simulated books.
    key : str
        Key of the runs' tokens.
    draws : int
        How often verdicts are drawn.
    """
    settings = config.Settings()
    with ExitStack() as stack:
        pasts = [stack.enter_context(nights(workspace, settings))[-1] for workspace, _ in places]
        folders = [(workspace / "latest").resolve().parent for workspace, _ in places]
        truths = [truth for _, truth in places]
        books = [book(past, folder, truth, key, settings) for past, folder, truth in zip(pasts, folders, truths, strict=True)]
        rows = curve(books, draws)
    return {"books": len(books), "draws": draws, "counts": summary(rows), "rows": rows}


def main() -> None:
    """Print the comparison as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="+", help="WORKSPACE:TRUTH of each book")
    parser.add_argument("--key", required=True)
    parser.add_argument("--draws", type=int, default=1)
    given = parser.parse_args()
    pairs = [tuple(map(Path, place.split(":"))) for place in given.places]
    print(json.dumps(compared(pairs, given.key, given.draws), indent=1))


if __name__ == "__main__":
    main()
