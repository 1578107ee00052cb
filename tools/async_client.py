"""Write the asyncio client from the synchronous one: `make client`.

The methods of MemoryClient only hand plans to a driver. Those of AsyncMemoryClient are the same with another driver,
`async def` and `await`; so they are derived from the syntax tree, and signatures and docstrings cannot drift apart.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

_CLIENT = Path(__file__).parent.parent / "afterturn" / "client"
SOURCE = _CLIENT / "memory_client.py"
TARGET = _CLIENT / "async_memory_client.py"

#: What reads otherwise in the asyncio client. Each must occur in the source.
REPLACED = {
    '''"""The client. What each call does is a plan (`plans/`); `write` alone goes straight to Redis.

async_memory_client.py is generated from this file: `make client` after each change.
"""''': '''"""The client for asyncio. Generated from memory_client.py by tools/async_client.py: edit that file."""''',
    "afterturn.client.driver import Driver": "afterturn.client.async_driver import AsyncDriver",
    "self._driver = Driver(": "self._driver = AsyncDriver(",
    "class MemoryClient:": "class AsyncMemoryClient:",
    "Threads may share a client.\n": (
        "Tasks may share a client.\n"
        "    Connections belong to the running event loop: `await close_async_connections()` before it ends.\n"
    ),
    'ClockProvider("Europe/Lisbon").': 'ClockProvider("Europe/Lisbon"); `lines` may be a coroutine function.',
}


def generated(source: str) -> str:
    """Return the asyncio client of the synchronous client's source."""
    for seen, wanted in REPLACED.items():
        if seen not in source:
            raise ValueError(f"{SOURCE.name} no longer contains: {seen}")
        source = source.replace(seen, wanted)
    lines = source.splitlines(keepends=True)
    for line, column, word in sorted(_insertions(ast.parse(source)), reverse=True):
        lines[line - 1] = lines[line - 1][:column] + word + lines[line - 1][column:]
    return _formatted("".join(lines))


def _insertions(tree: ast.Module) -> list[tuple[int, int, str]]:
    """Return line, column and word of each `async` and `await` that is missing. Each method but __init__ waits."""
    [client] = [node for node in tree.body if isinstance(node, ast.ClassDef)]
    methods = [node for node in client.body if isinstance(node, ast.FunctionDef) and node.name != "__init__"]
    awaited = {f"self.{method.name}" for method in methods} | {"self._driver.run", "self._driver.send"}
    calls = [
        node
        for method in methods
        for node in ast.walk(method)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in awaited
    ]
    return [
        *((method.lineno, method.col_offset, "async ") for method in methods),
        *((call.lineno, call.col_offset, "await ") for call in calls),
    ]


def _formatted(source: str) -> str:
    ruff = [sys.executable, "-m", "ruff", "format", "--stdin-filename", str(TARGET), "-"]
    return subprocess.run(ruff, input=source, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    TARGET.write_text(generated(SOURCE.read_text(encoding="utf-8")), encoding="utf-8")
