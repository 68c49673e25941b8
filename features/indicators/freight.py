"""Family F: freight."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir

from features.book import Book
from features.indicators.base import RedFlag, Settings, red_flag
from features.indicators.evidence import finding
from features.indicators.sharing import crowded


@red_flag(
    "F01",
    "Cargo insured after loss",
    grain="claim",
    severity="high",
    scheme="early_loss",
    needs=("policies.issued_on", "claims.event_at"),
    source="common screening practice",
    settings={"days": 0},
)
def cargo_after_loss(book: Book, s: Settings) -> ir.Table:
    """Freight that was insured when it was already lost, or a waybill that is insured twice.

    Condition: cargo policy issued more than ``days`` after the event; or one waybill on claimed orders of two or more policies.
    Example: the truck overturned on Monday, the cover is dated Tuesday.
    Reason: the loss is known, the cover is bought.
    Exclusions: open covers, which state no issue date per transport.
    """
    view = book["claim_view"].filter(lambda t: t.line == "cargo")
    late = view.mutate(late=view.issued_on.delta(view.event_at.cast("date"), unit="day")).filter(lambda t: t.late > s["days"])
    claimed = book["orders"].filter(lambda t: t.waybill.notnull()).select("order_id", "policy_id", "waybill")
    twice = crowded(claimed.inner_join(view.select("claim_id", "policy_id"), "policy_id"), ("waybill",), "policy_id", 2)
    most = twice.mutate(most=twice.n.max().over(group_by="claim_id"))
    return ibis.union(
        finding(late, ("claim", "claim_id"), ("late", s["days"]), ("claims", "claim_id"), ibis.literal("late")),
        finding(most, ("claim", "claim_id"), ("most", 1), ("orders", "order_id"), ibis.literal("waybill")),
    )


FLAGS: tuple[RedFlag, ...] = (cargo_after_loss,)
