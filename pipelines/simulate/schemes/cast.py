"""Who schemes are played with: the honest people, organisations and policies of a book, each used by one instance only."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.schema import LINES
from pipelines.simulate import world
from pipelines.simulate.book import ID_BASE, NONE, BookBuilder, insurer_of
from pipelines.simulate.columns import Ints

WAITING = 35
"""Days after its start from which an honest policy is used: past the usual waiting period of health covers."""

DRAWN = 400
"""Motor policies of an insurer and district that are looked at for one in force: enough, however large the book."""
SIZE_BIAS = 0.75
"""Power of an organisation's weight by which schemes choose it: nearly as patients and customers do, so that size tells nothing."""


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
        self._amounts, self._days, claimed = _facts(book)
        self._adults = _adults(book, np.concatenate([book.of_kind("person"), claimed]))
        self._homes = _split(self._adults, book.actors["district"][self._adults])
        self._policies = _individual(book)
        self._motor = _by_market(book, self._policies)
        order = np.argsort(book.vehicles["owner"], kind="stable")
        self._cars = book.vehicles["owner"][order], order
        self._kinds: dict[str, Ints] = {}

    def district(self, rng: np.random.Generator) -> int:
        """A district, by its inhabitants."""
        return int(world.districts(rng, 1)[0])

    def people(self, rng: np.random.Generator, n: int, district: int | None = None, village: int | None = None) -> Ints:
        """``n`` adults of different households whom no instance has used; of a district or village, of anywhere where those run out."""
        near = self._adults if district is None else self._homes[district]
        if village is not None:
            near = near[self.book.actors["village"][near] == village]
        chosen = self._strangers(rng, near, n)
        return chosen if len(chosen) == n else np.concatenate([chosen, self._strangers(rng, self._adults, n - len(chosen))])

    def person(self, rng: np.random.Generator, district: int | None = None) -> int:
        """One adult whom no instance has used."""
        return int(self.people(rng, 1, district)[0])

    def family(self, person: int) -> Ints:
        """All of a person's household, the person first."""
        actors = self.book.actors
        members = np.flatnonzero((actors["household"] == actors["household"][person]) & (actors["kind"] == 0))
        return np.concatenate([[person], members[members != person]])

    def hospital(self, rng: np.random.Generator, levels: tuple[int, ...] = (1, 2), specialty: int = 0) -> int:
        """A hospital of these levels and a specialty that no instance has used, larger ones likelier."""
        actors, who = self.book.actors, self._of_kind("hospital")
        fits = np.isin(actors["level"][who], levels) & (actors["specialty"][who] == specialty)
        fits = fits if fits.any() else np.isin(actors["level"][who], levels)
        return self._one(rng, who[fits])

    def local(self, rng: np.random.Generator, kind: str, district: int) -> int:
        """An organisation or expert of a kind in a district (anywhere, if it has none)."""
        who = self._of_kind(kind)
        near = who[self.book.actors["district"][who] == district]
        return self._one(rng, near if len(near) else who)

    def garage(self, rng: np.random.Generator, level: int, district: int | None = None) -> int:
        """A repair shop (level 0) or 4S dealer (level 1)."""
        actors, who = self.book.actors, self._of_kind("garage")
        who = who[actors["level"][who] == level]
        near = who[actors["district"][who] == district]
        return self._one(rng, near if len(near) else who)

    def agent(self, rng: np.random.Generator, insurer: int, district: int | None = None) -> int:
        """An agent of an insurer, larger ones likelier."""
        actors, who = self.book.actors, self._of_kind("agent")
        who = who[actors["insurer"][who] == insurer]
        near = who[actors["district"][who] == district]
        return self._one(rng, near if len(near) else who)

    def doctor(self, rng: np.random.Generator, hospital: int) -> int:
        """A doctor of a hospital."""
        return int(world.doctors(self.book).pick(rng, [hospital])[0])

    def customers(self, agent: int, lines: tuple[str, ...], since: Any, until: Any) -> pd.DataFrame:
        """An agent's honest individual policies of natural persons in force all that time: columns policy, insured."""
        rows = np.flatnonzero(self._policies["agent"] == agent)
        table = {name: values[rows] for name, values in self._policies.items()}
        fits = np.isin(table["line"], [LINES.index(line) for line in lines]) & ~self._used[table["insured"]]
        fits &= (table["starts"] + WAITING <= since) & (table["ends"] >= until)
        return pd.DataFrame({name: table[name][fits] for name in ("policy", "insured")}).drop_duplicates("insured")

    def motorist(self, rng: np.random.Generator, insurer: int, district: int, day: Any) -> tuple[int, int] | None:
        """An honest motor policy in force on a day and its owner, of an insurer and district; None where the draw finds none."""
        rows = self._motor[insurer * len(world.DISTRICTS) + district]
        rows = rows if len(rows) <= DRAWN else rng.choice(rows, DRAWN, replace=False)
        held = {name: values[rows] for name, values in self._policies.items()}
        fits = np.flatnonzero((held["starts"] + WAITING <= day) & (held["ends"] >= day) & ~self._used[held["insured"]])
        if not fits.size:
            return None
        one = rng.choice(fits)
        return int(held["policy"][one]), int(self.use(held["insured"][one])[0])

    def car(self, owner: int) -> int:
        """A car (index into the book's vehicles) that somebody honestly has, ``NONE`` without."""
        owners, order = self._cars
        at = int(np.searchsorted(owners, owner))
        return int(order[at]) if at < len(owners) and owners[at] == owner else NONE

    def use(self, actors: ArrayLike) -> Ints:
        """Keep actors out of other instances; returns them."""
        who = np.atleast_1d(np.asarray(actors, dtype="int64"))
        self._grow()
        self._used[who] = True
        return who

    def _grow(self) -> None:
        if (missing := self.book.actors.size - len(self._used)) > 0:
            self._used = np.concatenate([self._used, np.zeros(missing + len(self._used), dtype=bool)])

    def days(self, rng: np.random.Generator, a: float, b: float) -> int:
        """A stay's days: the honest quantile at a Beta(a, b) draw, so that days alone separate with an AUC of about a / (a + b)."""
        return max(1, round(float(_quantile(self._days, rng.beta(a, b)))))

    def amount(self, rng: np.random.Generator, line: str, a: float, b: float) -> float:
        """A claimed amount of a line, likewise."""
        known = self._amounts[LINES.index(line)]
        return round(float(_quantile(known, rng.beta(a, b)) if len(known) else rng.lognormal(8, 0.9)), 2)

    def _of_kind(self, kind: str) -> Ints:
        """Honest actors of a kind, looked up once; those that schemes add are not drawn."""
        if kind not in self._kinds:
            self._kinds[kind] = self.book.of_kind(kind)
        return self._kinds[kind]

    def _strangers(self, rng: np.random.Generator, pool: Ints, n: int) -> Ints:
        drawn = rng.choice(pool, min(len(pool), 8 * n + 24), replace=False) if len(pool) < 5000 else np.unique(rng.choice(pool, 8 * n + 24))
        drawn = rng.permutation(drawn[~self._used[drawn]])
        _, first = np.unique(self.book.actors["household"][drawn], return_index=True)
        return self.use(drawn[np.sort(first)][:n])

    def _one(self, rng: np.random.Generator, who: Ints) -> int:
        self._grow()
        fresh = who[~self._used[who]]
        who = fresh if len(fresh) else who
        weight = self.book.actors["weight"][who] ** SIZE_BIAS
        return int(self.use(rng.choice(who, p=weight / weight.sum()))[0])


