"""Who is who where it is hard: namesakes, twins, families, hotlines, slips of the pen, readings of a surname, and people's word.

One model is trained on a simulated book; the records of every case are then added to the book and linked under it, once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.identities import records
from pipelines.resolve import forms, normalise, training
from pipelines.resolve.clusters import clusters
from pipelines.resolve.designs import PERSONS
from pipelines.resolve.incremental import Basis, compare
from pipelines.resolve.judgements import TABLE
from pipelines.resolve.linking import Links, connect
from pipelines.resolve.model import Model
from pipelines.resolve.sounds import sounds
from pipelines.resolve.training import train
from pipelines.simulate import simulate

Facts = dict[str, Any]
HOTLINE = "02368880000"
HOMES = ("重庆市渝北区解放路12号3栋1203室", "重庆市渝北区龙华大道88号1栋502室", "重庆市渝北区松石北路201号7栋906室")
LOOKED_UP = ("name", "id_number", "address")
COLUMNS = ("name", "id_number", "birth_date", "gender", "phone", "account", "device_id", "licence_no", "household_id", "address")


def number(born: str, serial: int, region: str = "500103") -> str:
    """A valid resident id."""
    body = f"{region}{born.replace('-', '')}{serial:03d}"
    total = sum(int(digit) * pow(2, 17 - i, 11) for i, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def swapped(text: str, at: int) -> str:
    """Two neighbouring characters exchanged."""
    return text[:at] + text[at + 1] + text[at] + text[at + 2 :]


def one(name: str | None, born: str | None = None, ident: str | None = None, **more: Any) -> Facts:
    """A record: a man unless it says otherwise."""
    return {"name": name, "birth_date": born, "id_number": ident, "gender": "M" if born else None, **more}


def contacts(i: int) -> Facts:
    """Phone, account and address that no other number has."""
    return {"phone": f"1390000{i:04d}", "account": f"62170000{i:08d}", "address": HOMES[i % 3]}


def home(i: int) -> Facts:
    """Phone, household and address of one family."""
    return {"phone": f"1380000{i:04d}", "household_id": f"H-{i}", "address": HOMES[i % 3]}


def reached(i: int) -> Facts:
    """Phone and address that no other number has."""
    return {c: value for c, value in contacts(i).items() if c != "account"}


B = "1985-06-15"
WANG, OTHER_WANG, LI, OTHER_LI = number(B, 113), number(B, 357), number(B, 208), number(B, 644)
ZI = "2001-09-09"
TRUE = number("1979-11-23", 135)
FOREIGN = number("1979-11-23", 846)
FATHER, SON = number("1957-02-08", 151), number("1984-10-30", 173)

CASES: dict[str, dict[str, Facts]] = {
    "namesakes with ids": {
        "a1": one("王伟", B, WANG, **contacts(1)), "a2": one("王伟", B, WANG, **contacts(2)),
        "b1": one("王伟", B, OTHER_WANG, **contacts(4)), "b2": one("王伟", B, OTHER_WANG, **contacts(5)),
    },
    "namesakes with ids, women": {
        "a1": one("李娜", B, LI, **contacts(6)) | {"gender": "F"}, "b1": one("李娜", B, OTHER_LI, **contacts(7)) | {"gender": "F"},
    },
    "a record between namesakes": {
        "a1": one("陈静", B, number(B, 422), **contacts(8)), "b1": one("陈静", B, number(B, 468), **contacts(9)),
        "c1": one("陈静", B, None, **contacts(8)),
    },
    "namesakes without ids": {"a1": one("王伟", "1986-07-16", **contacts(11)), "b1": one("王伟", "1986-07-16", **contacts(13))},
    "namesakes without ids, women": {
        "a1": one("李娜", "1988-01-19", **contacts(14)) | {"gender": "F"},
        "b1": one("李娜", "1988-01-19", **contacts(16)) | {"gender": "F"},
    },
    "namesakes without ids or accounts": {"a1": one("王伟", "1990-02-21", **reached(40)), "b1": one("王伟", "1990-02-21", **reached(42))},
    "one without an id": {"a1": one("王伟", "1987-08-17", **contacts(17)), "a2": one("王伟", "1987-08-17", **contacts(17))},
    "twins": {
        "a1": one("杨子轩", ZI, number(ZI, 111), **home(1)), "a2": one("杨子轩", ZI, number(ZI, 111), **home(1)),
        "b1": one("杨子涵", ZI, number(ZI, 113), **home(1)), "b2": one("杨子涵", ZI, number(ZI, 113), **home(1)),
    },
    "twins, one record without an id": {
        "a1": one("周文博", ZI, number(ZI, 215), **home(2)),
        "b1": one("周文斌", ZI, None, **home(2)), "a2": one("周文博", ZI, None, **home(2)),
    },
    "twins of one sound": {"a1": one("秦诗雨", ZI, number(ZI, 317), **home(3)), "b1": one("秦诗语", ZI, number(ZI, 319), **home(3))},
    "father and son": {
        "a1": one("何建国", "1957-02-08", FATHER, **home(4)), "a2": one("何建国", "1957-02-08", FATHER, **home(4)),
        "b1": one("何建华", "1984-10-30", SON, **home(4)), "b2": one("何建华", "1984-10-30", SON, **home(4)),
    },
    "father and son without ids": {"a1": one("罗志强", "1957-02-08", **home(5)), "b1": one("罗志刚", "1984-10-30", **home(5))},
    "father and son by name and home": {"a1": one("唐德明", **home(6)), "b1": one("唐德民", **home(6)), "c1": one("唐德文", **home(6))},
    "father and son of one sound": {"a1": one("邓永华", "1957-02-08", **home(7)), "b1": one("邓勇华", "1984-10-30", **home(7))},
    "an id mistyped": {
        "a": one("许庆洋", "1979-11-23", TRUE, **contacts(20)),
        "digit": one("许庆洋", "1979-11-23", TRUE[:15] + "9" + TRUE[16:], **contacts(21)),
        "birth digit": one("许庆洋", None, TRUE[:12] + "3" + TRUE[13:], **contacts(25)),
        "other day": one("许庆洋", None, TRUE[:12] + "1" + TRUE[13:], **contacts(26)),
        "transposed": one("许庆洋", "1979-11-23", swapped(TRUE, 14), **contacts(22)),
        "old": one("许庆洋", "1979-11-23", TRUE[:6] + TRUE[8:17], **contacts(23)),
        "foreign": one("许庆扬", "1979-11-23", FOREIGN, **contacts(24)),
    },
    "shan": {
        "a": one("单伟强", "1973-04-14", **contacts(30)), "same": one("善伟强", "1973-04-14", **contacts(30)),
        "other": one("丹伟强", "1973-04-14", **contacts(30)),
    },
    "xie": {
        "a": one("解伟强", "1974-05-15", **contacts(31)), "same": one("谢伟强", "1974-05-15", **contacts(31)),
        "other": one("杰伟强", "1974-05-15", **contacts(31)),
    },
    "zeng": {
        "a": one("曾伟强", "1975-06-16", **contacts(32)), "same": one("增伟强", "1975-06-16", **contacts(32)),
        "other": one("层伟强", "1975-06-16", **contacts(32)),
    },
    "by name only": {str(i): one(("张伟", "王芳", "欧阳听雪")[i % 3]) | {"gender": None} for i in range(12)},
}  # fmt: skip
"""Records by case; of those named by a letter and a number, each letter is a person."""
GIVEN = ("国建志文明德永春晓海家庆", "华强平军林辉东波超杰鹏涛")
CROWD = [a + b + c for a, b, c in product("王李张", *GIVEN)]
"""432 names."""


def crowd(many: int) -> dict[str, Facts]:
    """Records with nothing in common but the hotline; those of one name have birth dates and ids of their own."""
    days = pd.date_range("1950-01-01", periods=many, freq="4D").strftime("%Y-%m-%d")
    return {f"{i:05d}": one(CROWD[i % len(CROWD)], day, number(day, i % 999), phone=HOTLINE) for i, day in enumerate(days)}


def callers(many: int) -> dict[str, Facts]:
    """Pairs of records of a rare name that have the hotline and nothing else."""
    return {f"{i:03d}": one(f"司徒{GIVEN[0][i // 2 % 12]}{GIVEN[1][i // 24]}", phone=HOTLINE) for i in range(many)}


def tokenised(raw: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parties as the canonical table has them, and the vault of what their tokens stand for."""
    ids = normalise.resident_ids(raw["id_number"])
    plain = {"name": raw["name"], "id_number": ids["id_number"], "address": raw["address"]}
    tokens = {c: "token:" + text.astype("str") for c, text in plain.items()}
    vault = [pd.DataFrame({"token": tokens[c], "column": f"parties.{c}", "value": raw[c].astype("str")}) for c in LOOKED_UP]
    parties = raw[["party_id", "insurer", "kind", *COLUMNS]].assign(
        n=range(len(raw)),
        birth_date=pd.to_datetime(raw["birth_date"]),
        phone=normalise.phones(raw["phone"])["number"],
        device_id=raw["device_id"].astype("str"),
        id_problem=ids["problem"],
        id_birth_date=pd.to_datetime(ids["birth_date"]),
        id_gender=ids["gender"],
        **tokens,
    )
    return parties, pd.concat(vault).dropna().drop_duplicates(ignore_index=True)


