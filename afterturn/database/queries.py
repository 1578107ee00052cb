"""Named queries: each file under `sql/` has queries, each after a line `-- name: its_name` and a comment."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def load(file: str) -> dict[str, LiteralString]:
    """Return the queries of `sql/<file>.sql` by name. Each file is read once per process."""
    text = files("afterturn.database").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    # The files are part of this package, so that their text is as trusted as a literal string in the code.
    return {name: cast(LiteralString, body.strip()) for name, body in zip(parts[::2], parts[1::2], strict=True)}
