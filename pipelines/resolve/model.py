"""The link model as data: what is compared, how it weighs, which keys bring records together and which of those are left out.

A :class:`Design` is declared by hand; a :class:`Model` is a design with its trained figures. Both are plain values: the same forms and
the same design make the same model, byte for byte. Nothing of a person is kept in it but digests.
"""

from __future__ import annotations

import json
import os
from dataclasses import asdict, dataclass, field
from math import log2
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.errors import DataError
from pipelines.ids import digest
from pipelines.resolve.addresses import WORDS

FORMAT = 2
TF = pa.schema([("name", pa.string()), ("value", pa.string()), ("tf", pa.float64())])
TABLES = ("tf", "skipped", "words")
"""What of a model is a table."""
SKIPPED = pa.schema([("rule", pa.string()), ("key", pa.string()), ("size", pa.int64())])


@dataclass(frozen=True)
class Level:
    """One answer of a comparison.

    Attributes
    ----------
    label : str
        In words, for the waterfall.
    sql : str
        When it holds, over columns ``…_l`` and ``…_r``; symmetric; ``ELSE`` for the last.
    m : float
        How often records of one person fall here, by knowledge; training moves it within limits.
    tf : str
        Column whose frequent values weigh less; empty for none.
    """

    label: str
    sql: str
    m: float
    tf: str = ""


@dataclass(frozen=True)
class Comparison:
    """What is compared: the first level that holds counts; where ``null`` holds there is no evidence.

    Attributes
    ----------
    name : str
        Its name in the model and in the columns ``level_…`` and ``bits_…`` of a pair.
    null : str
        When there is nothing to compare.
    levels : tuple of Level
        The last is ``ELSE``.
    most : float
        Bits that it can add at most: what families and colleagues share is no proof, however rare.
    score : str
        A figure of a pair that several levels read as ``{name}_score_l``: an expression over ``l.…`` and ``r.…`` in SQL, null where
        there is nothing to compare. It is worked out once per pair; what is written into each level would be worked out for each.
    """

    name: str
    null: str
    levels: tuple[Level, ...]
    most: float = 40.0
    score: str = ""


@dataclass(frozen=True)
class Rule:
    """Records that agree on every key (SQL expressions over a form) are candidates.

    Attributes
    ----------
    name : str
        Its name in reports.
    keys : tuple of str
        A record with a null key takes no part.
    implies : tuple of str
        Comparisons that the keys decide; training on this rule says nothing of them. Empty: no training on it.
    certain : bool
        Whether its pairs are nearly all of one person; they give the prior.
    """

    name: str
    keys: tuple[str, ...]
    implies: tuple[str, ...] = ()
    certain: bool = False


@dataclass(frozen=True)
class Design:
    """A declared set of comparisons and rules.

    Attributes
    ----------
    comparisons, rules : tuple
        In order.
    within : tuple of str
        Columns that both records must have in common, whatever the rule.
    identity : tuple of str
        Comparisons of which the bits must sum to ``least``: contacts alone never make two records one person.
    least : float
        See ``identity``.
    proof : tuple of (str, str)
        Comparison and the label of its last level that will do; one of them must hold. A twin has the birth date, the contacts and
        nearly the name of the other, so a name nearly the same needs an id number.
    probability : float
        A pair is accepted from this probability on.
    largest : int
        Records under one key; keys of more are left out.
    """

    comparisons: tuple[Comparison, ...]
    rules: tuple[Rule, ...]
    within: tuple[str, ...] = ()
    identity: tuple[str, ...] = ()
    least: float = 0.0
    proof: tuple[tuple[str, str], ...] = ()
    probability: float = 0.97
    largest: int = 200

    @property
    def tf_columns(self) -> tuple[str, ...]:
        """Columns with term frequencies, sorted."""
        return tuple(sorted({level.tf for c in self.comparisons for level in c.levels if level.tf}))


@dataclass(frozen=True)
class Model:
    """A design with its figures.

    Attributes
    ----------
    design : Design
        What is compared.
    m, u : dict of str to tuple of float
        By comparison, in the order of its levels: how often pairs of one person, and of two, fall there.
    prior : float
        Probability that two records taken at random are one person's.
    records : dict of str to int
        Records with a value, by column with term frequencies; a value seen once has the frequency 1 / records.
    tf : pyarrow Table
        Frequencies of values seen twice or more: name, value (a digest), tf.
    skipped : pyarrow Table
        Keys left out: rule, key (a digest), size.
    words : pyarrow Table
        What the pairs of characters of an address weigh, see :func:`pipelines.resolve.addresses.rarity`.
    """

    design: Design
    m: dict[str, tuple[float, ...]]
    u: dict[str, tuple[float, ...]]
    prior: float
    records: dict[str, int]
    tf: pa.Table = field(compare=False)
    skipped: pa.Table = field(compare=False)
    words: pa.Table = field(compare=False, default_factory=WORDS.empty_table)

    @property
    def figures(self) -> str:
        """Everything but the tables, as JSON in one fixed spelling."""
        values = {"format": FORMAT, "design": asdict(self.design), "m": self.m, "u": self.u, "prior": self.prior, "records": self.records}
        return json.dumps(values, sort_keys=True, ensure_ascii=False, indent=1)

    @property
    def digest(self) -> str:
        """Of the figures and the tables."""
        tables = [json.dumps(getattr(self, name).to_pydict(), sort_keys=True, ensure_ascii=False) for name in TABLES]
        return digest(self.figures, *tables)

    @property
    def threshold(self) -> float:
        """The weight from which a pair is accepted, in bits, prior included."""
        return log2(self.design.probability / (1 - self.design.probability))


