"""Concentration (N05): a party around whom claims with one red flag pile up beyond chance, the sign that no single claim can give.

It reads what the other flags found, so it runs after them, here, and not among them.
"""

from __future__ import annotations

from collections.abc import Mapping

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from features.book import Book
from features.bursts import bursts, greatest_burst, members
from features.indicators.base import FINDING, red_flag
from pipelines.config import Settings
from pipelines.leads.inputs import CARD, Given, cards, collected, relation

CODE = "N05"


@red_flag(
    CODE,
    "Flagged claims pile up",
    grain="party",
    severity="high",
    scheme="anomaly",
    needs=("claim_roles.role",),
    source="screening practice; Benjamini and Hochberg 1995 for the many parties looked at",
    settings={"households": 3, "level": 0.05, "days": 120},
)
def concentration(book: Book, s: Mapping[str, float]) -> ir.Table:
    """Claims with one red flag come together at one party more often than chance explains.

    Condition: ``households`` or more of a party's households have claims with one flag, in all or within ``days``, more than the line's own
    rate of that flag explains (one-sided Poisson tail, Benjamini-Hochberg below ``level`` over all parties of the kind with that many
    households, and over the windows of the book, each twice as they overlap).
    Example: of an agent's thirty customers three had been treated, elsewhere, for what they claim; 0.05 are expected.
    Reason: one odd claim is an accident; many at one party have somebody behind them. It speaks for the scheme of the flag that piles up.
    Exclusions: exempt parties; flags of the network, which say nothing of the claim itself; claims by which the flag names a party itself
    (H02's hospital), which are counted there; a person counts as reporter only, since one's own claims are not independent of each other.
    """
    found = concentrations(book.tables, s)
    return ibis.memtable(found[list(FINDING)].astype({"detail": "string"}), schema=ibis.schema(FINDING))


PARTIES = {
    "agent": "agent_id", "hospital": "hospital_id", "doctor": "doctor_id", "garage": "garage_id", "assessor": "assessor_id",
    "appraiser": "appraiser_id", "proxy": "proxy_id", "lawyer": "lawyer_id", "employer": "employer_id", "person": "reporter_id",
}  # fmt: skip
"""Kind of party → column of ``claim_view``. A person counts as reporter only: his own claims are not independent of each other."""


def with_concentrations(given: Given, settings: Settings) -> Given:
    """The night's tables with the findings and the card of N05 added, unless it is disabled."""
    if CODE in settings.disabled_flags:
        return given
    found, fired = concentrations(given, {**concentration.settings, **settings.flags.get(CODE, {})}), relation(given, "findings")
    known = pd.concat([cards(given), pd.DataFrame([{c: getattr(concentration, c) for c in CARD}])], ignore_index=True)
    if found.empty or fired is None:
        return {**given, "flags": known}
    typed = ibis.memtable(found[[*FINDING, "code"]].astype({"detail": "string"}), schema=ibis.schema({**FINDING, "code": "string"}))
    return {**given, "flags": known, "findings": fired.select(**{c: fired[c].cast(t) for c, t in typed.schema().items()}).union(typed)}


def concentrations(given: Given, s: Mapping[str, float] = concentration.settings) -> pd.DataFrame:
    """Findings of N05, one row per party and claim.

    Parameters
    ----------
    given : mapping of str to table
        ``findings`` and ``claim_view``; ``entities`` for exemptions.
    s : mapping
        Thresholds, see :func:`concentration`.

    Returns
    -------
    DataFrame
        Columns of a finding and ``code``. ``value`` is the number of households, ``limit`` what chance gives, ``detail``
        the code of the flag that piles up; a party with several has the least likely one.
    """
    claims, fired = relation(given, "claim_view"), relation(given, "findings")
    if claims is None or fired is None or "family_id" not in claims.columns:
        return pd.DataFrame(columns=[*FINDING, "code"])
    flagged = _by_themselves(fired)
    parts = [_piled((claims, flagged), kind, column, s) for kind, column in PARTIES.items() if column in claims.columns]
    strongest = _allowed(given, pd.concat(parts, ignore_index=True)) if parts else pd.DataFrame()
    if strongest.empty:
        return pd.DataFrame(columns=[*FINDING, "code"])
    rows = pd.concat(
        [_claims((claims, flagged), strongest, kind, s["days"]) for kind in sorted(set(strongest["subject_kind"]))], ignore_index=True
    )
    return rows.assign(evidence_table="claims", code=CODE)[[*FINDING, "code"]]


def _by_themselves(fired: ir.Table) -> ir.Table:
    """Claims with their flags: claim_id, flag; without those by which the flag names a party itself (a hospital's habit): counted there.

    Nearness to proven fraud (N01) is no sign that a claim bears: whoever deals with the proven has only such customers.
    """
    fired = fired.filter(~fired.code.startswith("N"))
    named = fired.filter((fired.subject_kind != "claim") & (fired.evidence_table == "claims"))
    rows = fired.filter(fired.subject_kind == "claim").select(claim_id="subject_id", flag="code").distinct()
    return rows.anti_join(named.select(claim_id="evidence_key", flag="code"), ["claim_id", "flag"])


