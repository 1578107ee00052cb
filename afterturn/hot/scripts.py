"""The Lua scripts, read once. A script is called by its SHA1; its source is sent only to a server without it."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import redis
from redis.client import Pipeline
from redis.exceptions import NoScriptError


@dataclass(frozen=True, slots=True)
class Script:
    """A Lua script and its SHA1, by which Redis identifies it."""

    source: str
    sha: str

    def run(self, client: redis.Redis, keys: tuple[str, ...], *arguments: str | bytes | int) -> Any:
        """Run the script in one round trip (two at the first call on a new server)."""
        try:
            return client.execute_command("EVALSHA", self.sha, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]
        except NoScriptError:
            return client.execute_command("EVAL", self.source, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]

    def queue(self, pipeline: Pipeline, keys: tuple[str, ...], *arguments: str | bytes | int) -> None:
        """Add a call of the script to a pipeline. Call `load` first: the server must have the script."""
        pipeline.execute_command("EVALSHA", self.sha, len(keys), *keys, *arguments)  # type: ignore[no-untyped-call]

    def load(self, client: redis.Redis) -> None:
        """Load the script on the server."""
        client.script_load(self.source)


def _load(name: str) -> Script:
    source = files("afterturn.hot").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


WRITE = _load("write")
REMOVE = _load("remove")
ARCHIVED = _load("archived")
CLAIM_DUE = _load("claim_due")
BREAKER = _load("breaker")
FORGET = _load("forget")
