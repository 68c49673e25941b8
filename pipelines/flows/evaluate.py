"""Evaluate: a published night held against the truth of a simulated book. The only code that reads a truth folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet

from models.evaluate import hits_per_scheme, spread
from pipelines.contracts.tokens import SUBJECT_KINDS, tokens
from pipelines.errors import DataError

GUILTY = ("perpetrator", "participant")
FIRST, WIDE = 50, 100
BUSY = ("person", "agent", "hospital", "doctor", "garage")
"""Kinds of party that the sort-by-count baseline looks at."""


def evaluate(out: Path, stages: Path, truth: Path, key: str) -> dict[str, Any]:
    """Figures of one night.

    A hit is a case whose leading lead's subject is a perpetrator or participant of a planted instance of the lead's scheme; every
    instance counts once, for its first case. The baselines get their scheme for free.

    Parameters
    ----------
    out : Path
        Published folder with ``leads.parquet`` and ``cases.parquet``.
    stages : Path
        The run's ``stages`` folder.
    truth : Path
        ``instances.csv`` and ``subjects.csv`` as the simulator writes them.
    key : str
        Key of the run's tokens.

    Returns
    -------
    dict
        precision_50, hits_50, schemes_100, lookalikes_100 (share), recall by scheme, baselines_50 (hits of claims by amount, of all
        parties by count, and of one kind of party alone by count), times_baseline (against the better of amount and count) and
        times_best_kind (against the best of all, which one only knows afterwards).

    Raises
    ------
    DataError
        If a file is missing.
    """
    guilty, known = culprits(out, stages, truth, key)
    cases = judged(led(out), guilty, known)
    baselines = {name: int(_hits(subjects, guilty)) for name, subjects in _baselines(stages).items()}
    hits = int((cases["hit"] & (cases["rank"] <= FIRST)).sum())
    first = cases[cases["rank"] <= WIDE]
    planted = known.loc[known["planted"], ["instance", "scheme"]].drop_duplicates()
    return {
        "cases": len(cases),
        f"hits_{FIRST}": hits,
        f"precision_{FIRST}": round(hits / FIRST, 3),
        f"repeats_{FIRST}": int((cases["guilty"] & ~cases["hit"] & (cases["rank"] <= FIRST)).sum()),
        f"schemes_{WIDE}": int(first.loc[first["hit"], "scheme"].nunique()),
        f"lookalikes_{WIDE}": round(float(first["lookalike"].sum()) / WIDE, 3),
        f"baselines_{FIRST}": baselines,
        "times_baseline": round(hits / max(1, baselines["amount"], baselines["count"]), 2),
        "times_best_kind": round(hits / max(1, *baselines.values()), 2),
        "recall": hits_per_scheme(cases.assign(instance=cases["instance"].where(cases["hit"])), planted).to_dict("records"),
    }


def culprits(out: Path, stages: Path, truth: Path, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Guilty subjects and everybody in the truth as :func:`judged` takes them, rings of the run among them."""
    guilty, known = read_truth(truth, stages, key)
    rings = _rings(out, known)
    more = rings.loc[rings["planted"], ["instance", "scheme", "subject"]]
    return pd.concat([guilty, more], ignore_index=True), pd.concat([known, rings], ignore_index=True)


def judged(cases: pd.DataFrame, guilty: pd.DataFrame, known: pd.DataFrame) -> pd.DataFrame:
    """Cases in rank order with ``instance``, ``hit``, ``guilty`` (right, first or not) and ``lookalike``.

    Parameters
    ----------
    cases : DataFrame
        rank, case_id, scheme, subject (see ``subject_key``).
    guilty : DataFrame
        instance, scheme, subject: perpetrators and participants of planted instances.
    known : DataFrame
        instance, scheme, planted, subject, role: everybody in the truth.
    """
    matches = cases.merge(guilty, on=["subject", "scheme"]).sort_values(["rank", "instance"])
    # A subject of two instances finds the one that no earlier case has found.
    fresh = matches.drop_duplicates("instance").drop_duplicates("case_id")
    found = cases.merge(fresh[["case_id", "instance"]], on="case_id", how="left").sort_values("rank", ignore_index=True)
    any_guilt = set(guilty["subject"])
    honest = found["subject"].isin(set(known["subject"])) & ~found["subject"].isin(any_guilt)
    right = found["case_id"].isin(set(matches["case_id"]))
    return found.assign(hit=found["instance"].notna(), guilty=right, lookalike=honest)


def summary(figures: Sequence[dict[str, Any]]) -> dict[str, dict[str, float]]:
    """Mean, least and greatest of every figure over several books."""
    names = [n for n, v in figures[0].items() if isinstance(v, int | float)] if figures else []
    return {n: spread([float(f[n]) for f in figures]) for n in names}


def subject_key(kinds: pd.Series, ids: pd.Series) -> pd.Series:
    """One text per subject: entity ids as they are, rows of an insurer with their kind before them."""
    own = kinds.isin(["claim", "policy", "event"])
    return ids.where(~own, kinds + "|" + ids)


def led(out: Path) -> pd.DataFrame:
    """Cases with the subject of their leading lead."""
    leads = _read(out / "leads.parquet", ["lead_id", "subject_kind", "subject_id"])
    cases = _read(out / "cases.parquet", ["rank", "case_id", "lead_id", "scheme"])
    joined = cases.merge(leads, on="lead_id")
    return joined.assign(subject=subject_key(joined["subject_kind"], joined["subject_id"]))


