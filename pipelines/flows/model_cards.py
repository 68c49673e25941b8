"""What is said of a stored model: its figures, its card, and the scorecard as a table that a committee can sign."""

from __future__ import annotations

from typing import Any

import pandas as pd

from models.card import Card
from models.challenger import Challenger
from models.evaluate import auc, average_precision, top_decile_lift
from models.fusion import Fusion
from models.noise import Rates, called, second_looks
from models.reliability import gap, reliability
from pipelines.flows.past import Past
from pipelines.leads.champions import SCORECARD

PARTS = {"flags": "red flags", "anomaly": "anomaly", "network": "network", "learnt": "learnt from verdicts"}


def about_model(night: Past, kind: str, challenger: Challenger, against: tuple[str, dict[str, float], Fusion]) -> dict[str, Any]:
    """Kind, parameters and metrics of a challenger; ``against`` is whom it was held against, its gain, and its weights."""
    model, truth, score = challenger.model, challenger.truth, challenger.scores()
    metrics = {"auc": auc(truth, score), "ap": average_precision(truth, score), "lift": top_decile_lift(truth, score)}
    metrics |= {"ap_as_promised": average_precision(truth, challenger.promised())}
    metrics |= {"ap_learnt_alone": average_precision(truth, model.out_of_fold_.to_numpy())}
    metrics |= {f"ap_{f}_alone": average_precision(truth, model.folded({f: 1.0}).to_numpy()) for f in model.outside_.columns}
    metrics |= {f"ap_without_{part}": average_precision(truth, challenger.without(part)) for part in PARTS}
    metrics |= {f"gain_{k}": v for k, v in against[1].items()} | {f"weight_{k}": v for k, v in against[2].weights.items()}
    parameters = {
        "as_of": str(night.as_of.date()),
        "families": " + ".join(model.chosen_),
        "against": against[0],
        "seed": model.seed,
        **model.rates._asdict(),
        "proven": int(truth.sum()),
        "cleared": int(len(truth) - truth.sum()),
    }
    groups = reliability(truth, called(model.out_of_fold_.to_numpy(), model.rates))
    looks = second_looks(model.labels_, model.out_of_fold_)
    metrics |= {"calibration_gap": gap(groups)}
    told = {"columns": model.columns_, "reliability": groups.to_dict("list")}
    told |= {"doubtful": {"many": looks.attrs["many"], "verdicts": looks.to_dict("list")}}
    return {"kind": kind, "parameters": parameters, "metrics": _rounded(metrics), **told}


def about_scorecard(night: Past, told: pd.DataFrame, better_by: dict[str, float]) -> dict[str, Any]:
    """Kind, parameters and metrics of a corrected scorecard; ``told`` is what it and the promise said of each judged lead, out of fold."""
    truth, learnt, promised = (told[c].to_numpy() for c in ("label", "learnt", "promised"))
    metrics = {
        **{"auc": auc(truth, learnt), "ap": average_precision(truth, learnt)},
        **{"auc_as_promised": auc(truth, promised), "ap_as_promised": average_precision(truth, promised)},
        **{f"gain_{k}": v for k, v in better_by.items()},
    }
    counts = {"proven": int(truth.sum()), "cleared": int(len(truth) - truth.sum())}
    parameters = {"as_of": str(night.as_of.date()), "against": "the points as promised", **counts}
    return {"kind": SCORECARD, "parameters": parameters, "metrics": _rounded(metrics)}


def model_card(about: dict[str, Any]) -> str:
    """The card of a kind's model, Markdown."""
    told, metrics = about["parameters"], about["metrics"]
    rows = "\n".join(f"| {name} | {value} |" for name, value in metrics.items() if not name.startswith("weight_"))
    weights = "\n".join(f"| {words} | {metrics[f'weight_{part}']} |" for part, words in PARTS.items())
    return (
        f"# Suspicion of subjects of kind {about['kind']}\n\n"
        f"Learnt on the night of {told['as_of']} from {told['proven']} proven and {told['cleared']} cleared subjects; "
        f"average of {told['families']}, held against: {told['against']}.\n\n"
        f"| part of the score | weight |\n|---|---:|\n{weights}\n\n"
        "Before any verdict the weights are 1, 1, 1 and 0.\n\n"
        f"| figure, out of fold | value |\n|---|---:|\n{rows}\n\n"
        f"What was learnt, out of fold (`reliability.svg` draws it):\n\n{_reliability(about['reliability'])}\n\n"
        f"{_noise(told, about['doubtful'])}\n\n"
        f"{len(about['columns'])} columns: {', '.join(about['columns'])}.\n\n"
        "Limits: only investigated subjects are judged, and those were chosen; folds are of subjects, not of time. "
        "A score is a reason to look and decides nothing.\n"
    )


