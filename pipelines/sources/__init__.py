"""Sources: mappings from insurers' files and databases to the contract's tables, and the robust reading of them."""

from __future__ import annotations

from pathlib import Path

from pipelines.errors import DataError
from pipelines.sources import parse
from pipelines.sources.mapping import Mapping

_HERE = Path(__file__).parent / "mappings"

SOURCES: dict[str, Path] = {
    "book": _HERE / "book.yaml",
    "ifraud": _HERE / "ifraud.yaml",
    "cms_inpatient": _HERE / "cms_inpatient.yaml",
    "agents_vendors": _HERE / "agents_vendors.yaml",
    "hanwha": _HERE / "hanwha.yaml",
    "cms_provider": _HERE / "cms_provider.yaml",
    "fraud_oracle": _HERE / "fraud_oracle.yaml",
}
"""Shipped sources by name. ``book`` is the canonical layout, which the sample and simulated books have."""


def load(name_or_path: str | Path) -> Mapping:
    """The mapping of a shipped source, or of a YAML file.

    Raises
    ------
    DataError
        If there is no such source or file, or the mapping is wrong.
    """
    shipped = SOURCES.get(str(name_or_path))
    path = shipped or Path(name_or_path)
    if shipped is None and not path.suffix:
        raise DataError(f"unknown source '{name_or_path}'", "", f"use one of {', '.join(SOURCES)}, or the path of a YAML file")
    return parse.read(path)
