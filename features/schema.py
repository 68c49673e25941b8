"""The canonical tables: every column with its type, nullability, range, personal-data class and when it becomes known.

This is the one declaration of the contract. The gate turns it into great-expectations suites, the simulator writes it,
mappings aim at it, and every feature reads it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache

TYPES = {
    "id": "string",
    "code": "string",
    "text": "string",
    "date": "date",
    "time": "timestamp",
    "money": "decimal(18, 2)",
    "float": "float64",
    "int": "int64",
    "bool": "boolean",
}

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


@dataclass(frozen=True)
class Column:
    """One canonical column.

    Attributes
    ----------
    name : str
    type : str
        A key of ``TYPES``.
    pii : str
        ``""``, ``"PI"`` (personal) or ``"SPI"`` (sensitive personal).
    token : bool
        True: stages see only a keyed token; the raw value lives in the vault.
        False with ``pii`` set: stages keep the value, display masks it.
    required : bool
        A row without it cannot be keyed and is quarantined.
    low, high : float or None
        Plausible range, inclusive; outside it the row passes with a ``dq`` mark.
    values : tuple of str
        Allowed values of a ``code``; others pass with a ``dq`` mark and read null.
    known_at : str
        Where a source has no receipt time: the column that says when this one became known.
    ref : str
        Table whose key this column points at; orphans pass with a ``dq`` mark.
    derived : str
        Name of the raw column this one is computed from at the gate, before tokens replace it.
    """

    name: str
    type: str
    pii: str = ""
    token: bool = False
    required: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] = ()
    known_at: str = ""
    ref: str = ""
    derived: str = ""

    @property
    def dtype(self) -> str:
        """The Ibis type."""
        return TYPES[self.type]

    @property
    def scoped(self) -> bool:
        """True where the value is an id of the insurer's own and is written ``insurer:id``."""
        return self.type == "id" and (self.required or bool(self.ref) or self.name in _SCOPED)


@dataclass(frozen=True)
class Table:
    """One canonical table: its columns, key, and the column that says when a row became known."""

    name: str
    columns: tuple[Column, ...]
    key: tuple[str, ...]
    known_at: str = ""
    by_column: dict[str, Column] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_column", {c.name: c for c in self.columns})

    @property
    def names(self) -> tuple[str, ...]:
        """Column names in order."""
        return tuple(self.by_column)

    @property
    def source_columns(self) -> tuple[Column, ...]:
        """Columns that a source may deliver (all but the derived ones)."""
        return tuple(c for c in self.columns if not c.derived)


_SCOPED = ("household_id", "group_id", "branch_id", "outlet_id", "renewal_of")

# What the gate adds to every row: where it came from, when it was received, and which plausibility rules it broke.
LINEAGE = (
    Column("insurer", "code"),
    Column("received_at", "time"),
    Column("source_file", "text"),
    Column("source_row", "int"),
    Column("row_sha256", "text"),
    Column("dq", "text"),
)


def _ids(*names: str, ref: str = "") -> tuple[Column, ...]:
    return tuple(Column(n, "id", ref=ref) for n in names)


def _key(name: str, ref: str = "") -> Column:
    return Column(name, "id", required=True, ref=ref)


def _secret(name: str, pii: str = "PI") -> Column:
    return Column(name, "text", pii=pii, token=True)


def _money(name: str, known_at: str = "", low: float | None = 0, high: float | None = 1e9) -> Column:
    return Column(name, "money", low=low, high=high, known_at=known_at)


def _code(name: str, values: tuple[str, ...] = (), known_at: str = "") -> Column:
    return Column(name, "code", values=values, known_at=known_at)


def _many(type_: str, *names: str) -> tuple[Column, ...]:
    return tuple(Column(n, type_) for n in names)


