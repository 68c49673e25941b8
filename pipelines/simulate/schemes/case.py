"""One instance of a scheme, or of an honest look-alike, while its generator writes it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np

from pipelines.simulate import stays, vehicles
from pipelines.simulate.book import insurer_of
from pipelines.simulate.columns import Ints
from pipelines.simulate.schemes.plot import Plot

T = TypeVar("T")
RECENT_SHARE, RECENT_DAYS = 0.75, 390
"""Most instances run in the last 13 months; the others are history that past investigations may have found."""


class Case:
    """Where an instance draws from and what it adds.

    Parameters
    ----------
    plot : Plot
        Collects what is added.
    scheme : str
        Name in ``features.schema.SCHEMES``; of a look-alike, the scheme it looks like.
    planted : bool
        False for a look-alike.
    rng : numpy Generator
        The stream of the generator.

    Attributes
    ----------
    strength : float
        0.3 to 1: how plainly the instance shows its pattern.
    """

    def __init__(self, plot: Plot, scheme: str, planted: bool, rng: np.random.Generator) -> None:
        self.plot, self.book, self.cast, self.rng, self.planted = plot, plot.book, plot.cast, rng, planted
        self.instance = plot.book.plant(scheme, planted)
        self.strength = float(rng.uniform(0.3, 1))
        self._claims = 0

    # what is drawn

    def number(self, low: int, high: int) -> int:
        """A whole number, both ends included."""
        return int(self.rng.integers(low, high + 1))

    def size(self, low: int, high: int) -> int:
        """How many members: larger for strong instances."""
        return round(low + (high - low) * self.strength * float(self.rng.uniform(0.7, 1)))

    def chance(self, share: float) -> bool:
        """True with this probability."""
        return bool(self.rng.random() < share)

    def one_of(self, choices: Sequence[T]) -> T:
        """One of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def when(self, span: int, lead: int = 200) -> Any:
        """First day of an instance that lasts ``span`` days and needs ``lead`` days of history; mostly of late."""
        last = int((self.book.end - self.book.start).astype(int)) - span - 25
        low = max(last - RECENT_DAYS + span, lead) if self.chance(RECENT_SHARE) else lead
        return self.book.start + self.number(min(low, last), last)

    def moment(self, day: Any, hours: tuple[float, float] = (6, 22)) -> np.datetime64:
        """A time on a day between two hours (the second may pass midnight)."""
        return np.datetime64(day, "s") + int(self.rng.uniform(*hours) * 3600)

    def insurer(self) -> int:
        """An insurer."""
        return self.number(0, len(self.book.insurers) - 1)

    def insurers(self, n: int) -> list[int]:
        """``n`` insurers, different ones where there are enough."""
        drawn: list[int] = self.rng.permutation(len(self.book.insurers)).tolist()
        return (drawn * n)[:n]

    def home(self, actor: int) -> int:
        """The district of somebody or something."""
        return int(self.book.actors["district"][actor])

    def hospital_near(self, person: int) -> int:
        """A hospital as an honest patient would choose it."""
        return int(stays.hospital_for(self.book, self.rng, np.array([self.home(person)]))[0])

    def event(self) -> int:
        """A fresh number of a true event."""
        return int(self.book.new_events(1)[0])

    def fresh(self, kind: str) -> int:
        """A fresh phone, account, device, invoice, tag, ..."""
        return int(self.book.new_numbers(kind, 1)[0])

    # what is added

    def policy(self, line: str, **spec: Any) -> int:
        """A policy of a line; see ``policies.issue`` for what a spec may say. Returns a handle."""
        return self.plot.add("policy", line, spec)

    def stay(self, **spec: Any) -> int:
        """A claim for a stay in hospital (``stays.claim``)."""
        return self._claim("stay", spec)

    def crash(self, **spec: Any) -> int:
        """A motor claim (``motor.claim``)."""
        return self._claim("motor", spec)

    def loss(self, line: str, **spec: Any) -> int:
        """A claim of another line (``losses.claim``)."""
        return self._claim(line, spec)

    def honest_stay(self, **spec: Any) -> int:
        """An honest claim that belongs to the story, as an earlier stay; counted as bystander."""
        handle = self.plot.add("claim", "stay", spec)
        self.bystander("claim", handle)
        return handle

    def row(self, table: str, **columns: Any) -> None:
        """A row of a contract table about a policy or claim of this instance."""
        self.plot.row(table, columns)

    def car(self, owner: int, insurer: int, **columns: Any) -> int:
        """A new car, as an insurer's object id."""
        return int(vehicles.register(self.book, [owner], [insurer], **columns)[0])

    def motor_cover(self, owner: int, car: int, starts: Any) -> int:
        """A commercial motor policy for a car at the insurer that knows it."""
        return self.policy("motor", insurer=int(insurer_of(car)), holder=owner, starts=starts, product="commercial")

    def motorist(self, insurer: int, district: int, day: Any) -> tuple[int, int, int]:
        """Somebody with a car insured on a day: policy, owner, object id. An honest customer of old where there is one."""
        held = self.cast.motorist(self.rng, insurer, district, day) if self.chance(0.85) else None
        if held is not None:
            return *held, self._car_of(held[1], insurer)
        owner = self.cast.person(self.rng, district)
        car = self.car(owner, insurer)
        return self.motor_cover(owner, car, day - self.number(8, 330)), owner, car

    def organisations(self, kind: str, n: int, district: int, **columns: Any) -> list[int]:
        """New organisations of a kind with contacts of their own."""
        numbers = {name: self.book.new_numbers(name, n) for name in ("phone", "account", "address", "credit", "licence")}
        opened = self.book.start - self.rng.integers(-200, 900, n).astype("timedelta64[D]")
        named = {"name": self.rng.integers(0, 10**9, n), "district": district, "opened": opened, "weight": 1e-6}
        return [int(a) for a in self.cast.use(self.book.add_actors(kind, n, **{**numbers, **named, **columns}))]

    def lot(self, insurer: int, tag: int, least: int = 1) -> int:
        """A livestock lot with an ear tag, of at least so many heads: honest lots have one for every death."""
        heads = float(max(least, round(self.rng.lognormal(0.8, 0.8))))
        return int(vehicles.lots(self.book, [insurer], kind="livestock_lot", ear_tag=np.array([tag]), headcount=np.array([heads]))[0])

    def contact(self, actor: int, insurer: int, **numbers: int) -> None:
        """Write another phone, account or address into an insurer's record of somebody."""
        self.book.override(self.book.party([actor], insurer), **numbers)

    def exempt(self, insurer: int, reason: str, actor: int) -> None:
        """State to an insurer that a party is exempt from contact, payee and hub flags."""
        party = int(self.book.party([actor], insurer)[0])
        self.plot.row("party_exemptions", {"party_id": party, "reason": reason})

    # the truth

    def perpetrator(self, kind: str, *subjects: Any) -> None:
        """Who runs it; in a look-alike, who seems to."""
        self._subject(kind, subjects, "perpetrator")

    def participant(self, kind: str, *subjects: Any) -> None:
        """Who takes part knowingly, or what was used."""
        self._subject(kind, subjects, "participant")

    def bystander(self, kind: str, *subjects: Any) -> None:
        """Who was drawn in without knowing."""
        self._subject(kind, subjects, "bystander")

    def _subject(self, kind: str, subjects: Iterable[Any], role: str) -> None:
        flat: Ints = np.unique(np.concatenate([np.atleast_1d(np.asarray(s, dtype="int64")) for s in subjects]))
        self.plot.subject(self.instance, kind, flat, role if self.planted else "bystander")

    def _claim(self, maker: str, spec: dict[str, Any]) -> int:
        handle = self.plot.add("claim", maker, spec)
        self._subject("claim", (handle,), "participant" if self._claims else "perpetrator")
        self._claims += 1
        self.plot.planted_claims += self.planted
        return handle

    def _car_of(self, owner: int, insurer: int) -> int:
        known = self.cast.car(owner)
        return int(vehicles.at_insurers(self.book, np.array([known]), [insurer])[0]) if known >= 0 else self.car(owner, insurer)

    def spread(self, n: int) -> list[int]:
        """``n`` insurers in turn, from a random one on."""
        first = self.insurer()
        return [(first + k) % len(self.book.insurers) for k in range(n)]
