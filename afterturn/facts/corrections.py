"""A correction says what is different; the rest it takes over from the fact that it corrects."""

from __future__ import annotations

from typing import Any

from afterturn.candidate import Candidate
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.facts.edits import Action, ManualAnswer
from afterturn.scopes import UserScope

_SQL = queries.load("known_facts")

#: Not its value, which the new text gives anew.
_TAKEN_OVER = ("category", "topics", "subject", "attribute", "importance")
#: Where the person names no time: a mistake was one from the beginning. Where they do, the old one held until then.
_TIMES = ("valid_from", "valid_to")


def completed(connection: Connection, scope: UserScope, answer: ManualAnswer) -> ManualAnswer:
    """Return an edit's answer with what its correction takes over; as it is where there is nothing to take over."""
    corrected = next((edit.fact_id for edit in answer.edits if edit.action is Action.CORRECT), None)
    if corrected is None:
        return answer
    owner = scope.key
    row = connection.execute(_SQL["newest_version"], owner | {"fact_id": corrected}).fetchone()
    if row is None:
        return answer
    return answer.model_copy(update={"facts": tuple(_completed(candidate, row) for candidate in answer.facts)})


def _completed(candidate: Candidate, corrected: dict[str, Any]) -> Candidate:
    said = candidate.model_fields_set
    names = [name for name in _TAKEN_OVER if name not in said]
    if said.isdisjoint(_TIMES):
        names += _TIMES
    taken = {name: corrected[name] for name in names}
    if "topics" in taken:
        taken["topics"] = tuple(taken["topics"])
    return candidate.model_copy(update=taken)
