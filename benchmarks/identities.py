"""How well records are linked: simulated books whose true persons are known.

Usage: ``python -m benchmarks.identities FOLDER...`` with books of ``fraudleads simulate``
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd

from pipelines.ids import digest
from pipelines.resolve import normalise, premises
from pipelines.resolve.addresses import parse
from pipelines.resolve.clusters import clusters
from pipelines.resolve.compare import COLUMNS
from pipelines.resolve.designs import ORGANISATIONS, PERSONS
from pipelines.resolve.forms import NATURAL
from pipelines.resolve.linking import Links, connect, link_forms
from pipelines.resolve.model import Model


def records(book: Path) -> pd.DataFrame:
    """The latest record of every party of a book, with its true person."""
    with duckdb.connect() as connection:
        found: pd.DataFrame = connection.execute(
            f"""WITH found AS (
                SELECT *, regexp_extract(filename, 'deliveries/([^/]+)/', 1) AS insurer,
                    regexp_extract(filename, '([0-9-]+)/parties', 1) AS day
                FROM read_parquet('{book}/deliveries/*/*/parties.parquet', union_by_name = true, filename = true)
            ), latest AS (
                SELECT * REPLACE (insurer || ':' || party_id AS party_id),
                    row_number() OVER (PARTITION BY insurer, party_id ORDER BY day DESC) AS age
                FROM found
            )
            SELECT l.*, t.person FROM latest l JOIN read_csv('{book}/truth/identity.csv', all_varchar = true) t USING (party_id)
            WHERE age = 1 ORDER BY party_id"""
        ).df()
    return found


GAPS = {"id_number": 0.5, "licence_no": 0.6, "phone": 0.4, "address": 0.6, "account": 0.7, "district": 0.1}
"""Share of organisations' records without a value, by column, in the spoilt case."""
STYLES = ("{}", "重庆市{}", "{}（本部）", "{}住院部", "重庆{}", "{}")
"""How a name is written; the last also loses its legal form."""


def spoilt(parties: pd.DataFrame) -> pd.DataFrame:
    """Organisations as insurers might write them, since simulated ones have one spelling and no gaps: ``STYLES`` and ``GAPS``.

    Always the same, by digests of the party ids.
    """
    bodies = parties[~parties["kind"].isin(NATURAL)].reset_index(drop=True)
    style = _drawn(bodies["party_id"], "name").mul(len(STYLES)).astype("int64")
    style = style.mask((style == STYLES.index("{}住院部")) & (bodies["kind"] != "hospital"), 0)
    short = bodies["name"].str.replace("有限公司|厂$", "", regex=True).where(style == len(STYLES) - 1, bodies["name"])
    bodies["name"] = [STYLES[i].format(name) for i, name in zip(style, short, strict=True)]
    return bodies.assign(**{c: bodies[c].mask(_drawn(bodies["party_id"], c) < share) for c, share in GAPS.items()})


def _drawn(ids: pd.Series, what: str) -> pd.Series:
    """A number in [0, 1) for every id."""
    return ids.map(lambda i: int(digest(i, what)[:8], 16) / 16**8)


def forms(connection: duckdb.DuckDBPyConnection, parties: pd.DataFrame, natural: bool) -> str:
    """Name of the table of forms: raw values stand for their own tokens."""
    if natural:
        frame = people(parties)
        connection.register("frame", frame)
        connection.execute("CREATE TABLE forms AS SELECT * REPLACE (birth_date::DATE AS birth_date) FROM frame")
        return "forms"
    raw = parties[~parties["kind"].isin(NATURAL)].assign(n=range((~parties["kind"].isin(NATURAL)).sum()))
    columns = ("name", "id_number", "address")
    vault = pd.concat([pd.DataFrame({"token": raw[c], "column": f"parties.{c}", "value": raw[c]}) for c in columns])
    connection.register("raw", raw.astype(dict.fromkeys(columns, "str")))
    connection.register("raw_vault", vault.dropna().drop_duplicates().astype("str"))
    return premises.written(connection, "raw", "SELECT * FROM raw_vault")


def people(parties: pd.DataFrame) -> pd.DataFrame:
    """Natural persons as they are compared."""
    parties = parties[parties["kind"].isin(NATURAL)].reset_index(drop=True)
    named, ids = normalise.person_names(parties["name"]), normalise.resident_ids(parties["id_number"])
    number, valid = ids["id_number"], ids["problem"].isna()
    addresses = parse(parties["address"]).add_prefix("address_")[[f"address_{c}" for c in COLUMNS]]
    frame = pd.DataFrame({
        "party_id": parties["party_id"], "kind": parties["kind"], "insurer": parties["insurer"], "n": range(len(parties)),
        "name": named["name"], "sound": named["sound"], "id_number": number.where(valid), "id_seen": number.where(~valid),
        "birth_date": pd.to_datetime(parties["birth_date"]), "gender": parties["gender"],
        "phone": normalise.phones(parties["phone"])["number"], "account": parties["account"],
        "device": parties["device_id"].astype("str").where(parties["device_id"].notna()), "licence": parties["licence_no"],
        "household": parties["household_id"], "employer": None, "address": parties["address"].where(parties["address"].notna(), None),
    })  # fmt: skip
    frame = frame.astype(dict.fromkeys(("sound", "device", "employer"), "str"))
    for column in ("road", "number"):
        addresses[f"address_{column}"] = addresses[f"address_{column}"].astype("str")
    return pd.concat([frame, addresses], axis=1)


def link(parties: pd.DataFrame, natural: bool) -> tuple[Model, Links, pd.Series, float]:
    """Link and cluster records; cluster by party id, and seconds."""
    start = time.perf_counter()
    marks = "id_number, birth_date" if natural else "id_number, licence"
    with connect() as connection:
        table = forms(connection, parties, natural)
        model, links = link_forms(connection, table, PERSONS if natural else ORGANISATIONS)
        nodes = connection.sql(f"SELECT party_id, {marks} FROM {table}").to_arrow_table()
    found = clusters(links.pairs, nodes, threshold=model.threshold).to_pandas().set_index("party_id")["cluster"]
    return model, links, found, time.perf_counter() - start


def figures(found: pd.Series, person: pd.Series) -> dict[str, Any]:
    """Pairwise precision and recall of clusters, and how many mix two persons, and more than two."""
    table = pd.DataFrame({"cluster": found, "person": person.reindex(found.index)})
    right, made, true = (pairs(table.groupby(by).size()) for by in (["cluster", "person"], "cluster", "person"))
    mixed = table.groupby("cluster")["person"].nunique()
    return {
        "records": len(table), "pairs": true, "precision": round(right / max(made, 1), 4), "recall": round(right / max(true, 1), 4),
        "mixed": int((mixed > 1).sum()), "mixed_more": int((mixed > 2).sum()),
    }  # fmt: skip


def pairs(sizes: pd.Series) -> int:
    """Pairs within groups of these sizes."""
    return int((sizes * (sizes - 1) // 2).sum())


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        book = records(Path(folder))
        person = book.set_index("party_id")["person"]
        for case, natural, table in (("persons", True, book), ("organisations", False, book), ("spoilt", False, spoilt(book))):
            model, links, found, seconds = link(table, natural)
            result = {"book": Path(folder).name, "case": case, **figures(found, person), "accepted": links.pairs.num_rows}
            print(json.dumps({**result, "skipped": links.skipped.num_rows, "seconds": round(seconds, 1), "model": model.digest}))
