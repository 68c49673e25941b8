"""The mapping language: what is understood, and what each mistake is told as."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from features import schema
from pipelines import config, sources
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.sources import check, find, parse, read

TOP = "source: acme\ninsurer: {constant: acme}\ntables:\n"
Rows = list[dict[str, Any]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    made = DuckEngine(config.Engine(), tmp_path / "spill")
    yield made
    made.close()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "in").mkdir()
    return tmp_path / "in"


def table(engine: DuckEngine, folder: Path, mapping: str, name: str) -> Rows:
    parsed = parse.parse(TOP + mapping, "acme.yaml")
    (delivery,) = [d for d in read.deliveries(parsed, folder) if d.table == name]
    rows = read.text(engine, parsed, delivery).to_pyarrow().to_pylist()
    return sorted(rows, key=lambda r: (r["source_row"], str([r[c] for c in schema.tables()[name].key])))


MISTAKES = {
    "unknown key": ("source: a\ninsurer: {constant: a}\ntabels: {}\n", "unknown key 'tabels'", "key 'tabels'", "did you mean 'tables'?"),
    "unknown table": (TOP + "  claim: []\n", "unknown table 'claim'", "key 'tables.claim'", "did you mean 'claims'?"),
    "unknown column": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: A, event_att: B}\n",
        "unknown column of claims 'event_att'", "key 'tables.claims[0].columns.event_att'", "did you mean 'event_at'?",
    ),
    "derived column": (
        TOP + "  parties:\n    - from: c.csv\n      columns: {party_id: A, id_region: B}\n",
        "unknown column of parties 'id_region'", "key 'tables.parties[0].columns.id_region'", "did you mean",
    ),
    "unknown cell key": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: {column: A, formt: x}}\n",
        "unknown key 'formt'", "key 'tables.claims[0].columns.claim_id.formt'", "did you mean 'format'?",
    ),
    "no key column": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {event_at: B}\n",
        "'claims.claim_id' is needed in every row, and nothing gives it", "key 'tables.claims[0]'", "add 'claim_id: COLUMN'",
    ),
    "no key column in an entry": (
        TOP + "  claim_roles:\n    - from: c.csv\n      columns: {claim_id: B}\n      rows: [{party_id: A}]\n",
        "'claim_roles.role' is needed in every row", "key 'tables.claim_roles[0]'", "add 'role: COLUMN'",
    ),
    "two origins": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: {column: A, constant: B}}\n",
        "a cell needs exactly one of column, constant, concat", "claim_id'", "write {column: NAME}",
    ),
    "facts elsewhere": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: A}\n      numbers: [B]\n",
        "'numbers' is for the table facts alone", "key 'tables.claims[0].numbers'", "use 'columns'",
    ),
    "no insurer": ("source: a\ntables: {}\n", "the mapping has no 'insurer'", "key 'insurer'", "add 'insurer:'"),
    "bad mode": (TOP.replace("tables:", "mode: deltas\ntables: {}"), "unknown mode 'deltas'", "key 'mode'", "did you mean 'delta'?"),
    "bad date": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: A, event_at: {column: B, years_since: soon}}\n",
        "a date is expected here", "event_at.years_since'", "write 2000-01-01",
    ),
    "bad unit": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: A, reserve: {column: B, unit: many}}\n",
        "a number is expected here", "reserve.unit'", "write 100",
    ),
    "bad format": (
        TOP + '  claims:\n    - from: c.csv\n      columns: {claim_id: A, event_at: {column: B, format: "%d.%q"}}\n',
        "unknown date part '%q'", "event_at.format'", "did you mean",
    ),
    "bad delimiter": (
        TOP + '  claims:\n    - from: c.csv\n      delimiter: "||"\n      columns: {claim_id: A}\n',
        "a delimiter is one character", "key 'tables.claims[0].delimiter'", "auto",
    ),
    "bad path part": (
        "source: a\ninsurer: {path: folder}\ntables: {}\n", "unknown path part 'folder'", "key 'insurer.path'", "did you mean",
    ),
    "bad placeholder": (
        TOP + '  claims:\n    - from: "{insured}/c.csv"\n      columns: {claim_id: A}\n',
        "unknown path part 'insured'", "key 'tables.claims[0].from'", "did you mean 'insurer'?",
    ),
    "bad receipt": (TOP.replace("tables:", "received_at: {constant: soon}\ntables: {}"), "not a time", "key 'received_at'", "2024-01-31"),
    "database without name": (
        TOP + "  claims:\n    - from: {table: losses}\n      columns: {claim_id: A}\n",
        "a block reads a database table, and no database is named", "key 'database'", "environment variable",
    ),
    "a list where a mapping belongs": (TOP + "  - claims\n", "a mapping (name: value) is expected here", "key 'tables'", "indent"),
    "a key twice": (TOP + "  claims: []\n  claims: []\n", "key 'claims' is there twice", "line", "mend that line"),
    "an empty cell": (
        TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: }\n",
        "the cell names no column", "claim_id'", "leave the key out",
    ),
    "no YAML": ("source: [a\n", "not valid YAML", "line", "mend that line"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_file_key_and_nearest_name(mistake: str) -> None:
    text, what, where, then = MISTAKES[mistake]
    with pytest.raises(DataError) as told:
        parse.parse(text, "acme.yaml")
    assert what in told.value.what
    assert "acme.yaml" in told.value.where
    assert where in told.value.where
    assert then in told.value.then


@pytest.mark.parametrize("name", sources.SOURCES)
def test_every_shipped_mapping_is_valid_and_named_as_its_file(name: str) -> None:
    mapping = sources.load(name)
    assert mapping.name == name
    assert mapping.blocks


def test_the_book_maps_every_contract_table() -> None:
    assert set(sources.load("book").tables) == set(schema.tables())


def test_unknown_sources_are_told() -> None:
    with pytest.raises(DataError, match="unknown source 'acme'"):
        sources.load("acme")
    with pytest.raises(DataError, match="the mapping does not exist"):
        sources.load("acme.yaml")


def test_renames_units_value_maps_and_constants(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text('NO,FEN,ST,WAN\nC1,12345,P,"1,5"\nC2,abc,X,2\nC3,,,3\n', encoding="utf-8")
    rows = table(engine, folder, """
  claims:
    - from: c.csv
      columns:
        claim_id: {column: NO, prefix: "a-"}
        claimed_amount: {column: FEN, unit: 0.01}
        reserve: {column: WAN, unit: 10000, decimal: ","}
        status: {column: ST, values: {P: paid}}
        district: {column: ST, values: {P: "500101"}, otherwise: other}
        event_no: {constant: E1}
