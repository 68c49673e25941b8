"""Settings: ``fraudleads.toml`` turned into frozen dataclasses. An unknown key is an error that names the nearest one."""

from __future__ import annotations

import dataclasses
import difflib
import os
import re
import tomllib
import types
import typing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from features.schema import LINES
from pipelines.errors import UsageError

T = TypeVar("T")
KEY_VARIABLE = "FRAUDLEADS_KEY"
SAMPLE_KEY = "sample-key-is-public"
SHORTEST_KEY = 32
REGION = re.compile(r"[1-9][0-9]{1,5}")
"""How a code of an administrative district begins."""


@dataclass(frozen=True)
class Engine:
    """Where expressions run."""

    name: str = "duckdb"
    memory_limit: str = "4GB"
    threads: int = 2


@dataclass(frozen=True)
class Gate:
    """What a delivery may contain before it is refused, as a share of its rows; ``insurer/table`` keys override."""

    tolerance: float = 0.02
    tolerances: dict[str, float] = field(default_factory=dict)
    required: tuple[str, ...] = ()
    batch_rows: int = 500_000


@dataclass(frozen=True)
class Scope:
    """Which subjects a night looks at: new, changed or open within the look-back."""

    look_back_days: int = 400


@dataclass(frozen=True)
class Capacity:
    """What the investigators can work: cases a night, shares of the list by kind of subject, line and region, the share that explores."""

    cases: int = 50
    listed: int = 200
    hospital_share: float = 0.25
    grain_share: float = 0.4
    explore_share: float = 0.05
    lines: dict[str, float] = field(default_factory=dict)
    regions: dict[str, float] = field(default_factory=dict)
    least_lines: dict[str, float] = field(default_factory=dict)
    least_regions: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """UsageError if more than a tenth explores, as the list is for what is known to be worth while, or if a bound cannot be kept."""
        if not 0.0 <= self.explore_share <= 0.1:
            raise UsageError(f"{self.explore_share} is no share that may explore", "capacity.explore_share", "write 0 to 0.1")
        for name, most, least in (("lines", self.lines, self.least_lines), ("regions", self.regions, self.least_regions)):
            for setting, shares in ((name, most), (f"least_{name}", least)):
                for key, share in shares.items():
                    _check_share(name, key, share, f"capacity.{setting}")
            _check_least(name, most, least)


def _check_share(name: str, key: str, share: float, where: str) -> None:
    if not 0.0 <= share <= 1.0:
        raise UsageError(f"{share:g} is no share of the list", f"{where}.{key}", "write 0 to 1, as 0.2 for a fifth")
    if name == "lines" and key not in LINES:
        near = difflib.get_close_matches(key, LINES, n=1, cutoff=0.75)
        then = f"did you mean '{near[0]}'?" if near else f"take one of {', '.join(LINES)}"
        raise UsageError(f"no line is called '{key}'", where, then)
    if name == "regions" and not REGION.fullmatch(key):
        what = f"'{key}' is no region: a region is how codes of districts begin"
        raise UsageError(what, where, 'write 2 to 6 digits in quotes: "51" a province, "5101" a city, "510104" a district')


def _check_least(name: str, most: dict[str, float], least: dict[str, float]) -> None:
    for key, share in least.items():
        if share > most.get(key, 1.0):
            what = f"at least {share:g} of the list and at most {most[key]:g} cannot both be"
            raise UsageError(what, f"capacity.least_{name}.{key}", f"lower it, or raise capacity.{name}.{key}")
    if round(sum(least.values()), 9) > 1.0:
        what = f"the least shares come to {sum(least.values()):g}, more than the whole list"
        raise UsageError(what, f"capacity.least_{name}", "lower them until they come to 1 or less")


@dataclass(frozen=True)
class Priority:
    """Expected value of a lead."""

    prior: float = 0.01
    recoverable: float = 0.3
    caps: dict[str, float] = field(default_factory=dict)
    hours: dict[str, float] = field(default_factory=dict)
    decision_days: int = 30
    shrink: float = 0.3


@dataclass(frozen=True)
class Scoring:
    """Scorecard, anomaly, and what is learnt from verdicts: shares of the guilty who were cleared and of the innocent called proven."""

    family_cap: float = 60.0
    anomaly_cap: float = 15.0
    seed: int = 7
    trees: int = 100
    peer_minimum: int = 30
    missed: float = 0.0
    accused: float = 0.0

    def __post_init__(self) -> None:
        """Refuse rates of wrong verdicts under which verdicts would tell nothing."""
        if min(self.missed, self.accused) < 0.0 or self.missed + self.accused >= 1.0:
            told = f"{self.missed} and {self.accused}"
            raise UsageError(f"'scoring.missed' and 'scoring.accused' are {told}", "[scoring]", "give shares that sum to less than 1")