def _piled(rows: tuple[ir.Table, ir.Table], kind: str, column: str, s: Mapping[str, float]) -> pd.DataFrame:
    """Parties of one kind and flags with q below ``level``, in all or in a window that ends on ``last_day``; ``rows`` are claims and
    flagged claims.
    """
    claims, flagged = rows
    known = _known(claims, kind, column)
    hit = known.inner_join(flagged, "claim_id")
    sizes = known.group_by("line").agg(size=known.count())
    rates = hit.group_by("flag", "line").agg(hits=hit.count()).inner_join(sizes, "line")
    crowd = known.group_by("party").agg(households=known.family_id.nunique())
    possible = int(crowd.filter(crowd.households >= s["households"]).count().execute())
    whole = _unlikely(collected(_whole(known, hit, rates, s)), possible)
    waves = _unlikely(collected(_waves(known, hit, rates, s)), round(possible * _windows(known, s["days"])))
    found = pd.concat([whole, waves], ignore_index=True)
    return found[found["q"] < s["level"]].assign(subject_kind=kind)


def _known(claims: ir.Table, kind: str, column: str) -> ir.Table:
    """Claims with a party of one kind: claim_id, line, family_id, party, day."""
    dates = [claims[c].cast("date") for c in ("admitted_on", "event_at") if c in claims.columns]
    day = ibis.coalesce(*dates) if dates else ibis.null("date")
    known = claims.filter(claims[column].notnull() & claims.family_id.notnull())
    rows = known.select("claim_id", "line", "family_id", party=known[column], day=day)
    return rows.filter(rows.party.startswith("person:")) if kind == "person" else rows


def _windows(known: ir.Table, days: float) -> float:
    """Windows that the book is long, each counted twice as they overlap."""
    span = known.day.max().delta(known.day.min(), unit="day").as_scalar().execute()
    return 1.0 if pd.isna(span) else max(1.0, 2.0 * float(span) / days)


def _whole(known: ir.Table, hit: ir.Table, rates: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """What comes together in all: party, flag, k, expected."""
    own = known.group_by("party", "line").agg(n=known.count())
    common = hit.group_by("party", "flag").agg(k=hit.family_id.nunique())
    chance = common.filter(common.k >= s["households"]).inner_join(own, "party").inner_join(rates, ["flag", "line"])
    return chance.group_by("party", "flag", "k").agg(expected=(chance.n * chance.hits / chance["size"].cast("float64")).sum())


def _waves(known: ir.Table, hit: ir.Table, rates: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """What comes together within ``days``, the fullest window of each: party, flag, k, last_day, expected of the party's claims then."""
    by, days = ("party", "flag"), int(s["days"])
    fullest = greatest_burst(bursts(hit, by, "family_id", days), by, s["households"]).rename(k="burst")
    inside = members(known, fullest, ("party",), days)
    own = inside.group_by(*by, "k", "last_day", "line").agg(n=inside.count())
    chance = own.inner_join(rates, ["flag", "line"])
    return chance.group_by(*by, "k", "last_day").agg(expected=(chance.n * chance.hits / chance["size"].cast("float64")).sum())


def _unlikely(rows: pd.DataFrame, possible: int) -> pd.DataFrame:
    """Rows with ``p`` and ``q``; every flag is corrected by itself for all parties it could have piled up at."""
    from scipy.special import gammainc

    known = rows.assign(p=gammainc(rows["k"].to_numpy(dtype=float), rows["expected"].to_numpy(dtype=float).clip(1e-9)))
    ordered = known.sort_values(["flag", "p", "party"], ignore_index=True)
    ordered["q"] = ordered["p"] * possible / (ordered.groupby("flag").cumcount() + 1)
    ordered["q"] = ordered[::-1].groupby("flag")["q"].cummin()[::-1]
    return ordered


def _allowed(given: Given, piled: pd.DataFrame) -> pd.DataFrame:
    """The least likely pile of each party that is not exempt, by its q: a window is one of many."""
    entities = relation(given, "entities")
    exempt: set[str] = set()
    if entities is not None and "exempt" in entities.columns:
        exempt = set(collected(entities.filter(entities.exempt).select("entity_id"))["entity_id"])
    ordered = piled[~piled["party"].isin(exempt)].sort_values(["subject_kind", "party", "q", "p", "flag"], ignore_index=True)
    return ordered.drop_duplicates(["subject_kind", "party"])


def _claims(rows: tuple[ir.Table, ir.Table], strongest: pd.DataFrame, kind: str, days: float) -> pd.DataFrame:
    """The claims of each pile."""
    of_kind = strongest[strongest["subject_kind"] == kind]
    hit = _known(rows[0], kind, PARTIES[kind]).inner_join(rows[1], "claim_id")
    wanted = ibis.memtable(of_kind[["party", "flag"]].astype("string"))
    found = collected(hit.inner_join(wanted, ["party", "flag"]).select("party", "flag", "day", evidence_key="claim_id"))
    joined = found.merge(of_kind[["party", "k", "expected", "last_day"]], on="party")
    age = (pd.to_datetime(joined["last_day"]) - pd.to_datetime(joined["day"])).dt.days
    inside = joined[joined["last_day"].isna() | age.between(0, days - 1)].drop(columns=["day", "last_day"])
    named = inside.rename(columns={"party": "subject_id", "flag": "detail", "k": "value", "expected": "limit"})
    return named.assign(subject_kind=kind, value=named["value"].astype(float), limit=np.round(named["limit"], 6))