""", "claims")  # fmt: skip
    assert [r["claim_id"] for r in rows] == ["a-C1", "a-C2", "a-C3"]
    assert [r["claimed_amount"] for r in rows] == ["123.450000", "abc", None]
    assert [float(r["reserve"]) for r in rows] == [15000.0, 20000.0, 30000.0]
    assert [r["status"] for r in rows] == ["paid", "X", None]
    assert [r["district"] for r in rows] == ["500101", "other", "other"]
    assert {r["event_no"] for r in rows} == {"E1"}


def test_dates_of_every_kind(engine: DuckEngine, folder: Path) -> None:
    cells = [
        ["05/02/2024 7:30", "2024年2月5日", "24-02-05", "5-Feb-2024", "202402", "1.5"],
        ["", "nonsense", "70-01-01", "5-Fob-2024", "999912", "x"],
    ]
    (folder / "c.csv").write_text("NO,A,B,C,D,E,F\n" + "".join(f"C{i},{','.join(c)}\n" for i, c in enumerate(cells)), encoding="utf-8")
    rows = table(engine, folder, """
  claims:
    - from: c.csv
      columns:
        claim_id: NO
        event_at: {column: A, format: "%d/%m/%Y %H:%M"}
        reported_at: {column: B, format: ["%d/%m/%Y", "%Y年%m月%d日"]}
        admitted_on: {column: C, format: "%y-%m-%d"}
        discharged_on: {column: D, format: "%d-%b-%Y"}
        closed_on: {column: E, values: {"999912": ""}, format: "%Y%m"}
  surveys:
    - from: c.csv
      columns: {claim_id: NO, at: {column: F, years_since: 2020-01-01}}
  policies:
    - from: c.csv
      columns: {policy_id: NO, starts_on: {column: F, years_before: 2020-01-01}}
