"""What is imported, and when: a client that was only imported, and the help, load few libraries."""

from __future__ import annotations

import subprocess
import sys

#: Prints the libraries, standard library and afterturn's own packages apart, that the code before it has loaded.
SHOW = """
import sys
loaded = {name.partition(".")[0] for name in sys.modules} - before - set(sys.stdlib_module_names)
print(*sorted(name for name in loaded if not name.startswith("_")))
"""
#: All that afterturn itself imports, in any of its parts.
OURS = {
    *("celery", "fastapi", "fastembed", "flower", "kombu", "numpy", "openai", "pgvector", "psycopg", "psycopg_pool"),
    *("pydantic", "pydantic_core", "redis", "rich", "typer", "uvicorn", "yoyo"),
}


def loaded_by(code: str) -> set[str]:
    """Return the libraries that a new process has loaded after running `code`."""
    script = f"import sys\nbefore = {{name.partition('.')[0] for name in sys.modules}}\n{code}\n{SHOW}"
    shown = _output_of(f"import sys\n{code}")
    assert shown.split() == ["api_shim.cli.app", "api_shim.cli.status"]


def _output_of(script: str) -> str:
    command = [sys.executable, "-c", script]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
