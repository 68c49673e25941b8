"""A night that compares only what was touched finds, byte for byte, what a night finds that compares all."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.identities import records
from pipelines.resolve import forms, normalise, training
from pipelines.resolve.designs import PERSONS
from pipelines.resolve.identity import Asked, Evidence, Linked, linked
from pipelines.resolve.incremental import PARTS, State
from pipelines.resolve.judgements import TABLE, VERDICTS
from pipelines.resolve.linking import connect
from pipelines.resolve.model import Design, Model
from pipelines.resolve.spellings import Kept
from pipelines.resolve.training import train
from pipelines.simulate import simulate

SMALL = replace(PERSONS, largest=6)
"""Keys are left out from 7 records on where the model is trained, and from 25 on later: within reach of a small book."""
COPIED = ("phone", "account", "household_id", "address", "name", "birth_date", "id_number", "device_id")
FACTS = ("id_number", "birth_date")
RAW = ("name", "id_number", "address")


@pytest.fixture(scope="module")
def book(tmp_path_factory: pytest.TempPathFactory) -> Iterator[pd.DataFrame]:
    out: Path = tmp_path_factory.mktemp("book")
    simulate(1_000, 13, out, "parquet")
    found = records(out)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "SAMPLE", 20_000)
        yield found[found["kind"].isin(forms.NATURAL)].reset_index(drop=True)


@dataclass
class Night:
    """Records of a night in order of seniority, what the vault lacks of them, and what people said."""

    raw: pd.DataFrame
    lost: frozenset[str] = frozenset()
    said: tuple[tuple[str, str, str], ...] = ()


def tables(night: Night) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Parties with tokens, and the vault of their raw values but for the parties that it lost."""
    raw = night.raw
    ids = normalise.resident_ids(raw["id_number"])
    tokens = {c: "token:" + text.astype("str") for c, text in ((c, ids[c] if c == "id_number" else raw[c]) for c in RAW)}
    kept = ~raw["party_id"].isin(night.lost)
    vault = [pd.DataFrame({"token": tokens[c], "column": f"parties.{c}", "value": raw[c].astype("str")})[kept] for c in RAW]
    parties = raw.assign(
        n=range(len(raw)), birth_date=pd.to_datetime(raw["birth_date"]), device_id=raw["device_id"].astype("str"),
        id_problem=ids["problem"], id_birth_date=pd.to_datetime(ids["birth_date"]), id_gender=ids["gender"], **tokens,
    )  # fmt: skip
    return parties, pd.concat(vault).dropna().drop_duplicates(ignore_index=True)


def carried_out(
    night: Night, model: Model | None, before: State | None, design: Design = SMALL, kept: Kept | None = None
) -> tuple[Linked, Model]:
    """Link a night, after another or on its own, with spellings of the night before or without."""
    judged = pa.Table.from_pylist([dict(zip(TABLE.names, w, strict=True)) for w in night.said], schema=TABLE)
    with connect() as connection:
        for name, table in zip(("parties", "vault"), tables(night), strict=True):
            connection.register(name, table)
        if kept:
            kept.open(model.digest if model else "")
        table = forms.written(connection, "parties", "SELECT * FROM vault", model.words if model else None, kept)
        model = model or train(connection, table, design)
        if kept:
            kept.close(model.digest, ())
        return linked(connection, table, Asked("person", model, FACTS), Evidence(judgements=judged, version="1"), before), model


def following(night: Night, book: pd.DataFrame, chance: np.random.Generator) -> Night:
    """Another night: records come, change, go, one becomes the senior of another; values leave the vault; people say something."""
    raw = night.raw[chance.random(len(night.raw)) > 0.02]
    unused = book[~book["party_id"].isin(night.raw["party_id"])]
    raw = pd.concat([raw, unused.sample(min(len(unused), 40), random_state=int(chance.integers(1 << 30)))], ignore_index=True)
    for column in COPIED:
        rows, source = chance.integers(len(raw), size=6), chance.integers(len(raw), size=2)
        raw.loc[rows, column] = raw.loc[source[chance.integers(2, size=6)], column].to_numpy()
    raw.loc[chance.integers(len(raw), size=3), "id_number"] = None
    crowd, busy = chance.integers(len(raw), size=chance.integers(3, 30)), chance.choice(["phone", "account"])
    raw.loc[crowd, busy] = raw[busy].dropna().iloc[int(chance.integers(3))]
    order = np.argsort(np.arange(len(raw)) + 30 * (chance.random(len(raw)) < 0.02))
    pairs = raw["party_id"].to_numpy()[chance.integers(len(raw), size=(3, 2))]
    verdicts = [(min(a, b), max(a, b), str(chance.choice(VERDICTS))) for a, b in pairs if a != b]
    lost = frozenset(raw["party_id"].sample(2, random_state=int(chance.integers(1 << 30))))
    return Night(raw.iloc[order].reset_index(drop=True), lost, (*night.said[-4:], *verdicts))


