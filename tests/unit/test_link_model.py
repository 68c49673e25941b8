"""The link model: the same forms make the same bytes, nothing of a person is in it, large keys are left out, a night equals a full run."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pytest

from benchmarks.identities import figures, link, people, records
from pipelines.errors import DataError
from pipelines.resolve import linking, training
from pipelines.resolve.blocking import Few, block, numbers
from pipelines.resolve.clusters import clusters
from pipelines.resolve.designs import PERSONS
from pipelines.resolve.linking import compare, connect, grown, link_all, link_some, waterfall
from pipelines.resolve.model import FORMAT, TABLES, Model, load, save, settings
from pipelines.resolve.sounds import sounds
from pipelines.resolve.training import train
from pipelines.simulate import simulate

LOAD = "CREATE OR REPLACE TABLE forms AS SELECT * REPLACE (birth_date::DATE AS birth_date) FROM frame"
IDS = ("110101198003120010", "110101198003120037")
HOME = "重庆市渝北区解放路12号1203室"


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    out = tmp_path_factory.mktemp("book")
    simulate(2_000, 11, out, "parquet")
    return records(out)


@pytest.fixture(scope="module", autouse=True)
def _few() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAMPLE", 60_000)
        yield


@pytest.fixture(scope="module")
def frame(book: pd.DataFrame) -> pd.DataFrame:
    return people(book)


@pytest.fixture(scope="module")
def con(frame: pd.DataFrame) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(memory_limit="2GB", threads=2) as connection:
        connection.execute(LOAD)
        yield connection


@pytest.fixture(scope="module")
def model(con: duckdb.DuckDBPyConnection) -> Model:
    return train(con, "forms", PERSONS)


def test_people_are_found(book: pd.DataFrame) -> None:
    person = book.set_index("party_id")["person"]
    result = figures(link(book, natural=True)[2], person)
    assert result["pairs"] > 200
    assert result["precision"] >= 0.99 and result["recall"] >= 0.93 and result["mixed_more"] == 0


def test_organisations_are_found(book: pd.DataFrame) -> None:
    result = figures(link(book, natural=False)[2], book.set_index("party_id")["person"])
    assert result["precision"] >= 0.99 and result["recall"] >= 0.93


def test_the_same_forms_in_another_order_make_the_same_bytes(frame: pd.DataFrame, model: Model, tmp_path: Path) -> None:
    shuffled = frame.sample(frac=1, random_state=3)
    with connect(threads=1) as connection:
        connection.register("frame", shuffled)
        connection.execute(LOAD)
        again = train(connection, "forms", PERSONS)
    homes = [save(m, tmp_path / str(i)) for i, m in enumerate((model, again))]
    assert homes[0].name == homes[1].name
    for name in ("model.json", *(f"{table}.parquet" for table in TABLES)):
        assert (homes[0] / name).read_bytes() == (homes[1] / name).read_bytes()


def test_a_model_comes_back_as_it_was_saved(model: Model, tmp_path: Path) -> None:
    found = load(save(model, tmp_path))
    assert found == model and found.tf.equals(model.tf) and found.skipped.equals(model.skipped)
    assert save(model, tmp_path) == tmp_path / model.digest
    assert json.dumps(settings(found)) == json.dumps(settings(model))


@pytest.mark.parametrize("harm", ["prior", "cut", "version"])
def test_a_changed_model_is_refused(model: Model, tmp_path: Path, harm: str) -> None:
    home = save(model, tmp_path)
    text = (home / "model.json").read_text(encoding="utf-8")
    old = text.replace(f'"format": {FORMAT}', '"format": 0')
    changed = {"prior": text.replace('"prior": ', '"prior": 1'), "cut": text[:99], "version": old}
    (home / "model.json").write_text(changed[harm], encoding="utf-8")
    with pytest.raises(DataError):
        load(home)


def test_no_value_of_a_person_is_in_the_model(frame: pd.DataFrame, model: Model) -> None:
    kept = set(model.tf["value"].to_pylist()) | set(model.skipped["key"].to_pylist())
    assert kept and all(len(value) == 16 and set(value) <= set("0123456789abcdef") for value in kept)
    values = pd.concat([frame[c] for c in ("name", "phone", "id_number", "account")]).dropna()
    assert not any(value in model.figures for value in values.sample(200, random_state=1))


def test_figures_are_shares_within_limits(model: Model) -> None:
    for comparison in PERSONS.comparisons:
        assert sum(model.m[comparison.name]) == pytest.approx(1, abs=1e-3)
        assert sum(model.u[comparison.name]) == pytest.approx(1, abs=1e-3)
        assert all(0 < x < 1 for x in model.m[comparison.name])
    assert 0 < model.prior < 0.01


def test_pairs_scored_in_parts_are_those_scored_at_once(
    con: duckdb.DuckDBPyConnection, model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = link_all(con, model, "forms").pairs
    monkeypatch.setattr(linking, "PART", 50)
    assert whole.num_rows > 200
    assert link_all(con, model, "forms").pairs.equals(whole)


def test_large_keys_are_left_out_and_reported(con: duckdb.DuckDBPyConnection) -> None:
    small = replace(PERSONS, largest=2, rules=tuple(r for r in PERSONS.rules if r.name in ("sound, household", "id number")))
    blocks = block(con, "forms", small)
    sizes = con.sql("SELECT kind, sound, household, count(*) AS size FROM forms WHERE household IS NOT NULL GROUP BY ALL").df()
    assert sorted(blocks.skipped["size"].to_pylist()) == sorted(sizes[sizes["size"] > 2]["size"].tolist())
    again = block(con, "forms", small, blocks.skipped)
    assert again.skipped.equals(blocks.skipped)


def test_a_key_that_explodes_is_left_out_tonight(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    con.execute(
        "CREATE OR REPLACE TABLE crowd AS SELECT * REPLACE ('crowd' || i AS party_id, 900000 + i AS n, 'X' AS account, '王' AS name, "
        "NULL AS id_number, NULL AS phone, NULL AS household, 'Y' || i AS sound) "
        "FROM (SELECT * FROM forms WHERE birth_date IS NOT NULL ORDER BY n LIMIT 1), range(900) t(i)"
    )
    con.execute("CREATE OR REPLACE TEMP VIEW tonight AS SELECT * FROM forms UNION ALL BY NAME SELECT * FROM crowd")
    links = link_some(con, replace(model, design=replace(PERSONS, largest=50)), "tonight", Few("crowd", numbers(con, "tonight", PERSONS)))
    left = grown(model, links).to_pylist()
    assert {"account, year of birth", "name, birth date"} <= {row["rule"] for row in left}
    assert links.pairs.num_rows == 0


@pytest.mark.parametrize("seed", range(6))
def test_a_night_finds_what_a_full_run_finds(con: duckdb.DuckDBPyConnection, frame: pd.DataFrame, model: Model, seed: int) -> None:
    picked = frame.sample(frac=(0.01, 0.1, 0.3, 0.5, 0.9, 1.0)[seed], random_state=seed)[["n"]]
    con.register("picked", picked)
    con.execute("CREATE OR REPLACE TABLE known AS SELECT * FROM forms ANTI JOIN picked USING (n)")
    full = link_all(con, model, "forms").pairs
    old, tonight = link_all(con, model, "known").pairs, link_some(con, model, "forms", Few("picked", numbers(con, "forms", PERSONS))).pairs
    union = pd.concat([old.to_pandas(), tonight.to_pandas()]).sort_values(["party_l", "party_r"], ignore_index=True)
    pd.testing.assert_frame_equal(union, full.to_pandas(), check_dtype=False)


def row(n: int, **facts: Any) -> dict[str, Any]:
    given = {"kind": "person", "name": f"赵甲{n}", "id_type": "resident", "birth_date": pd.Timestamp("1980-03-12"), "gender": "M"}
    columns = ("id_number", "phone", "account", "device_id", "licence_no", "household_id", "address")
    return {"party_id": f"t:{n}", "insurer": "t", **dict.fromkeys(columns), **given, **facts}


def accepted(model: Model, *rows: dict[str, Any]) -> list[dict[str, Any]]:
    """Pairs of hand-made parties under the model."""
    table = pd.DataFrame(list(rows))
    texts = [c for c in table if c != "birth_date"]
    frame = people(table.astype(dict.fromkeys(texts, "str")).where(table.notna()))
    with connect() as connection:
        connection.register("frame", frame)
        connection.execute(LOAD)
        return list(link_all(connection, model, "forms").pairs.to_pylist())


FAMILY: dict[str, Any] = {"phone": "13900001111", "household_id": "H1", "address": HOME, "account": "6200000000000001"}


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ({"name": "李明华", "id_number": IDS[0]}, True),
        ({"name": "李明化", "id_number": IDS[0], "phone": "13700000000"}, True),
        ({"name": "李明华", "id_number": "110101198003120070"}, True),
        ({"name": "李明华", **FAMILY}, True),
        ({"name": "李明芳", "id_number": IDS[1], **FAMILY}, False),
        ({"name": "李明芳", **FAMILY}, False),
        ({"name": "李国强", "birth_date": pd.Timestamp("1955-07-01"), **FAMILY}, False),
        ({"name": "王秀英", "birth_date": pd.Timestamp("1981-09-30"), "gender": "F", **FAMILY}, False),
    ],
    ids=["same id", "sound and id", "id mistyped", "no id", "twin", "twin without id", "father", "wife"],
)
def test_who_is_one_person(model: Model, other: dict[str, Any], same: bool) -> None:
    pairs = accepted(model, row(1, name="李明华", id_number=IDS[0], **FAMILY), row(2, **other))
    assert bool(pairs) == same


def test_every_pair_says_why(model: Model) -> None:
    (pair,) = accepted(model, row(1, name="李明华", id_number=IDS[0], **FAMILY), row(2, name="李明华", id_number=IDS[0]))
    steps = {name: (label, bits) for name, label, bits in waterfall(model, pair)}
    assert steps["name"][0] == "same name" and steps["id_number"][0] == "same id number" and "phone" not in steps
    assert min(bits for _, bits in steps.values()) > 0
    total = sum(bits for _, bits in steps.values()) + training.np.log2(model.prior / (1 - model.prior))
    assert pair["weight"] == pytest.approx(total, abs=0.01)


def test_clusters_of_the_book_are_named_by_party_ids(con: duckdb.DuckDBPyConnection, model: Model) -> None:
    nodes = con.sql("SELECT party_id, id_number, birth_date FROM forms").to_arrow_table()
    found = clusters(link_all(con, model, "forms").pairs, nodes, threshold=model.threshold).to_pandas()
    assert found["party_id"].is_unique and (found["cluster"] <= found["party_id"]).all()


@pytest.mark.parametrize(
    ("one", "other", "level"),
    [
        ("欧阳听雪", "欧阳听月", 2),
        ("王小明", "王晓敏", 2),
        ("司马伟青", "司马维青", 1),
        ("王小明", "王大勇", 3),
        ("Alima Tursun", "Alima Turson", 2),
    ],
)
def test_one_syllable_apart_is_one_character_apart(
    con: duckdb.DuckDBPyConnection, frame: pd.DataFrame, model: Model, one: str, other: str, level: int
) -> None:
    # Syllables are written in three bytes each, and the engine's edit distance counts bytes.
    pair = frame.head(2).assign(n=[0, 1], name=[one, other], sound=[sounds(one), sounds(other)])
    con.register("pair", pair)
    con.execute("CREATE OR REPLACE TABLE pair_forms AS SELECT * REPLACE (birth_date::DATE AS birth_date) FROM pair")
    assert compare(con, model, "pair_forms")["level_name"] == level
