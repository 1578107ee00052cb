"""The Redis keys. Every key that afterturn uses is built in this module.

at:{shard}:pending:<tenant>:<user>:<session>
    stream of pending entries; written by the hot path; deleted by archive when it is empty; no TTL
at:{shard}:due
    zset of sessions with pending entries; written by the hot path (ZADD NX); archive removes a session that has no
    pending entries; no TTL
at:{shard}:claims
    zset of claimed sessions; written by the sweep; archive removes a session, the sweep removes expired claims; no TTL
at:{shard}:bytes
    string, the number of pending payload bytes; the hot path adds, archive subtracts; never deleted (64 counters); no
    TTL
at:{shard}:ids:<tenant>:<user>:<session>
    hash, turn id -> digest of its content: pending turns whose ids callers chose, and recent turns; written by the hot
    path and by archive, so that a repeated id is found at once; archive deletes other ids; TTL AFTERTURN_RECENT_SECONDS
    after an archive
at:{shard}:recent:<tenant>:<user>:<session>
    list of the last archived payloads; written by archive; TTL AFTERTURN_RECENT_SECONDS
at:{shard}:hidden:<tenant>:<user>
    hash, removed turn -> number of pending removals; written by `remove`; archive deletes finished removals; no TTL
at:{shard}:items:<tenant>:<user>:<session>
    hash, of a session of an agent framework: `version`, which changes with each removal; `first`, the id of the oldest
    turn while Redis has all turns of the session; `mark`, the last removal; written by the session's calls and by
    archive; TTL AFTERTURN_RECENT_SECONDS
at:{shard}:shown:<tenant>:<user>
    hash, message of a chat -> the memory block that it was sent with, and answer -> its session; written by the chat
    endpoint, so that a message has the same text through its tool loop; at most SHOWN_LIMIT fields; TTL SHOWN_SECONDS
at:{shard}:state:<tenant>:<user>
    hash, document -> its version, and fields that begin with "#"; written by `state.put` and `state.get`; no TTL while
    a version is not archived, else AFTERTURN_RECENT_SECONDS
at:{shard}:documents:<tenant>:<user>
    hash, document -> its JSON text; written and kept like the former
at:{shard}:put:<id of a call>
    string, the version that a `state.put` has written, for its repetition; contains no user id; TTL PUT_SECONDS
at:{shard}:locks:<tenant>:<user>
    hash, lock of an agent -> its fence and the end of its lease; written by `lock`; TTL LOCK_SECONDS
at:{shard}:lock:<tenant>:<user>
    string; the user lock; written and deleted by consolidate; TTL AFTERTURN_LEASE_SECONDS
at:{shard}:erased:<owner hash>
    string; written when a user was forgotten, so that a delayed erasure does not remove data that was written later;
    contains no user id; TTL one hour
at:import:<digest of tenant and user>:<import id>
    hash, the state of an uploaded import in numbers; contains no ids; written by the HTTP API; TTL one day
at:importing:<digest of tenant and user>:<import id>
    string; a process of the HTTP API runs this import; written and deleted by it; TTL 30 seconds
at:breaker:<llm|embedder|next_embedder>
    hash; the circuit breaker of an endpoint; written by the workers; never deleted (three keys); no TTL
at:learned:<llm|embedder>:<digest of URL and model>
    string, JSON; the form of request that an endpoint accepts; written by the workers; TTL at most 6 hours
at:sweep
    string; prevents two sweeps at the same time; TTL below AFTERTURN_SWEEP_SECONDS
at:heartbeats
    zset of the senders (workers, the sweep, restarting parts of `afterturn up`) by the time of their last heartbeat;
    TTL one day
at:settings
    hash, worker -> JSON of digests of its settings; written by the workers; TTL one day
at:reconcile
    string; prevents two searches for turns without a due entry at the same time; TTL below AFTERTURN_RECONCILE_SECONDS
at:cold_away
    string; the object store of the cold archive did not answer; written by the workers; TTL half a minute
at:limit:<digest of a caller or an address>
    string; what a caller of the HTTP API has used of its rate limit; written by the API; contains no id and no address;
    TTL at most one minute
at:queues
    hash, stage -> length of its queue after the last sweep, and tenant:<step> -> the last tenant of the last
    hand-out; written by the sweep; TTL one minute

`{shard}` is a hash tag computed from tenant and user, so that one script's keys are in one slot of a Redis Cluster.
Ids are percent-encoded. An encoded id contains no separator, braces or spaces, so no id can produce another id's key.
Celery's own keys belong to the broker, which may be another server.
"""

from __future__ import annotations

import hashlib
import zlib
from functools import lru_cache
from urllib.parse import quote, unquote

from afterturn.scopes import SessionScope, UserScope

