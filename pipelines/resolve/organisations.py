"""Names of organisations taken apart: what it is called, where it is, which branch and which department of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pandas as pd

from pipelines import normalise
from pipelines.resolve.distinct import HAN, apart, by_distinct, joined, nulled, simplified, squeezed

COLUMNS = ("core", "place", "branch", "department")
ROUNDS = 8
"""A name is taken apart until nothing more comes off; real ones need two."""

_H = f"[{HAN}]"
_N = "[一二三四五六七八九十]"
_PROVINCE = (
    "(?:内蒙古(?:自治区)?|广西(?:壮族自治区)?|西藏(?:自治区)?|宁夏(?:回族自治区)?|新疆(?:维吾尔自治区)?|(?:香港|澳门)(?:特别行政区)?"
    "|(?:重庆|北京|上海|天津)市?|(?:河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西"
    "|甘肃|青海|台湾)省?)"
)
_CHONGQING = (
    "(?:万州|涪陵|渝中|大渡口|江北|沙坪坝|九龙坡|南岸|北碚|渝北|巴南|綦江|大足|黔江|长寿|江津|合川|永川|南川|璧山|铜梁|潼南|荣昌|开州|梁平"
    "|武隆|城口|丰都|垫江|忠县|云阳|奉节|巫山|巫溪|石柱|秀山|酉阳|彭水|两江)"
)
_PLAIN = f"(?:(?!医院|公司|大学|学院|中心|银行|集团|超市|门市|城市){_H})"
_CITY = f"{_PLAIN}{{2,6}}?(?:市(?![场政民容])|自治州|地区)"
_DISTRICT = f"{_PLAIN}{{1,6}}?(?:(?<![社小院校园片库景厂矿病])区(?![域间块])|县|自治旗|[前后左右中]旗)"
_TOWN = f"{_PLAIN}{{1,5}}?(?:镇|乡|街道)(?=.*(?:卫生|医院))"
_OWN = "(?!(?:医科|师范|理工|科技|工业|工商|交通|中医药|农业|财经|医药)*大学|银行|农商|农村商业)"
"""A university or a bank has its province in its name: it is what it is called, not where it is."""

PLACE = f"(?:{_PROVINCE}{_OWN}|{_CITY}|{_DISTRICT}|{_TOWN}|{_CHONGQING}(?=(?:第{_N}+)?(?:人民|中医|妇幼|中心|疾病)))"
HOSPITAL = "(?:医院|卫生院|保健院|防治院|疗养院|服务中心|诊所)"
_WARD = "(?:住院部|门诊部?|急诊部?|体检部|科|科室|室|病区|病房|护理站|中心|ICU)"
_SHOP = "(?:门店|分店|专卖店|旗舰店|店)"
_OFFICE = "(?:分公司|支公司|子公司|分店|门店|店|分厂|分院|分部|营业部|服务部|项目部|办事处|分行|支行|分理处|工作站|服务站)"

PARTS: tuple[tuple[str, str], ...] = (
    (
        "department",
        rf"^(?P<before>.{{2,}}(?:{HOSPITAL}|分院|院区|分部|院部))\(?(?P<part>(?:(?!院区|分院|医院).){{0,8}}{_WARD})\)?(?P<after>)$",
    ),
    ("branch", rf"^(?P<before>.{{2,}}?)\((?P<part>[^()]*(?:{_OFFICE}|院区|院部|本部|总院|总店|总部))\)(?P<after>)$"),
    ("branch", rf"^(?P<before>.{{2,}}{HOSPITAL})(?P<part>(?:(?!医院).){{1,8}}(?:分院|院区|分部|院部|总院))(?P<after>)$"),
    ("branch", rf"^(?P<before>.{{2,}}?(?<![分支子])公司)(?P<part>.+{_OFFICE})(?P<after>)$"),
    ("branch", r"^(?P<before>.{2,}?银行)(?P<part>.+(?:分行|支行|分理处|营业部|营业所))(?P<after>)$"),
    ("branch", rf"^(?P<before>.{{1,}}?(?:药房|药店|超市|百货|酒店|连锁|商场))(?P<part>.{{1,8}}{_SHOP})(?P<after>)$"),
    ("branch", rf"^(?P<before>.{{2,}}?)(?P<part>(?:{PLACE}|{_PROVINCE}|{_CHONGQING}|第{_N}+)(?:中心)?(?:分|支)公司)(?P<after>)$"),
    ("branch", rf"^(?P<before>.{{2,}}?)(?P<part>第{_N}+(?:分公司|分店|门店|分厂|分院))(?P<after>)$"),
    ("place", rf"^(?P<before>)(?P<part>{PLACE}+)(?P<after>.{{2,}})$"),
    ("place", rf"^(?P<before>.*)\((?P<part>{PLACE}+|{_CHONGQING}|中国)\)(?P<after>.*)$"),
)
"""What comes off a name, in this order: column and pattern; what stands before and after the part stays."""

_NUMERAL = "零一二三四五六七八九"
_LEGAL = "有限责任公司|股份有限公司|股份公司|有限公司|集团公司|总公司|公司|集团|股份|个体工商户|特殊普通合伙|普通合伙|有限合伙|厂"
_ENGLISH = "CO LTD|COMPANY LIMITED|CO LIMITED|CORPORATION|COMPANY|LIMITED|CORP|CO|LTD|INC|LLC|PLC|GMBH"
_ARMY = "陆军军医大学附属第"
SPELLINGS: tuple[tuple[str, str | Callable[[re.Match[str]], str]], ...] = (
    (r"[.,。、;:\"'“”‘’《》【】\[\]]+", " "),
    (rf"(?<={_H}) +| +(?={_H})", ""),
    (r"(?<=第)0*([1-9]\d?)(?!\d)|(?<=附属)([1-9])(?=医?院)|(?<=附)([1-9])(?=医?院)", lambda m: _chinese(int(m[1] or m[2] or m[3]))),
    (r"\((?:西南|新桥)医院\)", ""),
    (r"第三军医大学|三军医大(?!学)|三医大(?!学)|陆军军医大(?!学)", "陆军军医大学"),
    (r"^((?:重庆市?)?(?:沙坪坝区?)?)(?:陆军军医大学)?西南医院", rf"\1{_ARMY}一医院"),
    (r"^((?:重庆市?)?(?:沙坪坝区?)?)(?:陆军军医大学)?新桥医院", rf"\1{_ARMY}二医院"),
    (r"重医(?=附|第|大学附)|重庆医大(?!学)", "重庆医科大学"),
    (rf"附(?:属)?第?({_N}{{1,3}})医?院|第?({_N}{{1,3}})附属?医?院", lambda m: f"附属第{m[1] or m[2]}医院"),
    (r"附院(?!区)", "附属医院"),
    (rf"(?<=[市区县])({_N})医?院(?!区)", r"第\1医院"),
    (rf"第({_N}{{1,3}})院(?!区)", r"第\1医院"),
    (rf"(?<![第一二三四五六七八九十])({_N})(?=人民医院)", r"第\1"),
    (r"人医$", "人民医院"),
    (r"(?<![华集空])中医院", "中医医院"),
    (r"妇保院|妇幼院|妇幼医院", "妇幼保健院"),
    (r"\((?:集团|个体工商户|特殊普通合伙|普通合伙|有限合伙|本部|总院)\)", ""),
)
"""Spellings of one thing made one, in this order."""
_SPELLINGS = tuple((re.compile(f"(?m){pattern}"), instead) for pattern, instead in SPELLINGS)
_SUFFIX = re.compile(rf"(?m)(?<=^..)(.*?)(?:(?:(?<![分支子])(?:{_LEGAL}))+|(?:(?: |(?<={_H}))(?:{_ENGLISH}))+)$")
_NOTHING = re.compile(f"(?m){normalise.EMPTY}")


def organisation_names(values: Any) -> pd.DataFrame:
    """Names of organisations as they are compared.

    Parameters
    ----------
    values : pandas Series or pyarrow array of strings
        As written, nulls among them.

    Returns
    -------
    pandas.DataFrame
        core (simplified, numbered in characters, without legal form), place (region in front or in brackets), branch (分公司, 分院, 门店)
        and department (of a hospital: 住院部, 急诊科), on the index of ``values``.

    Notes
    -----
    A core without its place is shared by many (人民医院): whoever compares cores compares places too.
    """
    return by_distinct(values, _organisations)


def _organisations(distinct: pd.Series[str]) -> pd.DataFrame:
    """Rounds over those names from which something came off in the round before."""
    text = apart(_NOTHING.sub("", simplified(joined(distinct)))).fillna("")
    whole = _round(text)
    changed = whole["core"] != text
    for _ in range(ROUNDS):
        if not changed.any():
            break
        now = whole["core"][changed]
        whole.loc[changed] = _together(whole[changed], _round(now))
        changed &= whole["core"].ne(now).reindex(whole.index, fill_value=False)
    whole["core"] = whole["core"].str.replace(_NOTHING, "", regex=True)
    return whole.apply(nulled)


def _together(earlier: pd.DataFrame, later: pd.DataFrame) -> pd.DataFrame:
    """Places come off in front, so later ones follow; branches and departments come off behind, so later ones precede."""
    return pd.DataFrame(
        {
            "core": later["core"],
            "place": earlier["place"] + later["place"],
            "branch": later["branch"] + earlier["branch"],
            "department": later["department"] + earlier["department"],
        }
    )


def _round(core: pd.Series[str]) -> pd.DataFrame:
    """One spelling, then every kind of part off once, then the legal form."""
    core = _spelled(core)
    whole = pd.DataFrame("", index=core.index, columns=list(COLUMNS), dtype="str")
    for column, pattern in PARTS:
        found = core.str.extract(pattern)
        hit = found["part"].notna()
        whole[column] = whole[column].mask(hit, found["part"] if column == "place" else found["part"] + whole[column])
        core = core.mask(hit, found["before"] + found["after"])
    return whole.assign(core=_formless(core))


def _spelled(core: pd.Series[str]) -> pd.Series[str]:
    text = "\n".join(core)
    for pattern, instead in _SPELLINGS:
        text = pattern.sub(instead, text)
    return pd.Series(squeezed(text).split("\n"), index=core.index, dtype="str")


def _formless(core: pd.Series[str]) -> pd.Series[str]:
    """Without legal form and without brackets, if two characters are left."""
    text = _SUFFIX.sub(r"\1", "\n".join(core.str.replace("[()]", "", regex=True)))
    return pd.Series(squeezed(text).split("\n"), index=core.index, dtype="str")


def _chinese(number: int) -> str:
    """A number below a hundred in characters."""
    tens, ones = divmod(number, 10)
    first = "" if tens == 0 else f"{_NUMERAL[tens] if tens > 1 else ''}十"
    return first + (_NUMERAL[ones] if ones else "")
