"""The wheel, and environments that hold it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.installation.environment import Environment, built
from tests.integration.conftest import workers

__all__ = ["workers"]

ROOT = Path(__file__).parents[2]
SOURCES = ("afterturn", "api_shim", "tasks", "worker", "pyproject.toml", "setup.py", "README.md", "LICENSE")


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel of this checkout, built from a copy: a build leaves its own files behind."""
    project = tmp_path_factory.mktemp("project")
    for name in SOURCES:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, project / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, project / name)
    return built(project, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="session")
def environment_with(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Environment]:
    """Return the environment with these extras; made once for all tests that only look at it."""
    made: dict[tuple[str, ...], Environment] = {}

    def made_once(*extras: str) -> Environment:
        if extras not in made:
            made[extras] = Environment(tmp_path_factory.mktemp("environment"), wheel, *extras)
        return made[extras]

    return made_once