def _adults(book: BookBuilder, who: Ints) -> Ints:
    """Adults among actors. Everybody comes once, and again for each honest claim: planted ones are to have a history like others."""
    who = who[book.actors["kind"][who] == 0]
    age = (book.end - book.actors["birth"][who]).astype(int) / 365.25
    return np.asarray(who[(age >= 25) & (age < 72) & np.isnat(book.actors["deceased"][who])])


def _split(who: Ints, district: Ints) -> list[Ints]:
    order = np.argsort(district, kind="stable")
    return [np.asarray(part) for part in np.split(who[order], np.searchsorted(district[order], np.arange(1, len(world.DISTRICTS))))]


def _individual(book: BookBuilder) -> dict[str, NDArray[Any]]:
    """Honest policies of natural persons outside groups."""
    names = ("line", "insured", "agent", "starts", "ends")
    parts = []
    for index, cover in enumerate(book.covers):
        kept = np.flatnonzero((cover["group"] == NONE) & (book.actors["kind"][np.maximum(cover["insured"], 0)] == 0))
        parts.append({"policy": index * ID_BASE + 1 + kept, **{name: cover[name][kept] for name in names}})
    return {name: np.concatenate([p[name] for p in parts]) for name in ("policy", *names)}


def _by_market(book: BookBuilder, policies: dict[str, NDArray[Any]]) -> list[Ints]:
    """Rows of motor policies by ``insurer * districts + district`` of the insured."""
    rows = np.flatnonzero(policies["line"] == LINES.index("motor"))
    places = len(world.DISTRICTS)
    market = insurer_of(policies["policy"][rows]) * places + book.actors["district"][policies["insured"][rows]]
    order = np.argsort(market, kind="stable")
    cuts = np.searchsorted(market[order], np.arange(1, len(book.insurers) * places))
    return [np.asarray(part) for part in np.split(rows[order], cuts)]


def _quantile(ordered: NDArray[Any], share: float) -> Any:
    """The quantile of a sorted array, without interpolation."""
    return ordered[int(share * (len(ordered) - 1))]


def _facts(book: BookBuilder) -> tuple[list[NDArray[Any]], NDArray[Any], Ints]:
    """Honest claimed amounts by line, days of stays, and the insured of the claims."""
    claims = book.frame("claims", ("policy_id", "claimed_amount", "admitted_on", "discharged_on"))
    cover = book.cover(claims["policy_id"].to_numpy(), "line", "insured")
    line = cover["line"]
    days = (claims["discharged_on"] - claims["admitted_on"]).dt.days.dropna().to_numpy()
    amounts = claims["claimed_amount"].to_numpy()
    return [np.sort(amounts[(line == k) & ~np.isnan(amounts)]) for k in range(len(LINES))], np.sort(days), cover["insured"]
