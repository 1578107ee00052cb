"""What both clients do without I/O when a person edits facts: check it, form the turns, name the facts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypedDict
from uuid import UUID

from afterturn import ids
from afterturn.errors import InvalidInput
from afterturn.facts import edits, validation
from afterturn.facts.edits import Action, NewFact
from afterturn.turns import Turn
from api_shim.conversation import Conversation

ADD_FACTS_LIMIT = 1_000


class Said(TypedDict):
    """What a person may say of a fact besides its text; None or empty where they do not."""

    category: str | None
    topics: Sequence[str]
    subject: str | None
    attribute: str | None
    value: str | None
    importance: float | None
    valid_from: datetime | None
    valid_to: datetime | None


def new_facts(given: Iterable[Mapping[str, Any]]) -> list[NewFact]:
    """Return the checked facts of `add_facts`, each a mapping of `add_fact`'s arguments; all of them, or an error."""
    found = []
    for number, arguments in enumerate(given):
        try:
            said = dict(arguments)
            is_pinned = said.pop("pinned", False)
            found.append(NewFact(candidate=validation.make_candidate(**said), is_pinned=_checked_pinned(is_pinned)))
        except TypeError as error:
            raise InvalidInput(f"fact {number} of add_facts: {error}") from None
    if len(found) > ADD_FACTS_LIMIT:
        raise InvalidInput(f"add_facts takes up to {ADD_FACTS_LIMIT} facts at a time, not {len(found)}")
    return found


def addition(conversation: Conversation, facts: Sequence[NewFact], edit_id: str | None) -> tuple[list[Turn], list[str]]:
    """Return the turns that add these facts, and the ids that the facts will have, in order. Raises InvalidId."""
    written = edits.make_addition_turns(
        facts,
        edit_id=edit_id,
        agent_id=conversation.agent_id,
        limit_bytes=conversation.settings.turn_limit_bytes,
    )
    fact_ids = [_fact_id(conversation, turn, index) for turn, count in written for index in range(count)]
    return [turn for turn, _ in written], fact_ids


def correction(
    conversation: Conversation, fact_id: str | UUID, text: str, said: Said, pinned: bool | None, edit_id: str | None
) -> tuple[Turn, str]:
    """Return the turn of a correction, and the id of the fact that takes the other's place. Raises InvalidInput."""
    turn = edits.make_correction_turn(
        validation.validate_fact_id(fact_id),
        validation.make_candidate(text, **said),
        pinned=None if pinned is None else _checked_pinned(pinned),
        edit_id=edit_id,
        agent_id=conversation.agent_id,
    )
    return turn, _fact_id(conversation, turn, 0)


def action(conversation: Conversation, name: Action, fact_id: str | UUID, edit_id: str | None) -> Turn:
    """Return the turn that pins, unpins or deletes a fact. Raises InvalidInput."""
    return edits.make_action_turn(
        name, validation.validate_fact_id(fact_id), edit_id=edit_id, agent_id=conversation.agent_id
    )


def _fact_id(conversation: Conversation, turn: Turn, index: int) -> str:
    session = conversation.session
    return str(ids.derive_manual_fact_id(session.tenant_id, session.user_id, turn.turn_id, index))


def _checked_pinned(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"pinned must be True or False, not {value!r}")
    return value
