import numpy as np
import pandas as pd
import pytest

from pipelines.config import Settings
from pipelines.flows.inspect import indicator_card, indicator_lines
from pipelines.leads.company import companions
from pipelines.leads.crowd import CODE, concentrations, heavy, with_concentrations
from pipelines.leads.score import flag_reasons
from tests.unit.leads_book import FLAGS, finding


def given(at_one: int, families: int | None = None, exempt: bool = False) -> dict[str, pd.DataFrame]:
    """Two thousand claims at forty hospitals, twenty with H01 by chance and ``at_one`` more at a single one."""
    rng = np.random.default_rng(2)
    ids = [f"a:{i}" for i in range(2000)]
    view = pd.DataFrame({"claim_id": ids, "line": "health", "hospital_id": [f"hospital:{h:016x}" for h in rng.integers(1, 41, 2000)]})
    view["family_id"] = [f"f{i}" for i in range(2000)]
    view["person_id"] = view["family_id"]
    view.loc[: at_one - 1, "hospital_id"] = "hospital:00000000000000ff"
    if families:
        view.loc[: at_one - 1, "family_id"] = [f"f{i % families}" for i in range(at_one)]
    fired = [finding("H01", "claim", c, c) for c in [*ids[:at_one], *ids[1000:1020]]]
    entities = pd.DataFrame({"entity_id": ["hospital:00000000000000ff"], "exempt": [exempt]})
    return {"claim_view": view, "findings": pd.DataFrame(fired), "flags": FLAGS, "entities": entities}


def test_a_pile_beyond_chance_is_found_with_its_claims():
    found = concentrations(given(8))
    assert found["subject_id"].unique().tolist() == ["hospital:00000000000000ff"]
    assert sorted(found["evidence_key"]) == sorted(f"a:{i}" for i in range(8))
    row = found.iloc[0]
    assert (row["code"], row["detail"], row["value"]) == (CODE, "H01", 8.0) and row["limit"] < 1.0


