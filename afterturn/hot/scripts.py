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


def _load(name: str, *, is_refused_at_full_memory: bool = False, before: str | None = None) -> Script:
    source = "".join(
        files("afterturn.hot").joinpath(f"{part}.lua").read_text(encoding="utf-8") for part in (before, name) if part
    )
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
# It writes nothing, so that Redis at its maxmemory runs it.
READ_ITEMS = _load("read_items", is_refused_at_full_memory=True)
MARK_ITEMS = _load("mark_items")
NOTE_FIRST_ITEM = _load("note_first_item", is_refused_at_full_memory=True)
STATE_GET = _load("state_get", before="state_shared", is_refused_at_full_memory=True)
STATE_WARM = _load("state_warm", before="state_shared", is_refused_at_full_memory=True)
STATE_PUT = _load("state_put", before="state_shared", is_refused_at_full_memory=True)
STATE_ARCHIVED = _load("state_archived", before="state_shared")
STATE_LOCK = _load("state_lock", is_refused_at_full_memory=True)
FORGET_STATE = _load("forget_state")