#: It must never change: the sweep lists the shards, and a user's keys stay in their shard.
SHARD_COUNT = 64

SWEEP_GATE = "at:sweep"
HEARTBEATS = "at:heartbeats"
WORKER_SETTINGS = "at:settings"
COLD_AWAY = "at:cold_away"
RECONCILE_GATE = "at:reconcile"
QUEUES = "at:queues"

#: Longer than a process that runs an erasure can have been paused.
ERASED_SECONDS = 3_600
#: How long the state of an import can be read after its last change.
IMPORT_STATUS_SECONDS = 86_400

#: How long the memory block of a message is kept. Shorter: a tool loop that waits for a person gets another block, and
#: the provider's cache of its prompt is lost. Longer: a removed memory stays in the prompts of an old tool loop.
SHOWN_SECONDS = 21_600
#: How long a `state.put` can be repeated by its client without a second effect.
PUT_SECONDS = 60
#: How long the locks of a user are kept after the last call. Longer than a lease.
LOCK_SECONDS = 86_400
#: The largest number of blocks of one user; at this number the older half is deleted.
SHOWN_LIMIT = 256


def shard_of(tenant_id: str, user_id: str) -> int:
    """Return the shard (0 to 63) with all keys of a user."""
    return zlib.crc32(f"{tenant_id}\x00{user_id}".encode()) % SHARD_COUNT


def due(shard: int) -> str:
    return f"at:{{{shard}}}:due"


def claims(shard: int) -> str:
    return f"at:{{{shard}}}:claims"


def pending_bytes(shard: int) -> str:
    return f"at:{{{shard}}}:bytes"


@lru_cache(maxsize=4096)
def member(scope: SessionScope) -> str:
    """Return the session's member in the due index and the claims."""
    return ":".join(quote(part, safe="") for part in (scope.tenant_id, scope.user_id, scope.session_id))


def session_of(name: str) -> SessionScope:
    """Return the session of a member: the inverse of `member`."""
    tenant_id, user_id, session_id = (unquote(part) for part in name.split(":"))
    return SessionScope(tenant_id, user_id, session_id)


def pending(scope: SessionScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:pending:{member(scope)}"


def known_ids(scope: SessionScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:ids:{member(scope)}"


def recent(scope: SessionScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:recent:{member(scope)}"


def items(scope: SessionScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:items:{member(scope)}"


def hidden(scope: UserScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:hidden:{_owner(scope)}"


def hidden_field(session_id: str, turn_id: str) -> str:
    """Return the field of a turn in the hash of hidden turns."""
    return f"{quote(session_id, safe='')}:{quote(turn_id, safe='')}"


def hidden_turn(name: str) -> tuple[str, str]:
    """Return the session id and turn id of a field: the inverse of `hidden_field`."""
    session_id, turn_id = (unquote(part) for part in name.split(":"))
    return session_id, turn_id


def shown(scope: UserScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:shown:{_owner(scope)}"


def state(scope: UserScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:state:{_owner(scope)}"


def documents(scope: UserScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:documents:{_owner(scope)}"


def put(scope: UserScope, put_id: str) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:put:{put_id}"


def locks(scope: UserScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:locks:{_owner(scope)}"


def user_lock(scope: UserScope) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:lock:{_owner(scope)}"


def _owner(scope: UserScope) -> str:
    return f"{quote(scope.tenant_id, safe='')}:{quote(scope.user_id, safe='')}"


def erased(scope: UserScope, owner_hash: str) -> str:
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:erased:{owner_hash}"


def rate_limit(digest: str) -> str:
    return f"at:limit:{digest}"


def import_status(scope: UserScope, import_id: str) -> str:
    return f"at:import:{_digest(scope)}:{quote(import_id, safe='')}"


def import_claim(scope: UserScope, import_id: str) -> str:
    return f"at:importing:{_digest(scope)}:{quote(import_id, safe='')}"


def _digest(scope: UserScope) -> str:
    return hashlib.sha256(f"{scope.tenant_id}\x00{scope.user_id}".encode()).hexdigest()


def members_of_user(scope: UserScope) -> str:
    """Return the pattern of a user's members in the due index. Encoded ids contain no wildcards."""
    return f"{quote(scope.tenant_id, safe='')}:{quote(scope.user_id, safe='')}:*"


def of_user(scope: UserScope) -> str:
    """Return the pattern of all keys of a user's sessions, of all kinds."""
    return f"at:{{{shard_of(scope.tenant_id, scope.user_id)}}}:*:{members_of_user(scope)}"


def breaker(name: str) -> str:
    return f"at:breaker:{name}"


def learned(kind: str, digest: str) -> str:
    return f"at:learned:{kind}:{digest}"
