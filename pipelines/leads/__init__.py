"""Leads: scored subjects become leads with evidence and money, leads that tell one story become one ranked case."""

from __future__ import annotations

from datetime import date, datetime, time

import pandas as pd

from pipelines.config import Settings
from pipelines.leads.assemble import NOBODY, first_keys, leads, stories
from pipelines.leads.beds import beds_together
from pipelines.leads.champions import Champions, reigning
from pipelines.leads.crowd import CODE, concentration, with_concentrations
from pipelines.leads.evidence import evidence
from pipelines.leads.held import held
from pipelines.leads.inputs import Given, card_table, cards
from pipelines.leads.learnt import with_learnt
from pipelines.leads.publish import Night, published, typed
from pipelines.leads.score import SCORES, score

AFTERWARDS = (concentration, beds_together)
"""Red flags that read what the other flags found, or need a test that queries do not know."""

__all__ = ["AFTERWARDS", "Champions", "Night", "card_table", "reigning", "run", "score"]


def run(
    given: Given,
    settings: Settings,
    night: Night | tuple[str, date],
    ledger: pd.DataFrame | None = None,
    champions: Champions = NOBODY,
) -> dict[str, pd.DataFrame]:
    """Make tonight's leads.

    Parameters
    ----------
    given : mapping of str to ibis Table or DataFrame
        ``findings``; ``claim_view``, ``policy_view``, ``edges``, ``policy_edges``, ``entities``, ``party_entity``, ``features_*``,
        ``facts``, ``entity_history``, ``event_links`` and the canonical tables for the evidence, each as far as the night has it;
        ``flags`` (else the registry); ``reasons`` (else scored here).
    settings : Settings
        All settings.
    night : (run_key, as_of)
        Which night it is.
    ledger : DataFrame, optional
        Every lead published before: lead_id, subject_kind, subject_id, scheme, first_seen.
    champions : Champions
        Learnt models to score with.

    Returns
    -------
    dict of str to DataFrame
        ``leads``, ``lead_reasons``, ``lead_evidence``, ``lead_records``, ``lead_history``, ``lead_events``, ``cases``, ``case_members``,
        ``scores``, ``slots`` (places by line and region), each in its total order, and the new ``ledger`` (lead_id, subject_kind,
        subject_id, scheme, first_seen).
    """
    given = given if CODE in set(cards(given)["code"]) else with_concentrations(given, settings)
    known = {"reasons": given["reasons"], "scores": given.get("scores")} if "reasons" in given else None
    scored = known or score(given, settings.scoring, champions.corrections)
    as_of = datetime.combine(Night(*night).as_of, time.min)
    reasons = stories(with_learnt(given, pd.DataFrame(scored["reasons"]), champions, settings.scoring, as_of))
    table = held(leads(reasons, first_keys(given), settings, champions), ledger, given)
    keys = ["subject_kind", "subject_id", "story"]
    told = reasons.rename(columns={"scheme": "speaks_for"}).merge(
        table[["lead_id", "subject_kind", "subject_id", "scheme"]].rename(columns={"scheme": "story"}), on=keys
    )
    proof = evidence(given, told[["lead_id", "subject_kind", "subject_id", "code", "kind"]])
    made = published(given, settings, Night(*night), (table, told, proof, ledger))
    return made | {"scores": typed(pd.DataFrame(scored["scores"]).reindex(columns=SCORES))}
