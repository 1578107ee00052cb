"""`remove` and `pop`: a turn is taken back."""

from __future__ import annotations

from afterturn import ids
from afterturn.client.effects import Plan
from afterturn.client.plans import history, hot
from afterturn.client.session import ClientSession
from afterturn.hot import entries, keys
from afterturn.hot.entries import Mark
from afterturn.turns import Turn


def remove(session: ClientSession, turn_id: str) -> Plan[None]:
    """Hide a turn of the session at once and put a mark into its pending stream. Raises InvalidId."""
    target = ids.validate_id("turn_id", turn_id)
    mark_id, payload = entries.encode_mark(Mark.REMOVE, target_turn_id=target)
    field = keys.hidden_field(session.scope.session_id, target)
    yield from hot.send(session, session.remove_call, (field.encode(), mark_id.encode(), payload))


def pop(session: ClientSession) -> Plan[Turn | None]:
    """Take back the session's newest turn and return it; None where there is none."""
    newest = yield from history.history(session, 1)
    if not newest:
        return None
    yield from remove(session, newest[0].turn_id)
    return newest[0]
