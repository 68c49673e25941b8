"""Addresses: what parse takes apart, which pairs are alike, and that the SQL says what a slow reading of its definition says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks import addresses as benchmark
from benchmarks import rewritten
from pipelines.normalise import address as normalised
from pipelines.resolve import compare
from pipelines.resolve.addresses import parse
from pipelines.simulate.render import addresses as simulated
from pipelines.simulate.world import NAMES

CASES = (
    ("重庆市渝北区解放路12号1203室", dict(province="重庆", district="渝北", road="解放路", number="12", room="1203", finest="number")),
    ("渝北区解放路12号-1203", dict(province="", district="渝北", road="解放路", number="12", room="1203")),
    ("重庆渝北解放路12号1203房", dict(province="重庆", district="渝北", road="解放路", number="12", room="1203")),
    ("重庆市　渝北区，解放路１２＃", dict(district="渝北", road="解放路", number="12", room="")),
    ("四川省成都市武侯区人民南路四段", dict(province="四川", city="成都", district="武侯", road="人民南路")),
    ("沙坪坝区天星桥街道办事处小龙坎新街49号三栋二单元5-3", dict(town="天星桥", number="49", building="3", unit="2", room="53")),
    ("彭水苗族土家族自治县汉葭街道", dict(district="彭水", town="汉葭")),
    ("佳兴花园B区4幢3单元", dict(place="佳兴花园", zone="B区", building="4", unit="3", finest="place")),
    ("布澜路联创科技园2栋三楼", dict(road="布澜路", place="联创科技园", building="2", floor="3")),
    ("尚德大厦A座", dict(place="尚德大厦", building="A")),
    ("环城南路与民航路交叉口西南200米云纺商厦", dict(road="环城南路", place="云纺商厦", beside="与民航路交叉口西南200米")),
    ("秀沿路2585弄25号", dict(road="秀沿路", number="2585", building="25")),
    ("昆山西路153-16-452", dict(road="昆山西路", number="153", building="16", room="452")),
    ("朱垸村八组6号", dict(place="朱垸村", team="8", number="6", house="6")),
    ("石亭村78号", dict(place="石亭村", number="78", house="78")),
    ("解放路12号佳兴花园", dict(road="解放路", place="佳兴花园", number="12", house="")),
    ("解放路12号佳兴花园佳兴花园12号", dict(number="12", house="12")),
    ("与和12号", dict(place="", number="12", house="")),
    ("心港假日二期十二号楼", dict(place="心港假日", zone="2期", building="12")),
    ("尚德大厦(东南门)", dict(place="尚德大厦", note="东南门", facility=True)),
    ("北京东路12号", dict(province="", road="北京东路", number="12")),
    ("渝北大道8号", dict(district="", road="渝北大道", number="8")),
    ("文一路与古翠路交叉口", dict(road="文一路 古翠路", place="", finest="crossing")),
)  # fmt: skip
PAIRS = (
    ("重庆市渝北区解放路12号1203室", "渝北区解放路12号-1203", 0.9, 1.0),
    ("渝北区解放路12号1203室", "渝北解放路12号1203", 0.9, 1.0),
    ("沙坪坝区凤天路8号佳兴花园3栋2单元502", "凤天路8号佳兴花园三幢二单元502室", 0.85, 1.0),
    ("沙坪坝区凤天路8号佳兴花园3栋2单元502", "凤天路8号佳兴花园3栋", 0.6, 0.95),
    ("沙坪坝区凤天路8号佳兴花园3栋2单元502", "凤天路8号佳兴花园3栋2单元503", 0.4, 0.84),
    ("凤天路8号佳兴花园3栋", "凤天路8号佳兴花园4栋", 0.3, 0.84),
    ("凤天路8号佳兴花园3栋", "凤天路8号佳兴花园", 0.3, 0.84),
    ("佳兴花园", "佳兴花园(东南门)", 0.3, 0.84),
    ("渝北区解放路12号1203室", "江北区解放路12号1203室", 0.0, 0.65),
    ("渝北区解放路12号1203室", "渝北区银杏路77号304室", 0.0, 0.5),
    ("佳兴花园", "丽景大厦", 0.0, 0.5),
)  # fmt: skip
BACKGROUND = [
    f"{d}区{w}路{n}号{r}室" for d in ("渝中", "南岸", "渝北") for w in ("新华", "松石", "五星") for n in (3, 12) for r in (304, 1203)
]
SHARED = Path(__file__).resolve().parents[2].parent / "shared" / "data" / "cn_addresses"
words = st.sampled_from(
    ["重庆市", "渝北区", "渝北", "江北区", "解放路", "人民路", "12号", "14号", "佳兴花园", "3栋", "三幢", "2单元", "502", "502室",
     "一期", "(东门)", "附近", "西南200米", "与", "-", "#", "A座", "八组", "村"]
)  # fmt: skip
texts = st.one_of(st.lists(words, min_size=1, max_size=7).map("".join), st.text(min_size=1, max_size=12))


def scores(left: list[str], right: list[str]) -> Any:
    """Scores with common words weighted as in a corpus of addresses."""
    pad = pd.Series(BACKGROUND)
    return compare.similarity(pd.concat([pd.Series(left), pad]), pd.concat([pd.Series(right), pad]))[: len(left)]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_parse_takes_an_address_apart(text: str, expected: dict[str, object]) -> None:
    assert parse(pd.Series([text])).iloc[0][list(expected)].to_dict() == expected


@pytest.mark.parametrize(("left", "right", "low", "high"), PAIRS)
def test_pairs_are_as_alike_as_they_should_be(left: str, right: str, low: float, high: float) -> None:
    assert low <= scores([left], [right])[0] <= high


def test_simulated_addresses_parse_and_their_variants_are_the_same() -> None:
    rng = np.random.default_rng(5)
    code, district = rng.integers(0, 1_536_000, 400), rng.integers(0, 38, 400)
    long, short = (pd.Series(simulated(code, district, np.full(400, kind)).to_pylist()) for kind in (True, False))
    bare = pd.Series(duckdb_normalised(short))
    for variant in (long, short, bare):
        parts = parse(variant)
        assert (parts["district"] == np.array(NAMES)[district]).mean() > 0.97  # 忠县区 and its like are no districts
        assert parts["number"].tolist() == [str(n) for n in code // 16 % 400 + 1]
        assert parts["room"].tolist() == [str(n) for n in code // 6400 % 30 * 100 + code // 192_000 % 8 + 101]
    assert (compare.similarity(long, short) >= compare.SAME).all() and (compare.similarity(long, bare) >= compare.SAME).all()
    assert (compare.similarity(long, short.sample(frac=1, random_state=1).reset_index(drop=True)) < compare.NEAR).mean() > 0.98


@pytest.mark.parametrize(
    ("moved", "low", "high"),
    [((0, 0, 1, 0), compare.NEAR, compare.SAME), ((0, 1, 0, 0), compare.NEAR, compare.SAME), ((1, 0, 0, 0), 0.0, compare.NEAR),
     ((0, 0, 0, 1), 0.0, compare.NEAR)],
    ids=["room", "number", "road", "district"],
)  # fmt: skip
def test_levels_part_simulated_addresses_by_what_is_another(moved: tuple[int, ...], low: float, high: float) -> None:
    rng, sizes = np.random.default_rng(6), np.array([[16], [400], [240], [37]])
    one = rng.integers(0, sizes, (4, 500))
    other = (one + rng.integers(1, sizes, (4, 500)) * np.array(moved)[:, None]) % sizes
    left, right = (
        pd.Series(simulated(road + 16 * number + 6400 * room, district, np.full(500, True)).to_pylist())
        for road, number, room, district in (one, other)
    )
    found = compare.similarity(left, right)
    assert ((found >= low) & (found < high)).all()


def duckdb_normalised(values: pd.Series) -> list[str]:
    """As the tables hold addresses."""
    import ibis

    table = ibis.memtable(pd.DataFrame({"n": range(len(values)), "a": values}))
    return [str(a) for a in table.select("n", a=normalised(table.a)).order_by("n").execute()["a"]]


def test_index_repeats_and_nulls_are_kept() -> None:
    parsed = parse(pd.Series(["解放路1号", None, "解放路1号", ""], index=[7, 7, 3, 1]))
    assert parsed.index.tolist() == [7, 7, 3, 1] and parsed["number"].tolist() == ["1", "", "1", ""]
    assert [len(g) > 0 for g in parsed["grams"]] == [True, False, True, False] and (parsed["weight"] > 0).tolist() == [
        True,
        False,
        True,
        False,
    ]
    assert np.isnan(compare.similarity(pd.Series(["解放路1号", None]), pd.Series(["", None]))).all()


@settings(max_examples=12, deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=40))
def test_symmetric_in_bounds_and_one_for_the_same(pairs: list[tuple[str, str]]) -> None:
    left, right = (pd.Series(side, dtype="str") for side in zip(*pairs, strict=True))
    there, back = compare.similarity(left, right), compare.similarity(right, left)
    np.testing.assert_allclose(there, back, atol=1e-12)
    assert ((there >= 0) & (there <= 1) | np.isnan(there)).all()
    own = compare.similarity(left, left)
    np.testing.assert_allclose(own[~np.isnan(own)], 1.0, atol=1e-12)


def slow(a: pd.Series, b: pd.Series) -> float:
    """The definition, said again with sets."""

    def weight(codes: set[int]) -> int:
        return sum(code & 0xFFFF for code in codes)

    grams, cores = [set(map(int, x["grams"])) for x in (a, b)], [set(map(int, x["core"])) for x in (a, b)]
    dice = 2 * weight(grams[0] & grams[1]) / (weight(grams[0]) + weight(grams[1]))
    found = (weight(cores[0] & grams[1]) / weight(cores[0]) + weight(cores[1] & grams[0]) / weight(cores[1])) / 2
    loss = 1 - (dice * 2 + found) / 3
    for part in compare.PARTS:
        other = a[part] and b[part]
        loss += 0 if a[part] == b[part] else compare.COSTS.get(part if other else f"{part} alone", 0)
    loss += compare.COSTS["other grain"] if not (a["building"] or b["building"]) and a["finest"] != b["finest"] else 0
    loss += compare.COSTS["gate"] if a["facility"] != b["facility"] else 0
    loss += compare.COSTS["house alone"] if house_alone(a, b) else 0
    return 1 / (1 + float(loss))


def house_alone(a: pd.Series, b: pd.Series) -> bool:
    """Whether one alone names a house, which is not the other's number, building or group."""
    name = "house" if a["place"] or b["place"] else "number"
    if bool(a[name]) == bool(b[name]):
        return False
    one, other = (a, b) if a[name] else (b, a)
    return one[name] not in (other["number"], other["building"], other["team"])


