"""A person's edits: turns of role `edit` in a separate session. Each contains the answer of its batch.

The client puts the answer into the turn's metadata. The archive stage stores it, without parsing it, as the answer of
a batch of kind `manual`. Consolidation applies it. So edits are ordered, deduplicated, replayed and forgotten like all
other turns.
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

#: The session of each user's edits. Clients cannot open it: session ids must not begin with a tilde.
SESSION_ID = "~edits"
ROLE = "edit"
#: Stored as the prompt version and model of an edit's answer.
PROMPT_VERSION = "manual-1"
MODEL = "person"

#: Key of the answer in the turn's metadata.
_METADATA_KEY = "edit"
#: Facts per turn. They become one batch and are applied in one transaction. Fewer: more batches, one after another.
FACTS_PER_TURN = 50
#: Upper bound of a turn's payload without its facts: ids, time, field names.
_TURN_OVERHEAD_BYTES = 2_000
#: An edit may be split into several turns, whose ids are the edit's id and a number of up to 4 characters.
ID_LIMIT_CHARACTERS = ids.ID_LIMIT_CHARACTERS - 4
ID_LIMIT_BYTES = ids.ID_LIMIT_BYTES - 4


class Action(StrEnum):
    """What a person does with an existing fact."""

    #: Replace it with the fact in the same answer.
    CORRECT = "correct"
    PIN = "pin"
    UNPIN = "unpin"
    DELETE = "delete"
    #: End the facts that contradict it.
    KEEP = "keep"


class Edit(BaseModel):
    """One action on one fact."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    action: Action
    #: If the fact was superseded since, the edit applies to the fact that is current in its place.
    fact_id: UUID


class ManualAnswer(BaseModel):
    """The stored answer of a manual batch. Fields of a fact that the person did not give are not set in it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    #: New facts. Of a correction: the one fact that replaces the corrected one.
    facts: tuple[Candidate, ...] = ()
    edits: tuple[Edit, ...] = ()
    #: Whether the new facts are pinned; None: as the corrected fact is.
    pinned: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFact:
    """A new fact that a person entered, validated."""

    candidate: Candidate
    is_pinned: bool = False


def make_addition_turns(
    new_facts: Sequence[NewFact], *, edit_id: str | None, agent_id: str | None, limit_bytes: int
) -> list[tuple[Turn, int]]:
    """Return the turns that add these facts, in order, each with the number of facts that it adds.

    The ids of the turns are derived from the edit's id, so that a repeated call is the same edit.

    Args:
        new_facts: the facts to add.
        edit_id: the caller's id; None: a new one.
        agent_id: the agent that makes the edit.
        limit_bytes: the largest payload of one turn.

    Raises InvalidId.
    """
    first_id = _validate_edit_id(edit_id)
    turns_and_counts = []
    for number, group in enumerate(_split(new_facts, limit_bytes)):
        candidates = tuple(new_fact.candidate for new_fact in group)
        answer = ManualAnswer(facts=candidates, pinned=group[0].is_pinned)
        content = "\n".join(candidate.text for candidate in candidates)
        turn_id = f"{first_id}/{number}" if number else first_id
        turns_and_counts.append((_make_turn(turn_id, content, answer, agent_id), len(group)))
    return turns_and_counts


def make_correction_turn(
    fact_id: UUID, candidate: Candidate, *, pinned: bool | None, edit_id: str | None, agent_id: str | None
) -> Turn:
    """Return the turn that replaces a fact with `candidate`. Raises InvalidId."""
    edit = Edit(action=Action.CORRECT, fact_id=fact_id)
    answer = ManualAnswer(facts=(candidate,), edits=(edit,), pinned=pinned)
    return _make_turn(_validate_edit_id(edit_id), candidate.text, answer, agent_id)


def make_action_turn(action: Action, fact_id: UUID, *, edit_id: str | None, agent_id: str | None) -> Turn:
    """Return the turn that pins, unpins or deletes a fact. Raises InvalidId."""
    answer = ManualAnswer(edits=(Edit(action=action, fact_id=fact_id),))
    return _make_turn(_validate_edit_id(edit_id), f"{action.value} {fact_id}", answer, agent_id)


def answer_from_metadata(metadata: Mapping[str, Any]) -> Any:
    """Return the answer, as JSON data, in the metadata of an edit's turn."""
    return metadata.get(_METADATA_KEY)


def count_new_facts(metadata: Mapping[str, Any]) -> int:
    """Return how many facts the edit in the metadata of a turn adds."""
    answer = answer_from_metadata(metadata)
    facts = answer.get("facts", ()) if isinstance(answer, Mapping) else ()
    return len(facts)


def parse_answer(text: str) -> ManualAnswer:
    """Parse the stored answer of a manual batch. Raises AnswerMalformed."""
    try:
        return ManualAnswer.model_validate_json(text)
    except ValidationError as error:
        kinds = sorted({problem["type"] for problem in error.errors(include_input=False, include_url=False)})
        raise AnswerMalformed(f"the edit does not fit the schema: {', '.join(kinds)}") from None


def _make_turn(turn_id: str, content: str, answer: ManualAnswer, agent_id: str | None) -> Turn:
    return Turn(
        turn_id=turn_id,
        role=ROLE,
        content=content,
        occurred_at=datetime.now(UTC),
        is_stamped=True,
        agent_id=agent_id,
        metadata={_METADATA_KEY: answer.model_dump(mode="json", exclude_unset=True)},
        has_given_id=True,
    )


def _validate_edit_id(edit_id: str | None) -> str:
    if edit_id is None:
        return ids.new_turn_id()
    valid_id = ids.validate_id("edit_id", edit_id)
    if len(valid_id) > ID_LIMIT_CHARACTERS:
        raise InvalidId(f"edit_id must have 1 to {ID_LIMIT_CHARACTERS} characters, not {len(valid_id)}")
    if len(valid_id.encode()) > ID_LIMIT_BYTES:
        raise InvalidId(f"edit_id must have at most {ID_LIMIT_BYTES} bytes in UTF-8, not {len(valid_id.encode())}")
    return valid_id


def _split(new_facts: Sequence[NewFact], limit_bytes: int) -> list[list[NewFact]]:
    """Split facts into groups of one turn each, limited in number and size, with all facts pinned or none."""
    groups: list[list[NewFact]] = []
    free_bytes = 0
    for fact in new_facts:
        size = _size_bytes(fact.candidate)
        is_full = not groups or len(groups[-1]) >= FACTS_PER_TURN or size > free_bytes
        if is_full or fact.is_pinned != groups[-1][0].is_pinned:
            groups.append([])
            free_bytes = limit_bytes - _TURN_OVERHEAD_BYTES
        groups[-1].append(fact)
        free_bytes -= size
    return groups


def _size_bytes(candidate: Candidate) -> int:
    """Return an upper bound of the bytes that a fact takes in a turn. Its text is in the content as well."""
    return len(candidate.model_dump_json(exclude_unset=True).encode()) + 2 * len(candidate.text.encode()) + 8
