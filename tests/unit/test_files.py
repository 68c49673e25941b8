"""Files as insurers send them: what survives, what is refused and in which words, and that no line is lost silently."""

from __future__ import annotations

import gzip
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow
import pyarrow.parquet
import pytest

from pipelines import config
from pipelines.delivery import Delivery
from pipelines.engine.duckdb import DuckEngine
from pipelines.errors import DataError
from pipelines.sources import files, parse, read

HEADER = "单号,NAME,DAY,FEN,OK\n"
MAPPING = """
source: acme
insurer: {constant: acme}
tables:
  policies:
    - from: policies.csv
      columns:
        policy_id: 单号
        product: NAME
        starts_on: {column: DAY, format: ["%d/%m/%Y", "%Y年%m月%d日", "%Y%m%d"]}
        premium: {column: FEN}
        gift: OK
"""
Rows = list[dict[str, Any]]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[DuckEngine]:
    made = DuckEngine(config.Engine(), tmp_path / "spill")
    yield made
    made.close()


class Desk:
    """Lays a file down as an insurer would, and reads it as the night does."""

    def __init__(self, folder: Path, engine: DuckEngine) -> None:
        self.folder, self.engine, self.mapping = folder / "in", engine, parse.parse(MAPPING, "acme.yaml")
        self.folder.mkdir()

    def lay(self, content: bytes | str, name: str = "policies.csv") -> Delivery:
        (self.folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        return self.delivery()

    def delivery(self) -> Delivery:
        (found,) = read.deliveries(self.mapping, self.folder)
        return found

    def rows(self, delivery: Delivery) -> Rows:
        return sorted(read.text(self.engine, self.mapping, delivery).to_pyarrow().to_pylist(), key=lambda r: int(r["source_row"]))

    def rejects(self, delivery: Delivery) -> Rows:
        found = read.rejects(self.engine, self.mapping, delivery)
        return [] if found is None else sorted(found.to_pyarrow().to_pylist(), key=lambda r: int(r["source_row"]))


@pytest.fixture
def desk(tmp_path: Path, engine: DuckEngine) -> Desk:
    return Desk(tmp_path, engine)


def ids(rows: Rows) -> list[str]:
    return [r["policy_id"] for r in rows]


def test_plain_and_gzipped_and_parquet_give_the_same_rows(desk: Desk) -> None:
    text = HEADER + "P1,a,01/02/2024,10.5,是\nP2,b,2024年3月5日,,N\n"
    plain = desk.rows(desk.lay(text))
    (desk.folder / "policies.csv").unlink()
    zipped = desk.rows(desk.lay(gzip.compress(text.encode()), "policies.csv.gz"))
    (desk.folder / "policies.csv.gz").unlink()
    cells = [["P1", "P2"], ["a", "b"], ["01/02/2024", "2024年3月5日"], ["10.5", None], ["是", "N"]]
    table = pyarrow.table(dict(zip(HEADER.strip().split(","), cells, strict=True)))
    pyarrow.parquet.write_table(table, desk.folder / "policies.parquet")
    columnar = desk.rows(desk.delivery())
    for rows, name in ((plain, "policies.csv"), (zipped, "policies.csv.gz"), (columnar, "policies.parquet")):
        assert [r["starts_on"] for r in rows] == ["2024-02-01", "2024-03-05"]
        assert [r["premium"] for r in rows] == ["10.5", None]
        assert [r["gift"] for r in rows] == ["true", "false"]
        assert {r["source_file"] for r in rows} == {name}
    assert [r["row_sha256"] for r in plain] == [r["row_sha256"] for r in zipped] == [r["row_sha256"] for r in columnar]


def test_the_digest_of_a_row_is_of_its_raw_cells(desk: Desk) -> None:
    (row,) = desk.rows(desk.lay(HEADER + "P1, a ,01/02/2024,,Y\n"))
    assert row["row_sha256"] == hashlib.sha256("\x1f".join(["P1", " a ", "01/02/2024", "", "Y"]).encode()).hexdigest()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_encodings_are_found(desk: Desk, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    name = "policies.csv" if pack is bytes else "policies.csv.gz"
    rows = desk.rows(desk.lay(pack((HEADER + "P1,重庆𠮷,01/02/2024,1,Y\n" * 3).encode(encoding)), name))
    assert [r["product"] for r in rows] == ["重庆𠮷"] * 3
    assert [r["source_row"] for r in rows] == [1, 2, 3]


def test_a_declared_encoding_that_does_not_hold_is_told(desk: Desk) -> None:
    desk.mapping = parse.parse(MAPPING.replace("from: policies.csv", "from: policies.csv\n      encoding: gb18030"), "acme.yaml")
    with pytest.raises(DataError, match="not in the declared encoding gb18030") as told:
        desk.rows(desk.lay(HEADER.encode("gb18030") + b"P1,\xff\xff\xff,,,\n"))
    assert "encoding: auto" in str(told.value)


def test_bytes_of_no_encoding_reject_their_row_alone(desk: Desk) -> None:
    delivery = desk.lay(HEADER.encode() + b"P1,a,,1,Y\nP2,\xff\xfe\xff,,2,Y\nP3,c,,3,Y\n")
    assert ids(desk.rows(delivery)) == ["P1", "P3"]
    (reject,) = desk.rejects(delivery)
    assert reject["source_row"] == 2
    assert reject["message"] == "invalid encoding"


@pytest.mark.parametrize("delimiter", [";", "\t", "|"])
def test_the_delimiter_is_found(desk: Desk, delimiter: str) -> None:
    rows = desk.rows(desk.lay((HEADER + "P1,a,01/02/2024,1,Y\n").replace(",", delimiter)))
    assert (rows[0]["policy_id"], rows[0]["starts_on"]) == ("P1", "2024-02-01")


def test_a_wrong_delimiter_tells_the_header_it_saw(desk: Desk) -> None:
    desk.mapping = parse.parse(MAPPING.replace("from: policies.csv", 'from: policies.csv\n      delimiter: ";"'), "acme.yaml")
    with pytest.raises(DataError, match="wrong delimiter: with ';' the header reads '单号,NAME,DAY,FEN,OK'") as told:
        desk.rows(desk.lay(HEADER + "P1,a,,1,Y\n"))
    assert "set 'delimiter: ','" in str(told.value)


def test_a_missing_key_column_fails_and_another_does_not(desk: Desk) -> None:
    with pytest.raises(DataError, match=r"the column '单号' is not there, and policies.policy_id needs it"):
        desk.rows(desk.lay("NAME,DAY\na,01/02/2024\n"))
    delivery = desk.lay("单号,DAY,NEW\nP1,01/02/2024,x\n")
    assert desk.rows(delivery)[0]["product"] is None
    (audit,) = read.leftover(desk.mapping, delivery)
    assert (audit.mapped, audit.left, audit.missing) == (("单号", "DAY"), ("NEW",), ("FEN", "NAME", "OK"))


def test_dates_in_no_declared_format_stay_as_they_came(desk: Desk) -> None:
    days = ["5/2/2024", "20240205", "Feb 5", "2024-02-05", "２０２４年２月５日"]
    rows = desk.rows(desk.lay(HEADER + "".join(f"P{i},a,{day},1,Y\n" for i, day in enumerate(days))))
    assert [r["starts_on"] for r in rows] == ["2024-02-05", "2024-02-05", "Feb 5", "2024-02-05", "2024-02-05"]


def test_white_space_around_cells_goes_wherever_it_stands(desk: Desk) -> None:
    rows = desk.rows(desk.lay(HEADER + "P1,a,,1,Y\n P2\t,\u00a0b ,  ,\t2 ,Y \n"))
    assert ids(rows) == ["P1", "P2"]
    assert rows[1]["starts_on"] is None
    assert rows[1]["premium"] == "2"
    assert rows[1]["gift"] == "true"


def test_thousands_separators_signs_and_full_width_digits(desk: Desk) -> None:
    amounts = ['"1,234,567.80"', "１２３．５", '"￥1,000"', "-5", "12abc", '"1,23"', "1e5", "'7"]
    rows = desk.rows(desk.lay(HEADER + "".join(f"P{i},a,,{a},\n" for i, a in enumerate(amounts))))
    assert [r["premium"] for r in rows] == ["1234567.80", "123.5", "1000", "-5", "12abc", "1,23", "1e5", "'7"]
    assert desk.rows(desk.lay(HEADER + "Ｐ１２３,a,,,\n"))[0]["policy_id"] == "Ｐ123"


def test_lines_that_are_no_rows_are_kept_with_their_number(desk: Desk) -> None:
    delivery = desk.lay(
        HEADER + 'P1,a,,1,Y\nP2,short\nP3,"two\nlines",,3,Y\nP4,a,,4,Y,more,more\nP5,"stray"quote,,5,Y\nP6,"say ""yes""",,6,Y\n'
    )
    rows = desk.rows(delivery)
    assert [(r["policy_id"], r["source_row"]) for r in rows] == [("P1", 1), ("P3", 3), ("P6", 6)]
    assert [r["product"] for r in rows] == ["a", "two\nlines", 'say "yes"']
    rejects = desk.rejects(delivery)
    assert [(r["source_row"], r["message"]) for r in rejects] == [(2, "missing columns"), (4, "too many columns"), (5, "unquoted value")]
    assert rejects[0]["raw"] == "P2,short"
    assert {(r["rule"], r["source_file"]) for r in rejects} == {("csv", "policies.csv")}


def test_a_quote_that_never_closes_keeps_all_it_swallowed(desk: Desk) -> None:
    delivery = desk.lay(HEADER + 'P1,a,,1,Y\nP2,"open,,2,Y\nP3,a,,3,Y\nP4,a,,4,Y\n')
    assert ids(desk.rows(delivery)) == ["P1"]
    kept = "".join(r["raw"] for r in desk.rejects(delivery))
    assert all(p in kept for p in ("P2", "P3", "P4"))


def test_mixed_line_ends_do_not_hide_bad_bytes(desk: Desk) -> None:
    delivery = desk.lay(HEADER.encode() + b"P1,a,,1,Y\r\nP2,\xff\xfe\xff,,2,Y\nP3,c,,3,Y\n")
    assert ids(desk.rows(delivery)) == ["P1", "P3"]
    assert [r["message"] for r in desk.rejects(delivery)] == ["invalid encoding"]


@pytest.mark.parametrize("ends", [("\r\n",), ("\r\n", "\n"), ("\n", "\r\n")])
def test_line_ends_may_be_mixed(desk: Desk, ends: tuple[str, ...]) -> None:
    lines = [HEADER.strip(), "P1,a,,1,Y", "P2,b,,2,Y", "P3,c,,3,Y"]
    rows = desk.rows(desk.lay("".join(line + ends[i % len(ends)] for i, line in enumerate(lines))))
    assert ids(rows) == ["P1", "P2", "P3"]
    assert {r["gift"] for r in rows} == {"true"}


def test_empty_lines_are_no_rows(desk: Desk) -> None:
    delivery = desk.lay(HEADER + "P1,a,,1,Y\n\nP2,b\nP3,b,,2,Y\n\n")
    assert [(r["policy_id"], r["source_row"]) for r in desk.rows(delivery)] == [("P1", 1), ("P3", 3)]
    assert [r["source_row"] for r in desk.rejects(delivery)] == [2]


def test_a_field_of_ten_megabytes_is_read(desk: Desk) -> None:
    delivery = desk.lay(HEADER + "P1,a,,1,Y\nP2," + "x" * 10_000_000 + ',,2,Y\nP3,"' + "y\n" * 5_000_000 + '",,3,Y\nP4,d,,4,Y\n')
    rows = desk.rows(delivery)
    assert ids(rows) == ["P1", "P2", "P3", "P4"]
    assert len(rows[1]["product"]) == 10_000_000
    assert desk.rejects(delivery) == []


def test_a_line_beyond_the_limit_is_kept_as_a_reject(desk: Desk) -> None:
    delivery = desk.lay(HEADER + "P1,a,,1,Y\nP2," + "x" * 34_000_000 + ",,2,Y\nP3,c,,3,Y\n")
    assert ids(desk.rows(delivery)) == ["P1", "P3"]
    (reject,) = desk.rejects(delivery)
    assert (reject["source_row"], reject["message"]) == (2, "line size over maximum")


def test_a_truncated_archive_is_refused(desk: Desk) -> None:
    whole = gzip.compress((HEADER + "".join(f"P{i},{hashlib.sha256(str(i).encode()).hexdigest()},,1,Y\n" for i in range(5000))).encode())
    with pytest.raises(DataError, match="gzip archive is damaged or cut short") as told:
        desk.rows(desk.lay(whole[: len(whole) // 2], "policies.csv.gz"))
    assert "policies.csv.gz" in str(told.value)
    with pytest.raises(DataError, match="gzip archive is damaged or cut short"):
        desk.rows(desk.lay(whole[:-20] + b"\0" * 20, "policies.csv.gz"))


def test_an_empty_file_is_refused_and_a_header_alone_is_not(desk: Desk) -> None:
    with pytest.raises(DataError, match="the file is empty"):
        desk.rows(desk.lay(""))
    with pytest.raises(DataError, match="the file is empty"):
        files.profile(_empty_archive(desk.folder))
    (desk.folder / "empty.csv.gz").unlink()
    assert desk.rows(desk.lay(HEADER)) == []


def _empty_archive(folder: Path) -> Path:
    path = folder / "empty.csv.gz"
    path.write_bytes(gzip.compress(b""))
    return path


def test_a_file_that_changed_after_it_was_listed_is_refused_and_nothing_of_it_stays(desk: Desk) -> None:
    delivery = desk.lay(HEADER + "P1,a,,1,Y\n")
    again = desk.lay(HEADER + "P1,a,,1,Y\nP2,a,,1,Y\n")
    with pytest.raises(DataError, match="the data changed while it was read"):
        desk.rows(delivery)
    assert ids(desk.rows(again)) == ["P1", "P2"]


def test_a_file_that_changes_while_it_is_read_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery, header = desk.lay(HEADER + "P1,a,,1,Y\n"), files.header

    def slow_header(path: Path, *rest: Any) -> Any:
        with path.open("a", encoding="utf-8") as stream:
            stream.write("P2,b,,2,Y\n")
        return header(path, *rest)

    monkeypatch.setattr(files, "header", slow_header)
    with pytest.raises(DataError, match="the data changed while it was read"):
        desk.rows(delivery)


def test_a_parquet_file_that_is_none_is_told(desk: Desk) -> None:
    with pytest.raises(DataError, match="no Parquet file"):
        desk.rows(desk.lay(b"PAR1 but not really", "policies.parquet"))


@pytest.mark.parametrize("column", [0, 3])
def test_damage_within_a_parquet_file_is_told_before_its_rows_are_used(desk: Desk, column: int) -> None:
    path = desk.folder / "policies.parquet"
    numbers = [float(i) for i in range(50)]
    pyarrow.parquet.write_table(pyarrow.table([list(map(str, numbers)), numbers, numbers, numbers], ["单号", "NAME", "DAY", "FEN"]), path)
    start = pyarrow.parquet.read_metadata(path).row_group(0).column(column).dictionary_page_offset
    content = bytearray(path.read_bytes())
    content[start : start + 40] = b"\xff" * 40
    with pytest.raises(DataError, match="cannot be read as a table"):
        read.text(desk.engine, desk.mapping, desk.lay(bytes(content), path.name))


def test_one_table_in_two_forms_is_refused(desk: Desk) -> None:
    desk.lay(HEADER)
    with pytest.raises(DataError, match="lies there twice"):
        desk.lay(gzip.compress(HEADER.encode()), "policies.csv.gz")


def test_nothing_there_is_told(desk: Desk) -> None:
    with pytest.raises(DataError, match="no file of source 'acme' is there"):
        desk.delivery()


@pytest.mark.parametrize("content", ["X;Y\n13800000000;1\n", "13800000000\n13800000000\n"])
def test_no_message_repeats_a_value(desk: Desk, content: str) -> None:
    desk.mapping = parse.parse(MAPPING.replace("from: policies.csv", 'from: policies.csv\n      delimiter: ","'), "acme.yaml")
    with pytest.raises(DataError) as told:
        desk.rows(desk.lay(content))
    assert "13800000000" not in str(told.value)


def test_a_no_longer_needed_copy_is_deleted(desk: Desk) -> None:
    delivery = desk.lay(HEADER + "P1,a,,1,Y\n")
    assert len(desk.rows(delivery)) == 1
    copies = list((desk.folder.parent / "spill" / "raw").iterdir())
    assert copies
    read.release(desk.engine)
    assert not any(c.exists() for c in copies)
