"""Values as records are compared by: tables of cases, independent oracles, and two properties of every function."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stdnum.cn import ric, uscc

from pipelines import normalise as tokens
from pipelines.resolve import normalise
from pipelines.resolve.distinct import simplified, spelt
from pipelines.resolve.normalise import organisation_names, person_names, phones, resident_ids
from pipelines.resolve.serials import CREDIT, credit_codes, plates, vin_problem
from pipelines.resolve.sounds import SPOKEN, SYLLABLES, WRITTEN, sounds, written


def one(made: pd.DataFrame) -> dict[Hashable, object]:
    """The only row, nulls as None."""
    return made.astype("object").where(made.notna(), None).iloc[0].to_dict()


def of(rule: Callable[[pd.Series], pd.DataFrame], value: str | None) -> dict[Hashable, object]:
    return one(rule(pd.Series([value], dtype="str")))


def edits(a: str, b: str) -> int:
    """Edit distance, written out."""
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        previous, row[0] = row[0], i
        for j, y in enumerate(b, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (x != y))
    return row[-1]


@pytest.mark.parametrize(
    ("raw", "name", "surname", "given_name"),
    [
        ("张三", "张三", "张", "三"),
        (" 张　三 ", "张三", "张", "三"),
        ("歐陽鋒", "欧阳锋", "欧阳", "锋"),
        ("欧阳女士", "欧阳", "欧阳", None),
        ("司马相如", "司马相如", "司马", "相如"),
        ("张三先生", "张三", "张", "三"),
        ("张三(先生)", "张三", "张", "三"),
        ("李医生", "李", "李", None),
        ("张 三 老 师", "张三", "张", "三"),
        ("徐乾", "徐乾", "徐", "乾"),
        ("阿里木•买买提", "阿里木买买提", None, None),
        ("阿里木.买买提", "阿里木买买提", None, None),
        ("Mr. John  Smith", "JOHN SMITH", None, None),
        ("Zhang_三", "ZHANG三", None, None),
        ("ms mary-ann o'brien", "MARY-ANN O'BRIEN", None, None),
        ("Smith, John", "SMITH JOHN", None, None),
        ("ＺＨＡＮＧ San", "ZHANG SAN", None, None),
        ("Msika", "MSIKA", None, None),
        ("某某", None, None, None),
        ("先生", None, None, None),
        ("未知", None, None, None),
        ("***", None, None, None),
        ("N/A", None, None, None),
        ("  ", None, None, None),
        (None, None, None, None),
    ],
)
def test_person_names(raw: str | None, name: str | None, surname: str | None, given_name: str | None) -> None:
    found = of(person_names, raw)
    assert (found["name"], found["surname"], found["given"]) == (name, surname, given_name)


@pytest.mark.parametrize(
    ("name", "syllables"),
    [
        ("单雄信", "shan xiong xin"), ("曾国藩", "zeng guo fan"), ("解缙", "xie jin"), ("仇英", "qiu ying"), ("区寄", "ou ji"),
        ("朴志", "piao zhi"), ("查良", "zha liang"), ("任平", "ren ping"), ("盖伟", "ge wei"), ("乐毅", "yue yi"), ("尹平", "yin ping"),
        ("翟伟", "zhai wei"), ("华佗", "hua tuo"), ("覃刚", "qin gang"), ("缪强", "miao qiang"), ("员文", "yun wen"), ("那英", "na ying"),
        ("洗平", "xian ping"), ("冼平", "xian ping"), ("宓平", "mi ping"), ("逄平", "pang ping"), ("黑平", "he ping"),
        ("尉迟恭", "yu chi gong"), ("万俟平", "mo qi ping"), ("长孙珍", "zhang sun zhen"), ("單雄信", "shan xiong xin"),
        ("张单", "zhang dan"), ("王解", "wang jie"), ("单增卓玛", "dan zeng zhuo ma"), ("曾", "zeng"), ("吕绿", "lv lv"),
    ],
)  # fmt: skip
def test_surnames_are_read_as_surnames(name: str, syllables: str) -> None:
    assert of(person_names, name)["sound"] == written(syllables)


def test_every_listed_surname_is_spoken_as_listed() -> None:
    found = person_names(pd.Series([f"{surname}平" for surname in SPOKEN]))
    assert found["sound"].tolist() == [written(f"{s} ping") for s in SPOKEN.values()]


def test_syllables_are_sorted_distinct_and_one_character_each() -> None:
    assert list(SYLLABLES) == sorted({*SYLLABLES})
    assert (len(SYLLABLES), WRITTEN["a"], WRITTEN["zuo"]) == (425, "\ue000", "\ue1a8")


def test_the_list_has_every_syllable_of_the_dictionary() -> None:
    from pypinyin import lazy_pinyin

    characters = [chr(c) for c in range(0x4E00, 0x9FA6)]
    assert {*lazy_pinyin(characters)} - {*SYLLABLES} - {*characters} == set()


def test_equal_sound_is_equal_text_and_a_syllable_is_an_edit() -> None:
    found = person_names(pd.Series(["张伟", "章维", "张倩伟", "John Smith", "张A伟"]))["sound"].tolist()
    assert found[0] == found[1]
    assert [edits(found[0], found[2]), edits(found[0], found[4])] == [1, 1]
    assert found[3] == "JOHN SMITH"


def test_sounds_do_not_depend_on_what_else_is_there() -> None:
    assert sounds("王小明\n张伟").split("\n")[1] == sounds("张伟")


def test_simplified_twice_is_simplified_once() -> None:
    text = "\n".join(chr(c) for c in range(0x3400, 0xA000))
    assert simplified(simplified(text)) == simplified(text)


GOOD = "11010519491231002X"


@pytest.mark.parametrize(
    ("raw", "number", "problem"),
    [
        (GOOD, GOOD, None),
        ("１１０１０５ 19491231 002x", GOOD, None),
        ("110105491231002", GOOD, None),
        ("110105194912310021", "110105194912310021", "check_digit"),
        ("11010519491231002O", "11010519491231002O", "characters"),
        ("1101054912310O2", "1101054912310O2", "characters"),
        ("1101051949123100", "1101051949123100", "length"),
        ("110105194902300025", "110105194902300025", "date"),
        ("110105203012310023", "110105203012310023", "date"),
        ("990105194912310021", "990105194912310021", "region"),
        ("无", None, None),
        (None, None, None),
    ],
)
def test_resident_ids(raw: str | None, number: str | None, problem: str | None) -> None:
    found = one(resident_ids(pd.Series([raw], dtype="str"), date(2025, 1, 1)))
    assert (found["id_number"], found["problem"]) == (number, problem)


def test_what_a_resident_id_says() -> None:
    found = one(resident_ids(pd.Series([GOOD])))
    assert (found["birth_date"], found["gender"], found["region"]) == (pd.Timestamp("1949-12-31"), "F", "110105")


@given(st.lists(st.tuples(st.dates(date(1900, 1, 1), date(2024, 12, 31)), st.integers(0, 999), st.sampled_from("0123456789X")), min_size=1))
@settings(max_examples=8, deadline=None)
def test_resident_ids_agree_with_an_independent_library(people: list[tuple[date, int, str]]) -> None:
    ids = [f"110105{born:%Y%m%d}{serial:03d}{last}" for born, serial, last in people]
    found = resident_ids(pd.Series(ids))
    assert found["problem"].isna().tolist() == [ric.is_valid(i) for i in ids]
    assert found["birth_date"].dt.date.tolist() == [ric.get_birth_date(i) for i in ids]


@pytest.mark.parametrize(
    ("raw", "number", "extension", "virtual", "service"),
    [
        ("+86 138-0000 1234", "13800001234", None, False, False),
        ("0086 13800001234", "13800001234", None, False, False),
        ("013800001234", "13800001234", None, False, False),
        ("17951 13800001234", "13800001234", None, False, False),
        ("１３８００００１２３４", "13800001234", None, False, False),
        ("13800001234/13900001234", "13800001234", None, False, False),
        ("13800001234 13900001234", "13800001234", None, False, False),
        ("023-6868 1234转801", "02368681234", "801", False, False),
        ("023-68681234-801", "02368681234", "801", False, False),
        ("(023)68681234 ext. 12", "02368681234", "12", False, False),
        ("+86 23 6868 1234", "02368681234", None, False, False),
        ("86-10-68681234", "01068681234", None, False, False),
        ("+86 (0)831 6868123", "08316868123", None, False, False),
        ("68681234", "68681234", None, False, False),
        ("17012345678", "17012345678", None, True, False),
        ("+86 162 1234 5678", "16212345678", None, True, False),
        ("400-820-8820", "4008208820", None, False, True),
        ("95518", "95518", None, False, True),
        ("10086", "10086", None, False, True),
        ("00000000", None, None, False, False),
        ("无", None, None, False, False),
        (None, None, None, False, False),
    ],
)
def test_phones(raw: str | None, number: str | None, extension: str | None, virtual: bool, service: bool) -> None:
    assert of(phones, raw) == {"number": number, "extension": extension, "virtual": virtual, "service": service}


def test_plain_phones_are_spelt_as_for_tokens() -> None:
    raw = pd.Series(["138 0000 1234", "+86 13800001234", "(023) 6868-1234", "95518", None])
    token = spelt(raw, lambda t: t.select("i", value=tokens.phone(t.value)))["value"]
    assert phones(raw)["number"].fillna("").tolist() == token.fillna("").tolist()


@pytest.mark.parametrize(
    ("raw", "core", "place", "branch", "department"),
    [
        ("重庆市渝中区人民医院", "人民医院", "重庆市渝中区", None, None),
        ("渝中区人民医院住院部", "人民医院", "渝中区", None, "住院部"),
        ("渝中人民医院", "人民医院", "渝中", None, None),
        ("重庆市中医院", "中医医院", "重庆市", None, None),
        ("重庆市中医医院渝北分院骨科", "中医医院", "重庆市", "渝北分院", "骨科"),
        ("华中医院", "华中医院", None, None, None),
        ("渝北区妇保院", "妇幼保健院", "渝北区", None, None),
        ("大渡口区跳磴镇卫生院", "卫生院", "大渡口区跳磴镇", None, None),
        ("和平社区卫生服务中心", "和平社区卫生服务中心", None, None, None),
        ("同济骨科医院", "同济骨科医院", None, None, None),
        ("平安保险重庆分公司", "平安保险", None, "重庆分公司", None),
        ("中国人保股份有限公司重庆市分公司渝中支公司", "中国人保", None, "重庆市分公司渝中支公司", None),
        ("重慶市江北區順達汽車維修有限公司第1分公司", "顺达汽车维修", "重庆市江北区", "第一分公司", None),
        ("太极集团重庆涪陵制药厂有限公司", "太极集团重庆涪陵制药", None, None, None),
        ("华为（重庆）科技有限责任公司", "华为科技", "重庆", None, None),
        ("长安汽车(集团)股份有限公司", "长安汽车", None, None, None),
        ("老百姓大药房(解放碑店)", "老百姓大药房", None, "解放碑店", None),
        ("永辉超市渝北门店", "永辉超市", None, "渝北门店", None),
        ("渝中区仁和100网店", "仁和100网店", "渝中区", None, None),
        ("张三餐饮店(个体工商户)", "张三餐饮店", None, None, None),
        ("川东第12建筑公司", "川东第十二建筑", None, None, None),
        ("重庆大学", "重庆大学", None, None, None),
        ("重庆银行", "重庆银行", None, None, None),
        ("Acme Co., Ltd.", "ACME", None, None, None),
        ("Foo  Trading Inc", "FOO TRADING", None, None, None),
        ("公司", "公司", None, None, None),
        (",./", None, None, None, None),
        ("暂无", None, None, None, None),
        (None, None, None, None, None),
    ],
)
def test_organisation_names(raw: str | None, core: str | None, place: str | None, branch: str | None, department: str | None) -> None:
    assert of(organisation_names, raw) == {"core": core, "place": place, "branch": branch, "department": department}


@pytest.mark.parametrize(
    "written_as",
    [
        (
            "重庆医科大学附属第一医院",
            "重医附一院",
            "重庆医科大学第一附属医院",
            "重慶醫科大學附屬第１醫院（金山院區）",
            "重庆市重医附一院急诊科",
        ),
        ("附属第一医院", "附一院", "第一附属医院", "附属1院", "第一附院"),
        ("西南医院", "陆军军医大学第一附属医院", "陆军军医大学第一附属医院(西南医院)", "第三军医大学西南医院"),
        ("重庆市第1人民医院", "重庆市第一人民医院", "重庆第一人民医院"),
        ("重庆市中医院", "重庆市中医医院", "重庆中医院"),
        ("重庆市中心医院", "重庆中心医院", "中心医院"),
    ],
    ids=lambda names: names[0],
)
def test_one_hospital_has_one_core(written_as: tuple[str, ...]) -> None:
    assert organisation_names(pd.Series(written_as))["core"].nunique() == 1


def test_an_abbreviated_hospital_is_contained_in_the_whole() -> None:
    whole, short = organisation_names(pd.Series(["重庆医科大学附属第一医院", "附一院"]))["core"]
    assert short in whole


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        ("1M8GDM9AXKP042788", None),
        ("1m8gdm9axkp-042788", None),
        ("1M8GDM9A1KP042788", "check_digit"),
        ("1M8GDM9AAKP042788", "check_digit"),
        ("11111111111111112", "check_digit"),
        ("WVWZZZ1JZXW000001", None),
        ("1M8GDM9AXKP04278", "length"),
        ("IM8GDM9AXKP042788", "characters"),
        (None, None),
    ],
)
def test_vin_problem(raw: str | None, problem: str | None) -> None:
    assert of(lambda v: vin_problem(v).to_frame(), raw)["problem"] == problem


@pytest.mark.parametrize(
    ("raw", "plate", "electric", "problem"),
    [
        ("渝A·12345", "渝A12345", False, None),
        ("渝a-d12345", "渝AD12345", True, None),
        ("渝A12345D", "渝A12345D", True, None),
        ("渝A1234警", "渝A1234警", False, None),
        ("粵Z 1234 港", "粤Z1234港", False, None),
        ("渝A1234I", "渝A1234I", False, "shape"),
        ("A12345", "A12345", False, "shape"),
        ("·无", None, False, None),
        (None, None, False, None),
    ],
)
def test_plates(raw: str | None, plate: str | None, electric: bool, problem: str | None) -> None:
    assert of(plates, raw) == {"plate": plate, "electric": electric, "problem": problem}


@given(st.lists(st.tuples(st.text(CREDIT, min_size=9, max_size=9), st.sampled_from(CREDIT)), min_size=1))
@settings(max_examples=8, deadline=None)
def test_credit_codes_agree_with_an_independent_library(parts: list[tuple[str, str]]) -> None:
    first = [f"91110000{body}" for body, _ in parts]
    codes = [f + last for f, (_, last) in zip(first, parts, strict=True)] + [f + uscc.calc_check_digit(f) for f in first]
    wrong = credit_codes(pd.Series(codes))["problem"]
    assert wrong.isna().tolist() == [uscc.calc_check_digit(c[:17]) == c[17] for c in codes]


def test_credit_code_problems() -> None:
    found = credit_codes(pd.Series(["91110000600037341l", "91110000600037341A", "9111000060003734IL", "9111", None]))
    assert found["problem"].fillna("").tolist() == ["", "check_digit", "characters", "length", ""]


PIECES = [
    "张", "三", "单", "曾", "欧阳", "長孫", "先生", "大夫", "Mr. ", "Ms", "dr ", "John", " ", "　", "·", ".", ",", "(", ")", "A", "ß",
    "某", "X", "*", "无", "重庆", "重庆市", "渝中区", "江北", "医院", "人民", "中医院", "附一院", "第1", "第十二", "附属", "市", "县",
    "镇", "公司", "有限", "集团", "(集团)", "厂", "店", "分公司", "分院", "院区", "急诊科", "住院部", "Co., Ltd", "Inc", "超市", "银行",
    "支行", "西南医院", "重医", "大学", "138", "00001234", "+86", "0086", "023", "68681234", "转801", "-", "/", "400", "0", "17951",
    "8", "86", "渝A", "1234", "警", "港", "d", "ab:cd", "6222",
]  # fmt: skip
MIXED = st.lists(
    st.one_of(st.none(), st.lists(st.sampled_from(PIECES), max_size=7).map("".join), st.text(max_size=8)), min_size=1, max_size=60
)
OWN: dict[Callable[..., pd.DataFrame], tuple[str, str]] = {
    person_names: ("name", "name sound surname given"),
    resident_ids: ("id_number", "id_number problem region gender"),
    phones: ("number", "number virtual service"),
    organisation_names: ("core", "core"),
    plates: ("plate", "plate electric problem"),
    credit_codes: ("code", "code problem"),
}
"""Function → the column that it may be given again, and what must then come out the same."""


@pytest.mark.parametrize("rule", OWN, ids=lambda f: f.__name__)
@given(values=MIXED)
@settings(max_examples=12, deadline=None)
def test_again_changes_nothing(rule: Callable[..., pd.DataFrame], values: list[str | None]) -> None:
    column, same = OWN[rule]
    once = rule(pd.Series(values, dtype="str"))
    pd.testing.assert_frame_equal(rule(once[column])[same.split()], once[same.split()])


@pytest.mark.parametrize("rule", OWN, ids=lambda f: f.__name__)
@given(values=MIXED, seed=st.integers(0, 99))
@settings(max_examples=8, deadline=None)
def test_order_and_company_change_nothing(rule: Callable[..., pd.DataFrame], values: list[str | None], seed: int) -> None:
    raw = pd.Series(values, dtype="str")
    kept = raw.copy()
    moved = np.random.default_rng(seed).permutation(len(raw))
    pd.testing.assert_frame_equal(rule(raw.iloc[moved]).sort_index(), rule(raw))
    pd.testing.assert_series_equal(raw, kept)


@pytest.mark.parametrize("rule", [getattr(normalise, name) for name in normalise.__all__], ids=lambda f: f.__name__)
def test_index_is_kept_and_arrays_and_nothing_are_welcome(rule: Callable[..., pd.DataFrame]) -> None:
    raw = ["张三", None, "渝A12345", "张三"]
    series = rule(pd.Series(raw, index=[7, 5, 3, 1]))
    assert series.index.tolist() == [7, 5, 3, 1]
    assert rule(pa.array(raw)).reset_index(drop=True).equals(series.reset_index(drop=True))
    assert len(rule(pa.chunked_array([raw, raw]))) == 8
    assert len(rule(pd.Series([], dtype="str"))) == 0
