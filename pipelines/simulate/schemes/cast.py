"""Who schemes are played with: the honest people, organisations and policies of a book, each used by one instance only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pipelines.simulate import world
from pipelines.simulate.book import ID_BASE, NONE, BookBuilder, insurer_of
from pipelines.simulate.columns import Ints

_POLICY = ["policy_id", "line", "agent_id", "holder_id", "insured_id", "group_id", "starts_on", "ends_on", "waiting_ends_on", "renewal_of"]


class Cast:
    """Draws from the honest book.

    Parameters
    ----------
    book : BookBuilder
        With its honest policies and claims, which give the distributions that planted values are drawn from.
    """

    def __init__(self, book: BookBuilder) -> None:
        self.book = book
        self._used = np.zeros(book.actors.size + 1, dtype=bool)
        self._homes = self._by_district(_grown(book))
        frame = book.frame("policies")
        self.policies = frame[[c for c in _POLICY if c in frame]].copy()
        for name in ("holder", "insured", "agent"):
            self.policies[name] = self.actor(frame[f"{name}_id"])
        self._claims = _facts(book, frame)

    def actor(self, party_ids: ArrayLike) -> Ints:
        """Actors of party ids, ``NONE`` for null."""
        ids = np.asarray(party_ids, dtype="int64")
        found = np.full(len(ids), NONE, dtype="int64")
        for index, parties in enumerate(self.book.parties):
            here = insurer_of(ids) == index
            found[here] = parties["actor"][ids[here] % ID_BASE - 1]
        return found

    def district(self, rng: np.random.Generator) -> int:
        """A district, by its inhabitants."""
        return int(world.districts(rng, 1)[0])

    def people(self, rng: np.random.Generator, n: int, district: int | None = None, village: int | None = None) -> Ints:
        """``n`` adults of different households whom no instance has used; of a district, or else of one village."""
        pool = self._homes[district] if district is not None else np.concatenate(self._homes)
        if village is not None:
            pool = pool[self.book.actors["village"][pool] == village]
        drawn = rng.permutation(pool[~self._used[pool]])[: 4 * n + 8] if len(pool) < 20_000 else rng.choice(pool, 4 * n + 8)
        drawn = drawn[~self._used[drawn]]
        _, first = np.unique(self.book.actors["household"][drawn], return_index=True)
        return self._use(drawn[np.sort(first)][:n])

    def person(self, rng: np.random.Generator, district: int | None = None) -> int:
        """One adult whom no instance has used."""
        return int(self.people(rng, 1, district)[0])

    def family(self, person: int) -> Ints:
        """All of a person's household, the person first."""
        actors = self.book.actors
        members = np.flatnonzero((actors["household"] == actors["household"][person]) & (actors["kind"] == 0))
        return np.concatenate([[person], members[members != person]])

    def hospital(self, rng: np.random.Generator, levels: tuple[int, ...] = (1, 2), specialty: int = 0) -> int:
        """A hospital of a level and specialty that no instance has used, by the square root of its size."""
        actors, who = self.book.actors, self.book.of_kind("hospital")
        fits = np.isin(actors["level"][who], levels) & (actors["specialty"][who] == specialty)
        return self._one(rng, who[fits], np.sqrt(actors["weight"][who[fits]]))

    def local(self, rng: np.random.Generator, kind: str, district: int) -> int:
        """An organisation or expert of a kind in a district (anywhere, if it has none)."""
        who = self.book.of_kind(kind)
        near = who[self.book.actors["district"][who] == district]
        return self._one(rng, near if len(near) else who, None)

    def agent(self, rng: np.random.Generator, insurer: int, district: int | None = None) -> int:
        """An agent of an insurer, by the square root of the business."""
        actors, who = self.book.actors, self.book.of_kind("agent")
        who = who[actors["insurer"][who] == insurer]
        near = who[actors["district"][who] == district]
        who = near if len(near) else who
        return self._one(rng, who, np.sqrt(actors["weight"][who]))

    def doctor(self, rng: np.random.Generator, hospital: int) -> int:
        """A doctor of a hospital."""
        return int(world.doctors(self.book).pick(rng, [hospital])[0])

    def held(self, lines: tuple[str, ...], since: Any, until: Any, agent: int | None = None) -> pd.DataFrame:
        """Honest individual policies of natural persons in force over a time, past their waiting; columns as ``policies``."""
        table = self.policies if agent is None else self.policies[self.policies["agent"] == agent]
        begun = np.fmax(table["starts_on"].to_numpy(), table["waiting_ends_on"].to_numpy())
        fits = table["line"].isin(lines).to_numpy() & (begun <= since) & (table["ends_on"].to_numpy() >= until)
        fits &= (table["group_id"].to_numpy() == NONE) & (self.book.actors["kind"][table["insured"].to_numpy()] == 0)
        held = table[fits]
        return held[~self._used[held["insured"].to_numpy()]].drop_duplicates("insured")

    def use(self, actors: ArrayLike) -> None:
        """Keep actors out of other instances."""
        self._use(np.atleast_1d(np.asarray(actors, dtype="int64")))

    def days(self, rng: np.random.Generator, a: float, b: float) -> int:
        """A stay's days: the quantile of honest stays at a Beta(a, b) draw, so that days alone separate with AUC a / (a + b)."""
        return max(1, round(self._quantile(rng, "stay", "days", (a, b))))

    def amount(self, rng: np.random.Generator, line: str, a: float, b: float) -> float:
        """A claimed amount, likewise."""
        return round(self._quantile(rng, line, "amount", (a, b)), 2)

    def _quantile(self, rng: np.random.Generator, line: str, name: str, shape: tuple[float, float]) -> float:
        known = self._claims[name].get(line)
        if known is None or not len(known):
            return float(rng.lognormal(1.8, 0.6) if name == "days" else rng.lognormal(8, 0.9))
        return float(np.quantile(known, rng.beta(*shape)))

    def _one(self, rng: np.random.Generator, who: Ints, weights: NDArray[Any] | None) -> int:
        fresh = ~self._used[who]
        if fresh.any():
            who, weights = who[fresh], None if weights is None else weights[fresh]
        share = None if weights is None or not weights.sum() else weights / weights.sum()
        return int(self._use(np.atleast_1d(rng.choice(who, p=share)))[0])

    def _use(self, actors: Ints) -> Ints:
        if actors.size and actors.max() >= len(self._used):
            self._used = np.concatenate([self._used, np.zeros(max(self.book.actors.size, actors.max() + 1), dtype=bool)])
        self._used[actors] = True
        return actors

    def _by_district(self, who: Ints) -> list[Ints]:
        district = self.book.actors["district"][who]
        order = np.argsort(district, kind="stable")
        return np.split(who[order], np.searchsorted(district[order], np.arange(1, len(world.DISTRICTS))))


def _grown(book: BookBuilder) -> Ints:
    who = book.of_kind("person")
    age = (book.end - book.actors["birth"][who]).astype(int) / 365.25
    return who[(age >= 25) & (age < 72) & np.isnat(book.actors["deceased"][who])]


def _facts(book: BookBuilder, policies: pd.DataFrame) -> dict[str, dict[str, NDArray[Any]]]:
    """Sorted honest amounts by line, and days of stays."""
    claims = book.frame("claims")
    place = pd.Index(policies["policy_id"]).get_indexer(claims["policy_id"])
    line = policies["line"].to_numpy()[place]
    days = (claims["discharged_on"] - claims["admitted_on"]).dt.days
    amounts = {str(k): np.sort(v.dropna().to_numpy()) for k, v in claims["claimed_amount"].groupby(line)}
    return {"amount": amounts, "days": {"stay": np.sort(days.dropna().to_numpy())}}
