"""What a canonical table is made of: columns with type, personal-data class, range and time of knowledge; short words to declare them."""

from __future__ import annotations

from dataclasses import dataclass, field

TYPES = {
    "id": "string",
    "code": "string",
    "text": "string",
    "date": "date",
    "time": "timestamp",
    "money": "decimal(18, 2)",
    "float": "float64",
    "int": "int64",
    "bool": "boolean",
}


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    name : str
    type : str
        A key of ``TYPES``.
    pii : str
        ``""``, ``"PI"`` (personal) or ``"SPI"`` (sensitive personal).
    token : bool
        True: stages see only a keyed token; the raw value lives in the vault.
        False with ``pii`` set: stages keep the value, display masks it.
    required : bool
        A row without it cannot be keyed and is quarantined.
    low, high : float or None
        Plausible range, inclusive; outside it the row passes with a ``dq`` mark.
    values : tuple of str
        Allowed values of a ``code``; others pass with a ``dq`` mark and read null.
    known_at : str
        Where a source has no receipt time: the column that says when this one became known.
    ref : str
        Table whose key this column points at; orphans pass with a ``dq`` mark.
    derived : str
        Name of the raw column this one is computed from at the gate, before tokens replace it.
    """

    name: str
    type: str
    pii: str = ""
    token: bool = False
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    known_at: str = ""
    ref: str = ""
    derived: str = ""

    @property
    def dtype(self) -> str:
        """The Ibis type."""
        return TYPES[self.type]

    @property
    def scoped(self) -> bool:
        """True where the value is an id of the insurer's own and is written ``insurer:id``."""
        return self.type == "id" and (self.required or bool(self.ref) or self.name in _SCOPED)


@dataclass(frozen=True)
class Table:
    """One canonical table: its columns, key, and the column that says when a row became known."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    known_at: str = ""
    by_column: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_column", {c.name: c for c in self.columns})

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.by_column)

    @property
    def source_columns(self) -> tuple[Column, ...]:
        """Columns that a source may deliver (all but the derived ones)."""
        return tuple(c for c in self.columns if not c.derived)


_SCOPED = ("household_id", "group_id", "branch_id", "outlet_id", "renewal_of")


def ids(*names: str, ref: str = "") -> tuple[Column, ...]:
    """Ids that may be missing."""
    return tuple(Column(n, "id", ref=ref) for n in names)


def key(name: str, ref: str = "") -> Column:
    """An id without which the row cannot be keyed."""
    return Column(name, "id", required=True, ref=ref)


def secret(name: str, pii: str = "PI") -> Column:
    """Personal data that stages see as a token only."""
    return Column(name, "text", pii=pii, token=True)


def money(name: str, known_at: str = "", low: float | None = 0, high: float | None = 1e9) -> Column:
    """An amount with its plausible range."""
    return Column(name, "money", low=low, high=high, known_at=known_at)


def code(name: str, values: tuple[str, ...] = (), known_at: str = "") -> Column:
    """A coded value."""
    return Column(name, "code", values=values, known_at=known_at)


def many(type_: str, *names: str) -> tuple[Column, ...]:
    """Plain columns of one type."""
    return tuple(Column(n, type_) for n in names)
