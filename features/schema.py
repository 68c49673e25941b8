"""The canonical tables: every column with its type, nullability, range, personal-data class and when it becomes known.

This is the one declaration of the contract. The gate turns it into great-expectations suites, the simulator writes it,
mappings aim at it, and every feature reads it.
"""

from __future__ import annotations

from functools import cache

from features.columns import TYPES, Column, Table, code, ids, key, many, money, secret

__all__ = ["LINEAGE", "SCHEMES", "TYPES", "Column", "Table", "tables"]

PARTY_KINDS = (
    "person", "agent", "agency", "hospital", "doctor", "garage", "surveyor", "appraiser", "assessor", "lawyer", "proxy",
    "employer", "shop", "other",
)  # fmt: skip
LINES = (
    "health", "accident", "critical_illness", "life", "annuity", "endowment", "universal_life", "motor",
    "employer_liability", "liability", "agriculture", "cargo", "return_shipping", "flight_delay", "credit", "other",
)  # fmt: skip
ROLES = (
    "claimant", "insured", "holder", "agent", "hospital", "doctor", "garage", "surveyor", "appraiser", "assessor",
    "driver", "owner", "passenger", "third_party", "witness", "payee", "lawyer", "proxy", "employer", "reporter", "approver",
)  # fmt: skip
POLICY_EVENTS = (
    "surrender", "maturity", "endorsement", "beneficiary_change", "lapse", "reinstatement", "loan", "complaint", "callback",
)  # fmt: skip
OPEN_STATUSES = ("reported", "accepted", "open", "surveyed", "assessed", "approved", "reopened")
STATUSES = (*OPEN_STATUSES, "paid", "refused", "withdrawn", "zero_closed", "closed")
VERDICTS = ("confirmed", "partly", "cleared", "undetermined")


# What the gate adds to every row: where it came from, when it was received, and which plausibility rules it broke.
LINEAGE = (
    Column("insurer", "code"),
    Column("received_at", "time"),
    Column("source_file", "text"),
    Column("source_row", "int"),
    Column("row_sha256", "text"),
    Column("dq", "text"),
)


def _parties() -> tuple[Table, ...]:
    return (
        Table("parties", (
            key("party_id"), code("kind", PARTY_KINDS), secret("name"),
            code("id_type", ("resident", "passport", "hk_macao_tw", "newborn", "credit_code", "other")),
            secret("id_number", "SPI"), Column("birth_date", "date", pii="PI"), code("gender", ("F", "M")),
            secret("phone"), secret("address"), code("district"), secret("account", "SPI"), secret("email"),
            secret("device_id"), secret("licence_no"), Column("licence_ends_on", "date"), *ids("parent_id", ref="parties"),
            *ids("household_id"), *many("code", "level", "specialty"), Column("beds", "int", low=0, high=20_000),
            money("income"), code("occupation_class"), *many("date", "opened_on", "closed_on"),
            Column("deceased_on", "date", known_at="deceased_on"),
            Column("id_problem", "code", derived="id_number"), Column("id_birth_date", "date", pii="PI", derived="id_number"),
            Column("id_gender", "code", derived="id_number"), Column("id_region", "code", derived="id_number"),
        ), ("party_id",)),
        Table("party_links", (
            key("party_id", "parties"), key("other_party_id", "parties"),
            code("kind", ("family", "serves", "treats", "employs", "owns", "refers")), *many("date", "since", "until"),
        ), ("party_id", "other_party_id", "kind"), known_at="since"),
        Table("party_exemptions", (
            *ids("party_id", ref="parties"), secret("account", "SPI"), secret("phone"), code("reason"), Column("until", "date"),
        ), ("party_id", "account", "phone", "reason")),
    )  # fmt: skip