@dataclass(frozen=True)
class Links:
    """When two parties that meet often are a validated link. Kinds of pair are named ``agent-hospital``, ``person-person``, ..."""

    level: float = 0.01
    thin: int = 0
    strata: dict[str, tuple[str, ...]] = field(default_factory=dict)
    leasts: dict[str, int] = field(default_factory=dict)
    disabled: tuple[str, ...] = ()
    families: bool = True
    groups: bool = True
    only_hospital: bool = True
    fleets: bool = True
    listed: bool = True


@dataclass(frozen=True)
class Drift:
    """The watch for drift: chance of any false alarm ever, and the date (ISO) from which nights count; a later one begins anew."""

    level: float = 0.05
    restart: str = ""


@dataclass(frozen=True)
class Report:
    """What people see."""

    language: str = "zh"
    evidence_rows: int = 40
    graph_nodes: int = 40


@dataclass(frozen=True)
class Source:
    """One source of the night: a shipped mapping's name or a mapping file, and where its files lie."""

    mapping: str = "book"
    data: str = ""


@dataclass(frozen=True)
class Settings:
    """All of ``fraudleads.toml``."""

    engine: Engine = Engine()
    gate: Gate = Gate()
    scope: Scope = Scope()
    capacity: Capacity = Capacity()
    priority: Priority = Priority()
    scoring: Scoring = Scoring()
    links: Links = Links()
    drift: Drift = Drift()
    report: Report = Report()
    sources: dict[str, Source] = field(default_factory=dict)
    flags: dict[str, dict[str, float]] = field(default_factory=dict)
    disabled_flags: tuple[str, ...] = ()


def load(path: Path | None) -> Settings:
    """Settings of a TOML file, or the defaults.

    Raises
    ------
    UsageError
        If the file is missing, is no TOML, or holds an unknown key or a value of the wrong type.
    """
    if path is None:
        return Settings()
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise UsageError("the configuration file does not exist", str(path), "give --config an existing file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise UsageError(f"the configuration is not valid TOML: {error}", str(path), "mend that line") from error
    return _build(Settings, raw, str(path), "")


def token_key(sample: bool) -> str:
    """The key of the personal-data tokens: from the environment, or the public one for the sample.

    Raises
    ------
    UsageError
        If the environment has a key that is too short, or none and the data is not the sample.
    """
    key = os.environ.get(KEY_VARIABLE, "")
    if len(key) >= SHORTEST_KEY or (sample and not key):
        return key or SAMPLE_KEY
    raise UsageError(
        f"the key for the personal-data tokens is shorter than {SHORTEST_KEY} characters" if key else "no key for the personal-data tokens",
        f"environment variable {KEY_VARIABLE}",
        f"set it to a secret of {SHORTEST_KEY} characters or more, and keep it",
    )


def _build(cls: type[T], raw: dict[str, Any], file: str, prefix: str) -> T:
    known = typing.get_type_hints(cls)
    for key in raw:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1, cutoff=0)
            raise UsageError(f"unknown setting '{prefix}{key}'", file, f"did you mean '{prefix}{near[0]}'?" if near else "remove it")
    return cls(**{k: _value(known[k], v, file, prefix + k) for k, v in raw.items()})


def _value(kind: Any, value: Any, file: str, name: str) -> Any:
    if dataclasses.is_dataclass(kind):
        if not isinstance(value, dict):
            raise UsageError(f"'{name}' must be a table", file, f"write [{name}]")
        return _build(typing.cast(type, kind), value, file, name + ".")
    origin = typing.get_origin(kind)
    if origin is tuple:
        return tuple(value) if isinstance(value, list) else _wrong(kind, value, file, name)
    if origin is dict:
        inner = typing.get_args(kind)[1]
        return (
            {k: _value(inner, v, file, f"{name}.{k}") for k, v in value.items()}
            if isinstance(value, dict)
            else _wrong(kind, value, file, name)
        )
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, types.UnionType) or not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        return _wrong(kind, value, file, name)
    return value


def _wrong(kind: Any, value: Any, file: str, name: str) -> Any:
    raise UsageError(f"'{name}' must be {getattr(kind, '__name__', kind)}, not {type(value).__name__}", file, "mend the value")