def test_a_pile_within_months_is_found_where_years_hide_it():
    tables = given(4)
    view = tables["claim_view"]
    days = np.random.default_rng(3).integers(0, 1400, len(view))
    view["event_at"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(days, "D")
    view.loc[4:203, "hospital_id"] = "hospital:00000000000000ff"
    assert concentrations(tables).empty
    view.loc[:3, "event_at"] = pd.Timestamp("2024-05-01") + pd.to_timedelta([0, 20, 40, 60], "D")
    view.loc[4:203, "event_at"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(range(200), "D")
    found = concentrations(tables)
    assert sorted(found["evidence_key"]) == sorted(f"a:{i}" for i in range(4)) and found["limit"].max() < 0.2


def over_months(tables: dict[str, pd.DataFrame], at_one: int, busy: int) -> dict[str, pd.DataFrame]:
    """The same book over four years, the pile within two months of a time when the hospital has ``busy`` other claims."""
    view, one = tables["claim_view"], "hospital:00000000000000ff"
    view["event_at"] = pd.Timestamp("2022-01-01") + pd.to_timedelta(np.random.default_rng(3).integers(0, 1400, len(view)), "D")
    view.loc[: at_one + busy - 1, "hospital_id"] = one
    view.loc[: at_one + busy - 1, "event_at"] = pd.Timestamp("2024-05-01") + pd.to_timedelta(np.arange(at_one + busy) % 60, "D")
    return tables


def test_a_pile_far_beyond_the_limit_is_found_where_its_number_is_not():
    tables = over_months(given(4), 4, 40)
    tables["findings"] = pd.concat(
        [tables["findings"], *(pd.DataFrame([finding("H01", "claim", f"a:{i}", f"a:{i}")]) for i in range(1100, 1600))], ignore_index=True
    )
    assert concentrations(tables).empty
    tables["findings"]["value"] = tables["findings"]["evidence_key"].isin([f"a:{i}" for i in range(4)]) * 20.0 + 3.0
    assert sorted(concentrations(tables)["evidence_key"]) == [f"a:{i}" for i in range(4)]


def test_a_rare_kind_of_a_common_flag_piles_up_by_itself():
    tables = over_months(given(4), 4, 10)
    tables["findings"]["detail"] = np.where(tables["findings"].index < 4, "idle days", "days")
    more = pd.DataFrame([finding("H01", "claim", f"a:{i}", f"a:{i}") for i in range(1100, 1600)]).assign(detail="days")
    one = tables["findings"].assign(detail="days")
    assert concentrations({**tables, "findings": pd.concat([one, more], ignore_index=True)}).empty
    found = concentrations({**tables, "findings": pd.concat([tables["findings"], more], ignore_index=True)})
    assert sorted(found["evidence_key"]) == [f"a:{i}" for i in range(4)] and set(found["detail"]) == {"H01"}


def test_who_drives_strangers_cars_is_a_party():
    tables = given(4)
    view = tables["claim_view"].drop(columns="hospital_id")
    view["driver_id"] = [f"person:{i % 650:016x}" for i in range(len(view))]
    view.loc[:3, "driver_id"] = "person:00000000000000ff"
    found = concentrations({**tables, "claim_view": view})
    assert set(found["subject_id"]) == {"person:00000000000000ff"} and set(found["subject_kind"]) == {"person"}


def test_the_chance_of_a_weight_is_the_sum_over_numbers_of_claims():
    from scipy import stats

    n = np.arange(1, 400)
    for weight, expected in ((0.5, 3.0), (9.0, 0.44), (16.0, 1.55), (120.0, 80.0)):
        summed = (stats.poisson.pmf(n, expected) * stats.gamma.sf(weight, n)).sum()
        assert heavy(np.array([weight]), np.array([expected]))[0] == pytest.approx(summed, rel=1e-9)


def test_chance_alone_piles_nothing_up():
    assert concentrations(given(0)).empty


def test_claims_by_which_the_flag_names_a_party_itself_are_counted_there():
    tables = given(8)
    own = pd.DataFrame([finding("H01", "hospital", "hospital:00000000000000ff", f"a:{i}") for i in range(8)])
    assert concentrations({**tables, "findings": pd.concat([tables["findings"], own])}).empty


def test_nearness_to_proven_fraud_piles_nothing_up():
    tables = given(8)
    assert concentrations({**tables, "findings": tables["findings"].assign(code="N01")}).empty


def test_one_family_is_no_pile():
    assert concentrations(given(8, families=2)).empty


def test_exempt_parties_are_left_out():
    assert concentrations(given(8, exempt=True)).empty


def test_the_findings_and_the_card_join_the_others():
    tables = with_concentrations(given(8), Settings())
    assert CODE in set(tables["flags"]["code"])
    assert tables["findings"].count().execute() == len(given(8)["findings"]) + 8


def test_it_can_be_disabled_and_its_thresholds_set():
    assert CODE not in set(with_concentrations(given(8), Settings(disabled_flags=(CODE,)))["flags"]["code"])
    strict = with_concentrations(given(8), Settings(flags={CODE: {"households": 9}}))
    assert strict["findings"] is not None and len(strict["findings"]) == len(given(8)["findings"])


def test_a_pile_speaks_for_its_flag_and_is_as_common_as_it():
    reasons = flag_reasons(with_concentrations(given(8), Settings()), Settings().scoring).set_index("code")
    flag = reasons.loc[["H01"]].iloc[0]
    assert (reasons.loc[CODE, "scheme"], reasons.loc[CODE, "subjects"]) == (flag["scheme"], 28)


@pytest.mark.parametrize("language", ["zh", "en"])
def test_its_card_is_shown_like_every_others(language: str):
    assert CODE in indicator_lines(language)
    text = indicator_card(CODE, language)
    assert all(word in text for word in ("Condition:", "Example:", "Reason:", "Exclusions:", "households = 3", "claim_roles.role"))


@pytest.mark.parametrize(("k", "together"), [(4, True), (1, False)])
def test_leads_that_meet_at_a_small_provider_belong_together(k: int, together: bool):
    tables = given(4)
    leads = pd.DataFrame({"lead_id": [f"l{i}" for i in range(20)], "scheme": "invoice_reuse"})
    claims = [f"a:{i}" for i in range(k)] + [f"a:{100 * i + 50}" for i in range(20 - k)]
    found = companions(tables, leads, pd.DataFrame({"lead_id": leads["lead_id"], "claim_id": claims}))
    at_one = found[found["unit"] == "hospital:00000000000000ff"]
    assert len(at_one) == (k if together else 0)


def test_what_a_reason_says_has_its_own_value():
    """Two ways of one flag: the one further beyond its limit is told, with its own value and limit, however many pieces the other has."""
    tables = given(4)
    ways = [("dear_link", 2.5, 2.0), ("dear_link", 2.4, 2.0), ("collecting_account", 9.0, 3.0), (None, 99.0, None)]
    claims = [f"a:{i}" for i in range(len(ways))]
    told = [
        finding("H03", "person", "person:1", c) | {"value": v, "limit": n, "detail": d} for c, (d, v, n) in zip(claims, ways, strict=True)
    ]
    for order in (told, told[::-1]):
        tables["findings"] = pd.DataFrame(order)
        row = flag_reasons(tables, Settings().scoring).iloc[0]
        assert (row["detail"], row["value"], row["limit"], row["pieces"]) == ("collecting_account", 9.0, 3.0, 4)