@dataclass(frozen=True)
class Linked:
    """What is asserted on."""

    model: Model
    links: Links
    nodes: pa.Table
    found: dict[str, str]

    def judged(self, *words: tuple[str, str, str]) -> dict[str, str]:
        """Clusters under what people said."""
        said = pa.Table.from_pylist([dict(zip(TABLE.names, w, strict=True)) for w in words], schema=TABLE)
        return by_party(clusters(self.links.pairs, self.nodes, said, self.model.threshold))

    def groups(self, case: str) -> set[frozenset[str]]:
        """The persons of a case, as the names of their records."""
        return groups(self.found, case)

    def is_one(self, case: str, *names: str) -> bool:
        """Whether these records of a case are one person."""
        return len({self.found[f"{case}:{name}"] for name in names}) == 1


def by_party(found: pa.Table) -> dict[str, str]:
    return dict(zip(found["party_id"].to_pylist(), found["cluster"].to_pylist(), strict=True))


def groups(found: dict[str, str], case: str) -> set[frozenset[str]]:
    members: dict[str, set[str]] = {}
    for party, cluster in found.items():
        if party.startswith(f"{case}:"):
            members.setdefault(cluster, set()).add(party.removeprefix(f"{case}:"))
    return {frozenset(m) for m in members.values()}


