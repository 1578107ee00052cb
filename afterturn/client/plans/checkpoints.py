"""`checkpoint`: run the steps of a task, each once unless it fails or its process dies."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from afterturn import ids
from afterturn.client.effects import Call, Plan
from afterturn.client.plans import state
from afterturn.client.session import ClientSession
from afterturn.state import documents, steps
from afterturn.state.documents import DocumentName
from afterturn.state.steps import Step

#: Conflicts that a change of a checkpoint survives: several processes may run the same task.
_ATTEMPTS = 100
_KEY = "checkpoint"


def make_name(task_id: str) -> DocumentName:
    """Return the name of a task's document. Raises InvalidId."""
    return DocumentName("task", ids.validate_id("task_id", task_id), _KEY)


def run_step(
    session: ClientSession, name: DocumentName, step: str, function: Callable[[], Any], fence: int | None
) -> Plan[Any]:
    """Return the result of a step: the stored one if it is completed, else what `function` returns.

    What `function` raises is stored with the step, and raised again.
    """
    ids.validate_id("step", step)
    change = partial(state.update, session, name, attempts=_ATTEMPTS, fence=fence)
    begun = yield from change(lambda document: steps.begin(document, step))
    known = steps.find_step(begun.value, step)
    if known is not None and known.status == "completed":
        return known.result
    try:
        result = yield from Call(function)
        # What is no JSON value is an error of the step.
        kept = documents.decode(documents.encode(result))
    except Exception as error:
        failure = error
        yield from change(lambda document: steps.fail(document, step, failure))
        raise
    ended = yield from change(lambda document: steps.complete(document, step, kept))
    completed = steps.find_step(ended.value, step)
    return kept if completed is None else completed.result


def read(session: ClientSession, name: DocumentName) -> Plan[list[Step]]:
    """Return the steps of a task. Raises MemoryUnavailable."""
    return steps.read_steps((yield from state.get(session, name)).value)
