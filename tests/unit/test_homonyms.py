"""Two people of one name, of whom nothing else is known, are two: what a source's own ids keep apart no name joins."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from pipelines import config, sources
from pipelines.engine.duckdb import DuckEngine
from pipelines.resolve import forms
from pipelines.resolve.clusters import clusters
from pipelines.resolve.designs import PERSONS
from pipelines.resolve.linking import connect, link_forms
from pipelines.sources import read

IFRAUD = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "ifraud"
LESS = ("id_number", "id_problem", "birth_date", "id_birth_date", "id_gender", "address", *forms.EQUAL.values())
"""Columns of parties of which nothing is known."""


def resolved(parties: pd.DataFrame) -> pd.DataFrame:
    """The parties (party_id, name, gender) with the cluster that the night's own steps put them in: spelt, trained on, linked."""
    people = parties.assign(n=range(len(parties)), kind="person", insurer="one", token="t" + parties["name"])
    vault = people[["token"]].assign(column="parties.name", value=people["name"]).drop_duplicates()
    known = people.assign(name=people["token"]).drop(columns="token")
    nothing = ", ".join(f"NULL::{'DATE' if c.endswith('date') else 'VARCHAR'} AS {c}" for c in LESS)
    with connect() as connection:
        connection.register("people", known)
        connection.register("values", vault)
        table = forms.written(connection, f"(SELECT *, {nothing} FROM people)", "SELECT * FROM values")
        model, links = link_forms(connection, table, PERSONS)
        nodes = connection.sql(f"SELECT party_id, id_number, birth_date FROM {table}").to_arrow_table()
    found = clusters(links.pairs, nodes, threshold=model.threshold).to_pandas()
    return parties.merge(found, on="party_id")


def test_people_known_by_name_alone_stay_apart() -> None:
    rng = np.random.default_rng(5)
    surname, given = (rng.choice(list(characters), 600) for characters in ("王李张刘陈欧", "伟芳娜敏静丽强磊"))
    parties = pd.DataFrame({"party_id": [f"one:{i:03d}" for i in range(600)], "name": np.strings.add(surname, given)})
    found = resolved(parties.assign(gender=rng.choice(["M", "F", None], 600)))
    assert found["name"].value_counts().iloc[0] > 10
    assert found["cluster"].tolist() == found["party_id"].tolist()


@pytest.mark.skipif(not IFRAUD.is_dir(), reason="the outside data set ifraud (../shared/data) is not here")
def test_homonyms_of_ifraud_are_as_many_as_its_ids_say(tmp_path: Path) -> None:
    policies = pd.read_csv(IFRAUD / "policies.csv", dtype=str)
    namesakes = policies.groupby("Policyholder")["IDPH"].unique()
    namesakes = namesakes[namesakes.map(len) > 1]
    found = resolved(_ifraud(tmp_path))
    by_party = found.set_index("party_id")["cluster"]
    assert len(namesakes) > 0
    assert all(by_party[[f"holder-{i}" for i in ids]].nunique() == len(ids) for ids in namesakes)
    assert found["cluster"].tolist() == found["party_id"].tolist()
    others = pd.read_csv(IFRAUD / "claim_party_edges.csv").query("party_type == 'Person'")["Party"]
    assert len(found) == policies["IDPH"].nunique() + others.nunique()


def _ifraud(spill: Path) -> pd.DataFrame:
    """Its natural persons, as the shipped mapping reads them."""
    engine = DuckEngine(config.Engine(), spill)
    mapping = sources.load("ifraud")
    (delivery,) = [d for d in read.deliveries(mapping, IFRAUD) if d.table == "parties"]
    parties: pd.DataFrame = read.text(engine, mapping, delivery).to_pandas()
    engine.close()
    return parties[parties["kind"] == "person"][["party_id", "name", "gender"]].sort_values("party_id").reset_index(drop=True)