""", "claims")  # fmt: skip
    days = [[r[n] for n in ("event_at", "reported_at", "admitted_on", "discharged_on", "closed_on")] for r in rows]
    assert days[0] == ["2024-02-05 07:30:00", "2024-02-05", "2024-02-05", "2024-02-05", "2024-02-01"]
    assert days[1] == [None, "nonsense", "1970-01-01", "5-Fob-2024", None]


def test_years_count_from_a_moment(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text("NO,F\nC0,0\nC1,1.5\nC2,x\n", encoding="utf-8")
    rows = table(engine, folder, """
  policies:
    - from: c.csv
      columns: {policy_id: NO, starts_on: {column: F, years_since: 2020-01-01}, ends_on: {column: F, years_before: 2020-01-01}}
""", "policies")  # fmt: skip
    assert [(r["starts_on"], r["ends_on"]) for r in rows] == [("2020-01-01", "2020-01-01"), ("2021-07-01", "2018-07-02"), ("x", "x")]


def test_one_row_to_several_roles_keys_of_parts_and_first_of_key(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text("NO,SEQ,DOC,GAR\nC1,1,D1,G1\nC1,1,D1,\nC2,,D2,G2\n", encoding="utf-8")
    mapping = """
  claim_roles:
    - from: c.csv
      columns: {claim_id: {concat: [NO, SEQ], sep: "/"}}
      rows:
        - {party_id: DOC, role: {constant: doctor}}
        - {party_id: GAR, role: {constant: garage}}
"""
    rows = table(engine, folder, mapping, "claim_roles")
    found = [(r["source_row"], r["claim_id"], r["party_id"], r["role"]) for r in rows]
    assert found == [
        (1, "C1/1", "D1", "doctor"), (1, "C1/1", "G1", "garage"), (2, "C1/1", "D1", "doctor"),
        (3, None, "D2", "doctor"), (3, None, "G2", "garage"),
    ]  # fmt: skip
    once = parse.parse(TOP.replace("tables", "distinct: [claim_roles]\ntables") + mapping, "acme.yaml")
    (delivery,) = read.deliveries(once, folder)
    kept = read.text(engine, once, delivery).to_pyarrow().to_pylist()
    assert sorted(r["source_row"] for r in kept if r["claim_id"]) == [1, 1]


def test_filters_and_empty_marks(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text("NO,KIND,P\nC1,a,NA\nC2,b,-\nC3,,7\nC4,a,8\n", encoding="utf-8")
    body = '  claims:\n    - from: c.csv\n      nulls: [NA, "-"]\n      %s\n      columns: {claim_id: NO, policy_id: P}\n'
    kept = table(engine, folder, body % 'where: {KIND: [a, ""]}', "claims")
    assert [(r["claim_id"], r["policy_id"], r["source_row"]) for r in kept] == [("C1", None, 1), ("C3", "7", 3), ("C4", "8", 4)]
    assert [r["claim_id"] for r in table(engine, folder, body % 'unless: {KIND: [a], P: [""]}', "claims")] == ["C3"]


def test_many_columns_become_facts(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text('NO,AGE,INC,JOB\nP1,30,"1,000",nurse\nP2,,2e3,\n', encoding="utf-8")
    rows = table(engine, folder, """
  facts:
    - from: c.csv
      columns: {subject_kind: {constant: person}, subject_id: NO, known_at: {constant: "2020-01-01"}}
      numbers: [AGE, {INC: income}]
      texts: [JOB]
""", "facts")  # fmt: skip
    found = [(r["subject_id"], r["name"], r["value"], r["text"], r["known_at"]) for r in rows]
    assert found == [
        ("P1", "AGE", "30", None, "2020-01-01"), ("P1", "JOB", None, "nurse", "2020-01-01"), ("P1", "income", "1000", None, "2020-01-01"),
        ("P2", "income", "2e3", None, "2020-01-01"),
    ]  # fmt: skip


def test_an_id_made_of_a_name_is_a_digest(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text("WHO\nLi Si\nLi Si\nWang Wu\n", encoding="utf-8")
    rows = table(
        engine, folder, "  parties:\n    - from: c.csv\n      columns: {party_id: {column: WHO, digest: true, prefix: p-}}\n", "parties"
    )
    ids = [r["party_id"] for r in rows]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(i) == 18 and "i S" not in i for i in ids)


PATHS = """
source: acme
insurer: {path: insurer}
received_at: {path: date, time: "21:00:00"}
mode: delta
required: [claims]
tables:
  claims: [{from: "{insurer}/{date}/claims.csv", columns: "*"}]
