"""Planted schemes and their honest look-alikes: a generator writes one instance into a Case; two lists say which there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pipelines.simulate.book import BookBuilder
from pipelines.simulate.schemes import conduct, medical, motor, other
from pipelines.simulate.schemes.case import Case
from pipelines.simulate.schemes.plot import Plot

Generator: TypeAlias = Callable[[Case], None]

SCHEMES: tuple[tuple[str, Generator], ...] = (
    ("hospital_ring", medical.hospital_ring),
    ("sham_admission", medical.sham_admission),
    ("split_stay", medical.split_stay),
    ("invoice_reuse", medical.invoice_reuse),
    ("staged_accident", motor.staged_accident),
    ("garage_ring", motor.garage_ring),
    ("driver_swap", motor.driver_swap),
    ("injury_broker", motor.injury_broker),
    ("village_stays", medical.village_stays),
    ("undisclosed_illness", medical.undisclosed_illness),
    ("ghost_policies", conduct.ghost_policies),
    ("proxy_surrender", conduct.proxy_surrender),
    ("stacking", conduct.stacking),
    ("device_bulk", conduct.device_bulk),
    ("shell_employers", other.shell_employers),
    ("livestock_reuse", other.livestock_reuse),
)
LOOKALIKES: tuple[tuple[str, Generator], ...] = ()
"""Scheme it looks like → honest generator."""

FRAUD_SHARE = 0.0095
"""Planted claims are at most this share of all."""
ROUNDS, GROWTH = 5.5, 0.7
"""Instances of each scheme in a book of 100,000 claims, and how their number grows with the size of the book."""
LOOKALIKES_PER_SCHEME = 3
LARGEST = 20
"""Claims of the largest instance: room for one more is kept."""


def rounds(claims: int) -> int:
    """How many instances of each scheme a book of this many claims gets."""
    return max(1, round(float(ROUNDS * (claims / 100_000) ** GROWTH)))


def plant(book: BookBuilder, rng: np.random.Generator | None = None) -> None:
    """Plant all schemes and look-alikes into a book of honest policies and claims.

    Parameters
    ----------
    book : BookBuilder
        Its ``claims`` decides how many instances there are; fraud claims stay below ``FRAUD_SHARE`` of them: in a small book
        the schemes at the end of a shuffled list are left out.
    rng : numpy Generator, optional
        Decides the order; by default the book's stream ``schemes``.
    """
    rng = rng or book.rng("schemes")
    plot, counts = Plot(book), dict.fromkeys((name for name, _ in SCHEMES), 0)
    room = FRAUD_SHARE * len(book.frame("claims", ("claim_id",))) - LARGEST
    for _ in range(rounds(book.claims)):
        for place in rng.permutation(len(SCHEMES)):
            name, generate = SCHEMES[place]
            if plot.planted_claims < room:
                generate(Case(plot, name, True, book.rng(f"scheme {name}")))
                counts[name] += 1
    _look_alike(plot, counts)
    plot.write()


def _look_alike(plot: Plot, counts: dict[str, int]) -> None:
    for name, planted in counts.items():
        alike = [generate for scheme, generate in LOOKALIKES if scheme == name]
        for number in range(planted * LOOKALIKES_PER_SCHEME if alike else 0):
            generate = alike[number % len(alike)]
            generate(Case(plot, name, False, plot.book.rng(f"look-alike {generate.__name__}")))
