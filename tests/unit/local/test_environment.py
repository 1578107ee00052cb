"""The environment of child processes: our settings, and no variable of the caller's that overrides them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from afterturn import settings as settings_module
from afterturn.local import environment


def test_a_child_loads_the_settings_of_its_parent() -> None:
    variables = {
        "AFTERTURN_REDIS_URL": "redis://:s3cret@127.0.0.1:1/0",
        "AFTERTURN_LLM_API_KEY": "s3cret",
        "AFTERTURN_BATCH_IDLE_SECONDS": "1.5",
        "AFTERTURN_EMBEDDER": "openai",
        "AFTERTURN_RECENT_TURNS": "0",
    }
    settings = settings_module.load(variables)
    assert (
        settings_module.load(environment.child_environment(settings, {"AFTERTURN_TENANT": "of the caller"})) == settings
    )


def test_a_relative_path_becomes_absolute_for_the_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = settings_module.load({"AFTERTURN_EMBEDDING_MODEL_PATH": "models/small"})
    assert environment.settings_to_variables(settings) == {
        "AFTERTURN_EMBEDDING_MODEL_PATH": str(tmp_path / "models" / "small")
    }


def test_variables_of_another_celery_are_not_passed_on() -> None:
    own = {"CELERY_BROKER_URL": "amqp://other", "FLOWER_PORT": "tcp://10.0.0.1:5555", "HTTPS_PROXY": "http://proxy"}
    child = environment.child_environment(settings_module.load({}), own)
    assert not child.keys() & {"CELERY_BROKER_URL", "FLOWER_PORT"}
    assert child["HTTPS_PROXY"] == "http://proxy"


def test_nothing_of_the_caller_s_directory_is_on_the_search_path(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    caller, other = (tmp_path / name for name in ("caller", "other"))
    for folder in (caller, other):
        folder.mkdir()
    monkeypatch.chdir(caller)
    given = os.pathsep.join(["", ".", "relative", str(caller), str(other)])
    child = environment.child_environment(settings_module.load({}), {"PYTHONPATH": given})
    assert child["PYTHONPATH"].split(os.pathsep) == [str(environment.PACKAGES), str(other)]
    assert child["PYTHONSAFEPATH"] == "1"


def test_installed_packages_are_not_put_before_the_standard_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(environment, "PACKAGES", tmp_path / "site-packages")
    assert environment.child_environment(settings_module.load({}), {})["PYTHONPATH"] == ""


def test_the_file_for_shells_is_private_and_quoted(tmp_path: Path) -> None:
    path = tmp_path / "environment"
    environment.write_environment_file(path, {"AFTERTURN_REDIS_URL": "redis://:it's; $HOME@127.0.0.1:1/0"})
    assert path.stat().st_mode & 0o077 == 0
    assert path.read_text() == "export AFTERTURN_REDIS_URL='redis://:it'\"'\"'s; $HOME@127.0.0.1:1/0'\n"