def _policies() -> tuple[Table, ...]:
    return (
        Table("policies", (
            key("policy_id"), code("line", LINES), code("product"),
            code("channel", ("agent", "broker", "bank", "online", "direct", "group")), *ids("agent_id", ref="parties"),
            *ids("branch_id", "outlet_id"), *ids("holder_id", "insured_id", "beneficiary_id", ref="parties"), *ids("group_id"),
            *many("date", "issued_on", "starts_on", "waiting_ends_on", "ends_on"), *ids("renewal_of"), money("premium"),
            money("sum_insured", high=1e10), money("commission", low=None), money("bonus", low=None),
            *many("code", "district", "sold_district"), secret("device_id"), secret("ip"),
            *many("bool", "recording_required"), code("recording_quality", ("good", "poor", "missing")),
            *many("bool", "gift", "compulsory"), code("status"),
        ), ("policy_id",), known_at="issued_on"),
        Table("policy_coverages", (
            key("policy_id", "policies"), key("coverage_id"), code("kind", ("indemnity", "fixed", "liability", "property")),
            money("limit", high=1e10), money("deductible"), money("daily_benefit", high=1e5), Column("waiting_ends_on", "date"),
            *ids("co_insurance_id"),
        ), ("policy_id", "coverage_id")),
        Table("policy_events", (
            key("event_id"), key("policy_id", "policies"), code("kind", POLICY_EVENTS), Column("at", "time"), Column("due_on", "date"),
            money("amount"), money("cash_value"), secret("account", "SPI"), *ids("by_party_id", ref="parties"), secret("phone"),
            secret("sender"), secret("text", "SPI"), code("result"), Column("text_bands", "text", derived="text"),
        ), ("event_id",), known_at="at"),
    )  # fmt: skip


def _claims() -> tuple[Table, ...]:
    return (
        Table("claims", (
            key("claim_id"), *ids("policy_id", ref="policies"), *ids("event_no"), *many("time", "event_at", "reported_at"),
            Column("admitted_on", "date"), Column("discharged_on", "date", known_at="discharged_on"),
            Column("closed_on", "date", known_at="closed_on"), money("claimed_amount"), money("paid_amount", known_at="closed_on"),
            money("reserve"), code("status", STATUSES, known_at="closed_on"), code("district"), secret("place"),
            secret("reporter_phone"), secret("police_report_no"), secret("narrative", "SPI"),
            Column("narrative_bands", "text", derived="narrative"),
        ), ("claim_id",), known_at="reported_at"),
        Table("claim_roles", (
            key("claim_id", "claims"), key("party_id", "parties"), Column("role", "code", required=True, values=ROLES),
        ), ("claim_id", "party_id", "role")),
        Table("claim_diagnoses", (
            key("claim_id", "claims"), Column("seq", "int", required=True, low=0, high=99), Column("code", "code", pii="SPI"),
        ), ("claim_id", "seq")),
        Table("claim_items", (
            key("claim_id", "claims"), Column("line_no", "int", required=True, low=0), *many("code", "code_system"),
            Column("code", "code", pii="SPI"),
            code("category", ("drug", "test", "bed", "nursing", "operation", "therapy", "material", "part", "labour", "other")),
            *many("code", "class"), money("unit_price"), Column("quantity", "float", low=0, high=1e6), money("amount"),
            Column("served_at", "time"), *ids("doctor_id", ref="parties"),
        ), ("claim_id", "line_no")),
        Table("claim_bills", (
            key("claim_id", "claims"), secret("invoice_code"), secret("invoice_no"), secret("check_code"),
            *(money(n) for n in ("total", "pooled", "major_illness", "personal_account", "self_paid", "self_funded", "other_payer")),
            *many("bool", "split_note"),
        ), ("claim_id", "invoice_code", "invoice_no")),
    )  # fmt: skip


def _things() -> tuple[Table, ...]:
    return (
        Table("objects", (
            key("object_id"), code("kind", ("vehicle", "livestock_lot", "land_parcel", "cargo", "device")), secret("vin"),
            secret("plate"), code("use", ("private", "taxi", "ride_hailing", "freight", "rental")), Column("first_registered", "date"),
            money("list_price"), *many("id", "ear_tag"), Column("area", "float", low=0), Column("headcount", "float", low=0),
        ), ("object_id",)),
        Table("claim_objects", (
            key("claim_id", "claims"), key("object_id", "objects"), code("side", ("own", "third")),
            Column("fault_share", "float", low=0, high=1), money("assessed"), money("salvage"),
        ), ("claim_id", "object_id")),
        Table("outcomes", (
            code("subject_kind"), key("subject_id"), *ids("lead_id", "run_key"), Column("opened_at", "time"),
            code("selected_by", ("rank", "explore", "random", "tip")), Column("verdict", "code", values=VERDICTS, known_at="decided_at"),
            code("stage", known_at="decided_at"), code("route"), code("scheme", known_at="decided_at"),
            Column("decided_at", "time", known_at="decided_at"), money("amount_saved", known_at="decided_at"), *ids("by", "supersedes"),
        ), ("subject_kind", "subject_id", "opened_at"), known_at="opened_at"),
        Table("facts", (
            code("subject_kind"), key("subject_id"), Column("name", "code", required=True), Column("value", "float"),
            Column("text", "text"), Column("known_at", "time"),
        ), ("subject_kind", "subject_id", "name"), known_at="known_at"),
    )  # fmt: skip