def scores(design: Design) -> dict[str, str]:
    """Column of a pair → expression: see ``Comparison.score``."""
    return {f"{c.name}_score": c.score for c in design.comparisons if c.score}


def settings(model: Model) -> dict[str, Any]:
    """The model as settings of Splink, and ``pair_columns``, which :func:`pipelines.resolve.splink.scored` works out itself."""
    return {
        "link_type": "dedupe_only",
        "unique_id_column_name": "n",
        "probability_two_random_records_match": model.prior,
        "retain_matching_columns": False,
        "retain_intermediate_calculation_columns": True,
        "blocking_rules_to_generate_predictions": [],
        "pair_columns": scores(model.design),
        "comparisons": [_comparison(c, model.m[c.name], model.u[c.name]) for c in model.design.comparisons],
    }


def _comparison(comparison: Comparison, m: tuple[float, ...], u: tuple[float, ...]) -> dict[str, Any]:
    null = {"sql_condition": comparison.null, "label_for_charts": "unknown", "is_null_level": True}
    levels = [_level(level, (a, b), comparison.most) for level, a, b in zip(comparison.levels, m, u, strict=True)]
    return {"output_column_name": comparison.name, "comparison_description": comparison.name, "comparison_levels": [null, *levels]}


def _level(level: Level, figures: tuple[float, float], most: float) -> dict[str, Any]:
    m, u = figures
    found = {"sql_condition": level.sql, "label_for_charts": level.label, "m_probability": m, "u_probability": max(u, m / 2**most)}
    if level.tf:
        minimum = {"tf_minimum_u_value": m / 2**most, "tf_adjustment_weight": 1.0, "disable_tf_exact_match_detection": True}
        found |= {"tf_adjustment_column": level.tf, **minimum}
    return found


def save(model: Model, folder: Path) -> Path:
    """Write the model below ``folder`` under its digest, beside and then renamed.

    Returns
    -------
    Path
        The folder of this model; an existing one is left as it is.
    """
    home = folder / model.digest
    if home.exists():
        return home
    beside = folder / f"{model.digest}.part"
    beside.mkdir(parents=True, exist_ok=True, mode=0o700)
    (beside / "model.json").write_text(model.figures, encoding="utf-8")
    for name in TABLES:
        pq.write_table(getattr(model, name), beside / f"{name}.parquet")
    os.replace(beside, home)
    return home


def load(home: Path) -> Model:
    """Read what :func:`save` wrote; refuses a model whose content is not what its folder is named after."""
    try:
        values = json.loads((home / "model.json").read_text(encoding="utf-8"))
        version = values.pop("format", None)
        tables = {name: pq.read_table(home / f"{name}.parquet") for name in TABLES if version == FORMAT}
    except (OSError, ValueError) as error:
        raise DataError("the link model cannot be read", home.name, "restore it from a backup, or train a new one") from error
    if version != FORMAT:
        raise DataError("the link model is of another version", home.name, "train a new one")
    shares: dict[str, Any] = {side: {k: tuple(v) for k, v in values.pop(side).items()} for side in ("m", "u")}
    model = Model(design=_design(values.pop("design")), **shares, **values, **tables)
    if model.digest != home.name:
        raise DataError("the link model is not the one it is named after", home.name, "restore it from a backup, or train a new one")
    return model


def outdated(home: Path) -> bool:
    """Whether another version of the program wrote the model, so that one is to be trained."""
    try:
        return bool(json.loads((home / "model.json").read_text(encoding="utf-8")).get("format") != FORMAT)
    except (OSError, ValueError):  # damaged rather than old: load says so
        return False


def _design(values: dict[str, Any]) -> Design:
    comparisons = tuple(Comparison(**{**c, "levels": tuple(Level(**level) for level in c["levels"])}) for c in values.pop("comparisons"))
    rules = tuple(Rule(r["name"], tuple(r["keys"]), tuple(r["implies"]), r["certain"]) for r in values.pop("rules"))
    lists: dict[str, Any] = {name: tuple(values.pop(name)) for name in ("within", "identity")}
    lists["proof"] = tuple((name, label) for name, label in values.pop("proof"))
    return Design(comparisons, rules, **lists, **values)
