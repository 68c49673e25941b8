import pandas as pd

from pipelines.leads.cases import HUB, members
from pipelines.leads.company import comrades


def table(*rows: tuple[str, str, str, float]) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["lead_id", "subject_kind", "scheme", "score"])


def units(**of: str) -> pd.DataFrame:
    return pd.DataFrame([(lead, unit) for lead, names in of.items() for unit in names.split()], columns=["lead_id", "unit"])


def test_half_of_the_smaller_ones_evidence_joins():
    leads = table(("a", "person", "s", 50.0), ("b", "agent", "s", 40.0), ("c", "agent", "s", 30.0))
    found = members(leads, units(a="1 2 3 4", b="1 9", c="2 7 8"))
    assert found.to_dict() == {"a": "a", "b": "a", "c": "c"}


def test_other_schemes_stay_apart():
    leads = table(("a", "person", "s", 50.0), ("b", "agent", "t", 40.0))
    assert members(leads, units(a="1", b="1")).tolist() == ["a", "b"]


def test_a_party_takes_in_its_claims_of_the_scheme_and_generic_ones():
    leads = table(("p", "hospital", "s", 20.0), ("c1", "claim", "s", 60.0), ("c2", "claim", "early_loss", 10.0), ("c3", "claim", "t", 10.0))
    assert members(leads, units(p="1 2 3", c1="1", c2="2", c3="3")).to_dict() == {"p": "p", "c1": "p", "c2": "p", "c3": "c3"}


def test_a_chain_of_overlaps_does_not_glue():
    leads = table(*((f"p{i}", "person", "s", 50.0 - i) for i in range(6)))
    chain = members(leads, units(**{f"p{i}": f"u{i} u{i + 1}" for i in range(6)}))
    assert chain.value_counts().max() <= 3


def test_a_hub_unit_joins_nobody():
    leads = table(*((f"p{i:03}", "person", "s", 50.0) for i in range(HUB + 1)))
    crowd = members(leads, units(**{f"p{i:03}": "hub" for i in range(HUB + 1)}))
    assert crowd.nunique() == HUB + 1


def test_a_story_leads_the_generic_sign_that_shares_its_evidence():
    leads = table(("a", "account", "payee", 60.0), ("b", "proxy", "injury_broker", 40.0))
    assert members(leads, units(a="1 2 3 4", b="2 3")).tolist() == ["b", "b"]


def test_a_ring_leads_its_members() -> None:
    leads = table(("a", "ring", "s", 43.2), ("b", "phone", "s", 60.0), ("c", "ring", "s", 30.0))
    assert members(leads, units(a="1 2 3 4", b="2 3", c="9")).to_dict() == {"a": "a", "b": "a", "c": "c"}


def test_a_ring_takes_in_what_lies_inside_it_whatever_its_scheme() -> None:
    leads = table(("a", "ring", "s", 43.2), ("b", "claim", "t", 60.0), ("c", "hospital", "t", 50.0))
    of = units(a="1 2 3 4", b="1", c="2 3 5 6 7 8")
    assert members(leads, of).to_dict() == {"a": "a", "b": "a", "c": "c"}
    assert members(leads.assign(subject_kind="agent"), of).tolist() == ["a", "b", "c"]


def test_members_leads_of_its_scheme_point_to_the_ring_without_common_evidence() -> None:
    leads = pd.DataFrame(
        [("r", "ring", "ring:1", "s", 40.0), ("p", "person", "person:1", "s", 60.0), ("q", "person", "person:2", "t", 50.0)],
        columns=["lead_id", "subject_kind", "subject_id", "scheme", "score"],
    )
    people = pd.DataFrame({"ring_id": ["ring:1", "ring:1", "ring:2"], "entity_id": ["person:1", "person:2", "person:2"]})
    company = comrades({"ring_members": people}, leads)
    assert set(map(tuple, company.to_numpy())) == {("r", "ring:1"), ("p", "ring:1"), ("q", "ring:1")}
    assert members(leads, units(r="1", p="2", q="3"), [company]).to_dict() == {"p": "r", "q": "q", "r": "r"}


def test_one_person_telling_the_same_kind_of_story_twice_is_one_case():
    leads = table(("a", "event", "s", 60.0), ("b", "event", "s", 40.0), ("c", "event", "t", 40.0))
    of = units(a="claim:1", b="claim:2", c="claim:3")
    assert members(leads, of, [units(a="p", b="p", c="p")]).tolist() == ["a", "a", "c"]


def test_leads_without_evidence_lead_themselves():
    leads = table(("a", "person", "s", 50.0), ("b", "person", "s", 50.0))
    assert members(leads, units()).to_dict() == {"a": "a", "b": "b"}


def test_row_order_changes_nothing():
    leads = table(*((f"p{i}", "person", "s", 50.0 - i % 3) for i in range(30)))
    of = units(**{f"p{i}": f"u{i // 2} u{i % 5}" for i in range(30)})
    plain = members(leads, of)
    assert members(leads.sample(frac=1, random_state=1), of.sample(frac=1, random_state=2)).equals(plain)
