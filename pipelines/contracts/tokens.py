"""Keyed tokens: what stages see instead of a personal value; equal values of one kind have equal tokens in every table.

The construction is HMAC's with SHA-256: ``H(k_out || H(k_in || message))``. The two keys are 64 hexadecimal characters, exactly one
block of SHA-256, so hashing them first only keys the compression function, which is HMAC (RFC 2104) with two independent
inner and outer keys, that is NMAC of Bellare, Canetti and Krawczyk (1996) with keys derived by one compression. Nested hashing,
not a plain prefix, because ``H(key || message)`` can be extended. It needs nothing but SHA-256 and concatenation, which
every engine has. The inner digest enters as hexadecimal text, which is one-to-one.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import ibis
import ibis.expr.types as ir

from features.schema import Column
from pipelines import normalise

LENGTH = 24
"""Hexadecimal characters kept: 96 bits, no collision among 10^12 values."""

Normaliser: TypeAlias = Callable[[ir.StringValue], ir.StringValue]

NORMALISERS: dict[str, Normaliser] = {
    "name": normalise.name,
    "id_number": normalise.number,
    "phone": normalise.phone,
    "address": normalise.address,
    "account": normalise.number,
    "email": normalise.email,
    "device": normalise.plain,
    "licence": normalise.number,
    "ip": normalise.plain,
    "sender": normalise.plain,
    "text": normalise.trim,
    "police_report": normalise.number,
    "invoice_code": normalise.number,
    "invoice_no": normalise.number,
    "check_code": normalise.number,
    "vin": normalise.number,
    "plate": normalise.plate,
    "waybill": normalise.number,
}
"""Kind of token → how its values are spelt. Columns of one kind join across tables."""

SECOND: dict[str, Normaliser] = {"id_number": normalise.eighteen}
"""What follows in a projection of its own: an expression is written out wherever it is used, and this one uses its value often."""

KINDS = {
    "name": "name", "account_holder": "name", "id_number": "id_number", "phone": "phone", "reporter_phone": "phone",
    "address": "address", "place": "address", "account": "account", "email": "email", "device_id": "device",
    "licence_no": "licence", "ip": "ip", "sender": "sender", "text": "text", "narrative": "text", "finding": "text",
    "police_report_no": "police_report", "invoice_code": "invoice_code", "invoice_no": "invoice_no", "check_code": "check_code",
    "vin": "vin", "plate": "plate", "waybill": "waybill",
}  # fmt: skip
"""Column name → kind of token."""

SUBJECT_KINDS = {"account": "account", "phone": "phone", "device": "device"}
"""Subject kinds of outcomes, facts and the watchlist whose id is itself a personal value, and so becomes a token."""


@dataclass(frozen=True)
class Secret:
    """The two block keys derived from the configured key; never shown."""

    inner: str = field(repr=False)
    outer: str = field(repr=False)

    @classmethod
    def of(cls, key: str) -> Secret:
        """Derive both keys by HMAC with a label each."""
        return cls(_derive(key, b"fraudleads inner"), _derive(key, b"fraudleads outer"))

    def attach(self, table: ir.Table) -> ir.Table:
        """The table with the columns ``k_inner`` and ``k_outer``: as data, since a query's text turns up in errors and logs."""
        return table.cross_join(ibis.memtable({"k_inner": [self.inner], "k_outer": [self.outer]}))


def kind_of(column: Column) -> str:
    """Kind of token of a column with ``token=True``."""
    return KINDS[column.name]


def expression(kind: ir.StringValue | str, spelt: ir.StringValue, table: ir.Table) -> ir.StringValue:
    """Token of a value in its normal spelling, on a table that went through ``Secret.attach``; null for null."""
    label = ibis.literal(f"{kind}:") if isinstance(kind, str) else kind.concat(":")
    inner = table.k_inner.concat(label, spelt).hexdigest("sha256")
    return table.k_outer.concat(inner).hexdigest("sha256").left(LENGTH)


def token(kind: str, value: str, key: str) -> str | None:
    """Token of one raw value: the plain form that the expression is tested against, for truth files and look-ups.

    Parameters
    ----------
    kind : str
        A key of ``NORMALISERS``.
    value : str
        As a source delivers it.
    key : str
        The configured key.
    """
    return tokens(kind, [value], key)[0]


def tokens(kind: str, values: list[str], key: str) -> list[str | None]:
    """Tokens of many raw values of one kind; spelling them costs one query."""
    secret = Secret.of(key)
    return [None if s is None else digest(secret, kind, s) for s in spell(kind, values)]


def spell(kind: str, values: list[str]) -> list[str | None]:
    """The normal spelling of raw values of one kind."""
    table = ibis.memtable({"i": range(len(values)), "value": values}, schema={"i": "int64", "value": "string"})
    first = table.select("i", s=NORMALISERS[kind](table.value))
    both = first.select("i", s=SECOND.get(kind, _same)(first.s)).order_by("i")
    found: list[str | None] = ibis.duckdb.connect().to_pyarrow(both)["s"].to_pylist()
    return found


def digest(secret: Secret, kind: str, spelt: str) -> str:
    """Token of a value that is already spelt."""
    inner = hashlib.sha256(f"{secret.inner}{kind}:{spelt}".encode()).hexdigest()
    return hashlib.sha256(f"{secret.outer}{inner}".encode()).hexdigest()[:LENGTH]


def _same(value: ir.StringValue) -> ir.StringValue:
    return value


def _derive(key: str, label: bytes) -> str:
    return hmac.new(key.encode(), label, hashlib.sha256).hexdigest()
