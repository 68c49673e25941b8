"""The only importer of mlflow: each published night is a run in the workspace's own SQLite store. Nothing leaves the machine.

mlflow takes seconds to load and to make its store, so a process of its own does that while the night runs.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipelines.errors import DataError

EXPERIMENT = "nightly"
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"}


class Recorder:
    """A process that gets the store ready and then waits for the night to record.

    Parameters
    ----------
    root : Path
        The workspace; holds ``mlflow.db`` and ``mlflow/``.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        command = [sys.executable, "-m", "pipelines.tracking", str(root)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
        self.process = subprocess.Popen(command, text=True, env={**os.environ, **QUIET}, **pipes)  # type: ignore[call-overload]  # noqa: S603 - our own module

    def record(self, manifest: Path, files: tuple[Path, ...]) -> None:
        """Hand a published night over and wait until it is recorded.

        Raises
        ------
        DataError
            If mlflow could not record it; the night stays published.
        """
        job = json.dumps({"manifest": str(manifest), "files": [str(f) for f in files]})
        _, said = self.process.communicate(job + "\n")
        if self.process.returncode:
            last = said.strip().splitlines()[-1:] or ["no word"]
            kind = last[0].split(":")[0]
            raise DataError(
                f"the night is published, but mlflow could not record it ({kind})", str(self.root / "mlflow.db"), "move it away"
            )

    def stop(self) -> None:
        """End the process if it still waits."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()


def record_night(root: Path, manifest: Mapping[str, Any], files: tuple[Path, ...]) -> str:
    """Record a published night.

    Parameters
    ----------
    root : Path
        The workspace; holds ``mlflow.db`` and ``mlflow/``.
    manifest : mapping
        As :meth:`pipelines.runs.Run.finish` returns it.
    files : tuple of Path
        Stored as artifacts: the manifest and the validation report.

    Returns
    -------
    str
        The mlflow run id. The same night recorded again returns the run it already has.
    """
    client, experiment = _store(root)
    same = client.search_runs([experiment], f"tags.run_key = '{manifest['run_key']}'", max_results=1)
    if same:
        return str(same[0].info.run_id)
    return _new_run(client, experiment, manifest, files)


def record_model(root: Path, folder: Path, about: Mapping[str, Any]) -> str:
    """Record a learnt model: a run of the experiment ``retrain`` with its files, and a version of the registered model of its kind.

    Parameters
    ----------
    root : Path
        The workspace.
    folder : Path
        The stored model; its name is the digest, a tag of the run and of the version.
    about : mapping
        ``kind`` and ``parameters`` and ``metrics`` of the run.

    Returns
    -------
    str
        The mlflow run id; the same model recorded again returns the run it already has.
    """
    client, _ = _store(root)
    experiment = _named(client, root, "retrain")
    same = client.search_runs([experiment], f"tags.digest = '{folder.name}'", max_results=1)
    if same:
        return str(same[0].info.run_id)
    run = client.create_run(experiment, run_name=f"{about['kind']}-{folder.name}", tags={"digest": folder.name})
    for name, value in about["parameters"].items():
        client.log_param(run.info.run_id, name, value)
    for name, value in about["metrics"].items():
        client.log_metric(run.info.run_id, name, float(value))
    client.log_artifacts(run.info.run_id, str(folder), "model")
    client.set_terminated(run.info.run_id)
    _register(client, about["kind"], run, folder.name)
    return str(run.info.run_id)


def record_backtest(root: Path, digest: str, metrics: Mapping[str, float], files: Mapping[Path, Path]) -> str:
    """Record a backtest: a run of the experiment ``backtest`` with its figures, page and pictures.

    Parameters
    ----------
    root : Path
        The workspace.
    digest : str
        Of all that was found, a tag of the run; the same backtest recorded again returns the run it already has.
    metrics : mapping of str to float
    files : mapping of Path to Path
        Files, and the folder of the run's artifacts that each goes into.
    """
    client, _ = _store(root)
    experiment = _named(client, root, "backtest")
    same = client.search_runs([experiment], f"tags.digest = '{digest}'", max_results=1)
    if same:
        return str(same[0].info.run_id)
    run = client.create_run(experiment, run_name=f"backtest-{digest[:12]}", tags={"digest": digest})
    for name, value in metrics.items():
        client.log_metric(run.info.run_id, name, value)
    for file, folder in files.items():
        client.log_artifact(run.info.run_id, str(file), "" if folder == Path() else str(folder))
    client.set_terminated(run.info.run_id)
    return str(run.info.run_id)


def set_champion(root: Path, kind: str, digest: str) -> None:
    """Move the alias ``champion`` of a kind's registered model to the version with a digest; no digest removes it."""
    client, _ = _store(root)
    if not digest:
        client.delete_registered_model_alias(kind, "champion")
        return
    version = next(v for v in client.search_model_versions(f"name = '{kind}'") if v.tags.get("digest") == digest)
    client.set_registered_model_alias(kind, "champion", version.version)


def _register(client: Any, kind: str, run: Any, digest: str) -> None:
    if not client.search_registered_models(f"name = '{kind}'"):
        client.create_registered_model(kind)
    client.create_model_version(kind, f"{run.info.artifact_uri}/model", run.info.run_id, tags={"digest": digest})


def _named(client: Any, root: Path, name: str) -> str:
    """Id of an experiment, made where there is none."""
    found = client.get_experiment_by_name(name)
    return str(found.experiment_id if found else client.create_experiment(name, artifact_location=(root / "mlflow").as_uri()))


def _store(root: Path) -> tuple[Any, str]:
    """A client and the id of the experiment. A new store is made beside its place and renamed: half a store cannot be mended."""
    path = root / "mlflow.db"
    if not path.exists():
        beside = root / f"mlflow.{os.getpid()}.part"
        _experiment(beside, root)
        os.replace(beside, path)
    return _experiment(path, root)


def _experiment(path: Path, root: Path) -> tuple[Any, str]:
    os.environ.update(QUIET)
    from mlflow import MlflowClient  # seven seconds cold

    client = MlflowClient(tracking_uri=f"sqlite:///{path}")
    return client, _named(client, root, EXPERIMENT)


def _new_run(client: Any, experiment: str, manifest: Mapping[str, Any], files: tuple[Path, ...]) -> str:
    run = client.create_run(experiment, run_name=manifest["run_id"], tags={"run_key": manifest["run_key"], "book": manifest["book"]})
    identity = run.info.run_id
    for name in ("as_of", "version", "code", "configuration", "sources"):
        client.log_param(identity, name, manifest[name])
    for name, value in _metrics(manifest).items():
        client.log_metric(identity, name, value)
    for file in files:
        client.log_artifact(identity, str(file))
    client.set_terminated(identity)
    return str(identity)


def _metrics(manifest: Mapping[str, Any]) -> dict[str, float]:
    stages = {f"seconds.{s['stage']}": s["seconds"] for s in manifest["stages"]}
    peaks = {f"peak_mib.{s['stage']}": s["peak_mib"] for s in manifest["stages"]}
    return {**stages, **peaks, **_watched(manifest.get("drift") or {}), **{f"count.{k}": float(v) for k, v in manifest["counts"].items()}}


def _watched(drift: Mapping[str, Any]) -> dict[str, float]:
    """Alarms, the greatest capital, the rate of proven verdicts; nights of before there was a watch have none."""
    if not drift:
        return {}
    rate = drift["verdicts"]["rate"]
    told = {"drift.alarms": float(len(drift["alarms"])), "drift.capital": float(drift["capital"])}
    return told | ({"drift.verdict_rate": float(rate)} if rate is not None else {})


def main() -> None:
    """The recorder's process: make the store ready, then record what standard input names."""
    root = Path(sys.argv[1])
    _store(root)
    for line in sys.stdin:
        job = json.loads(line)
        manifest = json.loads(Path(job["manifest"]).read_text(encoding="utf-8"))
        record_night(root, manifest, tuple(Path(f) for f in job["files"]))


if __name__ == "__main__":
    main()
