"""Concentration (N05): a party around whom claims with one red flag pile up beyond chance, the sign that no single claim can give.

It reads what the other flags found, so it runs after them, here, and not among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from features.book import Book
from features.bursts import bursts, greatest_burst, members
from features.indicators.base import FINDING, red_flag
from pipelines.config import Settings
from pipelines.engine.keeping import kept
from pipelines.leads.inputs import CARD, Given, cards, collected, relation

CODE = "N05"
Floats = npt.NDArray[np.float64]


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

    Condition: ``households`` or more of a party's households have claims with one flag, or one kind of it (idle beds of H01), in all or
    within ``days``, more than the line's own rate explains (one-sided Poisson tail, Benjamini-Hochberg below ``level`` over all parties of
    the kind with that many households, and over the windows of the book, each twice as they overlap); or, within ``days``, no more but so
    far beyond the flag's limit that their weights together are as unlikely (:func:`heavy`).
    Example: of an agent's thirty customers three had been treated, elsewhere, for what they claim; 0.05 are expected.
    Reason: one odd claim is an accident; many at one party have somebody behind them. It speaks for the scheme of the flag that piles up.
    Exclusions: exempt parties; flags of the network, which say nothing of the claim itself; claims by which the flag names a party itself
    (H02's hospital), which are counted there; of persons only reporters and drivers, since one's own claims are not independent of each
    other: they are one household's.
    """
    found = concentrations(book.tables, s)
    return ibis.memtable(found[list(FINDING)].astype({"detail": "string"}), schema=ibis.schema(FINDING))


PARTIES = {
    "agent_id": "agent", "hospital_id": "hospital", "doctor_id": "doctor", "garage_id": "garage", "assessor_id": "assessor",
    "appraiser_id": "appraiser", "proxy_id": "proxy", "lawyer_id": "lawyer", "employer_id": "employer", "reporter_id": "person",
    "driver_id": "person",
}  # fmt: skip
"""Column of ``claim_view`` → kind of party. A person's own claims are those of one household, whoever reports them or drives."""
PILE = ("column", "party", "flag")
"""What a pile is at: a party of one column of ``PARTIES``, and a flag."""
OF_LINE = ("column", "flag", "line")
"""What has a rate of its own."""
KINDS = 4
"""A flag whose detail knows more words than this is not of a few kinds."""


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
    columns = [column for column in PARTIES if claims is not None and column in claims.columns]
    if claims is None or fired is None or "family_id" not in claims.columns or not columns:
        return pd.DataFrame(columns=[*FINDING, "code"])
    parts = [_known(claims, column) for column in columns]
    known = ibis.union(*parts) if len(parts) > 1 else parts[0]
    hit = kept(_weighed(known.inner_join(_by_themselves(fired), "claim_id")))
    strongest = _allowed(given, _piled(known, hit, columns, s))
    if strongest.empty:
        return pd.DataFrame(columns=[*FINDING, "code"])
    return _claims(hit, strongest, s["days"]).assign(evidence_table="claims", code=CODE)[[*FINDING, "code"]]


def _by_themselves(fired: ir.Table) -> ir.Table:
    """Claims with their flags: claim_id, flag, kind (the flag's detail), beyond (its value over its limit, or null); without those by which
    the flag names a party itself (a hospital's habit): counted there.

    Nearness to proven fraud (N01) is no sign that a claim bears: whoever deals with the proven has only such customers.
    """
    fired = fired.filter(~fired.code.startswith("N"))
    named = fired.filter((fired.subject_kind != "claim") & (fired.evidence_table == "claims"))
    of_claims = fired.filter(fired.subject_kind == "claim")
    beyond = of_claims["value"].cast("float64") / of_claims["limit"].cast("float64").nullif(0)
    named_so = {"claim_id": "subject_id", "flag": "code"}
    rows = (
        of_claims.mutate(beyond=beyond)
        .rename(**named_so)
        .group_by(*named_so)
        .agg(beyond=lambda t: t.beyond.max(), kind=lambda t: t.detail.cast("string").min())
    )
    free = rows.anti_join(named.select(claim_id="evidence_key", flag="code"), ["claim_id", "flag"])
    return free.union(_by_kind(free))


def _by_kind(flagged: ir.Table) -> ir.Table:
    """Flagged claims once more under ``flag|kind`` where a flag is of a few kinds, as an idle stay and a long one: one is rarer."""
    worded = flagged.filter(flagged.kind.re_search("^[a-z]"))
    few = worded.group_by("flag").agg(kinds=worded.kind.nunique()).filter(lambda t: (t.kinds > 1) & (t.kinds <= KINDS))
    kinds = worded.semi_join(few, "flag")
    return kinds.mutate(flag=kinds.flag + "|" + kinds.kind).select(*flagged.columns)


