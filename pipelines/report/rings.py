"""What the command says of rings: the night's list, and one ring with its members, links, claims and why it is a lead or not. Masked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
from markupsafe import Markup
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from pipelines.errors import UsageError
from pipelines.report import ringpng, ringsvg
from pipelines.report.mask import identifier, pseudonym, short
from pipelines.report.messages import BLANK, LANGUAGES, Messages, catalogue, plain

LIST = (
    "ring", "kind", "organiser", "n_members", "n_claims", "amount", "first", "last", "chance", "new_members", "is_lead",
)  # fmt: skip
MEMBER = ("member", "role", "n_claims", "between", "signs")
STYLE = Path(__file__).parent / "templates" / "page.css"
LEAST = 1e-9
"""A chance below this is told as below it: published figures have nine decimals."""
MOST = 60
"""Members and claims shown; the rest is counted."""
Tables = Mapping[str, pd.DataFrame]


def listed(tables: Tables, language: str) -> RenderableType:
    """All rings, those that are leads first, the larger before the smaller."""
    messages = catalogue()
    table = _table(LIST, messages, language)
    order = tables["rings"].sort_values(["lead", "n_members", "ring_id"], ascending=[False, False, True])
    for row in order.to_dict("records"):
        table.add_row(*_line(row, messages, language))
    return table


def shown(tables: Tables, ring_id: str, language: str, names: Mapping[str, str] | None = None) -> RenderableType:
    """One ring.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The published tables.
    ring_id : str
        Its id, with or without ``ring:``, or the code that the list and the page show.
    language : str
        ``"zh"`` or ``"en"``.
    names : mapping of str to str, optional
        Real names by entity id, for an explicit ``--unmask``.

    Raises
    ------
    UsageError
        If the night has no such ring, or several that the code may mean.
    """
    messages = catalogue()
    row = chosen(tables, ring_id)
    own = {name: tables[name].loc[lambda t: t.ring_id == row["ring_id"]] for name in ("ring_members", "ring_claims")}
    title = (
        f"{messages.text('ring_kind', row['kind'])[language]} · {pseudonym(messages, 'ring', row['ring_id'])[language]} · {row['ring_id']}"
    )
    facts = Table.grid(padding=(0, 2))
    link = strongest(tables, row["ring_id"], messages)[language].strip() or BLANK
    for key, text in {**_facts(row, messages, language), "strongest": link}.items():
        facts.add_row(Text(messages.text("ring_column", key)[language], style="bold"), Text(text))
    head = Panel(facts, title=title, subtitle=messages.text("text", "never")[language])
    return Group(head, _members(own["ring_members"], messages, language, names or {}), _claims(own["ring_claims"], messages, language))


def chosen(tables: Tables, ring_id: str) -> pd.Series:
    """The ring that an id, or the head of one, means."""
    rings = tables["rings"]
    wanted = ring_id.removeprefix("ring:").lower()
    found = rings[rings.ring_id.str.removeprefix("ring:").str.startswith(wanted)]
    if wanted and len(found) == 1:
        return found.iloc[0]
    state = "several rings" if len(found) > 1 and wanted else "no ring"
    raise UsageError(f"the night has {state} '{ring_id}'", "rings show", "fraudleads rings list prints their ids")


def drawn(tables: Tables, ring_id: str, out: Path, language: str) -> Path:
    """Draw a ring into a file, as SVG or PNG by the end of its name.

    Raises
    ------
    UsageError
        If the name ends in neither, or there is no such ring.
    """
    row = chosen(tables, ring_id)
    links = tables["ring_links"].loc[lambda t: t.ring_id == row.ring_id]
    if out.suffix == ".png":
        return ringpng.write(links, str(row.organiser_id), out, (catalogue(), language))
    if out.suffix != ".svg":
        raise UsageError(f"no picture ends in '{out.suffix}'", "rings draw --out", "name a file that ends in .svg or .png")
    style = Markup(f"<style>{STYLE.read_text(encoding='utf-8')} svg [lang]:not([lang={language}]){{display:none}}</style>")  # noqa: S704 - ours
    picture = ringsvg.ring(links, str(row.organiser_id), catalogue())
    head = '<svg xmlns="http://www.w3.org/2000/svg" '
    out.write_text(str(picture).replace("<svg ", head, 1).replace(">", f">{style}", 1), encoding="utf-8")
    return out


def growth(row: Mapping[Any, Any], messages: Messages, language: str) -> str:
    """``3 new members``, whom the ring merged with, or that it is new."""
    number = int(row["new_members"])
    said = [messages.text("text", "new_members", n=number)[language]] if number else []
    before = [short(i) for i in plain(row["predecessors"]).split(",") if i not in ("", BLANK)]
    said += [messages.text("text", "ring_merged", ids=", ".join(before))[language]] if before else []
    return "; ".join(said) or BLANK


def why(row: Mapping[Any, Any], messages: Messages, language: str) -> str:
    """Why a ring is a lead, or why not."""
    words = {
        "flags": _named(plain(row["evidence"]), messages, language),
        "signs": _made_by(row, messages, language),
        "proven": str(row["n_proven"]),
        "none": "",
    }
    return messages.text("ring_why", row["why"], what=words[str(row["why"])])[language]


def story(tables: Tables, subject_id: str, messages: Messages) -> list[dict[str, str]]:
    """A ring lead's own sentence: who, around whom, for how much, how improbable, and what speaks against it; none for other subjects."""
    known = tables.get("rings")
    own = [] if known is None else known[known.ring_id == subject_id].to_dict("records")
    proof = strongest(tables, subject_id, messages)
    return [{language: _sentence(row, proof[language], messages, language) for language in LANGUAGES} for row in own]