def test_sql_says_what_the_slow_version_says() -> None:
    texts = [text for text, _ in CASES] + [text for pair in PAIRS for text in pair[:2]] + BACKGROUND
    rng = np.random.default_rng(1)
    left, right = (pd.Series(np.array(texts)[rng.integers(0, len(texts), 200)], dtype="str") for _ in range(2))
    parsed = parse(pd.concat([left, right], ignore_index=True))
    expected = [slow(parsed.iloc[i], parsed.iloc[i + 200]) for i in range(200)]
    assert max(expected) > 0.5
    np.testing.assert_allclose(compare.similarity(left, right), expected, atol=1e-9)


def test_levels_follow_the_score() -> None:
    parsed = parse(pd.Series(["佳兴花园3栋", "佳兴花园三幢", "佳兴花园", "解放路1号", ""])).add_prefix("address_").assign(n=range(5))
    with duckdb.connect() as connection:
        connection.register("t", parsed)
        query = f"SELECT {compare.address_level()} FROM t l, t r WHERE l.n = 0 ORDER BY r.n"
        found = [row[0] for row in connection.execute(query).fetchall()]
    assert found[:2] == ["same", "same"] and found[2] != "same" and found[3:] == ["far", None]


def test_benchmark_runs_on_a_small_folder(tmp_path: Path) -> None:
    made = [
        {
            "text_id": str(i),
            "query": f"解放路{i}号佳兴花园{i}栋",
            "candidate": [
                {"text": f"佳兴花园{i}幢", "label": "完全匹配"},
                {"text": "佳兴花园(东门)", "label": "部分匹配"},
                {"text": f"人民路{i}号丽景大厦", "label": "不匹配"},
            ],
        }
        for i in range(1, 41)
    ]
    (tmp_path / "queries.jsonl").write_text("\n".join(json.dumps(q, ensure_ascii=False) for q in made), encoding="utf-8")
    found = benchmark.figures(tmp_path)
    assert found["pairs"] == 120 and found["exact"] == 40
    assert found["ours"]["auc"] > 0.95 and found["ceiling"]["seeds"] >= 5


