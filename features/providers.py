"""Features of hospitals, doctors and garages: whom they serve, who sends them, and what they charge."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.activity import activity, group, log1p, numbers, onto, share, top_share, within
from features.book import Book
from features.joins import attach
from features.parties import line_of
from features.spine import PROVIDERS

_CLAIM = (
    "claim_id", "received_at", "event_at", "admitted_on", "amount", "line", "stay_days", "person_id", "family_id", "agent_id",
    "employer_id",
    "home_district", "hospital_district", "district", "chapter", "insurer",
    "policy_age_days", "drug_amount", "test_amount", "items_amount", "bill_total",
    "reporter_phone",
)  # fmt: skip


def features(book: Book, spine: ir.Table) -> ir.Table:
    """One row per spine row of kind hospital, doctor or garage.

    Returns
    -------
    Table
        subject_kind, subject_id, as_of, line, ``by_*`` peer keys and float64 features (counts, CNY, days, shares in 0..1).
    """
    providers = spine.filter(spine.subject_kind.isin(PROVIDERS))
    serving = book["claim_roles"].filter(lambda t: t.entity_kind.isin(PROVIDERS)).select("claim_id", "entity_id").distinct()
    rows = activity(providers, serving.inner_join(book["claim_view"].select(*_CLAIM), "claim_id"), "entity_id")
    tops = {"agent_id": "top_agent_share", "employer_id": "top_employer_share", "home_district": "top_district_share"}
    tops |= {"chapter": "top_chapter_share", "reporter_phone": "top_reporter_share", "family_id": "top_family_share"}
    wide = onto(providers, _volume(rows), _content(rows), *(top_share(rows, by, name) for by, name in tops.items()))
    wide = attach(wide, book["entities"].select("entity_id", "level", "specialty", "beds"), {"subject_id": "entity_id"})
    keys = {"by_kind": group(wide.subject_kind, wide.line), "by_level": group(wide.subject_kind, wide.level)}
    keys["by_specialty"] = group(wide.subject_kind, wide.level, wide.specialty)
    full = wide.mutate(**keys, claims_per_bed=share(wide.claims_365, wide.beds))
    return numbers(full.drop("level", "specialty", "beds"))


def _volume(rows: ir.Table) -> ir.Table:
    return rows.group_by("row").agg(
        line=line_of(rows),
        claims=rows.count(),
        claims_90=within(rows.event_at, rows.as_of, 90).sum(),
        claims_365=within(rows.event_at, rows.as_of, 365).sum(),
        families=rows.family_id.nunique(),
        claims_per_person=share(rows.count(where=rows.person_id.notnull()), rows.person_id.nunique()),
        insurers=rows.insurer.nunique(),
        log_total=log1p(rows.amount.sum()),
        mean_log_amount=log1p(rows.amount).mean(),
        median_amount=rows.amount.cast("float64").median(),
    )


def _content(rows: ir.Table) -> ir.Table:
    return rows.group_by("row").agg(
        mean_stay_days=rows.stay_days.mean(),
        long_stay_share=(rows.stay_days >= 14).mean(),
        drug_share=share(rows.drug_amount.sum(), rows.items_amount.sum()),
        test_share=share(rows.test_amount.sum(), rows.items_amount.sum()),
        bill_share=share(rows.amount.sum(where=rows.bill_total.notnull()), rows.bill_total.sum()),
        weekend_share=(rows.admitted_on.day_of_week.index() >= 5).mean(),
        out_of_town_share=(rows.home_district != ibis.coalesce(rows.hospital_district, rows.district)).mean(),
        early_share=(rows.policy_age_days <= 90).mean(),
    )