def read_truth(truth: Path, stages: Path, key: str) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Guilty subjects and all subjects of the truth, named as the run names them."""
    subjects = _csv(truth / "subjects.csv").drop(columns="scheme", errors="ignore")
    known = subjects.merge(_csv(truth / "instances.csv"), on="instance")
    known["planted"] = known["planted"].astype(str).str.lower().isin(["true", "1"])
    named = pd.concat([known.assign(named=_named(known, stages, key)), _events(known, stages)], ignore_index=True)
    named["subject"] = subject_key(named["subject_kind"], named["named"])
    guilty = named[named["planted"] & named["role"].isin(GUILTY)]
    return guilty[["instance", "scheme", "subject"]].drop_duplicates(), named[["instance", "scheme", "planted", "subject", "role"]]


def _rings(out: Path, known: pd.DataFrame) -> pd.DataFrame:
    """A ring is the instance that more than half of its claims and policies belong to: no truth knows the run's rings by id."""
    leads = _read(out / "leads.parquet", ["lead_id", "subject_kind", "subject_id"]).query("subject_kind == 'ring'")
    proof = _read(out / "lead_evidence.parquet", ["lead_id", "claim_id", "policy_id"]).merge(leads, on="lead_id")
    own = ("claim|" + proof["claim_id"]).fillna("policy|" + proof["policy_id"])
    units = pd.DataFrame({"ring": proof["subject_id"], "subject": own}).dropna().drop_duplicates()
    shared = (
        units.merge(known.drop_duplicates(["instance", "subject"]), on="subject").groupby(["ring", "instance", "scheme", "planted"]).size()
    )
    most = shared.rename("n").reset_index().join(units.groupby("ring").size().rename("of"), on="ring")
    return most[most["n"] > most["of"] / 2].rename(columns={"ring": "subject"}).assign(role="participant").drop(columns=["n", "of"])


def _named(known: pd.DataFrame, stages: Path, key: str) -> pd.Series:
    """Party and object ids as entities, raw values as tokens; what the run never saw keeps its own id."""
    parties = _stage(stages, "party_entity", ["party_id", "entity_id"]).set_index("party_id")["entity_id"]
    objects = _stage(stages, "objects", ["object_id", "object_entity"]).drop_duplicates("object_id").set_index("object_id")["object_entity"]
    ids = known["subject_id"]
    named = ids.map(parties).fillna(ids.map(objects)).fillna(ids).where(~known["subject_kind"].isin(["claim", "policy"]), ids)
    for kind, token_kind in SUBJECT_KINDS.items():
        at = known["subject_kind"] == kind
        named[at] = tokens(token_kind, ids[at].tolist(), key) if at.any() else named[at]
    return named


def _events(known: pd.DataFrame, stages: Path) -> pd.DataFrame:
    """The run's own events of the truth's claims are subjects, too."""
    claims = _stage(stages, "claim_view", ["claim_id", "event_id"])
    joined = known[known["subject_kind"] == "claim"].merge(claims, left_on="subject_id", right_on="claim_id")
    return joined.assign(subject_kind="event", named=joined["event_id"]).drop(columns=["claim_id", "event_id"])


def _baselines(stages: Path) -> dict[str, pd.Series]:
    """Subjects in the order of plain sorting: claims by amount; each kind of party by its claims."""
    claims = _stage(stages, "claim_view", ["claim_id", "amount"])
    largest = claims.assign(amount=claims["amount"].astype(float)).nlargest(FIRST, "amount")
    edges = _stage(stages, "edges", ["claim_id", "entity_id", "kind"]).drop_duplicates()
    counted = edges.groupby(["kind", "entity_id"])["claim_id"].nunique().reset_index()
    busy = counted.sort_values(["claim_id", "entity_id"], ascending=[False, True])
    by_count = {f"count_{k}": busy.loc[busy["kind"] == k, "entity_id"].head(FIRST) for k in BUSY}
    return {"amount": "claim|" + largest["claim_id"], "count": busy["entity_id"].head(FIRST), **by_count}


def _hits(subjects: pd.Series, guilty: pd.DataFrame) -> int:
    """Instances found by a list of subjects, at most one for each subject."""
    matches = pd.DataFrame({"subject": subjects.to_numpy()}).reset_index().merge(guilty, on="subject").sort_values(["index", "instance"])
    return len(matches.drop_duplicates("instance").drop_duplicates("subject"))


def _stage(stages: Path, table: str, columns: list[str]) -> pd.DataFrame:
    # Staging and resolving both hold the canonical tables; only the latter's have the entity columns.
    found = [p for p in sorted(stages.glob(f"*/{table}.parquet")) if set(columns) <= set(pyarrow.parquet.read_schema(p).names)]
    if not found:
        raise DataError("a stage's table is missing", f"{table}.parquet", "run the night again, then evaluate")
    return _read(found[-1], columns)


def _read(path: Path, columns: list[str]) -> pd.DataFrame:
    if not path.exists():
        raise DataError("a published table is missing", path.name, "run the night again, then evaluate")
    frame: pd.DataFrame = pyarrow.parquet.read_table(path, columns=columns).to_pandas()
    return frame


def _csv(path: Path) -> pd.DataFrame:
    if not path.exists():
        raise DataError("the truth is incomplete", path.name, "give the truth folder that simulate wrote")
    return pd.read_csv(path, dtype=str, encoding="utf-8")
