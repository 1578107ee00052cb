"""Which messages of a request are new turns, and which stored turns they replace. Without I/O.

Clients send the whole conversation with each request, or its end. The stored turns and the messages are aligned at the
newest stored turn that the request has. What the request has after it is new. Stored turns after it are taken back only
if the request shows that they were replaced: by another answer to the same message, or by another message after an
answer that both have. A request that just lacks turns (a client that sends only the newest message, or a summary of the
older ones) takes nothing back.

The id of a turn is derived from the session, from the turn before it and from its content, so that requests that are
repeated, also at the same time in several processes, write one turn.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from afterturn.turns import Turn
from api_shim.chat.spoken import Spoken

_TURN_ID = re.compile(r"chat-[0-9a-f]{24}-([0-9a-f]{16})")


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTurn:
    """One turn to write."""

    turn_id: str
    spoken: Spoken
    #: The time of the turn that it replaces in its place; None: now.
    occurred_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What brings the stored conversation to the state of the request."""

    new: list[NewTurn] = field(default_factory=list)
    #: Ids of turns to remove.
    taken_back: list[str] = field(default_factory=list)
    #: Whether a stored turn was found in the request.
    is_aligned: bool = False


def digest_in(turn_id: str) -> str | None:
    """Return the digest of what a turn says, or None if the turn was not written by a chat."""
    found = _TURN_ID.fullmatch(turn_id)
    return None if found is None else found.group(1)


def append(session_id: str, spoken: Sequence[Spoken], *, after: str) -> Changes:
    """Return the changes for messages that follow something that the request only names, such as another response."""
    return Changes(new=_link(session_id, spoken, parent=after, salt=""), is_aligned=True)


def compare(
    session_id: str,
    turns: Sequence[Turn],
    spoken: Sequence[Spoken],
    *,
    are_all: bool = True,
    reopened_before: datetime | None = None,
) -> Changes:
    """Return the changes for a conversation.

    Args:
        session_id: the session.
        turns: its newest turns, oldest first, without those that were removed.
        spoken: the messages of the request and its answer, oldest first.
        are_all: whether the session has no older turns.
        reopened_before: turns that were said earlier are not replaced by a conversation that has only its beginning in
            common with them: somebody began another one with the same words. None: the client names its sessions.
    """
    stored = sorted((turn for turn in turns if digest_in(turn.turn_id)), key=lambda turn: turn.occurred_at)
    digests = [digest_in(turn.turn_id) for turn in stored]
    anchor = _find_anchor(digests, [each.digest for each in spoken], are_all=are_all)
    if anchor is None:
        return Changes(new=_link(session_id, spoken, parent="", salt=stored[-1].turn_id if stored else ""))
    last_stored, last_spoken = anchor
    common, new, old = spoken[: last_spoken + 1], spoken[last_spoken + 1 :], stored[last_stored + 1 :]
    changes = Changes(
        new=_link(session_id, new, parent=stored[last_stored].turn_id, salt=old[0].turn_id if old else ""),
        is_aligned=True,
    )
    if _is_replaced(old, new, common, reopened_before):
        changes.taken_back.extend(turn.turn_id for turn in old)
    _replace_in_place(session_id, changes, stored[: last_stored + 1], common)
    return changes


def _find_anchor(stored: Sequence[str | None], spoken: Sequence[str], *, are_all: bool) -> tuple[int, int] | None:
    """Return where the common past of the two ends: the positions of its last turn and message; None without one.

    That is the newest turn if the turn before it is common too, or if the request begins with it. Otherwise it is the
    end of the longest common part: one equal message alone ("ok") says little. Among equally long ones (a conversation
    of equal messages) it is the first if both begin together, and the last if older turns are not known.
    """
    places: dict[str, list[int]] = {}
    for place, digest in enumerate(spoken):
        places.setdefault(digest, []).append(place)
    best, runs = (0, -1, -1), dict[int, int]()
    order = -1 if are_all else 1
    for index, stored_digest in enumerate(stored):
        runs = {place: runs.get(place - 1, 0) + 1 for place in places.get(stored_digest or "", ())}
        best = max([best, *((run, index, order * place) for place, run in runs.items())])
    newest = [(run, len(stored) - 1, order * place) for place, run in runs.items() if run > 1 or place == 0]
    _, index, place = max(newest, default=best)
    return None if index < 0 else (index, order * place)


def _is_replaced(
    old: Sequence[Turn], new: Sequence[Spoken], common: Sequence[Spoken], reopened_before: datetime | None
) -> bool:
    """Return whether the new messages replace the old turns, which follow the same common ones."""
    if not old or not new or old[0].role != new[0].role:
        return False
    is_other_conversation = (
        reopened_before is not None
        and old[-1].occurred_at < reopened_before
        and sum(each.role == "user" for each in common) <= 1
    )
    if is_other_conversation:
        return False
    if all(turn.role != "user" for turn in old):
        return True
    # More than one answer would go: the request must have the whole conversation, and not a summary of the rest of it.
    has_history = any(each.role == "assistant" for each in common)
    has_summary = len(new) > 1 and new[0].role == new[1].role == "user"
    return has_history and not has_summary and (new[0].role == "user" or new[0].is_answer)


def _replace_in_place(session_id: str, changes: Changes, stored: Sequence[Turn], common: Sequence[Spoken]) -> None:
    """Add the replacements of single messages that were edited between others that stayed."""
    pairs = list(zip(reversed(stored), reversed(common), strict=False))
    for number, (turn, spoken) in enumerate(pairs):
        if digest_in(turn.turn_id) == spoken.digest:
            continue
        follows = pairs[number + 1] if number + 1 < len(pairs) else None
        is_edit = turn.role == spoken.role and turn.role in ("user", "assistant")
        if not is_edit or follows is None or digest_in(follows[0].turn_id) != follows[1].digest:
            return
        [link] = _link(session_id, [spoken], parent=follows[0].turn_id, salt=turn.turn_id)
        changes.new.append(NewTurn(turn_id=link.turn_id, spoken=spoken, occurred_at=turn.occurred_at))
        changes.taken_back.append(turn.turn_id)


def _link(session_id: str, spoken: Sequence[Spoken], *, parent: str, salt: str) -> list[NewTurn]:
    """Return the turns with their ids.

    Args:
        session_id: the session.
        spoken: the messages.
        parent: the id of the turn before the first one.
        salt: the id of the turn that the first one replaces. Without it, a client that returns to an earlier version of
            a message would write the id of a removed turn, which is never stored again.
    """
    linked = []
    for each in spoken:
        key = "\x00".join((session_id, parent, salt, each.digest)).encode("utf-8", errors="surrogatepass")
        parent, salt = f"chat-{hashlib.sha256(key).hexdigest()[:24]}-{each.digest}", ""
        linked.append(NewTurn(turn_id=parent, spoken=each))
    return linked