def strongest(tables: Tables, ring_id: str, messages: Messages) -> dict[str, str]:
    """The validated link that chance explains least: between whom, how often they met, how often by chance, q; empty without one."""
    links = tables.get("ring_links", pd.DataFrame(columns=["ring_id", "p"]))
    own = links[(links.ring_id == ring_id) & links.get("p", pd.Series(index=links.index)).notna()]
    if own.empty:
        return dict.fromkeys(LANGUAGES, "")
    row = own.sort_values(["p", "lift", "a_id", "b_id"], ascending=[True, False, True, True]).iloc[0]
    sides = {side: pseudonym(messages, str(row[f"{side}_kind"]), row[f"{side}_id"]) for side in ("a", "b")}
    figures = {"n": f"{row['met']:.0f}", "expected": f"{row['expected']:.2f}", "lift": f"{row['lift']:.1f}", "q": _tiny(row["q"], "= ")}
    known = {**figures, "amount": _money(row["amount"]), "first": _day(row["first_at"]), "last": _day(row["last_at"])}
    words = {**sides, "unit": messages.text("ring_unit", row["unit"])}
    return {lang: messages.text("text", "ring_strongest", **known, **{k: w[lang] for k, w in words.items()})[lang] for lang in LANGUAGES}


def _tiny(chance: float, sign: str = "") -> str:
    return f"{sign}{chance:.1e}" if chance >= LEAST else f"< {LEAST:.0e}"


def _sentence(row: Mapping[Any, Any], proof: str, messages: Messages, language: str) -> str:
    links = {} if pd.isna(row["p"]) else {"n": row["n_links"], "possible": row["n_possible"], "p": _tiny(row["p"])}
    said = messages.text(
        "text", "ring_story", members=row["n_members"], people=row["n_people"], families=row["n_families"],
        organiser=pseudonym(messages, str(row["organiser_kind"]), row["organiser_id"])[language], claims=row["n_claims"],
        policies=row["n_policies"], amount=_money(row["amount"]), first=_day(row["first_at"]), last=_day(row["last_at"]),
    )[language]  # fmt: skip
    linked = messages.text("text", "ring_story_links", **links)[language] if links else ""
    return said + linked + proof + messages.text("text", "ring_story_why", why=why(row, messages, language))[language]


def _made_by(row: Mapping[Any, Any], messages: Messages, language: str) -> str:
    """Red flags, links and accidents that made the ring."""
    return _named(plain(row["made_by"]), messages, language)


