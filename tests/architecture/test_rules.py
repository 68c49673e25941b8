"""The house rules that a parser can see."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCES = sorted(p for name in ("pipelines", "features", "models", "benchmarks") for p in (ROOT / name).rglob("*.py"))
HEAVY = {
    "great_expectations": "pipelines/contracts/suites.py",
    "mlflow": "pipelines/tracking.py",
    "splink": "pipelines/resolve/splink.py",
    "lightgbm": "models/boosting.py",
}


def functions(path: Path) -> list[ast.FunctionDef | ast.AsyncFunctionDef]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]


def body_lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    documented = ast.get_docstring(node) is not None
    body = node.body[1:] if documented else node.body
    return (body[-1].end_lineno or 0) - body[0].lineno + 1 if body else 0


def test_files_are_under_300_lines() -> None:
    assert [str(p) for p in SOURCES if len(p.read_text(encoding="utf-8").splitlines()) > 300] == []


def test_no_body_over_50_lines_and_nine_in_ten_under_25() -> None:
    lengths = {f"{p.name}:{f.name}": body_lines(f) for p in SOURCES for f in functions(p)}
    assert {k: n for k, n in lengths.items() if n > 50} == {}
    assert sum(n < 25 for n in lengths.values()) >= 0.9 * len(lengths)


def test_at_most_five_parameters() -> None:
    def parameters(f: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
        named = [*f.args.posonlyargs, *f.args.args, *f.args.kwonlyargs]
        return sum(a.arg not in ("self", "cls") for a in named)

    # The verbs of the command have one parameter per option.
    found = [f"{p.name}:{f.name}" for p in SOURCES if p.name != "cli.py" for f in functions(p) if parameters(f) > 5]
    assert found == []


def test_public_functions_are_documented() -> None:
    found = [
        f"{p.name}:{f.name}"
        for p in SOURCES
        if "benchmarks" not in p.parts
        for f in functions(p)
        if not f.name.startswith("_") and ast.get_docstring(f) is None and _top_level(p, f)
    ]
    assert found == []


def _top_level(path: Path, function: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return function in ast.parse(path.read_text(encoding="utf-8")).body or function.col_offset == 0


def test_no_catch_all_modules() -> None:
    assert [str(p) for p in SOURCES if p.stem in ("utils", "misc", "helpers", "common")] == []


@pytest.mark.parametrize(("module", "home"), HEAVY.items())
def test_heavy_libraries_have_one_importer(module: str, home: str) -> None:
    pattern = re.compile(rf"^\s*(import|from)\s+{module}\b", re.MULTILINE)
    found = {str(p.relative_to(ROOT)) for p in SOURCES if "benchmarks" not in p.parts and pattern.search(p.read_text(encoding="utf-8"))}
    assert found <= {home}


def test_no_index_host_is_named() -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    host = re.compile(r"py" + r"pi\.org|python" + r"hosted|npm" + r"js\.(org|com)|deb" + r"ian\.org")
    found = []
    for name in filter(None, listed):
        path = ROOT / name
        if path.is_file() and path.suffix in {".py", ".md", ".toml", ".lock", ".yaml", ".yml", ".html", ".j2", ".ipynb", ""}:
            found += [name] if host.search(path.read_text(encoding="utf-8", errors="replace")) else []
    assert found == []
