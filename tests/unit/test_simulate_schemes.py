"""Planted schemes and look-alikes: counts, patterns, and that no single column gives a scheme away."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.stats import rankdata

from features.schema import LINES
from features.schema import SCHEMES as NAMES
from pipelines.simulate import claims, people, schemes, selling, service, world
from pipelines.simulate.book import BookBuilder
from pipelines.simulate.schemes.outcomes import CAPACITY, VERDICT_RATES

SIXTEEN = tuple(NAMES)[:16]
CONDUCT = ("ghost_policies", "proxy_surrender")
LIMIT = 0.85


def build(claims_: int, seed: int, insurers: tuple[str, ...] = ("a", "b")) -> BookBuilder:
    book = BookBuilder(seed, claims_, insurers)
    world.build(book)
    people.populate(book)
    claims.happen(book, selling.sell(book))
    service.happen(book)
    schemes.plant(book, book.rng("schemes"))
    return book


@pytest.fixture(scope="module")
def small() -> BookBuilder:
    return build(20_000, 3)


@pytest.fixture(scope="module")
def large() -> list[BookBuilder]:
    return [build(100_000, 1, ("a", "b", "c", "d")), build(40_000, 2, ("a", "b", "c"))]


def subjects(book: BookBuilder, kind: str) -> pd.DataFrame:
    instances = pd.DataFrame(book.truth_instance).set_index("instance")
    rows = [(s["instance"], s["role"], i) for s in book.truth_subject if s["kind"] == kind for i in s["subjects"].tolist()]
    found = pd.DataFrame(rows, columns=["instance", "role", "id"]).join(instances, on="instance")
    return found[~(found["planted"] & (found["role"] == "bystander"))] if kind in ("claim", "policy") else found


def auc(positive: pd.Series, negative: pd.Series) -> float:
    """Area under the curve, whichever way round; one half where there is too little to say."""
    high, low = positive.dropna().to_numpy(float), negative.dropna().to_numpy(float)
    if len(high) < 12 or len(low) < 12:
        return 0.5
    ranks = rankdata(np.concatenate([high, low]))[: len(high)]
    area = (ranks.sum() - len(high) * (len(high) + 1) / 2) / len(high) / len(low)
    return float(max(area, 1 - area))


def volume(values: pd.Series) -> pd.Series:
    known = values[values >= 0]
    return known.map(known.value_counts()).reindex(values.index)


def claim_columns(book: BookBuilder) -> pd.DataFrame:
    """What anybody can read or count of a claim without knowing of schemes."""
    claim = book.frame("claims").set_index("claim_id")
    cover = pd.DataFrame(book.cover(claim["policy_id"].to_numpy(), "line", "starts", "premium", "agent", "sum_insured"), index=claim.index)
    role = book.frame("claim_roles")
    first = {str(n): g.drop_duplicates("claim_id").set_index("claim_id")["party_id"] for n, g in role.groupby("role", observed=True)}
    items = book.frame("claim_items")
    therapy = items[items["category"] == "therapy"].groupby("claim_id")["quantity"].sum()
    stay = (claim["discharged_on"] - claim["admitted_on"]).dt.days
    hour = claim["event_at"].dt.hour
    return pd.DataFrame({
        "amount": claim["claimed_amount"], "paid": claim["paid_amount"], "stay_days": stay, "premium": cover["premium"],
        "policy_age": (claim["event_at"] - cover["starts"]).dt.days, "hour": hour, "night": np.minimum(hour, 24 - hour) * -1.0,
        "report_lag": (claim["reported_at"] - claim["event_at"]).dt.total_seconds(), "sum_insured": cover["sum_insured"],
        "roles": role.groupby("claim_id").size(), "parties": role.groupby("claim_id")["party_id"].nunique(),
        "agent_volume": volume(cover["agent"]), "hospital_volume": volume(first["hospital"]), "garage_volume": volume(first["garage"]),
        "treated": (therapy / stay).clip(upper=1), "line": cover["line"].map(dict(enumerate(LINES))),
    })  # fmt: skip


def policy_columns(book: BookBuilder) -> pd.DataFrame:
    policy = book.frame("policies").set_index("policy_id")
    return pd.DataFrame({
        "line": policy["line"].astype(str), "premium": policy["premium"], "sum_insured": policy["sum_insured"], "bonus": policy["bonus"],
        "commission": policy["commission"], "agent_volume": volume(policy["agent_id"]), "month": policy["issued_on"].dt.month,
        "weekday": policy["issued_on"].dt.dayofweek,
    })  # fmt: skip


def separations(books: list[BookBuilder], kind: str, columns: Callable[[BookBuilder], pd.DataFrame]) -> pd.DataFrame:
    """AUC of every column for every scheme: planted subjects against all others of its lines."""
    parts = []
    for book in books:
        truth = subjects(book, kind)
        planted = truth[truth["planted"]].drop_duplicates("id").set_index("id")["scheme"]
        parts.append(columns(book).assign(scheme=planted))
    table = pd.concat(parts)
    found = {}
    for scheme in table["scheme"].dropna().unique():
        mine = table["scheme"] == scheme
        other = table[table["scheme"].isna() & table["line"].isin(table.loc[mine, "line"].unique())]
        found[scheme] = {name: auc(table.loc[mine, name], other[name]) for name in table.columns.drop(["line", "scheme"])}
    return pd.DataFrame(found).T


def test_every_scheme_is_planted_and_named_as_in_the_schema(small: BookBuilder) -> None:
    assert tuple(name for name, _ in schemes.SCHEMES) == SIXTEEN
    planted = [row["scheme"] for row in small.truth_instance if row["planted"]]
    assert set(planted) == set(SIXTEEN)
    assert all(planted.count(name) <= 2 for name in SIXTEEN)


def test_fraud_claims_are_at_most_one_in_a_hundred(small: BookBuilder, large: list[BookBuilder]) -> None:
    for book, most in ((small, 200), (large[0], 1000)):
        truth = subjects(book, "claim")
        fraud = truth[truth["planted"]]["id"].nunique()
        assert 0 < fraud <= most
        assert fraud <= 0.01 * len(book.frame("claims"))


def test_instances_grow_with_the_book(large: list[BookBuilder]) -> None:
    planted = [sum(row["planted"] for row in book.truth_instance) for book in large]
    assert 80 <= planted[0] <= 110
    assert 32 <= planted[1] < planted[0] / 1.5


def test_three_look_alikes_for_each_planted_instance(small: BookBuilder) -> None:
    counts = pd.DataFrame(small.truth_instance).groupby(["scheme", "planted"]).size().unstack()
    assert (counts[False] >= 3 * counts[True]).all()


def test_every_kind_of_look_alike_is_in_a_small_book(small: BookBuilder) -> None:
    made = pd.DataFrame(small.truth_instance).query("not planted").groupby("scheme").size()
    kinds = pd.Series([scheme for scheme, _ in schemes.LOOKALIKES]).value_counts()
    assert (made >= kinds.reindex(made.index)).all()
    assert {generate.__name__ for _, generate in schemes.LOOKALIKES} >= {"migrants", "family_journey"}


def test_honest_lots_have_a_head_for_every_death(small: BookBuilder) -> None:
    truth = subjects(small, "claim")
    honest = truth[~truth["planted"] & (truth["scheme"] == "livestock_reuse")]["id"]
    seen = small.frame("claim_objects")
    deaths = seen[seen["claim_id"].isin(honest)].groupby("object_id").size()
    heads = small.frame("objects").set_index("object_id")["headcount"].reindex(deaths.index)
    assert deaths.max() >= 2
    assert (heads >= deaths).all()


def test_look_alikes_have_no_guilty(small: BookBuilder) -> None:
    for kind in ("actor", "claim", "policy", "phone", "account", "device"):
        truth = subjects(small, kind)
        assert set(truth.loc[~truth["planted"], "role"]) <= {"bystander"}


def test_every_planted_instance_has_a_perpetrator(small: BookBuilder) -> None:
    led = {s["instance"] for s in small.truth_subject if s["role"] == "perpetrator" and s["kind"] in ("actor", "device", "phone")}
    assert {row["instance"] for row in small.truth_instance if row["planted"]} <= led


def test_same_seed_same_book() -> None:
    first, second = build(1500, 11), build(1500, 11)
    for table in ("policies", "claims", "claim_roles", "policy_events", "outcomes"):
        pd.testing.assert_frame_equal(first.frame(table), second.frame(table))
    assert first.truth_instance == second.truth_instance


def test_dates_stay_within_the_period(small: BookBuilder) -> None:
    truth = subjects(small, "claim")
    claim = small.frame("claims").set_index("claim_id").loc[truth["id"]]
    assert (claim["event_at"] >= np.datetime64(small.start)).all()
    assert (claim["event_at"] <= np.datetime64(small.end + 1)).all()
    cover = small.cover(claim["policy_id"].to_numpy(), "starts", "ends")
    day = claim["event_at"].to_numpy().astype("datetime64[D]")
    assert ((cover["starts"] <= day) & (day <= cover["ends"])).mean() > 0.97


def test_no_plain_column_of_claims_separates_a_scheme(large: list[BookBuilder]) -> None:
    found = separations(large, "claim", claim_columns)
    assert len(found) == len(SIXTEEN) - len(CONDUCT)
    assert found.max().max() <= LIMIT, found.round(2).to_string()


def test_no_plain_column_of_policies_separates_a_scheme(large: list[BookBuilder]) -> None:
    found = separations(large, "policy", policy_columns)
    assert set(CONDUCT) <= set(found.index)
    assert found.max().max() <= LIMIT, found.round(2).to_string()


def signals(book: BookBuilder) -> dict[str, pd.Series]:
    """The signal each scheme is known by, by claim or policy."""
    claim, role = book.frame("claims").set_index("claim_id"), book.frame("claim_roles")
    policy, events = book.frame("policies").set_index("policy_id"), book.frame("policy_events")
    cover = pd.DataFrame(book.cover(claim["policy_id"].to_numpy(), "agent", "insured", "holder", "starts"), index=claim.index)
    party = {str(n): g.drop_duplicates("claim_id").set_index("claim_id")["party_id"] for n, g in role.groupby("role", observed=True)}
    columns = claim_columns(book)
    objects, bills = (book.frame(n).drop_duplicates("claim_id").set_index("claim_id") for n in ("claim_objects", "claim_bills"))
    pair = cover["agent"] * 10**10 + party["hospital"].reindex(claim.index)
    week = claim["admitted_on"].astype("int64") // (4 * 86_400 * 10**9)
    calls = events[events["kind"] == "complaint"].drop_duplicates("policy_id").set_index("policy_id")["phone"]
    seen = pd.concat([party["driver"], party["third_party"]]).groupby(level=0).max()
    person = pd.Series(book.parties.thing(seen.to_numpy()), index=seen.index)
    firm = pd.Series(book.parties.read(book.party(cover["holder"].to_numpy(), claim.index.to_numpy() // 10**9), "phone"), index=claim.index)
    return {
        "hospital_ring": volume(pair.where(cover["agent"] >= 0, -1).fillna(-1)), "sham_admission": columns["treated"],
        "split_stay": _gaps(claim, cover), "invoice_reuse": volume(bills["invoice_no"]), "staged_accident": volume(person),
        "garage_ring": volume(party["reporter"]), "driver_swap": columns["report_lag"], "injury_broker": volume(party["appraiser"]),
        "village_stays": volume((party["hospital"].reindex(claim.index) * 1000 + week % 1000).fillna(-1)),
        "undisclosed_illness": columns["policy_age"], "ghost_policies": (policy["commission"] + policy["bonus"]) / policy["premium"],
        "proxy_surrender": volume(calls), "stacking": volume(cover["insured"]), "device_bulk": volume(policy["device_id"]),
        "shell_employers": volume(firm), "livestock_reuse": volume(objects["object_id"]),
    }  # fmt: skip


def _gaps(claim: pd.DataFrame, cover: pd.DataFrame) -> pd.Series:
    """Days since the person's last discharge."""
    stay = claim[["admitted_on", "discharged_on"]].assign(person=cover["insured"]).dropna().sort_values(["person", "admitted_on"])
    before = stay.groupby("person")["discharged_on"].shift()
    return (stay["admitted_on"] - before).dt.days


