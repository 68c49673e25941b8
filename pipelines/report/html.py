"""One self-contained offline page: the list of cases, and every lead's reasons, evidence, timeline and network picture."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any, TypeAlias

import pandas as pd
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from pipelines.config import Report
from pipelines.report import events, history, proof, quality, records
from pipelines.report.draw import network
from pipelines.report.mask import pseudonym
from pipelines.report.messages import Both, Messages, plain
from pipelines.report.rings import story
from pipelines.report.ringsvg import ring
from pipelines.report.story import documents, support, tenths, told
from pipelines.report.timeline import points, timeline

TEMPLATES = Path(__file__).parent / "templates"
CASES, FIRST_REASONS = 200, 3
NETWORK = "N"
"""What codes of red flags of links begin with: what a ring was found by is told by the ring."""
CONTROL = re.compile(r"[^\n\t\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What no HTML or XML page may hold, escaped or not."""
Row: TypeAlias = Mapping[Any, Any]


@dataclass(frozen=True)
class Page:
    """What the page is made of.

    Attributes
    ----------
    tables : dict of DataFrame
        The published tables.
    meta : mapping
        About the run, see :func:`pipelines.report.publish`.
    settings : Report
    messages : Messages
    names : mapping of str to str
        Real names by entity id; empty unless unmasked.
    """

    tables: Mapping[str, pd.DataFrame]
    meta: Mapping[str, Any]
    settings: Report
    messages: Messages
    names: Mapping[str, str]

    @property
    def as_of(self) -> date:
        """The night's date."""
        return pd.Timestamp(self.meta["as_of"]).date()

    @cached_property
    def cases(self) -> pd.DataFrame:
        """Cases on the page: listed ones first, by rank, with the leading lead's columns beside them (suffix ``_lead``)."""
        leading = self.tables["leads"].set_index("lead_id").add_suffix("_lead")
        cases = self.tables["cases"].join(leading, on="lead_id")
        return cases.sort_values(["listed", "rank", "case_id"], ascending=[False, True, True], kind="stable").head(CASES)

    @cached_property
    def members(self) -> dict[str, list[Row]]:
        """Other leads of each case, best first."""
        leads = self.tables["leads"].drop(columns=["case_id"], errors="ignore")
        rows = (
            self.tables["case_members"]
            .merge(leads, on="lead_id")
            .merge(self.cases[["case_id", "lead_id"]], on="case_id", suffixes=("", "_leading"))
        )
        others = rows[rows.lead_id != rows.lead_id_leading].sort_values(["score", "lead_id"], ascending=[False, True])
        return {str(k): list(g.to_dict("records")) for k, g in others.groupby("case_id")}

    @cached_property
    def reasons(self) -> dict[str, list[Row]]:
        """Told reasons by lead."""
        leads = self.tables["leads"]
        words = told(leads[leads.lead_id.isin(self.shown)], self.tables["lead_reasons"], self.messages)
        return {str(k): list(g.to_dict("records")) for k, g in words.groupby("lead_id", sort=False)}

    @property
    def shown(self) -> frozenset[str]:
        """Leads that are on the page: those of its cases, leading or not."""
        return frozenset(self.cases.lead_id) | {str(m["lead_id"]) for rows in self.members.values() for m in rows}

    def of_lead(self, table: str, lead_id: str) -> list[Row]:
        """One lead's rows of ``evidence`` (cut for the page), ``points`` (dated evidence), ``records``, ``history`` or ``events``."""
        return self._by_lead[table].get(lead_id, [])

    @cached_property
    def _by_lead(self) -> dict[str, dict[str, list[Row]]]:
        """Rows by lead, of the leads that have a page of their own, cut and summed for all of them at once."""
        evidence = self.tables["lead_evidence"]
        own = evidence[evidence.lead_id.isin(self.cases.lead_id)]
        rows = proof.shown(own, self.tables["lead_reasons"], self.settings.evidence_rows)
        other = {
            name: self.tables[f"lead_{name}"].loc[lambda t: t.lead_id.isin(self.cases.lead_id)] for name in ("records", "history", "events")
        }
        return {name: proof.by_lead(part) for name, part in {"evidence": rows, "points": points(own), **other}.items()}

    @cached_property
    def edges(self) -> dict[str, pd.DataFrame]:
        """Neighbourhoods by lead."""
        around = self.tables["neighbourhood"]
        return {str(k): g for k, g in around[around.lead_id.isin(self.cases.lead_id)].groupby("lead_id")}

    @cached_property
    def rings(self) -> dict[str, tuple[pd.DataFrame, str]]:
        """Links and organiser of the rings that have a page of their own."""
        if "ring_links" not in self.tables:
            return {}
        organiser = dict(zip(self.tables["rings"].ring_id, self.tables["rings"].organiser_id, strict=True))
        links = self.tables["ring_links"]
        own = links[links.ring_id.isin(self.cases.subject_id_lead) & links.ring_id.isin(organiser)]
        return {str(ring_id): (part, str(organiser[ring_id])) for ring_id, part in own.groupby("ring_id")}

    def word(self, section: str, key: object) -> Both:
        """A word of the catalogue."""
        return self.messages.text(section, key)


