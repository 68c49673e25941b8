"""The only importer of mlflow: each published night is a run in the workspace's own SQLite store. Nothing leaves the machine."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

EXPERIMENT = "nightly"


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
    os.environ.update({"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true", "GIT_PYTHON_REFRESH": "quiet"})
    from mlflow import MlflowClient  # seven seconds cold: only when a night was really carried out

    client = MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
    found = client.get_experiment_by_name(EXPERIMENT)
    experiment = found.experiment_id if found else client.create_experiment(EXPERIMENT, artifact_location=(root / "mlflow").as_uri())
    same = client.search_runs([experiment], f"tags.run_key = '{manifest['run_key']}'", max_results=1)
    if same:
        return str(same[0].info.run_id)
    return _new_run(client, experiment, manifest, files)


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
    return {**stages, **peaks, **{f"count.{k}": float(v) for k, v in manifest["counts"].items()}}