def test_no_signal_of_its_own_separates_a_scheme_from_its_look_alikes(large: list[BookBuilder]) -> None:
    found, known = {}, [signals(book) for book in large]
    for scheme in SIXTEEN:
        planted, alike = [], []
        for book, measured in zip(large, known, strict=True):
            signal = measured[scheme]
            kind = "policy" if signal.index.name == "policy_id" else "claim"
            truth = subjects(book, kind)
            truth = truth[truth["scheme"] == scheme]
            planted.append(signal.reindex(truth.loc[truth["planted"], "id"]))
            alike.append(signal.reindex(truth.loc[~truth["planted"], "id"]))
        found[scheme] = auc(pd.concat(planted), pd.concat(alike))
    assert max(found.values()) <= LIMIT, found
    assert sum(area != 0.5 for area in found.values()) >= 14


def planted(book: BookBuilder, scheme: str, kind: str = "claim") -> pd.DataFrame:
    truth = subjects(book, kind)
    return truth[truth["planted"] & (truth["scheme"] == scheme)]


def shared(book: BookBuilder, scheme: str, ids: pd.Series, kind: str = "claim") -> bool:
    """True if in every instance of a scheme at least two subjects have the same of something, a phone or a hospital."""
    truth = planted(book, scheme, kind)
    values = truth.assign(value=ids.reindex(truth["id"]).to_numpy())
    return bool(values[values["value"] >= 0].groupby("instance")["value"].agg(lambda v: v.value_counts().iloc[0] >= 2).all())