def render(page: Page) -> str:
    """The whole page; the same tables give the same bytes."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters.update(money=_money, day=_day, yes=lambda v: v == v and bool(v))
    style, script = (Markup((TEMPLATES / name).read_text(encoding="utf-8")) for name in ("page.css", "page.js"))  # noqa: S704 - our own files
    cases = [_case(page, row) for row in page.cases.to_dict("records")]
    words = {
        "word": page.word,
        "due": partial(_due, page.messages),
        "more": lambda n: page.messages.text("text", "evidence_more", n=n),
        "quality": quality.notes(page.meta, page.messages),
    }
    frame = {"style": style, "script": script, "style_hash": _hash(style), "script_hash": _hash(script)}
    summary = {"totals": _totals(page, cases), "choices": _choices(page, cases)}
    whole = environment.get_template("report.html.j2").render(page=page, cases=cases, **words, **frame, **summary)
    return CONTROL.sub("", whole)


def _case(page: Page, row: Row) -> dict[str, Any]:
    """All that the list and the lead's own page say about a case."""
    lead, subject_id = str(row["lead_id"]), str(row["subject_id_lead"])
    reasons, others = page.reasons.get(lead, []), _others(page, str(row["case_id"]))
    edges = page.edges.get(lead, page.tables["neighbourhood"].iloc[:0])
    return {
        **row,
        **_facts(page, row),
        "lead": lead,
        "subject": pseudonym(page.messages, row["subject_kind_lead"], subject_id, page.names),
        "reasons": _shown(reasons, float(row["score_lead"])),
        "top": _first(reasons, others if row["subject_kind_lead"] == "ring" else []),
        "documents": documents(reasons, plain(row["first_document_lead"]), page.messages)[:FIRST_REASONS],
        "evidence": proof.grouped(page.of_lead("evidence", lead), page.messages),
        "ring": story(page.tables, subject_id, page.messages),
        "support": support(float(row["score_lead"]), float(row["score"]), page.messages),
        "history": history.told(page.of_lead("history", lead), subject_id, page.messages, page.names),
        "records": records.told(page.of_lead("records", lead), page.messages, page.names),
        "events": events.told(page.of_lead("events", lead), page.messages),
        "others": others,
        "timeline": timeline(page.of_lead("points", lead), page.as_of, page.messages),
        "network": _picture(page, row, edges),
    }


def _first(reasons: list[Row], beside: list[dict[str, Any]]) -> list[Row]:
    """The sentences that tell the case: what is said of leads ``beside`` it first (a ring's organiser, members), each with ``who``."""
    own = [r for r in reasons if r["kind"] == "flag"] or reasons[:1]
    concrete: dict[str, Row] = {}
    for other in beside:
        for r in other["top"]:
            if r["code"][0] != NETWORK:
                concrete.setdefault(str(r["code"]), {**r, "who": other["subject"]})
    return [*list(concrete.values())[: FIRST_REASONS - 1], *own][:FIRST_REASONS]


