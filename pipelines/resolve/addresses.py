"""Chinese addresses taken apart: administrative prefix, road, number, building, unit, room, and the names of places that are left.

``parse`` works on distinct values: Python's ``re`` folds spellings, DuckDB takes the parts off one after another (``STEPS``, in order) and
weighs the character pairs by how rare they are in the addresses given. Nothing is learnt from labels, no gazetteer is needed.
"""

from __future__ import annotations

import re

import duckdb
import pandas as pd
import pyarrow as pa

from pipelines.normalise import FULL_WIDTH, HALF_WIDTH

LONGEST = 150
"""Characters of an address that are looked at."""
COUNTERS = "号|栋|幢|座|楼|层|单元|室|房|组|社|期|区|弄|排|门"
DIGITS = {c: i for i, c in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
PROVINCES = (
    "北京|上海|天津|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    "内蒙古|广西|西藏|宁夏|新疆|香港|澳门"
)
CHONGQING = (
    "万州|涪陵|渝中|大渡口|江北|沙坪坝|九龙坡|南岸|北碚|綦江|大足|渝北|巴南|黔江|长寿|江津|合川|永川|南川|璧山|铜梁|潼南|荣昌|开州|梁平|武隆|"
    "城口|丰都|垫江|忠县|云阳|奉节|巫山|巫溪|石柱|秀山|酉阳|彭水"
)
"""Districts that clerks write without 区 or 县."""
NAME = "[^0-9A-Z()路街区县镇乡村号与弄]"
NO_DISTRICT = "小社园校厂库景片院街业宅务苑墅东西南北中0-9A-Z"
"""小区, 社区, 园区, 东区 ... are places or parts of one, not districts."""
WAYS = "大道|公路|路|街|巷|胡同|国道|省道|县道|乡道"
ROAD = f"[^0-9()路街号米与和 |]{{1,6}}?(?:{WAYS})"
MEETING = "交叉口|交叉处|交汇处|交会处"
DIRECTION = r"(?:[往向]?[东西南北]{1,2}[行侧]?|[往向][上下里])[0-9]+米(?:路[东西南北]|[东西南北]侧)?"
FACILITY = "(门|停车场|停车楼|停车库|宿舍|公厕|物业|居委会?|充电站|公交站|地铁站|警务室|卫生室|门岗|出入口|出口|入口)$"
"""What stands at an estate or company and is not the estate: its gate, its car park."""

FOLDS = tuple(
    (re.compile(pattern), by)
    for pattern, by in (
        (r"[\s,，。;；、·:：]+", ""),
        ("街道办事处|街道办", "街道"),
        (r"(?<=[0-9A-Z])(?:#楼|号楼|幢|座)", "栋"),
        (r"(?<=[0-9])#", "号"),
        (r"(?<![0-9-])([0-9]+)-([0-9]+)-([0-9]{3,4})(?:号|室|房)?$", r"\1号\2栋\3室"),
        (r"(号|栋|单元)-?([0-9]{1,2})-([0-9]{1,2})(?:室|房|号)?$", r"\1\2\3室"),
        (r"(号|栋|单元)-?([0-9]{3,4})(?:室|房|号)?$", r"\1\2室"),
        (r"(单元)([0-9]{2})$", r"\1\2室"),
        (r"(?<=[0-9])房", "室"),
    )
)
"""One spelling for words that say the same."""
STEPS = (
    ("province", rf"^(?:中国)?({PROVINCES})(?:省|市|(?:壮族|回族|维吾尔)?自治区|特别行政区|([^路街东西南北中大市省]))", r"\2"),
    ("city", rf"^({NAME}{{1,7}}?)(?:市|自治州|地区|盟)", ""),
    (
        "district",
        rf"^((?:{CHONGQING})(?:土家族|苗族)*(?:自治县|区|县)|{NAME}{{1,7}}?(?:[^{NO_DISTRICT}]区|县|市|旗))",
        "",
    ),
    ("short", rf"^({CHONGQING})([^路街大道东西南北中站机区县])", r"\2"),
    ("town", r"^([^0-9A-Z()路街区]{1,6}?路?)(?:街道|办事处|镇|乡|苏木)", ""),
    ("town2", r"^([^0-9A-Z()路街区]{1,6}?路?)(?:街道|镇|乡)", ""),
    ("tail", r"^(.*)$", r"\1"),
    ("note", r"\(([^()]*)\)?", " "),
    (
        "beside",
        rf"((?:与[^0-9()路街]{{1,6}}(?:大道|路|街))?(?:{MEETING}|路口|附近|对面)?{DIRECTION}|{MEETING}|(?:附近|对面))",
        " ",
    ),
    ("building", r"([0-9]+[A-Z]?|[A-Z][0-9]*)栋", " "),
    ("lane_building", r"弄([0-9]+)号", "弄 "),
    ("unit", r"([0-9]+|[A-Z])(?:单元|门)", " "),
    ("floor", r"([0-9]+)(?:楼|层|F)", " "),
    ("room", r"([0-9]+[A-Z]?)室", " "),
    ("zone", r"([0-9]+(?:期|区)|[A-Z][0-9]*区|[东西南北中]区)", " "),
    ("team", r"([0-9]+)[组社]", " "),
)
"""Column, what is taken (its first group), what is left in its place."""
STEM = "^(.{2,}?)(?:[^族]{1,4}族)*(?:自治[县旗]|[区县市旗])$"
NUMBER = r"\|[与和 ]*([0-9]+(?:[-之附][0-9]+)*)(?:号院|号|弄)?|([0-9]+(?:[-之附][0-9]+)*)(?:号院|号|弄)"
HOUSE = r"^(?:\([^()]*\)|[0-9A-Z]+[期区]|[0-9]+[组社])*([0-9]+(?:[-之附][0-9]+)*)(?:号院|号|弄)"
"""The number right behind a name, as a village house has it."""
PARTS = ("province", "city", "district", "town", "road", "number", "house", "building", "unit", "floor", "room", "zone", "team")
TEXTS = (*PARTS, "place", "note", "beside", "listed", "finest")
CODES = ("grams", "core")
WORDS = pa.schema([("gram", pa.int64()), ("weight", pa.int64())])
"""Weights by gram; kept from one night to the next in the link model."""
OTHER = -1
"""In place of a gram: every other one."""


def parse(values: pd.Series, words: pa.Table | None = None) -> pd.DataFrame:
    """The parts of addresses, and what ``compare.address_similarity`` needs.

    Parameters
    ----------
    values : Series of str
        Addresses as written, or as ``normalise.address`` leaves them; may repeat and may be null.
    words : pyarrow Table, optional
        Weights by gram (``WORDS``), see :func:`rarity`. Without them they come from the distinct values given, so addresses that are to be
        compared belong in one call.

    Returns
    -------
    DataFrame
        Index of ``values``; province, city, district, town, road, number, house (the number where it follows the last name), building,
        unit, floor, room, zone (3期, B区), team (组, 社), place (names left, in order), note (in brackets), beside (路口,
        西南200米), listed (the district again where it is one of Chongqing's, which are all known here), finest (the finest thing named:
        place, building, number, crossing, road or town), all ``""`` where absent; facility (bool: a gate or car park of the place); grams
        and core (arrays of int64: 65536 x hash + weight), weight and core_weight (their sums of weights). Grams are the pairs of
        characters, a number being one character, of the address without its province and without 市, 区, 街道 after the names that
        follow; core those of its last name.

    Examples
    --------
    >>> parse(pd.Series(["重庆市渝北区解放路12号1203室"]))[["district", "road", "number", "room"]].iloc[0].tolist()
    ['渝北', '解放路', '12', '1203']
    """
    distinct = pd.Series(values.dropna().unique(), dtype="str")
    with duckdb.connect() as connection:
        connection.register("folded", pd.DataFrame({"id": distinct.index, "text": fold(distinct)}))
        connection.execute(f"CREATE TABLE parsed AS {_parts()}")
        connection.execute(f"CREATE TABLE pairs AS {_pairs()}")
        connection.register("words", words if words is not None else WORDS.empty_table())
        found = connection.execute(_weighed(TONIGHT if words is None else GIVEN)).df().set_index("id")
    known = found.set_axis(distinct.loc[found.index], axis=0)
    return _blank(known.reindex(values)).set_axis(values.index, axis=0)


def rarity(connection: duckdb.DuckDBPyConnection, forms: str) -> pa.Table:
    """Weights of the grams of a table with ``address_grams``, for :func:`parse`; those that weigh most stand together as ``OTHER``."""
    codes = f"SELECT DISTINCT unnest(address_grams) AS code FROM {forms}"
    weights = f"SELECT code // 65536 AS gram, code % 65536 AS weight FROM ({codes})"
    return connection.sql(
        f"WITH weights AS ({weights}), most AS (SELECT coalesce(max(weight), 1) AS weight FROM weights) "
        f"SELECT {OTHER}::BIGINT AS gram, weight::BIGINT AS weight FROM most "
        "UNION ALL SELECT gram, weight FROM weights WHERE weight < (SELECT weight FROM most) ORDER BY gram"
    ).to_arrow_table()


def fold(values: pd.Series) -> pd.Series:
    """One spelling: half width, upper case, no white space or commas, counted Chinese numerals as digits, one word for 栋, 幢, 座."""
    narrow = values.str.slice(0, LONGEST).str.translate(str.maketrans(FULL_WIDTH + "【】", HALF_WIDTH + "()")).str.upper()
    text = narrow.str.replace(re.compile(f"[一二三四五六七八九十零〇两]+(?={COUNTERS})"), _numeral, regex=True)
    for pattern, by in FOLDS:
        text = text.str.replace(pattern, by, regex=True)
    return text


def _numeral(match: re.Match[str]) -> str:
    tens, ten, ones = match.group().partition("十")
    if not ten:
        return "".join(str(DIGITS[c]) for c in tens)
    if len(tens) > 1 or len(ones) > 1 or ones == "十":
        return match.group()
    return str((DIGITS[tens] if tens else 1) * 10 + (DIGITS[ones] if ones else 0))


def _parts() -> str:
    """A query over ``folded`` (id, text) with a column for every step, ``words``, ``core_text`` and ``finest``."""
    query = "SELECT id, text, text AS rest FROM folded"
    for column, pattern, left in STEPS:
        query = f"""SELECT * EXCLUDE rest, regexp_extract(rest, '{pattern}', 1) AS {column},
            regexp_replace(rest, '{pattern}', '{left}', 'g') AS rest FROM ({query})"""
    query = f"""SELECT * EXCLUDE rest, regexp_extract_all(rest, '{ROAD}') AS roads, regexp_replace(rest, '{ROAD}', '|', 'g') AS rest
        FROM ({query})"""
    query = f"""SELECT * EXCLUDE (rest, building, district, lane_building),
            building || CASE WHEN building = '' THEN lane_building ELSE '' END AS building,
            regexp_replace(district || CASE WHEN district = '' THEN short ELSE '' END, '{STEM}', '\\1') AS district,
            regexp_extract(rest, '{NUMBER}', 1) || regexp_extract(rest, '{NUMBER}', 2) AS number,
            list_filter(regexp_split_to_array(regexp_replace(rest, '{NUMBER}', '|', 'g'), '[ |与和]+'), lambda w: len(w) > 1) AS words
        FROM ({query})"""
    behind = f"list_transform(string_split(text, words[-1])[2:], lambda t: regexp_extract(t, '{HOUSE}', 1))"
    return f"""SELECT *, CASE WHEN list_contains({behind}, number) THEN number ELSE '' END AS house,
        city || district || town || town2 || tail AS body,
        coalesce(words[-1], roads[-1], nullif(town, ''), body) AS core_text,
        regexp_matches(note, '{FACILITY}') OR regexp_matches(coalesce(words[-1], ''), '{FACILITY}') AS facility,
        CASE WHEN len(words) > 0 THEN 'place' WHEN building <> '' THEN 'building' WHEN number <> '' THEN 'number'
            WHEN len(roads) > 1 OR regexp_matches(beside, '{MEETING}') THEN 'crossing' WHEN len(roads) > 0 THEN 'road'
            ELSE 'town' END AS finest
        FROM ({query})"""


def _pairs() -> str:
    """One row per address and pair of neighbouring characters, a run of digits or letters being one character."""

    def of(text: str, core: bool) -> str:
        tokens = f"regexp_extract_all({text}, '[0-9]+|[A-Z]+|[^0-9A-Z]')"
        neighbours = "list_transform(t[:-2], lambda w, i: w || t[i + 1])"
        return f"""SELECT id, {core} AS in_core, unnest(CASE WHEN len(t) < 2 THEN t ELSE {neighbours} END) AS gram
            FROM (SELECT id, {tokens} AS t FROM parsed)"""

    both = f"{of('''regexp_replace(body, '[0-9]+米', '', 'g')''', False)} UNION ALL {of('core_text', True)}"
    # A code is kept from night to night, so it is no engine's hash; md5 is slow, hence of distinct grams.
    codes = "SELECT text, md5_number_lower(text) >> 32 AS gram FROM (SELECT DISTINCT gram AS text FROM found)"
    return f"""WITH found AS MATERIALIZED ({both}), codes AS ({codes})
        SELECT id, codes.gram::BIGINT AS gram, bool_or(in_core) AS in_core FROM found JOIN codes ON text = found.gram GROUP BY ALL"""


TONIGHT = "SELECT gram, greatest(1, round(16 * ln((SELECT count(*) FROM parsed) / count(*))))::BIGINT AS weight FROM pairs GROUP BY gram"
"""The weight of a gram is 16 x ln(addresses / addresses with it), at least 1."""
GIVEN = f"""SELECT gram, coalesce(weight, (SELECT weight FROM words WHERE gram = {OTHER}), 1) AS weight
    FROM (SELECT DISTINCT gram FROM pairs) LEFT JOIN words USING (gram)"""


def _weighed(weights: str) -> str:
    """``parsed`` with its grams as codes."""
    return f"""
        WITH weights AS (
            SELECT gram, gram * 65536 + weight AS code FROM ({weights})
        ), codes AS (
            SELECT id, list(code ORDER BY code) AS grams, coalesce(list(code ORDER BY code) FILTER (in_core), []) AS core
            FROM pairs JOIN weights USING (gram) GROUP BY id
        )
        SELECT id, province, city, district, town || town2 AS town, list_aggregate(roads, 'string_agg', ' ') AS road, number, house,
            building, unit, floor, room, zone, team, list_aggregate(words, 'string_agg', ' ') AS place, note, beside,
            CASE WHEN regexp_full_match(district, '{CHONGQING}') THEN district ELSE '' END AS listed, finest, facility, grams, core,
            (list_sum(grams) % 65536)::INT AS weight, (list_sum(core) % 65536)::INT AS core_weight
        FROM parsed LEFT JOIN codes USING (id)"""


def _blank(parsed: pd.DataFrame) -> pd.DataFrame:
    """Texts ``""``, lists empty and weights 0 where there is nothing."""
    filled = parsed.fillna({**dict.fromkeys(TEXTS, ""), "facility": False, "weight": 0, "core_weight": 0})
    filled[list(CODES)] = filled[list(CODES)].map(lambda codes: codes if hasattr(codes, "__len__") else [])
    return filled.astype({"facility": bool, "weight": int, "core_weight": int})
