"""The command `fraudleads`: verbs, lazily imported, and errors turned into exit codes.

Exit codes: 0 done or nothing to do, 2 bad usage or configuration, 3 bad data, 4 night refused, 5 workspace busy, 70 internal error.
"""

from __future__ import annotations

import gc
import os
import sys
import traceback
from pathlib import Path
from typing import Annotated

import typer

from pipelines import cli_models
from pipelines.errors import FraudleadsError

app = typer.Typer(help="Nightly fraud leads with evidence.", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)
sources_app = typer.Typer(help="Mappings of insurers' files and databases.", no_args_is_help=True)
indicators_app = typer.Typer(help="The red flags.", no_args_is_help=True)
leads_app = typer.Typer(help="The published leads.", no_args_is_help=True)
rings_app = typer.Typer(help="The rings of the latest night.", no_args_is_help=True)
resolve_app = typer.Typer(help="Who is who.", no_args_is_help=True)
for name, part in (
    ("sources", sources_app),
    ("indicators", indicators_app),
    ("leads", leads_app),
    ("rings", rings_app),
    ("models", cli_models.models_app),
    ("resolve", resolve_app),
):
    app.add_typer(part, name=name)
for verb in (cli_models.backtest, cli_models.retrain):
    app.command()(verb)

AsOf = Annotated[
    str | None,
    typer.Option("--as-of", help="Night, YYYY-MM-DD: nothing received from 00:00 of it counts. Default: the day after the newest data."),
]
Config = Annotated[Path | None, typer.Option("--config", help="fraudleads.toml")]
SourceName = Annotated[str | None, typer.Option("--source", help="A shipped mapping's name or a mapping file.")]
Data = Annotated[Path | None, typer.Option("--data", help="Where that source's files lie, gzipped or not.")]
Workspace = Annotated[Path, typer.Option("--workspace", help="Where runs, store and vault are kept.")]
Language = Annotated[str, typer.Option("--lang", help="zh or en")]
VAR = Path("var")


@app.command()
def nightly(as_of: AsOf = None, config: Config = None, source: SourceName = None, data: Data = None, workspace: Workspace = VAR) -> None:
    """Run the night: from the insurers' files to the ranked list of leads. Without options: the sample."""
    from pipelines.flows.nightly import nightly as run

    night = run(_options(as_of, config, source, data, workspace), _say)
    for line in night.summary():
        typer.echo(line)


@app.command()
def validate(config: Config = None, source: SourceName = None, data: Data = None, workspace: Workspace = VAR) -> None:
    """Judge the deliveries without running a night; writes validation.html and validation.json into the workspace."""
    from pipelines.flows.intake import validate as run

    for line in run(_options(None, config, source, data, workspace), _say):
        typer.echo(line)


@sources_app.command("check")
def sources_check(file: Annotated[str, typer.Argument(help="A mapping file, or a shipped mapping's name.")], data: Data = None) -> None:
    """Say what a mapping maps, what is left over, and which red flags the source can feed."""
    from pipelines.flows.inspect import check_source

    for line in check_source(file, data):
        typer.echo(line)


@sources_app.command("list")
def sources_list() -> None:
    """List the shipped mappings."""
    from pipelines.sources import SOURCES

    for name, path in SOURCES.items():
        typer.echo(f"{name:16} {path}")


@indicators_app.command("list")
def indicators_list(lang: Language = "zh") -> None:
    """List the red flags: code, grain, severity, scheme, name."""
    from pipelines.flows.inspect import indicator_lines

    typer.echo(indicator_lines(lang))


@indicators_app.command("show")
def indicators_show(code: str, lang: Language = "zh") -> None:
    """Show one red flag's card."""
    from pipelines.flows.inspect import indicator_card

    typer.echo(indicator_card(code, lang))


@leads_app.command("show")
def leads_show(
    lead_id: Annotated[str, typer.Argument(help="A lead, a case, or a rank of the latest night.")],
    workspace: Workspace = VAR,
    lang: Language = "zh",
    unmask: Annotated[
        bool, typer.Option("--unmask", help="Show personal data in the clear; recorded in the workspace's access log.")
    ] = False,
) -> None:
    """Show a lead with its reasons, evidence and source rows."""
    from pipelines.flows.inspect import show_lead

    typer.echo(show_lead(workspace, lead_id, lang, unmask))


@leads_app.command("export")
def leads_export(
    out: Annotated[Path, typer.Option("--out", help="Folder to write into.")],
    insurer: Annotated[str | None, typer.Option("--for", help="That insurer's rows in full, the others' as counts and dates.")] = None,
    workspace: Workspace = VAR,
    unmask: Annotated[bool, typer.Option("--unmask", help="Personal data in the clear; recorded in the workspace's access log.")] = False,
) -> None:
    """Export the latest night's leads for an audience."""
    from pipelines.flows.inspect import export_leads

    for line in export_leads(workspace, out, insurer, unmask):
        typer.echo(line)


@rings_app.command("list")
def rings_list(workspace: Workspace = VAR, lang: Language = "zh") -> None:
    """List the rings: kind, organiser, size, money, time, significance, growth, and why each is a lead or not."""
    from pipelines.flows.inspect import list_rings

    typer.echo(list_rings(workspace, lang))