def _noise(told: dict[str, Any], doubtful: dict[str, Any]) -> str:
    """What was assumed of wrong verdicts, and which of them should be looked at again."""
    rates = Rates(told["missed"], told["accused"])
    taken = "Verdicts were learnt from as they are: none is taken to be wrong."
    if any(rates):
        taken = (
            f"Verdicts are taken to clear {rates.missed:.1%} of the guilty and to call {rates.accused:.1%} of the innocent proven; what "
            "was learnt is the chance of guilt, and the probabilities above are those of being called proven."
        )
    rows = "\n".join("| " + " | ".join(str(v) for v in row) + " |" for row in zip(*doubtful["verdicts"].values(), strict=True))
    looks = f"{doubtful['many']} verdicts are contradicted by what was learnt from the others; these first deserve a second look"
    return f"{taken} {looks}:\n\n| subject | verdict | chance of guilt |\n|---|---|---:|\n{rows}"


def _reliability(groups: dict[str, list[float]]) -> str:
    rows = "\n".join("| " + " | ".join(str(v) for v in row) + " |" for row in zip(*groups.values(), strict=True))
    return f"| subjects | probability said | rate proven | low | high |\n|---:|---:|---:|---:|---:|\n{rows}"


def scorecard(card: Card, promised: pd.DataFrame, about: dict[str, Any]) -> str:
    """The scorecard as a table to be signed, Markdown: what each flag was worth, how it was judged, what it is worth now.

    Parameters
    ----------
    card : Card
    promised : DataFrame
        code, name, scheme, points: see :func:`pipelines.leads.judged.promised`.
    about : dict
        As :func:`about_scorecard` returns it.
    """
    told, metrics = about["parameters"], about["metrics"]
    now = (promised["points"] + promised["code"].map(card.corrections).fillna(0.0)).clip(lower=0.0)
    counts = card.counts.reindex(promised["code"]).fillna(0).astype("int64").reset_index(drop=True)
    table = promised.assign(now=now, proven=counts["proven"], cleared=counts["cleared"])
    rows = "\n".join(
        f"| {r.code} | {r.name_} | {r.scheme} | {r.points:.1f} | {r.proven} | {r.cleared} | {r.now:.1f} |"
        for r in table.rename(columns={"name": "name_"}).itertuples()
    )
    levels = "\n".join(f"| {kind or 'any other'} | {level:+.2f} |" for kind, level in sorted(card.levels.items()))
    return (
        f"# Scorecard\n\nCorrected on the night of {told['as_of']} by {told['proven']} proven and {told['cleared']} cleared leads. "
        f"Mean log-likelihood of a verdict, out of fold, better than by the points as promised by "
        f"{metrics['gain_value']} ({metrics['gain_low']} to {metrics['gain_high']}). "
        "Points are the most that a flag has on any line, before the caps.\n\n"
        f"| code | red flag | scheme | points before | proven | cleared | points now |\n|---|---|---|---:|---:|---:|---:|\n{rows}\n\n"
        "How much more often leads are proven than their points promise, in log-odds; it moves probabilities, not points:\n\n"
        f"| kind of subject | level |\n|---|---:|\n{levels}\n\n"
        "Approved by: ______________________  on: ____________\n"
    )


def told_of(about: Any) -> str:
    """One line: verdicts, figures, against whom."""
    told, metrics = about["parameters"], about["metrics"]
    return (
        f"{told['proven']} proven, {told['cleared']} cleared, AUC {metrics['auc']}, AP {metrics['ap']}, "
        f"gain over {told['against']} {metrics['gain_value']} ({metrics['gain_low']} to {metrics['gain_high']})"
    )


def _rounded(metrics: dict[str, float]) -> dict[str, float]:
    return {k: round(float(v), 4) for k, v in metrics.items()}
