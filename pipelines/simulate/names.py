"""Made-up Chinese names: common surnames and given-name characters, as integer codes that only delivery turns into text."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from pipelines.simulate.columns import Ints
from pipelines.simulate.world import NAMES

SURNAMES = np.array(list(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林高罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任沈姚卢姜崔钟谭陆汪范金石廖贾夏韦付方白邹孟熊秦邱江尹薛闫段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔向汤"
))  # fmt: skip
GIVEN = np.array(["", *(
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文斌辉玲梅鹏飞波燕宇浩凯健俊帆雪琳晶欣婷怡佳慧颖倩莉萍洁璐瑶琪"
    "彤妍薇菲茜蕾瑞祥福贵荣昌德成志诚信义仁礼智忠孝云龙海山川江河春夏秋冬东南西北天地星月阳光晨曦清泉松柏林森木石金银铁宝珍珠"
    "翠碧青蓝紫丹彩霖雨露霜雯思念恩爱家园庆安康宁乐喜悦欢畅达通顺利胜嘉良善美佩君立正直维永长久远高升学书画琴棋诗词章武斐博渊"
    "源泽润涵沛洪"
)])  # fmt: skip
HOMOPHONES = ["伟薇维"]
WORDS = ("仁和", "康宁", "安泰", "惠民", "同济", "博爱", "永和", "瑞康", "华泰", "顺达", "鑫源", "宏远", "嘉陵", "巴渝", "金山", "长江")
SUFFIX = {
    "hospital": "医院", "garage": "汽车维修厂", "employer": "建筑劳务有限公司", "shop": "网店", "agency": "保险代理有限公司",
    "appraiser": "司法鉴定所", "lawyer": "律师事务所", "proxy": "咨询服务部",
}  # fmt: skip


def draw(rng: np.random.Generator, n: int, surname: ArrayLike | None = None) -> Ints:
    """``n`` personal name codes; ``surname`` (index array) for those of one family."""
    share = 1 / (np.arange(len(SURNAMES)) + 6.0)
    family = rng.choice(len(SURNAMES), n, p=share / share.sum()) if surname is None else np.asarray(surname)
    second = np.where(rng.random(n) < 0.18, 0, rng.integers(1, len(GIVEN), n))
    return family * 1_000_000 + rng.integers(1, len(GIVEN), n) * 1000 + second


def surname_of(codes: Ints) -> Ints:
    """Index of the surname in a name code."""
    return codes // 1_000_000


def people(codes: Ints) -> NDArray[np.str_]:
    """Names of persons, surname first."""
    parts = SURNAMES[codes // 1_000_000], GIVEN[codes // 1000 % 1000], GIVEN[codes % 1000]
    return np.strings.add(np.strings.add(parts[0], parts[1]), parts[2])


def organisations(kind: str, codes: Ints, districts: Ints) -> NDArray[np.str_]:
    """Names of organisations: district, a word, a number, what it is."""
    place, word = np.array(NAMES)[districts], np.array(WORDS)[codes % len(WORDS)]
    number = (codes // 16 % 900 + 100).astype("U3")
    return np.strings.add(np.strings.add(place, word), np.strings.add(number, SUFFIX.get(kind, "")))


def homophone(names: NDArray[np.str_]) -> NDArray[np.str_]:
    """The same names with every character swapped for one that sounds alike, where there is one."""
    table = {ord(a): b for group in HOMOPHONES for a, b in zip(group, group[1:] + group[0], strict=True)}
    return np.asarray(pd.Series(names, dtype="object").str.translate(table), dtype="str")