def test_schemes_share_what_they_are_known_by(small: BookBuilder) -> None:
    role = small.frame("claim_roles")
    first = {str(n): g.drop_duplicates("claim_id").set_index("claim_id")["party_id"] for n, g in role.groupby("role", observed=True)}
    things = {n: pd.Series(small.parties.thing(v.to_numpy()), index=v.index) for n, v in first.items()}
    policy = small.frame("policies").set_index("policy_id")
    events = small.frame("policy_events").drop_duplicates(["policy_id", "kind"]).set_index("policy_id")
    for scheme in ("hospital_ring", "sham_admission", "split_stay", "village_stays"):
        assert shared(small, scheme, things["hospital"]), scheme
    assert shared(small, "garage_ring", things["garage"])
    assert shared(small, "injury_broker", things["appraiser"])
    assert shared(small, "stacking", things["insured"])
    assert shared(small, "device_bulk", policy["device_id"], "policy")
    assert shared(small, "ghost_policies", policy["agent_id"], "policy")
    assert shared(small, "proxy_surrender", events[events["kind"] == "complaint"]["phone"], "policy")


def invoices(book: BookBuilder, ids: pd.Series) -> pd.DataFrame:
    """What was claimed and pooled on each invoice of indemnity claims, and its total."""
    claim = book.frame("claims").set_index("claim_id")[["claimed_amount", "policy_id"]]
    bills = book.frame("claim_bills").set_index("claim_id").join(claim)
    health = book.cover(bills["policy_id"].to_numpy(), "line")["line"] == LINES.index("health")
    bills = bills[health & bills.index.isin(ids)]
    return bills.groupby("invoice_no").agg({"claimed_amount": "sum", "total": "max", "pooled": "max"})


