"""Module names in strings are arrows too: no package names one in a string that stands above it.

import-linter sees the imports; this sees what `importlib`, `python -m` and Celery would import by name.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
#: What each room must not name.
ABOVE = {"afterturn": ("api_shim", "tasks", "worker"), "api_shim": ("tasks", "worker")}


def names_a_module(text: str, rooms: tuple[str, ...]) -> bool:
    """Tell whether a string names a module of these rooms, or begins to, under their own names or the installed ones.

    A room's name alone is an ordinary word in a command or a message; as the whole of a string it counts where it can
    only be a module's: `api_shim`, `afterturn.tasks`.
    """
    named = "|".join(rooms)
    return bool(
        re.search(rf"(?<![\w./-])(afterturn\.)?({named})\.[a-z_]\w*(?![\w(])", text)
        or re.fullmatch(rf"(afterturn\.)?({named})\.|afterturn\.({named})|api_shim", text)
    )


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Yield the string constants of a module but its docstrings, the fixed parts of f-strings included."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in docstrings:
            yield node


@pytest.mark.parametrize("room", ABOVE)
def test_no_string_names_a_module_from_above(room: str) -> None:
    rooms = tuple(name for name in ABOVE[room] if name != room)
    found = [
        f"{path.relative_to(ROOT)}:{node.lineno}: {node.value!r}"
        for path in sorted((ROOT / room).rglob("*.py"))
        for node in strings(ast.parse(path.read_text()))
        if names_a_module(node.value, rooms)
    ]
    assert found == []


@pytest.mark.parametrize(
    "text",
    ["worker.app", "afterturn.worker.app", "api_shim.http.app:create_app", "-A worker.app", "tasks.", "api_shim"],
)
def test_such_strings_are_found(text: str) -> None:
    assert names_a_module(text, ABOVE["afterturn"])


@pytest.mark.parametrize("text", ["worker", "fast worker", "afterturn_worker", "the worker. Then it", "co-worker.name"])
def test_ordinary_words_are_not(text: str) -> None:
    assert not names_a_module(text, ABOVE["afterturn"])


def test_docstrings_may_explain() -> None:
    [found] = strings(ast.parse('"""See worker.app."""\ndef run():\n    "See tasks.sweep."\n    return f"tasks.{1}"'))
    assert found.value == "tasks."
