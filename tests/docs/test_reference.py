"""The reference says what the code says."""

from __future__ import annotations

import ast
import configparser
import re
import subprocess
import sys

import pytest

import afterturn
from afterturn.settings import Settings
from api_shim.http.app import create_app
from tests.docs.pages import PAGES, ROOT, fences_of, text_of, tokens_of

#: Names that begin as a path of the checkout does.
FOLDERS = ("afterturn/", "api_shim/", "bench/", "docs/", "harness/", "tasks/", "tests/", "worker/")
CODE = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*") if path.suffix in (".py", ".sql", ".lua")]

#: Messages of libraries; and what varies in one of ours.
OF_OTHERS = (
    "certificate verify failed",
    'relation "…" does not exist',
    'role "afterturn_app" does not exist',
    "PoolTimeout",
    "history()",
    "facts()",
    "recall",
)
VARYING = re.compile(r"…|\bN\b|\d+")


def test_what_is_made_from_the_code_is_up_to_date() -> None:
    checked = subprocess.run(
        [sys.executable, ROOT / "docs" / "generate.py", "--check"], capture_output=True, text=True, check=False
    )
    assert (checked.returncode, checked.stderr) == (0, "")


def test_every_public_name_is_in_the_python_reference() -> None:
    documented = re.findall(r"^\.\. auto\w+:: afterturn\.(\w+)", text_of("docs/reference/python.md"), re.MULTILINE)
    assert set(documented) >= set(afterturn.__all__)


def test_every_call_of_the_http_api_is_in_the_reference() -> None:
    page = text_of("docs/reference/http-api.md")
    calls = [
        (method.upper(), re.sub(r"^/v1/users/\{user_id\}(/sessions/\{session_id\})?", "…", path))
        for path, methods in create_app(Settings()).openapi()["paths"].items()
        for method in methods
    ]
    assert [call for call in calls if f"`{' '.join(call)}`" not in page] == []
    written = re.findall(r"`((?:GET|POST|PUT|PATCH|DELETE) [^`]+)`", page)
    assert sorted(written) == sorted(" ".join(call) for call in calls)


@pytest.mark.parametrize("page", PAGES)
def test_every_file_that_a_page_names_is_there(page: str) -> None:
    named = [token.content for token in tokens_of(page) if token.type == "code_inline"]
    paths = [name for name in named if name.startswith(FOLDERS) and re.fullmatch(r"[\w./-]+", name)]
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_page_that_the_code_names_is_there() -> None:
    named = {
        (str(path.relative_to(ROOT)), mention)
        for path in CODE
        for mention in re.findall(r"\bdocs/[\w/-]+\.md\b", path.read_text(encoding="utf-8"))
    }
    assert {(path, mention) for path, mention in named if not (ROOT / mention).exists()} == set()


def test_every_message_in_troubleshooting_is_one_that_the_code_has() -> None:
    said = " ".join(
        " ".join(node.value.split())
        for path in CODE
        if path.suffix == ".py" and path.parts[len(ROOT.parts)] not in ("tests", "bench")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    )
    rows = re.findall(r"^\| (`.*?) \|", text_of("docs/how-to/troubleshooting.md"), re.MULTILINE)
    messages = [message for row in rows for message in re.findall(r"`([^`]+)`", row) if message not in OF_OTHERS]
    assert len(messages) > 20
    unknown = [
        text for text in messages if not any(part.strip() in said for part in VARYING.split(text) if part.strip())
    ]
    assert unknown == []


def test_the_units_of_systemd_call_commands_that_exist() -> None:
    units = [fence.content for fence in fences_of("docs/how-to/systemd.md") if "ExecStart" in fence.content]
    assert len(units) >= 6
    help_of_all = text_of("docs/reference/cli.md")
    for unit in units:
        parsed = configparser.ConfigParser(interpolation=None, strict=False)
        parsed.read_string(unit)
        _, _, command = parsed["Service"]["ExecStart"].partition("/bin/")
        assert f"## `{' '.join(command.split()[:2])}`" in help_of_all, command
