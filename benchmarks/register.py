"""A register of person records as insurers keep them, at any size, with its truth: what `benchmarks.linking` links.

Distinct people in households, from the simulator and with its published error rates (``identities.ERROR_RATES``), but for two things:
characters of given names are as unequally frequent as in life, and a person has records at one to four insurers whatever he claims.
Everything is vectorised; nothing is copied from a smaller book. The files hold what the night has after its gate: tokens, and a vault.

Usage: ``python -m benchmarks.register RECORDS SEED FOLDER``
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from pipelines.resolve import normalise
from pipelines.simulate import INSURERS, identities, names, people, world
from pipelines.simulate.book import BookBuilder

AT_INSURERS = (0.5, 0.27, 0.15, 0.08)
"""Shares of people with records at one, two, three and four insurers."""
PER_PERSON = sum(n * share for n, share in enumerate(AT_INSURERS, 1))
AGENTS, AGENT_PHONE = 3000, 0.01
"""Phones of agents, and the share of records that have one of them instead of the customer's."""
FLATTEN = 15.0
"""The k-th given-name character is drawn as 1 / (k + this): the first is 2.4 in a hundred, as the most used ones are."""
KINDS = {"name": "name", "id_number": "spelt", "address": "address"}
"""Column with a vault entry → what its token is made of."""


def make(records: int, seed: int, folder: Path) -> int:
    """Write ``parties.parquet``, ``vault.parquet`` and ``truth.parquet``.

    Parameters
    ----------
    records : int
        About how many.
    seed : int
        Same seed and size, same rows.
    folder : Path
        Made if missing. ``parties`` is sorted by insurer and party id; ``truth`` has party_id, person, household.

    Returns
    -------
    int
        Records written. Cost: linear; one insurer's records in memory at a time.
    """
    folder.mkdir(parents=True, exist_ok=True)
    book = _people(round(records / PER_PERSON), seed)
    _recorded(book)
    parts = [_insurer(book, index, folder / f"part{index}.parquet") for index in range(len(INSURERS))]
    with duckdb.connect(config={"memory_limit": "3GB", "threads": 2, "temp_directory": str(folder / "spill")}) as connection:
        return _written(connection, parts, folder)


def _people(persons: int, seed: int) -> BookBuilder:
    book = BookBuilder(seed, round(persons / people.PERSONS_PER_CLAIM), INSURERS)
    world.build(book)
    people.populate(book)
    who = book.of_kind("person")
    rng, codes = book.rng("given"), book.actors["name"]
    codes[who] = names.surname_of(codes[who]) * 1_000_000 + _given(rng, len(who)) * 1000
    codes[who] += np.where(rng.random(len(who)) < 0.18, 0, _given(rng, len(who)))
    return book


def _given(rng: np.random.Generator, n: int) -> NDArray[Any]:
    share = 1 / (np.arange(len(names.GIVEN) - 1) + FLATTEN)
    return rng.choice(len(share), n, p=share / share.sum()) + 1


def _recorded(book: BookBuilder) -> None:
    """Records of every person at some insurers, large ones more often; some with the phone of an agent."""
    rng, who = book.rng("register"), book.of_kind("person")
    number = rng.choice(len(AT_INSURERS), len(who), p=AT_INSURERS) + 1
    taste = np.log(1 / (np.arange(len(INSURERS)) + 1.5)) + rng.gumbel(size=(len(who), len(INSURERS)))
    chosen, phones = np.argsort(-taste, axis=1), book.new_numbers("phone", AGENTS)
    for place in range(len(AT_INSURERS)):
        here = number > place
        ids = book.party(who[here], chosen[here, place])
        sold = rng.random(len(ids)) < AGENT_PHONE
        book.override(ids[sold], phone=phones[(rng.pareto(1.0, int(sold.sum())) * 20).astype(int) % AGENTS])


def _insurer(book: BookBuilder, index: int, path: Path) -> Path:
    """One insurer's records as it wrote them, what the gate reads from their ids, and who they are."""
    found = identities.records(book, index)
    actor = book.parties.rows[index]["thing"]
    said = normalise.resident_ids(found["id_number"].combine_chunks())
    kept = ("name", "id_number", "birth_date", "gender", "phone", "address", "account", "household_id")
    ids = pa.array(pd.Series(found["party_id"].to_pandas()).astype("str"))
    columns = {name: found[name] for name in kept} | {"party_id": ids, "insurer": pa.array([INSURERS[index]] * len(ids))}
    columns |= {"spelt": said["id_number"], "id_problem": said["problem"], "id_birth_date": said["birth_date"], "id_gender": said["gender"]}
    columns |= {"person": actor, "home": book.actors["household"][actor], "district": found["district"]}
    pq.write_table(pa.table(columns), path)
    return path


def _written(connection: duckdb.DuckDBPyConnection, parts: list[Path], folder: Path) -> int:
    listed = ", ".join(f"'{part}'" for part in parts)
    connection.execute(
        "CREATE TABLE rows AS SELECT *, row_number() OVER (ORDER BY insurer, party_id) - 1 AS n, "
        f"insurer || ':' || party_id AS party FROM read_parquet([{listed}])"
    )
    tokens = {name: f"substr(sha256('{name}' || {of}), 1, 24)" for name, of in KINDS.items()}
    equal = ", ".join(f"substr(sha256('{name}' || {name}), 1, 24) AS {name}" for name in ("phone", "account"))
    shown = ", ".join(f"{token} AS {name}" for name, token in tokens.items())
    selected = {
        "parties": f"SELECT party AS party_id, insurer, n, 'person' AS kind, {shown}, id_problem, birth_date, id_birth_date::DATE AS "
        f"id_birth_date, gender, id_gender, {equal}, NULL::VARCHAR AS device_id, NULL::VARCHAR AS licence_no, household_id, home "
        "FROM rows ORDER BY n",
        "vault": " UNION ALL ".join(
            f"SELECT {token} AS token, 'parties.{name}' AS \"column\", min({name}) AS value FROM rows WHERE {name} IS NOT NULL GROUP BY ALL"
            for name, token in tokens.items()
        ),
        "truth": "SELECT party AS party_id, person, home FROM rows ORDER BY n",
        "plain": "SELECT n, party AS party_id, left(name, 1) AS surname, substr(name, 2) AS given_name, id_number, "
        "birth_date::VARCHAR AS date_of_birth, phone, district, home FROM rows ORDER BY n",
    }
    for name, query in selected.items():
        connection.execute(f"COPY ({query}) TO '{folder / name}.parquet' (FORMAT parquet)")
    for part in parts:
        part.unlink()
    return int(connection.execute("SELECT count(*) FROM rows").fetchall()[0][0])


if __name__ == "__main__":
    print(make(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])))
