"""The passwords of the embedded servers: generated here, stored in files that only their owner can read."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def ensure_password(path: Path) -> str:
    """Return the password in the file `path`. Generate it and write the file (mode 0600) if there is none."""
    if path.exists():
        return path.read_text().strip()
    password = secrets.token_urlsafe(24)
    write_private(path, f"{password}\n")
    return password


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, atomically: it never exists half-written or with wider rights."""
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.unlink(missing_ok=True)
    with open(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(content)
    unfinished.replace(path)
