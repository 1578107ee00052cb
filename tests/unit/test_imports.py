"""Which libraries are loaded when: importing a client and printing the help load only a few."""

from __future__ import annotations

import subprocess
import sys

import pytest

#: Prints the loaded libraries, without the standard library and afterturn's own packages.
SHOW = """
loaded = {name.partition(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)
print(*sorted(name for name in loaded if not name.startswith("_")))
"""
#: All libraries that any part of afterturn imports.
OURS = {
    *("celery", "fastapi", "fastembed", "flower", "kombu", "numpy", "openai", "pgvector", "psycopg", "psycopg_pool"),
    *("pydantic", "pydantic_core", "redis", "rich", "typer", "uvicorn", "yoyo"),
}


def output_of(script: str) -> str:
    """Run a script in a new process."""
    command = [sys.executable, "-c", f"import sys\n{script}"]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout


def loaded_by(code: str) -> set[str]:
    """Return the libraries that a new process has loaded after running `code`."""
    shown = output_of(f"before = {{name.partition('.')[0] for name in sys.modules}}\n{code}\n{SHOW}")
    return set(shown.splitlines()[-1].split()) - {"afterturn", "api_shim"}


@pytest.mark.parametrize("package", ["afterturn", "api_shim"])
def test_the_packages_themselves_load_nothing(package: str) -> None:
    assert loaded_by(f"import {package}") == set()


@pytest.mark.parametrize("client", ["MemoryClient", "AsyncMemoryClient"])
def test_a_client_loads_the_redis_client_and_nothing_else(client: str) -> None:
    loaded = loaded_by(f"import afterturn; afterturn.{client}")
    # The Redis client looks whether cryptography is installed: it imports the package's empty top.
    assert loaded - {"cryptography"} == {"redis", "hiredis"}
    code = f"import afterturn; afterturn.{client}; print([m for m in sys.modules if m.startswith('cryptography.')])"
    assert output_of(code).strip() in ("[]", "['cryptography.__about__']")


def test_settings_are_read_when_a_client_is_made_and_checked_by_pydantic() -> None:
    made = loaded_by("import afterturn; afterturn.MemoryClient('ana')")
    assert made & OURS == {"redis", "pydantic", "pydantic_core"}


@pytest.mark.parametrize("arguments", [["--help"], ["status", "--help"], ["worker", "--help"]])
def test_the_help_loads_what_it_is_shown_with_and_nothing_else(arguments: list[str]) -> None:
    """typer checks the arguments of some commands by pydantic."""
    code = f"""
from api_shim.cli.main import main
sys.argv = ["afterturn", *{arguments}]
try:
    main()
except SystemExit as ended:
    assert not ended.code
"""
    assert loaded_by(code) & OURS - {"pydantic", "pydantic_core"} == {"typer", "rich"}


def test_a_command_loads_no_other_command() -> None:
    code = """
from typer.main import get_command
from api_shim.cli.app import app
assert get_command(app).get_command(None, "status").name == "status"
print(*sorted(name for name in sys.modules if name.startswith("api_shim.cli.")))
"""
    assert output_of(code).split() == ["api_shim.cli.app", "api_shim.cli.status"]
