"""What the command prints: one lead, the way of one claim, the red flags and the card of one of them."""

from __future__ import annotations

import inspect
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd
from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from features.schema import tables as canonical
from pipelines.errors import UsageError
from pipelines.report import events, history, records, rings
from pipelines.report.mask import identifier, masked, pseudonym
from pipelines.report.messages import BLANK, Messages, catalogue, plain
from pipelines.report.story import documents, support, tenths, told

if TYPE_CHECKING:
    from features.indicators.base import RedFlag

EVIDENCE = ("code", "at", "insurer", "evidence_table", "evidence_key", "amount", "source_file", "source_row", "row_sha256")
RECORDS = ("role", "subject", "records", "record_id", "source_file", "source_row", "row_sha256")
FIRST_SENTENCES = 3
MOST_ROWS, MOST_COLUMNS, BAR = 40, 9, 24


def as_text(what: RenderableType, width: int = 140) -> str:
    """Plain text of anything below, for pipes and tests."""
    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, legacy_windows=False).print(what)
    return stream.getvalue().rstrip("\n")


def lead(tables: Mapping[str, pd.DataFrame], lead_id: str, language: str, names: Mapping[str, str] | None = None) -> RenderableType:
    """One lead: what it is, its reasons with points, the other leads of its case, what to obtain, its evidence, events and records.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The published tables.
    lead_id : str
        A lead_id, a case_id, or the rank of a case as the page shows it.
    language : str
        ``"zh"`` or ``"en"``.
    names : mapping of str to str, optional
        Real names by entity id, for an explicit ``--unmask``.

    Raises
    ------
    UsageError
        If the night has no such lead.
    """
    messages = catalogue()
    row = _chosen(tables, lead_id)
    own = tables["leads"].loc[lambda t: t.lead_id == row.lead_id]
    reasons = told(own, tables["lead_reasons"], messages).to_dict("records")
    who = pseudonym(messages, row.subject_kind, row.subject_id, names)[language]
    title = f"{messages.text('scheme', row.scheme)[language]} · {who} · {row.lead_id}"
    wanted = documents(reasons, plain(row.first_document), messages)
    ask = [Text(f"{i}. {d[language]}") for i, d in enumerate(wanted, 1)]
    facts = [*_facts(row, messages, language), _case(tables["cases"], row, messages, language)]
    facts += [Text(line[language]) for line in rings.story(tables, str(row.subject_id), messages)]
    past = tables["lead_history"].loc[lambda t: t.lead_id == row.lead_id].to_dict("records")
    facts += [Text(line[language], style="italic") for line in history.told(past, row.subject_id, messages, names or {})]
    head = Panel(Group(*facts), title=title, subtitle=messages.text("text", "never")[language])
    check = Text(messages.text("text", "check")[language], style="bold")
    proof = tables["lead_evidence"].loc[lambda t: t.lead_id == row.lead_id]
    beside = _others(tables, row, (messages, language), names or {})
    held = _records(tables["lead_records"].loc[lambda t: t.lead_id == row.lead_id], (messages, language), names or {})
    joined = _joins(tables["lead_events"].loc[lambda t: t.lead_id == row.lead_id], messages, language)
    points = _reasons(reasons, float(row.score), messages, language)
    return Group(head, points, *beside, check, *ask, *_evidence(proof, messages, language), *joined, *held)


def trace(steps: Sequence[tuple[str, pd.DataFrame]], language: str) -> RenderableType:
    """The way of one claim through the night, step by step.

    Parameters
    ----------
    steps : sequence of (str, DataFrame)
        Name of the step and its rows. Rows of a canonical table (``claims``, ``claim_roles``, ...) are masked by its personal-data classes;
        columns that hold entity ids (``*_entity``, ``entity_id``, ``subject_id``) are shown as code names.
    language : str
        ``"zh"`` or ``"en"``.
    """
    messages = catalogue()
    return Group(*(_step(name, frame, messages, language) for name, frame in steps))


def cards(flags: Sequence[RedFlag], language: str) -> RenderableType:
    """The red flags, one line each."""
    messages = catalogue()
    table = _table([messages.text(*key)[language] for key in _CARD_COLUMNS])
    for flag in sorted(flags, key=lambda f: (f.code[0], f.code)):
        words = (("severity", flag.severity), ("kind", flag.grain), ("scheme", flag.scheme))
        table.add_row(flag.code, messages.part(flag.code, "name")[language], *(messages.text(*w)[language] for w in words))
    return table


def card(flag: RedFlag, language: str) -> RenderableType:
    """One red flag's card: from its docstring, its settings and the catalogue."""
    messages = catalogue()
    word = messages.text
    say, document = messages.part(flag.code, "say")[language], messages.part(flag.code, "document")[language]
    rows = {
        ("column", "subject_kind"): word("kind", flag.grain)[language],
        ("column", "scheme"): word("scheme", flag.scheme)[language],
        ("text", "severity"): word("severity", flag.severity)[language],
        ("text", "says"): say or BLANK,
        ("text", "document"): document or BLANK,
        ("text", "settings"): ", ".join(f"{k} = {v:g}" for k, v in flag.settings.items()) or BLANK,
        ("text", "needs"): ", ".join(flag.needs) or BLANK,
        ("text", "source"): flag.source,
    }
    table = Table.grid(padding=(0, 2))
    for key, text in rows.items():
        table.add_row(Text(word(*key)[language], style="bold"), Text(text))
    about = Text(inspect.cleandoc(flag.__doc__ or ""))
    return Panel(Group(about, Text(), table), title=f"{flag.code} {messages.part(flag.code, 'name')[language]}")


