"""Diagnoses and items of the simulated claims: how often, how long, how dear. Orders of magnitude, not statistics."""

from __future__ import annotations

from typing import Any

import numpy as np

# code, share of stays, median days, cost a day (CNY)
ILLNESSES: tuple[tuple[str, float, float, float], ...] = (
    ("J18.9", 9, 8, 520), ("J44.1", 6, 9, 560), ("J20.9", 4, 6, 430), ("I20.0", 5, 8, 900), ("I63.9", 6, 12, 830),
    ("I10.x", 6, 7, 420),
    ("E11.9", 5, 9, 480), ("K80.2", 4, 7, 1350), ("K35.8", 3, 6, 1500), ("K29.7", 4, 6, 430), ("M51.2", 7, 10, 470), ("M47.8", 5, 9, 420),
    ("N20.0", 3, 5, 1100), ("N18.5", 2, 9, 800), ("C34.9", 1.6, 11, 1300), ("C50.9", 1.2, 9, 1500),
    ("Z51.1", 4, 4, 1500),
    ("O82.9", 8, 6, 1200),
    ("H25.9", 3, 3, 2100), ("G45.9", 3, 8, 560), ("F32.9", 1, 24, 380), ("F20.9", 1, 32, 330), ("B34.9", 2, 5, 350), ("A09.x", 2, 4, 350),
)  # fmt: skip
NOT_OBSTETRIC = tuple(row for row in ILLNESSES if not row[0].startswith("O"))
"""What men, children and older women are drawn from instead."""
INJURIES: tuple[tuple[str, float, float, float], ...] = (
    ("S82.2", 9, 15, 950), ("S52.5", 8, 9, 1050), ("S06.0", 8, 8, 620), ("S22.3", 8, 12, 610), ("S72.0", 5, 16, 1800),
    ("S42.0", 6, 10, 1100),
    ("S32.0", 5, 14, 900), ("S93.4", 7, 8, 430), ("S83.5", 5, 10, 1150), ("S61.0", 7, 6, 560), ("S80.1", 7, 7, 380), ("S20.2", 6, 8, 400),
    ("T14.1", 5, 6, 420), ("T23.2", 2, 10, 800),
)  # fmt: skip
GRAVE: tuple[tuple[str, float, float, float], ...] = (
    ("C34.9", 6, 12, 1300), ("C50.9", 6, 10, 1500), ("C73.x", 9, 6, 1700), ("C16.9", 4, 12, 1400), ("C22.0", 3, 12, 1400),
    ("I21.9", 6, 9, 2300), ("I63.9", 5, 14, 900), ("N18.5", 2, 10, 800), ("D32.9", 1, 12, 2100),
)  # fmt: skip
SLOW = {1: 1.35, 2: 2.2, 3: 2.6, 4: 2.4, 5: 1.1, 6: 1.2}
"""How much longer a stay is in a hospital of a specialty (index): long stays are honest there."""
LEVEL_COST = (0.45, 0.65, 1.0, 1.55)

NARRATIVES = {
    "stay": ("因{0}入院治疗", "被保险人{0}后就诊住院", "出现{0}症状，门诊收入院", "{0}，急诊入院"),
    "crash": ("行驶至路口与前车追尾", "倒车时碰撞路边车辆", "变道时与旁车刮擦", "避让行人撞上护栏", "停放期间被撞，对方驶离",
              "转弯时与直行车相撞", "雨天路滑侧滑撞墩", "会车时刮擦后视镜"),
    "fall": ("下楼时不慎摔倒", "骑电动车摔倒", "在工地被物体砸伤",
             "搬运货物时扭伤", "在家中滑倒", "打球时受伤", "切菜时割伤手指", "被车辆碰撞受伤"),
}  # fmt: skip
COMPLAINTS = ("咳嗽发热", "胸闷气短", "腰痛", "头晕头痛", "腹痛", "乏力", "咳痰", "右下肢疼痛", "恶心呕吐", "视物模糊")


def pick(rng: np.random.Generator, rows: tuple[tuple[str, float, float, float], ...], n: int) -> Any:
    """``n`` indices into a list of diagnoses, by their shares."""
    share = np.array([row[1] for row in rows])
    return rng.choice(len(rows), n, p=share / share.sum())


def column(rows: tuple[tuple[str, float, float, float], ...], place: int) -> Any:
    """One column of a list of diagnoses as an array."""
    return np.array([row[place] for row in rows], dtype="object" if place == 0 else float)


def narratives(rng: np.random.Generator, kind: str, n: int, share: float) -> Any:
    """Short free texts for a share of claims, None for the rest; few templates, as people write alike."""
    texts = np.array(NARRATIVES[kind], dtype="object")[rng.integers(0, len(NARRATIVES[kind]), n)]
    if kind == "stay":
        texts = np.array([[t.format(c) for c in COMPLAINTS] for t in NARRATIVES[kind]], dtype="object")[
            rng.integers(0, len(NARRATIVES[kind]), n), rng.integers(0, len(COMPLAINTS), n)
        ]
    texts[rng.random(n) >= share] = None
    return texts
