"""Which organisations are one: by name and place, licence and credit code; branches and namesakes elsewhere stay apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from benchmarks.identities import link, records
from pipelines.resolve import training
from pipelines.resolve.designs import ORGANISATIONS
from pipelines.resolve.linking import comparable, connect
from pipelines.resolve.model import SKIPPED, TF, Model
from pipelines.simulate import simulate

COLUMNS = ("name", "id_number", "licence_no", "phone", "account", "address", "district")
CODES = ("91110000802100433B", "9111010570035942XT")
"""Two credit codes that pass their check."""
HOMES = ("重庆市渝中区友谊路1号", "重庆市渝中区大坪正街55号", "重庆市渝北区金开大道900号", "重庆市开州区云枫街道开州大道12号")


def body(name: str, district: str | None = "500103", kind: str = "hospital", **more: Any) -> dict[str, Any]:
    """A record: a hospital in 渝中 unless it says otherwise."""
    return {"name": name, "district": district, "kind": kind, **more}


CASES: dict[str, dict[str, dict[str, Any]]] = {
    "one hospital under many names": {
        "full": body("重庆医科大学附属第一医院", licence_no="PDY000001", phone="02389012345", address=HOMES[0]),
        "short": body("重医附一院", phone="02389012345", address=HOMES[0]),
        "department": body("重庆医科大学附属第一医院急诊科", licence_no="PDY000001"),
        "own short": body("重医大附一院", phone="02389012345", address=HOMES[0]),
    },
    "a former name": {
        "old": body("重庆市嘉陵机器厂职工医院", licence_no="PDY000002", id_number=CODES[0], phone="02367670000"),
        "new": body("重庆安泰骨科医院", licence_no="PDY000002", id_number=CODES[0]),
    },
    "branches of one group": {
        "head": body("重庆康宁医院", id_number=CODES[1], phone="02361110000", address=HOMES[0]),
        "a": body("重庆康宁医院（大坪院区）", id_number=CODES[1], phone="02361110000", address=HOMES[1]),
        "b": body("重庆康宁医院(礼嘉院区)", "500112", id_number=CODES[1], phone="02361110000", address=HOMES[2]),
        "b again": body("重庆康宁医院礼嘉分院", "500112", id_number=CODES[1], phone="02361110000", address=HOMES[2]),
    },
    "branches that do not say so": {
        "a": body("重庆博爱大药房有限公司", kind="shop", id_number="91500000MA5U0000XX", address=HOMES[1]),
        "b": body("重庆博爱大药房", "500112", kind="shop", id_number="91500000MA5U0000XX", address=HOMES[2]),
    },
    "village clinics of one name": {
        "a": body("康乐村卫生室", "500154", address="开州区临江镇康乐村1组", phone="02352220000"),
        "a again": body("临江镇康乐村卫生室", "500154", address="开州区临江镇康乐村1组", phone="02352220000"),
        "b": body("康乐村卫生室", "500112", address="重庆市渝北区大湾镇康乐村3组"),
    },
    "people's hospitals": {
        "yubei": body("重庆市渝北区人民医院", "500112"), "yubei again": body("渝北区人民医院", "500112", phone="02367810000"),
        "kaizhou": body("重庆市开州区人民医院", "500154"), "kaizhou again": body("开州人民医院", "500154", address=HOMES[3]),
    },
    "first and second": {
        "first": body("重庆仁济附属第一医院", phone="02360009999", address=HOMES[0]),
        "second": body("重庆仁济附属第二医院", phone="02360009999", address=HOMES[0]),
    },
    "two credit codes": {
        "a": body("重庆长安车之友汽车维修有限公司", kind="garage", id_number=CODES[0], phone="02360001111", address=HOMES[1]),
        "b": body("重庆长安车之友汽车维修有限公司", kind="garage", id_number=CODES[1], phone="02360001111", address=HOMES[1]),
    },
    "two licences": {
        "a": body("重庆惠民口腔诊所", licence_no="PDY000007", phone="02360002222"),
        "b": body("重庆惠民口腔诊所", licence_no="PDY000008", phone="02360002222"),
    },
    "kinds": {
        "clinic": body("重庆同仁", id_number=CODES[0], phone="02360003333"),
        "shop": body("重庆同仁", kind="shop", id_number=CODES[0], phone="02360003333"),
    },
    "bone and brain": {
        "bone": body("重庆康华骨科医院", address=HOMES[0]), "brain": body("重庆康华脑科医院", address=HOMES[0]),
        "typed": body("重庆康华骨斗医院", address=HOMES[0], licence_no="PDY000011"),
        "other": body("重庆康华骨科医院", address=HOMES[0], licence_no="PDY000011"),
    },
    "two towns": {
        "a": body("开州区临江镇卫生院", "500154", phone="02360005555"), "b": body("开州区大德镇卫生院", "500154", phone="02360005555"),
    },
    "by name only": {"a": body("重庆平安诊所", None), "b": body("平安诊所", None)},
    "one by code, one by address": {
        "a": body("重庆车盟汽车维修有限公司", "500112", "garage", address="重庆市渝北区龙溪街道红锦大道9号"),
        "b": body("重庆车盟汽车维修有限公司", "500112", "garage"), "c": body("车盟汽车维修厂", None, "garage", address="渝北区红锦大道9号"),
    },
    "place only by address": {
        "a": body("重庆车友汽修厂", None, "garage", phone="02360004444", address="重庆市渝北区龙溪街道红锦大道8号"),
        "b": body("重庆车友汽修", "500112", "garage", phone="02360004444", address="渝北区红锦大道8号"),
    },
}  # fmt: skip
GROUPS: dict[str, tuple[str, ...]] = {
    "one hospital under many names": ("full,short,department,own short",),
    "a former name": ("old,new",),
    "branches of one group": ("head", "a", "b,b again"),
    "branches that do not say so": ("a", "b"),
    "village clinics of one name": ("a,a again", "b"),
    "people's hospitals": ("yubei,yubei again", "kaizhou,kaizhou again"),
    "first and second": ("first", "second"),
    "two credit codes": ("a", "b"),
    "two licences": ("a", "b"),
    "kinds": ("clinic", "shop"),
    "bone and brain": ("bone,other,typed", "brain"),
    "two towns": ("a", "b"),
    "by name only": ("a", "b"),
    "one by code, one by address": ("a,b,c",),
    "place only by address": ("a,b",),
}
"""Case → its organisations."""


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> pd.Series:
    """Cluster of every record of the cases, linked with the organisations of a simulated book."""
    out: Path = tmp_path_factory.mktemp("book")
    simulate(9_000, 7, out, "parquet")
    rows = [{"party_id": f"{case}:{name}", **facts} for case, records in CASES.items() for name, facts in records.items()]
    added = pd.DataFrame(rows).assign(insurer="t").reindex(columns=["party_id", "kind", "insurer", *COLUMNS])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAMPLE", 100_000)
        clusters: pd.Series = link(pd.concat([records(out), added], ignore_index=True), natural=False)[2]
    return clusters


@pytest.mark.parametrize("case", GROUPS)
def test_the_organisations_of_a_case(found: pd.Series, case: str) -> None:
    own = found[found.index.str.startswith(f"{case}:")]
    made = {frozenset(i.removeprefix(f"{case}:") for i in rows) for rows in own.groupby(own).groups.values()}
    assert made == {frozenset(words.split(",")) for words in GROUPS[case]}


def test_records_of_two_branches_are_never_compared() -> None:
    with connect() as connection:
        model = Model(ORGANISATIONS, {}, {}, 0.1, {}, TF.empty_table(), SKIPPED.empty_table())
        for branches, wanted in ((("", "礼嘉院区"), False), (("礼嘉院区", "礼嘉院区"), True)):
            rows = pd.DataFrame({"kind": "hospital", "branch": branches})
            connection.register("two", rows)
            assert comparable(connection, model, "two") == wanted
