"""A person's edits: turns of role `edit` in a session of their own, each of which brings its batch's answer with it.

The client forms the answer and puts it into the turn's metadata; the archive stores it, unread, as the answer of a
batch of kind `manual`; consolidation carries it out. So an edit is ordered, repeated, replayed and forgotten like any
other turn.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from pydantic import BaseModel, ConfigDict, ValidationError

from afterturn import ids
from afterturn.candidate import Candidate
from afterturn.errors import AnswerMalformed, InvalidId
from afterturn.turns import Turn

#: Where the edits of each user are; no client can open it, because ids of sessions must not begin with a tilde.
SESSION = "~edits"
ROLE = "edit"
#: Which prompt and model an edit's stored answer is said to come from.
PROMPT_VERSION = "manual-1"
MODEL = "person"

#: Key of the answer in the turn's metadata.
_METADATA = "edit"
#: Facts in one turn: they become one batch, applied in one transaction. Fewer: more batches, one after the other.
FACTS_PER_TURN = 50
#: A turn's payload without its facts, at most: ids, time, names of fields.
_TURN_BYTES = 2_000
#: An edit's id leaves room for the numbers of the turns that it is split into.
ID_LIMIT_CHARACTERS = ids.ID_LIMIT_CHARACTERS - 4


class Action(StrEnum):
    """What a person does to a fact that is there."""

    #: Another fact, in the same answer, takes its place.
    CORRECT = "correct"
    PIN = "pin"
    UNPIN = "unpin"
    DELETE = "delete"


class Edit(BaseModel):
    """One action on one fact."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    action: Action
    #: It may have been superseded meanwhile: then the fact that is current in its place is meant.
    fact_id: UUID


class ManualAnswer(BaseModel):
    """The stored answer of a manual batch. What the person did not say of a fact is not set in it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    #: New facts; of a correction, the one that takes the corrected one's place.
    facts: tuple[Candidate, ...] = ()
    edits: tuple[Edit, ...] = ()
    #: Whether the new facts are pinned; None: as the corrected one is.
    pinned: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Entered:
    """A new fact as a person entered it, checked."""

    candidate: Candidate
    is_pinned: bool = False


def add(
    entered: Sequence[Entered], *, edit_id: str | None, agent_id: str | None, limit_bytes: int
) -> list[tuple[Turn, int]]:
    """Return the turns that add these facts, in order, each with how many of them it adds.

    The turns' ids follow from the edit's, so that a repeated call is the same edit. `limit_bytes` is what a turn may
    have. Raises InvalidId.
    """
    first_id = _checked_id(edit_id)
    found = []
    for number, part in enumerate(_parts(entered, limit_bytes)):
        candidates = tuple(one.candidate for one in part)
        answer = ManualAnswer(facts=candidates, pinned=part[0].is_pinned)
        content = "\n".join(candidate.text for candidate in candidates)
        turn_id = f"{first_id}/{number}" if number else first_id
        found.append((_turn(turn_id, content, answer, agent_id), len(part)))
    return found


def correct(
    fact_id: UUID, candidate: Candidate, *, pinned: bool | None, edit_id: str | None, agent_id: str | None
) -> Turn:
    """Return the turn that puts `candidate` in the place of a fact. Raises InvalidId."""
    edit = Edit(action=Action.CORRECT, fact_id=fact_id)
    answer = ManualAnswer(facts=(candidate,), edits=(edit,), pinned=pinned)
    return _turn(_checked_id(edit_id), candidate.text, answer, agent_id)


def act(action: Action, fact_id: UUID, *, edit_id: str | None, agent_id: str | None) -> Turn:
    """Return the turn that pins, unpins or deletes a fact. Raises InvalidId."""
    answer = ManualAnswer(edits=(Edit(action=action, fact_id=fact_id),))
    return _turn(_checked_id(edit_id), f"{action.value} {fact_id}", answer, agent_id)


def answer_of(metadata: Mapping[str, Any]) -> Any:
    """Return the answer, as JSON data, that an edit's turn brings with it."""
    return metadata.get(_METADATA)


def parse(text: str) -> ManualAnswer:
    """Return the answer of a manual batch. Raises AnswerMalformed."""
    try:
        return ManualAnswer.model_validate_json(text)
    except ValidationError as error:
        kinds = sorted({problem["type"] for problem in error.errors(include_input=False, include_url=False)})
        raise AnswerMalformed(f"the edit does not fit the schema: {', '.join(kinds)}") from None


def _turn(turn_id: str, content: str, answer: ManualAnswer, agent_id: str | None) -> Turn:
    return Turn(
        turn_id=turn_id,
        role=ROLE,
        content=content,
        occurred_at=datetime.now(UTC),
        agent_id=agent_id,
        metadata={_METADATA: answer.model_dump(mode="json", exclude_unset=True)},
    )


def _checked_id(edit_id: str | None) -> str:
    if edit_id is None:
        return ids.new_turn_id()
    checked = ids.validated("edit_id", edit_id)
    if len(checked) > ID_LIMIT_CHARACTERS:
        raise InvalidId(f"edit_id must have 1 to {ID_LIMIT_CHARACTERS} characters, not {len(checked)}")
    return checked


def _parts(entered: Sequence[Entered], limit_bytes: int) -> list[list[Entered]]:
    """Split facts into runs that fit one turn each: not too many, not too large, and all pinned or none."""
    parts: list[list[Entered]] = []
    room = 0
    for one in entered:
        size = _size(one.candidate)
        if not parts or len(parts[-1]) >= FACTS_PER_TURN or size > room or one.is_pinned != parts[-1][0].is_pinned:
            parts.append([])
            room = limit_bytes - _TURN_BYTES
        parts[-1].append(one)
        room -= size
    return parts


def _size(candidate: Candidate) -> int:
    """Return how many bytes of a turn a fact takes, or a few more: its text stands in the content as well."""
    return len(candidate.model_dump_json(exclude_unset=True).encode()) + 2 * len(candidate.text.encode()) + 8