def apart(*names: str) -> set[frozenset[str]]:
    """Persons given as words of their records."""
    return {frozenset(n.split()) for n in names}


def added(name: str) -> pd.DataFrame:
    """The records of every case; ``name`` is one that is common in the book."""
    common = {"a1": one(name, "1990-02-21", **reached(44)), "b1": one(name, "1990-02-21", **reached(46))}
    cases = {**CASES, "namesakes common in the book": common, "hotline": crowd(5_000), "hotline by name": callers(48)}
    rows = [{"party_id": f"{case}:{name}", **facts} for case, records in cases.items() for name, facts in records.items()]
    frame = pd.DataFrame(rows).assign(kind="person", insurer="t").reindex(columns=["party_id", "kind", "insurer", *COLUMNS])
    return frame.assign(birth_date=pd.to_datetime(frame["birth_date"]))


def resolved(raw: pd.DataFrame, model: Model | None) -> Linked:
    """Records linked and clustered under a model, or under one of their own."""
    with connect(memory_limit="2GB") as connection:
        parties, vault = tokenised(raw)
        connection.register("parties", parties)
        connection.register("vault", vault)
        table = forms.written(connection, "parties", "SELECT * FROM vault", model.words if model else None)
        model = model or train(connection, table, PERSONS)
        links = compare(connection, table, Basis(model), None).links
        nodes = connection.sql(f"SELECT party_id, id_number, birth_date FROM {table}").to_arrow_table()
    return Linked(model, links, nodes, by_party(clusters(links.pairs, nodes, threshold=model.threshold)))


