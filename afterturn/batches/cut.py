"""Cut archived turns into batches: by size, idle time or age, or on a flush."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from afterturn.batches.subjects import announces_subject
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
    #: When Redis acknowledged it, in seconds.
    written_at: float = 0.0
    #: Whether it ends with a question.
    is_question: bool = False
    #: The end of its text.
    ending: str = ""
    #: Its text, if it is archived now; else the turns before it were cut when it was, if it announced another subject.
    content: str = ""


#: A batch with this share of a full one is cut before a turn that announces another subject. Smaller: fresher facts,
#: and more calls.
SUBJECT_SHARE = 1 / 2
#: Questions at the end of a full batch that go to the next one, to their answers. More: of people who only ask, batches
#: become smaller.
MAX_HELD_QUESTIONS = 2


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
    #: Whether it is cut at once: it is full, or its subject is over.
    is_full: bool
    is_subject_over: bool = False


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
    A full batch does not end with a question: the question stays with its answer, even if both exceed the tokens. A
    turn that announces another subject starts the next batch, if the one before is not small.
    """
    cuts: list[Cut] = []
    run: list[UncutTurn] = []
    for turn in uncut:
        if run and _tokens(run) + turn.tokens > limits.tokens and not _only_asks(run):
            run = _add_full(cuts, run, limits)
        elif _ends_subject(run, turn, limits):
            cuts.append(replace(_cut(run, is_full=True), is_subject_over=True))
            run = []
        run.append(turn)
        if len(run) >= limits.turns or _tokens(run) >= limits.tokens:
            run = _add_full(cuts, run, limits)
    if run:
        cuts.append(_cut(run, is_full=False))
    return cuts


def _add_full(cuts: list[Cut], run: list[UncutTurn], limits: Limits) -> list[UncutTurn]:
    """Add a full batch of these turns, and return the questions at its end, which begin the next one."""
    end = len(run) - count_held_questions(run)
    if _tokens(run[end:]) >= limits.tokens:
        end = len(run)
    cuts.append(_cut(run[:end], is_full=True))
    return run[end:]


def count_held_questions(run: Sequence[UncutTurn]) -> int:
    """Return how many of the last turns are questions that wait for their answers. At least one turn is left to cut."""
    held = 0
    while held < min(MAX_HELD_QUESTIONS, len(run) - 1) and run[-1 - held].is_question:
        held += 1
    return held


def _ends_subject(run: Sequence[UncutTurn], turn: UncutTurn, limits: Limits) -> bool:
    is_large_enough = len(run) >= SUBJECT_SHARE * limits.turns or _tokens(run) >= SUBJECT_SHARE * limits.tokens
    return bool(run) and is_large_enough and not run[-1].is_question and announces_subject(turn.content)


def _only_asks(run: Sequence[UncutTurn]) -> bool:
    return len(run) <= MAX_HELD_QUESTIONS and all(turn.is_question for turn in run)


def _tokens(run: Sequence[UncutTurn]) -> int:
    return sum(turn.tokens for turn in run)


def _cut(run: Sequence[UncutTurn], *, is_full: bool) -> Cut:
    return Cut(
        first_position=run[0].position,
        last_position=run[-1].position,
        tokens=_tokens(run),
        is_full=is_full,
    )


def batch_id(session: SessionScope, user_seq: int, first_position: int) -> uuid.UUID:
    """Derive a batch's id from its session, its number among its user's batches, and its first position."""
    owner = "\x00".join((session.tenant_id, session.user_id, session.session_id))
    return uuid.uuid5(_BATCHES, f"{owner}\x00{user_seq}\x00{first_position}")
