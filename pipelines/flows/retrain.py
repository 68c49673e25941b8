"""Retrain: challengers learnt from the latest night's verdicts, held against the champion on the same folds, stored, perhaps promoted."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from models.boosting import MissingLibrary
from models.card import card_of, gain, out_of_fold
from models.challenger import Challenger
from models.leakage import LeakError, alarm
from models.noise import Rates
from models.supervised import LEAST_PROVEN, Supervised
from pipelines import config, tracking
from pipelines.errors import DataError, FraudleadsError
from pipelines.flows.model_cards import about_model, about_scorecard, model_card, scorecard, told_of
from pipelines.flows.past import Past, judged_kinds, nights
from pipelines.leads import registry
from pipelines.leads.champions import SCORECARD
from pipelines.leads.judged import judged, of_kind, parts_of, promised, schemes
from pipelines.leads.learning import labels, verdicts
from pipelines.leads.predict import ready
from pipelines.leads.score import anomalies
from pipelines.report.reliability import Plot

Tell = Callable[[str], None]


def retrain(workspace: Path, config_file: Path | None, tell: Tell) -> list[str]:
    """Learn the scorecard's corrections, and a model for every kind of subject with enough verdicts; the lines to print.

    The scorecard is promoted where its corrections foretell verdicts better than the points as promised do. A kind's challenger is held
    against what the night would say without it: the champion on verdicts that came since it learnt, else on the same folds; without a
    champion, the score as it is. All by out-of-fold scores, and beyond the central 90 % of a paired bootstrap. Cost: some twelve fits of
    each family, linear in judged subjects.

    Raises
    ------
    DataError
        If a column alone tells the labels.
    FraudleadsError
        If LightGBM cannot be loaded.
    """
    settings = config.load(config_file)
    try:
        with nights(workspace, settings) as past:
            kinds = judged_kinds(past[-1])
            shown, known = judged([(night.as_of, night.tables) for night in past], kinds, settings.scoring)
            if not known.nunique() > 1:
                return ["no verdicts both ways yet: nothing to learn"]
            said, shown = _scorecard(workspace, past[-1], (shown, known), settings)
            parts = parts_of(shown, anomalies(past[-1].tables, settings.scoring)[0])
            return [said, *(_of_kind(workspace, past[-1], (kind, parts), settings) for kind in kinds)]
    except LeakError as error:
        raise DataError(str(error), "facts or features", "take the column out of the mapping, run the night again") from error
    except MissingLibrary as error:
        raise FraudleadsError(str(error), "fraudleads retrain", "install it, then start again") from error


def listed(workspace: Path) -> list[str]:
    """One line for every stored model."""
    heads = set(registry.champions(workspace).values())
    lines = [f"{s.digest}  {s.kind:10} {'champion' if s.digest in heads else '':9} {told_of(s.about)}" for s in registry.stored(workspace)]
    return lines or ["no model is stored yet: fraudleads retrain"]


def card(workspace: Path, name: str) -> str:
    """A model's card, by digest or, for the champion, by kind (``scorecard``, ``claim``, ...)."""
    return registry.card(workspace, registry.champions(workspace).get(name, name))


def promote(workspace: Path, digest: str, why: str = "by hand") -> str:
    """Make a stored model the champion of its kind, here and in mlflow."""
    chosen = registry.promote(workspace, digest, why)
    tracking.set_champion(workspace.resolve(), chosen.kind, digest)
    return f"{digest} is champion of kind {chosen.kind}"


def rollback(workspace: Path, kind: str) -> str:
    """Go back to the champion before, here and in mlflow."""
    before = registry.rollback(workspace, kind)
    tracking.set_champion(workspace.resolve(), kind, before)
    return f"{before} is champion of kind {kind} again" if before else f"kind {kind} has no champion now"


