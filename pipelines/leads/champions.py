"""The champions that a night scores with, loaded by alias, their digests verified; without any, every score is as promised."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from models.card import Card
from models.fusion import START, Fusion
from models.supervised import Supervised
from pipelines.leads import registry

SCORECARD = "scorecard"
"""The kind under which the corrected scorecard, which serves all kinds of subject, is stored."""


@dataclass(frozen=True)
class Champions:
    """Tonight's models.

    Attributes
    ----------
    digests : dict of str to str
        Kind → digest, ``scorecard`` among them.
    card : Card or None
        Points as verdicts have corrected them.
    models : dict of str to (Supervised, Fusion)
        By kind of subject.
    """

    digests: dict[str, str] = field(default_factory=dict)
    card: Card | None = None
    models: dict[str, tuple[Supervised, Fusion]] = field(default_factory=dict)

    @property
    def corrections(self) -> pd.Series | None:
        """Points to add, by code of the flag."""
        return self.card.corrections if self.card else None

    def weight(self, kind: str, part: str) -> float:
        """What a part of a kind's scores counts tonight."""
        return self.models[kind][1].weights[part] if kind in self.models else START[part]

    def level(self, kind: str) -> float:
        """Log-odds by which subjects of a kind are proven more often than their points promise."""
        if kind in self.models:
            return self.models[kind][1].level
        return self.card.levels.get(kind, self.card.levels[""]) if self.card else 0.0

    def named(self, kind: str) -> str:
        """The models behind a score of a kind: ``scorecard.<digest>.claim.<digest>``; empty without any."""
        return ".".join(f"{k}.{self.digests[k]}" for k in (SCORECARD, kind) if k in self.digests)


def reigning(root: Path) -> Champions:
    """Load every champion of a workspace.

    Raises
    ------
    DataError
        If a model was changed after it was stored, or holds what a model may not hold.
    """
    digests = registry.champions(root)
    card = registry.card_of(root, digests[SCORECARD]) if SCORECARD in digests else None
    models = {k: (registry.load(root, d), registry.fusion_of(root, d)) for k, d in digests.items() if k != SCORECARD}
    return Champions(digests, card, models)
