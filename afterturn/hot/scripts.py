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


#: Redis at its maxmemory (6.2 to 8) refuses a script only if its first write needs more memory. These lines are a write
#: that changes nothing. They are prepended to the scripts of the workers, which empty Redis and add little data.
_HARMLESS_WRITE = """\
local ttl = redis.call('PTTL', KEYS[1])
if ttl > 0 then redis.call('PEXPIRE', KEYS[1], ttl) else redis.call('PERSIST', KEYS[1]) end
"""


def _load(name: str, *, is_refused_at_full_memory: bool = False) -> Script:
    source = files("afterturn.hot").joinpath(f"{name}.lua").read_text(encoding="utf-8")
    if not is_refused_at_full_memory:
        source = _HARMLESS_WRITE + source
    return Script(source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


WRITE = _load("write", is_refused_at_full_memory=True)
REMOVE = _load("remove")
ARCHIVED = _load("archived")
CLAIM_DUE = _load("claim_due")
BREAKER = _load("breaker")
FORGET = _load("forget")
REMEMBER_SHOWN = _load("remember_shown", is_refused_at_full_memory=True)
WRITE_AT_FULL_MEMORY = _load("write_at_full_memory")
HEARTBEATS = _load("heartbeats")
BROKER_DELIVER = _load("broker_deliver")
BROKER_FORGET = _load("broker_forget")
BROKER_LAPSED = _load("broker_lapsed")
BROKER_RETURN = _load("broker_return")
RATE_LIMIT = _load("rate_limit", is_refused_at_full_memory=True)