@pytest.fixture(scope="module")
def books(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[pd.DataFrame, pd.DataFrame]]:
    """The book, and the book with every case."""
    out: Path = tmp_path_factory.mktemp("book")
    simulate(9_000, 7, out, "parquet")
    book = records(out)
    common = book.loc[book["kind"] == "person", "name"].value_counts().index[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAMPLE", 100_000)
        yield book, pd.concat([book, added(common)], ignore_index=True)


@pytest.fixture(scope="module")
def linked(books: tuple[pd.DataFrame, pd.DataFrame]) -> Linked:
    """The book and every case under the model of the book alone, as on a night after it."""
    book, whole = books
    return resolved(whole, resolved(book, None).model)


@pytest.fixture(scope="module")
def retrained(books: tuple[pd.DataFrame, pd.DataFrame]) -> Linked:
    """The book and every case under a model that knows them all."""
    return resolved(books[1], None)


PERSONS_OF: dict[str, set[frozenset[str]]] = {
    "namesakes with ids": apart("a1 a2", "b1 b2"),
    "namesakes with ids, women": apart("a1", "b1"),
    "a record between namesakes": apart("a1 c1", "b1"),
    "namesakes without ids": apart("a1", "b1"),
    "namesakes without ids, women": apart("a1", "b1"),
    "namesakes common in the book": apart("a1", "b1"),
    "one without an id": apart("a1 a2"),
    "twins": apart("a1 a2", "b1 b2"),
    "twins, one record without an id": apart("a1 a2", "b1"),
    "twins of one sound": apart("a1", "b1"),
    "father and son": apart("a1 a2", "b1 b2"),
    "father and son without ids": apart("a1", "b1"),
    "father and son by name and home": apart("a1", "b1", "c1"),
    "father and son of one sound": apart("a1", "b1"),
    "shan": apart("a same", "other"),
    "xie": apart("a same", "other"),
    "zeng": apart("a same", "other"),
    "by name only": apart(*CASES["by name only"]),
}
"""Case → its persons."""
THIN = "a misspelt id without a birth date, beside a name on six records and nothing else, stays below the threshold"


@pytest.mark.parametrize("case", PERSONS_OF)
def test_the_persons_of_a_case(linked: Linked, case: str) -> None:
    assert linked.groups(case) == PERSONS_OF[case]


@pytest.mark.parametrize("case", PERSONS_OF)
def test_a_model_that_knows_the_cases_says_the_same(retrained: Linked, case: str) -> None:
    assert retrained.groups(case) == PERSONS_OF[case]


def test_namesakes_known_by_phone_and_address(linked: Linked) -> None:
    assert linked.groups("namesakes without ids or accounts") == apart("a1", "b1")


def test_namesakes_known_by_phone_and_address_of_a_name_that_the_model_knows(retrained: Linked) -> None:
    assert retrained.groups("namesakes without ids or accounts") == apart("a1", "b1")


def test_the_book_of_the_model_has_no_record_of_the_cases(linked: Linked, retrained: Linked) -> None:
    added_records = sum(len(rows) for rows in CASES.values())
    assert retrained.model.records["name"] - linked.model.records["name"] == added_records + 5_000 + 48 + 2
    assert linked.model.records["name"] > 8_000


@pytest.mark.parametrize(
    "slip", ["digit", pytest.param("birth digit", marks=pytest.mark.xfail(strict=True, reason=THIN)), "other day", "transposed", "old"]
)
def test_an_id_with_one_slip_is_the_same_persons(linked: Linked, slip: str) -> None:
    assert linked.is_one("an id mistyped", "a", slip)


def test_the_slips_do_not_reach_another_valid_id(linked: Linked) -> None:
    alone = {"foreign", "birth digit"}
    assert linked.groups("an id mistyped") == {frozenset({name}) for name in alone} | {frozenset(CASES["an id mistyped"]) - alone}


def test_only_the_number_of_15_digits_passes_its_check() -> None:
    rows = CASES["an id mistyped"]
    ids = normalise.resident_ids(pd.Series({name: facts["id_number"] for name, facts in rows.items()}))
    assert set(ids.index[ids["problem"].isna()]) == {"a", "old", "foreign"}
    assert ids["id_number"]["old"] == TRUE != FOREIGN


@pytest.mark.parametrize("model", ["linked", "retrained"])
def test_a_hotline_merges_nobody(model: str, request: pytest.FixtureRequest) -> None:
    found: Linked = request.getfixturevalue(model)
    members = pd.Series(found.found).groupby(pd.Series(found.found)).size()
    mine = [party for party in found.found if party.startswith("hotline:")]
    assert len(mine) == 5_000
    assert {int(members[found.found[party]]) for party in mine} == {1}


@pytest.mark.parametrize("model", ["linked", "retrained"])
def test_a_hotline_is_left_out_and_reported_without_the_phone(model: str, request: pytest.FixtureRequest) -> None:
    rows = request.getfixturevalue(model).links.skipped.to_pylist()
    left_out = [row for row in rows if row["rule"] == "phone, surname"]
    assert len(left_out) == len({name[0] for name in CROWD}) and sum(row["size"] for row in left_out) == 5_000
    assert not any(HOTLINE in str(value) for row in rows for value in row.values())


def test_a_new_hotline_and_a_rare_name_are_no_person(linked: Linked) -> None:
    assert len(linked.groups("hotline by name")) == 48


def test_a_hotline_that_the_model_knows_and_a_rare_name_are_no_person(retrained: Linked) -> None:
    assert len(retrained.groups("hotline by name")) == 48


@pytest.mark.parametrize(
    ("one_name", "other", "alike"),
    [
        ("单伟", "山伟", True), ("单伟", "善伟", True), ("单伟", "丹伟", False), ("李单", "李丹", True), ("李单", "李善", False),
        ("解伟", "谢伟", True), ("解伟", "杰伟", False), ("王解", "王姐", True), ("王解", "王谢", False),
        ("曾伟", "增伟", True), ("曾伟", "层伟", False), ("王曾", "王层", True), ("王曾", "王增", False),
    ],
)  # fmt: skip
def test_a_surname_is_read_as_a_surname(one_name: str, other: str, alike: bool) -> None:
    assert (sounds(one_name) == sounds(other)) is alike


def test_names_of_one_hospital_have_one_core() -> None:
    names = ["重庆医科大学附属第一医院", "重医附一院", "重庆医科大学第一附属医院", "重医附二院", "重庆市第一人民医院"]
    core = normalise.organisation_names(pd.Series(names))["core"].tolist()
    assert len(set(core[:3])) == 1 and core[0] not in core[3:]


def test_nobody_is_found_by_a_name_alone(linked: Linked) -> None:
    ends = {party for column in ("party_l", "party_r") for party in linked.links.pairs[column].to_pylist()}
    assert not [party for party in ends if party.startswith("by name only:")]


@pytest.mark.parametrize("model", ["linked", "retrained"])
def test_no_cluster_has_two_valid_ids(model: str, request: pytest.FixtureRequest) -> None:
    found: Linked = request.getfixturevalue(model)
    nodes = found.nodes.to_pandas()
    assert nodes.groupby(nodes["party_id"].map(found.found))["id_number"].nunique().max() == 1


def test_not_the_same_splits_one_person(linked: Linked) -> None:
    told = linked.judged(("one without an id:a1", "one without an id:a2", "not_same"))
    assert groups(told, "one without an id") == apart("a1", "a2")
    changed = {party for party, cluster in told.items() if cluster != linked.found[party]}
    assert changed == {"one without an id:a2"}


def test_not_the_same_holds_against_every_detour(linked: Linked) -> None:
    case = "an id mistyped"
    told = linked.judged((f"{case}:a", f"{case}:old", "not_same"))
    assert told[f"{case}:a"] != told[f"{case}:old"]


@pytest.mark.parametrize("case", ["twins of one sound", "namesakes with ids, women", "father and son without ids"])
def test_the_same_joins_two(linked: Linked, case: str) -> None:
    told = linked.judged((f"{case}:b1", f"{case}:a1", "same"))
    assert groups(told, case) == apart("a1 b1")
    assert {party for party in told if told[party] != linked.found[party]} == {f"{case}:b1"}


def test_the_same_does_not_bring_in_a_third_with_another_id(linked: Linked) -> None:
    case = "a record between namesakes"
    told = linked.judged((f"{case}:b1", f"{case}:c1", "same"))
    assert groups(told, case) == apart("a1", "b1 c1")


def test_undecided_changes_nothing(linked: Linked) -> None:
    pairs = [("one without an id:a1", "one without an id:a2"), ("twins of one sound:a1", "twins of one sound:b1")]
    assert linked.judged(*[(*pair, "undecided") for pair in pairs]) == linked.found
