"""The timeline of a lead's evidence: when, at which insurer, how much."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipelines.report import svg
from pipelines.report.messages import Messages

_TICKS = ((75, "W-MON", "%m-%d"), (366, "MS", "%Y-%m"), (1220, "QS", "%Y-%m"), (10_000_000, "YS", "%Y"))
"""Longest span (days) of each kind of tick."""
ASIDE = (0, -9, 9, -16, 16)
WIDTH, LEFT, RIGHT, TOP, LANE = 920.0, 110.0, 24.0, 12.0, 44.0


def points(evidence: pd.DataFrame) -> pd.DataFrame:
    """One row per lead and claim, policy or other record that bears a date.

    Parameters
    ----------
    evidence : DataFrame
        ``lead_id, insurer, evidence_table, evidence_key, claim_id, at, amount`` of any number of leads.

    Returns
    -------
    DataFrame
        ``lead_id, insurer, kind`` (claim, policy, other), ``key, at`` (the day), ``amount`` (CNY).
    """
    claim = evidence["claim_id"].astype("string")
    rows = pd.DataFrame({"lead_id": evidence["lead_id"], "insurer": evidence["insurer"].astype("string").fillna("")})
    rows["kind"] = (
        evidence["evidence_table"].map({"policies": "policy", "policy_events": "policy"}).fillna("other").mask(claim.notna(), "claim")
    )
    rows["key"] = claim.fillna(evidence["evidence_key"].astype("string"))
    rows["at"] = pd.to_datetime(evidence["at"], errors="coerce").astype("datetime64[s]").dt.normalize()
    rows["amount"] = pd.to_numeric(evidence["amount"], errors="coerce").astype("float64").fillna(0.0).clip(lower=0.0)
    dated = rows.dropna(subset=["at"])
    summed = dated.groupby(["lead_id", "insurer", "kind", "key"], as_index=False).agg(at=("at", "min"), amount=("amount", "max"))
    return summed.sort_values(["lead_id", "insurer", "at", "kind", "key"], kind="stable", ignore_index=True)


def timeline(dated: Sequence[Mapping[Any, Any]], as_of: date, messages: Messages) -> Markup:
    """Draw dated evidence: one lane per insurer, a dot per claim (area by amount), a square per policy, a diamond for the rest.

    Parameters
    ----------
    dated : sequence of mapping
        One lead's rows of :func:`points`, in their order.
    as_of : date
        Right end of the time axis.
    messages : Messages
        The catalogue.

    Returns
    -------
    Markup
        An ``svg`` element, or nothing where no row bears a date.
    """
    if not dated:
        return Markup("")
    days = [p["at"] for p in dated]
    start, end = min(days) - pd.Timedelta(days=10), max(pd.Timestamp(as_of), *days)
    lanes = sorted({str(p["insurer"]) for p in dated})
    scale = (WIDTH - LEFT - RIGHT) / max((end - start).days, 1)
    bottom = TOP + LANE * len(lanes)
    marks = _marks(dated, lanes, lambda at: LEFT + (at - start).days * scale)
    return svg.picture([*_axis(start, end, scale, bottom), *_lanes(lanes), *marks], WIDTH, bottom + 24, messages.text("text", "timeline"))


def _marks(dated: Sequence[Mapping[Any, Any]], lanes: list[str], x_of: Callable[[Any], float]) -> list[Markup]:
    """Marks in their places; those that would cover each other step aside, up and down in turn."""
    top = max(float(p["amount"]) for p in dated) or 1.0
    taken: Counter[tuple[str, int]] = Counter()
    marks = []
    for point in dated:
        x, lane = x_of(point["at"]), str(point["insurer"])
        spot = lane, int(x // 7)
        y = TOP + LANE * (lanes.index(lane) + 0.5) + ASIDE[taken[spot] % len(ASIDE)]
        taken[spot] += 1
        marks.append(_mark(point, x, y, 3.5 + 6.5 * (float(point["amount"]) / top) ** 0.5))
    return marks


def _axis(start: pd.Timestamp, end: pd.Timestamp, scale: float, bottom: float) -> list[Markup]:
    every, shape = next(how for most, *how in _TICKS if (end - start).days <= most)
    ticks = pd.date_range(start, end, freq=every)
    xs = [LEFT + (t - start).days * scale for t in ticks]
    lines = [svg.element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="tick") for x in xs]
    texts = [svg.element("text", t.strftime(shape), x=x, y=bottom + 16, class_="axis") for x, t in zip(xs, ticks, strict=True)]
    return lines + texts


def _lanes(lanes: list[str]) -> list[Markup]:
    rows = [(TOP + LANE * (i + 0.5), name) for i, name in enumerate(lanes)]
    lines = [svg.element("line", x1=LEFT - 6, x2=WIDTH - RIGHT, y1=y, y2=y, class_="lane-line") for y, _ in rows]
    return lines + [svg.element("text", name[:14], x=LEFT - 14, y=y + 4, class_="lane-name") for y, name in rows]


def _mark(point: Mapping[Any, Any], x: float, y: float, r: float) -> Markup:
    """Circle, square or diamond, with a tooltip of key, date and amount."""
    title = svg.element("title", f"{point['key']} · {str(point['at'])[:10]} · {point['amount']:,.0f}")
    if point["kind"] == "claim":
        return svg.element("circle", title, cx=x, cy=y, r=r, class_="t-claim")
    turn = f"rotate(45 {svg.number(x)} {svg.number(y)})" if point["kind"] == "other" else None
    return svg.element("rect", title, x=x - 5, y=y - 5, width=10, height=10, class_=f"t-{point['kind']}", transform=turn)
