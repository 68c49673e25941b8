"""Every view, feature and red flag compiles for Spark; no Java is needed for that."""

from __future__ import annotations

import re
from datetime import date

import ibis
import pytest
from ibis.config import Config

from features import agents, claims, facts, parties, policies, providers, views
from features.book import Book
from features.indicators import INDICATORS
from features.spine import spine
from pipelines.graph.paths import SCHEMA as PATHS
from pipelines.graph.proximity import SCHEMA as PROXIMITY
from pipelines.graph.rings import SCHEMAS as RINGS
from tests.parity.book import book


@pytest.fixture(scope="module", autouse=True)
def spark_option() -> None:
    """Without pyspark installed Ibis lacks the one option that its Spark compiler reads."""

    class Spark(Config):
        treat_nan_as_null: bool = False

    if getattr(ibis.options, "pyspark", None) is None:
        ibis.options.pyspark = Spark()


@pytest.fixture(scope="module")
def unbound() -> Book:
    """A book of tables that no engine holds."""
    later = {**RINGS, "proximity": PROXIMITY, "proximity_paths": PATHS}
    known = {n: t.schema() for n, t in book().tables.items()} | {n: ibis.schema(s) for n, s in later.items()}
    tables = {n: ibis.table(s, name=n) for n, s in known.items()}
    return Book(tables, date(2026, 1, 1), settings={})


def _compiles(expression: ibis.Table) -> None:
    """Spark has no distinct counts over windows: that would compile and then fail."""
    sql = ibis.to_sql(expression, dialect="pyspark")
    assert "SELECT" in sql and not re.search(r"COUNT\(DISTINCT [^()]*\)\s*OVER", sql)


@pytest.mark.parametrize("view", [views.claim_view, views.policy_view])
def test_views(unbound: Book, view: object) -> None:
    _compiles(view(unbound))


@pytest.mark.parametrize("module", [claims, parties, agents, providers, policies])
def test_features(unbound: Book, module: object) -> None:
    kinds = ("claim", "policy", "person", "agent", "hospital", "doctor", "garage")
    _compiles(module.features(unbound, spine(unbound, kinds)))


@pytest.mark.parametrize("long", [facts.numeric_facts, facts.word_facts])
def test_facts(unbound: Book, long: object) -> None:
    _compiles(long(unbound, spine(unbound, ("person", "hospital"))))


@pytest.mark.parametrize("flag", INDICATORS, ids=lambda f: f.code)
def test_flags(unbound: Book, flag: object) -> None:
    _compiles(flag.find(unbound))