def equal(one: Linked, other: Linked) -> None:
    for part in PARTS:
        assert getattr(one.state, part).equals(getattr(other.state, part)), part
    roots = [found.roots.to_pandas().sort_values("n", ignore_index=True) for found in (one, other)]
    pd.testing.assert_frame_equal(*roots)


@pytest.mark.parametrize("seed", range(3))
def test_nights_find_what_full_runs_find(book: pd.DataFrame, tmp_path: Path, seed: int) -> None:
    chance = np.random.default_rng(seed)
    night = Night(book.sample(frac=0.8, random_state=seed).reset_index(drop=True))
    spelt = Kept(tmp_path / "spelt")
    first, model = carried_out(night, None, None, kept=spelt)
    state, kept, moved = first.state, 0, 0
    for _ in range(3):
        night = following(night, book, chance)
        found, full = carried_out(night, model, state, kept=spelt)[0], carried_out(night, model, None)[0]
        assert found.about["why"] == "" and full.about["why"]
        equal(found, full)
        state, kept, moved = found.state, kept + found.about["kept"], moved + found.about["reweighed"]
    assert kept > 100 and moved > 0 and len(spelt.files("address")) > 1


def test_figures_of_a_night(book: pd.DataFrame) -> None:
    mixed = book.sample(frac=1, random_state=1)
    first, model = carried_out(Night(mixed.iloc[:600].reset_index(drop=True)), None, None)
    raw = mixed.iloc[5:605].reset_index(drop=True)
    raw.loc[[100, 101], "phone"] = ["13800000001", "13800000002"]
    second = carried_out(Night(raw), model, first.state)[0]
    counts: dict[str, Any] = second.about
    assert [counts[name] for name in ("records", "new", "changed", "gone")] == [600, 5, 2, 5]
    assert counts["accepted"] == second.state.links.num_rows >= counts["kept"] > 0


def test_pairs_of_a_key_come_and_go_as_it_outgrows_its_limit_and_shrinks(book: pd.DataFrame) -> None:
    digits = np.random.default_rng(1).integers(10, size=(15, 17)).astype("str")
    numbers = ["9" + "".join(row) for row in digits for _ in range(2)]  # of no region, so no rule looks them up
    common = {"kind": "person", "insurer": "t", "phone": "13912345678"}
    rows = [
        {"party_id": f"t:{i:02d}", "name": f"欧阳{'听雪明月清风长河落日秋水伊人方'[i // 2]}", "id_number": numbers[i], **common}
        for i in range(30)
    ]
    crowd = pd.DataFrame(rows).reindex(columns=book.columns)
    base = book.iloc[:300]
    few = replace(SMALL, rules=tuple(rule for rule in SMALL.rules if rule.name in ("id number", "name, birth date", "phone, surname")))
    first, model = carried_out(Night(base), None, None, few)
    state, found = first.state, []
    for many in (24, 26, 27, 23):
        night = Night(pd.concat([base, crowd.iloc[:many]], ignore_index=True))
        one, full = carried_out(night, model, state)[0], carried_out(night, model, None)[0]
        equal(one, full)
        state = one.state
        found.append(sum(party.startswith("t:") for party in state.links["party_l"].to_pylist()))
    assert found == [12, 0, 0, 11]


def test_a_night_of_another_model_or_version_compares_all(book: pd.DataFrame) -> None:
    night = Night(book.iloc[:300].reset_index(drop=True))
    first, model = carried_out(night, None, None)
    again = carried_out(night, replace(model, prior=model.prior / 2), first.state)[0]
    assert "another link model" in again.about["why"] and again.about["kept"] == 0
    older = carried_out(night, model, replace(first.state, basis="0"))[0]
    assert older.about["why"] and older.state.links.equals(first.state.links)
