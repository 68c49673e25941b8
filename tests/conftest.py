"""Shared fixtures: one small simulated book for the whole session."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.nights import run_night


@pytest.fixture(scope="session")
def small_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A book of 4,000 claims with its deliveries and truth."""
    from pipelines.simulate import simulate

    folder = tmp_path_factory.mktemp("book")
    simulate(4_000, 5, folder, "csv")
    return folder


@pytest.fixture(scope="session")
def small_night(small_book: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The small book's last night, published in a workspace of its own."""
    return run_night(small_book, tmp_path_factory.mktemp("var"))


@pytest.fixture(scope="session")
def tiny_book(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The smallest book, for tests that run many nights."""
    from pipelines.simulate import simulate

    folder = tmp_path_factory.mktemp("tiny")
    simulate(1_000, 3, folder, "csv", nights=1)
    return folder


@pytest.fixture(scope="session")
def tiny_night(tiny_book: Path, tmp_path_factory: pytest.TempPathFactory):  # type: ignore[no-untyped-def]
    """The smallest book's night, published in a workspace of its own; tests that use it do not change it."""
    return run_night(tiny_book, tmp_path_factory.mktemp("tiny_var"))
