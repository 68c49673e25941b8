"""The tables that people open in a spreadsheet: one row per lead, reason and evidence row, with words beside codes."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from pipelines.report.mask import pseudonym
from pipelines.report.messages import LANGUAGES, Messages
from pipelines.report.story import told

LEAD = (
    "rank", "case_rank", "lead_id", "case_id", "scheme", "scheme_name", "subject", "subject_kind", "subject_id", "line", "line_name",
    "route", "route_name", "score", "points_flags", "points_anomaly", "points_network", "points_learnt", "probability", "amount_open",
    "amount_paid", "preventable", "deadline", "insurers", "n_insurers", "hours", "priority", "reasons_zh", "reasons_en",
    "document_zh", "document_en", "first_seen", "explore", "listed", "as_of", "run_key", "version",
)  # fmt: skip
REASON = ("rank", "lead_id", "seq", "code", "kind", "name_zh", "name_en", "say_zh", "say_en", "value", "limit", "detail", "peer", "points")
EVIDENCE = (
    "rank", "lead_id", "code", "seq", "insurer", "evidence_table", "evidence_key", "claim_id", "at", "amount", "line", "source_file",
    "source_row", "row_sha256", "received_at",
)  # fmt: skip


def flat(tables: Mapping[str, pd.DataFrame], messages: Messages, language: str, names: Mapping[str, str]) -> dict[str, pd.DataFrame]:
    """``leads``, ``reasons`` and ``evidence``, by rank.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        The published tables.
    messages : Messages
        The catalogue.
    language : str
        Of the names of scheme, line, route and subject; sentences come in both.
    names : mapping of str to str
        Real names by entity id; empty unless unmasked.
    """
    case_rank = tables["cases"].set_index("case_id")["rank"]
    leads = tables["leads"].assign(case_rank=tables["leads"].case_id.map(case_rank)).sort_values(["rank", "lead_id"], kind="stable")
    words = told(leads, tables["lead_reasons"], messages)
    rank = leads[["lead_id", "rank"]]
    evidence = tables["lead_evidence"].merge(rank, on="lead_id").sort_values(["rank", "lead_id", "code", "seq"], kind="stable")
    return {
        "leads": _leads(leads, words, messages, (language, names)),
        "reasons": words.merge(rank, on="lead_id").sort_values(["rank", "lead_id", "seq"], kind="stable").reindex(columns=list(REASON)),
        "evidence": evidence.reindex(columns=list(EVIDENCE)),
    }


def _leads(leads: pd.DataFrame, words: pd.DataFrame, messages: Messages, view: tuple[str, Mapping[str, str]]) -> pd.DataFrame:
    language, names = view
    flags = words[words.kind == "flag"]
    joined = {f"reasons_{n}": flags.groupby("lead_id")[f"say_{n}"].agg("; ".join) for n in LANGUAGES}
    first = flags.drop_duplicates(["lead_id", "code"]).set_index(["lead_id", "code"])
    key = pd.MultiIndex.from_frame(leads[["lead_id", "first_document"]])
    documents = {f"document_{n}": first[f"document_{n}"].reindex(key).to_numpy() for n in LANGUAGES}
    pairs = leads[["subject_kind", "subject_id"]].itertuples(index=False)
    subject = [pseudonym(messages, str(kind), subject_id, names)[language] for kind, subject_id in pairs]
    spoken = {
        f"{n}_name": leads[n].map({v: messages.text(n, v)[language] for v in leads[n].dropna().unique()})
        for n in ("scheme", "line", "route")
    }
    whole = leads.assign(subject=subject, **spoken, **{n: leads.lead_id.map(s) for n, s in joined.items()}, **documents)
    return whole.reindex(columns=list(LEAD))
