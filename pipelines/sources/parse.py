"""YAML text → :class:`Mapping`; every mistake is told with its file, its key and the nearest name that exists."""

from __future__ import annotations

import difflib
import re
from collections.abc import Collection
from datetime import date, datetime
from pathlib import Path
from typing import Any, NoReturn

import yaml

from features import schema
from pipelines.errors import DataError
from pipelines.ids import digest
from pipelines.sources.mapping import PLACEHOLDERS, Block, Cell, Fact, Filter, Mapping

TOP = (
    "source", "about", "insurer", "received_at", "mode", "required", "distinct", "database", "unused", "tables",
)  # fmt: skip
BLOCK = (
    "from", "encoding", "delimiter", "nulls", "where", "unless", "columns", "rows", "numbers", "texts",
)  # fmt: skip
CELL = (
    "column", "constant", "concat", "sep", "prefix", "values", "otherwise", "format", "unit", "years_since",
    "years_before", "digest", "decimal", "type",
)  # fmt: skip
DATE_PARTS = tuple(f"%{letter}" for letter in "YmdHMSyb")


def parse(text: str, file: str) -> Mapping:
    """The mapping of a YAML text.

    Raises
    ------
    DataError
        If it is no YAML, or holds an unknown key, table, column or type; the message names the place and the nearest name.
    """
    try:
        raw = yaml.load(text, Loader=_Loader)  # noqa: S506 (only strings, lists and mappings come of it)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}" if mark else "the file"
        raise DataError(
            f"the mapping is not valid YAML ({getattr(error, 'problem', 'unreadable')})", f"{file}, {line}", "mend that line"
        ) from error
    return _Parser(file).mapping(raw, digest(text, length=32))