@rings_app.command("show")
def rings_show(
    ring_id: Annotated[str, typer.Argument(help="A ring's id or the code that the list shows.")],
    workspace: Workspace = VAR,
    lang: Language = "zh",
    unmask: Annotated[bool, typer.Option("--unmask", help="Personal data in the clear; recorded in the workspace's access log.")] = False,
) -> None:
    """Show a ring with its members, their roles, and its claims."""
    from pipelines.flows.inspect import show_ring

    typer.echo(show_ring(workspace, ring_id, lang, unmask))


@rings_app.command("draw")
def rings_draw(
    ring_id: Annotated[str, typer.Argument(help="A ring's id or the code that the list shows.")],
    out: Annotated[Path, typer.Option("--out", help="A file ending in .svg or .png.")],
    workspace: Workspace = VAR,
    lang: Language = "zh",
) -> None:
    """Draw a ring for a document."""
    from pipelines.flows.inspect import draw_ring

    typer.echo(draw_ring(workspace, ring_id, out, lang))


@resolve_app.command("explain")
def resolve_explain(record_a: str, record_b: str, workspace: Workspace = VAR, lang: Language = "zh") -> None:
    """Say why two records of persons or organisations, or two claims (insurer:id), are one or not: what was compared, what it weighs."""
    from pipelines.flows.inspect import known_language
    from pipelines.flows.linking import explain

    for line in explain(workspace, record_a, record_b, known_language(lang)):
        typer.echo(line)


@resolve_app.command("judge")
def resolve_judge(
    record_a: str,
    record_b: str,
    verdict: Annotated[str, typer.Argument(help="same, not_same or undecided")],
    by: Annotated[str, typer.Option("--by", help="Who says so.")],
    workspace: Workspace = VAR,
) -> None:
    """Record what a person says of two records; it overrules the model from the next run on."""
    from pipelines.flows.linking import judge

    typer.echo(judge(workspace, (record_a, record_b), verdict, by))


@app.command()
def trace(claim_id: str, workspace: Workspace = VAR, lang: Language = "zh") -> None:
    """Follow one claim through the latest night: source row, entities, edges, flags, leads."""
    from pipelines.flows.inspect import trace_claim

    typer.echo(trace_claim(workspace, claim_id, lang))


@app.command()
def simulate(
    claims: Annotated[int, typer.Option("--claims", min=1000, help="Number of claims.")],
    seed: Annotated[int, typer.Option("--seed", help="The same seed gives the same bytes.")],
    out: Annotated[Path, typer.Option("--out", help="Folder to write deliveries/ and truth/ into.")],
    fmt: Annotated[str, typer.Option("--format", help="csv (gzipped) or parquet")] = "csv",
) -> None:
    """Write a synthetic book with planted schemes, honest look-alikes and a truth that no stage reads."""
    from pipelines.simulate import simulate as run

    for table, rows in run(claims, seed, out, fmt).items():
        typer.echo(f"{table:24} {rows:>12,}")


@app.command()
def evaluate(
    truth: Annotated[Path, typer.Argument(help="A simulated book's truth/ folder.")],
    workspace: Workspace = VAR,
) -> None:
    """Judge the latest night of a simulated book by its planted truth."""
    from pipelines.flows.inspect import evaluate_latest

    typer.echo(evaluate_latest(workspace, truth))


@app.command()
def predict(
    source: Annotated[str, typer.Option("--source", help="A shipped mapping's name or a mapping file.")],
    data: Data = None,
    out: Annotated[Path, typer.Option("--out", help="CSV to write: subject_kind,subject_id,score (higher = worse).")] = Path("scores.csv"),
    no_labels: Annotated[bool, typer.Option("--no-labels", help="Read no verdict at all.")] = False,
    config: Config = None,
) -> None:
    """Score every subject of a source, learning from the verdicts that a center would have."""
    from pipelines.flows.predict import predict as run

    for line in run(_options(None, config, source, data, VAR), out, not no_labels, _say):
        typer.echo(line)


@app.command()
def doctor(config: Config = None, workspace: Workspace = VAR) -> None:
    """Say which versions run, what is configured, how much space is free, and what is missing."""
    from pipelines.flows.doctor import report

    for line in report(config, workspace):
        typer.echo(line)


def _options(as_of: str | None, config: Path | None, source: str | None, data: Path | None, workspace: Path):  # type: ignore[no-untyped-def]
    from pipelines.flows.intake import Options

    return Options.parse(as_of, config, (source, data), workspace)


def _say(line: str) -> None:
    """Progress: dimmed on a terminal, plain when not. Always on standard error, so that output can be piped."""
    typer.secho(line, err=True, dim=sys.stderr.isatty())


def main() -> None:
    """Entry point: run, and turn what went wrong into one message and an exit code."""
    # Expressions are trees of small objects that live on: looking for garbage among them was a tenth of a small night.
    gc.set_threshold(200_000, 20, 50)
    try:
        app(standalone_mode=True)
    except FraudleadsError as error:
        typer.secho(f"fraudleads: {error}", err=True)
        sys.exit(error.exit_code)
    except Exception as error:
        if os.environ.get("FRAUDLEADS_DEBUG"):
            raise
        typer.secho(_without_values(error), err=True)
        sys.exit(FraudleadsError.exit_code)


def _without_values(error: Exception) -> str:
    frames = [f"    {Path(f.filename).name}:{f.lineno} {f.name}" for f in traceback.extract_tb(error.__traceback__)[-6:]]
    head = f"fraudleads: internal error: {type(error).__name__} (its message is withheld: it may hold personal data)"
    return "\n".join([head, *frames, "  next:  the last good output is in place; FRAUDLEADS_DEBUG=1 shows the message; please report it"])


if __name__ == "__main__":
    main()
