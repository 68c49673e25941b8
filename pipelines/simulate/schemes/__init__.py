"""Planted schemes and their honest look-alikes: a generator writes one instance into a Case; two lists say which there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np

from pipelines.simulate.book import BookBuilder
from pipelines.simulate.schemes import (
    conduct,
    lookalikes_conduct,
    lookalikes_medical,
    lookalikes_motor,
    lookalikes_other,
    medical,
    motor,
    other,
    outcomes,
)
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
LOOKALIKES: tuple[tuple[str, Generator], ...] = (
    ("hospital_ring", lookalikes_medical.village_agent),
    ("hospital_ring", lookalikes_medical.county_hospital),
    ("hospital_ring", lookalikes_medical.works_hospital),
    ("sham_admission", lookalikes_medical.rehabilitation),
    ("sham_admission", lookalikes_medical.slow_fracture),
    ("sham_admission", lookalikes_medical.observed),
    ("split_stay", lookalikes_medical.chemotherapy),
    ("split_stay", lookalikes_medical.dialysis),
    ("split_stay", lookalikes_medical.complication),
    ("invoice_reuse", lookalikes_medical.co_insured),
    ("invoice_reuse", lookalikes_medical.split_note),
    ("invoice_reuse", lookalikes_medical.two_allowances),
    ("village_stays", lookalikes_medical.food_poisoning),
    ("village_stays", lookalikes_medical.bus_crash),
    ("village_stays", lookalikes_medical.cataract_bus),
    ("village_stays", lookalikes_medical.migrants),
    ("undisclosed_illness", lookalikes_medical.ill_again),
    ("undisclosed_illness", lookalikes_medical.group_cover),
    ("undisclosed_illness", lookalikes_medical.old_back),
    ("staged_accident", lookalikes_motor.fleet),
    ("staged_accident", lookalikes_motor.two_car_family),
    ("staged_accident", lookalikes_motor.chain_crash),
    ("staged_accident", lookalikes_motor.both_covers),
    ("garage_ring", lookalikes_motor.popular_garage),
    ("garage_ring", lookalikes_motor.dealer),
    ("garage_ring", lookalikes_motor.rescue_hotline),
    ("driver_swap", lookalikes_motor.spouse_at_night),
    ("driver_swap", lookalikes_motor.told_in_the_morning),
    ("driver_swap", lookalikes_motor.hired_driver),
    ("injury_broker", lookalikes_motor.only_appraiser),
    ("injury_broker", lookalikes_motor.legal_aid),
    ("injury_broker", lookalikes_motor.court_panel),
    ("ghost_policies", lookalikes_conduct.kin_of_agent),
    ("ghost_policies", lookalikes_conduct.best_seller),
    ("ghost_policies", lookalikes_conduct.plant_closure),
    ("proxy_surrender", lookalikes_conduct.mis_sold),
    ("proxy_surrender", lookalikes_conduct.consumer_office),
    ("proxy_surrender", lookalikes_conduct.children_call),
    ("proxy_surrender", lookalikes_conduct.rates_rise),
    ("stacking", lookalikes_conduct.gift_covers),
    ("stacking", lookalikes_conduct.company_covers),
    ("stacking", lookalikes_conduct.careful_buyer),
    ("device_bulk", lookalikes_conduct.agent_tablet),
    ("device_bulk", lookalikes_conduct.school_class),
    ("device_bulk", lookalikes_conduct.eager_shopper),
    ("device_bulk", lookalikes_conduct.family_journey),
    ("shell_employers", lookalikes_other.subsidiaries),
    ("shell_employers", lookalikes_other.bookkeeper),
    ("shell_employers", lookalikes_other.industrial_park),
    ("livestock_reuse", lookalikes_other.outbreak),
    ("livestock_reuse", lookalikes_other.sold_on),
    ("livestock_reuse", lookalikes_other.whole_lot),
)
"""Scheme it looks like → honest generator."""

FRAUD_SHARE = 0.0095
"""Planted claims are at most this share of all."""
ROUNDS, GROWTH = 5.5, 0.7
"""Instances of each scheme in a book of 100,000 claims, and how their number grows with the size of the book."""
LOOKALIKES_PER_SCHEME = 3
"""At least so many for each planted instance; where more kinds exist, one of each."""
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
    outcomes.investigate(book)


def _look_alike(plot: Plot, counts: dict[str, int]) -> None:
    for name, planted in counts.items():
        alike = [generate for scheme, generate in LOOKALIKES if scheme == name]
        for number in range(planted * max(LOOKALIKES_PER_SCHEME, len(alike)) if alike else 0):
            generate = alike[number % len(alike)]
            generate(Case(plot, name, False, plot.book.rng(f"look-alike {generate.__name__}")))
