"""Every red flag, in an explicit list: one line per module, in the order of the catalogue's families."""

from __future__ import annotations

from features.indicators import agriculture, health, life, party, regional, treatment
from features.indicators.base import RedFlag

INDICATORS: tuple[RedFlag, ...] = (
    *health.FLAGS,
    *treatment.FLAGS,
    *agriculture.FLAGS,
    *life.FLAGS,
    *regional.FLAGS,
    *party.FLAGS,
)
"""All red flags. Each module ends in its own ``FLAGS``."""
