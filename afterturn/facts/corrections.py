"""Corrections: fill in what a correction does not say from the fact that it corrects."""

from __future__ import annotations

from typing import Any

from afterturn.candidate import Candidate
from afterturn.database import queries
from afterturn.database.pool import Connection
from afterturn.facts.edits import Action, ManualAnswer
from afterturn.scopes import UserScope

_SQL = queries.load("known_facts")

#: Fields that a correction inherits where it does not set them. `value` is not among them: the new text replaces it.
_INHERITED_FIELDS = ("category", "topics", "subject", "attribute", "importance", "life")
#: Inherited only if the correction sets neither: the old fact was then wrong from the beginning. Otherwise the old fact
#: was true until the new one began.
_TIME_FIELDS = ("valid_from", "valid_to")


def complete_correction(connection: Connection, scope: UserScope, answer: ManualAnswer) -> ManualAnswer:
    """Return an edit's answer with the fields that its correction inherits; unchanged if it corrects no known fact."""
    corrected_id = next((edit.fact_id for edit in answer.edits if edit.action is Action.CORRECT), None)
    if corrected_id is None:
        return answer
    row = connection.execute(_SQL["newest_version"], scope.key | {"fact_id": corrected_id}).fetchone()
    if row is None:
        return answer
    return answer.model_copy(update={"facts": tuple(_inherit(candidate, row) for candidate in answer.facts)})


def _inherit(candidate: Candidate, corrected: dict[str, Any]) -> Candidate:
    fields_set = candidate.model_fields_set
    names = [name for name in _INHERITED_FIELDS if name not in fields_set]
    if fields_set.isdisjoint(_TIME_FIELDS):
        names += _TIME_FIELDS
    inherited = {name: corrected[name] for name in names}
    if "topics" in inherited:
        inherited["topics"] = tuple(inherited["topics"])
    return candidate.model_copy(update=inherited)
