"""Every red flag, in an explicit list: one line per module, in the order of the catalogue's families."""

from __future__ import annotations

from features.indicators import (
    agents,
    agriculture,
    crashes,
    employer,
    freight,
    health,
    internet,
    life,
    motor,
    network,
    party,
    proximity,
    regional,
    returns,
    rings,
    selling,
    surrender,
    treatment,
)  # fmt: skip
from features.indicators.base import RedFlag

INDICATORS: tuple[RedFlag, ...] = (
    *health.FLAGS,
    *returns.FLAGS,
    *treatment.FLAGS,
    *motor.FLAGS,
    *crashes.FLAGS,
    *employer.FLAGS,
    *agriculture.FLAGS,
    *freight.FLAGS,
    *selling.FLAGS,
    *agents.FLAGS,
    *surrender.FLAGS,
    *life.FLAGS,
    *regional.FLAGS,
    *internet.FLAGS,
    *proximity.FLAGS,
    *network.FLAGS,
    *rings.FLAGS,
    *party.FLAGS,
)
"""All red flags. Each module ends in its own ``FLAGS``."""