def _piled(known: ir.Table, hit: ir.Table, columns: Sequence[str], s: Mapping[str, float]) -> pd.DataFrame:
    """Parties and flags with q below ``level``, in all or in a window that ends on ``last_day``; of each column of parties by itself.

    All columns are looked at in one query: to write and to plan one takes longer than to carry it out.
    """
    spans = known.group_by("column").agg(span=known.day.max().delta(known.day.min(), unit="day"))
    crowd = known.group_by("column", "party").agg(households=known.family_id.nunique())
    enough = crowd.filter(crowd.households >= s["households"]).group_by("column").agg(parties=lambda t: t.count())
    span, possible = (dict(collected(rows).to_numpy().tolist()) for rows in (spans, enough))
    sizes = known.group_by("column", "line").agg(size=known.count())
    rates = hit.group_by(*OF_LINE).agg(hits=hit.count()).inner_join(sizes, ["column", "line"])
    waves = (_waves(known, windows, rates, s) for windows in (fullest(hit, s), heaviest(hit, s)))
    found = [collected(rows) for rows in (_whole(known, hit, rates, s), *waves)]
    parts = []
    for column in columns:
        parties = possible.get(column, 0)
        windows = round(parties * spans_of(span.get(column), s["days"]))
        parts += [_unlikely(rows[rows["column"] == column], n) for rows, n in zip(found, (parties, windows, windows), strict=True)]
    every = pd.concat(parts, ignore_index=True)
    return every[every["q"] < s["level"]].assign(subject_kind=lambda rows: rows["column"].map(PARTIES))


def _known(claims: ir.Table, column: str) -> ir.Table:
    """Claims with a party of one column: claim_id, line, family_id, column, party, day."""
    dates = [claims[c].cast("date") for c in ("admitted_on", "event_at") if c in claims.columns]
    day = ibis.coalesce(*dates) if dates else ibis.null("date")
    known = claims.filter(claims[column].notnull() & claims.family_id.notnull())
    rows = known.select("claim_id", "line", "family_id", column=ibis.literal(column), party=known[column], day=day)
    return rows.filter(rows.party.startswith("person:")) if PARTIES[column] == "person" else rows


def _weighed(hit: ir.Table) -> ir.Table:
    """Flagged claims with ``weight``: minus the log of the share of the line's claims with this flag that are as rare as this one.

    How rare a claim is: how many of the same flag, line and kind are as far beyond its limit. Under chance a weight is exponential with
    mean one, or less where several are equal; a flag of one kind that knows no more or less weighs nothing.
    """
    by = (*OF_LINE, "kind")
    rare = ibis.cume_dist().over(group_by=by, order_by=ibis.desc(hit.beyond.fill_null(0.0)))
    ranked = hit.mutate(rare=(rare * hit.count().over(group_by=by)).round())
    return ranked.mutate(weight=-ibis.cume_dist().over(group_by=OF_LINE, order_by=ranked.rare).ln()).drop("rare", "kind", "beyond")


def spans_of(span: float | None, days: float) -> float:
    """Windows that the book is long (``span`` in days), each counted twice as they overlap."""
    return 1.0 if span is None or pd.isna(span) else max(1.0, 2.0 * float(span) / days)