def _named(codes: str, messages: Messages, language: str) -> str:
    """``M10 One phone for many, links``: red flags by code and name, what is none in its own words."""
    words = [
        f"{code} {messages.part(code, 'name')[language]}" if code in messages.cards else messages.text("ring_made", code)[language]
        for code in codes.split(",")
    ]
    return messages.text("text", "comma")[language].join(words)


def _line(row: Mapping[Any, Any], messages: Messages, language: str) -> list[str]:
    chance = row["p"]
    return [
        short(row["ring_id"]),
        messages.text("ring_kind", row["kind"])[language],
        pseudonym(messages, str(row["organiser_kind"]), row["organiser_id"])[language],
        f"{row['n_members']} ({row['n_people']} / {row['n_families']})",
        f"{row['n_claims']} / {row['n_policies']}",
        _money(row["amount"]),
        *(_day(row[c]) for c in ("first_at", "last_at")),
        BLANK if pd.isna(chance) else _tiny(chance),
        growth(row, messages, language),
        why(row, messages, language),
    ]


def _facts(row: pd.Series, messages: Messages, language: str) -> dict[str, str]:
    chance = BLANK if pd.isna(row["p"]) else f"{_tiny(row['p'])} ({row['n_links']} / {row['n_possible']})"
    return {
        "organiser": pseudonym(messages, row["organiser_kind"], row["organiser_id"])[language],
        "is_lead": why(row.to_dict(), messages, language),
        "made_by": _made_by(row.to_dict(), messages, language),
        "n_members": f"{row['n_members']} ({row['n_people']} / {row['n_families']})",
        "new_members": growth(row.to_dict(), messages, language),
        "n_claims": f"{row['n_claims']} / {row['n_policies']}",
        "amount": _money(row["amount"]),
        "first": f"{_day(row['first_at'])} – {_day(row['last_at'])}",
        "insurers": row["insurers"],
        "districts": row["districts"] or BLANK,
        "density": f"{row['density']:.2f}",
        "held": f"{row['held']:.0%}",
        "chance": chance,
        "proven": f"{row['proven']:.0%} ({row['n_proven']})",
        "first_seen": _day(row["first_seen"]),
    }


def _members(rows: pd.DataFrame, messages: Messages, language: str, names: Mapping[str, str]) -> RenderableType:
    table = _table(MEMBER, messages, language)
    ordered = rows.sort_values(["organiser", "n_units", "entity_id"], ascending=[False, False, True])
    for row in ordered.head(MOST).to_dict("records"):
        signs = [name for name in ("organiser", "flagged", "proven", "new") if row[name]]
        words = ", ".join(messages.text("ring_sign", name)[language] for name in signs) or BLANK
        who = pseudonym(messages, row["kind"], row["entity_id"], names)[language]
        table.add_row(who, messages.text("ring_role", row["role"])[language], str(row["n_units"]), f"{row['between']:.2f}", words)
    return Group(table, *_more(len(rows), messages, language))


def _claims(rows: pd.DataFrame, messages: Messages, language: str) -> RenderableType:
    """Claims and policies with what they come from."""
    named = rows.assign(unit=rows.claim_id.fillna(rows.policy_id), kind=rows.claim_id.isna().map({True: "policy", False: "claim"}))
    table = _table(("unit", "source"), messages, language)
    grouped = named.groupby(["kind", "unit"]).source.agg(lambda s: ", ".join(sorted(map(plain, s))))
    for key, source in list(grouped.items())[:MOST]:
        kind, unit = str(key[0]), str(key[1])  # type: ignore[index]
        table.add_row(f"{messages.text('kind', kind)[language]} {identifier(kind, unit)}", source)
    return Group(table, *_more(len(grouped), messages, language))


def _more(count: int, messages: Messages, language: str) -> list[Text]:
    return [Text(messages.text("text", "ring_more", n=count - MOST)[language])] if count > MOST else []


def _table(columns: tuple[str, ...], messages: Messages, language: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(messages.text("ring_column", column)[language], overflow="fold")
    return table


def _money(value: object) -> str:
    return BLANK if pd.isna(value) else f"{float(value):,.0f}"  # type: ignore[call-overload,arg-type]


def _day(value: object) -> str:
    return BLANK if pd.isna(value) else str(value)[:10]  # type: ignore[call-overload]
