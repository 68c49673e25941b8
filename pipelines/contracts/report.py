"""The validation report: what came in, what was held back and why; counts, rules and row keys, never a personal value."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pipelines.contracts.admission import Admission
from pipelines.contracts.marks import MESSAGES

RULES = {
    "oversize": "字段超长", "key_null": "主键为空", "key_type": "主键无法识别", "key_code": "主键代码未知",
    "key_repeated": "主键重复且内容不同", "csv": "不成行的文本", "type": "无法识别", "code": "代码未知", "range": "超出合理范围",
    "future": "晚于接收时间",
    "order": "结束早于开始", "orphan": "引用不存在",
}  # fmt: skip
"""Rule → its Chinese name."""

ENGLISH = MESSAGES | {
    "csv": "a line that is no row", "type": "cannot be read as its type; reads empty", "code": "unknown code; reads empty",
    "range": "outside the plausible range", "future": "later than the receipt", "order": "an end before its start",
    "orphan": "refers to nothing delivered",
}  # fmt: skip


def write(admissions: Iterable[Admission], out: Path) -> Path:
    """Write ``validation.json`` and ``validation.html``; returns the path of the HTML."""
    ordered = sorted(admissions, key=lambda a: (a.insurer, a.table, a.received_at, a.digest))
    facts = summary(ordered)
    out.mkdir(parents=True, exist_ok=True)
    _write(out / "validation.json", json.dumps(facts, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
    return _write(out / "validation.html", _html(facts))


def summary(admissions: Iterable[Admission]) -> dict[str, Any]:
    """The report as data: totals, and each delivery with its counts, rules, marks, row keys and expectations."""
    deliveries = [a.to_json() for a in admissions]
    counts = ("rows", "accepted", "quarantined", "repeated")
    totals = {n: sum(d[n] for d in deliveries) for n in counts} | {"deliveries": len(deliveries)}
    return {"totals": totals | {"refused": sum(d["refused"] for d in deliveries)}, "deliveries": deliveries}


def _html(facts: Mapping[str, Any]) -> str:
    from jinja2 import Environment, PackageLoader

    environment = Environment(loader=PackageLoader("pipelines.contracts"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.get_template("validation.html.j2").render(facts, explain=explain)


def explain(rule: str) -> str:
    """A rule in Chinese and English."""
    name, _, column = rule.partition(":")
    words = " · ".join(w for w in (RULES.get(name, ""), ENGLISH.get(name, "")) if w)
    return f"{column}: {words}" if column else words


def _write(path: Path, text: str) -> Path:
    beside = path.with_name(path.name + ".part")
    beside.write_text(text, encoding="utf-8")
    os.replace(beside, path)
    return path
