"""The timeline of a lead's evidence: when, at which insurer, how much."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd
from markupsafe import Markup

from pipelines.report import svg
from pipelines.report.messages import Messages

WIDTH, LEFT, RIGHT, TOP, LANE = 760.0, 110.0, 24.0, 12.0, 44.0


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
    return dated.groupby(["lead_id", "insurer", "kind", "key"], as_index=False).agg(at=("at", "min"), amount=("amount", "max"))


def timeline(dated: pd.DataFrame, as_of: date, messages: Messages) -> Markup:
    """Draw dated evidence: one lane per insurer, a dot per claim (area by amount), a square per policy, a diamond for the rest.

    Parameters
    ----------
    dated : DataFrame
        One lead's rows of :func:`points`.
    as_of : date
        Right end of the time axis.
    messages : Messages
        The catalogue.

    Returns
    -------
    Markup
        An ``svg`` element, or nothing where no row bears a date.
    """
    if dated.empty:
        return Markup("")
    start, end = dated["at"].min() - pd.Timedelta(days=10), max(pd.Timestamp(as_of), dated["at"].max())
    lanes = sorted(dated.insurer.unique())
    scale = (WIDTH - LEFT - RIGHT) / max((end - start).days, 1)
    y = dated.insurer.map({n: TOP + LANE * (i + 0.5) for i, n in enumerate(lanes)})
    placed = dated.assign(x=LEFT + (dated["at"] - start).dt.days * scale, y=y)
    bottom = TOP + LANE * len(lanes)
    parts = [*_axis(start, end, scale, bottom), *_lanes(lanes), *(_mark(p) for p in _spread(placed).to_dict("records"))]
    return svg.picture(parts, WIDTH, bottom + 24, messages.text("text", "timeline"))


def _spread(placed: pd.DataFrame) -> pd.DataFrame:
    """Points that would cover each other step aside, up and down in turn."""
    ordered = placed.sort_values(["insurer", "at", "kind", "key"], kind="stable")
    nth = ordered.groupby(["insurer", (ordered.x // 7)]).cumcount() % 5
    top = ordered.amount.max() or 1.0
    radius = 3.5 + 6.5 * (ordered.amount / top) ** 0.5
    return ordered.assign(y=ordered.y + nth.map({0: 0, 1: -9, 2: 9, 3: -16, 4: 16}), r=radius)


def _axis(start: pd.Timestamp, end: pd.Timestamp, scale: float, bottom: float) -> list[Markup]:
    months = (end - start).days / 30.4
    every = "MS" if months <= 12 else "QS" if months <= 40 else "YS"
    ticks = pd.date_range(start, end, freq=every)
    shape = "%Y-%m" if every != "YS" else "%Y"
    xs = [LEFT + (t - start).days * scale for t in ticks]
    lines = [svg.element("line", x1=x, x2=x, y1=TOP, y2=bottom, class_="tick") for x in xs]
    texts = [svg.element("text", t.strftime(shape), x=x, y=bottom + 16, class_="axis") for x, t in zip(xs, ticks, strict=True)]
    return lines + texts


def _lanes(lanes: list[str]) -> list[Markup]:
    rows = [(TOP + LANE * (i + 0.5), name) for i, name in enumerate(lanes)]
    lines = [svg.element("line", x1=LEFT - 6, x2=WIDTH - RIGHT, y1=y, y2=y, class_="lane-line") for y, _ in rows]
    return lines + [svg.element("text", name[:14], x=LEFT - 14, y=y + 4, class_="lane-name") for y, name in rows]


def _mark(point: Mapping[Any, Any]) -> Markup:
    """Circle, square or diamond, with a tooltip of key, date and amount."""
    x, y, r = float(point["x"]), float(point["y"]), float(point["r"])
    title = svg.element("title", f"{point['key']} · {point['at']:%Y-%m-%d} · {point['amount']:,.0f}")
    if point["kind"] == "claim":
        return svg.element("circle", title, cx=x, cy=y, r=r, class_="t-claim")
    turn = f"rotate(45 {svg.number(x)} {svg.number(y)})" if point["kind"] == "other" else None
    return svg.element("rect", title, x=x - 5, y=y - 5, width=10, height=10, class_=f"t-{point['kind']}", transform=turn)
