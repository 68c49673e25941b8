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

from pipelines.resolve import normalise
from pipelines.resolve.addresses import parse
from pipelines.resolve.clusters import clusters
from pipelines.resolve.designs import ORGANISATIONS, PERSONS
from pipelines.resolve.forms import ADDRESS, NATURAL
from pipelines.resolve.linking import Links, connect, link_forms
from pipelines.resolve.model import Design, Model


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


def forms(parties: pd.DataFrame, natural: bool) -> pd.DataFrame:
    """Parties as they are compared."""
    parties = parties[parties["kind"].isin(NATURAL) == natural].reset_index(drop=True)
    named = normalise.person_names(parties["name"]) if natural else normalise.organisation_names(parties["name"])
    ids = normalise.resident_ids(parties["id_number"]) if natural else normalise.credit_codes(parties["id_number"])
    number = ids.iloc[:, 0]
    valid = ids["problem"].isna() if "problem" in ids else number.notna()
    addresses = parse(parties["address"]).add_prefix("address_")[[f"address_{c}" for c in ADDRESS]]
    address_text = parties["address"].where(parties["address"].notna(), None)
    birth = pd.to_datetime(parties["birth_date"])
    frame = pd.DataFrame({
        "party_id": parties["party_id"], "kind": parties["kind"], "insurer": parties["insurer"], "n": range(len(parties)),
        "name": named["name" if natural else "core"], "sound": named["sound"] if natural else None,
        "id_number": number.where(valid), "id_seen": number.where(~valid),
        "birth_date": birth, "gender": parties["gender"], "phone": normalise.phones(parties["phone"])["number"],
        "account": parties["account"], "device": parties["device_id"].astype("str").where(parties["device_id"].notna()),
        "licence": parties["licence_no"], "household": parties["household_id"], "employer": None, "address": address_text,
    })  # fmt: skip
    frame = frame.astype(dict.fromkeys(("sound", "device", "employer"), "str"))
    for column in ("road", "number"):
        addresses[f"address_{column}"] = addresses[f"address_{column}"].astype("str")
    return pd.concat([frame, addresses], axis=1)


def link(frame: pd.DataFrame, design: Design) -> tuple[Model, Links, pd.Series, float]:
    """Link and cluster forms; cluster by party id, and seconds."""
    start = time.perf_counter()
    with connect() as connection:
        connection.execute("CREATE TABLE forms AS SELECT * REPLACE (birth_date::DATE AS birth_date) FROM frame")
        model, links = link_forms(connection, "forms", design)
        nodes = connection.sql("SELECT party_id, id_number, birth_date FROM forms").to_arrow_table()
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
        for natural, design in ((True, PERSONS), (False, ORGANISATIONS)):
            model, links, found, seconds = link(forms(book, natural), design)
            result = {"book": Path(folder).name, "natural": natural, **figures(found, person), "accepted": links.pairs.num_rows}
            print(json.dumps({**result, "skipped": links.skipped.num_rows, "seconds": round(seconds, 1), "model": model.digest}))
