"""The secrets of the last minutes, with which a writer redacts the turns that repeat them.

With AFTERTURN_TURN_SECRETS=redact a turn is redacted before it leaves this process, and alone. Only whoever knows the
turn before it sees a secret in "Noted: hunter2x".
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict

from afterturn.scopes import UserScope

#: How long this process keeps a user's secrets in memory after the last one was said.
KNOWN_SECONDS = 600.0
#: The most users whose secrets are kept, and the most secrets of each.
MAX_USERS = 1_000
MAX_SECRETS = 50

_lock = threading.Lock()
#: (time of the last secret, secrets) by user, the oldest entry first.
_known: OrderedDict[UserScope, tuple[float, tuple[str, ...]]] = OrderedDict()


def redact_payload(scope: UserScope, payload: bytes) -> bytes:
    """Return the payload of a user's turn without its secrets, and without those that the user's last turns showed."""
    from afterturn import turn_redaction  # slow to import

    known = _read(scope)
    clean, found = turn_redaction.redact_payload(payload, known)
    if found:
        _keep(scope, tuple(dict.fromkeys((*found, *known)))[:MAX_SECRETS])
    return clean


def _read(scope: UserScope) -> tuple[str, ...]:
    oldest = time.monotonic() - KNOWN_SECONDS
    with _lock:
        while _known and next(iter(_known.values()))[0] < oldest:
            _known.popitem(last=False)
        return _known[scope][1] if scope in _known else ()


def _keep(scope: UserScope, known: tuple[str, ...]) -> None:
    with _lock:
        _known.pop(scope, None)
        _known[scope] = time.monotonic(), known
        if len(_known) > MAX_USERS:
            _known.popitem(last=False)
