import pandas as pd

from pipelines.leads.places import places_of

CLAIMS = pd.DataFrame(
    {"claim_id": ["c1", "c2", "c3"], "home_district": ["500101", None, "500102"], "district": ["500109", "500101", "500102"]}
)
POLICIES = pd.DataFrame({"policy_id": ["q1"], "district": ["500103"]})


def places(*rows: tuple[str, str | None, str | None]) -> dict[str, str]:
    evidence = pd.DataFrame(rows, columns=["case", "claim_id", "policy_id"])
    return places_of({"claim_view": CLAIMS, "policy_view": POLICIES}, evidence).to_dict()


def test_most_claims_tell_the_district_the_home_before_the_place_of_treatment():
    assert places(("k", "c1", None), ("k", "c2", None), ("k", "c3", None)) == {"k": "500101"}


def test_policies_count_where_there_is_no_claim_and_unknown_cases_have_no_place():
    assert places(("k", None, "q1"), ("m", None, None), ("n", "c9", None)) == {"k": "500103"}
