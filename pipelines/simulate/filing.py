"""What every claim has, whatever its line: the claim's row, its roles, its way from report to payment."""

from __future__ import annotations

from typing import Any

import numpy as np

from pipelines.simulate import world
from pipelines.simulate.book import BookBuilder, insurer_of
from pipelines.simulate.columns import NONE, Ints, coded
from pipelines.simulate.spec import Spec

STATUSES = ("paid", "refused", "withdrawn", "zero_closed")
STATUS_SHARES = (0.945, 0.03, 0.015, 0.01)
LATE_REPORT = 0.05
"""Share of claims reported days or weeks after the loss, for no bad reason."""
FREE_COLUMNS = ("agent", "payee", "payee_account", "reporter_phone", "narrative", "truth", "refused", "closed")


def hours(values: Any) -> Any:
    """A number of hours as a time difference of whole seconds."""
    return (np.asarray(values) * 3600).astype("int64").astype("timedelta64[s]")


def reported(rng: np.random.Generator, spec: Spec, since: Any, median_hours: float) -> Any:
    """When claims are reported: by day, some ``median_hours`` after ``since``, with an honest tail of late ones."""
    lag = median_hours * rng.lognormal(0, 0.9, spec.n)
    lag = np.where(rng.random(spec.n) < LATE_REPORT, lag + rng.uniform(48, 700, spec.n), lag)
    when = since.astype("datetime64[s]") + hours(lag)
    return spec.get("reported", when).astype("datetime64[s]")


def file(book: BookBuilder, rng: np.random.Generator, spec: Spec, claim: dict[str, Any], roles: dict[str, Ints]) -> Ints:
    """Write claims with their roles and payments.

    Parameters
    ----------
    book, rng : BookBuilder, Generator
        Where to, and the stream.
    spec : Spec
        Read for ``FREE_COLUMNS``.
    claim : dict
        policy, event (time), reported (time), amount, share (paid of claimed), district (index), days (to decision, median), and any
        further columns of the claims table (admitted_on, discharged_on, place, police_report_no, narrative).
    roles : dict of str to array
        Actors by role, ``NONE`` where there is none; ``insured`` and ``claimant`` among them.

    Returns
    -------
    array of int64
        Claim ids, in order.
    """
    ids = book.new_ids("claim", insurer_of(claim["policy"]))
    outcome = _outcome(rng, spec, claim)
    known = ("policy", "event", "reported", "amount", "share", "district", "days", "event_no")
    number = np.where(rng.random(spec.n) < 0.02, NONE, ids) if claim.get("event_no") is None else claim["event_no"]
    book.append(
        "claims", claim_id=ids, policy_id=claim["policy"], event_no=number, event_at=claim["event"],
        reported_at=claim["reported"], claimed_amount=claim["amount"], paid_amount=outcome["paid"], closed_on=outcome["closed"],
        status=coded(outcome["status"], STATUSES), district=coded(claim["district"], world.DISTRICTS),
        reporter_phone=_phones(book, rng, spec, roles), **{k: v for k, v in claim.items() if k not in known},
    )  # fmt: skip
    everyone = {**roles, "agent": spec.get("agent", book.cover(claim["policy"], "agent")["agent"])}
    everyone["payee"] = spec.get("payee", roles.get("payee", roles["claimant"]))
    add_roles(book, ids, everyone)
    _pay(book, spec, ids, outcome, everyone["payee"])
    _remember(book, spec, ids)
    return ids


def add_roles(book: BookBuilder, claims: Ints, roles: dict[str, Ints]) -> None:
    """Roles of claims, as party records of the claim's insurer; the same person twice in one role is written once."""
    for role, actors in roles.items():
        actor = np.broadcast_to(np.asarray(actors, dtype="int64"), len(claims))
        has = actor >= 0
        if has.any():
            book.append("claim_roles", claim_id=claims[has], party_id=book.party(actor[has], insurer_of(claims[has])), role=role)


def _outcome(rng: np.random.Generator, spec: Spec, claim: dict[str, Any]) -> dict[str, Any]:
    days = np.maximum(1, claim["days"] * rng.lognormal(0, 0.6, spec.n)).astype("int64").astype("timedelta64[D]")
    closed = spec.get("closed", claim["reported"].astype("datetime64[D]") + days).astype("datetime64[D]")
    status = rng.choice(len(STATUSES), spec.n, p=STATUS_SHARES)
    if spec.stated("refused"):
        status = np.where(spec.need("refused").astype(bool), 1, 0)
    paid = np.where(status == 0, np.round(claim["amount"] * claim["share"], 1), 0.0)
    return {"closed": closed, "status": status, "paid": paid}


def _phones(book: BookBuilder, rng: np.random.Generator, spec: Spec, roles: dict[str, Ints]) -> Ints:
    by = np.broadcast_to(np.asarray(roles.get("reporter", roles["claimant"])), spec.n)
    by = np.where(by >= 0, by, roles["claimant"])
    silent = rng.random(spec.n) < 0.04
    return spec.get("reporter_phone", np.where(silent, NONE, book.actors["phone"][by]))


def _pay(book: BookBuilder, spec: Spec, ids: Ints, outcome: dict[str, Any], payee: Ints) -> None:
    account = spec.get("payee_account", book.actors["account"][payee])
    has = outcome["paid"] > 0
    party = book.party(payee[has], insurer_of(ids[has]))
    book.append(
        "claim_payments", claim_id=ids[has], at=outcome["closed"][has], amount=outcome["paid"][has], payee_id=party, account=account[has]
    )


def _remember(book: BookBuilder, spec: Spec, ids: Ints) -> None:
    event = spec.get("truth", NONE)
    if (event >= 0).any():
        book.same_event(ids[event >= 0], event[event >= 0])
