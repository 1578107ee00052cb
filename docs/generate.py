"""Write the parts of the reference that are made from the code: `make reference`.

Such a part stands between `<!-- generated: NAME -->` and `<!-- end -->`. With `--check` nothing is written; the exit
code is 1 when a page differs from the code.
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from afterturn import errors, settings
from api_shim.http import app, document

PAGES = Path(__file__).parent / "reference"
_PART = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)


def error_tree() -> str:
    """Return the tree of all errors, as the module that defines them draws it."""
    tree = (errors.__doc__ or "").split("\n\n")[1]
    return f"```\n{tree}\n```"


def error_table() -> str:
    """Return a row for each error: its code, its class and its default message."""
    kinds = [
        kind for kind in vars(errors).values() if inspect.isclass(kind) and issubclass(kind, errors.AfterturnError)
    ]
    rows = [f"| `{kind.code}` | `{kind.__name__}` | {' '.join((kind.__doc__ or '').split())} |" for kind in kinds]
    return "\n".join(["| code | class | default message |", "|---|---|---|", *rows])


def commands() -> str:
    """Return every command with its options, as `afterturn --help` shows them."""
    typer = [sys.executable, "-m", "typer", "api_shim.cli.app", "utils", "docs", "--name", "afterturn"]
    text = subprocess.run(typer, capture_output=True, text=True, check=True).stdout
    return text.partition("\n\n")[2].strip()  # without its title: the page has one


def openapi_document() -> str:
    """Return the OpenAPI document of the HTTP API."""
    return document.as_text(app.create_app(settings.Settings()))


PARTS: dict[str, Callable[[], str]] = {
    "settings": settings.markdown_table,
    "error_tree": error_tree,
    "errors": error_table,
    "commands": commands,
}


def main() -> int:
    """Bring every page up to date, or with --check say which are not."""
    stale = []
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text(encoding="utf-8")
        fresh = _PART.sub(lambda part: f"{part[1]}{PARTS[part[2]]()}\n{part[3]}", text)
        if fresh != text:
            stale.append(page.name)
            if "--check" not in sys.argv:
                page.write_text(fresh, encoding="utf-8")
    schema, made = PAGES / "openapi.json", openapi_document()
    if not schema.exists() or schema.read_text(encoding="utf-8") != made:
        stale.append(schema.name)
        if "--check" not in sys.argv:
            schema.write_text(made, encoding="utf-8")
    if stale and "--check" in sys.argv:
        print(f"not up to date: {', '.join(stale)}; run `make reference`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
