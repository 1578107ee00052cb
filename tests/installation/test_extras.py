"""A client is slim, and whatever needs more says which extra brings it: one line, a stable code, no traceback."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from afterturn import extras
from afterturn.settings import Settings
from api_shim import MemoryClient
from tests.installation.conftest import ROOT
from tests.installation.environment import Environment

pytestmark = pytest.mark.slow

#: All that `pip install afterturn` brings.
BASE = [
    "annotated-types",
    "hiredis",
    "numpy",
    "pgvector",
    "psycopg",
    "psycopg-binary",
    "psycopg-pool",
    "pydantic",
    "pydantic-core",
    "redis",
    "stopwordsiso",
    "typing-extensions",
    "typing-inspection",
]
CLIENT = """
from api_shim import MemoryClient

memory = MemoryClient("ana")
print(memory.history()[0].content)
print(memory.recall("Where does Ana live?")[0].text)
print(memory.context("Where does Ana live?", token_budget=500).messages)
memory.write("user", "I like it there.")
"""


@pytest.fixture
def base(environment_with: Callable[..., Environment]) -> Environment:
    return environment_with()


def test_the_client_requires_few_libraries(base: Environment) -> None:
    assert base.libraries == BASE


def test_they_are_enough_to_write_to_recall_and_to_build_a_context(
    base: Environment, workers: object, settings: Settings, empty_directory: Path
) -> None:
    memory = MemoryClient("ana", settings=settings)
    memory.write("user", "I live in Porto.", name="Ana")
    memory.flush(wait_seconds=60)
    ended = base.run("python", "-c", CLIENT, cwd=empty_directory, variables=variables_of(settings))
    assert ended.returncode == 0, ended.stderr
    said, recalled, context = ended.stdout.splitlines()
    assert said == "I live in Porto."
    assert recalled == "Ana lives in Porto."
    assert "Porto" in context
    assert memory.history()[-1].content == "I like it there."


def variables_of(settings: Settings) -> dict[str, str]:
    return {
        "AFTERTURN_REDIS_URL": settings.redis_url,
        "AFTERTURN_POSTGRES_URL": settings.postgres_url.get_secret_value(),
    }


@pytest.mark.parametrize(
    ("installed", "command", "missing"),
    [
        ("", "--help", "cli"),
        ("cli", "worker fast", "worker"),
        ("cli", "beat --schedule beat", "worker"),
        ("cli", "flower", "worker"),
        ("cli", "celery inspect ping", "worker"),
        ("cli", "migrate", "worker"),
        ("cli", "api", "http"),
        ("cli", "mcp --user ana", "mcp"),
        ("mcp", "mcp --transport http", "http"),
        ("cli", "up", "worker"),
        ("cli", "demo", "worker"),
        ("worker", "up", "http"),
        ("worker", "demo", "http"),
        ("http,worker", "up --api-port 0 --flower-port 0", "embedded"),
    ],
)
def test_a_command_says_which_extra_it_needs(
    environment_with: Callable[..., Environment], empty_directory: Path, installed: str, command: str, missing: str
) -> None:
    environment = environment_with(*filter(None, installed.split(",")))
    ended = environment.run("afterturn", *command.split(), cwd=empty_directory)
    assert ended.returncode == 2, ended
    [line] = ended.stderr.splitlines()
    assert re.fullmatch(rf"error \[missing_extra\]: .*: pip install 'afterturn\[{missing}\]'(, or .*)?", line)


def test_the_commands_of_the_extra_cli_need_no_other(
    environment_with: Callable[..., Environment], settings: Settings, empty_directory: Path
) -> None:
    """Among them those that operators use where no worker runs."""
    for command in ("status", "dead list", "facts --user ana", "costs", "export ana", "forget ana --yes", "settings"):
        ended = environment_with("cli").run(
            "afterturn", *command.split(), cwd=empty_directory, variables=variables_of(settings)
        )
        # Status says with its exit code that no worker runs.
        assert ended.returncode == (1 if command == "status" else 0), ended


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("from afterturn.llm.client import LLM\nLLM.from_settings(settings)._endpoint.post('chat', {})", "openai"),
        ("from afterturn.embedding import spaces\nspaces.make_configured_embedder(settings).embed(['x'])", "openai"),
        ("from afterturn.embedding.local_model import FastEmbedEmbedder\nFastEmbedEmbedder().embed(['x'])", "local"),
        ("from api_shim.http.app import create_app", "http"),
        ("from afterturn.pipeline.enqueue import Enqueue\nEnqueue(settings.redis_url)", "worker"),
        ("from afterturn.pipeline import prepare\nprepare.prepare_database('postgresql:///x', settings)", "worker"),
    ],
)
def test_python_code_gets_an_error_with_a_code(
    base: Environment, empty_directory: Path, code: str, missing: str
) -> None:
    start = (
        "from afterturn import settings as settings_module\n"
        "from afterturn.errors import MissingExtra\n"
        "settings = settings_module.load()\n"
    )
    body = f"try:\n  {code.replace(chr(10), chr(10) + '  ')}\nexcept MissingExtra as error:\n  print(error.code, error)"
    variables: Mapping[str, str] = {"AFTERTURN_EMBEDDER": "openai", "AFTERTURN_LLM_API_KEY": "test"}
    ended = base.run("python", "-c", start + body, cwd=empty_directory, variables=variables)
    assert ended.returncode == 0, ended.stderr
    assert re.fullmatch(rf"missing_extra .*: pip install 'afterturn\[{missing}\]'\n", ended.stdout)


def test_each_extra_names_its_libraries() -> None:
    """What afterturn/extras.py looks for is what pyproject.toml brings."""
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    # google-adk is not installed beside the others.
    looked_for = extras.LIBRARIES | extras.FRAMEWORK_LIBRARIES
    installed = looked_for.keys() - {"google-adk"}
    sources = packages_distributions()
    for extra in installed:
        packages = {canonicalize_name(Requirement(line).name) for line in declared[extra]} - {"afterturn"}
        for library in looked_for[extra]:
            found = {canonicalize_name(source) for source in sources[library]}
            assert found & packages, (extra, library)
            packages -= found
        # LangGraph's packages share one import name.
        assert not packages, (extra, packages)
    assert _extras_in(declared["all"]) == extras.LIBRARIES.keys()
    assert _extras_in(declared["frameworks"]) == extras.FRAMEWORK_LIBRARIES.keys() - {"google-adk"}
    assert declared.keys() == looked_for.keys() | {"all", "dev", "docs", "frameworks"}


def _extras_in(lines: list[str]) -> set[str]:
    return {name for line in lines for name in Requirement(line).extras}
