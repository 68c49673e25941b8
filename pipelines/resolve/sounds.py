"""How a name sounds: one character per syllable without tone, so that one syllable apart is one edit apart."""

from __future__ import annotations

import re

from pipelines.resolve.distinct import HAN

_LISTED = """
    a ai an ang ao ba bai ban bang bao bei ben beng bi bian biang biao bie bin bing bo bong bu ca cai can cang cao ce cei cen ceng cha
    chai chan chang chao che chen cheng chi chong chou chu chua chuai chuan chuang chui chun chuo ci cong cou cu cuan cui cun cuo da dai
    dan dang dao de dei den deng di dia dian diao die din ding diu dong dou du duan dui dun duo e ei en eng er fa fan fang fei fen feng
    fiao fo fou fu ga gai gan gang gao ge gei gen geng gong gou gu gua guai guan guang gui gun guo ha hai han hang hao he hei hen heng hm
    hng hong hou hu hua huai huan huang hui hun huo ji jia jian jiang jiao jie jin jing jiong jiu ju juan jue jun ka kai kan kang kao ke
    kei ken keng kong kou ku kua kuai kuan kuang kui kun kuo la lai lan lang lao le lei len leng li lia lian liang liao lie lin ling liu
    lo long lou lu luan lun luo lv lve m ma mai man mang mao me mei men meng mi mian miao mie min ming miu mo mou mu n na nai nan nang nao
    ne nei nen neng ng ni nia nian niang niao nie nin ning niu nong nou nu nuan nun nuo nv nve o ou pa pai pan pang pao pei pen peng pi
    pian piao pie pin ping po pou pu qi qia qian qiang qiao qie qin qing qiong qiu qu quan que qun ran rang rao re ren reng ri rong rou ru
    rua ruan rui run ruo sa sai san sang sao se sen seng sha shai shan shang shao she shei shen sheng shi shou shu shua shuai shuan shuang
    shui shun shuo si song sou su suan sui sun suo ta tai tan tang tao te tei teng ti tian tiao tie ting tong tou tu tuan tui tun tuo wa
    wai wan wang wei wen weng wo wong wu xi xia xian xiang xiao xie xin xing xiong xiu xu xuan xue xun ya yan yang yao ye yi yin ying yo
    yong you yu yuan yue yun za zai zan zang zao ze zei zen zeng zha zhai zhan zhang zhao zhe zhei zhen zheng zhi zhong zhou zhu zhua
    zhuai zhuan zhuang zhui zhun zhuo zi zong zou zu zuan zui zun zuo
"""
SYLLABLES = tuple(_LISTED.split())
"""Every syllable of Mandarin, sorted and fixed: the n-th is written U+E000 + n, in every run and every version of the dictionary."""
WRITTEN = {syllable: chr(0xE000 + n) for n, syllable in enumerate(SYLLABLES)}

_TWO = """
    欧阳 司马 诸葛 上官 夏侯 皇甫 尉迟 公孙 慕容 令狐 司徒 司空 东方 南宫 西门 宇文 长孙 万俟 单于 轩辕 端木 闻人 呼延 百里
    东郭 赫连 澹台 公冶 宗政 濮阳 淳于 太叔 申屠 仲孙 钟离 鲜于 闾丘 亓官 司寇 拓跋 夹谷 宰父 谷梁 段干 南门 第五 独孤 纳兰
    完颜 叶赫 耶律 左丘 梁丘 公羊 即墨 达奚
"""
COMPOUND = tuple(_TWO.split())
"""Surnames of two characters."""

SPOKEN = {
    "单": "shan", "曾": "zeng", "解": "xie", "仇": "qiu", "区": "ou", "朴": "piao", "查": "zha", "任": "ren", "盖": "ge", "乐": "yue",
    "翟": "zhai", "华": "hua", "覃": "qin", "缪": "miao", "员": "yun", "那": "na", "洗": "xian", "冼": "xian", "宓": "mi", "逄": "pang",
    "黑": "he", "尹": "yin", "隗": "wei", "种": "chong", "祭": "zhai", "折": "she", "召": "shao", "郇": "xun", "郗": "xi", "谌": "chen",
    "晁": "chao", "薄": "bo", "柏": "bai", "都": "du", "过": "guo", "繁": "po", "句": "gou", "么": "yao", "秘": "bi", "撒": "sa",
    "眭": "sui", "乜": "nie", "莘": "shen", "仝": "tong", "佘": "she", "阙": "que", "能": "nai", "宿": "su", "占": "zhan", "贲": "ben",
    "粘": "nian", "牟": "mou", "葛": "ge", "燕": "yan", "应": "ying", "纪": "ji", "宁": "ning", "哈": "ha", "瞿": "qu", "车": "che",
    "石": "shi", "贾": "jia", "尉": "wei", "万": "wan", "盛": "sheng",
    "尉迟": "yu chi", "万俟": "mo qi", "长孙": "zhang sun", "单于": "chan yu", "令狐": "ling hu", "澹台": "tan tai", "宰父": "zai fu",
    "亓官": "qi guan", "夹谷": "jia gu", "鲜于": "xian yu", "闾丘": "lv qiu", "拓跋": "tuo ba", "呼延": "hu yan", "南宫": "nan gong",
}  # fmt: skip
"""Surnames that are, or may be, read otherwise than the same characters elsewhere; the dictionary knows no surnames."""

PERSON = re.compile(rf"(?m)^(?=[{HAN}]{{1,4}}$)(?P<surname>{'|'.join(COMPOUND)}|.)(?P<given>.*)$")
"""A Chinese name has a surname in front and up to four characters; longer ones are those of minorities, whose first is no surname."""
_READ = "|".join(sorted({*SPOKEN} - {"单"}, key=len, reverse=True))
_SURNAME = re.compile(rf"(?m)^(?=[{HAN}]{{1,4}}$)(?:{_READ}|单(?![增珍]))")
"""单增 and 单珍 are Tibetan, and no surname."""
_CHARACTER = re.compile(f"[{HAN}]")


def sounds(text: str) -> str:
    """The sound of each line of normalised names.

    Parameters
    ----------
    text : str
        Names as lines, in simplified characters and without spaces where they are Chinese.

    Returns
    -------
    str
        As many lines: a private-use character for every syllable, surnames read as surnames; everything else stands as it is.
    """
    special = _SURNAME.sub(lambda found: written(SPOKEN[found[0]]), text)
    return special.translate(_table(frozenset(_CHARACTER.findall(special))))


def written(syllables: str) -> str:
    """Syllables parted by spaces as private-use characters."""
    return "".join(WRITTEN[s] for s in syllables.split())


def _table(characters: frozenset[str]) -> dict[int, str]:
    """Character → private-use character of its first reading."""
    from pypinyin import lazy_pinyin

    ordered = sorted(characters)
    read = lazy_pinyin(ordered)
    return {ord(c): WRITTEN[s] for c, s in zip(ordered, read, strict=True) if s in WRITTEN}
