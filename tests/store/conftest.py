"""A finished database, made once and copied."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.store_fakes import plan, sweep_into

from workbench.store import open_writer


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """The bytes of a database with one finished sweep of `plan()`."""
    path: Path = tmp_path_factory.mktemp("finished") / "results.db"
    with open_writer(path) as writer:
        sweep_into(writer, plan())
    return path.read_bytes()