def _picture(page: Page, row: Row, edges: pd.DataFrame) -> Markup:
    """A ring by its own links, anything else by its neighbourhood."""
    subject_id = str(row["subject_id_lead"])
    if subject_id not in page.rings:
        return network(edges, subject_id, page.messages, page.settings.graph_nodes)
    links, organiser = page.rings[subject_id]
    keys = {str(party): frozenset(map(str, part.a_id)) for party, part in edges.groupby("b_id")}
    return ring(links, organiser, page.messages, keys)


def _facts(page: Page, row: Row) -> dict[str, Any]:
    """Words for codes, and what the filters and the deadline column ask."""
    return {
        **{f"{n}_name": page.word(n, row[n]) for n in ("scheme", "line", "route")},
        "companies": _companies(row["insurers"]),
        "open": float(row["amount_open"] or 0) > 0,
        "new": _day(row["first_seen"]) == page.as_of.isoformat(),
        "days": _days(row["deadline"], page.as_of),
    }


def _shown(reasons: list[Row], score: float) -> list[dict[str, Any]]:
    """Reasons with points in tenths that sum to the score shown, and bar lengths of at most 100."""
    rounded = tenths([float(r["points"]) for r in reasons], score)
    most = max([*rounded, 1.0])
    return [{**r, "shown": p, "bar": round(100 * max(p, 0.0) / most, 1)} for r, p in zip(reasons, rounded, strict=True)]


def _others(page: Page, case_id: str) -> list[dict[str, Any]]:
    """Other leads of the case, each with its first sentences."""
    return [
        {
            **r,
            "subject": pseudonym(page.messages, r["subject_kind"], r["subject_id"], page.names),
            "scheme_name": page.word("scheme", r["scheme"]),
            "top": [x for x in page.reasons.get(str(r["lead_id"]), []) if x["say_zh"]][:FIRST_REASONS],
        }
        for r in page.members.get(case_id, [])
    ]


def _totals(page: Page, cases: list[dict[str, Any]]) -> dict[str, float]:
    return {
        "cases": len(page.tables["cases"]), "leads": len(page.tables["leads"]), "listed": sum(bool(c["listed"]) for c in cases),
        "open": float(page.tables["cases"].amount_open.astype(float).sum()), "new": sum(c["new"] for c in cases),
        "due": sum(c["days"] is not None and c["days"] <= 7 for c in cases), "left_out": len(page.tables["cases"]) - len(cases),
    }  # fmt: skip


def _choices(page: Page, cases: list[dict[str, Any]]) -> dict[str, list[tuple[str, Both]]]:
    """What the filters offer: only what occurs."""
    found = {n: sorted({str(c[n]) for c in cases if plain(c[n]) == c[n]}) for n in ("line", "scheme", "route")}
    words = {n: [(v, page.word(n, v)) for v in values] for n, values in found.items()}
    insurers = sorted({i for c in cases for i in c["companies"]})
    return {**words, "insurer": [(i, {"zh": i, "en": i}) for i in insurers]}


def _companies(insurers: object) -> list[str]:
    return [i.strip() for i in plain(insurers).split(",") if i.strip() not in ("", "—")]


def _days(deadline: object, as_of: date) -> int | None:
    return None if pd.isna(deadline) else (pd.Timestamp(deadline).date() - as_of).days  # type: ignore[call-overload,arg-type]


def _due(messages: Messages, days: int) -> Both:
    """How long until the deadline, or how long past it."""
    return messages.text("text", "days_left", n=days) if days >= 0 else messages.text("text", "overdue", n=-days)


def _money(value: object) -> str:
    return "—" if pd.isna(value) else f"{float(value):,.0f}"  # type: ignore[call-overload,arg-type]


def _day(value: object) -> str:
    return "—" if pd.isna(value) else str(value)[:10]  # type: ignore[call-overload]


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
