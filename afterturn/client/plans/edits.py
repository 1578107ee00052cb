"""A person's edits of facts. Each edit is checked, converted to turns, and sent in one round trip like a write."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from uuid import UUID

from afterturn import ids, turns
from afterturn.candidate import Candidate
from afterturn.client.effects import Plan
from afterturn.client.limits import ADD_FACTS_LIMIT
from afterturn.client.plans import hot
from afterturn.client.session import ClientSession, write_arguments
from afterturn.errors import InvalidInput
from afterturn.facts import edits, validation
from afterturn.facts.edits import Action, NewFact
from afterturn.turns import Turn

logger = logging.getLogger("afterturn.client")


def add_fact(session: ClientSession, text: str, *, edit_id: str | None = None, **fields: Any) -> Plan[str]:
    """Add a fact and return its id. `fields` are the arguments of `validation.make_candidate` other than the text."""
    [fact_id] = yield from add_facts(session, [{"text": text, **fields}], edit_id=edit_id)
    return fact_id


def add_facts(session: ClientSession, facts: Iterable[Mapping[str, Any]], *, edit_id: str | None) -> Plan[list[str]]:
    """Add facts, all or none, and return their ids. Raises InvalidInput."""
    limit_bytes = session.settings.turn_limit_bytes
    additions = edits.make_addition_turns(
        _make_new_facts(facts), edit_id=edit_id, agent_id=session.agent_id, limit_bytes=limit_bytes
    )
    if additions:
        yield from _send_turns(session, [turn for turn, _ in additions])
    return [_derive_fact_id(session, turn, index) for turn, count in additions for index in range(count)]


def correct_fact(
    session: ClientSession,
    fact_id: str | UUID,
    text: str,
    *,
    pinned: bool | None = None,
    edit_id: str | None = None,
    **fields: Any,
) -> Plan[str]:
    """Supersede a fact by a corrected one and return the new id. Raises InvalidInput."""
    turn = edits.make_correction_turn(
        validation.validate_fact_id(fact_id),
        _redact(validation.make_candidate(text, **fields)),
        pinned=None if pinned is None else _validate_pinned(pinned),
        edit_id=edit_id,
        agent_id=session.agent_id,
    )
    yield from _send_turns(session, [turn])
    return _derive_fact_id(session, turn, 0)


def pin_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Pin a fact. Raises InvalidInput."""
    yield from _send_action(session, Action.PIN, fact_id, edit_id)


def unpin_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Unpin a fact. Raises InvalidInput."""
    yield from _send_action(session, Action.UNPIN, fact_id, edit_id)


def keep_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Settle the contradictions of a fact: it stays. Raises InvalidInput."""
    yield from _send_action(session, Action.KEEP, fact_id, edit_id)


def delete_fact(session: ClientSession, fact_id: str | UUID, *, edit_id: str | None) -> Plan[None]:
    """Retract a fact. Raises InvalidInput."""
    yield from _send_action(session, Action.DELETE, fact_id, edit_id)


def _send_action(session: ClientSession, action: Action, fact_id: str | UUID, edit_id: str | None) -> Plan[None]:
    turn = edits.make_action_turn(
        action, validation.validate_fact_id(fact_id), edit_id=edit_id, agent_id=session.agent_id
    )
    yield from _send_turns(session, [turn])


def _send_turns(session: ClientSession, edit_turns: Sequence[Turn]) -> Plan[None]:
    limit_bytes = session.settings.turn_limit_bytes
    entries = [(turn.turn_id, turns.encode(turn, limit_bytes=limit_bytes)) for turn in edit_turns]
    yield from hot.send(session, session.edit_call, write_arguments(entries))


def _make_new_facts(fact_arguments: Iterable[Mapping[str, Any]]) -> list[NewFact]:
    """Return the facts of `add_facts`, each given by the arguments of `add_fact`. Raises InvalidInput."""
    new_facts = []
    for number, arguments in enumerate(fact_arguments):
        try:
            fields = dict(arguments)
            is_pinned = _validate_pinned(fields.pop("pinned", False))
            new_facts.append(NewFact(candidate=_redact(validation.make_candidate(**fields)), is_pinned=is_pinned))
        except TypeError as error:
            raise InvalidInput(f"fact {number} of add_facts: {error}") from None
    if len(new_facts) > ADD_FACTS_LIMIT:
        raise InvalidInput(f"add_facts accepts up to {ADD_FACTS_LIMIT} facts per call, not {len(new_facts)}")
    return new_facts


def _redact(candidate: Candidate) -> Candidate:
    """Return what a person enters as a fact, without secrets: they must not become memory."""
    from afterturn.extraction import candidates  # slow to import: the rules for secrets

    clean = candidates.redact_candidate(candidate)
    if clean is not candidate:
        logger.warning("a secret in the text of a fact was replaced: secrets are not kept as facts")
    return clean


def _derive_fact_id(session: ClientSession, turn: Turn, index: int) -> str:
    scope = session.scope
    return str(ids.derive_manual_fact_id(scope.tenant_id, scope.user_id, turn.turn_id, index))


def _validate_pinned(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidInput(f"pinned must be True or False, not {value!r}")
    return value