def _scorecard(workspace: Path, night: Past, shown: tuple[pd.DataFrame, pd.Series], settings: config.Settings) -> tuple[str, pd.DataFrame]:
    """Learn, store and perhaps promote a scorecard; what to print, and the judged flags with the points that the night now gives them."""
    flags, labels = shown
    prior, cards = settings.priority.prior, schemes(night.tables)
    card = card_of(flags, labels, cards, prior)
    blind, told = out_of_fold(flags, labels, cards, prior, settings.scoring.seed)
    better_by = gain(told) if told["label"].nunique() > 1 else dict.fromkeys(("value", "low", "high"), 0.0)
    about = about_scorecard(night, told, better_by)
    digest = registry.store(workspace, card, about, scorecard(card, promised(night.tables, settings.scoring), about))
    tracking.record_model(workspace.resolve(), workspace.resolve() / registry.FOLDER / digest, about)
    held = registry.champions(workspace).get(SCORECARD)
    if held != digest and better_by["low"] > 0:
        promote(workspace, digest, f"likelihood of a verdict better by {better_by['value']} ({better_by['low']} to {better_by['high']})")
    live = registry.champions(workspace).get(SCORECARD)
    state = "promoted" if live == digest and held != digest else "champion already" if live == digest else "not promoted"
    return f"{SCORECARD}: {digest} is stored, {state} ({told_of(about)})", blind if live else flags


def _of_kind(workspace: Path, night: Past, of: tuple[str, pd.DataFrame], settings: config.Settings) -> str:
    kind, parts = of
    rows = ready(night.tables, kind, settings.scoring)
    known = labels(night.tables, kind, night.as_of)
    known = known[known.index.isin(rows.frame.index)]
    model = Supervised(settings.scoring.seed, rates=Rates(settings.scoring.missed, settings.scoring.accused))
    if not model.enough(rows, known):
        return f"{kind}: {int(known.sum())} proven and {int((1 - known).sum())} cleared are too few to learn from"
    alarm(rows.frame, known)
    model.fit(rows, known)
    challenger = Challenger(model, rows, of_kind(parts, kind).reindex(model.labels_.index).fillna(0.0), settings.priority.prior)
    fusion = challenger.fusion()
    rival, against = _against(workspace, night, kind, challenger)
    about = about_model(night, kind, challenger, (rival, against, fusion))
    digest = registry.store(workspace, (model, fusion, Plot(pd.DataFrame(about["reliability"]))), about, model_card(about))
    tracking.record_model(workspace.resolve(), workspace.resolve() / registry.FOLDER / digest, about)
    if against["low"] <= 0 or registry.champions(workspace).get(kind) == digest:
        return f"{kind}: {digest} is stored and not promoted ({told_of(about)})"
    promote(workspace, digest, f"average precision better by {against['value']} ({against['low']} to {against['high']})")
    return f"{kind}: {digest} is stored and promoted ({told_of(about)})"


def _against(workspace: Path, night: Past, kind: str, challenger: Challenger) -> tuple[str, dict[str, float]]:
    """Name of whom the challenger is held against, and its gain over it."""
    digest, mine = registry.champions(workspace).get(kind), challenger.scores()
    if digest is None:
        return "the score as promised", challenger.gain(mine, challenger.promised())
    held, known = registry.load(workspace, digest), labels(night.tables, kind, night.as_of)
    told = verdicts(night.tables, kind, night.as_of)
    fresh = told["decided_at"] >= pd.Timestamp(registry.about(workspace, digest).about["parameters"]["as_of"])
    new = challenger.model.labels_.index.isin(told.index[fresh])
    if min(challenger.truth[new].sum(), (1 - challenger.truth[new]).sum()) < LEAST_PROVEN:
        return digest, challenger.gain(mine, challenger.scores(held.weights_))
    odds = held.suspicion(challenger.rows, known)[challenger.model.labels_.index]
    theirs = challenger.others(odds, registry.fusion_of(workspace, digest))
    return digest, challenger.gain(mine[new], theirs[new], new)
