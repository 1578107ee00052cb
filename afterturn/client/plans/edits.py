"""A person's edits of facts: each is checked, formed into turns, and sent in one round trip, like a write."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from afterturn import ids, turns
from afterturn.client.effects import Plan
from afterturn.client.limits import ADD_FACTS_LIMIT
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession, arguments
from afterturn.errors import InvalidInput
from afterturn.facts import edits, validation
from afterturn.facts.edits import Action, NewFact
from afterturn.turns import Turn


def add_fact(session: ClientSession, text: str, *, edit_id: str | None = None, **said: Any) -> Plan[str]:
    """Enter a fact; `said` is what the person says besides its text. Return the id that it will have."""
    [fact_id] = yield from add_facts(session, [{"text": text, **said}], edit_id=edit_id)
    return fact_id


def add_facts(session: ClientSession, facts: Iterable[Mapping[str, Any]], *, edit_id: str | None) -> Plan[list[str]]:
    """Enter facts, all or none, and return the ids that they will have. Raises InvalidInput."""
    limit_bytes = session.settings.turn_limit_bytes
    written = edits.make_addition_turns(
        _entered(facts), edit_id=edit_id, agent_id=session.agent_id, limit_bytes=limit_bytes
    )
    if written:
        yield from _send(session, [turn for turn, _ in written])
    return [_fact_id(session, turn, index) for turn, count in written for index in range(count)]


def correct_fact(
    session: ClientSession,
    fact_id: str | UUID,
    text: str,
    *,
    pinned: bool | None = None,
    edit_id: str | None = None,
    **said: Any,
) -> Plan[str]:
    """Put another fact in a fact's place and return the id that it will have. Raises InvalidInput."""
    turn = edits.make_correction_turn(
        validation.validate_fact_id(fact_id),
        validation.make_candidate(text, **said),
        pinned=None if pinned is None else _checked_pinned(pinned),
        edit_id=edit_id,
        agent_id=session.agent_id,
    )
    yield from _send(session, [turn])
    return _fact_id(session, turn, 0)


def pin_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Pin a fact. Raises InvalidInput."""
    yield from _act(session, Action.PIN, fact_id, edit_id)


def unpin_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Unpin a fact. Raises InvalidInput."""
    yield from _act(session, Action.UNPIN, fact_id, edit_id)


def delete_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Retract a fact. Raises InvalidInput."""
    yield from _act(session, Action.DELETE, fact_id, edit_id)


def _act(session: ClientSession, action: Action, fact_id: str | UUID, edit_id: str | None) -> Plan[None]:
    turn = edits.make_action_turn(
        action, validation.validate_fact_id(fact_id), edit_id=edit_id, agent_id=session.agent_id
    )
    yield from _send(session, [turn])


def _send(session: ClientSession, written: Sequence[Turn]) -> Plan[None]:
    limit_bytes = session.settings.turn_limit_bytes
    entries = [(turn.turn_id, turns.encode(turn, limit_bytes=limit_bytes)) for turn in written]
    yield from hot.send(session, session.edit_call, arguments(entries))


def _entered(given: Iterable[Mapping[str, Any]]) -> list[NewFact]:
    """Return the checked facts of `add_facts`, each a mapping of `add_fact`'s arguments; all of them, or an error."""
    found = []
    for number, arguments_of_it in enumerate(given):
        try:
            said = dict(arguments_of_it)
            is_pinned = said.pop("pinned", False)
            found.append(NewFact(candidate=validation.make_candidate(**said), is_pinned=_checked_pinned(is_pinned)))
        except TypeError as error:
            raise InvalidInput(f"fact {number} of add_facts: {error}") from None
    if len(found) > ADD_FACTS_LIMIT:
        raise InvalidInput(f"add_facts takes up to {ADD_FACTS_LIMIT} facts at a time, not {len(found)}")
    return found


def _fact_id(session: ClientSession, turn: Turn, index: int) -> str:
    scope = session.scope
    return str(ids.derive_manual_fact_id(scope.tenant_id, scope.user_id, turn.turn_id, index))


def _checked_pinned(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"pinned must be True or False, not {value!r}")
    return value