"""


def test_insurer_and_date_from_the_path(folder: Path) -> None:
    for place in ("B/2024-01-02", "A/2024-01-02", "A/2024-01-01", "A/notes"):
        (folder / place).mkdir(parents=True)
        (folder / place / "claims.csv").write_text("claim_id\nC1\n", encoding="utf-8")
    found = read.deliveries(parse.parse(PATHS, "acme.yaml"), folder)
    assert [(d.insurer, d.received_at) for d in found] == [
        ("A", datetime(2024, 1, 1, 21)), ("A", datetime(2024, 1, 2, 21)), ("B", datetime(2024, 1, 2, 21)),
    ]  # fmt: skip
    assert {(d.mode, d.receipted, d.required) for d in found} == {("delta", True, True)}
    assert len({d.digest for d in found}) == 3


def test_a_date_that_is_none_is_told(folder: Path) -> None:
    (folder / "A" / "2024-13-01").mkdir(parents=True)
    (folder / "A" / "2024-13-01" / "claims.csv").write_text("claim_id\nC1\n", encoding="utf-8")
    with pytest.raises(DataError, match="'2024-13-01' in a path is no date"):
        read.deliveries(parse.parse(PATHS, "acme.yaml"), folder)


def test_each_insurer_of_a_column_is_a_delivery(engine: DuckEngine, folder: Path) -> None:
    (folder / "c.csv").write_text("NO,WHO\nC1,north\nC2,south\nC3,south\n", encoding="utf-8")
    text = TOP.replace("{constant: acme}", "{column: WHO}") + "  claims:\n    - from: c.csv\n      columns: {claim_id: NO}\n"
    mapping = parse.parse(text, "acme.yaml")
    found = {d.insurer: read.text(engine, mapping, d).to_pyarrow()["claim_id"].to_pylist() for d in read.deliveries(mapping, folder)}
    assert {k: sorted(v) for k, v in found.items()} == {"north": ["C1"], "south": ["C2", "C3"]}


def test_another_mapping_or_content_is_another_delivery_and_no_receipt_is_said(folder: Path) -> None:
    (folder / "c.csv").write_text("NO\nC1\n", encoding="utf-8")
    text = TOP + "  claims:\n    - from: c.csv\n      columns: {claim_id: NO}\n"
    first, again = (read.deliveries(parse.parse(text, "acme.yaml"), folder)[0] for _ in range(2))
    changed = read.deliveries(parse.parse(text + "# other\n", "acme.yaml"), folder)[0]
    (folder / "c.csv").write_text("NO\nC2\n", encoding="utf-8")
    newer = read.deliveries(parse.parse(text, "acme.yaml"), folder)[0]
    assert first.digest == again.digest
    assert len({first.digest, changed.digest, newer.digest}) == 3
    assert (first.receipted, first.received_at) == (False, find.NO_RECEIPT)


def test_check_says_what_is_fed_left_missing_absent_and_computable(folder: Path) -> None:
    (folder / "c.csv").write_text("NO,DAY,EXTRA,KNOWN\nC1,2024-01-01,x,y\n", encoding="utf-8")
    text = (
        "unused: {c.csv: [KNOWN]}\n"
        + TOP
        + """
  claims:
    - from: c.csv
      columns: {claim_id: NO, event_at: DAY, narrative: STORY}
  parties:
    - from: p.csv
      columns: {party_id: ID, id_number: CARD}
"""
    )
    flags = [
        ("M04", ("claims.event_at",)),
        ("P01", ("parties.id_problem",)),
        ("N02", ("links.lift",)),
        ("H15", ("claims.narrative_bands",)),
    ]
    found = check.check(parse.parse(text, "acme.yaml"), folder, flags)
    assert [(f.table, f.columns) for f in found.fed] == [("claims", ("claim_id", "event_at"))]
    assert [(f.left, f.missing) for f in found.files] == [(("EXTRA",), ("STORY",))]
    assert found.absent == ("p.csv",)
    assert found.flags == ("M04", "N02")
    assert dict(found.silent) == {"P01": ("parties.id_problem",), "H15": ("claims.narrative_bands",)}
    assert "left over in c.csv: EXTRA" in found.lines
