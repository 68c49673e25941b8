"""Family I: business sold online."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding
from features.indicators.sharing import crowded, public_values, without_public

ORGANISATIONS = ("agency", "employer", "hospital", "garage", "shop", "other", "agent")


def _online(book: Book) -> ir.Table:
    view = book["policy_view"]
    return view.filter(view.channel == "online", view.group_id.isnull(), ~view.gift.fill_null(False))


def _premium_accounts(book: Book) -> ir.Table:
    """policy_id, account of private payers."""
    paid = book["premium_payments"].filter(lambda t: t.account.notnull()).select("policy_id", "account").distinct()
    return without_public(paid, "account", public_values(book, "account", ORGANISATIONS))


@red_flag(
    "I01",
    "Shared device or account",
    grain="device",
    severity="medium",
    scheme="device_bulk",
    needs=("policies.device_id", "policies.channel"),
    source="InfDetect; Liang et al. 2019",
    settings={"families": 3, "hub": 300},
)
def shared_device(book: Book, s: Settings) -> ir.Table:
    """Unrelated people insure themselves online from one device, or with one account.

    Condition: ``families`` or more unrelated holders of online policies on one device or one premium account.
    Example: nineteen holders, one phone.
    Reason: one hand runs borrowed identities.
    Exclusions: families; insurers' tablets (agent channel); public terminals (more than ``hub`` holders); accounts of organisations.
    An address on the net (IP) alone is a carrier's.
    """
    online = _online(book)
    devices = crowded(online, ("device_id",), "holder_family", s["families"]).filter(lambda t: t.n <= s["hub"])
    paid = online.inner_join(_premium_accounts(book), "policy_id")
    accounts = crowded(paid, ("account",), "holder_family", s["families"]).filter(lambda t: t.n <= s["hub"])
    return ibis.union(
        finding(devices, ("device", "device_id"), ("n", s["families"]), ("policies", "policy_id")),
        finding(accounts, ("account", "account"), ("n", s["families"]), ("policies", "policy_id")),
    )


@red_flag(
    "I02",
    "Bulk small policies",
    grain="device",
    severity="medium",
    scheme="device_bulk",
    needs=("policies.device_id", "policies.issued_on"),
    source="return-freight cases",
    settings={"policies": 10, "premium": 200, "households": 4},
)
def bulk_policies(book: Book, s: Settings) -> ir.Table:
    """Many small policies on one day from one device or account.

    Condition: ``policies`` or more online policies of at most ``premium`` CNY on one day from one device or premium account, for
    ``households`` or more families.
    Example: 46 return-shipping covers in an afternoon.
    Reason: scripts buy what scripts claim.
    Exclusions: insurers' tablets (agent channel); group and gift covers; a trip of a few families, one of whom buys for all.
    """
    small = _online(book).filter(lambda t: t.premium <= s["premium"])
    paid = small.inner_join(_premium_accounts(book), "policy_id")
    sides = ((small, "device", "device_id"), (paid, "account", "account"))
    return ibis.union(*(_bulk(rows, kind, column, s) for rows, kind, column in sides))


def _bulk(rows: ir.Table, kind: str, column: str, s: Settings) -> ir.Table:
    days = crowded(rows.filter(rows.issued_on.notnull()), (column, "issued_on"), "policy_id", s["policies"])
    several = crowded(days.rename(policies="n"), (column,), "holder_family", s["households"])
    most = several.mutate(most=several.policies.max().over(group_by=column))
    return finding(most, (kind, column), ("most", s["policies"]), ("policies", "policy_id"))


@red_flag(
    "I03",
    "Return before receipt",
    grain="claim",
    severity="high",
    scheme="return_shipping",
    needs=("orders.received_on", "orders.returned_at"),
    source="Shanghai 2025: 3 million",
    settings={"hours": 0},
)
def return_before_receipt(book: Book, s: Settings) -> ir.Table:
    """Goods go back before they came.

    Condition: the order's return is dated more than ``hours`` before its receipt, and the shipping cover was claimed.
    Example: returned on 2 June, received on 4 June.
    Reason: nothing was ever shipped.
    Exclusions: parcels that were refused at the door have no receipt.
    """
    orders = book["orders"]
    hours = (orders.received_on.epoch_seconds() - orders.returned_at.epoch_seconds()) / 3600
    early = orders.mutate(hours=hours).filter(lambda t: t.hours > s["hours"]).select("order_id", "policy_id", "hours")
    hit = book["claim_view"].select("claim_id", "policy_id").inner_join(early, "policy_id")
    most = hit.mutate(most=hit.hours.max().over(group_by="claim_id"))
    return finding(most, ("claim", "claim_id"), ("most", s["hours"]), ("orders", "order_id"))


FLAGS: tuple[RedFlag, ...] = (shared_device, bulk_policies, return_before_receipt)
