"""Named queries: SQL files under `sql/`, each query after `-- name: its_name` and a comment on what it is for."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from typing import LiteralString, cast

_NAME = re.compile(r"^-- name: (\w+)\s*$", re.MULTILINE)


@cache
def load(file: str) -> dict[str, LiteralString]:
    """Return the queries of `sql/<file>.sql` by name. Loaded once per process."""
    text = files("afterturn.database").joinpath("sql", f"{file}.sql").read_text(encoding="utf-8")
    parts = _NAME.split(text)[1:]
    # Trusted source files of this package: as literal as a string in the code.
    return {name: cast(LiteralString, body.strip()) for name, body in zip(parts[::2], parts[1::2], strict=True)}
