"""What a red flag is: a function with a card. One row of its result is one piece of evidence for one subject."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import NotRequired, TypeAlias, TypedDict, Unpack

import ibis
import ibis.expr.types as ir

from features.book import Book

FINDING = {
    "subject_kind": "string",
    "subject_id": "string",
    "value": "float64",
    "limit": "float64",
    "detail": "string",
    "evidence_table": "string",
    "evidence_key": "string",
}
"""Columns of a finding. ``value`` is what was measured (higher = more suspicious), ``limit`` what it is held against (a threshold
or the peers' value), ``detail`` a non-personal word for the sentence (a count, a code, a district) or null. ``evidence_table`` is
a canonical table and ``evidence_key`` its key columns joined by ``|``. All rows of one subject carry the same value, limit and detail."""

LIKELIHOOD_RATIO = {"low": 2.0, "medium": 5.0, "high": 20.0}

Settings: TypeAlias = Mapping[str, float]
Rule: TypeAlias = Callable[[Book, Settings], ir.Table]


@dataclass(frozen=True)
class RedFlag:
    """A red flag's card and its function.

    Attributes
    ----------
    code : str
        Stable code of the catalogue, e.g. ``"H03"``; the letter is the family.
    name : str
        English name; the Chinese one and the sentences are in the message catalogue under the code.
    grain : str
        Kind of subject: claim, person, agent, agency, hospital, doctor, garage, employer, policy, vehicle, account, ...
    severity : str
        low, medium or high: prior likelihood ratio 2, 5, 20.
    scheme : str
        The scheme of ``features.schema.SCHEMES`` it speaks for.
    needs : tuple of str
        ``table.column`` names without any value of which it stays silent.
    settings : mapping of str to float
        Default thresholds, overridden by ``[flags.CODE]`` of the configuration.
    source : str
        Case, rule or study that shows the pattern.
    rule : callable
        ``(book, settings) -> findings``.
    """

    code: str
    name: str
    grain: str
    severity: str
    scheme: str
    needs: tuple[str, ...]
    source: str
    rule: Rule = field(repr=False)
    settings: Settings = field(default_factory=dict)

    @property
    def family(self) -> str:
        """First letter of the code."""
        return self.code[0]

    def find(self, book: Book) -> ir.Table:
        """Findings on the book, with the columns of ``FINDING`` plus ``code``.

        Raises
        ------
        TypeError
            If the rule's result lacks a column of ``FINDING``.
        """
        found = self.rule(book, {**self.settings, **book.settings.get(self.code, {})})
        missing = sorted(set(FINDING) - {"limit", "detail"} - set(found.columns))
        if missing:
            raise TypeError(f"red flag {self.code} returns no column {missing}; a finding has {list(FINDING)}")
        columns = {n: (found[n] if n in found.columns else ibis.null()).cast(t) for n, t in FINDING.items()}
        named = found.select(**columns)
        return named.filter(named.subject_id.notnull()).select(*FINDING, code=ibis.literal(self.code))


class Card(TypedDict):
    """The keyword arguments of :func:`red_flag`; see :class:`RedFlag`."""

    grain: str
    severity: str
    scheme: str
    needs: tuple[str, ...]
    source: str
    settings: NotRequired[Settings]


def red_flag(code: str, name: str, **card: Unpack[Card]) -> Callable[[Rule], RedFlag]:
    """Make a ``RedFlag`` of a function; the docstring gives condition, example, reason and exclusions."""

    def wrap(rule: Rule) -> RedFlag:
        given: Card = {"settings": {}, **card}
        flag = RedFlag(code=code, name=name, rule=rule, **given)
        object.__setattr__(flag, "__doc__", rule.__doc__)
        return flag

    return wrap