_CARD_COLUMNS = (("column", "code"), ("column", "name"), ("text", "severity"), ("column", "subject_kind"), ("column", "scheme"))


def _chosen(tables: Mapping[str, pd.DataFrame], lead_id: str) -> pd.Series:
    """The lead by its id or that of a lead that it carries on, else the leading lead of the case with that id or rank."""
    leads, cases = tables["leads"], tables["cases"]
    led = cases[(cases.case_id == lead_id) | (cases["rank"].astype(str) == lead_id)].lead_id
    past = tables["lead_history"]
    carried = past[past.aliases.map(lambda ids: lead_id in ids.split(",")).astype(bool)].lead_id
    found = leads[(leads.lead_id == lead_id) | leads.lead_id.isin(led) | leads.lead_id.isin(carried)]
    if found.empty:
        raise UsageError(f"no lead '{lead_id}' in this night", "leads show", "take a lead_id, a case_id or a case_rank from leads.csv")
    row: pd.Series = found.iloc[0]
    return row


def _facts(row: pd.Series, messages: Messages, language: str) -> list[Text]:
    word = messages.text
    money = [f"{word('column', n)[language]} {float(row[n]):,.0f}" for n in ("amount_open", "amount_paid")]
    due = BLANK if pd.isna(row.deadline) else f"{pd.Timestamp(row.deadline):%Y-%m-%d}"
    first = f"{word('line', row.line)[language]} · {row.insurers} · {word('route', row.route)[language]}"
    second = " · ".join(
        [*money, f"{word('column', 'deadline')[language]} {due}", f"{word('column', 'probability')[language]} {row.probability:.0%}"]
    )
    by = Text(word("text", "published_by", version=row.version, run=row.run_key)[language], style="dim")
    explored = [Text(word("text", "explore")[language], style="bold")] if row.explore else []
    return [*explored, Text(first), Text(second), by]


def _case(cases: pd.DataFrame, row: pd.Series, messages: Messages, language: str) -> Text:
    """The case that the lead belongs to: it is ranked by more than this lead's own points where others tell the same story."""
    case = cases.loc[cases.case_id == row.case_id].iloc[0]
    words = {n: messages.text("column", n)[language] for n in ("case_rank", "n_leads", "probability")}
    score = f"{messages.text('text', 'case_score')[language]} {case.score:.1f}"
    counts = [
        f"{words['case_rank']} {case['rank']}",
        f"{words['n_leads']} {case.n_leads}",
        score,
        f"{words['probability']} {case.probability:.0%}",
    ]
    return Text("\n".join([" · ".join(counts), *(line[language] for line in support(float(row.score), float(case.score), messages))]))


def _reasons(reasons: Sequence[Mapping[Any, Any]], score: float, messages: Messages, language: str) -> Table:
    table = _table([messages.text("column", n)[language] for n in ("code", "reason", "points")] + [""])
    points = tenths([float(r["points"]) for r in reasons], score)
    most = max([*points, 1.0])
    for reason, own in zip(reasons, points, strict=True):
        text = Text.assemble((str(reason[f"name_{language}"]), "bold"), "  ", str(reason[f"say_{language}"]))
        table.add_row(str(reason["code"]) if reason["kind"] == "flag" else "", text, f"{own:.1f}", "█" * round(BAR * max(own, 0) / most))
    table.add_section()
    table.add_row("", messages.text("text", "total")[language], f"{score:.1f}", "")
    return table


def _others(
    tables: Mapping[str, pd.DataFrame], row: pd.Series, words: tuple[Messages, str], names: Mapping[str, str]
) -> list[RenderableType]:
    """The other leads of the case, best first, each with its first sentences: they are why the case stands where it does."""
    messages, language = words
    leads = tables["leads"].loc[lambda t: (t.case_id == row.case_id) & (t.lead_id != row.lead_id)]
    if leads.empty:
        return []
    said = told(leads, tables["lead_reasons"], messages)
    table = _table([messages.text("column", n)[language] for n in ("subject", "scheme", "reasons", "score", "lead_id")])
    ordered = leads.sort_values(["score", "lead_id"], ascending=[False, True])
    for other in ordered.head(MOST_ROWS).itertuples():
        own = [str(s) for s in said[said.lead_id == other.lead_id][f"say_{language}"] if s]
        who = pseudonym(messages, other.subject_kind, other.subject_id, names)[language]
        scheme = messages.text("scheme", other.scheme)[language]
        table.add_row(who, scheme, "\n".join(own[:FIRST_SENTENCES]), f"{other.score:.1f}", other.lead_id)
    return [Text(messages.text("text", "others")[language], style="bold"), table]