def test_costs_are_learnt_from_texts_alone() -> None:
    listed = [f"解放路{i}号佳兴花园{b}栋" for i in range(1, 21) for b in (1, 2, 3)]
    texts = pd.DataFrame(
        {"query": [i // 3 for i in range(60)], "left": [f"渝北区{listed[i // 3 * 3]}2单元" for i in range(60)], "right": listed}
    )
    found = rewritten.learnt(texts)
    assert min(found.values()) > 0
    assert found["building"] > 1 > 0.1 >= max(found.get("number alone", 0), found.get("unit alone", 0))
    assert found["listed"] == rewritten.LISTED and found["room"] == rewritten.ONE


@pytest.mark.skipif(not SHARED.is_dir(), reason="the outside addresses (../shared/data/cn_addresses) are not here")
def test_costs_in_use_are_those_learnt() -> None:
    assert rewritten.learnt(rewritten.texts_of(SHARED)) == compare.COSTS


def test_costs_that_no_text_shows_are_the_least_that_part_equal_addresses() -> None:
    below = [min(c for c in np.arange(1, 41) / n if 1 / (1 + c) < level) for n, level in ((10, compare.SAME), (20, compare.NEAR))]
    assert below == [rewritten.ONE, rewritten.LISTED]


@pytest.mark.parametrize(
    ("query", "candidate", "same"),
    [
        ("渝北区石亭村78号", "石亭村", False),
        ("渝北区石亭村78号", "石亭村12号", True),
        ("渝北区解放路12号", "解放路", False),
        ("渝北区解放路12号", "解放路14号", True),
        ("解放路12号佳兴花园", "佳兴花园", True),
        ("佳兴花园3栋", "佳兴花园", False),
        ("佳兴花园", "佳兴花园3栋", False),
        ("佳兴花园", "佳兴花园(东南门)", False),
        ("佳兴花园东门(东门)", "佳兴花园(东南门)", True),
    ],
)
def test_what_is_written_at_another_grain_is_not_the_same(query: str, candidate: str, same: bool) -> None:
    texts = pd.DataFrame({"query": [0, 0], "left": [query] * 2, "right": [candidate, candidate]})
    made = rewritten.written_anew(texts, rewritten.parts_of(pd.Series([query, candidate])), np.random.default_rng(1))
    assert made["same"].tolist() == [same]


@pytest.mark.parametrize(
    ("left", "right", "costs"),
    [
        ("石亭村78号", "石亭村", True),
        ("石亭村5组78号", "石亭村", True),
        ("解放路12号", "解放路", True),
        ("解放路12号佳兴花园", "佳兴花园", False),
        ("佳兴花园12号", "解放路12号佳兴花园", False),
        ("佳兴花园12号", "佳兴花园12栋", False),
    ],
)
def test_a_house_in_one_alone_costs(left: str, right: str, costs: bool) -> None:
    found = compare.compared(pd.Series([left, right]), pd.Series([right, left]), compare.differences())
    assert found["house alone"].tolist() == [costs, costs]