def _extended() -> tuple[Table, ...]:
    return (
        Table("claim_coverages", (
            key("claim_id", "claims"), key("coverage_id"), money("assessed"), money("paid"), code("decision"),
        ), ("claim_id", "coverage_id")),
        Table("claim_events", (
            key("claim_id", "claims"), code("kind"), Column("at", "time", required=True), *ids("by_party_id", ref="parties"),
        ), ("claim_id", "kind", "at"), known_at="at"),
        Table("claim_payments", (
            key("claim_id", "claims"), Column("at", "time"), money("amount"), *ids("payee_id", ref="parties"),
            secret("account_holder"), secret("account", "SPI"),
        ), ("claim_id", "at", "payee_id"), known_at="at"),
        Table("premium_payments", (
            key("policy_id", "policies"), *many("date", "due_on", "paid_at"), money("amount"), secret("account", "SPI"),
        ), ("policy_id", "due_on"), known_at="paid_at"),
        Table("commission_payments", (
            key("policy_id", "policies"), *ids("agent_id", ref="parties"), code("kind"), Column("at", "date"),
            money("amount", low=None),
        ), ("policy_id", "agent_id", "kind", "at"), known_at="at"),
        Table("surveys", (
            key("claim_id", "claims"), code("kind"), *ids("by_party_id", ref="parties"), Column("at", "time"), secret("place"),
            code("method"), money("estimate"), *ids("photo_hash"), secret("finding", "SPI"),
        ), ("claim_id", "kind", "at"), known_at="at"),
        Table("orders", (
            key("order_id"), *ids("policy_id", ref="policies"), *ids("shop_id", ref="parties"),
            *many("time", "shipped_at", "received_on", "returned_at"), secret("waybill"),
        ), ("order_id",), known_at="shipped_at"),
        Table("flights", (
            key("policy_id", "policies"), *ids("flight_no"), *many("bool", "boarded"),
        ), ("policy_id", "flight_no")),
        Table("watchlist", (
            code("kind", ("deny", "allow", "snooze")), code("subject_kind"), key("subject_id"), *many("code", "flag", "reason"),
            *ids("by"), *many("date", "starts_on", "ends_on"),
        ), ("subject_kind", "subject_id", "kind", "flag"), known_at="starts_on"),
    )  # fmt: skip


@cache
def tables() -> dict[str, Table]:
    """All canonical tables by name, core first.

    ``orders.received_at`` of the published contract is ``received_on`` here, since ``received_at`` is the receipt of the row.
    """
    return {t.name: t for t in (*_parties(), *_policies(), *_claims(), *_things(), *_extended())}


SCHEMES = {
    "hospital_ring": "claim", "sham_admission": "claim", "split_stay": "claim", "invoice_reuse": "claim",
    "staged_accident": "claim", "garage_ring": "claim", "driver_swap": "claim", "injury_broker": "claim",
    "village_stays": "claim", "undisclosed_illness": "claim", "ghost_policies": "conduct", "proxy_surrender": "conduct",
    "stacking": "claim", "device_bulk": "claim", "shell_employers": "claim", "livestock_reuse": "claim",
    "early_loss": "claim", "over_treatment": "medical", "identity": "claim", "payee": "claim", "mis_selling": "conduct",
    "return_shipping": "claim", "life_cover": "claim", "accumulation": "claim", "anomaly": "claim",
}  # fmt: skip
"""Scheme → family of route: claim deception (police or insurer), conduct (regulator or insurer), medical (medical-insurance bureau)."""
