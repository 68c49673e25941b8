"""Columns that only the gate can compute, since they need the raw value that a token then replaces."""

from __future__ import annotations

from pathlib import Path

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from features.schema import Table
from pipelines import normalise
from pipelines.contracts.tokens import Secret
from pipelines.ids import digest

GRAM = 5
BANDS, ROWS = 8, 5
"""Eight bands of five minima: texts with Jaccard similarity .9 share a band with probability .999, .5 with .22, .3 with .02."""

_TEXTS = 20_000
_PEOPLE = ("person", "agent", "doctor", "surveyor", "appraiser", "assessor", "lawyer", "proxy")

Bits = npt.NDArray[np.uint64]


def resident(row: ir.Table) -> ir.StringValue:
    """The number, where it is to be judged as a resident id.

    Where the type is not delivered, a person's number is taken for a resident id only if it looks like one, so that foreign
    numbers are not all invalid. A long hexadecimal text is a token of the source's own.
    """
    number = row.id_number
    looks = row.id_type.isnull() & number.re_search(r"^[0-9]{17}[0-9X]$") & (row.kind.isnull() | row.kind.isin(_PEOPLE))
    judged = ((row.id_type == "resident") | looks).fill_null(False) & ~number.re_search(r"^[0-9A-F]{24,64}$")
    return ibis.ifelse(judged, number, ibis.null("string"))


def identity(row: ir.Table) -> dict[str, ir.Value]:
    """What the column ``resident`` says: ``id_problem``, ``id_birth_date``, ``id_gender``, ``id_region``."""
    return {
        "id_problem": normalise.id_problem(row.resident, row.received_at),
        "id_birth_date": normalise.birth_date(row.resident),
        "id_gender": normalise.gender(row.resident),
        "id_region": normalise.region(row.resident),
    }


def banded(table: Table) -> dict[str, str]:
    """Derived column → text column, for the near-duplicate bands of the table."""
    return {c.name: c.derived for c in table.columns if c.name.endswith("_bands")}


def write_bands(texts: Path, path: Path, secret: Secret) -> None:
    """Write the bands (``token``, ``bands``) of the distinct texts in one Parquet file (``token``, ``text``) to another."""
    schema = pa.schema({"token": pa.string(), "bands": pa.string()})
    with pq.ParquetWriter(path, schema) as writer:
        for batch in pq.ParquetFile(texts).iter_batches(batch_size=_TEXTS):
            writer.write_table(pa.table([batch["token"], bands(batch["text"], secret)], schema=schema))


def bands(texts: pa.Array, secret: Secret) -> pa.Array:
    """Near-duplicate bands of each text: eight words joined by a space; null for a text shorter than a 5-gram.

    MinHash with banding (Broder 1997; Leskovec, Rajaraman and Ullman, chapter 3): two texts that share a word are
    candidates for near-duplicates. The minima are keyed, so that nobody can look up a text that they guess.

    Parameters
    ----------
    texts : Array of string, length n
        In their normal spelling; spaces do not count.
    secret : Secret
        Its inner key seeds the hash functions.

    Returns
    -------
    Array of string, length n
    """
    packed = pc.replace_substring(texts.cast(pa.string()), " ", "")
    long = pc.fill_null(pc.greater_equal(pc.utf8_length(packed), GRAM), False)
    kept = packed.filter(long)
    if not len(kept):
        return pa.nulls(len(texts), pa.string())
    lengths = pc.utf8_length(kept).to_numpy().astype(np.int64)
    joined = pc.binary_join(pa.ListArray.from_arrays(pa.array([0, len(kept)], pa.int32()), kept), "")[0].as_py()
    starts = np.concatenate([[0], np.cumsum(lengths - GRAM + 1)[:-1]])
    words = _words(_grams(joined, lengths), starts, _seeds(secret))
    return pc.replace_with_mask(pa.nulls(len(texts), pa.string()), long, words)


def _seeds(secret: Secret) -> Bits:
    """Odd multipliers drawn from the key: by SHA-256, since a random generator's stream may change between versions."""
    drawn = [int(digest(secret.inner, "band", i), 16) | 1 for i in range(2 * BANDS * ROWS)]
    return np.array(drawn, dtype=np.uint64).reshape(2, BANDS * ROWS)


def _grams(joined: str, lengths: npt.NDArray[np.int64]) -> Bits:
    """Hashes of all 5-grams that lie within one text, in order."""
    points = np.frombuffer(joined.encode("utf-32-le", "replace"), dtype=np.uint32).astype(np.uint64)
    value = np.zeros(len(points) - GRAM + 1, dtype=np.uint64)
    for i in range(GRAM):
        value = (value ^ points[i : i + len(value)]) * np.uint64(0x9E3779B97F4A7C15)
        value ^= value >> np.uint64(29)
    within = np.ones(len(points), dtype=bool)
    ends = np.cumsum(lengths)
    for i in range(1, GRAM):
        within[ends - i] = False
    return value[within[: len(value)]]


def _words(grams: Bits, starts: npt.NDArray[np.int64], seeds: Bits) -> pa.Array:
    minima = np.stack([np.minimum.reduceat(_mixed(grams, a), starts) for a in seeds[0]], axis=1)
    mixed = _mixed((minima * seeds[1]).reshape(len(starts), BANDS, ROWS).sum(axis=2, dtype=np.uint64), seeds[1][0])
    digits = np.frombuffer(mixed.astype(">u8").tobytes().hex().encode(), dtype="S1").reshape(len(starts), BANDS, 16)
    text = np.full((len(starts), BANDS, 14), b" ", dtype="S1")
    text[:, :, 0] = [str(b).encode() for b in range(BANDS)]
    text[:, :, 1:13] = digits[:, :, :12]
    line = np.ascontiguousarray(text.reshape(len(starts), -1)[:, :-1])
    return pa.array(line.view(f"S{line.shape[1]}").ravel()).cast(pa.string())


def _mixed(values: Bits, multiplier: np.uint64) -> Bits:
    product: Bits = values * multiplier
    product ^= product >> np.uint64(32)
    return product
