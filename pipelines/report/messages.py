"""The zh/en message catalogue: what a red flag is called, how it is said, which document to obtain, and every other word of a report.

Published tables hold codes and numbers only; sentences are made here, at display, from code, value, limit and detail.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias

import yaml

from pipelines.errors import DataError

LANGUAGES = ("zh", "en")
BLANK = "—"
FOLDER = Path(__file__).parent / "messages"
PARTS = ("name", "say", "document")
WORDS = ("ui.yaml", "features.yaml")

_PARTY = re.compile(r"([a-z_]+) (?:[a-z_]+:)?([0-9a-f]{6})[0-9a-f]{2,}$")

Both: TypeAlias = dict[str, str]
"""One text in every language of ``LANGUAGES``."""


class Number(float):
    """A float that formats as a dash where it is missing, and by any integer or float format where it is not."""

    def __new__(cls, value: object) -> Number:
        """Make one of anything: null and non-numbers become NaN."""
        try:
            return super().__new__(cls, value)  # type: ignore[arg-type]
        except (TypeError, ValueError):
            return super().__new__(cls, math.nan)

    def __format__(self, spec: str) -> str:
        """The number by ``spec``, or a dash."""
        if not math.isfinite(self):
            return BLANK
        return format(round(self), spec) if spec.endswith("d") else format(float(self), spec or ",.4g")


def plain(value: object) -> str:
    """A text for the sentence: null becomes a dash."""
    missing = value is None or value != value or str(value) in {"", "<NA>", "NaT"}
    return BLANK if missing else str(value)


@dataclass(frozen=True)
class Messages:
    """The catalogue.

    Attributes
    ----------
    cards : dict
        Red-flag code → language → ``name``, ``say``, ``document``.
    ui : dict
        Section → key → language → text.
    units : dict
        Feature → unit.
    """

    cards: dict[str, dict[str, dict[str, str]]]
    ui: dict[str, dict[str, Both]]
    units: dict[str, str] = field(default_factory=dict)

    def part(self, code: str, part: str) -> Both:
        """``name``, ``say`` or ``document`` of a red flag; a code without a card is named by itself."""
        card = self.cards.get(code, {})
        spare = code if part == "name" else ""
        return {lang: card.get(lang, {}).get(part, spare) for lang in LANGUAGES}

    def sentence(self, code: str, value: object, limit: object = None, detail: object = None) -> Both:
        """A red flag's sentence; missing values are said as a dash.

        Raises
        ------
        DataError
            If the catalogue's sentence asks for anything but value, limit and detail.
        """
        said = self.part(code, "say")
        numbers = {"value": Number(value), "limit": Number(limit)}
        word = self._named(detail) or self._card(detail) or self.text("detail", detail)
        try:
            return {n: said[n].format(**numbers, detail=word[n]) if said[n] else self._bare(code, numbers) for n in LANGUAGES}
        except (KeyError, ValueError, IndexError) as error:
            raise DataError(
                f"the message of {code} cannot be said: {error}", f"messages of {code}", "use {value}, {limit} and {detail}"
            ) from error

    def _named(self, detail: object) -> Both | None:
        """``报案人 7F3A2C`` for a detail of a kind or role and an id: the code name that the party bears everywhere."""
        found = _PARTY.match(str(detail))
        if not found:
            return None
        words = self.text("role" if found[1] in self.ui.get("role", {}) else "kind", found[1])
        return {lang: f"{word} {found[2].upper()}" for lang, word in words.items()}

    def _card(self, detail: object) -> Both | None:
        """A red flag that another one speaks of: its code and its name."""
        if str(detail) not in self.cards:
            return None
        return {lang: f"{detail} {name}" for lang, name in self.part(str(detail), "name").items()}

    def text(self, section: str, key: object, **words: object) -> Both:
        """A word of the user interface; a key without an entry stands for itself."""
        found = self.ui.get(section, {}).get(str(key), dict.fromkeys(LANGUAGES, plain(key)))
        return {lang: found[lang].format(**words) if words else found[lang] for lang in LANGUAGES}

    @staticmethod
    def _bare(code: str, numbers: dict[str, Number]) -> str:
        return f"{code}: {numbers['value']:,.4g} / {numbers['limit']:,.4g}"


@cache
def catalogue(folder: Path = FOLDER) -> Messages:
    """All messages of a folder: ``ui.yaml``, ``features.yaml`` and one file per family of red flags.

    Raises
    ------
    DataError
        If a file is no YAML, a code is told twice, or a part is missing in a language.
    """
    cards: dict[str, dict[str, dict[str, str]]] = {}
    words: dict[str, Any] = {}
    for path in sorted(folder.glob("*.yaml")):
        if path.name in WORDS:
            words |= _checked(_read(path), path)
        else:
            _add(cards, _read(path), path)
    units = {name: str(text["unit"]) for name, text in words.get("feature", {}).items()}
    return Messages(cards, words, units)


def _read(path: Path) -> dict[str, Any]:
    try:
        return yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as error:
        raise DataError(f"the message file cannot be read: {error}", str(path), "mend that line") from error


def _add(cards: dict[str, dict[str, dict[str, str]]], more: dict[str, Any], path: Path) -> None:
    for code, card in more.items():
        gaps = [f"{lang}.{part}" for lang in LANGUAGES for part in PARTS if not card.get(lang, {}).get(part)]
        if gaps or code in cards:
            raise DataError(
                f"the card of {code} lacks {gaps}" if gaps else f"{code} has two cards", str(path), "give each code one card, zh and en"
            )
        cards[code] = card


def _checked(ui: dict[str, Any], path: Path) -> dict[str, dict[str, Both]]:
    gaps = [f"{section}.{key}" for section, words in ui.items() for key, text in words.items() if not set(LANGUAGES) <= set(text)]
    if gaps:
        raise DataError(f"not in every language: {gaps}", str(path), "give zh and en")
    return ui