def _whole(known: ir.Table, hit: ir.Table, rates: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """What comes together in all: column, party, flag, k, expected."""
    own = known.group_by("column", "party", "line").agg(n=known.count())
    common = hit.group_by(*PILE).agg(k=hit.family_id.nunique())
    chance = common.filter(common.k >= s["households"]).inner_join(own, ["column", "party"]).inner_join(rates, [*OF_LINE])
    return chance.group_by(*PILE, "k").agg(expected=(chance.n * chance.hits / chance["size"].cast("float64")).sum())


def fullest(hit: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """The window of each party and flag with most households: column, party, flag, k, last_day."""
    return greatest_burst(bursts(hit, PILE, "family_id", int(s["days"])), PILE, s["households"]).rename(k="burst")


def heaviest(hit: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """The window of each party and flag whose households weigh most, each by its weightiest claim: ``PILE``, k, last_day, weight."""
    days = int(s["days"])
    enough = bursts(hit, PILE, "family_id", days).filter(lambda t: t.burst >= s["households"])
    homes = members(hit, enough, PILE, days).group_by(*PILE, "last_day", "burst", "family_id").agg(weight=lambda t: t.weight.max())
    windows = homes.group_by(*PILE, "last_day", k="burst").agg(weight=homes.weight.sum())
    ranked = windows.mutate(place=ibis.row_number().over(group_by=PILE, order_by=[ibis.desc(windows.weight.round(9)), "last_day"]))
    return ranked.filter((ranked.place == 0) & (ranked.weight > 0)).drop("place")


def _waves(known: ir.Table, windows: ir.Table, rates: ir.Table, s: Mapping[str, float]) -> ir.Table:
    """What comes together in windows: their columns, and expected of the party's claims then."""
    by = tuple(windows.columns)
    inside = members(known, windows, ("column", "party"), int(s["days"]))
    own = inside.group_by(*by, "line").agg(n=inside.count())
    chance = own.inner_join(rates, [*OF_LINE])
    return chance.group_by(*by).agg(expected=(chance.n * chance.hits / chance["size"].cast("float64")).sum())


def heavy(weight: Floats, expected: Floats) -> Floats:
    """Chance that so many claims as are expected weigh at least so much together.

    A Poisson number of exponential weights: it exceeds ``weight`` as often as a Poisson number of mean ``expected`` exceeds an independent
    one of mean ``weight``.

    Parameters
    ----------
    weight, expected : array of float64, shape (windows,)
        Sum of the weights, and flagged claims that chance gives.

    Returns
    -------
    array of float64, shape (windows,)

    Notes
    -----
    The soft-thresholded product of p-values of Zhang, Tong, Landers and Wu (2020), TFisher, with a Poisson number of claims. Skellam (1946)
    for the difference of two Poisson numbers as a noncentral chi-square.

    Examples
    --------
    >>> heavy(np.array([16.0]), np.array([1.55])).round(7).tolist()
    [2.57e-05]
    """
    from scipy.special import chndtr

    return np.asarray(chndtr(2 * expected, 2, 2 * weight), dtype=float)


def _unlikely(rows: pd.DataFrame, possible: int) -> pd.DataFrame:
    """Rows with ``p`` and ``q``; every flag is corrected by itself for all parties it could have piled up at."""
    from scipy.special import gammainc

    expected = rows["expected"].to_numpy(dtype=float).clip(1e-9)
    weighed = "weight" in rows
    known = rows.assign(
        p=heavy(rows["weight"].to_numpy(dtype=float), expected) if weighed else gammainc(rows["k"].to_numpy(dtype=float), expected)
    )
    ordered = known.sort_values(["flag", "p", "party"], ignore_index=True)
    return ordered.assign(q=stepped(ordered["p"], ordered["flag"], possible))


def stepped(p: pd.Series, of: pd.Series, possible: float) -> pd.Series:
    """Benjamini and Hochberg's q of ascending p-values, those of each value of ``of`` by themselves, all of them of so many possible."""
    q = p * possible / (p.groupby(of).cumcount() + 1)
    stepped_down: pd.Series = q[::-1].groupby(of).cummin()[::-1]
    return stepped_down


def _allowed(given: Given, piled: pd.DataFrame) -> pd.DataFrame:
    """The least likely pile of each party that is not exempt, by its q: a window is one of many.

    Where one kind of its flag piles up by itself, that is the pile: the flag's other claims there may be the party's own kind of business.
    """
    entities = relation(given, "entities")
    exempt: set[str] = set()
    if entities is not None and "exempt" in entities.columns:
        exempt = set(collected(entities.filter(entities.exempt).select("entity_id"))["entity_id"])
    free = piled[~piled["party"].isin(exempt)].assign(
        base=lambda d: d["flag"].str.split("|").str[0], whole=lambda d: d["base"] == d["flag"]
    )
    by = ["subject_kind", "party"]
    ordered = free.sort_values([*by, "q", "p", "flag"], ignore_index=True)
    least = ordered[ordered["base"] == ordered.groupby(by)["base"].transform("first")]
    return least.sort_values([*by, "whole"], kind="stable", ignore_index=True).drop_duplicates(by)


def _claims(hit: ir.Table, strongest: pd.DataFrame, days: float) -> pd.DataFrame:
    """The claims of each pile."""
    wanted = ibis.memtable(strongest[[*PILE]].astype("string"))
    found = collected(hit.inner_join(wanted, [*PILE]).select(*PILE, "day", evidence_key="claim_id"))
    joined = found.merge(strongest[["subject_kind", "column", "party", "k", "expected", "last_day"]], on=["column", "party"])
    age = (pd.to_datetime(joined["last_day"]) - pd.to_datetime(joined["day"])).dt.days
    inside = joined[joined["last_day"].isna() | age.between(0, days - 1)].drop(columns=["day", "last_day"])
    named = inside.rename(columns={"party": "subject_id", "flag": "detail", "k": "value", "expected": "limit"})
    detail = named["detail"].str.split("|").str[0]
    return named.assign(detail=detail, value=named["value"].astype(float), limit=np.round(named["limit"], 6))