class _Loader(yaml.BaseLoader):
    """Every scalar is text as written, so that a column named NO or ON stays one; a key written twice is an error."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = next((k for i, k in enumerate(keys) if k in keys[:i]), None)
        if twice is not None:
            raise yaml.constructor.ConstructorError(None, None, f"key '{twice}' is there twice", node.start_mark)
        return super().construct_mapping(node, deep=deep)


class _Parser:
    """Carries the file's name, so that every message can tell it."""

    def __init__(self, file: str) -> None:
        self.file = file

    def wrong(self, what: str, key: str, then: str) -> NoReturn:
        raise DataError(what, f"{self.file}, key '{key}'", then)

    def known(self, name: Any, names: Collection[str], kind: str, key: str) -> str:
        """``name`` itself if it is one of ``names``; else an error that tells the nearest."""
        if not isinstance(name, str) or name not in names:
            near = difflib.get_close_matches(str(name), names, n=1, cutoff=0)
            self.wrong(f"unknown {kind} '{name}'", key, f"did you mean '{near[0]}'?" if near else "remove it")
        return name

    def table_of(self, raw: Any, key: str) -> dict[Any, Any]:
        return raw if isinstance(raw, dict) else self.wrong("a mapping (name: value) is expected here", key, "indent its keys below it")

    def list_of(self, raw: Any, key: str) -> list[Any]:
        return raw if isinstance(raw, list) else self.wrong("a list is expected here", key, "write [a, b]")

    def keys(self, raw: Any, names: Collection[str], key: str) -> dict[str, Any]:
        """A mapping all of whose keys are in ``names``."""
        table = self.table_of(raw, key or "(top)")
        for name in table:
            self.known(name, names, "key", f"{key}.{name}" if key else str(name))
        return table

    def mapping(self, raw: Any, fingerprint: str) -> Mapping:
        top = self.keys(raw, TOP, "")
        for key in ("source", "insurer", "tables"):
            if key not in top:
                self.wrong(f"the mapping has no '{key}'", key, f"add '{key}:'")
        tables = {self.known(t, schema.tables(), "table", f"tables.{t}"): b for t, b in self.table_of(top["tables"], "tables").items()}
        received, time = self.received(top.get("received_at", "none"))
        made = Mapping(
            name=str(top["source"]),
            insurer=self.one_of(top["insurer"], ("constant", "path", "column"), "insurer"),
            received_at=received,
            time=time,
            mode=self.known(top.get("mode", "snapshot"), ("snapshot", "delta"), "mode", "mode"),
            tables={t: self.blocks(t, b) for t, b in tables.items()},
            digest=fingerprint,
            required=self.some(top, "required", tables),
            distinct=self.some(top, "distinct", tables),
            database=str(top.get("database", "")),
            unused={k: self.texts(v, f"unused.{k}") for k, v in self.table_of(top.get("unused", {}), "unused").items()},
        )
        if any(b.relation[1] for b in made.blocks) and not made.database:
            self.wrong("a block reads a database table, and no database is named", "database", "name the environment variable of its URL")
        return made

    def some(self, top: dict[str, Any], key: str, tables: Collection[str]) -> tuple[str, ...]:
        return tuple(self.known(t, tables, "table", key) for t in self.list_of(top.get(key, []), key))

    def one_of(self, raw: Any, kinds: tuple[str, ...], key: str) -> tuple[str, str]:
        table = self.keys(raw, kinds, key)
        if len(table) != 1:
            self.wrong(f"'{key}' needs exactly one of {', '.join(kinds)}", key, f"write {{{kinds[0]}: ...}}")
        kind, value = next(iter(table.items()))
        if kind == "path":
            self.known(value, PLACEHOLDERS, "path part", f"{key}.path")
        return kind, self.text(value, key)

    def received(self, raw: Any) -> tuple[tuple[str, str], str]:
        """(kind, value) and the time of day that a date in a path stands for."""
        if raw in ("none", ""):
            return ("none", ""), ""
        table = dict(self.keys(raw, ("constant", "path", "time"), "received_at"))
        time = str(table.pop("time", "18:00:00"))
        kind, value = self.one_of(table, ("constant", "path"), "received_at")
        stamp = value if kind == "constant" else f"2000-01-01 {time}"
        try:
            datetime.fromisoformat(stamp)
        except ValueError:
            self.wrong("not a time", "received_at", 'write {constant: "2024-01-31 18:00:00"} or {path: date, time: "18:00:00"}')
        return (kind, value), time

    def blocks(self, table: str, raw: Any) -> tuple[Block, ...]:
        return tuple(self.block(table, b, f"tables.{table}[{i}]") for i, b in enumerate(self.list_of(raw, f"tables.{table}")))

    def block(self, table: str, raw: Any, key: str) -> Block:
        keys = self.keys(raw, BLOCK, key)
        if "from" not in keys:
            self.wrong("the block does not say what it reads", key, "add 'from: FILE' or 'from: {table: NAME}'")
        same = keys.get("columns") == "*"
        pattern, relation = self.origin(keys["from"], f"{key}.from")
        block = Block(
            table, pattern, relation,
            self.known(keys.get("encoding", "auto"), ("auto", "utf-8", "gb18030"), "encoding", f"{key}.encoding"),
            self.delimiter(keys.get("delimiter", "auto"), f"{key}.delimiter"),
            self.texts(keys.get("nulls", []), f"{key}.nulls"),
            (*self.filters(keys, "where", key), *self.filters(keys, "unless", key)),
            () if same else self.cells(table, keys.get("columns", {}), f"{key}.columns"), same,
            tuple(self.cells(table, r, f"{key}.rows[{i}]") for i, r in enumerate(self.list_of(keys.get("rows", []), f"{key}.rows"))),
            (*self.facts(table, keys, "numbers", key), *self.facts(table, keys, "texts", key)),
        )  # fmt: skip
        self.complete(block, key)
        return block

    def complete(self, block: Block, key: str) -> None:
        """A block must say where each required contract column comes from."""
        given = {name for name, _ in block.columns} | ({"name"} if block.facts else set())
        for row in block.rows or ((),):
            for column in schema.tables()[block.table].columns:
                if column.required and not block.same and column.name not in given | {n for n, _ in row}:
                    self.wrong(
                        f"'{block.table}.{column.name}' is needed in every row, and nothing gives it", key, f"add '{column.name}: COLUMN'"
                    )

    def origin(self, raw: Any, key: str) -> tuple[str, tuple[str, str]]:
        if isinstance(raw, dict):
            keys = self.keys(raw, ("table", "schema"), key)
            return "", (str(keys.get("schema", "")), self.text(keys.get("table"), f"{key}.table"))
        for name in re.findall(r"\{(\w+)\}", self.text(raw, key)):
            self.known(name, PLACEHOLDERS, "path part", key)
        return str(raw), ("", "")

    def delimiter(self, raw: Any, key: str) -> str:
        if raw != "auto" and (not isinstance(raw, str) or len(raw) != 1):
            self.wrong("a delimiter is one character", key, 'write "," or ";" or "\\t", or auto')
        return str(raw)

    def filters(self, keys: dict[str, Any], kind: str, key: str) -> tuple[Filter, ...]:
        raw = self.table_of(keys.get(kind, {}), f"{key}.{kind}")
        return tuple(Filter(c, self.texts(values, f"{key}.{kind}.{c}"), kind == "where") for c, values in raw.items())

    def texts(self, raw: Any, key: str) -> tuple[str, ...]:
        return tuple(self.text(v, key) for v in self.list_of(raw, key))

    def facts(self, table: str, keys: dict[str, Any], kind: str, key: str) -> tuple[Fact, ...]:
        raw = self.list_of(keys.get(kind, []), f"{key}.{kind}")
        if raw and table != "facts":
            self.wrong(f"'{kind}' is for the table facts alone", f"{key}.{kind}", "use 'columns'")
        named = [next(iter(r.items())) if isinstance(r, dict) else (r, r) for r in raw]
        return tuple(Fact(str(c), str(n), kind == "numbers") for c, n in named)

    def cells(self, table: str, raw: Any, key: str) -> tuple[tuple[str, Cell], ...]:
        names = [c.name for c in schema.tables()[table].source_columns]
        return tuple(
            (self.known(n, names, f"column of {table}", f"{key}.{n}"), self.cell(c, f"{key}.{n}"))
            for n, c in self.table_of(raw, key).items()
        )

    def cell(self, raw: Any, key: str) -> Cell:
        if not isinstance(raw, dict):
            return Cell(
                column=self.text(raw, key) or self.wrong("the cell names no column", key, "write a column's name, or leave the key out")
            )
        keys = self.keys(raw, CELL, key)
        if sum(k in keys for k in ("column", "constant", "concat")) != 1:
            self.wrong("a cell needs exactly one of column, constant, concat", key, "write {column: NAME}")
        formats = keys.get("format", [])
        return Cell(
            column=str(keys.get("column", "")),
            constant=self.text(keys["constant"], key) if "constant" in keys else None,
            concat=tuple(self.cell(c, f"{key}.concat") for c in self.list_of(keys.get("concat", []), f"{key}.concat")),
            sep=str(keys.get("sep", "|")),
            prefix=str(keys.get("prefix", "")),
            values=tuple((k, self.text(v, key)) for k, v in self.table_of(keys.get("values", {}), f"{key}.values").items()),
            otherwise=self.text(keys.get("otherwise", ""), key),
            keep="otherwise" not in keys,
            formats=tuple(self.format(f, f"{key}.format") for f in (formats if isinstance(formats, list) else [formats])),
            unit=self.number(keys.get("unit", "1"), f"{key}.unit"),
            years_since=self.day(keys.get("years_since", ""), f"{key}.years_since"),
            years_before=self.day(keys.get("years_before", ""), f"{key}.years_before"),
            digest=self.known(keys.get("digest", "false"), ("true", "false"), "value", f"{key}.digest") == "true",
            decimal=str(keys.get("decimal", ".")),
            type=self.known(keys["type"], schema.TYPES, "type", f"{key}.type") if "type" in keys else "",
        )

    def text(self, raw: Any, key: str) -> str:
        return raw if isinstance(raw, str) else self.wrong("one value is expected here", key, "write a single name or value")

    def format(self, raw: Any, key: str) -> str:
        for letter in re.findall("%(.?)", self.text(raw, key)):
            self.known(f"%{letter}", DATE_PARTS, "date part", key)
        return str(raw)

    def number(self, raw: Any, key: str) -> float:
        try:
            return float(self.text(raw, key))
        except ValueError:
            self.wrong("a number is expected here", key, "write 100")

    def day(self, raw: Any, key: str) -> str:
        try:
            return date.fromisoformat(self.text(raw, key)).isoformat() if raw else ""
        except ValueError:
            self.wrong("a date is expected here", key, "write 2000-01-01")


def read(path: Path) -> Mapping:
    """The mapping in a file.

    Raises
    ------
    DataError
        If the file is missing, is not UTF-8, or :func:`parse` refuses it.
    """
    try:
        return parse(path.read_text(encoding="utf-8"), path.name)
    except FileNotFoundError as error:
        raise DataError("the mapping does not exist", str(path), "give the name of a shipped source or the path of a YAML file") from error
    except UnicodeDecodeError as error:
        raise DataError("the mapping is not UTF-8 text", str(path), "save it as UTF-8") from error
