"""Cut archived turns into batches: by size, idle time or age, or on a flush."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from afterturn.chat_messages import ROLES_OF_PEOPLE
from afterturn.scopes import SessionScope, UserScope

#: Namespace of batch ids. If the same turns are cut again at the same place, the batch gets the same id.
_BATCHES = uuid.UUID("0e6f35a0-7f0e-5e8c-8c55-3d0d7f6b8a11")


@dataclass(frozen=True, slots=True)
class UncutTurn:
    """The fields of a turn that cutting uses."""

    position: int
    #: About how many of its tokens extraction shows.
    tokens: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The size of a full batch: this many turns or tokens, whichever comes first."""

    turns: int
    tokens: int


#: Extraction shows about this much of a turn that no person wrote, however long it is (`extraction/excerpts`). Smaller
#: than what it shows: batches are larger than AFTERTURN_BATCH_TOKENS. Larger: there are more calls.
MOST_SHOWN_TOKENS = 240

#: Each turn is a batch of its own.
SINGLY = Limits(turns=1, tokens=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """A run of consecutive turns that becomes one batch."""

    first_position: int
    last_position: int
    tokens: int
    is_full: bool


@dataclass(frozen=True, slots=True)
class NewBatch:
    """A batch that was just cut."""

    scope: UserScope
    batch_id: uuid.UUID
    #: The next stage: extract, or embed for a person's edit, which needs no extraction.
    stage: str
    #: Whether it is sent to that stage now. Otherwise the sweep hands it out.
    is_handed_on: bool = False
    #: How many batches of its user were open when it was cut.
    place: int = 0


def shown_tokens(role: str, tokens: int) -> int:
    """Return about how many tokens extraction shows of a turn: all of a person's, and of others only an excerpt.

    Args:
        role: of the turn.
        tokens: of the whole turn.
    """
    return tokens if role in ROLES_OF_PEOPLE else min(tokens, MOST_SHOWN_TOKENS)


def plan_cuts(uncut: Iterable[UncutTurn], limits: Limits) -> list[Cut]:
    """Split consecutive turns into batches; the last one may not be full.

    A turn with which a batch would exceed its tokens starts the next one. A turn larger than a batch is a batch alone.
    """
    cuts: list[Cut] = []
    run: list[UncutTurn] = []
    tokens = 0
    for turn in uncut:
        if run and tokens + turn.tokens > limits.tokens:
            cuts.append(_cut(run, is_full=True))
            run, tokens = [], 0
        run.append(turn)
        tokens += turn.tokens
        if len(run) >= limits.turns or tokens >= limits.tokens:
            cuts.append(_cut(run, is_full=True))
            run, tokens = [], 0
    if run:
        cuts.append(_cut(run, is_full=False))
    return cuts


def _cut(run: Sequence[UncutTurn], *, is_full: bool) -> Cut:
    return Cut(
        first_position=run[0].position,
        last_position=run[-1].position,
        tokens=sum(turn.tokens for turn in run),
        is_full=is_full,
    )


def batch_id(session: SessionScope, user_seq: int, first_position: int) -> uuid.UUID:
    """Derive a batch's id from its session, its number among its user's batches, and its first position."""
    owner = "\x00".join((session.tenant_id, session.user_id, session.session_id))
    return uuid.uuid5(_BATCHES, f"{owner}\x00{user_seq}\x00{first_position}")