def test_one_invoice_is_paid_more_than_once(small: BookBuilder) -> None:
    bill = invoices(small, planted(small, "invoice_reuse")["id"])
    assert len(bill) > 0
    assert (bill["claimed_amount"] + bill["pooled"] > bill["total"]).all()


def test_co_insurance_and_split_notes_pay_the_bill_once(small: BookBuilder) -> None:
    truth = subjects(small, "claim")
    bill = invoices(small, truth[~truth["planted"] & (truth["scheme"] == "invoice_reuse")]["id"])
    assert len(bill) > 0
    assert (bill["claimed_amount"] + bill["pooled"] <= bill["total"] + 0.05).all()


def test_people_swap_roles_in_staged_accidents(small: BookBuilder) -> None:
    role = small.frame("claim_roles")
    mine = role[role["claim_id"].isin(planted(small, "staged_accident")["id"]) & role["role"].isin(["driver", "third_party", "passenger"])]
    person = pd.Series(small.parties.thing(mine["party_id"].to_numpy()), index=mine.index)
    assert (mine.groupby(person)["role"].nunique() >= 2).sum() >= 2


def test_illness_was_known_before_the_policy(small: BookBuilder) -> None:
    truth, claim = small.truth_subject, small.frame("claims").set_index("claim_id")
    late = planted(small, "undisclosed_illness")
    earlier = [i for s in truth if s["kind"] == "claim" and s["role"] == "bystander" for i in s["subjects"].tolist()]
    person = pd.Series(small.cover(claim["policy_id"].to_numpy(), "insured")["insured"], index=claim.index)
    issued = small.frame("policies").set_index("policy_id")["issued_on"]
    for one in late["id"]:
        before = [i for i in earlier if person[i] == person[one]]
        assert any(claim.loc[i, "admitted_on"] < issued[claim.loc[one, "policy_id"]] for i in before)


def test_investigations_are_few_late_biased_and_sometimes_wrong(large: list[BookBuilder]) -> None:
    book = large[0]
    outcome, claim = book.frame("outcomes"), book.frame("claims").set_index("claim_id")
    assert len(outcome) <= CAPACITY * len(claim) * 1.1
    decided = outcome.dropna(subset=["decided_at"])
    assert (decided["decided_at"] > decided["opened_at"]).all()
    of_claims = outcome[outcome["subject_kind"] == "claim"]
    assert claim.loc[of_claims["subject_id"], "claimed_amount"].median() > 1.5 * claim["claimed_amount"].median()
    fraud = set(subjects(book, "claim").query("planted")["id"])
    guilty = of_claims["subject_id"].isin(fraud)
    confirmed = of_claims["verdict"] == "confirmed"
    assert confirmed[guilty].mean() > 5 * confirmed[~guilty].mean() > 0
    assert (of_claims.loc[guilty, "verdict"] == "cleared").any()
    assert all(sum(rates) == pytest.approx(1) for rates in VERDICT_RATES.values())
