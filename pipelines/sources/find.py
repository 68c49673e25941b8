"""Which deliveries of a source are there: files by pattern, database tables by name, each with a digest of its content."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from features import schema
from pipelines import config
from pipelines.delivery import Delivery
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.ids import digest, digest_file
from pipelines.sources import database, raw
from pipelines.sources.mapping import Block, Mapping

NO_RECEIPT = datetime(1970, 1, 1)
"""``received_at`` of data without receipt times: ``known_at`` of the schema says instead when things became known."""
ENDINGS = (".csv", ".csv.gz", ".parquet")


def deliveries(mapping: Mapping, data_dir: Path) -> list[Delivery]:
    """What lies in a folder (and in the mapping's database), in order of receipt, insurer and table.

    Raises
    ------
    DataError
        If nothing the mapping names is there, or one table lies there in two forms.
    """
    lying = sorted(p.relative_to(data_dir) for p in data_dir.rglob("*") if p.name.endswith(ENDINGS) and p.is_file())
    found: dict[tuple[datetime, str, str], set[Path]] = defaultdict(set)
    for block in mapping.blocks:
        for path, parts in _matches(block, lying):
            for insurer in _insurers(mapping, block, parts, data_dir / path):
                found[(_received(mapping, parts), insurer, block.table)].add(data_dir / path)
        for insurer in _insurers(mapping, block, {}, None) if block.relation[1] else ():
            found[(_received(mapping, {}), insurer, block.table)] |= set()
    if not found:
        wanted = ", ".join(sorted({b.origin for b in mapping.blocks})[:4])
        raise DataError(f"no file of source '{mapping.name}' is there", str(data_dir), f"give --data the folder that holds {wanted}, ...")
    return [_delivery(mapping, key, tuple(sorted(paths))) for key, paths in sorted(found.items())]


def content_digest(mapping: Mapping, key: tuple[datetime, str, str], files: Iterable[Path]) -> str:
    """Digest of a delivery: its files' and database tables' content, the mapping, the contract table, and (received, insurer, table)."""
    table = key[2]
    contents = [f"{p.name}={digest_file(p)}" for p in files]
    contents += [database.fingerprint(mapping, b) for b in mapping.tables[table] if b.relation[1]]
    return digest(*key, mapping.digest, schema.tables()[table], *contents, length=32)


def _delivery(mapping: Mapping, key: tuple[datetime, str, str], files: tuple[Path, ...]) -> Delivery:
    received_at, insurer, table = key
    return Delivery(
        source=mapping.name,
        insurer=insurer,
        table=table,
        mode=mapping.mode,
        received_at=received_at,
        receipted=mapping.received_at[0] != "none",
        files=files,
        digest=content_digest(mapping, key, files),
        required=table in mapping.required,
    )


def _matches(block: Block, lying: list[Path]) -> Iterator[tuple[Path, dict[str, str]]]:
    """Files of a block; one table in two forms would be read twice."""
    seen: dict[str, str] = {}
    for path in lying if block.pattern else ():
        match = block.finds(path)
        if match is None or match["file"] != path.as_posix():
            continue
        stem = path.as_posix().removesuffix(".gz").removesuffix(".csv").removesuffix(".parquet")
        if stem in seen:
            raise DataError(f"one table lies there twice, as {seen[stem]} and {path.name}", path.parent.as_posix(), "remove one of them")
        seen[stem] = path.name
        yield path, match.groupdict()


def _received(mapping: Mapping, parts: dict[str, str]) -> datetime:
    kind, value = mapping.received_at
    if kind == "none":
        return NO_RECEIPT
    stamp = value if kind == "constant" else f"{_part(mapping, parts, value)} {mapping.time}"
    try:
        return datetime.fromisoformat(stamp)
    except ValueError as error:
        raise DataError(f"'{stamp[:10]}' in a path is no date", f"source '{mapping.name}'", "name the folder YYYY-MM-DD") from error


def _part(mapping: Mapping, parts: dict[str, str], name: str) -> str:
    if name not in parts:
        raise DataError(
            f"a file pattern has no '{{{name}}}'", f"source '{mapping.name}'", f"write it into every 'from:', or give {name} as a constant"
        )
    return parts[name]


def _insurers(mapping: Mapping, block: Block, parts: dict[str, str], path: Path | None) -> list[str]:
    kind, value = mapping.insurer
    if kind == "column":
        return _distinct(path, block, value) if path else database.distinct(mapping, block, value)
    return [value if kind == "constant" else _part(mapping, parts, value)]


def _distinct(path: Path, block: Block, column: str) -> list[str]:
    """The insurers that a file's column names, in an engine of its own, as no night is running yet."""
    with tempfile.TemporaryDirectory() as spill:
        engine = DuckEngine(config.Engine(), Path(spill))
        try:
            rows = raw.load(engine, path, block, "distinct")
            if column not in rows.columns:
                raise DataError(f"the file has no column '{column}', which names the insurer", path.name, "mend 'insurer:' of the mapping")
            values = rows.table.select(value=rows.table[rows.columns[column]].strip()).distinct().to_pyarrow()["value"].to_pylist()
        finally:
            engine.close()
    return sorted(v for v in values if v)