def _records(rows: pd.DataFrame, words: tuple[Messages, str], names: Mapping[str, str]) -> list[RenderableType]:
    """The source records that the lead's parties were joined from."""
    messages, language = words
    shown = records.told(rows.to_dict("records"), messages, names)
    table = _table([messages.text("column", n)[language] for n in RECORDS])
    for row in shown:
        spoken = (row["role_name"][language], row["party"][language], row["joined"][language])
        table.add_row(*spoken, *(_cell(row[n]) for n in RECORDS[3:-1]), plain(row["row_sha256"])[:12])
    return [Text(messages.text("text", "records")[language], style="bold"), table] if shown else []


def _joins(rows: pd.DataFrame, messages: Messages, language: str) -> list[RenderableType]:
    """Why claims of the lead are one event with others."""
    shown = events.told(rows.to_dict("records"), messages)
    table = _table([messages.text("column", n)[language] for n in ("claims_joined", "joined_by", "compared")])
    for row in shown:
        table.add_row("\n".join(row["claims"]), row["why"][language], row["facts"][language])
    return [Text(messages.text("text", "one_event")[language], style="bold"), table] if shown else []


def _evidence(rows: pd.DataFrame, messages: Messages, language: str) -> list[RenderableType]:
    table = _table([messages.text("column", n)[language] for n in EVIDENCE])
    shown = rows.sort_values(["code", "seq"], kind="stable").head(MOST_ROWS)
    for row in shown.to_dict("records"):
        row["row_sha256"] = plain(row["row_sha256"])[:12]
        row["evidence_table"] = messages.text("table", row["evidence_table"])[language]
        table.add_row(*(_cell(row[n]) for n in EVIDENCE))
    more = len(rows) - len(shown)
    return [table, *([Text(messages.text("text", "evidence_more", n=more)[language])] if more else [])]


def _step(name: str, frame: pd.DataFrame, messages: Messages, language: str) -> RenderableType:
    title = messages.text("table", name)[language]
    if frame.empty:
        return Text(f"{title}: {messages.text('text', 'not_found')[language]}", style="dim")
    known = _spoken(_traced(masked(frame, name) if name in canonical() else frame), messages, language)
    parties = [c for c in known.columns if c.endswith("_entity") or c in ("entity_id", "subject_id")]
    coded = known.assign(**{c: _codes(known, c) for c in parties}).dropna(axis=1, how="all")
    return _upright(coded, title) if len(coded.columns) > MOST_COLUMNS else _flat(coded, title)


def _traced(frame: pd.DataFrame) -> pd.DataFrame:
    """Where each row came from in one column: file, row, head of its fingerprint."""
    lineage = ["source_file", "source_row", "row_sha256"]
    if not set(lineage) <= set(frame.columns):
        return frame
    file, row, mark = (frame[c].astype("string") for c in lineage)
    return frame.drop(columns=[*lineage, "insurer"], errors="ignore").assign(source=file + ":" + row + " " + mark.str[:10])


def _spoken(frame: pd.DataFrame, messages: Messages, language: str) -> pd.DataFrame:
    """Findings with their sentence instead of their numbers."""
    if not {"code", "value", "limit", "detail"} <= set(frame.columns):
        return frame
    rows = frame[["code", "value", "limit", "detail"]].itertuples(index=False)
    said = [messages.sentence(code, value, limit, detail)[language] for code, value, limit, detail in rows]
    return frame.drop(columns=["value", "limit", "detail"]).assign(says=said)


def _upright(frame: pd.DataFrame, title: str) -> RenderableType:
    """Wide rows one below the other, column by column; blanks are left out."""
    grid = Table(title=title, title_justify="left", show_header=False, show_edge=False, pad_edge=False)
    for row in frame.head(MOST_ROWS).to_dict("records"):
        for name, value in row.items():
            if _cell(value) != BLANK:
                grid.add_row(str(name), _cell(value))
        grid.add_section()
    return grid


def _flat(frame: pd.DataFrame, title: str) -> RenderableType:
    table = _table(list(frame.columns), title)
    for row in frame.head(MOST_ROWS).to_dict("records"):
        table.add_row(*(_cell(v) for v in row.values()))
    return table


def _codes(frame: pd.DataFrame, column: str) -> list[str]:
    """Code names of a column of ids; the kind is said beside a subject, and else is the head of the id itself."""
    beside = column == "subject_id" and "subject_kind" in frame.columns
    kinds = frame["subject_kind"] if beside else frame[column].map(lambda v: plain(v).partition(":")[0])
    pairs = zip(kinds.map(plain), frame[column].map(plain), strict=True)
    return [BLANK if entity == BLANK else f"{kind} {identifier(kind, entity)}" for kind, entity in pairs]


def _table(columns: list[str], title: str = "") -> Table:
    table = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False)
    for name in columns:
        table.add_column(name, overflow="fold")
    return table


def _cell(value: object) -> str:
    """Dates without midnight, numbers without noise, nulls as a dash."""
    text = plain(value)
    if isinstance(value, float):
        return BLANK if text == BLANK else f"{value:,.6g}"
    return text.removesuffix(" 00:00:00")
