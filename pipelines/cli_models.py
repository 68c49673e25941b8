"""Verbs of models learnt from verdicts; :mod:`pipelines.cli` takes them into the command."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

models_app = typer.Typer(help="Models learnt from verdicts.", no_args_is_help=True)
Config = Annotated[Path | None, typer.Option("--config", help="fraudleads.toml")]
Workspace = Annotated[Path, typer.Option("--workspace", help="Where runs, store and vault are kept.")]
Plots = Annotated[Path | None, typer.Option("--plots", help="Folder for pictures: probability said against rate proven.")]
Ablations = Annotated[bool, typer.Option("--ablations", help="Also without the network, the anomaly, flags, each family of flags.")]
VAR = Path("var")


def say(line: str) -> None:
    """Progress, on standard error."""
    typer.secho(line, err=True, dim=sys.stderr.isatty())


def backtest(workspace: Workspace = VAR, config: Config = None, plots: Plots = None, ablations: Ablations = False) -> None:
    """Walk forward over the workspace's nights: what each would have ranked how, judged by verdicts opened after it. Prints JSON."""
    from pipelines.flows.backtest import backtest as run

    typer.echo(run(workspace, config, say, plots, ablations))


def retrain(workspace: Workspace = VAR, config: Config = None) -> None:
    """Learn from the latest night's verdicts; a challenger is promoted only where it is better beyond the bootstrap interval."""
    from pipelines.flows.retrain import retrain as run

    for line in run(workspace, config, say):
        typer.echo(line)


@models_app.command("list")
def models_list(workspace: Workspace = VAR) -> None:
    """List the stored models; champions are marked."""
    from pipelines.flows.retrain import listed

    for line in listed(workspace):
        typer.echo(line)


@models_app.command("show")
def models_show(
    name: Annotated[str, typer.Argument(help="A digest; or a kind, for its champion: scorecard, claim, person, ...")],
    workspace: Workspace = VAR,
) -> None:
    """Show a model's card (the scorecard's is a table to be signed), and what the latest night says of drift."""
    from pipelines.flows.drifting import lines
    from pipelines.flows.retrain import card

    typer.echo("\n".join([card(workspace, name), *lines(workspace)]))


@models_app.command("promote")
def models_promote(digest: str, workspace: Workspace = VAR) -> None:
    """Make a stored model the champion of its kind: the one that challengers are held against."""
    from pipelines.flows.retrain import promote

    typer.echo(promote(workspace, digest))


@models_app.command("rollback")
def models_rollback(kind: Annotated[str, typer.Argument(help="claim, person, hospital, ...")], workspace: Workspace = VAR) -> None:
    """Make the champion before the present one champion again."""
    from pipelines.flows.retrain import rollback

    typer.echo(rollback(workspace, kind))
