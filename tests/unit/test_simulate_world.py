"""The simulator's honest world: reproducible, keyed, plausible, and as dirty as published."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from features.schema import tables
from pipelines.errors import UsageError
from pipelines.simulate import arrivals, claims, identities, people, policies, selling, service, simulate, stays, world
from pipelines.simulate.book import ID_BASE, NONE, BookBuilder, insurer_of
from pipelines.simulate.render import WEIGHTS, resident_ids
from pipelines.simulate.spec import Spec

CLAIMS, NIGHTS = 4000, 5
WHOSE = {"claims": "claim_id", "policies": "policy_id", "parties": "party_id", "objects": "object_id"}


def digest(folder: Path) -> str:
    total = hashlib.sha256()
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        total.update(str(path.relative_to(folder)).encode() + path.read_bytes())
    return total.hexdigest()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("simulated")
    simulate(CLAIMS, 5, out, nights=NIGHTS)
    return out


@pytest.fixture(scope="module")
def delivered(folder: Path) -> dict[str, pd.DataFrame]:
    """Every delivered row by table, as text, with its insurer and date."""
    found: dict[str, list[pd.DataFrame]] = {}
    for path in sorted((folder / "deliveries").rglob("*.csv.gz")):
        rows = pd.read_csv(path, dtype="str")
        found.setdefault(path.name.split(".")[0], []).append(rows.assign(insurer=path.parts[-3], date=path.parts[-2]))
    return {name: pd.concat(parts, ignore_index=True) for name, parts in found.items()}


@pytest.fixture(scope="module")
def honest() -> BookBuilder:
    book = BookBuilder(3, CLAIMS, ("one", "two"))
    world.build(book)
    people.populate(book)
    claims.happen(book, selling.sell(book))
    service.happen(book)
    return book


def latest(delivered: dict[str, pd.DataFrame], table: str) -> pd.DataFrame:
    return delivered[table].sort_values("date", kind="stable").drop_duplicates(["insurer", *tables()[table].key], keep="last")


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not(folder: Path, tmp_path: Path) -> None:
    simulate(CLAIMS, 5, tmp_path / "again", nights=NIGHTS)
    simulate(CLAIMS, 6, tmp_path / "other", nights=NIGHTS)
    assert digest(folder) == digest(tmp_path / "again")
    assert digest(folder) != digest(tmp_path / "other")


def test_columns_are_those_a_source_delivers_and_keys_are_unique_and_whole(delivered: dict[str, pd.DataFrame]) -> None:
    for name, rows in delivered.items():
        table = tables()[name]
        assert set(rows.columns) - {"insurer", "date"} <= {c.name for c in table.source_columns}, name
        assert not rows.duplicated(["insurer", "date", *(k for k in table.key if k in rows)]).any(), name
        needed = [c.name for c in table.columns if c.required]
        assert rows[needed].notna().all().all(), name


def test_every_reference_resolves_within_its_insurer(delivered: dict[str, pd.DataFrame]) -> None:
    known = {t: set(delivered[t]["insurer"] + ":" + delivered[t][k]) for t, k in WHOSE.items()}
    checked = 0
    for name, rows in delivered.items():
        for column in tables()[name].source_columns:
            if column.ref and column.name in rows:
                given = rows.loc[rows[column.name].notna()]
                assert set(given["insurer"] + ":" + given[column.name]) <= known[column.ref], f"{name}.{column.name}"
                checked += len(given)
    assert checked > CLAIMS


def test_a_claim_open_at_the_end_of_one_night_is_paid_in_a_later_delivery(delivered: dict[str, pd.DataFrame]) -> None:
    versions = delivered["claims"]
    first = versions.sort_values("date").drop_duplicates(["insurer", "claim_id"])
    again = versions[versions.duplicated(["insurer", "claim_id"], keep=False)]
    assert (again.groupby(["insurer", "claim_id"])["status"].first() == "open").all()
    assert (latest(delivered, "claims").merge(again[["insurer", "claim_id"]])["status"] != "open").any()
    assert first.loc[first["status"] == "open", ["closed_on", "paid_amount"]].isna().all().all()


def test_nothing_is_delivered_before_it_is_known(delivered: dict[str, pd.DataFrame]) -> None:
    for table, column in (("claims", "reported_at"), ("claims", "closed_on"), ("policies", "issued_on"), ("claim_payments", "at")):
        rows = delivered[table]
        when = rows[column].fillna("2000-01-01 00:00:00").str.ljust(19)
        assert (when <= rows["date"] + " 18:00:00").all(), f"{table}.{column}"
    assert delivered["claims"]["date"].nunique() == NIGHTS + 1


def test_the_night_is_cut_at_the_hour_of_receipt(honest: BookBuilder) -> None:
    when = np.array(["2025-12-20T09:00", "2025-12-31T17:59", "2025-12-31T18:00", "NaT"], dtype="datetime64[s]")
    assert arrivals.Arrivals(honest, NIGHTS).night("claims", "reported_at", when).tolist() == [0, NIGHTS, NIGHTS + 1, 0]


def test_twenty_thousand_claims_fit_under_six_megabytes(tmp_path: Path) -> None:
    rows = simulate(20_000, 7, tmp_path)
    size = sum(p.stat().st_size for p in tmp_path.rglob("*") if p.is_file())
    assert size < 6_000_000
    assert 18_500 < rows["claims"] < 21_500
    assert 1.4 * rows["claims"] < rows["policies"] < 2.2 * rows["claims"]


def test_what_red_flags_look_at_happens_honestly(honest: BookBuilder) -> None:
    claim = honest.frame("claims")
    cover = pd.DataFrame(honest.cover(claim["policy_id"], "line", "starts"))
    age = claim["event_at"].dt.normalize() - cover["starts"]
    stays_ = claim["admitted_on"].notna()
    days = (claim["discharged_on"] - claim["admitted_on"]).dt.days[stays_]
    motor = cover["line"] == 7
    hour = claim["event_at"].dt.hour[motor]
    assert 0.03 < (age <= pd.Timedelta(days=30))[stays_ | motor].mean() < 0.15
    assert 0.03 < (days > 20).mean() < 0.15
    assert 0.06 < ((hour >= 22) | (hour < 5)).mean() < 0.2
    assert 0.2 < (claim["event_at"].dt.dayofweek[motor] >= 5).mean() < 0.36
    assert 0.02 < (claim["reported_at"] - claim["event_at"] > pd.Timedelta(hours=48))[motor].mean() < 0.12


def test_families_share_phones_and_accounts_and_people_have_several_insurers(honest: BookBuilder) -> None:
    who = honest.of_kind("person")
    for name in ("phone", "account"):
        shared = pd.Series(honest.actors[name][who]).duplicated(keep=False).mean()
        assert 0.15 < shared < 0.6, name
    two = np.mean([(honest.known_parties(who, k) >= 0) for k in range(2)], axis=0)
    assert 0.1 < (two[two > 0] == 1).mean() < 0.5


def test_most_are_treated_at_home_in_few_big_hospitals(honest: BookBuilder) -> None:
    rng, district = np.random.default_rng(1), np.repeat(np.arange(38), 200)
    hospital = stays.hospital_for(honest, rng, district)
    assert 0.78 < (honest.actors["district"][hospital] == district).mean() < 0.88
    big = pd.Series(hospital).value_counts()
    assert big.head(len(big) // 10).sum() > 0.25 * len(hospital)


def test_only_women_of_childbearing_age_give_birth(honest: BookBuilder) -> None:
    claim, codes = honest.frame("claims").set_index("claim_id"), honest.frame("claim_diagnoses")
    births = claim.loc[codes.loc[codes["code"].str.startswith("O"), "claim_id"]]
    assert len(births) > 0
    person = honest.cover(births["policy_id"].to_numpy(), "insured")["insured"]
    age = (births["admitted_on"].to_numpy().astype("datetime64[D]") - honest.actors["birth"][person]).astype(int) / 365.25
    assert (honest.actors["gender"][person] == 0).all()
    # a readmission or transfer keeps its diagnosis, and may come some weeks after a birthday
    assert ((age >= 18) & (age < 45.5)).all()


def test_nobody_is_in_two_hospitals_at_once_or_treated_after_death(honest: BookBuilder) -> None:
    claim = honest.frame("claims").dropna(subset="admitted_on")
    person = honest.cover(claim["policy_id"], "insured")["insured"]
    stay = claim.assign(person=person).drop_duplicates(["person", "admitted_on"]).sort_values(["person", "admitted_on"])
    before = stay.groupby("person")["discharged_on"].shift()
    assert not (stay["admitted_on"] < before).any()
    died = honest.actors["deceased"][stay["person"].to_numpy()]
    assert not (stay["discharged_on"].to_numpy() > died).any()


def test_errors_are_as_frequent_as_published(honest: BookBuilder) -> None:
    rows = pd.concat([identities.records(honest, k).to_pandas() for k in range(2)], ignore_index=True)
    thing = np.concatenate([r["thing"] for r in honest.parties.rows])
    person = (rows["kind"] == "person").to_numpy()
    true = resident_ids(*(honest.actors[n][thing[person]] for n in ("region", "birth", "serial"))).to_pandas()
    seen = rows[person].reset_index(drop=True)
    old = seen["id_number"].str.len() == 15
    born_before = honest.actors["birth"][thing[person]] < np.datetime64("1980-01-01")
    measured = {
        "id_15_digits": old[born_before].mean(), "id_missing": seen["id_number"].isna().mean(),
        "phone_missing": seen["phone"].isna().mean(),
        "account_missing": seen["account"].isna().mean(), "household_unknown": seen["household_id"].isna().mean(),
    }  # fmt: skip
    for name, share in measured.items():
        expected = identities.ERROR_RATES[name]
        assert abs(share - expected) < 4 * np.sqrt(expected / person.sum()) + 0.002, name
    wrong = ((seen["id_number"] != true) & ~old & seen["id_number"].notna()).mean()
    assert 0 < wrong <= identities.ERROR_RATES["id_transposed"] * 2


def test_resident_ids_are_valid_in_regions_that_were_never_assigned_and_unique(honest: BookBuilder) -> None:
    who = honest.of_kind("person")
    ids = resident_ids(*(honest.actors[n][who] for n in ("region", "birth", "serial"))).to_pandas()
    digits = np.array([list(map(int, text[:17])) for text in ids])
    check = np.array(list("10X98765432"))[digits @ np.array(WEIGHTS) % 11]
    assert (check == ids.str[17]).all()
    assert ids.str[:4].eq("5099").all()
    assert ids.str[:6].astype(int).between(509_901, 509_938).all()
    assert ids.is_unique
    assert (ids.str[16].astype(int) % 2 == honest.actors["gender"][who]).all()


def test_phones_are_of_a_range_no_operator_was_given(delivered: dict[str, pd.DataFrame]) -> None:
    for table, column in (("parties", "phone"), ("claims", "reporter_phone")):
        assert delivered[table][column].dropna().str.fullmatch(r"10\d{9}").all()


def test_new_numbers_never_repeat_and_kinds_start_apart() -> None:
    book = BookBuilder(1, 1000, ("one",))
    phones = np.concatenate([book.new_numbers("phone", 1000), book.new_numbers("phone", 1000)])
    assert len(np.unique(phones)) == 2000
    assert not np.isin(book.new_numbers("account", 10), phones).any()


def test_a_person_is_one_party_record_at_each_insurer() -> None:
    book = BookBuilder(1, 1000, ("one", "two"))
    who = book.add_actors("person", 3)
    first = book.party(who, 0)
    assert (book.party(who, 0) == first).all()
    assert (insurer_of(book.party(who, 1)) == 1).all()
    assert book.party([NONE], 0).tolist() == [NONE]
    assert (book.parties.thing(first) == who).all()


def test_a_misspelt_column_of_a_spec_is_refused(honest: BookBuilder) -> None:
    with pytest.raises(KeyError, match="premum"):
        policies.issue(honest, "health", {"insurer": [0], "holder": [honest.of_kind("person")[0]], "premum": [1.0]})
    with pytest.raises(KeyError, match="hospitel"):
        Spec({"hospitel": [1]}).done()


def test_a_spec_keeps_what_is_given_and_draws_the_rest() -> None:
    spec = Spec({"days": [3, -1], "amount": [np.nan, 7.0]})
    assert spec.get("days", np.array([8, 9])).tolist() == [3, 9]
    assert spec.get("amount", 1.0).tolist() == [1.0, 7.0]
    assert spec.get("absent", 4).tolist() == [4, 4]


def test_ids_carry_their_insurer_and_tables_refuse_unknown_columns() -> None:
    book = BookBuilder(1, 1000, ("one", "two"))
    ids = book.new_ids("claim", [1, 0, 1])
    assert ids.tolist() == [ID_BASE + 1, 1, ID_BASE + 2]
    with pytest.raises(KeyError, match="nonsense"):
        book.append("claims", claim_id=ids, nonsense=1)
    with pytest.raises(ValueError, match="claims"):
        book.append("claims", claim_id=ids, claimed_amount=np.ones(2))


def test_impossible_wishes_are_refused(tmp_path: Path) -> None:
    for wish in ({"claims": 10}, {"fmt": "xls"}, {"nights": -1}):
        with pytest.raises(UsageError):
            simulate(**{"claims": 2000, "seed": 1, "out": tmp_path, **wish})
