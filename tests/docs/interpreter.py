"""The Python in which one page's snippets run: started as a program, it reads snippets and answers what they printed.

Each line of standard input is `{"source": …, "path": …}`, each line of standard output `{"output": …, "error": …}`.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import traceback
from typing import Any


def run(source: str, path: str, namespace: dict[str, Any]) -> dict[str, str | None]:
    """Run a snippet; return what it printed, and the traceback where it failed."""
    printed = io.StringIO()
    error = None
    try:
        with contextlib.redirect_stdout(printed):
            exec(compile(source, path, "exec"), namespace)
    except BaseException:
        error = traceback.format_exc()
    return {"output": printed.getvalue(), "error": error}


if __name__ == "__main__":
    shared: dict[str, Any] = {"__name__": "__main__"}
    for line in sys.stdin:
        snippet = json.loads(line)
        print(json.dumps(run(snippet["source"], snippet["path"], shared)), flush=True)