def _core() -> tuple[Table, ...]:
    return (
        Table("parties", (
            _key("party_id"), _code("kind", PARTY_KINDS), _secret("name"),
            _code("id_type", ("resident", "passport", "hk_macao_tw", "newborn", "credit_code", "other")),
            _secret("id_number", "SPI"), Column("birth_date", "date", pii="PI"), _code("gender", ("F", "M")),
            _secret("phone"), _secret("address"), _code("district"), _secret("account", "SPI"), _secret("email"),
            _secret("device_id"), _secret("licence_no"), Column("licence_ends_on", "date"), *_ids("parent_id", ref="parties"),
            *_ids("household_id"), *_many("code", "level", "specialty"), Column("beds", "int", low=0, high=20_000),
            _money("income"), _code("occupation_class"), *_many("date", "opened_on", "closed_on"),
            Column("deceased_on", "date", known_at="deceased_on"),
            Column("id_problem", "code", derived="id_number"), Column("id_birth_date", "date", pii="PI", derived="id_number"),
            Column("id_gender", "code", derived="id_number"), Column("id_region", "code", derived="id_number"),
        ), ("party_id",)),
        Table("party_links", (
            _key("party_id", "parties"), _key("other_party_id", "parties"),
            _code("kind", ("family", "serves", "treats", "employs", "owns", "refers")), *_many("date", "since", "until"),
        ), ("party_id", "other_party_id", "kind"), known_at="since"),
        Table("party_exemptions", (
            *_ids("party_id", ref="parties"), _secret("account", "SPI"), _secret("phone"), _code("reason"), Column("until", "date"),
        ), ("party_id", "account", "phone", "reason")),
        Table("policies", (
            _key("policy_id"), _code("line", LINES), _code("product"),
            _code("channel", ("agent", "broker", "bank", "online", "direct", "group")), *_ids("agent_id", ref="parties"),
            *_ids("branch_id", "outlet_id"), *_ids("holder_id", "insured_id", "beneficiary_id", ref="parties"), *_ids("group_id"),
            *_many("date", "issued_on", "starts_on", "waiting_ends_on", "ends_on"), *_ids("renewal_of"), _money("premium"),
            _money("sum_insured", high=1e10), _money("commission", low=None), _money("bonus", low=None),
            *_many("code", "district", "sold_district"), _secret("device_id"), _secret("ip"),
            *_many("bool", "recording_required"), _code("recording_quality", ("good", "poor", "missing")),
            *_many("bool", "gift", "compulsory"), _code("status"),
        ), ("policy_id",), known_at="issued_on"),
        Table("policy_coverages", (
            _key("policy_id", "policies"), _key("coverage_id"), _code("kind", ("indemnity", "fixed", "liability", "property")),
            _money("limit", high=1e10), _money("deductible"), _money("daily_benefit", high=1e5), Column("waiting_ends_on", "date"),
            *_ids("co_insurance_id"),
        ), ("policy_id", "coverage_id")),
        Table("policy_events", (
            _key("event_id"), _key("policy_id", "policies"), _code("kind", POLICY_EVENTS), Column("at", "time"), Column("due_on", "date"),
            _money("amount"), _money("cash_value"), _secret("account", "SPI"), *_ids("by_party_id", ref="parties"), _secret("phone"),
            _secret("sender"), _secret("text", "SPI"), _code("result"), Column("text_bands", "text", derived="text"),
        ), ("event_id",), known_at="at"),
        Table("claims", (
            _key("claim_id"), *_ids("policy_id", ref="policies"), *_ids("event_no"), *_many("time", "event_at", "reported_at"),
            Column("admitted_on", "date"), Column("discharged_on", "date", known_at="discharged_on"),
            Column("closed_on", "date", known_at="closed_on"), _money("claimed_amount"), _money("paid_amount", known_at="closed_on"),
            _money("reserve"), _code("status", STATUSES, known_at="closed_on"), _code("district"), _secret("place"),
            _secret("reporter_phone"), _secret("police_report_no"), _secret("narrative", "SPI"),
            Column("narrative_bands", "text", derived="narrative"),
        ), ("claim_id",), known_at="reported_at"),
        Table("claim_roles", (
            _key("claim_id", "claims"), _key("party_id", "parties"), Column("role", "code", required=True, values=ROLES),
        ), ("claim_id", "party_id", "role")),
        Table("claim_diagnoses", (
            _key("claim_id", "claims"), Column("seq", "int", required=True, low=0, high=99), Column("code", "code", pii="SPI"),
        ), ("claim_id", "seq")),
        Table("claim_items", (
            _key("claim_id", "claims"), Column("line_no", "int", required=True, low=0), *_many("code", "code_system"),
            Column("code", "code", pii="SPI"),
            _code("category", ("drug", "test", "bed", "nursing", "operation", "therapy", "material", "part", "labour", "other")),
            *_many("code", "class"), _money("unit_price"), Column("quantity", "float", low=0, high=1e6), _money("amount"),
            Column("served_at", "time"), *_ids("doctor_id", ref="parties"),
        ), ("claim_id", "line_no")),
        Table("claim_bills", (
            _key("claim_id", "claims"), _secret("invoice_code"), _secret("invoice_no"), _secret("check_code"),
            *(_money(n) for n in ("total", "pooled", "major_illness", "personal_account", "self_paid", "self_funded", "other_payer")),
            *_many("bool", "split_note"),
        ), ("claim_id", "invoice_code", "invoice_no")),
        Table("objects", (
            _key("object_id"), _code("kind", ("vehicle", "livestock_lot", "land_parcel", "cargo", "device")), _secret("vin"),
            _secret("plate"), _code("use", ("private", "taxi", "ride_hailing", "freight", "rental")), Column("first_registered", "date"),
            _money("list_price"), *_many("id", "ear_tag"), Column("area", "float", low=0), Column("headcount", "float", low=0),
        ), ("object_id",)),
        Table("claim_objects", (
            _key("claim_id", "claims"), _key("object_id", "objects"), _code("side", ("own", "third")),
            Column("fault_share", "float", low=0, high=1), _money("assessed"), _money("salvage"),
        ), ("claim_id", "object_id")),
        Table("outcomes", (
            _code("subject_kind"), _key("subject_id"), *_ids("lead_id", "run_key"), Column("opened_at", "time"),
            _code("selected_by", ("rank", "explore", "random", "tip")), Column("verdict", "code", values=VERDICTS, known_at="decided_at"),
            _code("stage", known_at="decided_at"), _code("route"), _code("scheme", known_at="decided_at"),
            Column("decided_at", "time", known_at="decided_at"), _money("amount_saved", known_at="decided_at"), *_ids("by", "supersedes"),
        ), ("subject_kind", "subject_id", "opened_at"), known_at="opened_at"),
        Table("facts", (
            _code("subject_kind"), _key("subject_id"), Column("name", "code", required=True), Column("value", "float"),
            Column("text", "text"), Column("known_at", "time"),
        ), ("subject_kind", "subject_id", "name"), known_at="known_at"),
    )  # fmt: skip


