"""A delivery: what one insurer handed over of one table at one time. Sources find and read them, the gate judges them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Delivery:
    """One insurer's files (or query) for one canonical table.

    Attributes
    ----------
    source : str
        Name of the mapping.
    insurer, table : str
        Whose rows, and for which canonical table.
    mode : str
        ``"snapshot"`` replaces what the insurer delivered of this table before; ``"delta"`` adds and overwrites by key.
    received_at : datetime
        When it came in (UTC+8 local). A source without receipt times has one for all of its data.
    receipted : bool
        False where ``received_at`` is invented: then ``known_at`` of the schema says when a row or column became known.
    files : tuple of Path
        Empty for a database table.
    digest : str
        Of the files' content, the mapping and the schema: the same digest is never read twice.
    required : bool
        The night is refused if this delivery fails.
    """

    source: str
    insurer: str
    table: str
    mode: str
    received_at: datetime
    receipted: bool
    files: tuple[Path, ...]
    digest: str
    required: bool = False

    @property
    def label(self) -> str:
        """How messages name it."""
        return f"{self.insurer}/{self.table}@{self.received_at:%Y-%m-%d}"