def _extended() -> tuple[Table, ...]:
    return (
        Table("claim_coverages", (
            _key("claim_id", "claims"), _key("coverage_id"), _money("assessed"), _money("paid"), _code("decision"),
        ), ("claim_id", "coverage_id")),
        Table("claim_events", (
            _key("claim_id", "claims"), _code("kind"), Column("at", "time", required=True), *_ids("by_party_id", ref="parties"),
        ), ("claim_id", "kind", "at"), known_at="at"),
        Table("claim_payments", (
            _key("claim_id", "claims"), Column("at", "time"), _money("amount"), *_ids("payee_id", ref="parties"),
            _secret("account_holder"), _secret("account", "SPI"),
        ), ("claim_id", "at", "payee_id"), known_at="at"),
        Table("premium_payments", (
            _key("policy_id", "policies"), *_many("date", "due_on", "paid_at"), _money("amount"), _secret("account", "SPI"),
        ), ("policy_id", "due_on"), known_at="paid_at"),
        Table("commission_payments", (
            _key("policy_id", "policies"), *_ids("agent_id", ref="parties"), _code("kind"), Column("at", "date"),
            _money("amount", low=None),
        ), ("policy_id", "agent_id", "kind", "at"), known_at="at"),
        Table("surveys", (
            _key("claim_id", "claims"), _code("kind"), *_ids("by_party_id", ref="parties"), Column("at", "time"), _secret("place"),
            _code("method"), _money("estimate"), *_ids("photo_hash"), _secret("finding", "SPI"),
        ), ("claim_id", "kind", "at"), known_at="at"),
        Table("orders", (
            _key("order_id"), *_ids("policy_id", ref="policies"), *_ids("shop_id", ref="parties"),
            *_many("time", "shipped_at", "received_on", "returned_at"), _secret("waybill"),
        ), ("order_id",), known_at="shipped_at"),
        Table("flights", (
            _key("policy_id", "policies"), *_ids("flight_no"), *_many("bool", "boarded"),
        ), ("policy_id", "flight_no")),
        Table("watchlist", (
            _code("kind", ("deny", "allow", "snooze")), _code("subject_kind"), _key("subject_id"), *_many("code", "flag", "reason"),
            *_ids("by"), *_many("date", "starts_on", "ends_on"),
        ), ("subject_kind", "subject_id", "kind", "flag"), known_at="starts_on"),
    )  # fmt: skip


@cache
def tables() -> dict[str, Table]:
    """All canonical tables by name, core first.

    ``orders.received_at`` of the published contract is ``received_on`` here, since ``received_at`` is the receipt of the row.
    """
    return {t.name: t for t in (*_core(), *_extended())}


SCHEMES = {
    "hospital_ring": "claim", "sham_admission": "claim", "split_stay": "claim", "invoice_reuse": "claim",
    "staged_accident": "claim", "garage_ring": "claim", "driver_swap": "claim", "injury_broker": "claim",
    "village_stays": "claim", "undisclosed_illness": "claim", "ghost_policies": "conduct", "proxy_surrender": "conduct",
    "stacking": "claim", "device_bulk": "claim", "shell_employers": "claim", "livestock_reuse": "claim",
    "early_loss": "claim", "over_treatment": "medical", "identity": "claim", "payee": "claim", "mis_selling": "conduct",
    "return_shipping": "claim", "life_cover": "claim", "accumulation": "claim", "anomaly": "claim",
}  # fmt: skip
"""Scheme → family of route: claim deception (police or insurer), conduct (regulator or insurer), medical (medical-insurance bureau)."""
